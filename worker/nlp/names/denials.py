"""An analyst's "not this one", kept and used: which mentions it takes out of which articles. Stores nothing. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

from worker.articles.folding import fold
from worker.model import ArticleText, Denial, Mention

REACH: Final = 300  # letters to each side of a mention that are its context, with the headline
WORD: Final = re.compile(r"[^\W\d_]{4,}")
ALIKE: Final = 0.2  # cosine of two bags of words: two reports of one affair have 0.3, two of one trade about 0.1
FEWEST: Final = 3  # words in common


def context_words(article: ArticleText, mention: Mention) -> frozenset[str]:
    """The longer words around a mention and of the headline, folded, without those of the mention itself."""
    text = article.title if mention.field == "title" else article.text
    around = text[max(0, mention.start - REACH) : mention.start] + " " + text[mention.end : mention.end + REACH]
    words = WORD.findall(fold(f"{article.title[:REACH]} {around}").text)
    return frozenset(words) - set(WORD.findall(fold(mention.text).text))


def deny(article: ArticleText, mention: Mention) -> Denial:
    """What is to be kept when an analyst says of a mention: not this one."""
    return Denial(mention.entity, fold(mention.text).text, article.id, context_words(article, mention))


def without_denied(mentions: Sequence[Mention], article: ArticleText, denials: Iterable[Denial]) -> tuple[Mention, ...]:
    """The mentions but those denied of this article, or of one that speaks of the same."""
    said: dict[tuple[str, str], list[Denial]] = {}
    for denial in denials:
        said.setdefault((denial.entity, denial.text), []).append(denial)
    if not said:
        return tuple(mentions)
    return tuple(
        mention
        for mention in mentions
        if not _is_denied(mention, article, said.get((mention.entity, fold(mention.text).text), ()))
    )


def _is_denied(mention: Mention, article: ArticleText, denials: Sequence[Denial]) -> bool:
    if any(denial.article == article.id for denial in denials):
        return True
    words = context_words(article, mention) if denials else frozenset()  # once, however often it was denied elsewhere
    return any(_is_alike(words, denial) for denial in denials)


def _is_alike(words: frozenset[str], denial: Denial) -> bool:
    shared = len(words & denial.words)
    return shared >= FEWEST and shared / math.sqrt(len(words) * len(denial.words)) >= ALIKE
