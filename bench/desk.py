"""Scratch desks for the bench, and `wirewatch up` over one of them. Measures nothing."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import psutil
import yaml

from worker.config.load import load_config
from worker.config.schema import WatchedEntity

ROOT = pathlib.Path(__file__).parents[1]
EXAMPLE = ROOT / "config"
SECRET = "whsec_" + base64.b64encode(b"a secret for the bench only").decode()
OURS = ("REDIS_URL", "DATABASE_URL", "SENTRY_DSN", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
# A host of the operator's own may be asked as fast as it answers.
POLITENESS = {"interval_floor": "1s", "spacing": "0s", "concurrent": 50, "ignore_hints": True}

BARE = {"per_minute": 0, "digest_over": 0}  # the speed of a desk is measured, not the patience that its mail is set to


def watchlist() -> tuple[WatchedEntity, ...]:
    return load_config(EXAMPLE, environ={}, only=frozenset({"watchlist"})).watchlist


def environment(**more: str) -> dict[str, str]:
    """This process's, without what would lead a desk out of its scratch folder."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | {"HOOK_SECRET": SECRET} | more


def write_desk(
    folder: pathlib.Path,
    *,
    feeds: Mapping[str, str],
    interval: str,
    ports: Sequence[int],
    mail: int = 0,
    hook: str = "",
) -> pathlib.Path:
    """The example's topics, watchlist and rules over these feeds (URLs by id) on loopback.

    With `mail`, an SMTP server's port, and `hook`, a URL, every rule tells both, and one more rule tells of everything
    that names somebody watched; without them, alerts are files.
    """
    folder.mkdir(parents=True)
    for name in ("topics.yaml", "watchlist.yaml"):
        shutil.copyfile(EXAMPLE / name, folder / name)
    rules = yaml.safe_load((EXAMPLE / "rules.yaml").read_text())["rules"]
    channels = [{"id": "operator", "kind": "inbox", "folder": "operator", "digest_over": 0}]
    if mail:
        relay = {"host": "127.0.0.1", "port": mail, "security": "none"}
        channels += [{"id": "mail", "kind": "email", **relay, "sender": "desk@bench.example", "to": ["ana"], **BARE}]
        channels += [{"id": "hook", "kind": "webhook", "url": hook, "secret": "${HOOK_SECRET}"}]
        rules.append({"id": "named", "name": "Anybody watched", "when": {"entities": {}}})
    told = [channel["id"] for channel in channels[1:]] or ["operator"]
    files = {
        "feeds": {"feeds": [{"id": name, "url": url, "interval": interval} for name, url in feeds.items()]},
        "rules": {"rules": [rule | {"channels": list(told)} for rule in rules]},
        "channels": {"channels": channels},
        "people": {"people": [{"id": "ana", "name": "Ana", "address": "ana@bench.example"}]},
        "network": {
            "allow": [{"cidr": "127.0.0.1/32", "ports": list(ports), "for": ["feed", "webhook"]}],
            "hosts": {"127.0.0.1": POLITENESS},
        },
        "settings": {"contact": "mailto:bench@bench.example", "timing": {"tick": "1s"}},
    }
    for name, body in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
    return folder


class Up:
    """`wirewatch up` over a desk, from its start to its stop; what it says goes to a file beside its data."""

    def __init__(self, config: pathlib.Path, data: pathlib.Path, **environ: str) -> None:
        self.log = data.with_suffix(".log")
        where = ["--config", str(config), "--data", str(data), "--port", "0"]
        self.began = time.monotonic()
        with self.log.open("wb") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "worker", "up", *where], env=environment(**environ), stdout=log, stderr=log
            )

    def __enter__(self) -> Up:
        try:
            wait_for(lambda: b"Wirewatch is up" in self.log.read_bytes() or self.popen.poll() is not None, "the start")
            if self.popen.poll() is not None:
                raise RuntimeError(f"wirewatch up ended before it served:\n{self.log.read_text()[-3000:]}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        everyone = self.processes()
        self.stop()
        for one in everyone:
            with contextlib.suppress(psutil.Error):
                one.kill()

    def processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            return [psutil.Process(self.popen.pid), *psutil.Process(self.popen.pid).children(recursive=True)]
        return []

    def stop(self) -> float:
        """Seconds from the request to the end. Harmless when it has ended."""
        began = time.monotonic()
        self.popen.terminate()
        try:
            self.popen.wait(20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        return time.monotonic() - began


def wait_for(look, what: str, *, seconds: float = 60.0):
    """What `look` sees once it is true. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(0.05)
    return seen
