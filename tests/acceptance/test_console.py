"""The console as `wirewatch up` runs it: open to who has the key, restarted when it dies, its key in no log."""

import contextlib
import signal
import urllib.error
import urllib.request

import psutil
import pytest
from desk import BASELINE, Desk, entries, wait_for

from worker.up import choose_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as made:
        made.port = choose_port(0)
        yield made


def page(desk, key):
    """What a program with this key reads; the status of a refusal, None while nobody answers."""
    asked = urllib.request.Request(f"http://127.0.0.1:{desk.port}/", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with contextlib.closing(refusal):
            return refusal.code
    except OSError:
        return None


def lines(up):
    """Every process below `up` that lives, with its command line."""
    found = {}
    for one in psutil.Process(up.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found[one] = one.cmdline()
    return found


def role(up):
    return next((one for one, line in lines(up).items() if "console" in line), None)


def test_j01_j06_up_serves_the_console_to_who_has_the_key(desk):
    up = desk.start()
    key = (desk.data / "console.key").read_text().strip()
    assert page(desk, "wrong") == 401
    wait_for(desk.polled)
    desk.set_feed("a", entries(1) + BASELINE)
    wait_for(lambda: "Factory one visited" in str(page(desk, key)), what="the alert on the page")
    wait_for(lambda: "sent after" in page(desk, key), what="its delivery on the page")
    first = role(up)
    first.send_signal(signal.SIGKILL)
    wait_for(lambda: role(up) not in (None, first) and "Factory one" in str(page(desk, key)), what="the next console")
    assert key not in desk.logs.read_text(), "a key in a log opens the desk to who reads logs"
    assert not [line for line in lines(up).values() if key in " ".join(line)]
