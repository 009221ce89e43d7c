"""Every mention of a watched name in an article, at its offsets: aliases, then what only the whole article tells.

Pure: no I/O, no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from worker.model import ArticleText, Mention
from worker.nlp.names.alike import slip_of, sounds_like
from worker.nlp.names.bearers import Bearer
from worker.nlp.names.eastern import eastern_titles
from worker.nlp.names.fullnames import kind_of_full
from worker.nlp.names.givens import given_names
from worker.nlp.names.index import NameIndex
from worker.nlp.names.kinds import Kind, Sighting
from worker.nlp.names.resolve import About, resolve
from worker.nlp.names.scan import Found, Scan, scan
from worker.nlp.names.sightings import sightings
from worker.nlp.names.spelling import sound
from worker.nlp.names.sure import sure


def find_mentions(index: NameIndex, article: ArticleText) -> tuple[Mention, ...]:
    """Every mention in title and text, by position; of overlapping finds the longest. Offsets are code points."""
    given = {"title": article.title, "text": article.text}
    scans = sure(index, [scan(index, name, text) for name, text in given.items() if text])
    mentions: list[Mention] = []
    seen: list[Sighting] = []
    for one in scans:
        kept, places = _surnames(index, one)
        mentions += [one.mention(found) for found in kept]
        seen += places
    mentions += eastern_titles(scans)
    full = {place.bearer.entity: place.bearer for place in seen if place.kind is Kind.FULL and place.bearer}
    for place, who, how in resolve(seen, index.surnames, About(article.title, article.text, frozenset(full))):
        text = given[place.field][place.start : place.end]
        mentions.append(Mention(who.entity, text, place.field, place.start, place.end, who.alias, how))
    for one in scans:
        mentions += _nearly(index, one)
        mentions += given_names(one.line, one.name, full.values()) if full else ()
    return _apart(mentions)


def _apart(mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """By position. Of what overlaps the longest, and of those what was found first; two entities may share a span."""
    kept: list[Mention] = []
    at: set[str] = set()  # the entities of the span that was kept last
    for mention in sorted(mentions, key=lambda m: (m.field != "title", m.start, m.start - m.end)):
        last = kept[-1] if kept else None
        if last is None or last.field != mention.field or last.end <= mention.start:
            at = set()
        elif (last.start, last.end) != (mention.start, mention.end) or mention.entity in at:
            continue
        at.add(mention.entity)
        kept.append(mention)
    return tuple(kept)


def _surnames(index: NameIndex, one: Scan) -> tuple[list[Found], list[Sighting]]:
    """The finds that stay, and every place of a watched surname in reading order."""
    if not index.surnames:
        return list(one.found), []
    line = one.line
    kept: list[Found] = []
    places: list[Sighting] = []
    single: dict[int, list[Found]] = {}
    for found in one.found:
        bearer = _bearer(index, found)
        if bearer is not None and not bearer.given and " " not in found.find.pattern.form:
            single.setdefault(found.end, []).append(found)
            continue
        kind = Kind.FULL if bearer is None else kind_of_full(line, found.start, found.end, bearer)
        if bearer is not None:
            places.append(_place(one, found, bearer, kind))
        if kind is Kind.FULL:
            kept.append(found)
    taken = [(found.start, found.end) for found in one.found if (found.end not in single)]
    for place in sightings(line, one.name, index.surnames, taken=taken, slips=index.alike):
        named = single.pop(place.end, [])
        if not named or place.kind in (Kind.RIVAL, Kind.NONE, Kind.FULL):
            places.append(place)  # Melania Trump, even where "Trump" is an alias
            continue
        kept += named
        places += [_place(one, found, bearer, Kind.FULL) for found in named if (bearer := _bearer(index, found))]
    kept += [found for others in single.values() for found in others]
    return kept, sorted(places, key=lambda place: place.start)


def _nearly(index: NameIndex, one: Scan) -> Iterator[Mention]:
    """Long one-word names of others than persons, spelt otherwise: Hizbullah, Panmunjeom."""
    if not index.alike.sounds:
        return
    for word in one.line.words:
        other = sounds_like(index.alike, word.folded)
        how = "variant" if other else "misspelling"
        other = other or slip_of(index.alike, word.folded)
        if other in index.single:
            entity, alias = index.single[other]
            text = one.text[word.start : word.end]
            yield Mention(entity, text, one.name, word.start, word.end, alias, how)


def _bearer(index: NameIndex, found: Found) -> Bearer | None:
    pattern = found.find.pattern
    return index.bearers.get((pattern.entity, pattern.alias))


def _place(one: Scan, found: Found, bearer: Bearer, kind: Kind) -> Sighting:
    who = bearer if kind is Kind.FULL else None
    return Sighting(one.name, found.start, found.end, sound(bearer.surname), bearer.surname, kind, who)
