"""Which finds of weak names and short forms count, by what else the article says. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from worker.nlp.names.index import NameIndex
from worker.nlp.names.scan import Found, Scan
from worker.nlp.names.shortened import has_qualifier, is_used_as_name
from worker.nlp.names.weak import NO_CONTEXT, has_word_near
from worker.nlp.names.words import GIVEN, PLACES, TITLES, WORDS

GIVEN_BEFORE: Final = re.compile(r"([^\W\d_]+)\s$")


def sure(index: NameIndex, scans: Sequence[Scan]) -> list[Scan]:
    """The same fields without the finds that may mean another."""
    if not index.contexts and not any(found.find.pattern.needs for one in scans for found in one.found):
        return list(scans)
    strong = {
        found.find.pattern.entity
        for one in scans
        for found in one.found
        if not found.find.pattern.needs and not _is_against(index, one, found)
    }
    others = {  # an article of George Wagner speaks of him as Wagner
        found.find.pattern.entity
        for one in scans
        for found in one.found
        if found.find.pattern.needs == "context" and _has_given_before(one, found)
    }
    kept = []
    for one in scans:
        found = (each for each in one.found if _counts(index, scans, one, each, strong=strong, others=others))
        kept.append(replace(one, found=tuple(found)))
    return kept


def _counts(
    index: NameIndex, scans: Sequence[Scan], one: Scan, found: Found, *, strong: set[str], others: set[str]
) -> bool:
    pattern = found.find.pattern
    if _is_against(index, one, found):
        return False
    if pattern.needs == "full":
        left_out = index.qualifiers[pattern.entity, pattern.alias]
        return is_used_as_name(one.text, found.start, found.end, left_out) and (
            pattern.entity in strong or any(has_qualifier(each.folded, left_out) for each in scans)
        )
    if pattern.needs == "context":
        if _has_given_before(one, found):
            return False
        if pattern.entity in strong:
            return True
        words = index.contexts[pattern.entity].words
        return pattern.entity not in others and has_word_near(one.folded, found.find.start, found.find.end, words)
    if pattern.needs == "intro":
        return pattern.entity in strong and not _has_capital_before(one, found)
    return True


def _has_capital_before(one: Scan, found: Found) -> bool:
    """Дарья Лаврова, after Сергей Лавров: another."""
    before = GIVEN_BEFORE.search(one.text, max(0, found.start - 30), found.start)
    return before is not None and before[1][0].isupper() and not before[1].isupper()


def _is_against(index: NameIndex, one: Scan, found: Found) -> bool:
    pattern = found.find.pattern
    context = index.contexts.get(pattern.entity, NO_CONTEXT)
    if not context.against or " " in pattern.form:
        return False
    return has_word_near(one.folded, found.find.start, found.find.end, context.against)


def _has_given_before(one: Scan, found: Found) -> bool:
    """George Wagner is no group."""
    before = GIVEN_BEFORE.search(one.text, max(0, found.start - 30), found.start)
    if before is None or not before[1][0].isupper():
        return False
    word = before[1].lower()
    if word in WORDS or word in PLACES or word in TITLES or before[1].isupper():
        return False
    return word in GIVEN or not one.line.headline
