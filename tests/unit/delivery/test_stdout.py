"""The standard output: whole lines, nothing hostile in them, and nobody held up by who reads no more."""

import asyncio
import json
import os
import time

import pytest
from samples import NOW, QUOTE, alert, article

from worker.delivery.stdout import RULER, Stdout
from worker.errors import DeliveryError, DeliveryReason
from worker.model import Message

HOSTILE = "\x1b[2J\x07\u202eeno\u2066 \u2028two\r\nthree\x00\x9b31m\ud800 four"


def rendered(form, content=None):
    return Stdout("out", form, "Asia/Seoul").render(content or alert(), recipient="standard output", now=NOW)


def test_stdout_text_is_the_mails_and_ends_with_a_ruler():
    *lines, ruler = rendered("text").body.decode().splitlines()
    assert (
        lines[0]
        == "[High] Kim Jong Un inspects a shipyard as Moscow asks for shells · Arms between North Korea and Russia"
    )
    assert "WHY YOU GET THIS" in lines and "Harbour Wire" in lines
    assert ruler == RULER


def test_stdout_json_is_one_line_that_holds_what_a_webhook_is_sent():
    body = rendered("json").body
    assert body.count(b"\n") == 1 and body.endswith(b"\n") and body.isascii()
    found = json.loads(body)
    assert (found["type"], found["data"]["alert"]["id"]) == ("alert.raised", "q7Xb2Zc9")


@pytest.mark.parametrize("form", ["text", "json"])
def test_h12_stdout_shows_what_is_hostile_and_obeys_nothing(form):
    body = rendered(form, alert(article(title=HOSTILE, quote=HOSTILE, source=HOSTILE), rule_name=HOSTILE)).body
    text = body.decode()
    assert all(line.isprintable() for line in text.split("\n")), text
    assert "three" in text and "four" in text
    if form == "json":
        assert text.count("\n") == 1


def test_stdout_an_operator_message_has_both_forms():
    for form in ("text", "json"):
        options = dict(recipient="standard output", message_id="m1", now=NOW)
        body = Stdout("out", form, "UTC").render_operator("Feed stopped", ["It answered\x1b 410."], **options).body
        assert b"It answered" in body and b"\x1b" not in body


def write(channel, body):
    return asyncio.run(channel.send(Message("m", body, "standard output"), now=NOW))


def test_stdout_writes_a_long_message_whole_to_a_slow_reader(tmp_path):
    read, unread = os.pipe()
    os.set_blocking(read, False)
    body, found = QUOTE.encode() * 2_000, b""

    async def both():
        nonlocal found
        sending = asyncio.create_task(
            Stdout("out", "text", "UTC", descriptor=unread).send(Message("m", body, "r"), now=NOW)
        )
        while len(found) < len(body):
            await asyncio.sleep(0.001)
            if not sending.done() or found:
                try:
                    found += os.read(read, 30_000)
                except BlockingIOError:
                    continue
        return await sending

    assert asyncio.run(both()) == "written"
    assert found == body
    os.close(read)
    os.close(unread)


def test_stdout_who_reads_no_more_costs_the_deadline_and_not_the_worker():
    read, unread = os.pipe()
    channel = Stdout("out", "text", "UTC", descriptor=unread, deadline=0.1)
    began = time.monotonic()
    with pytest.raises(DeliveryError) as raised:
        write(channel, b"x" * 200_000)
    assert time.monotonic() - began < 2
    assert (raised.value.reason, raised.value.permanent) == (DeliveryReason.TIMEOUT, False)
    os.read(read, 1_000_000)
    write(channel, b"whole\n")
    assert os.read(read, 100) == b"\nwhole\n", "after a line that broke off the next begins anew"
    write(channel, b"and\n")
    assert os.read(read, 100) == b"and\n"
    os.close(read)
    with pytest.raises(DeliveryError) as raised:
        write(channel, b"x")
    assert raised.value.reason is DeliveryReason.CONNECT and "Broken pipe" in raised.value.detail
    os.close(unread)
