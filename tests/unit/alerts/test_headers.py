"""Headers that are ours alone: written from hostile texts, read back strictly, whatever a library does."""

import base64
import email
import email.policy
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import HOSTILE

from worker.alerts.headers import check_mail, encoded_text, header_block, id_part, read_fields

law = settings(deadline=None, max_examples=60)
FIELDS = [("Subject", "Shells"), ("From", "Wirewatch <desk@w.example>"), ("To", "ana@desk.example")]
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
GOOD = b"Subject: Shells\r\nFrom: Wirewatch <desk@w.example>\r\nTo: ana@desk.example\r\n" + MIME + b"\r\nbody\r\n"


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("plain", "plain"),
        ("", ""),
        ("é", "=?utf-8?b?w6k=?="),
        # The space between words must be inside an encoded word: one between two of them is dropped (RFC 2047 §6.2).
        ("북한 남북", "=?utf-8?b?67aB7ZWcIOuCqOu2gQ==?="),
    ],
)
def test_encoded_text_keeps_spaces(text, raw):
    assert encoded_text(text) == raw


@law
@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp", "Cf", "Zs")), max_size=150))
def test_encoded_text_reads_back_and_keeps_line_lengths(text):
    lines = "Subject: " + encoded_text(text)
    assert text.isascii() or max(len(line) for line in lines.split("\r\n")) <= 76  # RFC 2047 §2
    words = re.findall(r"=\?utf-8\?b\?([A-Za-z0-9+/=]+)\?=", lines)
    assert text.isascii() or b"".join(map(base64.b64decode, words)).decode() == text
    parsed = email.message_from_bytes(lines.encode() + b"\r\n\r\n", policy=email.policy.default)
    assert str(parsed["Subject"]) == text or text.isascii()


def test_check_mail_takes_what_is_ours():
    assert header_block(FIELDS) + MIME == GOOD.partition(b"\r\n\r\n")[0] + b"\r\n"
    check_mail(GOOD, FIELDS, recipient="ana@desk.example")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Shells", b"Shells\r\nBcc: evil@x.example"),
        (b"Shells", b"Shells\nBcc: evil@x.example"),  # what CVE-2024-6923 wrote
        (b"Shells", b"Shells\rBcc: evil@x.example"),  # CVE-2026-1299
        (b"Shells", b"Shells\r\n\r\nbody"),  # the headers end early
        (b"Shells", b"Shells\x00"),
        (b"Shells", "Shells\u2028".encode()),
        (b"Shells", b"Shells\r\n \r\n"),  # a line of spaces alone: some readers end the headers there
        (b"Shells", b"Shells\r\n Moscow"),  # another subject than ours
        (b"Shells\r\n", b"Shells\r\nShells\r\n"),  # a line that is no field
        (b"ana@desk.example", b"ana@desk.example, evil@x.example"),
        (b"To: ana@desk.example\r\n", b"To: ana@desk.example\r\nTo: evil@x.example\r\n"),
        (b"To: ana@desk.example\r\n", b""),
        (b"MIME-Version: 1.0\r\n", b"MIME-Version: 1.0\r\nX-Other: 1\r\n"),
        (b"body\r\n", b"body\r\n.\nMAIL FROM:<evil@x.example>\r\n"),  # SMTP smuggling: a dot between bare line feeds
        (b"body", b"body" * 300),  # RFC 5322: no line over 998
        (b"body", "북한".encode()),
        (b"\r\n\r\nbody", b""),
    ],
)
def test_h06_check_mail_refuses_all_else(old, new):
    assert GOOD.count(old) == 1
    with pytest.raises(ValueError, match=r"header|recipient|lines"):
        check_mail(GOOD.replace(old, new), FIELDS, recipient="ana@desk.example")


@pytest.mark.parametrize(
    "to", ["ana@desk.example,evil@x.example", "a@b.example>", "<a@b.example>", "a b@c.example", ""]
)
def test_h06_check_mail_refuses_a_recipient_that_is_no_address(to):
    fields = [*FIELDS[:2], ("To", to)]
    with pytest.raises(ValueError, match=r"header|recipient"):
        check_mail(GOOD.replace(b"ana@desk.example", to.encode()), fields, recipient=to)


@pytest.mark.parametrize(
    "value", ["a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\0b", "a\u2028b", "é", "", " a", "a\r\n \r\n"]
)
def test_h07_header_block_refuses_what_would_be_more_than_one_value(value):
    with pytest.raises(ValueError, match=r"header|ascii"):
        header_block([("List-Id", value), ("To", "ana@desk.example")])


@law
@given(st.lists(st.tuples(st.from_regex(r"[A-Z][a-z]{1,8}(-Id)?", fullmatch=True), st.text(max_size=40)), max_size=5))
def test_h06_header_block_law_reads_back_or_refuses(fields):
    try:
        block = header_block(fields)
    except ValueError:
        return
    assert [name for name, _ in read_fields(block)] == [name for name, _ in fields]
    parsed = email.message_from_bytes(block + b"\r\n", policy=email.policy.compat32)
    assert parsed.keys() == [name for name, _ in fields]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("dprk-russia-arms", "dprk-russia-arms"),
        ("469f4dde5c8b", "469f4dde5c8b"),
        ("a@b>\r\nBcc: x", "a-b-Bcc-x"),
        ("북한", "none"),
        ("", "none"),
        ("x" * 500, "x" * 80),
    ],
)
def test_h07_id_part_is_one_word(text, part):
    assert id_part(text) == part


def test_h07_id_part_of_hostile_text_is_one_word():
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", id_part(HOSTILE))
