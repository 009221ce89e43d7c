"""Watched names in a text: `compile_watchlist` makes the index, `find_mentions` reads an article by it.

Pure: no I/O but the lists that come with the package, no clock. An article goes through
`scan` (which aliases stand where; `boundary`: as words of their own) -> `sure` (weak names and short forms, by what
else it says) -> `sightings` (what stands beside each surname) -> `resolve` (who is meant, over the whole article).
Beside: `compile` and `index` (the compiled watchlist), `bearers` (surname and given name), `spelling` and `alike` (what
is one name in two spellings), `eastern` (surnames with a title in Korean, Chinese, Japanese), `weak`, `shortened`,
`words` (the lists), `denials` (an analyst's "not this one"), `measure` (precision and recall).
"""

from worker.nlp.names.compile import compile_watchlist, names_of
from worker.nlp.names.denials import context_words, deny, without_denied
from worker.nlp.names.find import find_mentions
from worker.nlp.names.index import Entity, NameIndex, alias_problem

__all__ = [
    "Entity",
    "NameIndex",
    "alias_problem",
    "compile_watchlist",
    "context_words",
    "deny",
    "find_mentions",
    "names_of",
    "without_denied",
]
