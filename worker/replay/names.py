"""A feed's id from the name of a folder, a file or an outlet. Pure: no I/O, no clock."""

from __future__ import annotations

import hashlib
import re
import unicodedata


def slug(name: str) -> str:
    """Small letters, digits, single hyphens, at most 80.

    A name with letters that ASCII has not ends in a short hash of itself: without them, two outlets would be one.
    """
    whole = unicodedata.normalize("NFKD", name).lower()
    plain = re.sub(r"[^a-z0-9]+", "-", whole.encode("ascii", "ignore").decode()).strip("-")[:80].strip("-")
    if plain and not any(letter.isalnum() and not letter.isascii() for letter in whole):
        return plain
    mark = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain[:71].strip('-') or 'feed'}-{mark}"
