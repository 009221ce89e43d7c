"""Where a word begins and ends in folded text, by the rule of its script. Pure: no I/O, no clock.

Korean writes particles after a word, Arabic and Hebrew short words before it; Russian and its neighbours change
its end; Chinese and Japanese part no words at all.
"""

from __future__ import annotations

import re
from typing import Final

# Particles and titles that follow a Korean name without a space, longest first when tried.
KOREAN_TAILS: Final = (
    "은 는 이 가 을 를 의 에 와 과 도 로 만 야 여 께 측 씨 님 발 식 쪽 들 란 든 나 랑 "
    "에서 에게 에는 에도 에만 으로 이나 이란 이며 이고 이다 이라 하고 부터 까지 보다 처럼 마다 조차 밖에 께서 한테 "
    "과의 와의 로의 에의 측은 측이 에서는 에서도 에게서 으로서 으로써 으로부터 이라고 이라는 이라며 으로는 "
    "과는 와는 과도 와도 에게는 로부터 에선 에겐 엔 라고 라는 라며 마저 뿐 이자 서 "
    "위원장 총비서 국무위원장 대통령 총리 장관 외무상 외교부장 외상 부상 차관 국방상 국장 대사 의원 주석 부위원장 "
    "부부장 당부부장 제1부부장 총서기 국방장관 외교장관 외무장관 특사 대표 대변인 사령관 정권 정부 체제 당국 일가 군"
).split()
_KOREAN: Final = frozenset(KOREAN_TAILS)
TAIL_SIZES: Final = range(1, max(map(len, KOREAN_TAILS)) + 1)
# Endings of names in Russian and its neighbours, after the stem: Путин, Путина, Путину, Путиным …
CYRILLIC_ENDINGS: Final = frozenset(
    (
        "а у ом ым е ы и ой ою ей ею ю я ем ам ами ах ев ов ого ому им ый ий ия ию ием ии ая яя ую юю ых их ыми ими ие "
        "ые о і ові еві єві єм єю ій ім ів оі еі єі"  # ї is folded to і
    ).split()
)
CYRILLIC_FINAL: Final = re.compile(r"(ский|цкий|ий|ый|ой|ая|яя|[аяоеийьыуії])$")
LONGEST_TAIL: Final = 14  # letters: 국무위원장 and its particles have ten; without a bound a hostile word never ends
ARABIC_PREFIXES: Final = tuple("وبال فبال وكال وال بال فال كال ولل فلل لل ال وب فب ول فل وك و ب ف ك ل".split())
PARTLESS: Final = ("cjk", "hangul")  # scripts that are written on without a space, always or where a writer likes
ARABIC_ARTICLE: Final = "ال"
ARABIC_TO_THE: Final = "لل"  # "to the" swallows the article's first letter: الكرملين, للكرملين
# And, when, that, in, to, from, as, the: up to three in a row.
HEBREW_PREFIXES: Final = tuple(
    sorted(
        {a + b + c for a in ("", "ו") for b in ("", "ש", "כש", "מש") for c in ("", "ב", "ל", "מ", "כ", "ה")} - {""},
        key=len,
        reverse=True,
    )
)
# Against, for, towards, in, former: a Korean name follows them without a space (반푸틴, 친이란).
KOREAN_PREFIXES: Final = tuple("반 친 대 주 탈".split())
NO_NAME_BEFORE: Final = tuple(
    "무엇 뭐 말 것 이름 단어 뜻 의미 과연".split()
)  # 반이란 무엇인가: a particle, and a question


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


def joins(character: str, script: str) -> bool:
    """Whether a neighbour belongs to the same word. Korean and Chinese write on without a space: IAEA는, 北김정은."""
    if not (character.isalnum() or character == "_"):
        return False
    return script_of(character) not in ({"cjk"} if script == "hangul" else {"cjk", "hangul"})


def is_katakana(character: str) -> bool:
    """Katakana spells foreign words, which are whole: プーチン is not in ラスプーチン."""
    return "\u30a1" <= character <= "\u30fa" or character == "ー"


def word_after(text: str, end: int, script: str) -> str:
    """The rest of the word, as far as any ending could reach."""
    stop = end
    while stop < min(len(text), end + LONGEST_TAIL + 1) and joins(text[stop], script):
        stop += 1
    return text[end:stop]


def is_prefixed(script: str, text: str, start: int) -> bool:
    """Whether a short word stands before `start` as Arabic and Hebrew write it: together with the word that follows."""
    prefixes = {"arabic": ARABIC_PREFIXES, "hebrew": HEBREW_PREFIXES}.get(script, ())
    for prefix in prefixes:
        at = start - len(prefix)
        if at >= 0 and text[at:start] == prefix and (at == 0 or not joins(text[at - 1], script)):
            return True
    return False


def is_korean_prefixed(text: str, start: int, end: int) -> bool:
    """Whether a Korean name at [start:end] follows a prefix; what is a particle, too, is only before a plain noun."""
    if text[start - 1 : start] not in KOREAN_PREFIXES or (start > 1 and joins(text[start - 2], "hangul")):
        return False
    if text[start:end] not in _KOREAN:
        return True
    return text[end : end + 1] == " " and not text.startswith(NO_NAME_BEFORE, end + 1)


def is_korean_tail(rest: str) -> bool:
    """Particles and titles in a row: 김정은 + 위원장 + 이."""
    if not 0 < len(rest) <= LONGEST_TAIL:
        return False
    ends = {0}  # where a row of whole tails may end; one by one, for hostile texts can be read in thousands of ways
    for at in range(len(rest)):
        if at in ends:
            ends.update(at + size for size in TAIL_SIZES if rest[at : at + size] in _KOREAN)
    return len(rest) in ends


def cyrillic_stem(word: str) -> str:
    """The word without its ending; whole where fewer than three letters would stay."""
    bare = CYRILLIC_FINAL.sub("", word)
    return bare if len(bare) >= 3 else word
