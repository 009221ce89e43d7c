"""An alert in words for people: times with zones, names for ids, matched words to be marked. Pure: no I/O, no clock."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from worker.display import one_line
from worker.model import AlertArticle, AlertContent, Mention

SUBJECT_LENGTH: Final = 180
FURTHEST: Final = 10_000  # letters of a text that are looked at for a line; what is left out may come first
ANSWER: Final = "Re: "
PREVIEW_LENGTH: Final = 160  # no list of mails shows more
SEVERITY: Final = {"low": "Low", "normal": "Normal", "high": "High", "critical": "Critical"}
NAMES_SHOWN: Final = 12  # an alert is read on one screen
EVIDENCE_SHOWN: Final = 6
LINE_LENGTH: Final = 400
TINY: Final = re.compile(r"[a-z]{1,2}")
# Letters of scripts that part words by spaces and add nothing to a name: "Kim" is not in "Kimchi". A Korean particle,
# a Russian ending or an Arabic prefix belongs to the words as they were found, or may follow them.
LETTER: Final = r"[0-9A-Za-z_\u00aa-\u024f\u0370-\u052f]"


def local_time(moment: datetime | None, zone: str) -> str:
    """'8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00)'; 'not given' for None."""
    if moment is None:
        return "not given"
    try:
        there = moment.astimezone(ZoneInfo(zone))
    except OverflowError:  # the year 1 or 9999, as some feeds write
        there, zone = moment.astimezone(UTC), "UTC"
    offset = there.strftime("%z")
    return f"{there.day} {there:%b} {there.year}, {there:%H:%M} {zone}" + (
        "" if zone == "UTC" else f" (UTC{offset[:3]}:{offset[3:5]})"
    )


def subject_line(content: AlertContent) -> str:
    """'[High] Headline · Rule's name', safe as a header; the headline first, for a list of mails shows little.

    Of a later message 'Re: ' and the first one's, whatever has become of it: Gmail threads by nothing without it.
    """
    room = SUBJECT_LENGTH - len(ANSWER)
    subject = header_text(f"[{severity_word(content.severity)}] {content.story_title} · {content.rule_name}", room)
    return subject if content.kind == "alert.raised" else ANSWER + header_text(content.first_subject or subject, room)


def severity_word(severity: str) -> str:
    return SEVERITY.get(severity, severity)


def kind_words(content: AlertContent) -> str:
    """'Update', 'Reminder'; '' for an alert's first message."""
    return {"alert.updated": "Update", "alert.reminder": "Reminder"}.get(content.kind, "")


def spread_line(content: AlertContent, zone: str) -> str:
    """'11 outlets, 2 original sources, since 8 Nov 2023, 14:05 Asia/Seoul (UTC+09:00)'; how far a story has spread."""
    if content.outlets < 2:
        return "1 outlet so far"
    sources = "1 original source" if content.originals == 1 else f"{content.originals} original sources"
    return f"{content.outlets} outlets, {sources}, since {local_time(content.story_first_seen, zone)}"


def also_lines(content: AlertContent) -> list[str]:
    """The other rules that this message tells of, each with its severity, its reasons and its alert's id."""
    return [
        f"[{severity_word(one.severity)}] {one.rule_name}: {in_names(cut(one.why, LINE_LENGTH), content)}"
        f" (alert {one.alert_id})"
        for one in content.also
    ]


def preview(content: AlertContent) -> str:
    """What a list of mails shows beside the subject: what is new, else the text's beginning."""
    new = "; ".join(one.words for one in content.new)
    if content.kind == "alert.updated" and new:
        return cut(f"New: {new}", PREVIEW_LENGTH)
    quotes = " ".join(article.quote for article in content.articles[:1])
    sources = ", ".join(article.source for article in content.articles[:1])
    said = "Not acknowledged yet. " if content.kind == "alert.reminder" else ""
    return cut(f"{said}{sources}: {one_line(quotes)}", PREVIEW_LENGTH)


def capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def header_text(text: str, limit: int = SUBJECT_LENGTH) -> str:
    """One line that cannot end a header, hide text or pretend to be encoded already."""
    line = one_line(text[:FURTHEST]).replace("=?", "= ?")  # last: what was taken out may have stood between the two
    return cut(line, limit)


def direction(text: str) -> str:
    """'rtl' where most letters run from right to left, else 'ltr'; not every mail program finds out by itself."""
    kinds = [unicodedata.bidirectional(c) for c in text]
    return "rtl" if kinds.count("R") + kinds.count("AL") > kinds.count("L") else "ltr"


def web_link(url: str) -> str:
    """The address if it is http or https and one word, else ''."""
    return url if re.fullmatch(r"https?://\S+", url) and url.isprintable() else ""


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
    evidence = _evidence(content)
    first: dict[str, Mention] = {}
    for mention in (mention for article in content.articles for mention in article.mentions):
        first.setdefault(mention.entity, mention)
    named = [_named(content.entity_names.get(key, key), mention.text) for key, mention in first.items()]
    more = f" and {len(named) - NAMES_SHOWN} more" if len(named) > NAMES_SHOWN else ""
    lines = [
        ("About", ", ".join(about)),
        ("Because of", ", ".join(evidence[:EVIDENCE_SHOWN])),
        ("Names", cut(", ".join(named[:NAMES_SHOWN]), LINE_LENGTH) + more),
        ("Rule", f"{content.rule_name}: {because(content, content.why)}"),
    ]
    return [f"{label}: {cut(words, 2 * LINE_LENGTH)}" for label, words in lines if words]


def because(content: AlertContent, reasons: Sequence[str]) -> str:
    """A rule's reasons with names for ids, cut."""
    words = "; ".join(in_names(one[: 2 * LINE_LENGTH], content) for one in reasons)
    return words if len(words) <= LINE_LENGTH else words[:LINE_LENGTH].rstrip() + " …"


def _named(name: str, words: str) -> str:
    """'Kim Jong Un (김정은)': the name, and the article's words where they differ."""
    return name if words.casefold() == name.casefold() else f"{name} ({words})"


def matched_words(content: AlertContent, article: AlertArticle) -> list[str]:
    """The words to mark: those of every mention, and the evidence of the topics that matched."""
    words = [mention.text for mention in article.mentions]
    return [word for word in dict.fromkeys(words + _evidence(content)) if word.strip()]


def _evidence(content: AlertContent) -> list[str]:
    """The words for which its topics matched, but none that says nothing by itself: a model weighs 'al' and 'to'."""
    words = dict.fromkeys(words for topic in content.topics if topic.match for words in topic.evidence)
    return [word for word in words if not TINY.fullmatch(word)]


def marked(text: str, words: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """`text` in pieces, True for `words`, the longest first; never a part of a longer Latin or Cyrillic word."""
    found = sorted((word for word in words if word in text), key=len, reverse=True)
    if not found:
        yield text, False
        return
    for n, piece in enumerate(re.split("(" + "|".join(_whole(word) for word in found) + ")", text)):
        if piece:
            yield piece, n % 2 == 1


def _whole(word: str) -> str:
    before = f"(?<!{LETTER})" if re.match(LETTER, word) else ""
    after = f"(?!{LETTER})" if re.match(LETTER, word[-1]) else ""
    return before + re.escape(word) + after
