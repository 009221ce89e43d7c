"""Every command of the README is run, as a newcomer would: in order, in an empty folder. Only the port is our own."""

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import yaml
from desk import wait_for

from worker.up import READY_FOLDER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ROOT = pathlib.Path(__file__).parents[2]
SERVERS = re.compile(r"wirewatch (up|worker|scheduler|console)\b")
WITH_PORT = re.compile(r"wirewatch (up|console)\b")


def documented():
    """The README's commands in order, without comments."""
    lines = re.findall(r"^    (\S.*)$", (ROOT / "README.md").read_text(), re.M)
    return [line.split("  #")[0].strip() for line in lines]


COMMANDS = documented()


def test_readme_has_its_commands():
    assert COMMANDS[:2] == ["make demo", "make test"]
    assert {"wirewatch init mydesk", "wirewatch up --config mydesk"} <= set(COMMANDS)


@pytest.mark.parametrize("command", [line for line in COMMANDS if line.startswith("make ")])
def test_readme_make_targets_exist(command):
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_readme_commands_do_what_they_say(tmp_path, redis_url):
    environ = dict(os.environ) | {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
    for number, command in enumerate(line for line in COMMANDS if not line.startswith("make ")):
        if SERVERS.match(command):
            # `up` brings its own Redis; the others are told of one, as the README says.
            apart = {} if command.startswith("wirewatch up") else {"REDIS_URL": redis_url}
            serve(command, number, folder=tmp_path, environ=environ | apart)
            continue
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if command.startswith("wirewatch init"):
            make_ours(tmp_path / "mydesk")


def make_ours(desk):
    """The contact, as the README says; and no test asks a publisher for anything: .invalid leads nowhere (RFC 6761)."""
    settings = (desk / "settings.yaml").read_text()
    (desk / "settings.yaml").write_text(settings.replace("operator@example.org", "tests@wirewatch.example"))
    feeds = yaml.safe_load((desk / "feeds.yaml").read_text())
    for feed in feeds["feeds"]:
        feed["url"] = f"https://{feed['id']}.invalid/"
    (desk / "feeds.yaml").write_text(yaml.safe_dump(feeds, allow_unicode=True))


def serve(command, number, *, folder, environ):
    """Starts it, waits until it says that it serves, stops it with SIGTERM."""
    ready, log = folder / f"ready-{number}", folder / f"log-{number}"
    ready.mkdir()
    argv = command.split() + (["--port", "0"] if WITH_PORT.match(command) else [])
    with log.open("wb") as out:
        environ = environ | {READY_FOLDER: str(ready)}
        process = subprocess.Popen(argv, cwd=folder, env=environ, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_for(
            lambda: list(ready.iterdir()) or b"Wirewatch is up" in log.read_bytes() or process.poll() is not None,
            seconds=40,
            what=command,
        )
        assert process.poll() is None, (command, log.read_text())
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, (command, log.read_text())
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert "Traceback" not in log.read_text(), (command, log.read_text())
