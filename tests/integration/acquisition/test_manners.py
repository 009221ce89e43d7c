"""What a feed's publisher gets to see of us over hours and days, by the cases of HTTP manners (F)."""

from datetime import timedelta
from itertools import pairwise

import pytest
from feedscore import Answer
from lived import DAY, HOUR, MINUTE
from origin import rss
from steps import operator_subjects

from worker.pipeline.stopped import tell_of_stopped
from worker.store.schema import article

NEWS = [("n1", "First report", "Text."), ("n2", "Second report", "Text.")]
ONE = rss("paper", NEWS[:1])
TWO = rss("paper", NEWS)
WHOLE_DAY = DAY.total_seconds()
LOGIN = b"<html><head><title>Sign in</title></head><body><form>Prove that you are human.</form></body></html>"
SECOND = timedelta(seconds=1)


def told(etag="", modified="", **more):
    """The headers of an answer."""
    given = {"ETag": etag, "Last-Modified": modified}
    return {name: value for name, value in given.items() if value} | {
        name.replace("_", "-"): value for name, value in more.items()
    }


def answers(*script):
    """A page that answers with these in turn, and with the last of them from then on."""
    return lambda n, now, headers: script[min(n, len(script)) - 1]


def waits(score, path):
    """Seconds between its requests."""
    return [(later - sooner).total_seconds() for sooner, later in pairwise(score.times(path))]


def titles(lived):
    return sorted(row.title for row in lived.desk.rows(article))


def test_f01_a_new_feed_is_asked_once_without_conditions_ever(live, score):
    lived = live({"paper": lambda n, now, headers: Answer(304 if headers["If-None-Match"] else 200, told('"1"'), ONE)})
    lived.poll()
    assert len(score.times("/paper")) == 1
    for _ in range(3):
        lived.live(lived.now + 8 * HOUR)
        lived.start()
    assert score.answered["/paper", 200] == 1
    assert score.answered["/paper", 304] > 10
    assert score.marks == {}


BOTH = Answer(200, told('"1"', "Mon"), ONE)  # what its first answer is


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        pytest.param(Answer(200, told('"2"', "Mon"), TWO), ('"2"', "Mon"), id="f03"),
        pytest.param(Answer(200, told('"2"', "Tue"), ONE), ('"2"', "Tue"), id="f04"),
        pytest.param(Answer(200, {}, TWO), (None, None), id="f05"),
        pytest.param(Answer(200, {}, ONE), (None, None), id="f05, the same bytes"),
        pytest.param(Answer(200, told("", "Tue"), TWO), (None, "Tue"), id="f05, one of the two"),
        pytest.param(Answer(304, told('"2"')), ('"2"', "Mon"), id="f06"),
        pytest.param(Answer(200, told('"2"'), LOGIN), ('"1"', "Mon"), id="f07"),
        pytest.param(Answer(500, told('"2"')), ('"1"', "Mon"), id="f07, no document"),
    ],
)
def test_f03_f04_f05_f06_f07_the_validators_that_are_sent_next(live, score, second, expected):
    lived = live({"paper": answers(BOTH, second)})
    for _ in range(3):
        lived.step()
    assert score.conditions("/paper") == expected
    assert titles(lived) == ["First report", "Second report"][: 2 if second.body == TWO else 1]


def test_f07_a_worker_that_dies_before_it_has_stored_asks_with_the_old_validators(live, score):
    lived = live({"paper": answers(Answer(200, told('"1"'), ONE), Answer(200, told('"2"'), TWO))})
    lived.step()
    lived.now = lived.next_due() + SECOND
    lived.crash()
    assert titles(lived) == ["First report"]
    while len(score.times("/paper")) < 3:
        lived.step()
    assert score.conditions("/paper") == ('"1"', None)
    assert titles(lived) == ["First report", "Second report"]
    lived.step()
    assert score.conditions("/paper") == ('"2"', None)


def test_f08_validators_do_not_follow_a_feed_to_another_address(live, score):
    lived = live({"paper": answers(Answer(200, told('"1"', "Mon"), ONE))})
    lived.step()
    score.pages["/elsewhere"] = answers(Answer(200, told('"1"', "Mon"), TWO))
    lived.feeds = (lived.feeds[0].model_copy(update={"url": score.url("/elsewhere")}),)
    lived.start()
    lived.step()
    assert score.conditions("/elsewhere") == (None, None)
    assert titles(lived) == ["First report", "Second report"], "its articles stay, and none comes twice"


@pytest.mark.parametrize(("asked", "obeyed"), [(43_200, 43_200), (10 * 365 * 86_400, WHOLE_DAY)])
def test_f10_max_age_is_waited_for_up_to_a_day(live, score, asked, obeyed):
    """Said with the document only: the 304s after it take nothing back (RFC 9111 §4.3.4)."""
    first = Answer(200, told('"1"', Cache_Control=f"max-age={asked}"), ONE)
    lived = live({"paper": answers(first, Answer(304))})
    lived.live(lived.now + 5 * DAY)
    assert len(score.times("/paper")) >= 4
    assert all(obeyed <= wait <= WHOLE_DAY + 1 for wait in waits(score, "/paper"))


@pytest.mark.parametrize(
    ("wish", "least"),
    [("<ttl>180</ttl>", 3 * 3600), ("<sy:updatePeriod>daily</sy:updatePeriod>", WHOLE_DAY)],
    ids=["ttl", "sy"],
)
def test_f11_a_document_is_not_asked_for_sooner_than_it_says(live, score, wish, least):
    body = ONE.replace(b"<channel>", f"<channel>{wish}".encode()).replace(
        b"<rss ", b"<rss xmlns:sy='http://purl.org/rss/1.0/modules/syndication/' "
    )
    lived = live({"paper": answers(Answer(200, told('"1"'), body), Answer(304))})
    lived.live(lived.now + 4 * DAY)
    assert len(score.times("/paper")) >= 4
    assert all(wait >= least for wait in waits(score, "/paper"))


def test_f11_hours_and_days_of_rest_are_kept(live, score):
    hours = "".join(f"<hour>{hour}</hour>" for hour in range(1, 6))
    rest = f"<channel><skipHours>{hours}</skipHours><skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
    body = ONE.replace(b"<channel>", rest.encode())
    lived = live({"paper": answers(Answer(200, told('"1"'), body), Answer(304))}, interval="1h")
    lived.live(lived.now + 9 * DAY)
    later = score.times("/paper")[1:]  # nobody knows before the first
    assert len(later) > 50
    assert not [at for at in later if at.hour in range(1, 6) or at.weekday() in (5, 6)]
    assert {at.weekday() for at in later} == {0, 1, 2, 3, 4}, "and it is polled on all the others"


def test_f12_a_day_of_retry_after_is_waited_for_and_the_hosts_other_feeds_slow_down(live, score):
    limited = [Answer(200, told('"1"'), ONE), Answer(429, {"Retry-After": "86400"}), Answer(304)]
    sibling = answers(Answer(200, told('"1"'), ONE), Answer(304))
    lived = live({"limited": answers(*limited), "sibling": sibling}, interval="5m", slowest="5m")
    lived.live(lived.now + 3 * MINUTE)
    lived.step()
    while not score.answered["/limited", 429]:
        lived.step()
    said = score.times("/limited")[-1]
    for _ in range(4):
        lived.live(lived.now + 9 * HOUR)
        lived.start()
    assert score.times("/limited")[2] - said >= DAY
    assert score.answered["/limited", 304] > 0, "then it is asked again"
    after = min(at for at in score.times("/sibling") if at > said)
    assert after - said >= 10 * MINUTE
    assert score.marks == {}


def test_f13_an_overloaded_server_is_left_alone_twice_as_long_each_time_up_to_a_day(live, score):
    script = [Answer(200, told('"1"'), ONE), *[Answer(503)] * 8, Answer(304), Answer(304), Answer(503), Answer(304)]
    lived = live({"paper": answers(*script)})
    for _ in script:
        lived.step()
    found = waits(score, "/paper")
    expected = [3600.0 * 2**n for n in range(5)] + [WHOLE_DAY] * 3
    assert all(one <= wait <= min(1.1 * one, WHOLE_DAY) + 1 for wait, one in zip(found[1:9], expected, strict=True))
    assert found[9] < 3600, "after a success as ever"
    assert 3600 <= found[11] <= 1.1 * 3600 + 1, "and the next trouble begins anew"
    assert len({round(wait / one, 4) for wait, one in zip(found[1:6], expected, strict=False)}) > 1, "by chance"


@pytest.mark.parametrize("status", [301, 308])
def test_f14_a_feed_that_moved_for_good_is_asked_at_its_new_address_with_its_history(live, score, status):
    lived = live({"old": answers(Answer(200, told('"1"'), ONE), Answer(status, {"Location": "/new"}))})
    score.pages["/new"] = lambda n, now, headers: Answer(304 if headers["If-None-Match"] else 200, told('"n"'), TWO)
    lived.live(lived.now + 6 * HOUR)
    lived.start()  # the file still has the old one
    lived.live(lived.now + 6 * HOUR)
    assert score.answered["/old", status] == 1
    assert (score.answered["/new", 200], score.answered["/new", 304] > 5) == (1, True)
    row = lived.row("old")
    assert (row.configured_url, row.current_url) == (score.url("/old"), score.url("/new"))
    assert titles(lived) == ["First report", "Second report"]
    assert score.marks == {}


@pytest.mark.parametrize("status", [302, 303, 307])
def test_f14_a_detour_is_followed_each_time_and_not_kept(live, score, status):
    lived = live({"old": answers(Answer(status, {"Location": "/new"}))})
    score.pages["/new"] = answers(Answer(200, told('"n"'), TWO))
    for _ in range(3):
        lived.step()
    assert (score.answered["/old", status], score.answered["/new", 200]) == (3, 3)
    assert score.conditions("/new") == score.conditions("/old") == (None, None)
    assert lived.row("old").current_url == score.url("/old")


def test_f14_an_address_for_good_that_is_no_feed_is_not_kept(live, score):
    lived = live({"old": answers(Answer(200, told('"1"'), ONE), Answer(301, {"Location": "/new"}))})
    score.pages["/new"] = answers(Answer(200, told('"n"'), LOGIN))
    for _ in range(2):
        lived.step()
    row = lived.row("old")
    assert (row.current_url, row.etag, row.reason) == (score.url("/old"), '"1"', "not_a_feed")


def test_f16_a_feed_that_is_gone_is_never_asked_again_and_told(live, score):
    lived = live({"paper": answers(Answer(200, told('"1"'), ONE), Answer(410))})
    lived.live(lived.now + DAY)
    lived.start()
    lived.live(lived.now + 7 * DAY)
    assert len(score.times("/paper")) == 2
    assert lived.row("paper").state == "stopped"
    tell_of_stopped(lived.runtime)
    assert operator_subjects(lived.desk) == ["Feed stopped: paper"]


def test_f16_a_feed_that_cannot_be_found_is_asked_once_a_day_and_comes_back_by_itself(live, score):
    began = []

    def lost(n, now, headers):
        began.append(now)
        return (
            Answer(404) if n >= 2 and now - began[0] < 30 * DAY else Answer(200, told(f'"{n}"'), ONE if n == 1 else TWO)
        )

    lived = live({"paper": lost})
    lived.live(lived.now + 33 * DAY)
    missing = score.answered["/paper", 404]
    assert 25 <= missing <= 36, missing
    apart = waits(score, "/paper")
    assert all(abs(wait - WHOLE_DAY) < 1 for wait in apart[6 : missing - 1])
    assert titles(lived) == ["First report", "Second report"]
    assert (lived.row("paper").state, lived.row("paper").failures) == ("active", 0)
    assert len(apart) - missing > 20, "and is polled as before"


def test_f24_a_page_to_sign_in_is_no_feed_and_costs_neither_articles_nor_validators(live, score):
    script = [Answer(200, told('"1"', "Mon"), TWO), *[Answer(200, told('"login"'), LOGIN)] * 3, Answer(304)]
    lived = live({"paper": answers(*script)})
    for n in range(4):
        lived.step()
        assert lived.row("paper").failures == n
    row = lived.row("paper")
    assert (row.reason, row.etag, row.last_modified) == ("not_a_feed", '"1"', "Mon")
    assert titles(lived) == ["First report", "Second report"]
    lived.step()
    assert score.conditions("/paper") == ('"1"', "Mon")
    assert (lived.row("paper").reason, lived.row("paper").failures) == (None, 0)


def test_f25_whoever_does_not_answer_is_asked_less_often_and_comes_back_by_itself(live, score):
    lived = live({"paper": answers(Answer(200, told('"1"'), ONE))}, slowest="10m")
    score.close()
    lived.live(lived.now + 12 * HOUR)
    row = lived.row("paper")
    assert row.reason == "connect" and 10 < row.failures < 20, "within two hours it is asked once an hour"
    score.open(score.port)
    lived.live(lived.now + 2 * HOUR)
    row = lived.row("paper")
    assert (row.reason, row.failures, titles(lived)) == (None, 0, ["First report"])
