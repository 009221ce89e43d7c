"""What the operator is told of feeds' troubles: one message for all that began, one for all that ended. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

from worker.display import one_line
from worker.errors import ParseReason
from worker.feeds.groups import group_words
from worker.feeds.reasons import wording
from worker.feeds.rhythm import gap_span
from worker.feeds.troubles import UNREACHED, Known, TroubleKind, Wrong

NAMED: Final = 20  # feeds that a message names; the rest it counts
FEW: Final = 2  # groups that a subject names
TITLE: Final = 60  # letters
DETAIL: Final = 80
LINE_DOWN: Final = (
    "Most of the desk's feeds cannot be reached at once, so it is probably none of them: look at this machine's own "
    "line first, then at its name server, proxy or firewall."
)
GROUP_ADVICE: Final = (
    "Open one or two of their sites in a browser. If there is news that the desk does not have, look at what these "
    "feeds have in common: an aggregator, a firewall, this machine's line."
)
# The words after '1 feed' and '3 feeds': as it begins, and as it ends.
Phrase = tuple[str, str]
FAILS: Final = (("fails", "fail"), ("answers again", "answer again"))
QUIET: Final = (("is quiet", "are quiet"), ("brings news again", "bring news again"))
EMPTY: Final = (("has no entries", "have no entries"), ("has entries again", "have entries again"))
HEAR: Final = "You hear again when this is over."
LOOK: Final = "All feeds in trouble now: wirewatch feeds list --state failing --state quiet"
T = TypeVar("T", Wrong, Known)
K = TypeVar("K", str, Phrase)


def start_words(
    told: Sequence[Wrong], titles: Mapping[str, str], *, now: datetime, line_down: bool
) -> tuple[str, list[str]]:
    """Subject and lines. `titles` by feed id, as the desk or the publishers wrote them."""
    groups = [one for one in told if one.kind is TroubleKind.GROUP]
    feeds = [one for one in told if one.kind is not TroubleKind.GROUP]
    said = [f"All feeds {group_words(one.subject)} are quiet" for one in groups]
    if len(said) > FEW:
        said = [f"All feeds of {len(said)} tags and languages are quiet"]
    body = [
        f"All feeds {group_words(one.subject)} together have brought nothing new for {_lasted(one, now)}, longer than "
        "ever before."
        for one in groups[:NAMED]
    ]
    if len(groups) > NAMED:
        body.append(f"So have those of {len(groups) - NAMED:,} more tags and languages.")
    if groups:
        body.append(GROUP_ADVICE)
    if line_down and any(one.reason in UNREACHED for one in feeds):
        body.append(LINE_DOWN)
    found = _by(feeds, lambda one: one.reason)
    for (reason, some), shown in zip(found, _shares([len(some) for _, some in found]), strict=True):
        words = wording(reason)
        each = ", of each" if len(some) > 1 else ""
        body.append(f"{_feeds(len(some))}{each}: {words.says}. {words.advice}")
        body += _named(some, titles, shown, lambda one: f"for {_lasted(one, now)}{_detail(one)}")
    body.append(f"{HEAR} {LOOK}" if feeds else HEAR)  # each feed of a quiet group may be well by its own rhythm
    return "; ".join([*said, *_counts(feeds, _begun)]), body


def end_words(ends: Sequence[Known], titles: Mapping[str, str], *, still: int) -> tuple[str, list[str]]:
    """Subject and lines. `still`: how many that were told of together with these are in trouble yet."""
    groups = [one for one in ends if one.kind is TroubleKind.GROUP]
    feeds = [one for one in ends if one.kind is not TroubleKind.GROUP]
    said = [f"Feeds {group_words(one.subject)} bring news again" for one in groups]
    if len(said) > FEW:
        said = [f"Feeds of {len(said)} tags and languages bring news again"]
    body = [
        f"The feeds {group_words(one.subject)} bring news again, after {_length(one)} without any." for one in groups
    ]
    found = _by(feeds, _over)
    for (phrase, some), shown in zip(found, _shares([len(some) for _, some in found]), strict=True):
        body.append(f"{_feeds(len(some))} {phrase[len(some) > 1]}:")
        body += _named(some, titles, shown, lambda one: f"after {_length(one)}")
    if still:
        are = "is" if still == 1 else "are"
        body.append(f"Of what was told of together with this, {still:,} {are} still in trouble.")
    return "; ".join([*said, *_counts(feeds, _over)]), body


def _counts(feeds: Sequence[T], say: Callable[[T], Phrase]) -> Iterator[str]:
    """'A feed fails: harbour-wire', '300 feeds fail', '2 feeds are quiet'."""
    for (one, many), found in _by(feeds, say):
        yield f"{len(found):,} feeds {many}" if len(found) > 1 else f"A feed {one}: {found[0].subject}"


def _begun(one: Wrong) -> Phrase:
    return _phrases(one)[0]


def _over(one: Known) -> Phrase:
    return _phrases(one)[1]


def _phrases(one: Wrong | Known) -> tuple[Phrase, Phrase]:
    if one.kind is TroubleKind.FAILING:
        return FAILS
    return EMPTY if one.reason == ParseReason.NO_ENTRIES else QUIET


def _shares(sizes: Sequence[int]) -> list[int]:
    """How many of each group are named: as many as can be, and of a small one no fewer for the sake of a large one."""
    shares, left = [0] * len(sizes), NAMED
    for done, n in enumerate(sorted(range(len(sizes)), key=lambda n: sizes[n])):
        shares[n] = min(sizes[n], left // (len(sizes) - done))
        left -= shares[n]
    return shares


def _by(found: Sequence[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    """The largest group first, within each the longest in trouble."""
    sizes = Counter(key(one) for one in found)
    grouped: dict[K, list[T]] = defaultdict(list)
    for one in sorted(found, key=lambda one: (one.since, one.subject)):
        grouped[key(one)].append(one)
    return sorted(grouped.items(), key=lambda item: (-sizes[item[0]], item[0]))


def _named(found: Sequence[T], titles: Mapping[str, str], shown: int, say: Callable[[T], str]) -> Iterator[str]:
    for one in found[:shown]:
        title = one_line(titles.get(one.subject, ""), TITLE)
        name = f"{one.subject} ({title})" if title and title != one.subject else one.subject
        yield f"- {name}, {say(one)}"
    if len(found) > shown:
        yield f"- and {len(found) - shown:,} more" if shown else f"- {len(found):,} that are not named here"


def _feeds(count: int) -> str:
    return "1 feed" if count == 1 else f"{count:,} feeds"


def _detail(one: Wrong) -> str:
    """'' also for a status whose number stands in the words above."""
    said = one_line(one.detail, DETAIL)
    told = f"({said.removeprefix('status ')})" in wording(one.reason).says
    return f": {said}" if said and not told else ""


def _lasted(one: Wrong, now: datetime) -> str:
    return gap_span(max(0.0, (now - one.since).total_seconds()))


def _length(one: Known) -> str:
    ended = one.ended_at or one.since
    return gap_span(max(0.0, (ended - one.since).total_seconds()))
