"""Signed links: what a reader may do by one click in a mail, without the console's key. Pure: no I/O, no clock.

A link says what it does, to which alert, in whose name and until when; it holds no secret. Whoever has it may do that
and nothing else. Opening it does nothing: mail scanners open every link.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from worker.model import Action, AlertContent

VERSION: Final = "1"  # a token's first letter
MAC_BYTES: Final = 16  # half of HMAC-SHA256: RFC 2104 asks for no less, and the link stays short enough for a mail
MAC_LETTERS: Final = 22
LONGEST: Final = 1_000  # letters of a token: a person's id is the only part whose length varies
NAME_LETTERS: Final = 80  # of whoever acts: what the record keeps of a name
SILENCE: Final = timedelta(hours=24)
PLACE: Final = "/do/"


class Deed(enum.StrEnum):
    """What a link does. The values stand in links that were sent: they stay."""

    VIEW = "v"  # shows the alert, and does nothing else
    ACKNOWLEDGE = "a"
    SILENCE_STORY = "s"
    SILENCE_RULE = "r"


WORDS: Final[Mapping[Deed, str]] = {
    Deed.VIEW: "View alert",
    Deed.ACKNOWLEDGE: "Acknowledge",
    Deed.SILENCE_STORY: "Silence this story for 24 h",
    Deed.SILENCE_RULE: "Silence this rule for 24 h",
}


@dataclass(frozen=True)
class Claim:
    """What a link that was signed by us says. `person`: an id of people.yaml, or a mail address."""

    deed: Deed
    alert_id: str
    person: str
    expires: datetime


class Refusal(enum.StrEnum):
    """Why a link is not followed."""

    FORGED = "forged"  # not ours, or cut, or signed with a key that is gone
    EXPIRED = "expired"


def sign(key: bytes, claim: Claim) -> str:
    """The token: letters, digits, - and _, the last of them a letter or digit, so that no mail program cuts it off."""
    said = [claim.deed.value, claim.alert_id, claim.person, int(claim.expires.timestamp())]
    payload = json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
    return VERSION + _text(_mac(key, payload)) + _text(payload)


def read(keys: Sequence[bytes], token: str, *, now: datetime) -> Claim | Refusal:
    """What a token says that was signed with one of these keys. Never raises, whatever a stranger wrote."""
    if len(token) > LONGEST or not re.fullmatch(rf"{VERSION}[A-Za-z0-9_-]{{{MAC_LETTERS}}}[A-Za-z0-9_-]+", token):
        return Refusal.FORGED
    mac, payload = _bytes(token[1 : 1 + MAC_LETTERS]), _bytes(token[1 + MAC_LETTERS :])
    one_way = token == VERSION + _text(mac) + _text(payload)  # base64 has several for the same bytes
    if not one_way or not any(hmac.compare_digest(mac, _mac(key, payload)) for key in keys):
        return Refusal.FORGED
    deed, alert_id, person, expires = json.loads(payload)
    claim = Claim(Deed(deed), alert_id, person, datetime.fromtimestamp(expires, UTC))
    return claim if now < claim.expires else Refusal.EXPIRED


@dataclass(frozen=True)
class Links:
    """Makes a desk's links. Without `public_url` there are none, and who may act is told the command."""

    public_url: str = ""
    key: bytes = field(default=b"", repr=False)
    lasts: timedelta = timedelta(days=7)

    def address(self, deed: Deed, content: AlertContent, person: str, *, now: datetime) -> str:
        """'' where nobody could follow it."""
        claim = Claim(deed, content.alert_id, person[:NAME_LETTERS], now + self.lasts)
        return f"{self.public_url}{PLACE}{sign(self.key, claim)}" if self.public_url else ""

    def actions_for(self, content: AlertContent, person: str, *, now: datetime) -> tuple[Action, ...]:
        """What `person` may do about the alert. A command asks whoever has no id in people.yaml for one."""
        who = "" if "@" in person else f" --as {person}"
        commands = {
            Deed.ACKNOWLEDGE: f"wirewatch alerts ack {content.alert_id}{who}",
            Deed.SILENCE_STORY: f"wirewatch alerts silence --story {content.story_id} --for 24h{who}",
            Deed.SILENCE_RULE: f"wirewatch alerts silence --rule {content.rule_id} --for 24h{who}",
        }
        return tuple(
            Action(WORDS[deed], self.address(deed, content, person, now=now), command)
            for deed, command in commands.items()
        )


NO_LINKS: Final = Links()


def alert_page(public_url: str, alert_id: str) -> str:
    """The alert's page in the console, for who has its key; '' where nobody reaches it."""
    return f"{public_url}/alerts/{alert_id}" if public_url else ""


def _mac(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, b"wirewatch link " + VERSION.encode() + b"\n" + payload, hashlib.sha256).digest()[:MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Of letters that base64 has; a last one that says less than a byte is left out."""
    return base64.urlsafe_b64decode(text[: len(text) - (len(text) % 4 == 1)] + "=" * (-len(text) % 4))
