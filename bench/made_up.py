"""Made-up articles: seeded, of our own vocabulary, with watched names and topics about as often as in world news.

Of 6,000 real ledes one in four named a watched entity, with two names a thousand letters, and one in seven was on a
topic; of these two in five, two, and one in seven. A letter takes the judge as long as a real one, within a tenth.
(An article on a topic takes longer, for the words that carried it are looked for: a file of those is judged slower.)
"""

from __future__ import annotations

import functools
import pathlib
import random
import re

import yaml

from worker.config.schema import WatchedEntity
from worker.model import ArticleText

WORDS = yaml.safe_load((pathlib.Path(__file__).parent / "vocabulary.yaml").read_text(encoding="utf-8"))
LEDE, WHOLE = 250, 4_000  # letters of a feed's summary, and of an article's full text
LANGUAGES = {"english": 0.82, "korean": 0.06, "russian": 0.06, "arabic": 0.06}
SCRIPTS = {
    "english": r"[A-Za-z]",
    "korean": r"[\uac00-\ud7a3]",
    "russian": r"[\u0400-\u04ff]",
    "arabic": r"[\u0600-\u06ff]",
}
CODES = {"english": "en", "korean": "ko", "russian": "ru", "arabic": "ar"}
NAMED = 0.3  # of the places where somebody is named, a watched name stands there
HALF_SENTENCE = 65  # letters, so that articles are as long as asked for in the mean
TOPICAL = 0.6  # of an article's sentences are of its own subject
SYLLABLES = {
    "english": "ba den fel gar hol is jor kel lun mar nor ost pel quin ras sev tol um vik wen yar zel dri ska".split(),
    "korean": "가 나 다 라 미 보 서 어 우 자 하 현 윤 태 경 림 호 솔".split(),
    "russian": "ба ви го да жи зо ку ле ми но пе ро са ту фи ха чер ши".split(),
    "arabic": "با دا را سا شا صا عا فا قا كا لا ما نا ها وا يا جم رم".split(),
}
ENDINGS = {
    "english": ("", "n", "sk", "th", "stad", "er"),
    "korean": ("",),
    "russian": ("в", "нск", "р"),
    "arabic": ("ن", "ر", "د"),
}


class Writer:
    """Writes one article after the other; two of the same seed write the same."""

    def __init__(self, entities: tuple[WatchedEntity, ...], *, seed: int) -> None:
        self._random = random.Random(seed)
        self._names = _names(entities)
        self._count = 0

    def article(self, letters: int) -> ArticleText:
        """About so many letters; beyond a lede, in paragraphs."""
        self._count += 1
        (language,) = self._random.choices(list(LANGUAGES), list(LANGUAGES.values()))
        subject = self._subject(language)
        title = self._sentence(language, subject, headline=True)
        text, paragraph = "", 0
        while len(text) < letters - HALF_SENTENCE:
            about = subject if self._random.random() < TOPICAL else self._subject(language)
            paragraph += 1
            end = "\n" if letters > LEDE and paragraph % 3 == 0 else " "
            text += self._sentence(language, about) + end
        return ArticleText(
            id=f"a{self._count}",
            title=title,
            text=text.strip(),
            language=CODES[language],
            url=f"https://paper.example/{self._count}",
        )

    def _subject(self, language: str) -> str:
        known = WORDS[language]
        weights = known.get("weights") or dict.fromkeys(known["sentences"], 1)
        return self._random.choices(list(weights), list(weights.values()))[0]

    def _sentence(self, language: str, subject: str, *, headline: bool = False) -> str:
        choose, known = self._random.choice, WORDS[language]
        pattern = choose(known["sentences"][subject])
        if not headline:
            pattern = choose(known["leads"]) + pattern + choose(known["tails"])
        text = re.sub(r"\{(\w+)\}", lambda found: self._filled(found[1], language), pattern)
        text = text[:1].upper() + text[1:]
        return text.removesuffix(".") if headline else text if text.endswith(".") else f"{text}."

    def _filled(self, slot: str, language: str) -> str:
        number = self._random.randint
        if slot == "who":
            watched = self._random.random() < NAMED
            return self._watched(language) if watched else f"{self._invented(language)} {self._invented(language)}"
        if slot == "n":
            return str(number(2, 40))
        if slot == "many":
            return f"{number(1, 48)},{number(100, 999)}"
        if slot == "money":
            return f"{number(2, 900)}.{number(1, 9)} million euros"
        if slot == "day":
            return f"{number(1, 28)} {choose_month(self._random)}" if language == "english" else str(number(1, 28))
        if slot == "firm":
            return f"{self._invented(language)} {self._random.choice(('Holding', 'Works', 'Energy', 'Lines', 'Foods'))}"
        if slot == "name":
            return f"{self._invented(language)} {self._invented(language)}"
        if f"{slot}s" in WORDS[language]:
            return self._random.choice(WORDS[language][f"{slot}s"])
        return self._invented(language)

    def _watched(self, language: str) -> str:
        """The first of the list oftener than the last, as with names in the news."""
        names = self._names[language]
        return names[int(len(names) * self._random.random() ** 2)]

    def _invented(self, language: str) -> str:
        syllables = self._random.choices(SYLLABLES[language], k=self._random.choice((2, 3)))
        return ("".join(syllables) + self._random.choice(ENDINGS[language])).capitalize()


def choose_month(chance: random.Random) -> str:
    return chance.choice(
        "January February March April May June July August September October November December".split()
    )


@functools.cache
def _names(entities: tuple[WatchedEntity, ...]) -> dict[str, list[str]]:
    """By language, each entity's name in that script, where it has one."""
    return {
        language: [name for entity in entities if (name := _name(entity, pattern))]
        for language, pattern in SCRIPTS.items()
    }


def _name(entity: WatchedEntity, pattern: str) -> str:
    """The entity's first name in that script; '' without one."""
    return next((name for name in (entity.name, *entity.aliases) if re.match(pattern, name)), "")
