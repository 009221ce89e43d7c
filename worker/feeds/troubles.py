"""Which troubles of feeds are open, which are over, and of which the operator hears now. Pure: no I/O, no clock.

A trouble is kept from its first signs on, and told when it has lasted. What is told together ends together: one message
for three hundred feeds that fail, and one when they are back. An end must hold for a while before it is told, the
longer the oftener the same trouble came back within a day; what returns before that has never ended.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from worker.errors import FetchReason, ParseReason

LEAST_FAILURES: Final = 3  # one that is asked once a day is in no trouble after one bad hour
# What fails for a quarter of the time, twice, is told along when another is told: an outage begins within minutes.
ALONG: Final = 4
ALONG_FAILURES: Final = 2
HOLD: Final = timedelta(minutes=30)  # an end is one when it has lasted so long; twice as long each time it did not
LONGEST_HOLD: Final = timedelta(hours=8)
FLAPPING: Final = timedelta(days=1)  # ends within so long count for the hold
PATIENCE: Final = timedelta(hours=2)  # the end of many waits so long for the last of them
# Nobody answered. If most feeds say so at once, it is hardly they.
UNREACHED: Final = frozenset({FetchReason.DNS, FetchReason.CONNECT, FetchReason.TIMEOUT, FetchReason.RESET})
LINE_SHARE: Final = 0.5
LINE_LEAST: Final = 5  # of three feeds, two may well be down


class TroubleKind(enum.StrEnum):
    FAILING = "failing"
    SILENT = "silent"  # it answers, and brings nothing: quiet, or without any entry
    GROUP = "group"  # all feeds of a tag or language are quiet


Subject = tuple[TroubleKind, str]


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a feed or group at this moment. `opens`: long enough for a trouble of its own; if not, it only
    keeps one open. `ripe`: long enough to be told, whatever else there is."""

    kind: TroubleKind
    subject: str
    reason: str
    since: datetime
    detail: str = ""
    opens: bool = True
    ripe: bool = True

    @property
    def key(self) -> Subject:
        return self.kind, self.subject


@dataclass(frozen=True)
class Known:
    """A trouble on record that is open, or told and over without word of it. `ends`: how often one of this subject that
    was told has ended within a day."""

    id: int
    kind: TroubleKind
    subject: str
    reason: str
    since: datetime
    told_at: datetime | None = None
    ended_at: datetime | None = None
    ends: int = 0

    @property
    def key(self) -> Subject:
        return self.kind, self.subject


@dataclass(frozen=True)
class Standing:
    """All that is wrong, and whose end would be nobody's news: feeds that are not polled any more, or dormant.
    `line_down`: most feeds cannot be reached."""

    wrong: Sequence[Wrong]
    passed: Collection[Subject] = frozenset()
    line_down: bool = False


@dataclass(frozen=True)
class Plan:
    """What becomes of the troubles. `opened` may be among `told` or `along` (told of by a message that went out before,
    at that moment); `forgotten` were never told; `settled` are over without a word; `ends` are told now."""

    opened: Sequence[Wrong] = ()
    reopened: Sequence[Known] = ()
    ended: Sequence[Known] = ()
    forgotten: Sequence[Known] = ()
    settled: Sequence[Known] = ()
    told: Sequence[Wrong] = ()
    along: Sequence[Wrong] = ()
    along_at: datetime | None = None
    ends: Sequence[Known] = ()
    still: int = 0  # of those that were told together with `ends`, how many are still in trouble


# ---------------------------------------------------------------- what is wrong


def find_wrong(
    row: Any, known: Mapping[Subject, Known], *, now: datetime, after: timedelta, line_down: bool
) -> list[Wrong]:
    """Of one polled feed: `row` is one of store.troubles.troubled_feeds. `after`: how long before it is told."""
    found = []
    if row.failures and row.failing_since is not None:
        lasted = now - row.failing_since
        opens = row.failures >= ALONG_FAILURES and lasted >= after / ALONG
        opens |= line_down and row.reason in UNREACHED
        ripe = row.failures >= LEAST_FAILURES and lasted >= after
        said = dict(since=row.failing_since, detail=row.detail or "", opens=opens or ripe, ripe=ripe)
        found.append(Wrong(TroubleKind.FAILING, row.id, row.reason or "", **said))
    held = known.get((TroubleKind.SILENT, row.id))
    since = held.since if held and held.reason == ParseReason.NO_ENTRIES else None
    if row.reason == ParseReason.NO_ENTRIES and not row.failures:
        since = since or now
        found.append(Wrong(TroubleKind.SILENT, row.id, row.reason, since, ripe=now - since >= after))
    elif since is not None and row.failures:  # while it fails, nobody knows whether it has entries again
        found.append(Wrong(TroubleKind.SILENT, row.id, str(ParseReason.NO_ENTRIES), since, opens=False, ripe=False))
    elif row.quiet:
        found.append(Wrong(TroubleKind.SILENT, row.id, str(ParseReason.QUIET), row.news_at))
    return found


def is_line_down(rows: Sequence[Any], *, polled: int) -> bool:
    """Most of all polled feeds cannot be reached: that is this machine's line, its name server, its proxy."""
    unreached = sum(1 for row in rows if row.failures and row.reason in UNREACHED)
    return unreached >= LINE_LEAST and unreached > LINE_SHARE * polled


# ---------------------------------------------------------------- what becomes of it


def plan(
    standing: Standing, known: Sequence[Known], *, now: datetime, after: timedelta, last_told: datetime | None
) -> Plan:
    """`last_told`: when the operator last heard that something is wrong: not oftener than once in `after`, except of a
    whole group."""
    wrong = {one.key: one for one in standing.wrong}
    open_now = {one.key: one for one in known if one.ended_at is None}
    ending = {one.key: one for one in known if one.ended_at is not None}
    over = [one for key, one in open_now.items() if key not in wrong]
    settled = [one for one in known if one.key in standing.passed and one.key not in wrong and one.told_at]
    reopened = [one for key, one in ending.items() if key in wrong]
    ended = [one for one in over if one.told_at and one not in settled]
    opened = [one for key, one in wrong.items() if one.opens and key not in open_now and key not in ending]
    told_before = [one for key, one in open_now.items() if one.told_at and key in wrong] + reopened
    told, along, along_at = _starts(standing, opened, open_now, told_before, now=now, after=after, last_told=last_told)
    pending = [one for key, one in ending.items() if key not in wrong and one not in settled]
    ends, still = _ends(pending, [*told_before, *ended], now=now)
    return Plan(
        opened=opened,
        reopened=reopened,
        ended=ended,
        forgotten=[one for one in over if not one.told_at],
        settled=settled,
        told=told,
        along=along,
        along_at=along_at,
        ends=ends,
        still=still,
    )


def _starts(
    standing: Standing,
    opened: Sequence[Wrong],
    open_now: Mapping[Subject, Known],
    told_before: Sequence[Known],
    *,
    now: datetime,
    after: timedelta,
    last_told: datetime | None,
) -> tuple[list[Wrong], list[Wrong], datetime | None]:
    """What is told now; what is told by the message of this outage of the line that went out already, and when."""
    waiting = [one for one in standing.wrong if one.key in open_now and not open_now[one.key].told_at]
    waiting = [one for one in [*opened, *waiting] if one.ripe or one.kind is TroubleKind.FAILING]
    said = [one.told_at for one in told_before if one.told_at and one.reason in UNREACHED]
    unreached = sum(1 for one in standing.wrong if one.reason in UNREACHED)
    if standing.line_down and 2 * len(said) >= unreached:  # else those that were told of are an older matter
        along = [one for one in waiting if one.reason in UNREACHED]
        rest = [one for one in waiting if one.reason not in UNREACHED]
    else:
        along, rest = [], waiting
    told = rest if any(one.ripe for one in rest) else []
    if last_told is not None and abs(now - last_told) < after:  # either way: a clock may have been set back
        told = [one for one in rest if one.kind is TroubleKind.GROUP]
    return told, along, max(said) if along else None


def _ends(pending: Sequence[Known], others: Sequence[Known], *, now: datetime) -> tuple[list[Known], int]:
    """Whose end is told now: of what was told together all at once, or after a while those that hold."""
    together = defaultdict(list)
    for one in pending:
        together[one.told_at].append(one)
    ends, still = [], 0
    for told_at, found in together.items():
        ready = [one for one in found if _held(one, HOLD, now)]
        left = sum(1 for one in others if one.told_at == told_at)
        if ready and ((len(ready) == len(found) and not left) or any(_held(one, PATIENCE, now) for one in ready)):
            ends += ready
            still += left + len(found) - len(ready)
    return ends, still


def _held(one: Known, least: timedelta, now: datetime) -> bool:
    """`ends` may count this one itself, which ended within the day."""
    hold = min(LONGEST_HOLD, HOLD * 2 ** min(max(0, one.ends - 1), 8))
    return one.ended_at is not None and abs(now - one.ended_at) >= max(hold, least)
