"""A stored message as its reader sees it, for who asks what went out. Pure: no I/O."""

from __future__ import annotations

import email
import email.policy
import json
import re
from typing import Any

from worker.links import PLACE

DEED = re.compile(rf"({re.escape(PLACE)})[^\s\"'<>]+")


def stored_text(body: bytes) -> str:
    """The plain part of a mail, the text of a file, the JSON of a webhook on many lines.

    Without the tokens of its links: who has one may act in its reader's name.
    """
    return DEED.sub(r"\1…", _text(body))


def _text(body: bytes) -> str:
    if body.startswith(b"{"):
        found: Any = json.loads(body)
        return str(found["text"]) if "text" in found else json.dumps(found, ensure_ascii=False, indent=2)
    mail = email.message_from_bytes(body, policy=email.policy.default)
    plain = mail.get_body(("plain",))
    return str(plain.get_content()) if plain is not None else body.decode("utf-8", "replace")
