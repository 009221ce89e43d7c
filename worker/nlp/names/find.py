"""Every mention of a watched name in an article, at its offsets. Pure: no I/O, no clock.

One pass of Aho-Corasick over folded text finds every alias; an offset map leads back to the text as it was given.
Then surnames that stand alone are looked at in title and text together.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from worker.articles.folding import Folded, cuts_character, fold, original_span
from worker.model import ArticleText, Mention
from worker.nlp.names.boundary import Find, glued, judge, longest
from worker.nlp.names.capitals import read_line
from worker.nlp.names.index import NameIndex, Pattern
from worker.nlp.names.resolve import About, resolve
from worker.nlp.names.sightings import Kind, Sighting, sightings
from worker.nlp.names.spelling import sound
from worker.nlp.names.words import SPORTS

SMALL_WORD: Final = re.compile(r"[a-z]{3,}")
SPORT_SOON: Final = 600  # letters within which an article of sport says that it is one
SPORT_WORDS: Final = 2


@dataclass(frozen=True, slots=True)
class _Field:
    """One field's exact finds, as mentions, and its surnames' places."""

    exact: list[tuple[Find, Mention]]
    seen: list[Sighting]


def find_mentions(index: NameIndex, article: ArticleText) -> tuple[Mention, ...]:
    """Every mention in title and text, by position; of overlapping finds the longest. Offsets are code points."""
    fields = [_read(index, field, text) for field, text in (("title", article.title), ("text", article.text)) if text]
    mentions = [mention for field in fields for _, mention in field.exact]
    seen = [sighting for field in fields for sighting in field.seen]
    texts = {"title": article.title, "text": article.text}
    for place, who, how in resolve(seen, index.surnames, _about(article, seen)):
        text = texts[place.field][place.start : place.end]
        mentions.append(Mention(who.entity, text, place.field, place.start, place.end, who.alias, how))
    return tuple(sorted(mentions, key=lambda m: (m.field != "title", m.start)))


def _about(article: ArticleText, seen: Sequence[Sighting]) -> About:
    persons = frozenset(place.bearer.entity for place in seen if place.kind is Kind.FULL and place.bearer)
    words = SMALL_WORD.findall(f"{article.title} {article.text[:SPORT_SOON]}") if seen else ()
    return About(len(article.text), sum(word in SPORTS for word in words) >= SPORT_WORDS, persons)


def _read(index: NameIndex, field: str, text: str) -> _Field:
    if index.automaton is None:
        return _Field([], [])
    folded = fold(text)
    exact = []
    for find in longest(_finds(index, folded, text)):
        start, end = original_span(folded, find.start, find.end, text=text)
        p = find.pattern
        exact.append((find, Mention(p.entity, text[start:end], field, start, end, p.alias, find.how)))
    return _Field(exact, _surnames(index, field, text, exact))


def _surnames(index: NameIndex, field: str, text: str, exact: Sequence[tuple[Find, Mention]]) -> list[Sighting]:
    """In reading order, the full names that were found exactly among them."""
    if not index.surnames:
        return []
    spans = [(mention.start, mention.end) for _, mention in exact]
    seen = list(sightings(read_line(text), field, index.surnames, spans))
    for find, mention in exact:
        for bearer in index.bearers.get((find.pattern.entity, find.pattern.alias), ()):
            group = sound(bearer.surname)
            seen.append(Sighting(field, mention.start, mention.end, group, bearer.surname, Kind.FULL, bearer))
    return sorted(seen, key=lambda sighting: sighting.start)


def _finds(index: NameIndex, folded: Folded, text: str) -> Iterable[Find]:
    for last, patterns in index.automaton.iter(folded.text):
        for pattern in patterns:
            at = (last + 1 - len(pattern.form), last + 1)
            find = judge(pattern, folded.text, *at) or _glued(pattern, folded, at, text)
            if find is None or cuts_character(folded, find.start) or cuts_character(folded, find.end):
                continue
            start, end = original_span(folded, find.start, find.end, text=text)
            if not pattern.exact or _letters(text[start:end]) == _letters(pattern.alias):
                yield find


def _glued(pattern: Pattern, folded: Folded, at: tuple[int, int], text: str) -> Find | None:
    """Small letters before a capital, or a word after: only then is it looked at as it was given."""
    start, end = original_span(folded, *at, text=text)
    before = text[start - 1 : start]
    if before.isalpha() and not before.islower():
        return None
    return glued(pattern, folded.text, at, text[start:end])


def _letters(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())
