"""How many entries came and went between two polls of one feed that share none: an estimate. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

MOST: Final = 1_000  # beyond it "about" says nothing; what matters is said: far too many
# A document of one busy hour says little about the days before it: no more than so many documents are held missed.
DOCUMENTS: Final = 10.0
OLDEST: Final = timedelta(days=30)  # an older date is a standing item's, or wrong


def estimate_missed(
    dates: Sequence[datetime | None], *, previous: datetime | None, now: datetime, usual_gap: float | None = None
) -> int:
    """At least 1. `dates` are those of every entry of the new document, None for one without; `previous`: the last
    successful poll; `usual_gap`: seconds between two polls that bring something, for a document without dates.

    By the document's own pace: so many entries since its first, for the time between the poll before and its first.
    """
    if previous is None or previous >= now:
        return 1
    since = max(previous, now - OLDEST)
    known = sorted(date for date in dates if date is not None and since < date <= now)
    if len(known) >= 2:
        missed = len(known) * min(DOCUMENTS, (known[0] - since) / max(now - known[0], timedelta(minutes=1)))
    elif usual_gap:
        missed = (now - since).total_seconds() / usual_gap - len(dates)
    else:
        missed = 1.0
    return _rounded(missed)


def _rounded(count: float) -> int:
    """To two digits: the third would be a lie."""
    whole = round(min(max(count, 1.0), MOST))
    return whole if whole < 100 else round(whole, 2 - len(str(whole)))


def gap_words(missed: int) -> str:
    """'about 12 entries missed'."""
    if missed >= MOST:
        return f"{MOST:,} entries or more missed"
    return "about 1 entry missed" if missed == 1 else f"about {missed} entries missed"
