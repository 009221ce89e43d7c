"""What is known of words and names in general: common surnames and given names, offices, relatives. Decides nothing.

The lists lie beside, in `lists/`, each with its source; they are read once.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import resources
from typing import Any, Final

import yaml

NAMES: Final = ("given.txt", "men.txt", "surnames.txt", "terms.yaml", "women.txt", "words.txt")
LISTS: Final = resources.files("worker.nlp.names").joinpath("lists")


def _read(name: str) -> frozenset[str]:
    lines = LISTS.joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@functools.cache
def _terms() -> dict[str, Any]:
    return yaml.safe_load(LISTS.joinpath("terms.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _group(name: str) -> frozenset[str]:
    return frozenset(_terms()[name].split())


WORDS: Final = _read("words")  # English words that also begin with a small letter
SURNAMES: Final = _read("surnames")  # so common that one alone names nobody
PLACES: Final = _group("places")
TOWNS: Final = _group("towns")
PROVINCES: Final = _group("provinces")
EAST: Final = _group("east")
GIVEN: Final = _read("given") - PLACES
MEN: Final = _read("men")
WOMEN: Final = _read("women")
OFFICES: Final = _group("offices")
COURTESY: Final = _group("courtesy")
LADIES: Final = _group("ladies")
GOVERNING: Final = _group("governing")
FAMILY: Final = _group("family")
BODIES: Final = _group("bodies")
THINGS: Final = _group("things")
JUNIORS: Final = _group("juniors")
PARTICLES: Final = _group("particles")
ASIAN: Final = _group("asian")
EASTERN: Final = _group("eastern")
HAN_WORDS: Final = _group("han_words")
STATES: Final = _group("states")
KIN: Final = _group("kin")
ARMED: Final = _group("armed")
SPORTS: Final = _group("sports")
# A given name, and what else its bearer is called.
PET_FORMS: Final = {word: frozenset(line.split()) for line in _terms()["pet_forms"] for word in line.split()}
TITLES: Final = OFFICES | COURTESY | LADIES


# A judgement is stamped with the lists by which it was made.
LISTS_HASH: Final = hashlib.sha256(b"".join(LISTS.joinpath(name).read_bytes() for name in NAMES)).hexdigest()


def is_common(word: str) -> bool:
    """Whether a surname by itself may be anybody's, or no name at all."""
    return len(word) < 2 or word in SURNAMES or word in GIVEN or word in WORDS or word in PLACES
