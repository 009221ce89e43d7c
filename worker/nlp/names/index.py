"""What is watched, and the types of a compiled watchlist. Decides only which alias could never match. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from worker.nlp.names.alike import Alike
from worker.nlp.names.bearers import Bearer, Group
from worker.nlp.names.spelling import form_of
from worker.nlp.names.weak import Context


class Entity(Protocol):
    """What is watched: all that matching needs to know of it.

    `weak` aliases count only where one of `context` stands in the article, too, or a strong name of the entity;
    none of its names counts beside a word of `not_context`.
    """

    @property
    def id(self) -> str: ...
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
class Pattern:
    """One form of one alias. `exact` must stand in the text as it is: an acronym."""

    entity: str
    alias: str
    form: str
    script: str
    exact: bool
    how: str
    person: bool = False
    # What else the article must have: "context" of a weak name, "full" of a short one, "intro" of a surname.
    needs: str = ""


@dataclass(frozen=True)
class NameIndex:
    """A compiled watchlist; `automaton` maps a folded form to its patterns. `version` tells two of them apart.

    `surnames` and `bearers` are of the persons on it.
    """

    automaton: Any
    count: int
    version: str
    surnames: Mapping[str, Group]  # by their sound
    bearers: Mapping[tuple[str, str], Bearer]  # by entity and alias
    contexts: Mapping[str, Context]  # of the entities that have one
    qualifiers: Mapping[tuple[str, str], frozenset[str]]  # by entity and short form: what it leaves out
    single: Mapping[str, tuple[str, str]]  # entity and alias of the names of one word that are nobody's, folded
    alike: Alike


def alias_problem(alias: str) -> str | None:
    """Why an alias can never match, or would match everywhere; None for a good one."""
    form = form_of(alias)
    if not any(character.isalnum() for character in form):
        return "it has no letter or digit"
    if len(form) == 1:
        return "one letter matches almost everything; write the whole name"
    if len(form) > 200:
        return "it is longer than any name"
    return None
