"""The language of a text, offline: by its script and by letters that only one language has, else by py3langid.

Headlines are short, and made of names: a statistic over few letters errs, a letter does not.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

UNKNOWN: Final = "und"  # ISO 639 for: undetermined
ENOUGH: Final = 20  # letters: of fewer no statistic tells; of a few more where the script leaves few languages
ENOUGH_OF_FEW: Final = 6
SHARE: Final = 0.2  # of the letters: an article may quote a name in another script
READ: Final = 600  # letters read: more changes no answer
KANA_SHARE: Final = 0.04  # of Chinese characters and kana: Japanese has as little in a headline of names, Chinese none
SCRIPTS: Final = tuple(
    (code, re.compile(f"[{letters}]"))
    for code, letters in (
        ("ko", "\uac00-\ud7a3\u1100-\u1112"),
        ("han", "\u3040-\u30ff\u3400-\u9fff"),
        ("he", "\u0590-\u05ff"),
        ("cyrillic", "\u0400-\u052f"),
        ("arabic", "\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff"),
        ("el", "\u0370-\u03ff"),
        ("hi", "\u0900-\u097f"),
        ("th", "\u0e00-\u0e7f"),
        ("bn", "\u0980-\u09ff"),
        ("ta", "\u0b80-\u0bff"),
        ("te", "\u0c00-\u0c7f"),
        ("ka", "\u10a0-\u10ff"),
        ("hy", "\u0530-\u058f"),
        ("am", "\u1200-\u137f"),
    )
)
# Letters, and words between spaces, that speak for one language of a script and against its neighbours.
CYRILLIC: Final = {
    "ru": (set("ыэёъ"), set("и в на с о по за у от из к не что он как для его это был или при".split())),
    "uk": (set("іїєґ"), set("та від що щоб його буде який якій які з й із під після в у на за до о по".split())),
    "bg": (set("ъ"), set("се са ще във със като е че който което след и в на с по за от".split())),
    "be": (set("ўіыэ"), set("што ў яго пасля на за з да".split())),
    "sr": (set("јљњђћџ"), set("је су се и у на за од са".split())),
    "kk": (set("қғңүұһәө"), set("мен және бұл".split())),
}
ARABIC: Final = {
    "ar": (set("ةكيىأإ"), set("في من على إلى عن أن مع بعد التي الذي هذا قال".split())),
    "fa": (set("پچژگکی"), set("در از به که را با این است شد می برای بر تا و".split())),
    "ur": (set("ٹڈڑںےہھ" + "پچژگکی"), set("کے کی میں نے سے کا کو ہے اور پر".split())),
    "ps": (set("ټډړښځڅېۍګڼ" + "ی"), set("په د او ته چې کې له".split())),
    "ckb": (set("ەێۆڕڵ" + "کی"), set("لە بە بۆ و کە".split())),
}
LETTER, WORD_WEIGHT, ARTICLE = 3, 3, re.compile(r"(?<!\w)[وبفلك]?ال\w{2,}")  # of Arabic: hardly a headline has none
# Characters as only Japan writes them, and as only mainland China does; those that Japan shares with it, and those that
# it shares with Taiwan: only Japanese has both.
JAPAN: Final = frozenset(
    "発対沢広戦気駅県応訳売読変実総経済権検験関録団鉄拡択伝転込働仏価両児円処剤労単収営圧塩従徴悪払挙掲様毎満続脳覚観譲賛軽遅辺隠霊騒黒帰戻"
)
MAINLAND: Final = frozenset(
    "们这说话对发时间问门见关经济际议谈战争导弹东车长军单动务级红约织给统网习乌乐书买亚产从众优债农决减汉协华双启员围场坚墙专业丝两严丧临为举义达罗飞让还进远违连选钱银阳阶陆难韩页题额风访评试诉询详语边称"
)
WITH_MAINLAND: Final = frozenset("会国学体来点党号旧乱当区医声")
WITH_TAIWAN: Final = frozenset("談議東車長門問間連員軍訪選認見話電務動開題論結約統領綱")
# Of the hundred that the library knows, those that news in our feeds is written in.
LATIN: Final = "en tr fr de es it nl pl pt vi id az sv da no fi cs ro hu".split()
RECOGNISED: Final = frozenset((*LATIN, *CYRILLIC, *ARABIC, "ja", "zh", *(code for code, _ in SCRIPTS)))
# What is added to a language's log-likelihood: a headline of foreign names reads like any language by a hair.
BONUS_OF_ENGLISH, BONUS_OF_HINT, BONUS_OF_WORD = 4.0, 12.0, 3.0
ENGLISH_WORDS: Final = frozenset(
    "the and to says will with after from what how why his their amid over who is of by as at".split()
)


def detect(title: str, text: str, *, hint: str | None = None) -> str:
    """A code of ISO 639. The hint (a feed's word for it, such as 'en-GB') counts where there is too little text to tell
    and where it names a language that is never told from its text; 'und' without one."""
    sample = f"{title} {text}"[:READ]
    letters = sum(character.isalpha() for character in sample)
    hinted = re.match(r"[A-Za-z]{2,3}(?![A-Za-z])", hint or "")
    code = hinted[0].lower() if hinted else ""
    script = _script(sample, letters)
    if script == "han":
        return _of_han(sample)
    if script == "cyrillic":
        return _of_letters(sample, CYRILLIC) or "ru"
    if script == "arabic":
        return _of_letters(sample, ARABIC) or _of_statistic(sample, letters, code, among=("ar", "fa", "ur", "ps"))
    return script or _of_statistic(sample, letters, code, among=LATIN)


def _script(sample: str, letters: int) -> str:
    """The script of a good part of the letters; empty for Latin ones, and for none."""
    shares = {code: len(pattern.findall(sample)) for code, pattern in SCRIPTS} if not sample.isascii() else {}
    strong = {code: count for code, count in shares.items() if letters and count > SHARE * letters}
    if "ko" in strong and "han" in strong:
        return "ko"  # 韓美 정상회담: Korean headlines write Chinese characters, Chinese and Japanese ones no Hangul
    return max(strong, key=lambda code: strong[code]) if strong else ""


def _of_han(sample: str) -> str:
    kana = len(re.findall("[\u3041-\u30fa]", sample))
    han = len(re.findall("[\u3400-\u9fff]", sample))
    if kana > KANA_SHARE * (kana + han):
        return "ja"
    written = frozenset(sample)
    mixed = bool(written & WITH_MAINLAND and written & WITH_TAIWAN)
    return "ja" if (written & JAPAN or mixed) and not written & MAINLAND else "zh"


def _of_letters(sample: str, languages: Mapping[str, tuple[set[str], set[str]]]) -> str:
    """The language whose own letters and words are clearly the most; empty where none is."""
    lowered = sample.lower()
    words = re.findall(r"\w+", lowered)
    scores = {
        code: LETTER * sum(map(lowered.count, letters)) + WORD_WEIGHT * sum(word in common for word in words)
        for code, (letters, common) in languages.items()
    }
    if "be" in scores:
        scores["be"] -= 1  # it has letters of both its neighbours, and hardly a headline without ў
        scores["ru"] += 2  # where no letter tells: the others have hardly a headline without one of theirs
    if "ar" in scores:
        scores["ar"] += WORD_WEIGHT * len(ARTICLE.findall(lowered))
        scores["ur"] -= 1  # it has all Persian letters, and hardly a headline without its own
    first, second = sorted(scores, key=lambda code: -scores[code])[:2]
    return first if scores[first] > scores[second] else ""


def _of_statistic(sample: str, letters: int, hinted: str, *, among: Iterable[str]) -> str:
    if letters < (ENOUGH if among is LATIN else ENOUGH_OF_FEW):
        return hinted or UNKNOWN
    if hinted and hinted not in RECOGNISED:
        return hinted
    scores = {code: float(score) for code, score in _identifier().rank(sample) if code in among}
    if hinted in scores:
        scores[hinted] += BONUS_OF_HINT
    if "en" in scores:
        known = sum(word in ENGLISH_WORDS for word in sample.lower().split())
        scores["en"] += BONUS_OF_ENGLISH + BONUS_OF_WORD * known
    return max(scores, key=lambda code: scores[code])


@functools.cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([*LATIN, *(code for code in ARABIC if code in identifier.labels)])
    return identifier
