"""One contract for every channel."""

import contextlib
import dataclasses
import logging
import os
from dataclasses import dataclass
from datetime import timedelta

import pytest
from receivers import CANARIES, email, failing, free_port, send, webhook
from samples import NOW, alert, article
from sinks import MailSink, WebhookSink

from worker.delivery.inbox import Inbox
from worker.delivery.stdout import Stdout


@dataclass
class Case:
    """A channel with its receiver: `got()` lists what arrived, `broken()` the same channel with no receiver."""

    channel: object
    got: object
    broken: object


@pytest.fixture(params=["email", "webhook", "inbox", "stdout"])
def case(request, tmp_path):
    with contextlib.ExitStack() as stack:
        if request.param == "email":
            sink = stack.enter_context(MailSink())
            yield Case(email(sink.port), lambda: [message.raw for message in sink.received], email(free_port()))
        elif request.param == "webhook":
            sink = stack.enter_context(WebhookSink())
            yield Case(webhook(sink.port), lambda: [body for _, body in sink.received], webhook(free_port()))
        elif request.param == "stdout":
            read, unread = os.pipe()
            os.close(read)
            stack.callback(os.close, unread)
            out = stack.enter_context((tmp_path / "out").open("w+b"))
            lines = lambda: (tmp_path / "out").read_bytes().splitlines(keepends=True)  # noqa: E731
            stdout = Stdout("stdout", "json", "Asia/Seoul", descriptor=out.fileno())
            yield Case(stdout, lines, dataclasses.replace(stdout, descriptor=unread))
        else:
            blocked = tmp_path / "a-file"
            blocked.write_text("no folder")
            inbox = Inbox("inbox", tmp_path, "desk", "Asia/Seoul")
            files = lambda: [path.read_bytes() for path in (tmp_path / "desk").glob("*.txt")]  # noqa: E731
            yield Case(inbox, files, dataclasses.replace(inbox, root=blocked))


def test_contract_an_alert_is_rendered_sent_and_acknowledged(case):
    recipients = case.channel.recipients()
    assert len(recipients) == 1
    message = case.channel.render(alert(), recipient=recipients[0], now=NOW)
    assert message.recipient == recipients[0]
    assert message.subject
    receipt = send(case.channel, message)
    assert receipt.isprintable()
    (arrived,) = case.got()
    assert b"Harbour Wire" in arrived


def test_contract_rendering_is_stable_and_every_attempt_sends_the_stored_bytes(case):
    recipient = case.channel.recipients()[0]
    message = case.channel.render(alert(article(title="북한 김정은 " * 20)), recipient=recipient, now=NOW)
    again = case.channel.render(alert(article(title="북한 김정은 " * 20)), recipient=recipient, now=NOW)
    assert message.message_id == again.message_id
    for n in range(2):
        send(case.channel, message, now=NOW + timedelta(hours=n))
    arrived = case.got()
    assert len(set(arrived)) == 1
    assert case.channel.kind == "inbox" or set(arrived) == {message.body}


def test_contract_an_operator_message_is_sent_too(case):
    message = case.channel.render_operator(
        "Feed stopped", ["The feed answered 410."], recipient=case.channel.recipients()[0], message_id="m1", now=NOW
    )
    send(case.channel, message)
    assert b"The feed answered 410." in case.got()[0]


def test_contract_a_failure_is_a_delivery_error_that_will_be_tried_again(case):
    error = failing(case.broken)
    assert error.permanent is False
    assert error.detail
    assert error.detail.isprintable()


def test_j06_contract_leaks_no_secret(case, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    error = failing(case.broken)
    message = case.channel.render(alert(), recipient=case.channel.recipients()[0], now=NOW)
    receipt = send(case.channel, message)
    shown = f"{case.channel!r} {case.broken} {error} {error!r} {error.detail} {error.args} {receipt} {message!r}"
    shown += caplog.text + "".join(capfd.readouterr())
    assert not [canary for canary in CANARIES if canary in shown]
