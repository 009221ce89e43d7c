"""Surnames with a title in Korean, Chinese and Japanese: "김 위원장", "习主席". Decides who is meant, if anybody. Pure.

They count only after the full name in the same article, which in Korean must bear the same title somewhere: many are
called Kim. A surname that two watched persons of the article share names neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from worker.articles.wordbounds import is_korean_tail, script_of
from worker.model import Mention
from worker.nlp.names.scan import Scan
from worker.nlp.names.words import EASTERN

TITLES: Final = "|".join(sorted(EASTERN, key=len, reverse=True))
MOST: Final = 12  # surnames that are looked for: each is a walk over the article
HANGUL_NAME: Final = re.compile(r"[가-힣]{3}")
HAN_NAME: Final = re.compile(r"[\u3400-\u9fff]{2,3}")


def eastern_titles(scans: Sequence[Scan]) -> Iterator[Mention]:
    bearers: dict[str, dict[str, str]] = {}
    for text, found in ((one.text, found) for one in scans for found in one.found):
        name = text[found.start : found.end]
        if not found.find.pattern.person:
            continue
        if HANGUL_NAME.fullmatch(name) or HAN_NAME.fullmatch(name):
            bearers.setdefault(name[0], {})[found.find.pattern.entity] = name
    whole = "\n".join(one.text for one in scans) if bearers else ""
    for surname, names in list(bearers.items())[:MOST]:
        if len(names) == 1:
            ((entity, name),) = names.items()
            yield from _with_title(scans, whole, surname, entity=entity, name=name)


def _with_title(scans: Sequence[Scan], whole: str, surname: str, *, entity: str, name: str) -> Iterator[Mention]:
    korean = script_of(surname) == "hangul"
    titles = {found[1] for found in re.finditer(rf"{name}\s?({TITLES})", whole)} if korean else EASTERN
    others = {found[1] for found in re.finditer(rf"(?<!\w){surname}(?!{name[1:]})[가-힣]{{2}}\s({TITLES})", whole)}
    mine = [title for title in titles - others if title]
    if not mine:
        return
    space = r"\s" if korean else ""
    either = "|".join(sorted(mine, key=len, reverse=True))
    before = r"(?<!\w)" if korean else r"(?<![\u3400-\u9fff])"
    pattern = re.compile(rf"{before}{surname}{space}(?:{either})")
    for one in scans:
        for found in pattern.finditer(one.text):
            rest = re.match(r"[가-힣]*", one.text[found.end() : found.end() + 14])
            if not korean or rest is None or not rest[0] or is_korean_tail(rest[0]):
                yield Mention(entity, found[0], one.name, found.start(), found.end(), name, "title")
