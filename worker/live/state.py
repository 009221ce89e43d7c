"""What the view knows: running counts and the last few of everything. Pure: no I/O, no clock; `now` is an argument."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from worker.live.happened import Arrived, Delivered, Happened, Judged, Polled, Raised, Trouble
from worker.store.recent import Backlog

LAST: Final = 100  # of each kind are kept: more than a tall screen shows
STAGES: Final = ("polls", "entries", "articles", "judged", "alerts", "delivered")  # a news item's way, in order


@dataclass
class AlertNow:
    """An alert and what became of it. `told`: seconds from the first sight of its article to its first delivery."""

    raised: Raised
    told: float | None = None
    sent: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Progress:
    """How far the demo's sample is; `next` says what comes."""

    done: int
    of: int
    next: str = ""


@dataclass
class State:
    """Grows by `take`, never beyond LAST of each kind (the feeds: those polled last). `phase` is starting, running,
    through (the demo's sample) or stopping. `feeds`: id -> title, then id -> its last poll; the last polled last."""

    started: datetime
    phase: str = "starting"
    counts: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)  # by channel kind
    moved: dict[str, datetime] = field(default_factory=dict)  # when each count last grew
    titles: Mapping[str, str] = field(default_factory=dict)
    feeds: OrderedDict[str, Polled] = field(default_factory=OrderedDict)
    articles: deque[Judged] = field(default_factory=lambda: deque(maxlen=LAST))
    alerts: OrderedDict[str, AlertNow] = field(default_factory=OrderedDict)
    alerted: dict[str, str] = field(default_factory=dict)  # article -> the first of its alerts' severities
    deliveries: deque[Delivered] = field(default_factory=lambda: deque(maxlen=LAST))
    arrivals: dict[str, deque[Arrived]] = field(default_factory=dict)
    troubles: deque[Trouble] = field(default_factory=lambda: deque(maxlen=LAST))
    refused: Polled | None = None  # the last poll that failed
    slowest: float = 0.0
    backlog: Backlog | None = None
    progress: Progress | None = None
    away_since: datetime | None = None

    def take(self, happenings: Iterable[Happened], *, now: datetime) -> None:
        for one in happenings:
            match one:
                case Polled():
                    self._polled(one, now)
                case Judged():
                    self._judged(one, now)
                case Raised():
                    self._raised(one, now)
                case Delivered():
                    self._delivered(one, now)
                case Arrived():
                    self._count(f"{one.inbox} arrived" if one.good else f"{one.inbox} refused", 1, now)
                    self.arrivals.setdefault(one.inbox, deque(maxlen=LAST)).append(one)
                case Trouble():
                    self.troubles.append(one)

    def _count(self, what: str, more: int, now: datetime) -> None:
        if more:
            self.counts[what] += more
            self.moved[what] = now

    def _polled(self, one: Polled, now: datetime) -> None:
        self._count("polls", 1, now)
        self._count("entries", one.entries, now)
        self._count("articles", one.new, now)
        self._count("edited", one.edited, now)
        if one.outcome == "failed":
            self._count("failed polls", 1, now)
            self.refused = one
        self.feeds[one.feed] = one
        self.feeds.move_to_end(one.feed)
        while len(self.feeds) > LAST:
            self.feeds.popitem(last=False)

    def _judged(self, one: Judged, now: datetime) -> None:
        self._count("judged", 1, now)
        self._count("copies", one.copy, now)
        self.articles.append(one)

    def _raised(self, one: Raised, now: datetime) -> None:
        self._count("alerts", 1, now)
        self.severities[one.severity] += 1
        self.alerts[one.alert] = AlertNow(one)
        self.alerted.setdefault(one.article, one.severity)
        while len(self.alerts) > LAST:
            _, dropped = self.alerts.popitem(last=False)
            self.alerted.pop(dropped.raised.article, None)

    def _delivered(self, one: Delivered, now: datetime) -> None:
        self.deliveries.append(one)
        alert = self.alerts.get(one.alert)
        if one.state == "sent":
            self._count("delivered", 1, now)
            self.sent[one.kind] += 1
            if alert is not None:
                alert.sent += 1
                alert.told = one.seconds if alert.told is None else min(alert.told, one.seconds)
                self.slowest = max(self.slowest, one.seconds)
        else:
            self._count(f"{one.state} deliveries", 1, now)
            if alert is not None:
                alert.failed += 1
        if not one.alert and one.attempt == 1 and all(one.subject != told.words for told in self.troubles):
            self.troubles.append(Trouble(at=one.at, words=one.subject))
