"""Hostile content on its whole way: rendered by a channel, sent for real, as its receiver has it."""

import json

import pytest
from receivers import ONE, email, send, webhook
from samples import HOSTILE, NOW, alert, article, hostile, reminder, update
from sinks import MailSink, WebhookSink

HEADERS = [
    "Subject", "From", "To", "Date", "Message-ID", "In-Reply-To", "References", "List-Id", "Auto-Submitted",
    "MIME-Version", "Content-Type",
]  # fmt: skip
DOTS = "..\n.\r\nMAIL FROM:<evil@x.example>\r\nRCPT TO:<evil@x.example>\r\nDATA\r\nBcc: e@x.example\r\n\r\nx\r\n.\r\n"


@pytest.mark.parametrize(
    "content",
    [hostile(make=alert), hostile(), hostile("x" * 10_000), alert(article(title=DOTS, quote=DOTS, source=DOTS)),
     reminder(rule_name=HOSTILE, rule_id=HOSTILE, story_id=HOSTILE, first_subject=HOSTILE)],
    ids=["raised", "updated", "long", "the end of a mail", "reminder"],
)  # fmt: skip
def test_h06_h07_a_sent_mail_has_our_headers_and_one_recipient(content):
    with MailSink() as sink:
        channel = email(sink.port)
        message = channel.render(content, recipient=channel.recipients()[0], now=NOW)
        send(channel, message)
        (arrived,) = sink.received
    assert arrived.raw == message.body, "the bytes that are on record"
    assert arrived.keys() == HEADERS
    assert (arrived.sent_to, str(arrived["To"])) == ([ONE], ONE)
    assert str(arrived["Subject"]) == message.subject
    assert not set(message.subject) & set("\r\n\0\u2028\u2029\u202e\u200b\x1b")
    assert [one.get_content_type() for one in arrived.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize("text", [HOSTILE, "\0" * 9_000, "북" * 2_700_000], ids=["hostile", "NUL", "8 MB"])
def test_h13_a_sent_webhook_is_utf_8_json_under_20_kb(text):
    with WebhookSink() as sink:
        channel = webhook(sink.port)
        shown = article(title=text, quote=text, source=text)
        send(channel, channel.render(update(shown, rule_name=text), recipient=channel.recipients()[0], now=NOW))
        ((_, body),) = sink.received
    assert len(body) < 20_000
    data = json.loads(body.decode("utf-8"))["data"]
    assert len(data["articles"][0]["quote"]) <= 300
