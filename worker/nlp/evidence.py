"""Where a topic's evidence stands in an article, and its words. Decides nothing. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

from worker.model import ArticleText, Span


def model_spans(article: ArticleText, found: Iterable[tuple[int, int]]) -> list[tuple[Span, ...]]:
    """Offsets into what the model reads (title, line break, text, in small letters) as the article's own.

    A phrase over the end of the title is two. Small letters may be more than the letter was: İ is two.
    """
    whole = f"{article.title}\n{article.text}"
    found = list(found)
    if not found:
        return []
    last = max(end for _, end in found)
    starts = _lowered_starts(whole, last)
    break_at = len(article.title)
    return [tuple(_in_fields(_back(starts, start), _back(starts, end), break_at)) for start, end in found]


def _lowered_starts(whole: str, letters: int) -> Sequence[int] | None:
    """Where in lowered text each letter begins, with the end; None where lowering moves none of the first `letters`."""
    head = whole[:letters]
    if len(head.lower()) == len(head):
        return None
    return [0, *accumulate(len(letter.lower()) for letter in head)]


def _back(starts: Sequence[int] | None, at: int) -> int:
    """The letter of the article to which a letter of the lowered text belongs."""
    if starts is None:
        return at
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if starts[middle] >= at else (middle + 1, high)
    return low


def _in_fields(start: int, end: int, break_at: int) -> Iterable[Span]:
    if start < break_at:
        yield Span("title", start, min(end, break_at))
    if end > break_at + 1:
        yield Span("text", max(start - break_at - 1, 0), end - break_at - 1)


def evidence_words(article: ArticleText, groups: Iterable[Sequence[Span]]) -> tuple[str, ...]:
    """'Pyongyang … Moscow' for a group of two; each once, as the article has them, on one line."""
    words = (
        " … ".join(getattr(article, s.field)[s.start : s.end].replace("\n", " ") for s in group) for group in groups
    )
    return tuple(dict.fromkeys(words))
