"""What every message of ours shares: the mail around it, the files, the page's frame, and words to operators. Pure.

Everything from a feed is escaped where it is rendered; nothing that a feed says becomes a header, markup or a link
other than http(s).
"""

from __future__ import annotations

import email.policy
import enum
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from worker import display
from worker.alerts.headers import Fields, check_mail, encoded_text, header_block, in_ascii_letters
from worker.alerts.wording import header_text
from worker.display import as_markup
from worker.model import Message

MAIL_POLICY: Final = email.policy.SMTP.clone(cte_type="7bit", max_line_length=78)
FAINT: Final = "opacity:.75"  # no grey stands on white and on every program's dark page at 4.5 to 1; this does
# No background and no text colour of our own: each mail program's light or dark page stands. A table, because Outlook
# knows no width on anything else, and in a comment for it alone one that does not stretch; inline styles, because many
# programs drop all others.
FRAME: Final = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
    '<title>{title}</title></head><body style="margin:0;padding:0">'
    '<!--[if mso]><table role="presentation" align="center" width="600"><tr><td><![endif]-->'
    '<table role="presentation" align="center" width="600" cellpadding="0" cellspacing="0" border="0" '
    'style="width:100%;max-width:600px;margin:0 auto"><tr><td align="left" style="padding:20px;'
    "font:16px/1.5 -apple-system,'Segoe UI',Roboto,'Noto Sans',Arial,sans-serif\">{body}"
    "</td></tr></table><!--[if mso]></td></tr></table><![endif]--></body></html>\n"
)


class Audience(enum.StrEnum):
    """Whom a message of Wirewatch's own is to: who runs it, or who reads its alerts."""

    OPERATOR = "operator"
    READERS = "readers"


PREFIX: Final = {Audience.OPERATOR: "[Wirewatch operator]", Audience.READERS: "[Wirewatch]"}
CLOSING: Final = {
    Audience.OPERATOR: "This is a message to the operator of Wirewatch.",
    Audience.READERS: "This is a notice of Wirewatch's.",
}
TYPE: Final = {Audience.OPERATOR: "operator.message", Audience.READERS: "notice"}


# ---------------------------------------------------------------- mail


def make_mail(
    subject: str,
    text: str,
    html: str,
    *,
    sender: str,
    recipient: str,
    message_id: str,
    now: datetime,
    more: Fields = (),
) -> Message:
    """Text and HTML as one mail; whatever they hold, its headers are these and `more`. `message_id` has no brackets.

    Raises ValueError where an address, an id or one of `more` cannot stand in a header.
    """
    subject = header_text(subject) or "Wirewatch"
    to = in_ascii_letters(recipient)
    fields = [
        ("Subject", encoded_text(subject)),
        ("From", f"Wirewatch <{in_ascii_letters(sender)}>"),
        ("To", to),
        ("Date", format_datetime(now.astimezone(UTC))),
        ("Message-ID", f"<{in_ascii_letters(message_id)}>"),
        *more,
        ("Auto-Submitted", "auto-generated"),
    ]
    body = header_block(fields) + _both_parts(display.lines(text), display.seen(html))
    check_mail(body, fields, recipient=to)
    return Message(message_id=f"<{message_id}>", body=body, recipient=recipient, subject=subject)


def _both_parts(text: str, html: str) -> bytes:
    mail = EmailMessage(policy=MAIL_POLICY)
    mail.set_content(text, cte=_encoding(text))
    mail.add_alternative(html, subtype="html", cte=_encoding(html))
    return mail.as_bytes()


def _encoding(text: str) -> str:
    """Quoted-printable keeps Latin readable in the raw; for other scripts base64 is half as long."""
    return "quoted-printable" if len(text.encode("ascii", "ignore")) > 0.9 * len(text) else "base64"


# ---------------------------------------------------------------- files, JSON


def make_files(subject: str, text: str, html: str, *, recipient: str, message_id: str, now: datetime) -> Message:
    """One JSON object that the inbox channel writes out as two files."""
    subject = header_text(subject)
    body = as_json({"at": iso(now), "subject": subject, "text": display.lines(text), "html": display.seen(html)})
    return Message(message_id=message_id, body=body, recipient=recipient, subject=subject)


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_json(value: Any) -> bytes:
    """UTF-8 whatever the text; half characters become question marks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


# ---------------------------------------------------------------- Wirewatch's own words


def operator_subject(subject: str, audience: Audience = Audience.OPERATOR) -> str:
    return f"{PREFIX[audience]} {subject}"


def operator_text(lines: Sequence[str], audience: Audience = Audience.OPERATOR) -> str:
    return "\n".join([*lines, "", CLOSING[audience], ""])


def operator_html(subject: str, lines: Sequence[str], audience: Audience = Audience.OPERATOR) -> str:
    paragraphs = "".join(f'<p style="margin:0 0 12px">{as_markup(line)}</p>' for line in lines)
    body = (
        f'<h1 style="margin:0 0 12px;font-size:20px">{as_markup(subject)}</h1>{paragraphs}'
        f'<p style="margin:20px 0 0;font-size:13px;{FAINT}">{as_markup(CLOSING[audience])}</p>'
    )
    return FRAME.format(title=as_markup(subject), body=body)


def operator_webhook(
    subject: str,
    lines: Sequence[str],
    *,
    recipient: str,
    message_id: str,
    now: datetime,
    audience: Audience = Audience.OPERATOR,
) -> Message:
    told = {"subject": subject, "lines": list(lines)}
    body = as_json({"type": TYPE[audience], "timestamp": iso(now), "data": told})
    return Message(message_id=message_id, body=body, recipient=recipient, subject=header_text(subject))
