"""The demo's desk: its configuration, and the world around it (publisher, mail server, webhook receiver) as one block.

Starts no worker and prints nothing: the command does.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import shutil
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import yaml

from worker.demo.catchers import MailCatcher, WebhookCatcher
from worker.demo.origin import Origin
from worker.demo.sample import SampleFeed, load_sample
from worker.live.happened import Arrived

COPIED = ("topics.yaml", "watchlist.yaml")
RULES = Path(__file__).parent / "sample" / "rules.yaml"


def write_config(
    folder: Path,
    *,
    example: Path,
    feeds: tuple[SampleFeed, ...],
    origin_url: str,
    smtp_port: int,
    webhook_url: str,
    secret_file: Path,
) -> None:
    """Writes a whole configuration into `folder`; topics and watchlist are those of the `example` configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        shutil.copyfile(example / name, folder / name)
    shutil.copyfile(RULES, folder / "rules.yaml")
    parts: dict[str, Any] = {
        "feeds": {"feeds": [_feed(feed, origin_url) for feed in feeds]},
        "channels": {"channels": _channels(smtp_port=smtp_port, webhook_url=webhook_url, secret_file=secret_file)},
        "people": {"people": _people()},
        "network": _network(feed_port=_port(origin_url), webhook_port=_port(webhook_url)),
        "settings": _settings(),
    }
    for name, value in parts.items():
        text = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=120)
        (folder / f"{name}.yaml").write_text(f"# Written by `wirewatch demo`.\n{text}", encoding="utf-8")


class DemoWorld:
    """Everything around the demo's workers, below `data`; use it in a `with`.

    `example`: the configuration folder whose topics and watchlist are used. `pace`: least seconds between two stages of
    a feed.
    """

    def __init__(
        self,
        data: Path,
        *,
        example: Path,
        pace: float = 3.0,
    ) -> None:
        self.data = data.absolute()
        self.example = example
        self.config_folder = self.data / "config"
        self.secret_file = self.data / "webhook.secret"
        self.feeds = load_sample()
        self.origin = Origin(self.feeds, pace=pace)
        self.arrivals: SimpleQueue[Arrived] = SimpleQueue()
        self.mail = MailCatcher(self.data, tell=self.arrivals.put)
        self.webhooks = WebhookCatcher(self.data, secret=self._secret(), tell=self.arrivals.put)
        self._running = contextlib.ExitStack()

    def __enter__(self) -> DemoWorld:
        with contextlib.ExitStack() as started:
            for part in (self.origin, self.mail, self.webhooks):
                started.enter_context(part)
            write_config(
                self.config_folder,
                example=self.example,
                feeds=self.feeds,
                origin_url=self.origin.url,
                smtp_port=self.mail.port,
                webhook_url=self.webhooks.url,
                secret_file=self.secret_file,
            )
            self._running = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _secret(self) -> str:
        """The webhook secret of this data folder, made at the first run and readable by its owner only."""
        if not self.secret_file.exists():
            self.data.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.secret_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
        return self.secret_file.read_text(encoding="utf-8").strip()


def _feed(feed: SampleFeed, origin_url: str) -> dict[str, Any]:
    return {
        "id": feed.id,
        "url": f"{origin_url}/{feed.id}.xml",
        "title": feed.title,
        "language": feed.language,
        "tags": list(feed.tags),
        "tier": feed.tier,
        "interval": "2s",
    }


def _channels(*, smtp_port: int, webhook_url: str, secret_file: Path) -> list[dict[str, Any]]:
    return [
        {"id": "inbox", "kind": "inbox", "folder": "inbox"},
        {"id": "operator", "kind": "inbox", "folder": "operator"},
        {
            "id": "email",
            "kind": "email",
            "host": "127.0.0.1",
            "port": smtp_port,
            "security": "none",
            "sender": "desk@wirewatch.example",
            "to": ["ana", "jun"],
            "per_minute": 0,  # the mail server is our own, and nobody wants to wait
        },
        {"id": "webhook", "kind": "webhook", "url": webhook_url, "secret": f"${{file:{secret_file}}}"},
    ]


def _people() -> list[dict[str, Any]]:
    people = [
        ("ana", "Ana Sample", "Europe/Berlin", "analyst"),
        ("jun", "Jun Sample", "Asia/Seoul", "analyst"),
        ("ops", "Operator", "UTC", "operator"),
    ]
    return [
        {"id": name, "name": full, "address": f"{name}@desk.example", "time_zone": zone, "role": role}
        for name, full, zone, role in people
    ]


def _network(*, feed_port: int, webhook_port: int) -> dict[str, Any]:
    """Loopback, and of it only the two ports of the demo."""
    return {
        "allow": [
            {"cidr": "127.0.0.1/32", "ports": [feed_port], "for": ["feed"]},
            {"cidr": "127.0.0.1/32", "ports": [webhook_port], "for": ["webhook"]},
        ],
        "hosts": {"127.0.0.1": {"interval_floor": "1s", "spacing": "0s", "concurrent": 50, "ignore_hints": True}},
    }


def _settings() -> dict[str, Any]:
    return {
        "contact": "demo@wirewatch.example",
        "time_zone": "UTC",
        "environment": "demo",
        "timing": {"tick": "1s", "poll_lease": "60s", "analyse_lease": "60s", "deliver_lease": "40s"},
    }


def _port(url: str) -> int:
    return int(url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[1])
