"""An alert as plain text: all that the HTML says, for those who read no HTML, and for grep. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from worker.alerts.moments import first_raised, seen_words, times_line
from worker.alerts.wording import (
    also_lines,
    because,
    capital,
    kind_words,
    marked,
    matched_words,
    severity_word,
    spread_line,
    web_link,
    why_lines,
)
from worker.model import Action, AlertArticle, AlertContent


def plain_text(content: AlertContent, zone: str, actions: Sequence[Action] = ()) -> str:
    """Matched words stand between asterisks; each command and address has a line of its own, to be copied."""
    parts = [
        [
            " · ".join(
                word for word in (severity_word(content.severity), kind_words(content), content.rule_name) if word
            )
        ],
        *_since(content, zone),
        *([*_article(article, matched_words(content, article), zone)] for article in content.articles),
        [spread_line(content, zone)] if content.outlets > 1 else [],
        *_first(content, zone),
        ["WHY YOU GET THIS", *(f"  {line}" for line in why_lines(content))],
        ["ALSO", *(f"  {line}" for line in also_lines(content))] if content.also else [],
        ["WHAT YOU CAN DO", *_acts(actions)] if actions else [],
        [*_foot(content, zone)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _since(content: AlertContent, zone: str) -> Iterator[list[str]]:
    """What a reader who knows the alert must see first."""
    if content.kind == "alert.reminder":
        yield [f"Nobody has acknowledged this alert since it was raised, {first_raised(content, zone)}."]
    if content.new:
        yield ["WHAT IS NEW", *(f"  - {capital(one.words)}" for one in content.new)]


def _article(article: AlertArticle, words: Sequence[str], zone: str) -> Iterator[str]:
    yield _starred(article.title, words)
    yield article.source  # alone: after an Arabic name the digits of a time would be drawn out of order
    yield seen_words(article, zone)
    if url := web_link(article.url):
        yield url
    if article.quote:
        yield f"\n“{_starred(article.quote, words)}”"


def _first(content: AlertContent, zone: str) -> Iterator[list[str]]:
    if content.kind == "alert.updated":
        reasons = because(content, content.first_why or content.why)
        yield [f"FIRST RAISED {first_raised(content, zone)}", f"  {content.story_title}", f"  Because of {reasons}"]


def _acts(actions: Sequence[Action]) -> Iterator[str]:
    for action in actions:
        yield f"  {action.words}:"
        yield f"    {web_link(action.url) or action.command}"


def _foot(content: AlertContent, zone: str) -> Iterator[str]:
    yield times_line(content, zone)
    if content.outlets < 2:
        yield spread_line(content, zone)
    if url := web_link(content.url):
        yield f"Open in Wirewatch: {url}"
    yield f"Alert {content.alert_id} · story {content.story_id}"


def _starred(text: str, words: Sequence[str]) -> str:
    return "".join(f"*{piece}*" if hit else piece for piece, hit in marked(text, words))
