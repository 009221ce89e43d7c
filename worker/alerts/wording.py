"""An alert in words for people: times with zones, names for ids, matched words to be marked. Pure: no I/O, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from worker.model import AlertArticle, AlertContent

SUBJECT_LENGTH: Final = 180
SEVERITY: Final = {"low": "Low", "normal": "Normal", "high": "High", "critical": "Critical"}


def local_time(moment: datetime | None, zone: str) -> str:
    """'8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00)'; 'not given' for None."""
    if moment is None:
        return "not given"
    there = moment.astimezone(ZoneInfo(zone))
    offset = there.strftime("%z")
    return f"{there.day} {there:%b %Y, %H:%M} {zone}" + ("" if zone == "UTC" else f" (UTC{offset[:3]}:{offset[3:5]})")


def subject_line(content: AlertContent) -> str:
    """'[High] Rule's name: headline', safe as a header."""
    return header_text(
        f"[{SEVERITY.get(content.severity, content.severity)}] {content.rule_name}: {content.story_title}"
    )


def header_text(text: str) -> str:
    """One line that cannot end a header, hide text or pretend to be encoded already."""
    plain = unicodedata.normalize("NFC", text).replace("=?", "= ?")
    kept = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Zs") else c for c in plain if not _invisible(c)
    )
    kept = re.sub(" +", " ", kept).strip()
    return kept if len(kept) <= SUBJECT_LENGTH else kept[: SUBJECT_LENGTH - 1].rstrip() + "…"


def _invisible(character: str) -> bool:
    """Direction overrides and the like, which could reorder what a reader sees."""
    return unicodedata.category(character) in ("Cf", "Cs") and character not in "\u200c\u200d"


def in_names(words: str, content: AlertContent) -> str:
    """Reasons with names for ids: 'topic nk-russia-arms 0.97' reads 'topic North Korea–Russia arms 0.97'."""
    names = {**content.entity_names, **content.topic_names}
    if not names:
        return words
    ids = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w-])({ids})(?![\w-])", lambda found: names[found[1]], words)


def why_lines(content: AlertContent) -> list[str]:
    """What the article is about, whom it names, which rule that met; one line each."""
    about = [f"{content.topic_names.get(t.id, t.id)} ({t.score:.2f})" for t in content.topics if t.match]
    evidence = dict.fromkeys(words for t in content.topics if t.match for words in t.evidence)
    named = dict.fromkeys(content.entity_names.get(m.entity, m.entity) for a in content.articles for m in a.mentions)
    lines = [("About", ", ".join(about)), ("Because of", ", ".join(list(evidence)[:6])), ("Names", ", ".join(named))]
    rule = "; ".join(in_names(words, content) for words in content.why)
    return [f"{label}: {words}" for label, words in [*lines, ("Rule", f"{content.rule_name}: {rule}")] if words]


def marked(text: str, article: AlertArticle) -> Iterator[tuple[str, bool]]:
    """`text` in pieces, True for the words that a watched name matched."""
    words = sorted({mention.text for mention in article.mentions if mention.text}, key=len, reverse=True)
    if not words:
        yield text, False
        return
    for piece in re.split("(" + "|".join(re.escape(word) for word in words) + ")", text):
        if piece:
            yield piece, piece in words
