"""What a feed's server is asked, poll after poll, by what it answered before: validators, moves, failures (F, I05)."""

import gzip

import pytest
import yaml
from desk import BASELINE, Desk
from origin import rss
from scripted import Origin, http, moved
from steps import poll_now

from worker.store.schema import article, feed

ONE, TWO = rss("A", BASELINE), rss("A", [*BASELINE, ("g2", "Another", "Text")])
HTML = b"<html><body>Please sign in</body></html>"


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def desk(tmp_path, database_url, origin):
    """One whose only feed is `/` of a server that answers byte for byte as it is told."""
    with Desk(tmp_path, database_url=database_url, feeds=("a",)) as made:
        feeds, network = (made.config / f"{name}.yaml" for name in ("feeds", "network"))
        body = yaml.safe_load(feeds.read_text())
        body["feeds"][0]["url"] = origin.url + "/"
        feeds.write_text(yaml.safe_dump(body))
        body = yaml.safe_load(network.read_text())
        body["allow"][0].pop("ports")
        network.write_text(yaml.safe_dump(body))
        yield made


@pytest.fixture
def poll(desk, origin):
    """Polls once with these routes; gives what was asked: each path with its validators."""
    runtime = desk.runtime()

    def poll(answer=None, **routes):
        origin.requests.clear()
        origin.routes = {"/": answer} | {f"/{name}": route for name, route in routes.items()}
        poll_now(desk, runtime)
        return [asked(origin, n) for n in range(len(origin.requests))]

    yield poll
    runtime.store.close()


def asked(origin, n):
    headers = origin.headers(n)
    path = origin.requests[n].split(b" ")[1].decode()
    names = "if-none-match", "if-modified-since"
    return (path, *(headers[name].decode() if name in headers else None for name in names))


def row(desk):
    return desk.rows(feed)[0]


def state(desk):
    """What a failure must leave as it is."""
    one = row(desk)
    kept = one.current_url, one.etag, one.last_modified, one.body_hash
    return (*kept, [(one.id, one.title, one.revision) for one in desk.rows(article)])


def answer(body, *, etag=None, modified=None, status=200, lines=()):
    given = [f"ETag: {etag}".encode()] if etag else []
    given += [f"Last-Modified: {modified}".encode()] if modified else []
    return http(status, *given, *lines, body=body)


@pytest.mark.parametrize(
    ("second", "validators", "articles"),
    [
        (answer(TWO, etag='"2"', modified="Mon"), ('"2"', "Mon"), 2),  # F03: an old date, a new tag
        (answer(ONE, etag='"2"', modified="Tue"), ('"2"', "Tue"), 1),  # F04: an old body, new validators
        (answer(TWO), (None, None), 2),  # F05: none any more
        (answer(ONE), (None, None), 1),
        (answer(TWO, modified="Tue"), (None, "Tue"), 2),
        (http(304, b'ETag: "2"', length=False), ('"2"', "Mon"), 1),  # F06: unchanged, by another name
        (http(304, length=False), ('"1"', "Mon"), 1),
        (answer(HTML, etag='"2"', modified="Tue"), ('"1"', "Mon"), 1),  # F07: what cannot be read
        (answer(b"", etag='"2"'), ('"1"', "Mon"), 1),
        (answer(TWO, etag='"2"', status=500), ('"1"', "Mon"), 1),
        (answer(TWO, etag='"2"')[:-30], ('"1"', "Mon"), 1),  # F23: less than was announced
        (
            http(200, b'ETag: "2"', b"Transfer-Encoding: chunked", length=False, body=b"5\r\n<?xml\r\nzz\r\n"),
            ('"1"', "Mon"),
            1,
        ),
        (
            answer(gzip.compress(TWO)[:-8] + b"\0" * 8, etag='"2"', lines=[b"Content-Encoding: gzip"]),
            ('"1"', "Mon"),
            1,
        ),
        (answer(TWO, etag='"2"', status=226, lines=[b"IM: feed"]), ('"2"', None), 2),  # F21
    ],
    ids="new-tag same-body none none-same-body date-only f06-tag f06-none f07-html f07-empty f07-error "
    "f23-short f23-chunk f23-gzip f21-partial".split(),
)
def test_f02_f07_f21_f23_the_next_request_has_what_the_last_good_answer_gave(desk, poll, second, validators, articles):
    assert poll(answer(ONE, etag='"1"', modified="Mon")) == [("/", None, None)]
    assert poll(second) == [("/", '"1"', "Mon")]
    assert len(desk.rows(article)) == articles
    assert poll(answer(TWO)) == [("/", *validators)]
    assert len(desk.rows(article)) == 2, "what failed is asked for again"


def test_f02_validators_return_byte_for_byte(poll):
    etag, modified = 'W/"a,b"', "thu,  9 Nov 2023 25:00 KST"
    poll(answer(ONE, etag=etag, modified=modified))
    assert poll(answer(ONE)) == [("/", etag, modified)]


def test_f21_what_a_partial_feed_leaves_out_is_not_removed(desk, poll):
    poll(answer(TWO, etag='"1"'))
    partial = rss("A", [("g3", "A third", "Text")])
    poll(answer(partial, etag='"2"', status=226, lines=[b"IM: feed"]))
    assert sorted(one.title for one in desk.rows(article)) == sorted([BASELINE[0][1], "Another", "A third"])
    assert {one.revision for one in desk.rows(article)} == {1}
    assert row(desk).reason in (None, "possible_gap")


@pytest.mark.parametrize("status", [301, 308])
def test_f08_f14_a_permanent_move_is_followed_from_then_on(desk, poll, origin, status):
    poll(answer(ONE, etag='"1"', modified="Mon"))
    assert poll(moved(status, "/new"), new=answer(TWO, etag='"n"')) == [("/", '"1"', "Mon"), ("/new", None, None)]
    assert (row(desk).current_url, row(desk).configured_url) == (origin.url + "/new", origin.url + "/")
    assert len(desk.rows(article)) == 2, "its articles are what they were"
    assert poll(new=answer(TWO, etag='"n"')) == [("/new", '"n"', None)]


@pytest.mark.parametrize("status", [302, 303, 307])
def test_f08_f14_a_detour_is_taken_once(desk, poll, origin, status):
    poll(answer(ONE, etag='"1"', modified="Mon"))
    detour = dict(new=answer(TWO, etag='"n"'))
    assert poll(moved(status, "/new"), **detour) == [("/", '"1"', "Mon"), ("/new", None, None)]
    assert row(desk).current_url == origin.url + "/"
    assert len(desk.rows(article)) == 2
    assert poll(moved(status, "/new"), **detour)[0] == ("/", None, None), "the detour's tag is no tag of ours"


def test_f14_a_move_to_what_is_no_feed_is_none(desk, poll):
    poll(answer(ONE, etag='"1"'))
    before = state(desk)
    poll(moved(301, "/new"), new=answer(HTML, etag='"n"'))
    poll(moved(301, "/new"), new=http(404))
    assert state(desk) == before
    assert poll(answer(ONE)) == [("/", '"1"', None)]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([moved(301, "/1"), moved(301, "/")], "redirect"),  # a circle
        ([moved(301, f"/{n}") for n in range(1, 8)], "redirect"),  # on and on
        ([moved(301, "http://10.0.0.1/")], "refused_address"),
        ([moved(301, f"/{n}") for n in range(1, 4)] + [moved(308, "http://169.254.169.254/")], "refused_address"),
        ([moved(301, "file:///etc/passwd")], "refused_url"),
        ([moved(301, "gopher://paper.example/")], "refused_url"),
        ([moved(301, "ftp://paper.example/feed")], "refused_url"),
    ],
    ids="circle endless private private-at-hop-4 file gopher ftp".split(),
)
def test_f15_i05_a_redirect_that_is_refused_leaves_nothing(desk, poll, answers, reason):
    poll(answer(ONE, etag='"1"'))
    before = state(desk)
    first, *others = answers
    poll(first, **{str(n): one for n, one in enumerate(others, start=1)})
    assert state(desk) == before
    assert (row(desk).reason, row(desk).failures) == (reason, 1)
    assert poll(answer(ONE)) == [("/", '"1"', None)]
    assert (row(desk).reason, row(desk).failures) == (None, 0)


def test_f25_a_feed_recovers_by_itself(desk, poll):
    poll(answer(ONE, etag='"1"'))
    for status, reason in [(503, "server"), (404, "not_found"), (403, "forbidden")]:
        poll(http(status))
        assert row(desk).reason == reason
    poll(lambda connection: connection.close())
    assert (row(desk).reason, row(desk).failures) == ("reset", 4)
    assert poll(answer(TWO)) == [("/", '"1"', None)]
    assert (row(desk).reason, row(desk).failures) == (None, 0)


# ---------------------------------------------------------------- access


def test_a_feeds_password_is_for_its_own_server_also_after_a_move(desk, origin, monkeypatch):
    other = Origin()
    path = desk.config / "feeds.yaml"
    body = yaml.safe_load(path.read_text())
    body["feeds"][0] |= {"username": "desk", "password": "${WORD}", "headers": {"X-Key": "${WORD}"}}
    path.write_text(yaml.safe_dump(body))
    monkeypatch.setenv("WORD", "canary")
    runtime = desk.runtime()
    try:
        origin.routes = {"/": moved(301, "/new"), "/new": answer(ONE)}
        poll_now(desk, runtime)
        poll_now(desk, runtime)  # at its new address, of the same server
        assert [origin.headers(n)["x-key"] for n in range(3)] == [b"canary"] * 3
        assert all("authorization" in origin.headers(n) for n in range(3))
        origin.routes["/new"] = moved(301, other.url + "/")
        other.routes["/"] = answer(TWO)
        poll_now(desk, runtime)
        poll_now(desk, runtime)  # at its new address, of another one
        assert (row(desk).current_url, len(other.requests)) == (other.url + "/", 2)
        assert not [n for n in range(2) if {"authorization", "x-key"} & set(other.headers(n))]
        said = f"{runtime.config} {desk.rows(feed)}"
        assert "canary" not in said
    finally:
        runtime.store.close()
        other.shutdown()
        other.server_close()
