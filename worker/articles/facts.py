"""The words in which two wordings of one thing must agree: numbers, dates, denials, doubts. Pure: tables and a look-up.

Figures tell in every language. The words are those of the languages that most feeds are in; where a language is not
listed, what guards it is that neither wording may have a word of its own in the other's place.
"""

from __future__ import annotations

import re
from typing import Final

# Without these, what two headlines share tells nothing of an event.
SMALL: Final = frozenset(
    "a an the of to in on at for and with by from as is are was were be been has have had that its his her their it "
    "this der die das den dem des und von im zu mit auf für ein eine le la les l' des du de et en un une dans pour "
    "sur el los las y del por para con o e il lo gli di da в на и с по из за о для".split()
)
# Who says it, and in what form, makes no other event.
ASIDES: Final = frozenset(
    "says say said report reports reported official officials police source sources state media watch video photos "
    "live breaking flash exclusive factbox update updates updated ap afp reuters".split()
)

# What stands before one of these is the news, and what follows it is known: "Held after he fled" is not "He fled".
TURNS: Final = frozenset(
    "after following for over despite before amid because about since nach après tras dopo после".split()
)

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
)
FIGURES: Final = {word: str(number) for number, word in enumerate((_UNITS + " eighteen nineteen twenty").split())}
_NUMBERS = (
    "thirty forty fifty sixty seventy eighty ninety dozen dozens hundred hundreds thousand thousands million "
    "millions billion billions first second third fourth fifth sixth seventh eighth ninth tenth half twice triple "
    "一 二 三 四 五 六 七 八 九 十 百 千 万 億"
)
_DATES = (
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december jan feb mar apr jun jul aug sep sept oct nov dec morning midday noon "
    "afternoon evening night yesterday today tomorrow lunes martes miércoles jueves viernes sábado domingo montag "
    "dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche "
    "понедельник вторник среду четверг пятницу субботу воскресенье"
)
_DENIALS = (
    "no not never none nobody nothing nor without cannot deny denies denied denying refute refutes refuted "
    "reject rejects rejected refuse refuses refused fail fails failed false fake hoax halt halts halted stop "
    "stops stopped suspend suspends suspended cancel cancels cancelled canceled unlikely against un former ex "
    "vice deputy another again nicht kein keine nie ohne ne pas jamais sans aucun sin nunca niega non mai "
    "senza não nega не нет без никогда отрицает опроверг опровергает ні немає لا لم لن ليس نفى ينفي نه نیست "
    "לא אין değil yok 不 没 沒 未 无 無 非 否 拒"
)
# What is planned, supposed or asked has not happened.
_DOUBTS = "will would could might may can should must if whether why how what who when where likely"
FACTS: Final = {word: word for word in f"{_NUMBERS} {_DATES} {_DENIALS} {_DOUBTS}".split()}
KOREAN_FACT: Final = re.compile("않|못|없|아니|부인|거부|중단|[월화수목금토일]요일")


def fact_in(word: str) -> str | None:
    """What a folded word says that another wording must say too; None for a word that may be left out."""
    if word[0].isdigit():
        return word
    if word.endswith("n't"):
        return "not"
    found = FACTS.get(word)
    if found is None and (korean := KOREAN_FACT.search(word)):
        return korean[0]
    return found
