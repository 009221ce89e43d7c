"""A watchlist for tests, and what is found by it."""

from dataclasses import dataclass

from worker.model import ArticleText
from worker.nlp.names import find_mentions


@dataclass(frozen=True)
class Watched:
    id: str
    name: str
    aliases: tuple = ()
    type: str = "other"
    weak: tuple = ()
    context: tuple = ()
    not_context: tuple = ()


def person(id, name, *aliases):
    return Watched(id, name, aliases, "person")


def mentions(index, text, title=""):
    return find_mentions(index, ArticleText("1", title, text))


def named(index, text, title=""):
    """[(entity, text)], by position."""
    return [(mention.entity, mention.text) for mention in mentions(index, text, title)]


def entities(index, text, title=""):
    return {mention.entity for mention in mentions(index, text, title)}
