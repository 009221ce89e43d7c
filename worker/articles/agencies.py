"""Whose report an article passes on: the news agency that it names as its source. Pure: a table and a look-up.

Ten outlets that quote one agency are one source. Read are a feed's own name, an agency's mark at the beginning or the
end ("PYONGYANG, Nov 8 (Wire) --", "… - Wire"), and who said it ("Wire said", "according to Wire"), in English.
"""

from __future__ import annotations

import re
from typing import Final

LETTERS: Final = 600  # of a text are read: whose it is stands at its beginning
# Names that are words of their own ("Ap", "sana") count only as they are written here.
AGENCIES: Final = {
    "KCNA": r"KCNA|Korean Central News Agency|North Korea(?:n|'s)? (?:state media|state news agency)",
    "Yonhap": r"Yonhap(?: News(?: Agency)?)?",
    "Kyodo": r"Kyodo(?: News)?",
    "Reuters": r"Reuters",
    "AP": r"(?:The )?Associated Press|AP",
    "AFP": r"AFP|Agence France[- ]Presse",
    "dpa": r"dpa",
    "TASS": r"TASS|Tass",
    "RIA Novosti": r"RIA(?: Novosti)?",
    "Interfax": r"Interfax",
    "Xinhua": r"Xinhua(?: News Agency)?",
    "IRNA": r"IRNA",
    "ISNA": r"ISNA",
    "Tasnim": r"Tasnim(?: [Nn]ews [Aa]gency)?",
    "Fars": r"Fars [Nn]ews(?: [Aa]gency)?",
    "Mehr": r"Mehr [Nn]ews(?: [Aa]gency)?",
    "WAFA": r"WAFA|Wafa news agency",
    "SANA": r"SANA",
    "Anadolu": r"Anadolu(?: Agency)?",
    "PTI": r"PTI|Press Trust of India",
}
_NAMED: Final = "|".join(f"(?P<a{n}>{pattern})" for n, pattern in enumerate(AGENCIES.values()))
_SAYING: Final = r"said|says|reported|reports|announced|quoted|quotes|cited|cites|carried"
_BY: Final = r"according to|reported by|carried by|cited by|quoted by|citing|quoting|told"
_KIND: Final = r"(?:(?:the|state|official|state-run|semi-official|news|agency|North|South|Korean?|Russian?|'s) ?)"
PASSED_ON: Final = re.compile(
    rf"(?:\((?:{_NAMED})\)\s*[-–—:])"
    rf"|(?:\b(?:{_NAMED.replace('<a', '<b')})(?:(?: state)? news agency)?,? (?:has |had |have )?(?:{_SAYING})\b)"
    rf"|(?:\b(?:{_BY}) {_KIND}{{0,6}}(?:{_NAMED.replace('<a', '<c')})\b)"
)
AT_THE_END: Final = re.compile(rf"(?:[-–—|/:]|\()\s*(?:{_NAMED})\)?\s*$")
WHOLE: Final = re.compile(rf"(?:{_NAMED})(?: .*)?")
NAMES: Final = tuple(AGENCIES)


def agency_of(title: str, text: str, *, source: str = "") -> str:
    """The agency's name as in AGENCIES; '' where none is named. `source`: the outlet's or its feed's own name."""
    for found in (
        WHOLE.fullmatch(source) if source else None,
        PASSED_ON.search(text[:LETTERS].replace("’", "'")),
        AT_THE_END.search(title),
        PASSED_ON.search(title.replace("’", "'")),
    ):
        if found:
            group = next(name for name, value in found.groupdict().items() if value)
            return NAMES[int(group[1:])]
    return ""
