"""Which feeds are quiet or dormant, as conditions on their rows: what feeds/rhythm.py decides of one, for all at once.

A silence is counted up to the last answer, so no clock is needed: what has not been asked has not been silent.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ColumnElement, and_, case, func, literal, or_, type_coerce
from sqlalchemy.types import Float

from worker.feeds.rhythm import (
    DORMANT_AFTER,
    KNOWN_GAPS,
    LEAST_QUIET,
    LEAST_QUIET_YOUNG,
    QUIET_FACTOR,
    SLOW,
    YOUNG,
)
from worker.store.schema import feed

MICROSECONDS = 1e6
# What a feed's rhythm is read from (feeds.rhythm.rhythm_of), and until when.
RHYTHM = ("news_at", "gaps", "usual_gap", "longest_gap", "baseline_at", "succeeded_at")


def is_quiet() -> ColumnElement[bool]:
    """It answers, and has brought nothing for clearly longer than ever; see feeds.rhythm.is_quiet."""
    young = _seconds(feed.c.baseline_at, feed.c.succeeded_at) < YOUNG
    least = case((young, LEAST_QUIET_YOUNG), else_=LEAST_QUIET)
    silence = _silence()
    return and_(
        feed.c.gaps >= KNOWN_GAPS,
        ~is_dormant(),
        silence > least,
        silence > QUIET_FACTOR * feed.c.longest_gap,
    )


def is_dormant() -> ColumnElement[bool]:
    """Slow by nature, or silent for so long that nobody waits for it; see feeds.rhythm.is_dormant."""
    return or_(func.coalesce(feed.c.usual_gap, 0.0) > SLOW, func.coalesce(_silence(), 0.0) > DORMANT_AFTER)


def _silence() -> ColumnElement[float]:
    return _seconds(feed.c.news_at, feed.c.succeeded_at)


def _seconds(since: Column, until: Column) -> ColumnElement[float]:
    """Null where either is."""
    length = type_coerce(until, BigInteger) - type_coerce(since, BigInteger)
    return type_coerce(length / literal(MICROSECONDS, Float), Float)
