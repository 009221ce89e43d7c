"""What a place where a surname stands may be. Decides nothing."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from worker.nlp.names.bearers import Bearer


class Kind(enum.Enum):
    """In the order of what they say of who is meant."""

    FULL = "full"  # a watched person's full name
    RIVAL = "rival"  # another bearer of the surname
    OFFICE = "office"  # under an office: President Moon, the Moon government, Syria's Assad
    COURTESY = "courtesy"  # Mr Moon
    BARE = "bare"
    NONE = "none"  # no person: Trump Tower, the Trump family


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place. `bearer`: whose full name it is, if one's; `group`: the sound of its surname; `spelt`: as folded."""

    field: str
    start: int
    end: int
    group: str
    spelt: str
    kind: Kind
    bearer: Bearer | None = None
    how: str = ""
    lady: bool = False
    title: str = ""
    kin: bool = False
    country: bool = False
