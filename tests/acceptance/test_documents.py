"""Every command of README and docs is run once, as a reader would: in order, in a folder of the document's own."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import yaml
from desk import entries, wait_for
from origin import rss

from worker.beats import READY_FOLDER

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = pathlib.Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SERVERS = re.compile(r"wirewatch (up|worker|scheduler|console)\b")
WITH_PORT = re.compile(r"wirewatch (up|console)\b")
# A newcomer's machine has no network here, and nothing runs while the commands are tried: these say so by their code.
ANSWERS = {
    "wirewatch feeds test": {1},
    "wirewatch feeds discover": {1},
    "wirewatch status": {1},
    "wirewatch poll": {1},
}


def documented(path):
    """A document's commands in order, without comments: a block indented by four, or fenced as sh. What is fenced as
    console needs what a test has not: a container engine, an init system, another's rights."""
    blocks = re.finditer(
        r"^```(?P<kind>\w*)\n(?P<fenced>.*?)^```$|\n\n(?P<indented>(?:    \S[^\n]*\n)+)", path.read_text(), re.M | re.S
    )
    lines = [line for block in blocks for line in _shown(block).splitlines()]
    return [line.split("  #")[0].strip() for line in lines if line.strip() and not line.startswith("#")]


def _shown(block):
    return block["indented"] or (block["fenced"] if block["kind"] == "sh" else "")


COMMANDS = {path: documented(path) for path in DOCUMENTS}
# What two documents show alike, the first one runs; but each makes its desk, and what it looks at.
SHOWN_BEFORE = {
    path: {command for earlier in DOCUMENTS[:number] for command in COMMANDS[earlier]}
    - {command for command in COMMANDS[path] if command.startswith(("wirewatch init ", "wirewatch replay ", "mkdir "))}
    for number, path in enumerate(DOCUMENTS)
}


def test_documents_show_the_readmes_two_commands_first():
    assert COMMANDS[DOCUMENTS[0]][:2] == ["make demo", "make test"]
    assert {"wirewatch init mydesk", "wirewatch up --config mydesk"} <= set(COMMANDS[DOCUMENTS[0]])


@pytest.mark.parametrize(
    "command", sorted({c for commands in COMMANDS.values() for c in commands if c.startswith("make ")})
)
def test_documents_make_targets_exist(command):
    done = subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if any(not c.startswith("make ") for c in COMMANDS[path])], ids=lambda p: p.stem
)
def test_documents_commands_do_what_they_say(path, tmp_path, redis_url):
    environ = dict(os.environ) | {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
    commands = [one for one in COMMANDS[path] if not one.startswith("make ") and one not in SHOWN_BEFORE[path]]
    prepare(tmp_path)
    if "wirewatch init mydesk" not in commands:
        commands.insert(0, "wirewatch init mydesk")
    for number, command in enumerate(commands):
        if SERVERS.match(command):
            # `up` brings its own Redis; the others are told of one, as the documents say.
            apart = {} if command.startswith("wirewatch up") else {"REDIS_URL": redis_url}
            serve(command, number, folder=tmp_path, environ=environ | apart)
            continue
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=90, check=False
        )
        expected = next((codes for start, codes in ANSWERS.items() if command.startswith(start)), {0})
        assert done.returncode in expected, (command, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, (command, done.stderr)
        if command == "wirewatch init mydesk":
            make_ours(tmp_path / "mydesk")


def prepare(folder):
    """What a reader brings: a list of feeds, lists of names, a feed's history."""
    outline = '<outline type="rss" text="Harbour Wire" xmlUrl="https://harbour-wire.example/rss.xml"/>'
    (folder / "subscriptions.opml").write_text(f'<opml version="2.0"><body>{outline}</body></opml>')
    (folder / "names.csv").write_text("type,name,aliases\nplace,Dumangang Bridge,두만강철교\nperson,Victory,\n")
    person = {"name": ["Pak Made-Up"], "weakAlias": ["Pak"], "country": ["kp"], "topics": ["sanction"]}
    entity = {"id": "NK-x1", "schema": "Person", "properties": person}
    (folder / "sanctions.ftm.json").write_text(json.dumps(entity) + "\n")
    feed = folder / "history" / "harbour-wire"
    feed.mkdir(parents=True)
    news = ("1", "Kim Jong Un receives a delegation from Moscow", "Kim Jong Un spoke with Vladimir Putin's envoy.")
    for stamp, items in (("20260813T040000Z", entries(1, start=7)), ("20260813T041500Z", [news])):
        document = rss("Harbour Wire", items).replace(b"https://paper.example/", b"https://harbour-wire.example/")
        (feed / f"{stamp}.xml").write_bytes(document)


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
            seconds=60,
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


def test_documents_replay_is_a_story_that_raises_an_alert(tmp_path):
    """The README's `replay` and `explain` show something: an alert, not an empty list."""
    prepare(tmp_path)
    command = [sys.executable, "-m", "worker", "replay", str(tmp_path / "history"), "--config", str(ROOT / "config")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert [alert["articles"][0]["url"] for alert in json.loads(done.stdout)["alerts"]][:1] == [
        "https://harbour-wire.example/1"
    ]
