"""Can a query match at all, and does it need a word to do so? Pure: no I/O, no clock.

A rule that silently never fires is the worst failure of a monitor. Only what is certain is refused: where a
contradiction takes a proof by cases, the query stands.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    parts, every = _parts(node, wanted)
    if not every:
        return any(_possible(part, holds, said, unsaid) for part, holds in parts)
    atoms = [(part, holds) for part, holds in parts if isinstance(part, Term | Near)]
    said = [*said, *(part for part, holds in atoms if holds)]
    unsaid = [*unsaid, *(part for part, holds in atoms if not holds)]
    if any(_implies(one, other) for one in said for other in unsaid):
        return False
    return all(_possible(part, holds, said, unsaid) for part, holds in parts if not isinstance(part, Term | Near))


def _parts(node: Node, wanted: bool) -> tuple[list[tuple[Node, bool]], bool]:
    """What a node comes to, each with whether it must hold, and whether all must or one."""
    match node:
        case Not():
            return _parts(node.part, not wanted)
        case And() | Or():
            parts = [(part.part, not wanted) if isinstance(part, Not) else (part, wanted) for part in node.parts]
            return parts, isinstance(node, And) == wanted
    return [(node, wanted)], True


def _implies(one: Atom, other: Atom) -> bool:
    """Whether every article that says `one` says `other`."""
    if one == other:
        return True
    if isinstance(one, Near):
        if isinstance(other, Near):
            return {one.left, one.right} == {other.left, other.right} and one.within <= other.within
        return any(all(_implies(term, other) for term in side) for side in (one.left, one.right))
    if isinstance(other, Near):
        return False
    runs = range(len(one.words) - len(other.words) + 1)
    return any(
        all(
            _covers(mine, its, alone=len(one.words) == 1)
            for mine, its in zip(one.words[at:], other.words, strict=False)
        )
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
