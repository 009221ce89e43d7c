"""The demo's publisher: the sample's feeds over HTTP on loopback, each moving on when its last stage was stored.

A feed goes to its next stage only when a request proves, by If-None-Match, that the last one was stored, and not sooner
than `pace` seconds after it was first served; so a slow desk, or one that is killed and started again, misses nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

from worker.demo.loopback import LoopbackServer
from worker.demo.sample import Published, SampleFeed, Stage, apply_stage, hostile_document, render

HOSTILE_SERVINGS = 2  # a hostile document is never stored, so nothing can prove that it was read


@dataclass
class Run:
    """Where one feed is. `entered`: monotonic seconds when its stage was first served; `stored`: proven."""

    feed: SampleFeed
    at: int = -1
    body: bytes = b""
    etag: str = ""
    entered: float = 0.0
    served: int = 0
    stored: bool = False
    listed: dict[str, Published] = field(default_factory=dict)

    @property
    def stage(self) -> Stage:
        return self.feed.stages[self.at]

    @property
    def through(self) -> bool:
        return self.stored and self.at + 1 == len(self.feed.stages)

    def answer(self, proof: str | None, *, pace: float, clock: float, now: datetime) -> tuple[bool, Stage | None]:
        """(whether the client has this stage already, the stage that this request opened if it opened one)."""
        opened = None
        if self.at < 0:
            opened = self._enter(0, clock=clock, now=now)
        elif proof == self.etag:
            self.stored = True
        passed = self.stored or (self.stage.hostile and self.served >= HOSTILE_SERVINGS)
        if passed and self.at + 1 < len(self.feed.stages) and clock - self.entered >= pace:
            opened = self._enter(self.at + 1, clock=clock, now=now)
        known = proof == self.etag
        self.served += not known
        return known, opened

    def _enter(self, at: int, *, clock: float, now: datetime) -> Stage:
        self.at, self.entered, self.served, self.stored = at, clock, 0, False
        if self.stage.hostile:
            self.body = hostile_document()
        else:
            self.listed = apply_stage(self.listed, self.stage, now=now)
            self.body = render(self.feed, self.listed, now=now)
        self.etag = '"' + hashlib.sha256(self.body).hexdigest()[:20] + '"'
        return self.stage


class Origin:
    """Serves `feeds` at /<id>.xml on 127.0.0.1. `done` is set when every feed's last stage was proven stored."""

    def __init__(self, feeds: Sequence[SampleFeed], *, pace: float = 3.0) -> None:
        self.feeds, self.pace = tuple(feeds), pace
        self.done = threading.Event()
        self.requests = 0
        self._lock = threading.Lock()
        self._runs = {feed.id: Run(feed) for feed in self.feeds}
        self._server = LoopbackServer(_Answer, owner=self, name="origin")

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def truth(self) -> tuple[tuple[str, str], ...]:
        """(feed id, guid) of every distinct entry of the whole sample: what must be stored once `done` is set."""
        return tuple((feed.id, guid) for feed in self.feeds for guid in feed.guids())

    def serve(self, feed_id: str, proof: str | None) -> tuple[int, bytes, str, str]:
        """(status, body, ETag, content type) for one request that carried `proof` in If-None-Match."""
        run = self._runs.get(feed_id)
        if run is None:
            return 404, b"no such feed\n", "", "text/plain; charset=utf-8"
        with self._lock:
            self.requests += 1
            known, _ = run.answer(proof, pace=self.pace, clock=time.monotonic(), now=datetime.now(UTC))
            answer = (304 if known else 200, b"" if known else run.body, run.etag, run.feed.content_type)
            done = all(each.through for each in self._runs.values())
        if done:
            self.done.set()
        return answer

    def progress(self) -> tuple[int, int, str]:
        """(stages that were stored or passed, all of them, what comes next in a few words)."""
        with self._lock:
            runs = list(self._runs.values())
            done = sum(run.at + run.stored for run in runs if run.at >= 0)
            waiting = [run for run in runs if run.at + 1 < len(run.feed.stages)]
            # The one that entered its stage first moves on first.
            following = min(waiting, key=lambda run: (run.at, run.entered), default=None)
        words = f"{following.feed.title}: {following.feed.stages[following.at + 1].note}" if following else ""
        return done, sum(len(run.feed.stages) for run in runs), words

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        """Stops answering and frees the port."""
        self._server.stop()

    def __enter__(self) -> Origin:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: LoopbackServer

    def do_GET(self) -> None:
        feed_id = self.path.split("?")[0].strip("/").removesuffix(".xml")
        status, body, etag, content_type = self.server.owner.serve(feed_id, self.headers.get("If-None-Match"))
        self.send_response(status)
        if etag:
            self.send_header("ETag", etag)
            self.send_header("Vary", "Accept-Encoding")
        if body and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 5)
            self.send_header("Content-Encoding", "gzip")
        if status != 304:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The demo prints its own lines."""
