"""The Procfile's processes, started line by line as foreman would, two of each worker, on PostgreSQL and Redis over TCP
behind passwords. Articles go through; some processes are killed and the rest goes on; all stop in order."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest
from desk import BASELINE, Desk, entries, living, wait_for

from worker.beats import READY_FOLDER
from worker.store.heartbeats import list_heartbeats
from worker.up import choose_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ROOT = pathlib.Path(__file__).parents[2]
LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
TWICE = ("worker", "analyse")
BEATS = {"worker": "poll-deliver", "analyse": "analyse", "scheduler": "scheduler", "console": "console"}
SLOW = 120  # seconds for what takes a few on an idle machine
GRACE = 30  # seconds that docker-compose.yml gives a role to stop


class Role:
    """One process of the Procfile: its line given to a shell, in a group of its own; its log; where it beats."""

    def __init__(self, desk, kind, number, **variables):
        self.kind, self.name = kind, f"{kind}.{number}"
        self.log = desk.folder / f"{self.name}.log"
        self.beats = desk.folder / f"{self.name}.beats"
        self.beats.mkdir(exist_ok=True)
        self.port = choose_port(0)
        path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
        mine = {"PATH": path, "PORT": str(self.port), READY_FOLDER: str(self.beats)}
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                ["sh", "-c", LINES[kind]],
                cwd=desk.folder,  # config/ and var/ lie there
                env=desk.environ() | mine | variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def serves(self):
        return (self.beats / f"{BEATS[self.kind]}.ready").exists()

    def said(self):
        return self.log.read_text()

    def everyone(self):
        """Itself and all below it, as psutil's."""
        with contextlib.suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.popen.pid)
            return [own, *own.children(recursive=True)]
        return []

    def ask_to_stop(self):
        """The whole group, as foreman, honcho and systemd ask."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGTERM)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


@pytest.fixture
def desk(tmp_path, postgres_tcp, redis_tcp):
    with Desk(tmp_path, database_url=postgres_tcp.new_database(), redis_url=redis_tcp.url) as made:
        yield made


@pytest.fixture
def start(desk):
    """Starts a role; none outlives the test, and all that they said is shown when it failed."""
    started = []

    def start(kind, number=1, **variables):
        started.append(Role(desk, kind, number, **variables))
        return started[-1]

    yield start
    for role in started:
        role.kill()
        print(f"---- {role.name}\n{role.said()[-4000:]}")


def wait_until_serving(roles):
    for role in roles:
        wait_for(lambda role=role: role.serves or role.popen.poll() is not None, seconds=SLOW, what=role.name)
        assert role.popen.poll() is None, role.said()


def publish(desk, items, told):
    """`items` are in the feed; waits until each is stored once, and told once by mail and once by webhook."""
    desk.set_feed("a", items + BASELINE)
    wait_for(lambda: desk.sent() == 2 * told, seconds=SLOW, what="every delivery")
    desk.check_alerts(items)


def check_secrets(roles, *passwords):
    """Nobody on the machine reads a password in a command line, nor in what the roles said."""
    for role in roles:
        shown = role.said() + str([one.cmdline() for one in living(role.everyone())])
        assert not [password for password in passwords if password in shown], role.name


def check_beats(desk, roles):
    """The record knows each process by the number that its keeper knows, so both of a kind: no shell is in between."""
    expected = sorted((BEATS[role.kind], role.popen.pid) for role in roles)
    seen = lambda: sorted((one.role, one.pid) for one in list_heartbeats(desk.store))  # noqa: E731
    wait_for(lambda: seen() == expected, seconds=SLOW, what=f"the beats {expected}")


def stop_all(roles):
    family = [one for role in roles for one in role.everyone()]
    for role in roles:
        role.ask_to_stop()
    ends = {role.name: role.popen.wait(GRACE) for role in roles}
    assert set(ends.values()) == {0}, ends
    wait_for(lambda: not living(family), seconds=10, what="the end of all that they had started")


def test_apart_two_of_each_share_the_work_lose_one_of_each_and_stop_in_order(desk, start, postgres_tcp, redis_tcp):
    roles = [start(kind, number) for kind in LINES for number in ((1, 2) if kind in TWICE else (1,))]
    wait_until_serving(roles)
    wait_for(lambda: redis_tcp.listeners() == 4, seconds=SLOW, what="four workers that listen")
    wait_for(desk.polled, seconds=SLOW)
    check_beats(desk, roles)

    publish(desk, entries(1), 1)
    assert (len(desk.mail.received), len(desk.webhook.received)) == (1, 1)

    # Both of each kind take a part: whoever is free takes what comes.
    items = entries(1)
    signs = {"worker": "event='feed_polled'", "analyse": "event='articles_analysed'"}
    while len(items) < 120 and not all(signs[role.kind] in role.said() for role in roles if role.kind in TWICE):
        items = entries(len(items) + 4)
        publish(desk, items, len(items))
    assert all(signs[role.kind] in role.said() for role in roles if role.kind in TWICE)

    console = next(role for role in roles if role.kind == "console")
    with urllib.request.urlopen(f"http://127.0.0.1:{console.port}/healthz", timeout=10) as answer:
        assert answer.status == 200
    check_secrets(roles, postgres_tcp.password, redis_tcp.password)

    # One worker of each kind is killed, and the only scheduler: the others' timers do its work.
    lost = [role for role in roles if role.name in ("worker.1", "analyse.1", "scheduler.1")]
    kept = [role for role in roles if role not in lost]
    below = [one for role in lost for one in role.everyone()]
    for role in lost:
        os.kill(role.popen.pid, signal.SIGKILL)
    wait_for(lambda: not living(below), seconds=20, what="the end of the killed ones' children")
    more = entries(len(items) + 6)
    desk.set_feed("a", more + BASELINE)
    desk.check_alerts(more)

    stop_all(kept)
    assert not [role.name for role in roles if "Traceback" in role.said()]
    check_secrets(roles, postgres_tcp.password, redis_tcp.password)


@pytest.mark.parametrize("kind", ["worker", "analyse", "scheduler"])
def test_apart_a_refused_password_of_redis_is_said_and_waited_out(desk, start, redis_tcp, kind):
    """The database is right, and holds the promise: the role works on by its own timers."""
    role = start(kind, REDIS_URL=desk.redis_url.replace(redis_tcp.password, "canary-of-mine"))
    wait_for(lambda: "broker_refuses" in role.said(), seconds=SLOW, what="the word")
    assert "Redis refuses the password of REDIS_URL" in role.said()
    wait_for(lambda: role.serves, seconds=SLOW, what="the start")
    if kind == "worker":
        wait_for(desk.polled, seconds=SLOW, what="the poll by its own timer")
    stop_all([role])
    assert "Traceback" not in role.said()
    check_secrets([role], "canary-of-mine")


@pytest.mark.parametrize("kind", ["worker", "console"])
def test_apart_a_refused_password_of_the_database_ends_who_cannot_do_without(desk, start, postgres_tcp, kind):
    role = start(kind, DATABASE_URL=desk.database_url.replace(postgres_tcp.password, "canary-of-mine"))
    assert role.popen.wait(SLOW) == 1
    plain = r'(?m)^The database \S+ cannot be used: .*password authentication failed for user "wirewatch"'
    assert re.search(plain, role.said())
    assert "Traceback" not in role.said()
    check_secrets([role], "canary-of-mine")


@pytest.mark.parametrize(("kind", "event"), [("analyse", "worker_not_started"), ("scheduler", "heartbeat_not_saved")])
def test_apart_a_refused_password_of_the_database_is_said_by_who_waits(desk, start, postgres_tcp, kind, event):
    """The analyst tries again; the scheduler needs the database for its row alone."""
    role = start(kind, DATABASE_URL=desk.database_url.replace(postgres_tcp.password, "canary-of-mine"))
    wait_for(lambda: f"event='{event}'" in role.said(), seconds=SLOW, what="the word")
    line = next(line for line in role.said().splitlines() if event in line)
    assert "password authentication failed" in line
    role.popen.terminate()  # the one process alone, as a container's engine does
    assert role.popen.wait(GRACE) == 0
    assert "Traceback" not in role.said()
    check_secrets([role], "canary-of-mine")


@pytest.mark.parametrize("kind", LINES)
def test_j06_apart_an_address_that_nobody_can_read_stops_a_role_and_is_not_quoted(desk, start, kind):
    bad = {"REDIS_URL": "redis://:canary/of-mine@127.0.0.1:6379/0"}
    if kind == "console":  # it has nothing to do with Redis
        bad = {"DATABASE_URL": "postgresql://wirewatch:can@ary-of-mine@127.0.0.1:5432/x"}
    role = start(kind, **bad)
    assert role.popen.wait(SLOW) == 1
    assert role.said().splitlines()[-1].startswith(f"{next(iter(bad))} is no")
    assert "Traceback" not in role.said()
    check_secrets([role], "canary", "of-mine")
