"""`wirewatch demo`: the real `wirewatch up` over the sample world; what it does is told from its record."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from worker.config.example import EXAMPLE
from worker.config.load import load_config
from worker.config.schema import Config
from worker.demo.desk import DemoWorld
from worker.errors import WirewatchError
from worker.store.engine import Store, open_store
from worker.store.recent import Watcher, all_settled
from worker.up import only_one

MARK = ".wirewatch-demo"  # what shows that a folder is a demo's, and may be emptied
OWN_SERVERS = ("REDIS_URL", "DATABASE_URL", "SENTRY_DSN")  # the demo never touches a desk's own
KINDS = {"email": "mails", "webhook": "webhooks", "inbox": "files", "operator": "operator messages"}
LOOK_SECONDS = 0.25
PACE = 3.0
START_SECONDS = 60.0
STOP_SECONDS = 15.0
LONGEST_SECONDS = 300.0  # the sample takes about forty; a demo that hangs must say so


def run_demo(data: Path, *, keep: bool) -> int:
    """Runs until the sample is through, or with `keep` until Ctrl-C. Returns the exit code."""
    empty(data)
    say("Wirewatch demo: six invented feeds, a mail server and a webhook receiver, all on this machine.")
    say("Starting: queues, workers, language model …")
    with DemoWorld(data, example=EXAMPLE, pace=PACE) as world, running_up(world) as up:
        config = load_config(world.config_folder, environ=os.environ)
        store = open_store("", data=world.data)
        show = Show(config, store)
        try:
            wait_until_up(up, world)
            finished = follow(up, world, show, keep=keep)
        except KeyboardInterrupt:
            finished = True
        stop(up)
        show.tell_new()
        store.close()
    return show.summary(world, finished=finished)


def empty(data: Path) -> None:
    """A demo starts from nothing. Only a demo's own folder is emptied; raises WirewatchError for any other."""
    if data.exists() and any(data.iterdir()):
        if not (data / MARK).exists():
            raise WirewatchError(f"{data} holds other files; choose an empty folder with --data")
        with only_one(data):
            shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARK).write_text("A demo's folder: the next demo empties it.\n")


@contextlib.contextmanager
def running_up(world: DemoWorld) -> Iterator[subprocess.Popen[bytes]]:
    environ = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
    argv = [sys.executable, "-m", "worker", "up", "--port", "0"]
    where = ["--config", str(world.config_folder), "--data", str(world.data)]
    with (world.data / "up.log").open("wb") as log:
        # In a group of its own, so that Ctrl-C reaches us first and the stop is orderly.
        up = subprocess.Popen([*argv, *where], env=environ, stdout=log, stderr=log, start_new_session=True)
        try:
            yield up
        finally:
            stop(up)


def stop(up: subprocess.Popen[bytes]) -> None:
    if up.poll() is None:
        up.send_signal(signal.SIGTERM)
        try:
            up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()


def wait_until_up(up: subprocess.Popen[bytes], world: DemoWorld) -> None:
    began = time.monotonic()
    log = world.data / "up.log"
    while b"Wirewatch is up" not in log.read_bytes():
        if up.poll() is not None or time.monotonic() - began > START_SECONDS:
            raise WirewatchError(f"The demo did not start. Its log ({log}) ends:\n{log.read_text()[-2000:]}")
        time.sleep(LOOK_SECONDS)
    say(f"Up after {time.monotonic() - began:.1f} s. From here on everything is real work.\n")


def follow(up: subprocess.Popen[bytes], world: DemoWorld, show: Show, *, keep: bool) -> bool:
    """Tells what happens until the sample is through and all of it is sent. False when that did not come."""
    until = time.monotonic() + LONGEST_SECONDS
    told_end = False
    while up.poll() is None:
        show.tell_new()
        if world.origin.done.is_set() and all_settled(show.store):
            if not keep:
                return True
            if not told_end:
                say("\nThe sample is through; polling goes on. Ctrl-C ends it.")
                told_end = True
        elif not keep and time.monotonic() > until:
            return False
        time.sleep(LOOK_SECONDS)
    return False


def say(line: str) -> None:
    print(line, flush=True)


class Show:
    """Turns rows into lines for people, and counts them."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config, self.store = config, store
        self.watcher = Watcher(store)
        self.counts: Counter[str] = Counter()
        self.rules = {rule.id: rule for rule in config.rules}
        self.topics = {topic.id: topic.name for topic in config.topics}
        self.tellers = {"poll": self.poll, "article": self.article, "alert": self.alert, "delivery": self.delivery}

    def tell_new(self) -> None:
        sent: list[Any] = []
        for kind, row in self.watcher.look():
            if kind == "delivery" and row.state == "sent":
                sent.append(row)
            elif words := self.tellers[kind](row):
                say(f"{clock(row.at)}  {words}")
        if sent:
            say(f"{clock(sent[-1].at)}  {self.sent(sent)}")

    def poll(self, row: Any) -> str:
        self.counts["polls"] += 1
        if row.outcome == "failed":
            self.counts["refused documents"] += 1
            return f"REFUSED  {row.feed_id}: {row.reason} ({row.detail}); what it gave before stays, the others go on"
        if row.outcome == "unchanged" or not (row.new or row.changed):
            return ""
        first = " (first look: stored and judged, never alerted)" if row.at == row.baseline_at else ""
        edited = f", {row.changed} edited" if row.changed else ""
        return f"polled   {row.feed_id}: {row.seen} entries, {row.new} new{edited}{first}"

    def article(self, row: Any) -> str:
        self.counts["articles"] += 1
        topics = [f"{self.topics.get(t['id'], t['id'])} {t['score']:.2f}" for t in row.topics if t["match"]]
        named = list(dict.fromkeys(self._name(mention["entity"]) for mention in row.mentions))
        about = "; ".join(part for part in (", ".join(topics), ", ".join(named[:4])) if part) or "nothing we watch"
        copy = " (a copy)" if row.duplicate_of else ""
        return f"judged   [{row.language}] {cut(row.title)}{copy} · {about}"

    def _name(self, entity: str) -> str:
        found = self.config.entities_by_id.get(entity)
        return found.name if found else entity

    def alert(self, row: Any) -> str:
        self.counts["alerts"] += 1
        rule = self.rules.get(row.rule_id)
        return f"ALERT    {row.severity.upper()}: {rule.name if rule else row.rule_id} · {cut(row.title)}"

    def delivery(self, row: Any) -> str:
        self.counts[f"{row.channel} {row.state}"] += 1
        return f"{row.state}   {row.channel} to {row.recipient}: {row.reason} {row.detail or ''}"

    def sent(self, rows: Sequence[Any]) -> str:
        """One line for all that went out since the last look."""
        kinds = Counter(KINDS[row.channel] for row in rows)
        for row in rows:
            self.counts[KINDS[row.channel]] += 1
        slowest = max((row.at - row.created_at).total_seconds() for row in rows)
        return f"sent     {counted(kinds)}, at most {slowest:.1f} s after their alert"

    def summary(self, world: DemoWorld, *, finished: bool) -> int:
        """Says what was done and where to look; 1 when the demo did not come to its end."""
        kinds = Counter({kind: self.counts[kind] for kind in KINDS.values()})
        say(f"\n{self.counts['articles']} articles, {self.counts['alerts']} alerts; sent: {counted(kinds)}.")
        missing = len(world.origin.truth()) - self.counts["articles"]
        if world.origin.done.is_set() and missing:
            say(f"{abs(missing)} articles {'are missing' if missing > 0 else 'are too many'}: please report this.")
        say("Where to look:")
        places: Mapping[str, Path] = {
            "mails": world.data / "mail",
            "webhooks": world.data / "webhooks",
            "alerts as files": world.data / "inbox",
            "its configuration": world.config_folder,
            "its log": world.data / "up.log",
        }
        for name, place in places.items():
            say(f"  {name:18} {shown(place)}")
        if not finished:
            say("The demo did not come to its end; the log says why.")
            return 1
        say("Your own desk: edit config/ (start with settings.yaml), then `make run`.")
        return 1 if world.origin.done.is_set() and missing else 0


def counted(kinds: Counter[str]) -> str:
    """'4 mails, 1 webhook'"""
    return ", ".join(f"{count} {kind if count != 1 else kind.removesuffix('s')}" for kind, count in kinds.items())


def clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def cut(title: str, limit: int = 78) -> str:
    return title if len(title) <= limit else title[: limit - 1].rstrip() + "…"


def shown(path: Path) -> str:
    """Relative to here where that is shorter."""
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd()))
    return str(path)
