"""Watched names in a text: `compile_watchlist` makes the index, `find_mentions` reads an article by it.

Pure: no I/O but the lists that come with the package, no clock. What is decided where: `index` which forms are looked
for, `boundary` whether a find is a word of its own, `find` the whole of it.
"""

from worker.nlp.names.denials import context_words, deny, without_denied
from worker.nlp.names.find import find_mentions
from worker.nlp.names.index import Entity, NameIndex, alias_problem, compile_watchlist

__all__ = [
    "Entity",
    "NameIndex",
    "alias_problem",
    "compile_watchlist",
    "context_words",
    "deny",
    "find_mentions",
    "without_denied",
]
