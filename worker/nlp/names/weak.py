"""Names that mean other things, too: which are weak, and whether what stands around one makes it count. Pure.

A weak alias counts where a strong name of the entity stands in the article, or one of its context words near by.
Without context words of its own an organisation has those of armed groups: Wagner is a mercenary, or no one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from worker.articles.wordbounds import script_of
from worker.nlp.names.spelling import form_of
from worker.nlp.names.words import ARMED, GIVEN, SURNAMES, WORDS

NEAR: Final = 150  # letters to each side: the sentence, as a rule
WORD: Final = re.compile(r"[^\W_]+")


class Named(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...
    @property
    def weak(self) -> Sequence[str]: ...
    @property
    def context(self) -> Sequence[str]: ...
    @property
    def not_context(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class Context:
    """Beginnings of words, folded: `words` make a weak name count, beside `against` no name of one word does."""

    words: tuple[str, ...]
    against: tuple[str, ...]


NO_CONTEXT: Final = Context((), ())


def is_weak(entity: Named, alias: str) -> bool:
    """Whether it was called weak, or is one word of an organisation that has other names: a surname, or any word."""
    if alias in entity.weak:
        return True
    if entity.type in ("person", "place") or entity.weak or " " in alias.strip() or script_of(alias) != "latin":
        return False
    if alias.isupper() or not any(" " in name for name in (entity.name, *entity.aliases)):
        return False
    word = form_of(alias)
    return word in SURNAMES or word in GIVEN or word in WORDS


def context_of(entity: Named, weak: Iterable[str]) -> Context:
    """Its own words; for names that are weak by themselves the other words of its names, and those of armed groups."""
    words = [form_of(word) for word in entity.context]
    if not words and (said := set(weak)):
        names = (name for name in (entity.name, *entity.aliases) if name not in said)
        words = sorted({word for name in names for word in WORD.findall(form_of(name))} - {form_of(w) for w in said})
        words += sorted(ARMED)
    return Context(tuple(words), tuple(form_of(word) for word in entity.not_context))


def has_word_near(text: str, start: int, end: int, words: Sequence[str]) -> bool:
    """Whether a word that begins with one of `words` stands near folded [start:end], outside it."""
    before, after = text[max(0, start - NEAR) : start], text[end : end + NEAR]
    return any(_begins(before, word) or _begins(after, word) for word in words)


def _begins(text: str, word: str) -> bool:
    at = text.find(word)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum():
            return True
        at = text.find(word, at + 1)
    return False
