"""How far an article is, in words about "it", for every view of it. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.model import ArticleState

# Of a settled one, what came of it is to be said, and not that it is settled.
WAITING: Final[Mapping[ArticleState, str]] = {
    ArticleState.NEW: "waits to be judged",
    ArticleState.ANALYSING: "is being judged",
    ArticleState.JUDGED: "is judged, and waits for its story",
    ArticleState.QUARANTINED: "was parked after three failed tries, and raised nothing; the operator was told",
}
