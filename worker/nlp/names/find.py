"""Every mention of a watched name in an article, at its offsets. Pure: no I/O, no clock.

One pass of Aho-Corasick over folded text finds every alias; an offset map leads back to the text as it was given.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from worker.articles.folding import Folded, cuts_character, fold, original_span
from worker.model import ArticleText, Mention
from worker.nlp.names.boundary import Find, judge, longest
from worker.nlp.names.index import NameIndex


def find_mentions(index: NameIndex, article: ArticleText) -> tuple[Mention, ...]:
    """Every mention in title and text, by position; of overlapping finds the longest. Offsets are code points."""
    found: list[Mention] = []
    for field, text in (("title", article.title), ("text", article.text)):
        if index.automaton is None or not text:
            continue
        folded = fold(text)
        for find in longest(_finds(index, folded, text)):
            start, end = original_span(folded, find.start, find.end, text=text)
            p = find.pattern
            found.append(Mention(p.entity, text[start:end], field, start, end, p.alias, find.how))
    return tuple(found)


def _finds(index: NameIndex, folded: Folded, text: str) -> Iterable[Find]:
    for last, patterns in index.automaton.iter(folded.text):
        for pattern in patterns:
            find = judge(pattern, folded.text, last + 1 - len(pattern.form), last + 1)
            if find is None or cuts_character(folded, find.start) or cuts_character(folded, find.end):
                continue
            start, end = original_span(folded, find.start, find.end, text=text)
            if not pattern.exact or _letters(text[start:end]) == _letters(pattern.alias):
                yield find


def _letters(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())
