"""Watched names in a text: found over characters, judged by a boundary rule per script. Pure: no I/O, no clock.

One pass of Aho-Corasick over folded text finds every alias; an offset map leads back to the text as it was given. A
boundary rule then decides whether the find is that name, or part of another word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import ahocorasick

from worker.model import ArticleText, Mention

# Capitals up to here are matched as capitals: IS, NIS, KPA are words otherwise, and so is ИГ (ХАМАС is also Хамас).
ACRONYM_LENGTH: Final = {"latin": 5, "cyrillic": 4}
DASHES: Final = dict.fromkeys(map(ord, "-‐‑‒–—―−·・־"), " ")  # Kim Jong-un and Kim Jong Un are one name
QUOTES: Final = dict.fromkeys(map(ord, '"“”„″’‘ʼ`´′״׳'), "'")
# Particles and titles that follow a Korean name without a space, longest first when tried.
KOREAN_TAILS: Final = (
    "은 는 이 가 을 를 의 에 와 과 도 로 만 야 여 께 측 씨 님 발 식 쪽 들 란 든 나 랑 "
    "에서 에게 에는 에도 에만 으로 이나 이란 이며 이고 이다 이라 하고 부터 까지 보다 처럼 마다 조차 밖에 께서 한테 "
    "과의 와의 로의 에의 측은 측이 에서는 에서도 에게서 으로서 으로써 으로부터 이라고 이라는 이라며 으로는 "
    "과는 와는 과도 와도 에게는 로부터 에선 에겐 엔 라고 라는 라며 마저 뿐 이자 서 "
    "위원장 총비서 국무위원장 대통령 총리 장관 외무상 외교부장 외상 부상 차관 국방상 국장 대사 의원 주석 부위원장 "
    "부부장 당부부장 제1부부장 총서기 국방장관 외교장관 외무장관 특사 대표 대변인 사령관 정권 정부 체제 당국 일가 군"
).split()
# Endings of names in Russian and its neighbours, after the stem: Путин, Путина, Путину, Путиным …
CYRILLIC_ENDINGS: Final = frozenset(
    (
        "а у ом ым е ы и ой ою ей ею ю я ем ам ами ах ев ов ого ому им ый ий ия ию ием ии ая яя ую юю ых их ыми ими ие "
        "ые о"
    ).split()
)
CYRILLIC_FINAL: Final = re.compile(r"(ский|цкий|ий|ый|ой|ая|яя|[аяоеийьыу])$")
LONGEST_TAIL: Final = 14  # letters: 국무위원장 and its particles have ten; without a bound a hostile word never ends
ARABIC_PREFIXES: Final = tuple("وبال فبال وكال وال بال فال كال ولل فلل لل ال وب فب ول فل وك و ب ف ك ل".split())
HEBREW_PREFIXES: Final = ("וה", "שה", "מה", "ב", "ה", "ו", "ל", "מ", "ש", "כ")


class Entity(Protocol):
    """What is watched: all that matching needs to know of it."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def aliases(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Folded:
    """Folded text; `starts[i]` is where the i-th folded character begins in the original, with one more at the end."""

    text: str
    starts: Sequence[int]


@dataclass(frozen=True)
class Pattern:
    """One form of one alias. `exact` must stand in the text as it is: an acronym."""

    entity: str
    alias: str
    form: str
    script: str
    exact: bool
    how: str


@dataclass(frozen=True)
class NameIndex:
    """A compiled watchlist; `automaton` maps a folded form to its patterns."""

    automaton: Any
    count: int


@dataclass(frozen=True)
class _Find:
    start: int
    end: int
    pattern: Pattern
    how: str


def fold(text: str) -> Folded:
    """NFKC, small letters, no accents (й stays, ё becomes е), one kind of quote, dashes as spaces, no double space."""
    if text.isascii():
        return _squeeze(Folded(text.lower().translate(ASCII_FORMS), range(len(text) + 1)))
    pieces, starts = [], []
    for at, character in enumerate(text):
        folded = _fold_character(character)
        pieces.append(folded)
        starts.extend([at] * len(folded))
    starts.append(len(text))
    joined = "".join(pieces)
    if any("\u1100" <= c <= "\u11ff" for c in joined):  # Hangul in pieces: put together, map again
        return _squeeze(_compose(joined, starts))
    return _squeeze(Folded(joined, starts))


def _squeeze(folded: Folded) -> Folded:
    text = folded.text
    if "  " not in text:
        return folded
    kept = [at for at, character in enumerate(text) if character != " " or not at or text[at - 1] != " "]
    return Folded("".join(text[at] for at in kept), [*(folded.starts[at] for at in kept), folded.starts[-1]])


ASCII_FORMS: Final = str.maketrans({"`": "'", '"': "'", "-": " ", "\n": " ", "\t": " ", "\r": " "})
_CACHE: dict[str, str] = {}


def _fold_character(character: str) -> str:
    known = _CACHE.get(character)
    if known is None:
        if len(_CACHE) > 20_000:
            _CACHE.clear()
        known = _CACHE[character] = _fold_slowly(character)
    return known


def _fold_slowly(character: str) -> str:
    if unicodedata.category(character) in ("Cf", "Mn") and not "\u3099" <= character <= "\u309a":
        return ""
    if character.isspace():
        return " "
    folded = unicodedata.normalize("NFKC", character).translate(DASHES).translate(QUOTES).casefold()
    if character in "йёЙЁ" or "\uac00" <= character <= "\ud7a3" or "\u3040" <= character <= "\u30ff":
        return folded.replace("ё", "е")
    bare = "".join(c for c in unicodedata.normalize("NFD", folded) if unicodedata.category(c) != "Mn")
    return bare.translate(ARABIC_FORMS)


# Letters that writers of Arabic and Persian use for one another.
ARABIC_FORMS: Final = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ـ": None})


def _compose(joined: str, starts: Sequence[int]) -> Folded:
    text, kept = [], []
    for found in re.finditer(r"[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|.", joined, re.DOTALL):
        whole = unicodedata.normalize("NFC", found[0])
        text.append(whole)
        kept += [starts[found.start()]] * len(whole)
    return Folded("".join(text), [*kept, starts[-1]])


def script_of(text: str) -> str:
    """The script of the first letter that tells: latin, cyrillic, hangul, arabic, hebrew, or cjk (without spaces)."""
    for character in text:
        point = ord(character)
        if 0xAC00 <= point <= 0xD7A3 or 0x1100 <= point <= 0x11FF:
            return "hangul"
        if 0x3040 <= point <= 0x30FF or 0x3400 <= point <= 0x9FFF or 0x20000 <= point <= 0x323AF:
            return "cjk"
        if 0x0400 <= point <= 0x052F:
            return "cyrillic"
        if 0x0600 <= point <= 0x08FF:
            return "arabic"
        if 0x0590 <= point <= 0x05FF:
            return "hebrew"
        if character.isalpha():
            return "latin"
    return "latin"


def alias_problem(alias: str) -> str | None:
    """Why an alias can never match, or would match everywhere; None for a good one."""
    form = _form(alias)
    if not any(character.isalnum() for character in form):
        return "it has no letter or digit"
    if len(form) == 1:
        return "one letter matches almost everything; write the whole name"
    if len(form) > 200:
        return "it is longer than any name"
    return None


def _form(alias: str) -> str:
    return fold(alias).text.strip()


def compile_watchlist(entities: Iterable[Entity]) -> NameIndex:
    """The index of all names and aliases. Aliases that can never match are left out: `wirewatch check` names them."""
    automaton = ahocorasick.Automaton()
    held: dict[str, list[Pattern]] = {}
    for entity in entities:
        for alias in dict.fromkeys((entity.name, *entity.aliases)):
            if alias_problem(alias) is None:
                for pattern in _patterns(entity, alias):
                    held.setdefault(pattern.form, []).append(pattern)
    for form, patterns in held.items():
        automaton.add_word(form, tuple(patterns))
    if held:
        automaton.make_automaton()
    return NameIndex(automaton=automaton if held else None, count=len(held))


def _patterns(entity: Entity, alias: str) -> Iterable[Pattern]:
    form, script = _form(alias), script_of(alias)
    letters = [c for c in alias if c.isalpha()]
    exact = 0 < len(letters) <= ACRONYM_LENGTH.get(script, 0) and all(c.isupper() for c in letters)
    how = "name" if alias == entity.name else "acronym" if exact else "alias"
    yield Pattern(entity.id, alias, form, script, exact, how)
    if script == "arabic" and form.startswith("ال"):
        # "To the" swallows the article's first letter: الكرملين, للكرملين.
        yield Pattern(entity.id, alias, "لل" + form[2:], script, False, "prefix")
    if script == "cyrillic" and not exact:
        # Every word of a name is inflected: look for the first word's stem, judge the rest word by word.
        yield Pattern(entity.id, alias, _stem(form.split(" ")[0]), "cyrillic-stem", False, "inflected")


def _stem(word: str) -> str:
    bare = CYRILLIC_FINAL.sub("", word)
    return bare if len(bare) >= 3 else word


def find_mentions(index: NameIndex, article: ArticleText) -> tuple[Mention, ...]:
    """Every mention in title and text, by position; of overlapping finds the longest. Offsets are code points."""
    found: list[Mention] = []
    for field, text in (("title", article.title), ("text", article.text)):
        if index.automaton is None or not text:
            continue
        folded = fold(text)
        for find in _longest(_finds(index, folded, text)):
            start, end = _span(find, folded, text)
            p = find.pattern
            found.append(Mention(p.entity, text[start:end], field, start, end, p.alias, find.how))
    return tuple(found)


def _finds(index: NameIndex, folded: Folded, text: str) -> Iterable[_Find]:
    for last, patterns in index.automaton.iter(folded.text):
        for pattern in patterns:
            find = _judge(pattern, folded.text, last + 1 - len(pattern.form), last + 1)
            if find is None or _cuts_character(folded, find.start) or _cuts_character(folded, find.end):
                continue
            start, end = _span(find, folded, text)
            if not pattern.exact or _letters(text[start:end]) == _letters(pattern.alias):
                yield find


def _span(find: _Find, folded: Folded, text: str) -> tuple[int, int]:
    """In the original, without the invisible characters that happen to follow."""
    start, end = folded.starts[find.start], folded.starts[find.end]
    while end > start and unicodedata.category(text[end - 1]) == "Cf":
        end -= 1
    return start, end


def _cuts_character(folded: Folded, at: int) -> bool:
    """True inside what one character became: ㎞ is km."""
    return 0 < at < len(folded.text) and folded.starts[at] == folded.starts[at - 1]


def _letters(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


def _judge(pattern: Pattern, text: str, start: int, end: int) -> _Find | None:
    """The find as a mention, by the rule of its script, or None."""
    before = text[start - 1] if start else " "
    if pattern.script == "cjk":
        cut = _is_katakana(before) and _is_katakana(text[start])
        cut = cut or (_is_katakana(text[end - 1]) and _is_katakana(text[end : end + 1]))
        return None if cut else _Find(start, end, pattern, pattern.how)
    if pattern.script == "cyrillic-stem":
        return _inflected(pattern, text, start, end)
    if _joins(before, pattern.script) and not _prefixed(pattern.script, text, start):
        return None
    rest = _word_after(text, end, pattern.script)
    if pattern.script == "hangul":
        if rest and not _korean_tail(rest):
            return None
        return _Find(start, end, pattern, "particle" if rest else pattern.how)
    return _Find(start, end, pattern, pattern.how) if not rest else None


def _joins(character: str, script: str) -> bool:
    """Whether a neighbour belongs to the same word. Korean and Chinese write on without a space: IAEA는, 北김정은."""
    if not (character.isalnum() or character == "_"):
        return False
    return script_of(character) not in ({"cjk"} if script == "hangul" else {"cjk", "hangul"})


def _is_katakana(character: str) -> bool:
    return "\u30a1" <= character <= "\u30fa" or character == "ー"


def _word_after(text: str, end: int, script: str) -> str:
    """The rest of the word, as far as any ending could reach."""
    stop = end
    while stop < min(len(text), end + LONGEST_TAIL + 1) and _joins(text[stop], script):
        stop += 1
    return text[end:stop]


def _prefixed(script: str, text: str, start: int) -> bool:
    """Arabic and Hebrew write short words together with the name that follows them."""
    prefixes = {"arabic": ARABIC_PREFIXES, "hebrew": HEBREW_PREFIXES}.get(script, ())
    for prefix in prefixes:
        at = start - len(prefix)
        if at >= 0 and text[at:start] == prefix and (at == 0 or not _joins(text[at - 1], script)):
            return True
    return False


def _korean_tail(rest: str) -> bool:
    """Particles and titles in a row: 김정은 + 위원장 + 이."""
    if rest in _KOREAN:
        return True
    if len(rest) > LONGEST_TAIL:
        return False
    return any(rest.startswith(tail) and _korean_tail(rest[len(tail) :]) for tail in _KOREAN if len(tail) < len(rest))


_KOREAN: Final = frozenset(KOREAN_TAILS)


def _inflected(pattern: Pattern, text: str, start: int, end: int) -> _Find | None:
    """Word by word: each must be the alias's word, or its stem with an ending of a name."""
    if start and _joins(text[start - 1], "cyrillic"):
        return None
    at = start
    for number, word in enumerate(_form(pattern.alias).split(" ")):
        if number:
            if text[at : at + 1] != " ":
                return None
            at += 1
        stem = _stem(word)
        if not text.startswith(stem, at):
            return None
        rest = _word_after(text, at + len(stem), "cyrillic")
        if stem + rest != word and rest not in CYRILLIC_ENDINGS:
            return None
        at += len(stem) + len(rest)
    return _Find(start, at, pattern, pattern.how)


def _longest(finds: Iterable[_Find]) -> list[_Find]:
    """Of overlapping finds the longest, then the first; of one span every entity that bears the name."""
    kept: list[_Find] = []
    last: list[_Find] = []  # the finds of the span that was kept last
    for find in sorted(finds, key=lambda f: (f.start, -(f.end - f.start), f.how == "inflected")):
        if not last or find.start >= last[0].end:
            kept += last
            last = [find]
        elif (find.start, find.end) == (last[0].start, last[0].end):
            if all(find.pattern.entity != other.pattern.entity for other in last):
                last.append(find)
        elif find.end - find.start > last[0].end - last[0].start:
            last = [find]
    return kept + last
