"""The names that dates in feeds are written with: months in the languages we met, zones with their offsets. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

# January to December, as written in full and in short, small and without accents. Of Croatian only what is no other
# language's: its "listopad" is October, and November to Poles and Czechs. "mar" is March only behind a day's number.
_MONTHS: Final = (
    """jan january januar januari janvier janv janeiro enero ene gennaio gen ianuarie ian ocak oca styczen stycznia sty
    leden ledna sijecnja tammikuuta januara yanvar ιανουαριου ιανουαριος ιαν январь января янв січень січня січ
    يناير ינואר""",
    """feb february februar februari fevrier fevr fev fevereiro febrero febbraio februarie subat sub luty lutego lut
    unor unora veljace helmikuuta februara fevral φεβρουαριου φεβρουαριος φεβ февраль февраля фев февр лютий лютого
    лют فبراير פברואר""",
    """mar march marz maerz mrz maart mrt mars marco marzo martie mart marzec marca brezen brezna ozujka maaliskuuta
    marcius marc mars μαρτιου μαρτιος μαρ март марта мар березень березня бер مارس מרץ""",
    """apr april avril avr abril abr aprile aprilie nisan nis kwiecien kwietnia kwi duben dubna travnja huhtikuuta
    aprilis aprila aprel απριλιου απριλιος απρ апрель апреля апр квітень квітня кві أبريل ابريل אפריל""",
    """may mai mei maio mayo maggio mag mayis maj maja kveten kvetna svibnja toukokuuta majus μαιου μαιος μαι май мая
    травень травня тра مايو מאי""",
    """jun june juni juin junho junio giugno giu iunie iun haziran haz czerwiec czerwca cze cerven cervna lipnja
    kesakuuta junius juna iyun ιουνιου ιουνιος ιουν июнь июня июн червень червня чер يونيو יוני""",
    """jul july juli juillet juil julho julio luglio lug iulie iul temmuz tem lipiec lipca lip cervenec cervence srpnja
    heinakuuta julius jula iyul ιουλιου ιουλιος ιουλ июль июля июл липень липня лип يوليو יולי""",
    """aug august augustus augusti aout agosto ago agustus agu agustos sierpien sierpnia sie srpen srpna kolovoza
    elokuuta augusztus augusta avgust αυγουστου αυγουστος αυγ август августа авг серпень серпня сер أغسطس اغسطس
    אוגוסט""",
    """sep sept september septembre setembro set septiembre settembre septembrie eylul eyl wrzesien wrzesnia wrz zari
    rujna syyskuuta szeptember szept septembra sentyabr σεπτεμβριου σεπτεμβριος σεπ сентябрь сентября сен сент вересень
    вересня вер سبتمبر ספטמבר""",
    """oct october octobre oktober okt outubro out octubre ottobre ott octombrie ekim eki pazdziernik pazdziernika paz
    rijen rijna lokakuuta oktobra oktyabr οκτωβριου οκτωβριος οκτ октябрь октября окт жовтень жовтня жов أكتوبر اكتوبر
    אוקטובר""",
    """nov november novembre novembro noviembre noiembrie noi kasim kas listopad listopada lis studenoga marraskuuta
    novembra noyabr νοεμβριου νοεμβριος νοε ноябрь ноября ноя нояб листопад листопада نوفمبر נובמבר""",
    """dec december decembre dezember dez dezembro diciembre dic dicembre decembrie desember des aralik ara grudzien
    grudnia gru prosinec prosince prosinca joulukuuta decembra dekabr δεκεμβριου δεκεμβριος δεκ декабрь декабря дек
    грудень грудня гру ديسمبر דצמבר""",
)


def fold(name: str) -> str:
    """A month's name as the table has it: small, without accents."""
    parts = unicodedata.normalize("NFD", name.casefold())
    return unicodedata.normalize("NFC", "".join(part for part in parts if unicodedata.category(part) != "Mn"))


MONTHS: Final[Mapping[str, int]] = {
    fold(name): number for number, names in enumerate(_MONTHS, start=1) for name in names.split()
}

# What an abbreviation means where nothing says otherwise, in minutes east of UTC: to most publishers who write it.
OFFSETS: Final[Mapping[str, int]] = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "BST": 60,
    "CET": 60, "MEZ": 60, "CEST": 120, "MESZ": 120, "EET": 120, "EEST": 180, "SAST": 120, "CAT": 120, "WAT": 60,
    "EAT": 180, "MSK": 180, "MSD": 240, "TRT": 180, "IDT": 180, "IRST": 210, "IRDT": 270, "GST": 240, "AZT": 240,
    "AFT": 270, "PKT": 300, "UZT": 300, "IST": 330, "NPT": 345, "ICT": 420, "WIB": 420, "WITA": 480, "WIT": 540,
    "HKT": 480, "SGT": 480, "MYT": 480, "PHT": 480, "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630,
    "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
    "NST": -210, "NDT": -150, "BRT": -180, "BRST": -120, "ART": -180, "AST": -240, "ADT": -180, "CLT": -240,
    "EST": -300, "EDT": -240, "COT": -300, "PET": -300, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600,
}  # fmt: skip
BY_LANGUAGE: Final[Mapping[tuple[str, str], int]] = {
    ("IST", "he"): 120, ("IST", "iw"): 120, ("IST", "en-il"): 120, ("IST", "ga"): 60, ("IST", "en-ie"): 60,
    ("CST", "zh"): 480, ("BST", "bn"): 360, ("AST", "ar"): 180, ("PST", "fil"): 480, ("PST", "tl"): 480,
}  # fmt: skip
PLACES: Final[Mapping[str, str]] = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
}  # fmt: skip
# Languages that are published in one zone, near enough.
LANGUAGE_ZONES: Final[Mapping[str, str]] = {
    "ko": "Asia/Seoul", "ja": "Asia/Tokyo", "he": "Asia/Jerusalem", "iw": "Asia/Jerusalem", "fa": "Asia/Tehran",
}  # fmt: skip
