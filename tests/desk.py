"""A whole desk for the tests: origin, sinks, configuration, and `wirewatch up` (or its parts) over them."""

import base64
import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psutil
import yaml
from origin import Origin, rss
from sinks import MailSink, WebhookSink
from sqlalchemy import select
from stores import migrated_store

from worker.app import build, load_judge
from worker.config.load import load_config
from worker.feeds.parse import Parser
from worker.store.schema import alert, article, delivery, feed, notification

SECRET = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
FAST = {"tick": "500ms", "poll_lease": "4s", "analyse_lease": "10s", "deliver_lease": "8s"}
PARSER, JUDGES = Parser(), {}
NAMES = "one two three four five six seven eight nine ten".split()
BASELINE = [("old", "A day like any other", "Kim Jong Un was seen before the desk was set up.")]


def entries(count, *, start=0, word="visited"):
    """(guid, headline, text) that fire the rule, each a story of its own: they differ by a number."""
    numbers = [(n, NAMES[n] if n < len(NAMES) else n + 1) for n in range(start, start + count)]
    return [
        (f"g{n}", f"Factory {name} {word} by the leader in the north", f"Kim Jong Un {word} the plant.")
        for n, name in numbers
    ]


def judge_of(config):
    """One for all that watch for the same."""
    key = repr((config.topics, config.watchlist, config.topic_model, config.language_terms))
    if key not in JUDGES:
        JUDGES[key] = load_judge(config)
    return JUDGES[key]


def wait_for(look, *, seconds=30.0, what="the condition"):
    """Looks until it is true, less often the longer it takes; fails with what was seen last."""
    began = time.monotonic()
    until = began + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > until:
            raise AssertionError(f"{what} did not come within {seconds:g} s; last seen: {seen!r}")
        time.sleep(min(0.05 + (time.monotonic() - began) / 20, 0.3))


def at_once(count, do):
    """Runs `do` in so many threads at the same time; fails with what any of them raised."""
    with ThreadPoolExecutor(count) as pool:
        return [done.result() for done in [pool.submit(do) for _ in range(count)]]


def below(process):
    """Every process below one, as psutil's."""
    return psutil.Process(process.pid).children(recursive=True)


def living(processes):
    alive = []
    for one in processes:
        with contextlib.suppress(psutil.Error):
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                alive.append(one)
    return alive


class Desk:
    """Feeds `/a` (and others by `feeds`) from `origin`, one rule on Kim Jong Un, mail and webhook."""

    def __init__(self, folder, *, database_url="", feeds=("a",), timing=FAST, redis_url=""):
        self.folder, self.data, self.config = folder, folder / "var", folder / "config"
        self.database_url, self.redis_url, self.feeds, self.timing = database_url, redis_url, feeds, timing
        self.ups, self.secret, self.port = [], SECRET, 0
        self.logs = folder / "up.log"

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.origin = self.stack.enter_context(Origin())
        self.mail = self.stack.enter_context(MailSink())
        self.webhook = self.stack.enter_context(WebhookSink())
        for name in self.feeds:
            self.set_feed(name, BASELINE)
        self.write_config()
        self.store = migrated_store(self.database_url, self.data)
        return self

    def __exit__(self, *_):
        for up in self.ups:
            self.kill(up)
        self.store.close()
        self.stack.close()
        if self.logs.exists():
            print(self.logs.read_text()[-6000:])  # pytest shows it when the test failed

    def set_feed(self, name, items):
        self.origin.documents[f"/{name}"] = rss(name, items)

    def write_config(self):
        ports = [self.origin.port, self.webhook.port]
        files = {
            "feeds": {
                "feeds": [
                    {"id": name, "url": self.origin.url(f"/{name}"), "title": name, "language": "en", "interval": "1s"}
                    for name in self.feeds
                ]
            },
            "topics": {"topics": [{"id": "nk-russia-arms", "name": "Arms"}]},
            "watchlist": {"entities": [{"id": "kim-jong-un", "type": "person", "name": "Kim Jong Un"}]},
            "rules": {
                "rules": [
                    {
                        "id": "kim",
                        "name": "Kim in the news",
                        "severity": "normal",
                        "when": {"entities": {"any": ["kim-jong-un"]}},
                        "channels": ["mail", "hook"],
                    }
                ]
            },
            "channels": {
                "channels": [
                    {"id": "operator", "kind": "inbox", "folder": "operator", "enabled": True},
                    {
                        "id": "mail",
                        "kind": "email",
                        "enabled": True,
                        "host": "127.0.0.1",
                        "port": self.mail.port,
                        "security": "none",
                        "sender": "desk@wirewatch.example",
                        "to": ["ana"],
                        "per_minute": 0,
                        "digest_over": 0,
                    },
                    {
                        "id": "hook",
                        "kind": "webhook",
                        "enabled": True,
                        "url": self.webhook.url,
                        "secret": "${HOOK_SECRET}",
                    },
                ]
            },
            "people": {
                "people": [
                    {
                        "id": "ana",
                        "name": "Ana",
                        "address": "ana@desk.example",
                        "time_zone": "Asia/Seoul",
                        "role": "analyst",
                    }
                ]
            },
            "network": {
                "allow": [{"cidr": "127.0.0.0/8", "ports": ports, "for": ["feed", "webhook", "page"]}],
                "hosts": {
                    "127.0.0.1": {"interval_floor": "1s", "spacing": "0s", "concurrent": 50, "ignore_hints": True}
                },
            },
            "settings": {"contact": "mailto:tests@wirewatch.example", "timing": self.timing},
        }
        self.config.mkdir(exist_ok=True)
        for name, body in files.items():
            (self.config / f"{name}.yaml").write_text(yaml.safe_dump(body, sort_keys=False))

    def environ(self):
        extra = {"HOOK_SECRET": SECRET}
        if self.database_url:
            extra["DATABASE_URL"] = self.database_url
        if self.redis_url:
            extra["REDIS_URL"] = self.redis_url
        return dict(os.environ) | extra

    def runtime(self, **options):
        """The pipeline's Runtime in this process, with no hint: what a worker has. Its parser's children and its judge
        serve others too."""
        environ = self.environ()
        config = load_config(self.config, environ=environ)
        made = build(config, data=self.data, environ=environ, **options)
        return replace(made, parser=PARSER, judge=lambda: judge_of(config))

    # ---- processes

    def start(self, *, ready=True, seconds=90):
        with self.logs.open("ab") as log:
            argv = [
                sys.executable,
                "-m",
                "worker",
                "up",
                "--config",
                self.config,
                "--data",
                self.data,
                "--port",
                self.port,
            ]
            up = subprocess.Popen([str(part) for part in argv], env=self.environ(), stdout=log, stderr=log)
        self.ups.append(up)
        if ready:
            wait_for(lambda: b"Wirewatch is up" in self.logs.read_bytes() or up.poll() is not None, seconds=seconds)
            assert up.poll() is None, self.logs.read_text()
        return up

    def children(self, up, role):
        """The processes of one role below `up` (its own child first)."""
        marks = {
            "poll": ("--queue", "poll"),
            "analyse": ("--queue", "analyse"),
            "scheduler": ("scheduler",),
            "redis": ("--unixsocket",),
        }[role]
        found = []
        for child in psutil.Process(up.pid).children():
            with contextlib.suppress(psutil.Error):
                line = child.cmdline()
                if all(mark in line for mark in marks) or (
                    role == "redis" and any("redis" in part for part in line[:1])
                ):
                    found.append(child)
        return found

    def kill_role(self, up, role, number=signal.SIGKILL):
        for child in self.children(up, role):
            with contextlib.suppress(psutil.Error):
                child.send_signal(number)

    def kill(self, up):
        if up.poll() is None:
            below = psutil.Process(up.pid).children(recursive=True)
            up.kill()
            up.wait()
            for child in below:
                with contextlib.suppress(psutil.Error):
                    child.kill()

    # ---- what is so

    def rows(self, table, *conditions):
        with self.store.reading() as connection:
            return connection.execute(select(table).where(*conditions)).all()

    def guids(self):
        """The link's last part of every stored article, sorted, duplicates included."""
        return sorted(row.url.rsplit("/", 1)[-1] for row in self.rows(article))

    def sent(self):
        return len(self.rows(delivery, delivery.c.state == "sent"))

    def etag(self, name="a"):
        return self.rows(feed, feed.c.id == name)[0].etag

    def polled(self):
        """True when every feed has its baseline."""
        rows = self.rows(feed)
        return len(rows) == len(self.feeds) and all(row.baseline_at for row in rows)

    def settled(self):
        rows = self.rows(article)
        return bool(rows) and all(row.state == "settled" for row in rows)

    def check_alerts(self, expected, *, allowed_extra=0):
        """Every expected guid is stored once and told once on each channel; a further copy has the same id."""
        wait_for(lambda: set(self.guids()) >= {guid for guid, _, _ in expected}, what="every article stored")
        wait_for(lambda: self.sent() == 2 * len(expected), seconds=60, what="every delivery sent")
        assert self.guids() == sorted(
            [guid for guid, _, _ in expected] + [guid for guid, _, _ in BASELINE] * len(self.feeds)
        )
        assert len(self.rows(alert)) == len(expected)
        assert len(self.rows(notification)) == len(expected)
        for ids in ([m["Message-ID"] for m in self.mail.received], [h["webhook-id"] for h, _ in self.webhook.received]):
            assert len(set(ids)) == len(expected)
            assert len(ids) <= len(expected) + allowed_extra
