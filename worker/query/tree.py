"""What a query asks: words, phrases and nearness, joined by AND, OR and NOT. Pure: no I/O, no clock.

`parse` makes these from text, `evaluate` finds them in an article.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from worker.articles.wordbounds import ARABIC_ARTICLE, ARABIC_TO_THE, script_of

SHOWN: Final = 4  # of a long list, as many as a reader takes in
# What a Russian word, an adjective or a noun, ends in as a dictionary or a headline has it.
CYRILLIC_FINAL: Final = re.compile(r"(ый|ий|ой|ая|яя|ое|ее|ые|ие|ия|[аяоеиійьыуюї])$")
STEM_LENGTH: Final = 3  # letters; what is shorter is part of too many words


@dataclass(frozen=True)
class Word:
    """`form` is folded. `prefix`: it is the beginning of a word."""

    form: str
    prefix: bool = False

    @functools.cached_property
    def first(self) -> str:
        """The script of its first letter, whose rule says where it may begin."""
        return script_of(self.form[0])

    @functools.cached_property
    def last(self) -> str:
        return script_of(self.form[-1])

    @functools.cached_property
    def stem(self) -> str:
        """Of a word in Cyrillic letters, what its endings follow; '' for one that has no endings."""
        bare = CYRILLIC_FINAL.sub("", self.form) if self.last == "cyrillic" and not self.prefix else ""
        return bare if len(bare) >= STEM_LENGTH else ""

    @functools.cached_property
    def needles(self) -> tuple[str, ...]:
        """One of these stands in every text that has the word."""
        if self.form.startswith(ARABIC_ARTICLE):
            return self.form, ARABIC_TO_THE + self.form.removeprefix(ARABIC_ARTICLE)
        return (self.stem or self.form,)


@dataclass(frozen=True)
class Term:
    """A word, or words that follow one another. `plain`: as it was written."""

    words: tuple[Word, ...]
    plain: str = field(compare=False)


@dataclass(frozen=True)
class Near:
    """One of `left` and one of `right`, in whatever order, with at most `within` words between."""

    left: tuple[Term, ...]
    right: tuple[Term, ...]
    within: int

    @functools.cached_property
    def plain(self) -> str:
        words = f"at most {self.within} word{'s' * (self.within > 1)}" if self.within else "no word"
        return f"{_side(self.left)} near {_side(self.right)} ({words} between)"


@dataclass(frozen=True)
class And:
    parts: tuple[Node, ...]

    @functools.cached_property
    def plain(self) -> str:
        asked = " and ".join(_inside(part) for part in self.parts if not isinstance(part, Not))
        refused = "".join(f" but not {_inside(part.part)}" for part in self.parts if isinstance(part, Not))
        return (asked + refused).strip()


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]

    @functools.cached_property
    def plain(self) -> str:
        return listed([_inside(part) for part in self.parts])


@dataclass(frozen=True)
class Not:
    part: Node

    @functools.cached_property
    def plain(self) -> str:
        return f"not {_inside(self.part)}"


Node = Term | Near | And | Or | Not


@dataclass(frozen=True)
class Query:
    """Equal for queries that ask the same in the same order, however they were written."""

    root: Node
    text: str = field(compare=False)

    def words(self) -> tuple[str, ...]:
        """The words and phrases that it asks for, as they were written, without those that it excludes."""
        return tuple(dict.fromkeys(term.plain.strip('"') for term in _asked(self.root)))


def plain(query: Query) -> str:
    """The query in words for people: '"artillery shells" and Pyongyang but not football'."""
    return query.root.plain


def listed(names: Sequence[str]) -> str:
    """'a, b or c'; of many the first few, and how many others."""
    given = list(names)
    if len(given) > SHOWN + 1:
        given = [*given[:SHOWN], f"{len(given) - SHOWN} others"]
    *most, last = given
    return f"{', '.join(most)} or {last}" if most else last


def _asked(node: Node) -> Iterator[Term]:
    match node:
        case Term():
            yield node
        case Near():
            yield from (*node.left, *node.right)
        case And() | Or():
            for part in node.parts:
                yield from _asked(part)


def _side(terms: Sequence[Term]) -> str:
    words = listed([term.plain for term in terms])
    return f"({words})" if len(terms) > 1 else words


def _inside(node: Node) -> str:
    return f"({node.plain})" if isinstance(node, And | Or) else node.plain
