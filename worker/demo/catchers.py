"""Where the demo's alerts arrive: an SMTP server and a webhook receiver on loopback that keep each as a file.

Decides whether a webhook's signature is good (Standard Webhooks); judges nothing else of what arrives.
"""

from __future__ import annotations

import email
import email.policy
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

from worker.demo.loopback import LoopbackServer
from worker.live.happened import Arrived, arrived

MAX_WEBHOOK = 1024 * 1024  # ours are under 20 kB
Tell = Callable[[Arrived], object]  # of each mail and webhook, once its file is written


class _SmtpServer(Controller):
    def _trigger_server(self) -> None:
        """aiosmtpd dials the port it was given to see that it answers; with 0 that is not the port it got."""
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()


class MailCatcher:
    """Takes every mail and writes it, byte for byte, to FOLDER/mail/*.eml before it says 250."""

    def __init__(self, folder: Path, *, tell: Tell = lambda _: None) -> None:
        self.folder = folder / "mail"
        self._tell = tell
        self._numbers: Iterator[int] = itertools.count(1)
        self._server = _SmtpServer(self, hostname="127.0.0.1", port=0, ready_timeout=20)

    @property
    def port(self) -> int:
        """Known after the start."""
        return int(self._server.port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Called by aiosmtpd with one whole mail."""
        subject = str(email.message_from_bytes(envelope.content, policy=email.policy.default)["subject"] or "")
        path = self.folder / f"{_stamp(self._numbers)}-{_slug(subject)}.eml"
        _write(path, envelope.content)
        for recipient in envelope.rcpt_tos:
            self._tell(arrived("mail", at=datetime.now(UTC), recipient=recipient, subject=subject))
        return "250 kept"

    def start(self) -> None:
        self._numbers = _numbers(self.folder)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> MailCatcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class WebhookCatcher:
    """Takes a webhook whose signature is good, writes its body to FOLDER/webhooks/*.json and answers 204; else 401.

    `refused` counts the others.
    """

    def __init__(self, folder: Path, *, secret: str, tell: Tell = lambda _: None) -> None:
        self.folder = folder / "webhooks"
        self._tell = tell
        self.refused = 0
        self._webhook = Webhook(secret)
        self._numbers: Iterator[int] = itertools.count(1)
        self._lock = threading.Lock()
        self._server = LoopbackServer(_Receive, owner=self, name="webhooks")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/alerts"

    @property
    def port(self) -> int:
        return self._server.port

    def receive(self, content: bytes, headers: dict[str, str]) -> int:
        """The status to answer with."""
        try:
            self._webhook.verify(content, headers, json_parse=False)
            body = json.loads(content)
            about = body.get("data", {}).get("alert", {}).get("rule")  # none: a notice, or a test
            name = "-".join(filter(None, (str(body["type"]), about)))
        except Exception:  # whatever the library raises for a header it cannot read, and a body that is not ours
            with self._lock:
                self.refused += 1
            words = "a webhook whose signature is not good"
            self._tell(arrived("webhook", at=datetime.now(UTC), recipient="", subject=words, good=False))
            return 401
        with self._lock:
            path = self.folder / f"{_stamp(self._numbers)}-{_slug(name)}.json"
        _write(path, content)
        title = body.get("data", {}).get("story", {}).get("title", "")
        self._tell(arrived("webhook", at=datetime.now(UTC), recipient=body["type"], subject=title))
        return 204

    def start(self) -> None:
        self._numbers = _numbers(self.folder)
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> WebhookCatcher:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Receive(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: LoopbackServer

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_WEBHOOK:
            self.close_connection = True  # its body is still on the way
            return self._answer(413 if length.isdecimal() else 411)
        content = self.rfile.read(int(length))
        self._answer(self.server.owner.receive(content, dict(self.headers.items())))

    def _answer(self, status: int) -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """The demo prints its own lines."""


def _numbers(folder: Path) -> Iterator[int]:
    """From 1, or on from an earlier run's files, which are never written over. Makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return itertools.count(1 + sum(1 for _ in folder.iterdir()))


def _stamp(numbers: Iterator[int]) -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{next(numbers):03d}"


def _slug(text: str) -> str:
    """Letters and digits of any script, short enough for every file system (255 bytes)."""
    words = re.sub(r"[\W_]+", "-", text.casefold()).strip("-")
    return words.encode()[:120].decode(errors="ignore").strip("-") or "untitled"


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: somebody may be watching the folder."""
    half = path.with_suffix(".part")
    half.write_bytes(content)
    half.replace(path)
