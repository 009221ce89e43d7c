"""What of a text is safe to show people: in a mail, on a page, on a terminal. Pure: no I/O, no clock.

Two ways: to leave out what a reader does not see (`one_line`, `lines`), and to show it (`escaped`). Markup stays as it
is: who writes markup escapes what goes into it (`as_markup`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

SHORT: Final = 12  # letters of an id in a list: enough to name it by
STROKE: Final = "\u0338"  # the only one that composes with <, = or >
JOINERS: Final = "\u200c\u200d"  # they spell words in Persian, Arabic and Indic scripts
# More marks on one letter than any script has (UAX 15 §13 allows 30): to sort them takes the square of their number.
MARKS: Final = "".join(ch for ch in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(ch))
MANY_MARKS: Final = re.compile(f"([{MARKS}]{{30}})[{MARKS}]+")
# Where there may be such: twenty times as fast, for it asks of no letter beyond U+FFFF which it is.
PERHAPS_MANY: Final = re.compile(f"[{''.join(ch for ch in MARKS if ch <= chr(0xFFFF))}\U00010000-\U0001efff]{{31}}")
BREAKS: Final = ("Cc", "Zl", "Zp")  # controls and every kind of line's end
INVISIBLE: Final = ("Cf", "Cs", "Co", "Cn")  # direction overrides and the like, half characters, nobody's characters


def one_line(text: str, limit: int | None = None) -> str:
    """Without what is not seen, a single space for any white space or control; beyond `limit` letters cut with an
    ellipsis. '' when nothing is left. NFC."""
    line = " ".join(lines(text).split())
    return line if limit is None or len(line) <= limit else line[: limit - 1].rstrip() + "…"


def lines(text: str) -> str:
    """Without what is not seen; a new line stays one, other controls become spaces. NFC."""
    text = seen(text)
    return unicodedata.normalize("NFC", MANY_MARKS.sub(r"\1", text) if PERHAPS_MANY.search(text) else text)


def seen(text: str) -> str:
    """Without what is not seen. Markup as well as text: no two letters become one, and so no tag loses its end."""
    if text.isprintable():
        return text  # most headlines
    # Each letter is looked up once, however often it stands there: every mail comes by here whole.
    return text.translate({ord(ch): _shown(ch) for ch in set(text)})


def as_markup(text: str) -> str:
    """As the text of an element, or of an attribute in quotes. A stroke through the letter before it would make one
    letter of it and our `>`, wherever the whole is composed (NFC)."""
    return html.escape(text).replace(STROKE, f"&#{ord(STROKE)};")


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if character == "\n" or character in JOINERS:
        return character
    return " " if kind in BREAKS else "" if kind in INVISIBLE else character


def escaped(text: str) -> str:
    """On one line, with escapes in place of what would move the cursor, colour the terminal or turn the text round."""
    return "".join(_escape(ch) for ch in text)


def _escape(character: str) -> str:
    if character.isprintable() or character in JOINERS:
        return character
    return " " if unicodedata.category(character) == "Zs" else ascii(character)[1:-1]
