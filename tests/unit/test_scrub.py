"""What may leave a desk in words: tables of what must go and what must stay, and the law that no known secret stays."""

import base64
import json
import string
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.scrub import Scrub, make_scrub, secrets_in_url

PLAIN = Scrub()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://feeds.example/t0ken/a.xml?key=abc now", "see https://feeds.example/… now"),
        ("https://bob:hunter2@feeds.example:8443/a", "https://feeds.example:8443/…"),
        ("redis://:hunter2@10.0.0.7:6379/0", "redis://10.0.0.7:6379/…"),
        ("redis+socket:///tmp/wirewatch-x/redis.sock", "redis+socket://…"),
        ("postgresql+psycopg://u:p@[::1]:5432/desk", "postgresql+psycopg://[::1]:5432/…"),
        ("https://u:p/w?#@host.example/", "https://…"),  # a password that is not escaped: where it ends is not known
        ("https://host.example/@editor/feed", "https://…"),  # may be a password as well
        ("postgres://user:pass word@host.example/desk", "postgres://user/… …@host.example/desk"),
        ("URL('https://host.example/t0ken')", "URL('https://host.example/…"),
        (r'{"url":"https:\/\/host.example\/t0ken"}', '{"url":"https://host.example/…'),
        ("next=https%3A%2F%2Fhost.example%2Ft0ken", "next=https://…"),
        ("next=https%253a%252f%252fhost.example%252Ft0ken", "next=https://…"),
        ("fetch /services/T1?token=abc failed", "fetch /services/T1?… failed"),
        ("told ana.kim+desk@desk.example twice", "told …@desk.example twice"),
        ("<ana@desk.example>", "<…@desk.example>"),
        ("host=db user=u password=hunter2 dbname=d", "host=db user=u password=*** dbname=d"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': '***"),
        ("Authorization: Bearer abc.def", "Authorization: ***"),
        ("the key whsec_dGhlIGtleQ== is short", "the key whsec_*** is short"),
    ],
)
def test_scrub_takes_out_what_may_be_a_secret_by_its_form(text, expected):
    assert PLAIN.text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "feed_polled feed_id=wire new=3",
        'File "worker/store/lease.py", line 70, in claim_rows',
        "UNIQUE constraint failed: article_key.feed_id, article_key.kind",
        "12:30:01.5 ratio 3/4, what? yes",
        "@app.task",
        "Пхеньян // 평양",
        "key=value",
    ],
)
def test_scrub_leaves_plain_words(text):
    assert PLAIN.text(text) == text


def test_scrub_hides_what_is_named_a_secret_whatever_its_value():
    hidden = PLAIN.value({"password": "a b c", "headers": {"Set-Cookie": ["x", "y"]}, "api_key": 7, "token": None})
    assert hidden == {"password": "***", "headers": {"Set-Cookie": "***"}, "api_key": "***", "token": None}


def test_scrub_reaches_every_kind_of_value():
    scrub = make_scrub(["canary77", "90210"])
    given = {
        "canary77": 1,
        "a": ["x canary77", ("canary77",), {"canary77"}],
        "b": b"canary77 \xff",
        "c": 90210,
        "d": 1.5,
    }
    given["e"] = ValueError("canary77")
    assert scrub.value(given) == {
        "***": 1,
        "a": ["x ***", ["***"], ["***"]],
        "b": "*** \\xff",
        "c": "***",
        "d": 1.5,
        "e": "ValueError('***')",
    }


def test_scrub_leaves_alone_what_is_too_short_to_be_a_secret():
    assert make_scrub(["", "a", "abc"]).text("abc abcd") == "abc abcd"


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("postgresql://u:p%40ss@db.example/desk", False, {"p%40ss", "p@ss"}),
        ("postgresql://db.example/desk?user=u&password=p%40ss&sslmode=require", False, {"p@ss"}),
        ("https://0123456789abcdef0123@o1.sentry.example/7", False, {"0123456789abcdef0123"}),
        ("https://hooks.example/services/T0001/abcdefghijkl", True, {"/services/T0001/abcdefghijkl", "abcdefghijkl"}),
        ("https://hooks.example/h?v=1&key=abcde", True, {"/h?v=1&key=abcde", "abcde"}),
        ("https://hooks.example/hook", True, set()),
        ("http://[broken", True, set()),
    ],
)
def test_scrub_knows_the_secrets_in_an_address(url, path, expected):
    assert set(secrets_in_url(url, path=path)) - {""} == expected | {url}


# ---- the laws

LETTERS = string.ascii_letters + string.digits + "!#$%&()*+,-./:;<=>?@[]^_`{|}~ \"'\\é한я"
SECRETS = st.text(LETTERS, min_size=8, max_size=30).map(lambda text: f"Qx{text}zK")
WRITINGS = (
    str,
    lambda secret: quote(secret),
    lambda secret: quote(secret, safe=""),
    lambda secret: quote_plus(secret),
    lambda secret: quote(quote(secret, safe=""), safe=""),
    lambda secret: json.dumps(secret)[1:-1],
    lambda secret: repr(secret)[1:-1],
    lambda secret: repr(secret.encode())[2:-1],
    lambda secret: base64.b64encode(secret.encode()).decode(),
)
AROUND = st.text(max_size=20)


def places(written):
    """Anything that an event may hold, with `written` inside somewhere, or many times, or not at all."""
    texts = st.builds("{}{}{}".format, AROUND, st.sampled_from([written, ""]), AROUND)
    leaves = texts | st.none() | st.booleans() | st.integers() | texts.map(str.encode)
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3) | st.tuples(inner, texts),
        max_leaves=12,
    )


def words_of(value):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from words_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from words_of(inner)
    else:
        yield str(value)


@given(st.data(), SECRETS, st.sampled_from(WRITINGS))
def test_scrub_leaves_no_known_secret_anywhere_however_it_is_written(data, secret, write):
    event = data.draw(places(write(secret)))
    for words in words_of(make_scrub([secret]).value(event)):
        assert secret not in words
        assert write(secret) not in words


@given(SECRETS, st.binary(max_size=8), st.binary(max_size=8))
def test_scrub_leaves_no_known_secret_inside_longer_base64(secret, before, after):
    raw = secret.encode()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        left = make_scrub([secret]).text(encode(before + raw + after).decode())
        # What is left beside the stars are the neighbours and at most one letter of the secret at each of its ends.
        assert "***" in left
        assert len(left) - len("***") <= (len(before) + len(after)) * 4 / 3 + 8


UNKNOWN = st.text(LETTERS.replace(" ", ""), min_size=8, max_size=30).map(lambda text: f"Qx{text}zK")


@given(
    UNKNOWN,
    st.sampled_from(
        ["https://u:{}@h.example/", "redis://:{}@h:1/0", "http://h.example/{}", "http://h.example:80/a?k={}"]
    ),
    AROUND,
)
def test_scrub_leaves_nothing_of_an_address_but_its_host(secret, address, before):
    left = PLAIN.text(f"{before} {address.format(secret)} and so on")
    assert secret not in left
    assert left.endswith("and so on")


@given(st.text())
def test_scrub_takes_any_text(text):
    assert isinstance(PLAIN.text(text), str)
