"""FollowTheMoney entities as JSON lines, as OpenSanctions publishes them, to rows of a watchlist. Pure: no I/O.

Only what has a name that news print is taken: persons, bodies, ships and aircraft. Passports, addresses, holdings and
the like are counted by their schema and left.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from worker.articles.wordbounds import script_of
from worker.config.namelist import Complaints
from worker.config.values import WIKIDATA
from worker.feeds.listed import slug

# By FollowTheMoney's schema (https://followthemoney.tech/explorer/): our type.
SCHEMAS: Final[Mapping[str, str]] = {
    "Person": "person",
    "Organization": "organisation",
    "Company": "organisation",
    "LegalEntity": "organisation",
    "PublicBody": "organisation",
    "Vessel": "vessel",
    "Airplane": "other",
    "Vehicle": "other",
}
STRONG: Final = ("name", "previousName", "alias")
MAX_LINE: Final = 2**20  # characters: the longest entity that OpenSanctions has is a tenth of it
LATIN_FIRST: Final = ("latin",)


def read_entities(
    lines: Iterable[str], complaints: Complaints, skipped: Counter[str]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The lines' entities as rows with lists in their cells; `skipped` counts the schemas that are left out."""
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        entity = _read_line(line, text, complaints)
        if entity is None:
            continue
        kind = SCHEMAS.get(entity["schema"])
        if kind is None:
            skipped[entity["schema"]] += 1
        elif row := _row(line, kind, entity, complaints):
            yield line, row


def _read_line(line: int, text: str, complaints: Complaints) -> Any:
    if len(text) > MAX_LINE:
        complaints.add(line, "", f"longer than {MAX_LINE:,} characters")
        return None
    try:
        entity = json.loads(text)
    except (ValueError, RecursionError):
        complaints.add(line, "", "not JSON; each line must be one whole entity")
        return None
    if not isinstance(entity, dict) or not isinstance(entity.get("schema"), str):
        complaints.add(line, "schema", "missing; a FollowTheMoney entity has `id`, `schema` and `properties`")
        return None
    if not isinstance(entity.get("properties"), dict):
        complaints.add(line, "properties", "missing; a FollowTheMoney entity has `id`, `schema` and `properties`")
        return None
    return entity


def _row(line: int, kind: str, entity: Mapping[str, Any], complaints: Complaints) -> dict[str, Any] | None:
    properties = entity["properties"]
    names = list(dict.fromkeys(name for key in STRONG for name in _texts(properties, key)))
    if not names:
        complaints.add(line, "properties.name", "missing; it is required")
        return None
    given = str(entity["id"]) if isinstance(entity.get("id"), str) else ""
    name = _chief(entity.get("caption"), names)
    wikidata = [one for one in _texts(properties, "wikidataId") if WIKIDATA.fullmatch(one)]
    tags = [slug(one) or one.lower() for key in ("country", "topics") for one in _texts(properties, key)]
    strong = [one for one in names if one != name]
    return {
        "id": slug(given),
        "type": kind,
        "name": name,
        "aliases": strong,
        "weak": [one for one in _texts(properties, "weakAlias") if one not in names],
        "tags": list(dict.fromkeys(tags)),
        # Their ids have capitals, which ours must not: who looks one up at its source needs it as it was.
        "note": given if given and slug(given) != given else "",
        "wikidata": wikidata[0] if wikidata else "",
    }


def _texts(properties: Mapping[str, Any], key: str) -> Sequence[str]:
    """A property's values: a list of texts; one text alone is met, too, and whatever else is there is none. What parts
    names in our lists is left out."""
    values = properties.get(key)
    values = [values] if isinstance(values, str) else values if isinstance(values, list) else ()
    return [" ".join(one.replace("|", " ").split()) for one in values if isinstance(one, str) and one.strip()]


def _chief(caption: Any, names: Sequence[str]) -> str:
    """The name to show: the one that the source shows, else the first in Latin letters."""
    if isinstance(caption, str) and caption in names:
        return caption
    return next((name for name in names if script_of(name) in LATIN_FIRST), names[0])
