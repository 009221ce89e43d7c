"""What is held, in words, for every command, page and message. Pure: no I/O, no clock."""

from __future__ import annotations

from typing import Any, Final

from worker.display import SHORT, one_line

LETTERS: Final = 100  # of a headline, or of a feed's title


def held_words(row: Any) -> str:
    """'87 old entries from Yonhap (yonhap-en)'; `row` is a hold's, with the feed's `title`."""
    entries = "1 old entry" if row.count == 1 else f"{row.count:,} old entries"
    return f"{entries} from {one_line(row.title, LETTERS) or row.feed_id} ({row.feed_id})"


def decision_commands(row: Any) -> tuple[str, str]:
    """What to type for each decision: release, ignore. YOU stands for who decides, an id from people.yaml."""
    name = row.public_id[:SHORT]
    return f"wirewatch feeds release {name} --as YOU", f"wirewatch feeds ignore {name} --as YOU"


def decided_words(decision: str, by: str | None) -> str:
    """'released by ana', 'ignored: nobody decided in time'."""
    return f"{decision} by {one_line(by, LETTERS)}" if by else f"{decision}: nobody decided in time"
