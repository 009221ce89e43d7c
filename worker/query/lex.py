"""A query's text as tokens, each with its column; what must be meant otherwise is refused. Pure: no I/O, no clock.

Nothing in it is a regular expression: a `*` after a word's beginning is all there is.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from worker.articles.folding import fold
from worker.articles.wordbounds import PARTLESS, script_of
from worker.display import one_line
from worker.errors import QueryError
from worker.query.tree import Term, Word

MAX_LENGTH: Final = 4_000  # characters: a list of a hundred names in four scripts
MAX_WORDS: Final = 200  # in all its phrases: with the next, what bounds the time that a hostile text can take
MAX_PHRASE: Final = 10  # words
MAX_WORD: Final = 60  # letters
MAX_WITHIN: Final = 100  # words: beyond, "near" says nothing
BEGINNING: Final = 2  # letters before a *: with one, almost every text would match

MARKS: Final = '"“”„‟«»「」『』＂'  # any of them opens a phrase, and any ends it
OPENING: Final = "(（"
CLOSING: Final = ")）"
# What other languages of search and of patterns mean by these does not hold here: better said than silently not done.
FOREIGN: Final = re.compile(r"[\[\]{}^$|?\\~<>=]|^/|^[!+&]")
FIELD: Final = re.compile(r"[^\W\d]{2,}:[^\W\d]")
PIECE: Final = re.compile(r"(\w+)(\**)|\*+")


class Kind(enum.Enum):
    OPEN = "("
    CLOSE = ")"
    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    NEAR = "NEAR"
    TERM = "term"


OPERATORS: Final = {"AND": Kind.AND, "OR": Kind.OR, "NOT": Kind.NOT}


@dataclass(frozen=True)
class Token:
    """`within`: a NEAR's number."""

    kind: Kind
    column: int
    term: Term | None = None
    within: int = 0


def tokens(text: str) -> Iterator[Token]:
    """In order. Raises QueryError."""
    if len(text) > MAX_LENGTH:
        raise QueryError(MAX_LENGTH + 1, f"longer than {MAX_LENGTH} characters; make two rules of it")
    at = 0
    while at < len(text):
        character = text[at]
        if character in OPENING or character in CLOSING:
            yield Token(Kind.OPEN if character in OPENING else Kind.CLOSE, at + 1)
            at += 1
        elif character in MARKS:
            end = next((n for n in range(at + 1, len(text)) if text[n] in MARKS), None)
            if end is None:
                raise QueryError(at + 1, "this quotation mark has no other; write the second one")
            yield Token(Kind.TERM, at + 1, _term(text[at + 1 : end], at + 1, quoted=True))
            at = end + 1
        elif character.isspace():
            at += 1
        else:
            end = _word_end(text, at)
            yield _bare(text[at:end], at + 1)
            at = end


def _word_end(text: str, at: int) -> int:
    while at < len(text) and not text[at].isspace() and text[at] not in OPENING + CLOSING:
        if text[at] in MARKS and not _abbreviates(text, at):
            break
        at += 1
    return at


def _abbreviates(text: str, at: int) -> bool:
    """Hebrew marks an abbreviation before its last letter: צה"ל."""
    return all("\u05d0" <= near <= "\u05ea" for near in (text[at - 1 : at], text[at + 1 : at + 2]))


def _bare(word: str, column: int) -> Token:
    if word in OPERATORS:
        return Token(OPERATORS[word], column)
    if found := re.fullmatch(r"NEAR/([0-9]{1,4})", word):
        within = int(found[1])
        if within > MAX_WITHIN:
            raise QueryError(column, f"NEAR takes a number up to {MAX_WITHIN}; join with AND what may stand anywhere")
        return Token(Kind.NEAR, column, within=within)
    if re.fullmatch(r"near(/.*)?", word, re.IGNORECASE | re.DOTALL):
        raise QueryError(column, "write NEAR/5 for at most 5 words between; the word itself goes in quotation marks")
    if word.upper() in OPERATORS:
        words = f"write {word.upper()} in capitals to join words; the word itself goes in quotation marks"
        raise QueryError(column, words)
    if unicodedata.category(word[0]) == "Pd" and len(word) > 1:
        raise QueryError(column, "a hyphen before a word excludes nothing here; write NOT")
    if FOREIGN.search(word) or FIELD.match(word):
        raise QueryError(column, f"{_shown(word)} means nothing here; put in quotation marks what the text itself has")
    return Token(Kind.TERM, column, _term(word, column, quoted=False))


def _term(text: str, column: int, *, quoted: bool) -> Term:
    """A hyphen is a space, and other marks only part words: AT&T and 'U.S.' are two words each."""
    words = []
    for found in PIECE.finditer(fold(text).text):
        form, star = found[1] or "", found[2] if found[1] else found[0]
        if star and not _is_beginning(form, star, found.string[found.end() : found.end() + 1]):
            why = f"* may only end a word of which {BEGINNING} letters stand before it"
            raise QueryError(column, f"{_shown(text)}: {why}")
        if len(form) > MAX_WORD:
            raise QueryError(column, f"{_shown(text)} is longer than any word")
        words.append(Word(form, prefix=bool(star)))
    if not any(character.isalnum() for word in words for character in word.form):
        raise QueryError(column, f"{_shown(text)} has no letter or digit; write what the text says")
    if len(words) > MAX_PHRASE:
        raise QueryError(column, f"a phrase of more than {MAX_PHRASE} words; shorten it")
    plain = one_line(text)
    return Term(tuple(words), f'"{plain}"' if quoted else plain)


def _is_beginning(form: str, star: str, followed: str) -> bool:
    """A Korean syllable is two or three letters, and a Chinese character a word."""
    long_enough = len(form) >= BEGINNING or (form != "" and script_of(form) in PARTLESS)
    return star == "*" and long_enough and not followed.isalnum()


def _shown(text: str) -> str:
    return one_line(text, 40) or "this"
