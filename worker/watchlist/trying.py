"""What the watchlist finds in a text and why, and what it nearly finds and why not, in words for an analyst. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from worker.articles.folding import fold
from worker.model import ArticleText, Denial, Mention
from worker.nlp.names import NameIndex, find_mentions, without_denied
from worker.nlp.names.capitals import read_line
from worker.nlp.names.kinds import Kind
from worker.nlp.names.scan import scan
from worker.nlp.names.sightings import sightings
from worker.nlp.names.words import is_common

# By Mention.how: how it was found, of an alias.
HOW: Final[Mapping[str, str]] = {
    "name": "its name",
    "alias": "another name of it",
    "acronym": "an acronym, in capitals as here",
    "particle": "its name, with what Korean writes on to a word",
    "prefix": "its name, with what Arabic and Hebrew write before a word",
    "inflected": "its name, with a case ending",
    "glued": "its name, written together with a neighbour",
    "short": "its name for short; the text says in full what is meant",
    "variant": "its name in another spelling",
    "misspelling": "its name but for a slip",
    "surname": "the surname alone, of whom the text has introduced or everybody knows",
    "title": "the surname under an office or a title",
    "given name": "the given name alone, of whom the text names in full",
}
SURNAME: Final[Mapping[Kind, str]] = {
    Kind.RIVAL: "it belongs to somebody else's name here",
    Kind.NONE: "a family, a place or a thing has the name here, no person",
}
WORD: Final = re.compile(r"[^\W_]+")
REACH: Final = 40  # letters to each side within which the neighbouring word is shown
AROUND: Final = re.compile(r"(\S+\s+)?$"), re.compile(r"^(\s+\S+)?")


@dataclass(frozen=True)
class Near:
    """[start:end] of the text, which a name of these entities came near to, and why it does not count."""

    start: int
    end: int
    entities: Sequence[str]
    alias: str
    why: str


@dataclass(frozen=True)
class Tried:
    text: str
    found: Sequence[Mention]
    denied: Sequence[Mention]
    near: Sequence[Near]


def try_text(index: NameIndex, text: str, *, entities: Mapping[str, Any], denials: Iterable[Denial] = ()) -> Tried:
    """As an article of this text would be read; `entities` are the watched ones by their id."""
    article = ArticleText(id="", title="", text=text)
    mentions = find_mentions(index, article)
    found = without_denied(mentions, article, denials)
    spans = [(one.start, one.end) for one in mentions]
    taken = {at for start, end in spans for at in range(start, end)}
    near: list[Near] = []
    looks: tuple[Iterator[Near], ...] = (
        _weak(index, text, entities),
        _surnames(index, text, spans),
        _small_letters(index, text),
    )
    for one in itertools.chain.from_iterable(looks):
        letters = range(one.start, one.end)
        if taken.isdisjoint(letters):
            near.append(one)
            taken.update(letters)
    left = set(found)
    denied = [one for one in mentions if one not in left]
    return Tried(text, found, denied, sorted(near, key=lambda one: one.start))


def how_words(mention: Mention) -> str:
    return HOW.get(mention.how, mention.how)


def marked(tried: Tried) -> str:
    """The text with «finds» and ‹near misses› marked."""
    marks = [(one.start, one.end, "«", "»") for one in tried.found]
    marks += [(one.start, one.end, "‹", "›") for one in tried.denied]
    marks += [(one.start, one.end, "‹", "›") for one in tried.near]
    pieces, at = [], 0
    for start, end, begins, ends in sorted(set(marks)):
        if start >= at:  # two entities of one name are marked once
            pieces += [tried.text[at:start], begins, tried.text[start:end], ends]
            at = end
    return "".join([*pieces, tried.text[at:]])


def _weak(index: NameIndex, text: str, entities: Mapping[str, Any]) -> Iterator[Near]:
    """What stands there, and does not count by what else the text says."""
    for one in scan(index, "text", text).found:
        pattern = one.find.pattern
        why = WHY_NOT.get(pattern.needs, _against)(entities.get(pattern.entity))
        yield Near(one.start, one.end, (pattern.entity,), pattern.alias, why)


def _needs_context(entity: Any) -> str:
    words = ", ".join(entity.context[:6]) if entity is not None else ""
    named = f" ({words})" if words else ""
    return f"a weak name: none of its context words{named} stands near it, nor a full name of it in the text"


def _needs_full(_: Any) -> str:
    return "a name for short: the text has no full name that it could stand for, or it is part of another's"


def _against(entity: Any) -> str:
    words = ", ".join(entity.not_context[:6]) if entity is not None else ""
    return f"a word of `not_context` stands near it ({words})" if words else SURNAME[Kind.RIVAL]


def _needs_intro(_: Any) -> str:
    return "a surname alone: the text has no full name that introduces it, or it is part of another's"


WHY_NOT: Final[Mapping[str, Callable[[Any], str]]] = {
    "context": _needs_context,
    "full": _needs_full,
    "intro": _needs_intro,
}


def _surnames(index: NameIndex, text: str, spans: Sequence[tuple[int, int]]) -> Iterator[Near]:
    """Surnames that stand for nobody here."""
    if not index.surnames:
        return
    places = list(sightings(read_line(text), "text", index.surnames, taken=sorted(spans), slips=index.alike))
    rivals = {
        place.group: _with_neighbours(text, place.start, place.end) for place in places if place.kind is Kind.RIVAL
    }
    for place in places:
        bearers = [one for one in index.surnames[place.group].bearers if one.surname == place.spelt]
        who = tuple(dict.fromkeys(one.entity for one in bearers))
        if not who:
            continue
        if place.kind in SURNAME:
            why = SURNAME[place.kind]
        elif place.group in rivals:
            why = f"a surname whose other bearer is named here ({rivals[place.group]})"
        elif len(who) > 1:
            why = "a surname of several watched persons, of whom the text introduces none"
        elif is_common(place.spelt):
            why = "a surname of many people: it counts once the text gives the full name, or the office"
        else:
            why = "a surname alone: the text does not say whose it is"
        yield Near(place.start, place.end, who, bearers[0].alias, why)


def _with_neighbours(text: str, start: int, end: int) -> str:
    before, after = AROUND
    head, tail = text[max(0, start - REACH) : start], text[end : end + REACH]
    return " ".join(f"{before.search(head)[0]}{text[start:end]}{after.search(tail)[0]}".split())  # type: ignore[index]


def _small_letters(index: NameIndex, text: str) -> Iterator[Near]:
    """Acronyms that stand there without their capitals."""
    if index.automaton is None:
        return
    for word in WORD.finditer(text):
        patterns = [one for one in index.automaton.get(fold(word[0]).text, ()) if one.exact]
        if patterns and word[0] != patterns[0].alias:
            owners = tuple(dict.fromkeys(one.entity for one in patterns))
            why = f"an acronym counts only in capitals: {patterns[0].alias}"
            yield Near(word.start(), word.end(), owners, patterns[0].alias, why)
