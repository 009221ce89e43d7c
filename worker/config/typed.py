"""One plain value typed by the schema, with what is wrong in words that say what to do. Pure: no I/O."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from worker.config.source import Path_, Source
from worker.config.values import FOLDER_FORM

# pydantic's error types, in words that say what to do; the rest keep pydantic's own message.
WORDS = {
    "missing": "missing; it is required",
    "string_type": "must be text; put it in quotes",
    "tuple_type": "must be a list: [one, two] or lines that begin with -",
    "dict_type": "must hold keys with values",
    "model_type": "must hold keys with values",
    "model_attributes_type": "must hold keys with values",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "too_short": "must not be empty",
}


def typed_item(source: Source, path: Path_, raw: Any, kind: type[BaseModel]) -> Any:
    """One typed value, or None with its problems noted in `source`."""
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        for found in error.errors(include_url=False):
            where = (part for part in found["loc"] if part != "[key]")  # a mapping's key is named by itself
            source.add((*path, *where), _in_words(found, kind))
        return None


def shown(value: Any) -> str:
    """A value in a message, never long."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def unknown(name: str, known: Any) -> str:
    """Words for a name that is not known, with the nearest that is."""
    near = difflib.get_close_matches(str(name), [str(one) for one in known], n=1)
    return f"unknown; did you mean {near[0]}?" if near else "unknown; remove it, or look at the example for its name"


def _in_words(found: Any, kind: type[BaseModel]) -> str:
    if found["type"] == "extra_forbidden":
        names = [field.alias or name for name, field in _fields_at(kind, found["loc"][:-1]).items()]
        return unknown(found["loc"][-1], names)
    if found["type"] == "string_pattern_mismatch":
        return _form_in_words(shown(found["input"]), found["ctx"]["pattern"])
    if found["type"] == "literal_error":
        return f"{shown(found['input'])} is none of {found['ctx']['expected']}"
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    return WORDS.get(found["type"], found["msg"][:1].lower() + found["msg"][1:])


def _form_in_words(value: str, pattern: str) -> str:
    if pattern == FOLDER_FORM:
        return f"{value} may hold only small letters, digits, - and _, up to 61, and begins with a letter or digit"
    return f"{value} may hold only small letters, digits and single hyphens"


def _fields_at(kind: Any, path: tuple[Any, ...]) -> Mapping[str, Any]:
    for name in path:
        annotation = kind.model_fields[name].annotation if name in getattr(kind, "model_fields", {}) else None
        options = [annotation, *getattr(annotation, "__args__", ())]
        kind = next((one for one in options if isinstance(one, type) and issubclass(one, BaseModel)), None)
        if kind is None:
            return {}
    return kind.model_fields  # type: ignore[no-any-return]
