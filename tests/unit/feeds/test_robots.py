"""robots.txt by RFC 9309: what an answer means, and what its rules say."""

from datetime import timedelta

import pytest

from worker.feeds.robots import ALLOW, DISALLOW, MAX_BYTES, RULES, Robots, good_for, origin_of, read_answer, rule

URL = "https://paper.example/news/1?x=1"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, RULES),
        (204, RULES),  # empty rules keep nobody out
        (404, ALLOW),
        (401, ALLOW),  # §2.3.1.3: any 4xx
        (429, DISALLOW),  # who is asked to wait waits
        (500, DISALLOW),
        (503, DISALLOW),
        (301, DISALLOW),  # led nowhere
        (None, DISALLOW),  # no answer at all
    ],
)
def test_robots_answer_means(status, verdict):
    assert read_answer(status, b"User-agent: *\n").verdict == verdict


def test_robots_are_read_to_their_limit_and_a_failure_is_kept_for_less():
    found = read_answer(200, b"\xef\xbb\xbfUser-agent: *\n" + b"#" * 2 * MAX_BYTES)
    assert len(found.body) < MAX_BYTES and found.body.startswith("User-agent")
    assert good_for(found) == timedelta(days=1) and good_for(read_answer(503)) == timedelta(hours=1)


@pytest.mark.parametrize(
    ("lines", "allowed", "delay"),
    [
        ("", True, 0),
        ("User-agent: *\nDisallow:", True, 0),
        ("User-agent: *\nDisallow: /", False, 0),
        ("User-agent: Wirewatch\nDisallow: /news\n\nUser-agent: *\nAllow: /", False, 0),
        ("User-agent: wirewatch\nAllow: /\n\nUser-agent: *\nDisallow: /", True, 0),  # any case
        ("User-agent: OtherBot\nDisallow: /", True, 0),
        ("User-agent: *\nDisallow: /news\nAllow: /news/1", True, 0),  # the longest decides
        ("User-agent: *\nDisallow: /*?x=", False, 0),
        ("User-agent: *\nCrawl-delay: 7", True, 7),
        ("User-agent: *\nCrawl-delay: 7200", True, 30),
        ("User-agent: *\nCrawl-delay: -5", True, 0),
        ("User-agent: *\nCrawl-delay: soon", True, 0),
        ("<html>Not found</html>", True, 0),
    ],
)
def test_robots_rules(lines, allowed, delay):
    found = rule(Robots(RULES, lines), [URL])
    assert ((URL in found.allowed), found.delay) == (allowed, delay)


def test_robots_without_rules_allow_all_or_nothing():
    assert rule(Robots(ALLOW), [URL]).allowed == {URL} and rule(Robots(DISALLOW), [URL]).allowed == frozenset()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Paper.example/a", "https://paper.example:443"),
        ("http://paper.example:8080/a", "http://paper.example:8080"),
        ("http://[2001:db8::1]/a", "http://[2001:db8::1]:80"),
        ("ftp://paper.example/", ""),
        ("http://[", ""),
        ("http://paper.example:x/", ""),
        ("", ""),
    ],
)
def test_robots_belong_to_an_origin(url, origin):
    assert origin_of(url) == origin
