"""What SMTP servers do to us."""

import asyncio
import dataclasses
import time

import pytest
from receivers import CANARIES, ONE, OTHER, PASSWORD, Server, drip, email, failing, free_port, reset, send, smtp
from samples import NOW, alert, article
from sinks import MailSink

from worker.cli.channels import send_test
from worker.delivery.smtp import Relay
from worker.errors import DeliveryError, DeliveryReason


@pytest.mark.parametrize(
    ("replies", "reason", "permanent", "whole"),
    [
        ({"RCPT": "550 no such user"}, DeliveryReason.REJECTED, True, False),
        ({"RCPT": "553 bad name"}, DeliveryReason.REJECTED, True, False),
        ({"RCPT": "554 policy"}, DeliveryReason.REJECTED, True, False),
        ({"DATA": "554 no"}, DeliveryReason.REJECTED, True, False),
        ({"body": "554 looks like spam"}, DeliveryReason.REJECTED, True, False),
        ({"RCPT": "450 greylisted"}, DeliveryReason.TEMPORARY, False, False),
        ({"RCPT": "451 later"}, DeliveryReason.TEMPORARY, False, False),
        ({"DATA": "421 closing"}, DeliveryReason.TEMPORARY, False, True),
        ({"body": "452 disk full"}, DeliveryReason.TEMPORARY, False, False),
        ({"MAIL": "451 later"}, DeliveryReason.TEMPORARY, False, True),
        ({"greeting": "421 too busy"}, DeliveryReason.TEMPORARY, False, True),
        # A 5xx that is not about this recipient or mail says nothing against trying again once it is mended.
        ({"greeting": "554 blocked"}, DeliveryReason.REJECTED, False, True),
        ({"EHLO": "550 who", "HELO": "550 who"}, DeliveryReason.REJECTED, False, True),
        ({"MAIL": "550 sender unknown here"}, DeliveryReason.REJECTED, False, True),
    ],
)
def test_d02_smtp_reply_decides(replies, reason, permanent, whole):
    """`whole`: of every mail, not of this one."""
    with smtp(**replies) as server:
        error = failing(email(server.port))
    assert (error.reason, error.permanent, error.whole, error.unknown) == (reason, permanent, whole, False)
    assert next(iter(replies.values())) in error.detail  # the server's own words


def test_d02_smtp_reply_in_strange_bytes_is_shown_as_text():
    with smtp(RCPT="550-no\r\n550 caf\udce9 \x1b[31m\u2028x") as server:
        error = failing(email(server.port))
    error.detail.encode()
    assert error.detail.isprintable()
    with smtp(body="250 taken \udce9\udcff") as server:
        receipt = send(email(server.port), email(0).render(alert(), recipient=ONE, now=NOW))
    receipt.encode()
    assert receipt == "taken"


def test_d03_one_refused_recipient_leaves_the_others_theirs():
    with MailSink() as sink:

        async def handle_RCPT(server, session, envelope, address, options):
            if address == ONE:
                return "550 no such user"
            envelope.rcpt_tos.append(address)
            return "250 OK"

        sink.handle_RCPT = handle_RCPT
        channel = email(sink.port, to=(ONE, OTHER))
        messages = [channel.render(alert(), recipient=to, now=NOW) for to in channel.recipients()]
        assert failing(channel, messages[0]).permanent
        send(channel, messages[1])
    assert [message["To"] for message in sink.received] == [OTHER]
    assert messages[0].message_id != messages[1].message_id


def test_d04_reset_after_data_keeps_the_message_id():
    with smtp(body=reset) as server:
        channel = email(server.port)
        message = channel.render(alert(), recipient=ONE, now=NOW)
        error = failing(channel, message)
        assert (error.reason, error.permanent, error.unknown) == (DeliveryReason.CONNECT, False, True)
        first = next(body for body in server.heard if body.startswith(b"Subject:"))
    with smtp() as server:
        send(email(server.port), message)
        assert first in server.heard
    assert f"\nMessage-ID: {message.message_id}\r\n".encode() in first


@pytest.mark.parametrize("farewell", [reset, drip, "500 what?", lambda _: None], ids=["reset", "drip", "500", "none"])
def test_d04_trouble_after_the_250_is_no_failure(farewell, monkeypatch):
    monkeypatch.setattr("worker.delivery.smtp.FAREWELL", 0.2)
    with smtp(QUIT=farewell) as server:
        channel = email(server.port)
        assert send(channel, channel.render(alert(), recipient=ONE, now=NOW)) == "taken"


@pytest.mark.parametrize("stage", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "body"])
@pytest.mark.parametrize("slow", [lambda _: time.sleep(8), drip], ids=["silent", "dripping"])
def test_d05_tarpit_ends_at_the_deadline(stage, slow):
    with smtp(**{stage: slow}) as server:
        began = time.monotonic()
        error = failing(email(server.port, deadline=0.3))
        assert time.monotonic() - began < 4
    assert (error.reason, error.permanent) == (DeliveryReason.TIMEOUT, False)
    assert error.unknown == (stage in ("DATA", "body")), "from then on it may have it"
    assert "0.3 s" in error.detail


def test_d05_tarpit_that_answers_each_line_in_time_ends_at_the_deadline_too():
    def slowly(connection):
        time.sleep(0.2)
        connection.sendall(b"250 fine\r\n")

    with smtp(EHLO=slowly, MAIL=slowly, RCPT=slowly) as server:
        error = failing(email(server.port, deadline=0.3))
        assert not [line for line in server.heard if line.startswith(b"DATA")]
    assert error.reason is DeliveryReason.TIMEOUT


@pytest.mark.parametrize("username", ["", "desk"])
def test_d06_starttls_stripped_sends_nothing(username):
    with smtp() as server:  # offers no STARTTLS
        error = failing(email(server.port, security="starttls", username=username))
        assert [line.split()[0] for line in server.heard] in ([b"EHLO"], [b"EHLO", b"QUIT"])
    assert (error.reason, error.permanent) == (DeliveryReason.TLS, False)
    assert "STARTTLS" in error.detail


@pytest.mark.parametrize("reply", ["454 not now", "502 what is that"])
def test_d06_starttls_refused_sends_nothing(reply):
    with smtp(features=("STARTTLS", "AUTH PLAIN"), STARTTLS=reply) as server:
        error = failing(email(server.port, security="starttls", username="desk"))
        assert not [line for line in server.heard if line.split()[0] in (b"AUTH", b"MAIL")]
    assert not error.permanent


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_d06_certificate_that_is_not_trusted_sends_nothing(security, certificate):
    def talk(server, connection):
        with certificate[1].wrap_socket(connection, server_side=True) as secure:
            server.heard.append(secure.recv(100))

    with smtp(tls=certificate[1], features=("STARTTLS",)) if security == "starttls" else Server(talk) as server:
        error = failing(email(server.port, security=security, username="desk"))
        assert not [line for line in server.heard if line.startswith((b"AUTH", b"MAIL"))]
    assert (error.reason, error.permanent) == (DeliveryReason.TLS, False)


def test_d06_starttls_then_login_then_mail(trusted):
    with smtp(tls=trusted, features=("STARTTLS", "AUTH PLAIN")) as server:
        channel = email(server.port, security="starttls", username="desk")
        send(channel, channel.render(alert(), recipient=ONE, now=NOW))
        verbs = [line.split()[0] for line in server.heard]
    assert verbs[:6] == [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH", b"MAIL", b"RCPT"]


def test_d06_a_relay_without_tls_gets_no_password():
    with smtp(features=("AUTH PLAIN LOGIN",)) as server:
        channel = email(server.port, username="desk")
        send(channel, channel.render(alert(), recipient=ONE, now=NOW))
        assert not [line for line in server.heard if line.startswith(b"AUTH")]


@pytest.mark.parametrize(("code", "reason"), [(535, DeliveryReason.AUTH), (454, DeliveryReason.TEMPORARY)])
def test_d09_refused_login_is_said_without_the_password(trusted, code, reason):
    def echo(connection):
        connection.sendall(f"{code} no: {PASSWORD} {CANARIES[1]}\r\n".encode())  # a server that echoes what it was sent

    with smtp(tls=trusted, features=("STARTTLS", "AUTH PLAIN"), AUTH=echo) as server:
        error = failing(email(server.port, security="starttls", username="desk"))
        assert not [line for line in server.heard if line.startswith(b"MAIL")]
    assert (error.reason, error.permanent, error.whole) == (reason, False, True)
    assert not [canary for canary in CANARIES if canary in f"{error} {error!r}"]


def test_d09_of_many_mails_at_once_one_tries_a_password_that_is_refused(trusted):
    async def send_three(channel):
        message = channel.render(alert(), recipient=ONE, now=NOW)
        async with channel.open() as line:
            return await asyncio.gather(*(line.send(message, now=NOW) for _ in range(3)), return_exceptions=True)

    with smtp(tls=trusted, features=("STARTTLS", "AUTH CRAM-MD5 LOGIN PLAIN"), AUTH="535 no") as server:
        channel = email(server.port, to=(ONE, OTHER), security="starttls", username="desk")
        ends = asyncio.run(send_three(channel))
        assert len([line for line in server.heard if line.startswith(b"AUTH")]) == 1, "and in one way"
        tested = asyncio.run(send_test(channel))
        assert len([line for line in server.heard if line.startswith(b"AUTH")]) == 2
    assert sorted(type(end).__name__ for end in ends) == ["DeliveryError", "NotTried", "NotTried"]
    assert [one["taken"] for one in tested] == [False, False]
    assert tested[1]["said"].startswith("Not tried")


def test_d09_a_way_to_log_in_that_is_offered_and_not_known_is_passed_over(trusted):
    def answer(connection):
        ways.append(b"504 what is that" if not ways else b"334 UGFzc3dvcmQ6")
        connection.sendall(ways[-1] + b"\r\n")
        if len(ways) == 2:
            connection.recv(1_000)
            connection.sendall(b"235 welcome\r\n")

    ways = []
    with smtp(tls=trusted, features=("STARTTLS", "AUTH PLAIN LOGIN"), AUTH=answer) as server:
        channel = email(server.port, security="starttls", username="desk")
        send(channel, channel.render(alert(), recipient=ONE, now=NOW))
    assert len(ways) == 2


def test_d01_no_server_and_no_such_host_are_tried_again():
    for channel in (email(free_port()), dataclasses.replace(email(25), relay=Relay("no.invalid", 25, "none"))):
        error = failing(channel)
        assert (error.reason, error.permanent) == (DeliveryReason.CONNECT, False)


def test_email_to_a_name_beyond_ascii():
    with smtp() as server:
        channel = email(server.port, to=("ana@büro.example",))
        message = channel.render(alert(), recipient="ana@büro.example", now=NOW)
        send(channel, message)
        assert [line for line in server.heard if line.startswith(b"RCPT")] == [b"RCPT TO:<ana@xn--bro-hoa.example>"]
        assert failing(channel, dataclasses.replace(message, recipient="änne@desk.example")).permanent


def test_email_body_with_lines_of_dots_arrives_unchanged():
    with MailSink() as sink:
        channel = email(sink.port)
        message = channel.render(alert(article(quote=".\n..\n.hidden\n" + "x" * 200)), recipient=ONE, now=NOW)
        send(channel, message)
        assert sink.received[0].raw == message.body


# ---------------------------------------------------------------- many mails over one connection


def mails(channel, count):
    return [channel.render(alert(alert_id=f"a{n}"), recipient=ONE, now=NOW) for n in range(count)]


def verbs(server):
    return [line.split()[0] for line in server.heard if line.split()[:1] and line.split()[0].isupper()]


def test_mails_share_a_connection_and_a_login(trusted):
    with smtp(tls=trusted, features=("STARTTLS", "AUTH PLAIN")) as server:
        channel = email(server.port, security="starttls", username="desk")
        send(channel, *mails(channel, 3))
        assert server.dialled == 1
        assert [verbs(server).count(verb) for verb in (b"AUTH", b"MAIL", b"QUIT")] == [1, 3, 1]


def test_mails_sent_at_a_time_use_no_more_connections_than_that():
    with MailSink() as sink:
        channel = email(sink.port)

        async def two_at_a_time():
            left = mails(channel, 8)

            async def lane(line):
                while left:
                    await line.send(left.pop(), now=NOW)

            async with channel.open() as line:
                await asyncio.gather(lane(line), lane(line))
                return len(line.idle)

        assert asyncio.run(two_at_a_time()) <= 2
        assert len(sink.received) == 8


@pytest.mark.parametrize("refusal", [{"RCPT": "550 no such user"}, {"body": "554 looks like spam"}])
def test_a_mail_that_is_refused_costs_the_next_ones_nothing(refusal):
    (stage, reply), said = *refusal.items(), []

    def refuse_first(connection):
        said.append(reply if not said else "250 fine")
        connection.sendall(said[-1].encode() + b"\r\n")

    with smtp(**{stage: refuse_first}) as server:
        taken = "taken" if stage == "RCPT" else "fine"
        assert outcomes(email(server.port), 3) == ["rejected", taken, taken]
        assert server.dialled == 1
        assert b"RSET" in verbs(server)


@pytest.mark.parametrize("stage", ["MAIL", "body"])
@pytest.mark.parametrize("end", [reset, b"421 enough of you\r\n"], ids=["reset", "421"])
def test_d04_a_server_that_hangs_up_between_mails_is_dialled_anew(stage, end):
    """Before the body that is no word about the mail; after it, nobody knows."""
    said = []

    def second_time(connection):
        said.append(stage)
        if len(said) == 2:
            return end(connection) if callable(end) else connection.sendall(end)
        return connection.sendall(b"250 taken\r\n")

    with smtp(**{stage: second_time}) as server:
        broken = {"MAIL": "taken", "body": "connect" if end is reset else "temporary"}[stage]
        assert outcomes(email(server.port), 3) == ["taken", broken, "taken"]
        assert server.dialled == 2


def outcomes(channel, count):
    """Of so many mails over one line: the receipt, or the reason of each."""

    async def each():
        found = []
        async with channel.open() as line:
            for message in mails(channel, count):
                try:
                    found.append(await line.send(message, now=NOW))
                except DeliveryError as error:
                    found.append(str(error.reason))
        return found

    return asyncio.run(each())
