"""Can a query match at all, and does it need a word to do so? Pure: no I/O, no clock.

A rule that silently never fires is the worst failure of a monitor. Only what is certain is refused: where a
contradiction takes a proof by cases, the query stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from worker.articles.wordbounds import is_katakana
from worker.query.tree import And, Near, Node, Not, Or, Term, Word

Atom = Term | Near


def needs_a_word(node: Node, *, wanted: bool = True) -> bool:
    """False for what an article matches that says none of the query's words."""
    match node:
        case Not():
            return needs_a_word(node.part, wanted=not wanted)
        case And() | Or():
            answers = [needs_a_word(part, wanted=wanted) for part in node.parts]
            return any(answers) if isinstance(node, And) == wanted else all(answers)
    return wanted


def is_possible(node: Node) -> bool:
    return _possible(node, True, (), ())


def _possible(node: Node, wanted: bool, said: Sequence[Atom], unsaid: Sequence[Atom]) -> bool:
    """Whether `node` can be `wanted` in an article that says all of `said` and none of `unsaid`."""
    parts = list(_all(node, wanted))
    said = [*said, *(part for part, holds in parts if holds and isinstance(part, Term | Near))]
    unsaid = [*unsaid, *(part for part, holds in parts if not holds and isinstance(part, Term | Near))]
    if any(_is_refused(atom, unsaid) for atom in said):
        return False
    choices = [(part.parts, holds) for part, holds in parts if isinstance(part, And | Or)]
    return all(any(_possible(one, holds, said, unsaid) for one in options) for options, holds in choices)


def _all(node: Node, wanted: bool) -> Iterator[tuple[Node, bool]]:
    """What must all be so where `node` is `wanted`: words, nearness, and choices of which one must."""
    match node:
        case Not():
            yield from _all(node.part, not wanted)
        case And() | Or() if isinstance(node, And) == wanted:
            for part in node.parts:
                yield from _all(part, wanted)
        case _:
            yield node, wanted


def _is_refused(atom: Atom, unsaid: Sequence[Atom]) -> bool:
    """Whether whoever says `atom` says one of `unsaid`."""
    if isinstance(atom, Term):
        return any(isinstance(other, Term) and _implies(atom, other) for other in unsaid)
    sides = (atom.left, atom.right)
    near = any(isinstance(other, Near) and _is_within(atom, other) for other in unsaid)
    return near or any(all(_is_refused(term, unsaid) for term in side) for side in sides)


def _is_within(one: Near, other: Near) -> bool:
    return {one.left, one.right} == {other.left, other.right} and one.within <= other.within


def _implies(one: Term, other: Term) -> bool:
    """Whether every article that says `one` says `other`: all its words in a row."""
    runs = range(len(one.words) - len(other.words) + 1)
    alone = len(one.words) == 1
    return any(
        all(_covers(mine, its, alone=alone) for mine, its in zip(one.words[at:], other.words, strict=False))
        for at in runs
    )


def _covers(word: Word, other: Word, *, alone: bool) -> bool:
    """Whether `other` is found wherever `word` is. In a phrase, Korean words may be written together with others."""
    if other.first == other.last == "cjk":
        cut = any(is_katakana(end) for end in (other.form[0], other.form[-1]))
        return word == other or (other.form in word.form and not cut)
    if not alone and "hangul" in (word.first, word.last):
        return False
    if other.prefix:
        return all(needle.startswith(other.form) for needle in word.needles)
    return word == other
