"""A publisher that keeps score of who asks it, after the feed reader score of Rachel Kroll (rachelbythebay.com/fs).

Each of its addresses behaves in its own way; each request is judged by what that address has answered before. `marks`
counts what a publisher would complain of. Its time is the test's, and so is how long the reader ought to wait.
"""

import contextlib
import http.server
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

AGENT = re.compile(r"[A-Za-z]+/\d[\w.]* \(\+\S+\)")
VALIDATORS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
EARLY = 0.9  # of the interval; sooner than that is early
NEEDLESS = {"Cookie": "cookie", "Referer": "referrer"}


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    @property
    def max_age(self):
        found = re.search(r"max-age=(\d+)", self.headers.get("Cache-Control", ""))
        return float(found[1]) if found else None


@dataclass
class Known:
    """What one address has said so far, and when it was asked. `right`: the validators that belong to it now."""

    asked: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    given: dict = field(default_factory=lambda: {name: [] for name in VALIDATORS.values()})
    right: dict = field(default_factory=dict)
    max_age: float = 0.0
    not_before: datetime | None = None
    moved: bool = False
    gone: bool = False


class FeedScore:
    """`pages`: path -> function of (number of the request, moment, its headers) that gives an Answer.

    `intervals`: seconds by path. While `unheard`, the reader is one that dies before it can note an answer.
    """

    def __init__(self):
        self.clock, self.pages, self.intervals = None, {}, {}
        self.known, self.marks, self.evidence, self.answered = {}, Counter(), [], Counter()
        self.unheard = False
        self.meeting = contextlib.nullcontext  # entered while a request is answered
        self.lock = threading.Lock()
        self.server, self.port = None, 0

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.port}{path}"

    def __enter__(self):
        self.open(0)
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, port):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        """Nobody answers any more, until it is opened again."""
        self.server.shutdown()
        self.server.server_close()

    def times(self, path):
        """When it was asked, in order."""
        return self.known[path].asked if path in self.known else []

    def conditions(self, path):
        """The validators of its last request: (If-None-Match, If-Modified-Since)."""
        last = self.known[path].headers[-1]
        return tuple(last.get(name) for name in VALIDATORS)

    def answer(self, target, headers):
        path, _, query = target.partition("?")
        with self.lock:
            now, known = self.clock(), self.known.setdefault(path, Known())
            for mark in [*self._judge(path, known, headers, now), *(["query"] if query else [])]:
                self.marks[mark] += 1
                self.evidence.append((mark, path, now, dict(headers.items())))
            known.asked.append(now)
            known.headers.append(dict(headers.items()))
            answer = self.pages[path](len(known.asked), now, headers)
            self.answered[path, answer.status] += 1
            _note(known, answer, now, heard=not self.unheard)
            return answer

    def _judge(self, path, known, headers, now):
        yield from (mark for name, mark in NEEDLESS.items() if headers[name])
        if not AGENT.fullmatch(headers["User-Agent"] or ""):
            yield "user agent"
        yield from _judge_validators(known, headers)
        if known.moved or known.gone:
            yield "moved" if known.moved else "gone"
        if known.asked:
            passed = (now - known.asked[-1]).total_seconds()
            if passed < EARLY * self.intervals.get(path, 0.0):
                yield "early: interval"
            if passed < known.max_age:
                yield "early: max-age"
        if known.not_before and now < known.not_before:
            yield "early: Retry-After"


def _judge_validators(known, headers):
    if known.right and not any(headers[name] for name in VALIDATORS):
        yield "unconditional"
        return
    for name, ours in VALIDATORS.items():
        sent, right = headers[name], known.right.get(ours)
        if sent == right:
            continue
        if sent is None:
            yield f"{name} left out"
        else:
            yield f"{name} out of sequence" if sent in known.given[ours] else f"{name} made up"


def _note(known, answer, now, *, heard):
    """What follows for the next request. Validators come with 200 and 304 only, and a 200's replace all."""
    carried = {name: answer.headers[name] for name in VALIDATORS.values() if name in answer.headers}
    for name, value in carried.items():
        known.given[name].append(value)
    if not heard:
        return
    wait = answer.headers.get("Retry-After")
    known.not_before = now + timedelta(seconds=int(wait)) if wait else None
    known.moved, known.gone = answer.status in (301, 308), answer.status == 410
    if answer.status in (200, 304):
        known.right = carried if answer.status == 200 else known.right | carried
        kept = known.max_age if answer.status == 304 else 0.0
        known.max_age = kept if answer.max_age is None else answer.max_age


def _handler(score):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with score.meeting():
                answer = score.answer(self.path, self.headers)
            head = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
            body = b"" if answer.status == 304 else answer.body
            length = {} if answer.status == 304 else {"Content-Length": str(len(body))}
            head += [f"{name}: {value}" for name, value in {**length, **answer.headers}.items()]
            self.wfile.write("\r\n".join([*head, "", ""]).encode() + body)

        def log_message(self, *_):
            pass

    return Handler
