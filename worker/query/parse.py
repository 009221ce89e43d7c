"""A query's text read as what it asks. Pure: no I/O, no clock.

or   = and { "OR" and }
and  = near { [ "AND" ] near }
near = not [ "NEAR/n" not ]
not  = { "NOT" } ( word | phrase | "(" or ")" )
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final

from worker.errors import QueryError
from worker.query.lex import MAX_WORDS, Kind, Token, tokens
from worker.query.possible import is_possible, needs_a_word
from worker.query.tree import And, Near, Node, Not, Or, Query, Term

MAX_DEPTH: Final = 20  # brackets in brackets
BEGINS: Final = (Kind.NOT, Kind.OPEN, Kind.TERM)
ENDS: Final = {
    Kind.CLOSE: "this bracket closes nothing; remove it",
    Kind.AND: "AND stands between two words; one is missing",
    Kind.OR: "OR stands between two words; one is missing",
    Kind.NEAR: "NEAR stands between two words; one is missing",
}


@functools.lru_cache(maxsize=1024)
def parse_query(text: str) -> Query:
    """What `text` asks; read once, however many articles are held against it. Raises QueryError, also for a query that
    nothing can match or that an article can match by saying nothing."""
    given = tuple(tokens(text))
    if not given:
        raise QueryError(1, "nothing is asked; write a word")
    if sum(len(token.term.words) for token in given if token.term) > MAX_WORDS:
        raise QueryError(1, f"more than {MAX_WORDS} words; make two rules of it")
    reader = _Reader(given, end=len(text) + 1)
    root = reader.any_of()
    if left := reader.peek():
        raise QueryError(left.column, ENDS[left.kind])
    if not needs_a_word(root):
        raise QueryError(1, "matches every article that does not say something; ask for a word beside NOT")
    if not is_possible(root):
        raise QueryError(1, "can never match: it excludes what it asks for")
    return Query(root, text)


class _Reader:
    """Reads tokens from left to right. `depth` counts the open brackets."""

    def __init__(self, given: Sequence[Token], *, end: int) -> None:
        self.given, self.at, self.depth = given, 0, 0
        self.end = end

    def peek(self) -> Token | None:
        return self.given[self.at] if self.at < len(self.given) else None

    def take(self, *kinds: Kind) -> Token | None:
        """The next token if it is of these kinds."""
        token = self.peek()
        if token is None or token.kind not in kinds:
            return None
        self.at += 1
        return token

    def any_of(self) -> Node:
        parts = [self.all_of()]
        while self.take(Kind.OR):
            parts.append(self.all_of())
        flat = [one for part in parts for one in (part.parts if isinstance(part, Or) else (part,))]
        return Or(tuple(dict.fromkeys(flat))) if len(set(flat)) > 1 else flat[0]

    def all_of(self) -> Node:
        parts = [self.near()]
        while self.take(Kind.AND) or self._begins():
            parts.append(self.near())
        flat = [one for part in parts for one in (part.parts if isinstance(part, And) else (part,))]
        return And(tuple(dict.fromkeys(flat))) if len(set(flat)) > 1 else flat[0]

    def near(self) -> Node:
        left = self.unary()
        token = self.take(Kind.NEAR)
        if not token:
            return left
        node = Near(_side(left, token), _side(self.unary(), token), token.within)
        if again := self.take(Kind.NEAR):
            raise QueryError(again.column, "NEAR joins two; write a NEAR/5 b AND b NEAR/5 c")
        return node

    def unary(self) -> Node:
        negated = False
        while self.take(Kind.NOT):
            negated = not negated
        node = self._atom()
        return _negated(node) if negated else node

    def _atom(self) -> Node:
        token = self.take(Kind.TERM, Kind.OPEN)
        if token is None:
            found = self.peek()
            after = "a word is missing at the end" if found is None else ENDS[found.kind]
            raise QueryError(found.column if found else self.end, after)
        if token.term:
            return token.term
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise QueryError(token.column, f"more than {MAX_DEPTH} brackets in one another")
        if self.take(Kind.CLOSE):
            raise QueryError(token.column, "there is nothing in these brackets; remove them")
        inner = self.any_of()
        if not self.take(Kind.CLOSE):
            raise QueryError(token.column, "this bracket is not closed; write )")
        self.depth -= 1
        return inner

    def _begins(self) -> bool:
        token = self.peek()
        return token is not None and token.kind in BEGINS


def _negated(node: Node) -> Node:
    """Without a NOT below a NOT: what is asked for by two of them is asked for."""
    match node:
        case Not():
            return node.part
        case And() | Or() if any(map(_excludes, node.parts)):
            parts = tuple(_negated(part) for part in node.parts)
            return Or(parts) if isinstance(node, And) else And(parts)
    return Not(node)


def _excludes(node: Node) -> bool:
    return isinstance(node, Not) or (isinstance(node, And | Or) and any(map(_excludes, node.parts)))


def _side(node: Node, near: Token) -> tuple[Term, ...]:
    """What may stand at one side of NEAR: a word, a phrase, or some of them joined by OR."""
    terms = tuple(part for part in (node.parts if isinstance(node, Or) else (node,)) if isinstance(part, Term))
    if len(terms) != (len(node.parts) if isinstance(node, Or) else 1):
        words = "beside NEAR stands a word, a phrase, or (one OR another); to exclude, write NOT (a NEAR/5 b)"
        raise QueryError(near.column, words)
    return terms
