"""One word or phrase as a query: what a list of terms holds. Pure: no I/O, no clock."""

from __future__ import annotations

import re
from typing import Final

from worker.query.parse import parse_query
from worker.query.tree import Query

WRITTEN_OUT: Final = re.compile(r'["“”„()]|\b(AND|OR|NOT|NEAR/\d+)\b')


def parse_term(term: str) -> Query:
    """Words in a row are a phrase, unless the term is written as a query. Raises QueryError for what never matches."""
    return parse_query(term if WRITTEN_OUT.search(term) else f'"{term}"')
