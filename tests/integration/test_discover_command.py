"""`wirewatch feeds discover` as it is run: a real page, a real origin, what is typed next."""

import json
import os
import pathlib
import subprocess
import sys
import types
from datetime import UTC, datetime, timedelta

import pytest
from origin import rss
from scripted import Origin, http, moved

from worker.config.schema import AllowSpec, Config, HostSpec, Network, Settings
from worker.discovery import MOST_ASKED, discover
from worker.feedcheck import check_feeds

WIREWATCH = pathlib.Path(sys.executable).with_name("wirewatch")
FEED = rss("Desk", [("g", "A headline", "Text")])


@pytest.fixture
def origin():
    server = Origin()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def config(origin):
    allow = AllowSpec.model_validate({"cidr": "127.0.0.0/8", "ports": [origin.server_address[1]], "for": ["feed"]})
    host = HostSpec(interval_floor="1s", spacing="0s", concurrent=50, ignore_hints=True)
    network = Network(allow=(allow,), hosts={"127.0.0.1": host})
    return Config(network=network, settings=Settings(contact="https://desk.example"))


def page(*links):
    return http(200, b"Content-Type: text/html", body=f"<html><head>{''.join(links)}</head></html>".encode())


def link(href, title="News"):
    return f'<link rel="alternate" type="application/rss+xml" href="{href}" title="{title}">'


def asked(origin):
    return [request.split(b" ")[1].decode() for request in origin.requests]


def test_discover_asks_each_feed_that_a_page_names_once(origin, config):
    origin.routes |= {"/": page(link("/a"), link("/gone"), link("/a")), "/a": http(200, body=FEED), "/gone": http(404)}
    found = discover(config, origin.url + "/")
    assert not found.check.answers and found.check.reason == "not_a_feed"
    assert [(one.url, one.title, check.answers) for one, check in found.found] == [
        (origin.url + "/a", "News", True),
        (origin.url + "/gone", "News", False),
    ]
    assert sorted(asked(origin)) == ["/", "/a", "/gone"]


def test_discover_of_a_feed_asks_nothing_else(origin, config):
    origin.routes["/a"] = http(200, body=FEED)
    found = discover(config, origin.url + "/a")
    assert found.check.answers and found.check.entries == 1 and not found.found
    assert asked(origin) == ["/a"]


def test_discover_reads_links_against_where_the_page_is(origin, config):
    origin.routes |= {"/old": moved(302, "/new/"), "/new/": page(link("feed")), "/new/feed": http(200, body=FEED)}
    ((one, check),) = discover(config, origin.url + "/old").found
    assert one.url == origin.url + "/new/feed" and check.answers


def test_discover_asks_no_more_than_so_many(origin, config):
    origin.routes |= {f"/{n}": http(404) for n in range(MOST_ASKED + 3)}
    origin.routes["/"] = page(*(link(f"/{n}") for n in range(MOST_ASKED + 3)))
    found = discover(config, origin.url + "/")
    assert len(found.found) == MOST_ASKED and len(found.unasked) == 3
    assert len(asked(origin)) == 1 + MOST_ASKED


def test_i01_discover_asks_nobody_whom_the_guard_refuses(origin, config):
    """A page is anybody's: the addresses that it names are no better than a feed's redirects."""
    origin.routes["/"] = page(link("http://169.254.169.254/rss"), link("http://10.0.0.1/rss"))
    found = discover(config, origin.url + "/")
    assert [check.reason for _, check in found.found] == ["refused_address", "refused_address"]
    assert asked(origin) == ["/"]


def test_f12_discover_does_not_ask_who_asked_us_to_wait(origin, config):
    origin.routes["/"] = page(link("/a"))
    later = datetime.now(UTC) + timedelta(hours=1)
    for waiting in ("/", "/a"):
        url = origin.url + waiting
        row = types.SimpleNamespace(configured_url=url, current_url=url, etag=None, last_modified=None)
        row.reason, row.next_poll_at = "rate_limited", later
        origin.requests.clear()
        found = discover(config, origin.url + "/", rows=[row])
        assert waiting not in asked(origin)
        assert (found.check if waiting == "/" else found.found[0][1]).reason == "rate_limited"


def test_feedcheck_names_the_feed_of_a_page_and_the_command(origin, config):
    origin.routes["/"] = page(link("/news.rss"))
    (one,) = check_feeds(config, [("a", origin.url + "/")])
    assert one.wrong.endswith(f"a web page, not a feed; it names this feed: {origin.url}/news.rss")
    assert "wirewatch feeds discover" in one.advice


# ---------------------------------------------------------------- the command


def wirewatch(tmp_path, origin, *argv):
    folder = tmp_path / "config"
    folder.mkdir(exist_ok=True)
    port = origin.server_address[1]
    (folder / "feeds.yaml").write_text("feeds: []\n")
    (folder / "settings.yaml").write_text("contact: https://desk.example\n")
    (folder / "network.yaml").write_text(
        f"allow:\n- {{cidr: 127.0.0.0/8, ports: [{port}], for: [feed]}}\n"
        "hosts:\n  127.0.0.1: {interval_floor: 1s, spacing: 0s}\n"
    )
    command = [WIREWATCH, "feeds", "discover", *argv, "--config", folder, "--data", tmp_path / "none"]
    done = subprocess.run(list(map(str, command)), env=dict(os.environ), capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_discover_command_says_what_to_type_next(tmp_path, origin):
    hostile = "\x1b[31mNews\u202e"
    origin.routes |= {"/": page(link("/a?x=1&amp;y=2", hostile), link("/b")), "/a?x=1&y=2": http(200, body=FEED)}
    origin.routes["/b"] = http(404)
    code, out, _ = wirewatch(tmp_path, origin, origin.url + "/")
    assert code == 0
    assert f"To take it up: wirewatch feeds add '{origin.url}/a?x=1&y=2'" in out
    assert "nothing is at its address (404)" in out and "add http" not in out
    assert all(letter.isprintable() or letter == "\n" for letter in out)


def test_discover_command_in_json(tmp_path, origin):
    origin.routes |= {"/": page(link("/a")), "/a": http(200, body=FEED)}
    code, out, _ = wirewatch(tmp_path, origin, origin.url + "/", "--json")
    first, second = map(json.loads, out.splitlines())
    assert (code, first["answers"], first["reason"]) == (0, False, "not_a_feed")
    assert (second["answers"], second["url"], second["title"], second["kind"]) == (
        True, origin.url + "/a", "News", "RSS",
    )  # fmt: skip
    assert second["named_by"] == origin.url + "/"


@pytest.mark.parametrize(
    ("route", "code", "says"),
    [
        (http(200, body=FEED), 0, "The address is a feed itself: RSS 2.0, entries: 1."),
        (page(), 1, "No feed is found there: what is at its address is no feed: a web page"),
        (http(503), 1, "its server has trouble of its own"),
        (page(link("/none")), 1, "None of them is a feed that answers now."),
    ],
)
def test_discover_command_of_what_is_found(tmp_path, origin, route, code, says):
    origin.routes |= {"/": route, "/none": http(404)}
    found = wirewatch(tmp_path, origin, origin.url + "/")
    assert found[0] == code and says in found[1]


def test_discover_command_wants_an_address(tmp_path, origin):
    code, _, err = wirewatch(tmp_path, origin, "news.example.com")
    assert code == 2 and "https://" in err
