"""Whether memory stays flat over articles whose words nobody has ever read: a million, by one process, with `--long`.

Every word of an article but a watched name and a few common ones is new: in English, in each language that has term
rules, and in one that has none. They go through the judge as the worker's do, in batches; what is looked at is the
process's own PSS.
"""

from __future__ import annotations

import gc
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psutil

from bench.desk import EXAMPLE
from bench.figures import Figure
from bench.idle import pss
from bench.made_up import SYLLABLES
from bench.progress import say
from worker.app import load_judge
from worker.config.load import load_config
from worker.model import ArticleText

BATCH = 64
WORDS = 24  # new ones an article
# By language: syllables of which the new words are made, and how a sentence goes around them.
ALPHABETS = {
    "en": (SYLLABLES["english"], "Prime Minister {} said in {} that Kim Jong Un and Vladimir Putin met {} to {}"),
    "ko": (SYLLABLES["korean"], "{}는 {}에서 김정은과 만났다 {} {}"),
    "ru": (SYLLABLES["russian"], "{} заявил в {}, что Путина и {} ждут в {}"),
    "uk": (SYLLABLES["russian"], "{} заявив, що її {} та {} є в {}"),
    "ar": (SYLLABLES["arabic"], "قال {} في {} إن الرئيس {} التقى {}"),
    "fa": (SYLLABLES["arabic"], "{} گفت که {} با {} در {} دیدار کرد"),
    "he": ("בא גד הו זח טי כל מנ סע פצ קר שת".split(), "{} אמר כי {} נפגש עם {} ב{}"),
    "ja": ("カ シ ト ナ ハ マ ヤ ラ ワ キ ス テ".split(), "{}は{}で{}と{}会談した"),
    "zh": ("安 德 克 利 马 尼 塔 维 森 罗 卡 迪".split(), "{}说{}与{}在{}会谈"),
    "de": (SYLLABLES["english"], "Der Minister {} sagte in {}, dass {} und {} nicht mit der Regierung reden"),
}
SHARE_OF_ENGLISH = 3  # of so many articles one is English; the others take turns


@dataclass(frozen=True)
class Size:
    """`seconds`: no more batches are begun after so many. `warm`: of the articles, before the first look."""

    articles: int
    warm: int
    looks: int
    seconds: float


FULL = Size(articles=60_000, warm=20_000, looks=8, seconds=150)
LONG = replace(FULL, articles=1_000_000, warm=50_000, looks=20, seconds=3_400)
QUICK = Size(articles=640, warm=320, looks=2, seconds=60)


def measure(*, quick: bool, long: bool = False) -> list[Figure]:
    size = QUICK if quick else LONG if long else FULL
    say("vocabulary: loading the model and the watchlist")
    judge = load_judge(load_config(EXAMPLE, environ={}, only=frozenset({"topics", "watchlist", "rules"})))
    news, held = articles(), []
    until, judged = time.monotonic() + size.seconds, 0
    step = (size.articles - size.warm) // size.looks
    while judged < size.articles and time.monotonic() < until:
        judge.judge_many([*itertools.islice(news, BATCH)])
        judged += BATCH
        if judged >= size.warm + len(held) * step:
            held.append(memory())
            say(f"vocabulary: {judged:,} articles, {held[-1]:.1f} MB")
    held.append(memory())
    if len(held) < 3:
        raise RuntimeError(f"{judged:,} articles were judged, too few to say how memory grows")
    return [
        Figure("articles judged, every word new", judged, ""),
        Figure("new words read", judged * WORDS, ""),
        Figure("memory, warm", held[0], "MB"),
        Figure("memory, at the end", held[-1], "MB", held[-1] / held[0], "warm"),
        Figure("growth, at the most", max(held) - held[0], "MB"),
    ]


def memory() -> float:
    gc.collect()
    return pss(psutil.Process(os.getpid())) / 2**20


def articles() -> Iterator[ArticleText]:
    """Without end, the same each time."""
    words = {language: new_words(syllables) for language, (syllables, _) in ALPHABETS.items()}
    others = itertools.cycle(language for language in ALPHABETS if language != "en")
    for n in itertools.count():
        language = "en" if n % SHARE_OF_ENGLISH == 0 else next(others)
        yield article(n, language, [*itertools.islice(words[language], WORDS)])


def article(n: int, language: str, words: Sequence[str]) -> ArticleText:
    frame = ALPHABETS[language][1]
    count = frame.count("{}")
    title, *rest = (frame.format(*words[at : at + count]) for at in range(0, len(words), count))
    return ArticleText(f"a{n}", title, f"{'. '.join(rest)}.", language=None if n % 2 else language)


def new_words(syllables: Sequence[str]) -> Iterator[str]:
    """Each once: the numbers, written in syllables; every other one with a capital, as names are."""
    for n in itertools.count(len(syllables) ** 2):
        word = "".join(syllables[digit] for digit in digits(n, len(syllables)))
        yield word.capitalize() if n % 2 else word


def digits(n: int, base: int) -> list[Any]:
    return [n] if n < base else [*digits(n // base, base), n % base]
