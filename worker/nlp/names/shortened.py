"""What organisations are called for short: "Security Council", "Workers' Party". Decides which, and where they count.

Such a part counts only with capitals, where nobody else's qualifier stands before it (National Security Council), and
where the article has a full name, or the qualifier by itself (the UN). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from worker.articles.wordbounds import script_of
from worker.nlp.names.spelling import form_of
from worker.nlp.names.words import PLACES

POLITICAL: Final = re.compile(r"party|front|movement|brigades|league|union|assembly|council|congress")
GENERIC: Final = frozenset(
    "ministry agency army military forces force intelligence police television tv industries academy staff corporation "
    "corp group company party navy bank department service bureau embassy government parliament".split()
)
WORD_BEFORE: Final = re.compile(r"([^\W\d_][\w.'’]*)[-\s]{1,2}$")
OWNER_AFTER: Final = re.compile(r"\s+of\s+(?:the\s+)?([A-Z][\w.]*)")
SENTENCE_WORDS: Final = frozenset(
    "the a an this that its his their our in on at of and but for by from to as with".split()
)


def shortened(names: Sequence[str]) -> dict[str, frozenset[str]]:
    """Short forms as they are written, each with the qualifiers that were left out, folded."""
    if not any(" " in name for name in names):
        return {}
    held: dict[str, set[str]] = {}
    latin = [name for name in names if script_of(name) == "latin"]
    for name in latin:
        for short, left_out in _parts(name):
            held.setdefault(short, set()).update(left_out)
    known = {form_of(name) for name in names}
    return {short: frozenset(out) for short, out in held.items() if form_of(short) not in known}


def _parts(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    words = name.split()
    head, of, owner = name.partition(" of ")
    if of and len(head.split()) >= 2 and POLITICAL.search(head.lower()):
        yield head, tuple(word for word in form_of(owner).split() if len(word) > 3)
    for cut in (1, 2):
        if len(words) - cut >= 2 and _is_qualifier(words[:cut]) and _tells(words[cut:]):
            yield " ".join(words[cut:]), (form_of(" ".join(words[:cut])),)


def _tells(words: Sequence[str]) -> bool:
    """Every country has a foreign ministry and an army: such a part tells nothing."""
    return not (GENERIC & {form_of(word) for word in words}) and form_of(words[0]).removesuffix("'s") not in PLACES


def _is_qualifier(words: Sequence[str]) -> bool:
    joined = form_of(" ".join(words))
    return joined in PLACES or joined in ("un", "u.n.", "united nations", "eu", "european union")


def is_used_as_name(text: str, start: int, end: int, qualifiers: frozenset[str]) -> bool:
    """Whether the short form at [start:end] of the text as given has capitals, and no other qualifier before it."""
    words = re.findall(r"[^\W\d_]+", text[start:end])
    if not all(word[0].isupper() for word in words if len(word) > 3):
        return False
    owner = OWNER_AFTER.match(text, end)
    if owner is not None and form_of(owner[1]) not in qualifiers:
        return False  # the Security Council of Russia
    before = WORD_BEFORE.search(text, max(0, start - 40), start)
    if before is None:
        return True
    word = before[1]
    folded = form_of(word)
    if folded in SENTENCE_WORDS or folded.removesuffix("'s") in qualifiers or folded in qualifiers:
        return True
    return word[0].islower()


def has_qualifier(text: str, qualifiers: frozenset[str]) -> bool:
    """Whether the folded text has one of them as a word."""
    return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None for word in qualifiers)
