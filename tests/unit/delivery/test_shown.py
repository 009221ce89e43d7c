"""A stored message as its reader sees it, and without what lets one act in the reader's name."""

import json

from samples import NOW, alert

from worker.delivery.email import Email, Relay
from worker.delivery.inbox import Inbox
from worker.delivery.shown import stored_text
from worker.model import Message

MAIL = Email(
    id="mail", relay=Relay("smtp.example", 25, "none"), sender="w@desk.example", zones={"ana@desk.example": "UTC"}
)


def test_shown_is_a_mails_plain_part():
    message = MAIL.render(alert(), recipient="ana@desk.example", now=NOW)
    text = stored_text(message.body)
    assert "Harbour Wire" in text and "<" not in text


def test_shown_is_a_files_text_and_a_webhooks_json(tmp_path):
    inbox = Inbox("inbox", tmp_path, "desk", "UTC").render(alert(), recipient="desk", now=NOW)
    assert stored_text(inbox.body) == json.loads(inbox.body)["text"]
    assert stored_text('{"type":"alert.raised","title":"김정은"}'.encode()) == (
        '{\n  "type": "alert.raised",\n  "title": "김정은"\n}'
    )


def test_j06_shown_has_no_token_of_a_link():
    body = b"Subject: x\r\n\r\nAcknowledge: https://desk.example/do/v1.canary-token_of-the-link\r\n"
    assert stored_text(Message("m", body, "r").body).strip() == "Acknowledge: https://desk.example/do/…"
