"""What is known of words and names in general: common surnames and given names, offices, relatives. Decides nothing.

The lists lie beside, in `lists/`, each with its source; they are read once.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import Final

import yaml

LISTS: Final = resources.files("worker.nlp.names").joinpath("lists")


def _read(name: str) -> frozenset[str]:
    lines = LISTS.joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


@functools.cache
def terms() -> dict[str, frozenset[str]]:
    """The groups of `terms.yaml`."""
    groups = yaml.safe_load(LISTS.joinpath("terms.yaml").read_text(encoding="utf-8"))
    return {group: frozenset(words.split()) for group, words in groups.items()}


WORDS: Final = _read("words")  # English words that also begin with a small letter
SURNAMES: Final = _read("surnames")  # so common that one alone names nobody
PLACES: Final = terms()["places"]
GIVEN: Final = _read("given") - PLACES
MEN: Final = _read("men")
WOMEN: Final = _read("women")
OFFICES: Final = terms()["offices"]
COURTESY: Final = terms()["courtesy"]
LADIES: Final = terms()["ladies"]
GOVERNING: Final = terms()["governing"]
FAMILY: Final = terms()["family"]
BODIES: Final = terms()["bodies"]
JUNIORS: Final = terms()["juniors"]
PARTICLES: Final = terms()["particles"]
ASIAN: Final = terms()["asian"]
STATES: Final = terms()["states"]
KIN: Final = terms()["kin"]
TITLES: Final = OFFICES | COURTESY | LADIES


def is_common(word: str) -> bool:
    """Whether a surname by itself may be anybody's, or no name at all."""
    return len(word) < 4 or word in SURNAMES or word in GIVEN or word in WORDS or word in PLACES
