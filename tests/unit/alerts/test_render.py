"""What every message shares: the mail around it, the files, and Wirewatch's own words to operators and readers."""

import email
import email.policy
import json

import pytest
from samples import HOSTILE, NOW

from worker.alerts.render import (
    Audience,
    make_files,
    make_mail,
    operator_html,
    operator_subject,
    operator_text,
    operator_webhook,
)

LINES = ["The feed <b>a</b> answered 410.", "Remove it."]


def made(subject="s", **changes):
    options = dict(sender="a@b.example", recipient="ana@desk.example", message_id="x@b.example", now=NOW)
    return make_mail(subject, "text", "<p>html</p>", **options | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "ana@desk.example\r\nBcc: evil@x.example"},
        {"recipient": "ana@desk.example\r\nBcc: evil@x.example"},
        {"recipient": "ana@desk.example, evil@x.example"},
        {"message_id": "x\r\nBcc: e@x.example"},
        {"more": [("List-Id", "x\r\nBcc: e@x.example")]},
        {"more": [("To", "evil@x.example")]},
    ],
    ids=["sender", "recipient", "two recipients", "id", "another header", "another To"],
)
def test_h06_a_line_break_or_second_address_in_a_header_is_refused(changes):
    with pytest.raises(ValueError, match=r"header|recipient"):
        made(**changes)


def test_make_mail_to_an_address_that_no_server_can_have_is_rendered():
    """One such address must not cost the others of its channel their mail; the server refuses it."""
    message = made(recipient="ana@" + "é" * 70 + ".example", message_id="x@" + "é" * 70)
    assert message.recipient == "ana@" + "é" * 70 + ".example"
    assert message.body.isascii()


def test_h06_make_mail_has_a_subject_even_of_what_cannot_be_seen():
    assert made(subject="\u202e\u200b\x00").subject == "Wirewatch"
    assert made(subject=HOSTILE).body.count(b"\r\nTo: ") == 1


def test_h06_make_files_survives_hostile_content():
    found = json.loads(make_files(HOSTILE, HOSTILE, HOSTILE, recipient="inbox", message_id="a", now=NOW).body.decode())
    assert not set("".join(found.values())) & set("\0\u202e\ud800\x1b")
    assert found["at"] == "2023-11-08T05:05:00.000Z"


def test_operator_message_reads_in_mail_and_webhook():
    text, markup = operator_text(LINES), operator_html("Feed stopped: a", LINES)
    assert "The feed <b>a</b> answered 410.\nRemove it.\n\nThis is a message to the operator of Wirewatch.\n" in text
    assert "<b>" not in markup
    assert "The feed &lt;b&gt;a&lt;/b&gt; answered 410." in markup
    message = operator_webhook("Feed\r\nstopped", LINES, recipient="r", message_id="msg_1", now=NOW)
    assert json.loads(message.body)["data"] == {"subject": "Feed\r\nstopped", "lines": LINES}
    assert message.subject == "Feed stopped"


def test_notice_to_readers_does_not_call_them_operators():
    subject = operator_subject("A silence has ended", Audience.READERS)
    text, markup = operator_text(LINES, Audience.READERS), operator_html(subject, LINES, Audience.READERS)
    hook = operator_webhook(subject, LINES, recipient="r", message_id="m", now=NOW, audience=Audience.READERS)
    assert subject == "[Wirewatch] A silence has ended"
    assert text.endswith("\n\nThis is a notice of Wirewatch's.\n")
    assert "This is a notice of Wirewatch&#x27;s." in markup
    assert json.loads(hook.body)["type"] == "notice"
    assert not any("operator" in one for one in (subject, text, markup, hook.body.decode()))


def test_h08_operator_html_is_text_whatever_the_subject():
    message = make_mail(HOSTILE, operator_text([HOSTILE]), operator_html(HOSTILE, [HOSTILE]), sender="a@b.example",
                        recipient="ana@desk.example", message_id="x@b.example", now=NOW)  # fmt: skip
    parsed = email.message_from_bytes(message.body, policy=email.policy.default)
    shown = parsed.get_body(("html",)).get_content()
    assert "<script" not in shown
    assert "\u0338" not in operator_html("\u0338 x", ["\u0338 onclick=alert(1)"])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
