"""A week of polls, scored by a publisher: whatever happens to the worker, it has nothing to complain of (F27)."""

from datetime import timedelta

import pytest
from feedscore import Answer
from lived import DAY, HOUR
from origin import rss

NEWS_EVERY = 6 * HOUR


class Paper:
    """Ways in which a publisher may answer. What is new, and the validators, follow from the time since it began."""

    began = None

    def edition(self, now, every=NEWS_EVERY):
        return int((now - self.began) / every)

    def document(self, edition, name="paper"):
        numbers = range(edition + 9, edition - 1, -1)
        return rss(name, [(f"{name}-{n}", f"Report {n} of {name}", "Text.") for n in numbers])

    def tagged(self, now, headers, *, etag="", modified="", also=None, edition=None):
        """A document with these validators, or 304 to who has them."""
        given = {"ETag": etag, "Last-Modified": modified}
        given = {name: value for name, value in given.items() if value} | (also or {})
        asked = headers["If-None-Match"] == etag if etag else headers["If-Modified-Since"] == modified
        known = asked and headers["If-None-Match" if etag else "If-Modified-Since"] is not None
        edition = self.edition(now) if edition is None else edition
        return Answer(304, given) if known else Answer(200, given, self.document(edition))

    def both(self, n, now, headers):
        edition = self.edition(now)
        return self.tagged(now, headers, etag=f'"e{edition}"', modified=f"Thu, 0{edition % 9} Nov 2023 10:00:00 GMT")

    def etag_only(self, n, now, headers):
        return self.tagged(now, headers, etag=f'W/"a,b;{self.edition(now)}"', also={"Set-Cookie": f"visit={n}; Path=/"})

    def odd_date(self, n, now, headers):
        return self.tagged(now, headers, modified=f"Thu,  9 Nov 2023 25:{self.edition(now):02}")

    def nothing(self, n, now, headers):
        return Answer(200, {"Set-Cookie": "session=1"}, self.document(self.edition(now)))

    def always_new(self, n, now, headers):
        return Answer(200, {"ETag": f'"{n}"', "Last-Modified": f"day {n}"}, self.document(n))

    def churning(self, n, now, headers):
        """The same bytes each time, the same Last-Modified, another ETag."""
        return Answer(200, {"ETag": f'"{n}"', "Last-Modified": "Mon, 06 Nov 2023 10:00:00 GMT"}, self.document(0))

    def renewing(self, n, now, headers):
        """Each 304 brings another ETag."""
        if headers["If-None-Match"]:
            return Answer(304, {"ETag": f'"{n}"'})
        return Answer(200, {"ETag": f'"{n}"'}, self.document(0))

    def fresh(self, n, now, headers):
        """Fresh for four hours, said with the document only; a 304 leaves it so."""
        edition = self.edition(now, DAY)
        if headers["If-None-Match"] == f'"e{edition}"':
            return Answer(304)
        return Answer(200, {"ETag": f'"e{edition}"', "Cache-Control": "max-age=14400"}, self.document(edition))

    def forgetful(self, n, now, headers):
        """With validators for two days, then without."""
        if now - self.began < 2 * DAY:
            return self.tagged(now, headers, etag='"kept"', edition=0)
        return Answer(200, {}, self.document(1))

    def limited(self, n, now, headers):
        """On its second day, one answer in two says to come again after a day."""
        if DAY <= now - self.began < 4 * DAY:
            return Answer(429, {"Retry-After": "86400"})
        return self.both(n, now, headers)

    def overloaded(self, n, now, headers):
        return Answer(503) if DAY <= now - self.began < 2 * DAY else self.both(n, now, headers)

    def old(self, n, now, headers):
        return Answer(301, {"Location": "/new"}) if now - self.began > DAY else self.both(n, now, headers)

    def gone(self, n, now, headers):
        return Answer(410) if now - self.began > 3 * DAY else self.both(n, now, headers)


PAGES = (
    "both etag_only odd_date nothing always_new churning renewing fresh forgetful limited overloaded old gone".split()
)
HOSTS = {"limited": "localhost"}  # of its own: the others of a host that says 429 wait, too
PACE = {"interval": "45m", "slowest": "2h"}


@pytest.fixture
def papers(live, score, database_url):
    """A desk with a feed of each kind, on either database."""
    paper = Paper()
    made = live({name: getattr(paper, name) for name in PAGES}, database_url=database_url, hosts=HOSTS, **PACE)
    paper.began = made.now
    score.pages["/new"] = paper.both
    return made


def crash(made, score):
    """At the next poll, after its answer."""
    made.now = max(made.now, made.next_due()) + timedelta(microseconds=1)
    score.unheard = True
    made.crash()
    score.unheard = False


def set_clock(made, skew):
    """The desk's clock is set, at whatever moment; polls go on."""
    made.skew = skew
    made.poll()


def assert_clean(score):
    assert score.marks == {}, score.evidence[:5]


def live_through(made, score, days):
    """With ten restarts on the first day; then two crashes, and a clock that is set an hour wrong and right again."""
    began = made.now
    for n in range(1, 11):
        made.live(began + n * 2 * HOUR)
        made.start()
    for _ in range(2):
        made.live(made.now + HOUR)
        crash(made, score)
    made.live(began + days * DAY / 2)
    for hours in (1, 0, -1, 0):
        set_clock(made, hours * HOUR)
        made.live(made.now + 5 * HOUR)
    made.live(began + days * DAY)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_f09_f27_a_week_of_polls_leaves_no_publisher_anything_to_complain_of(papers, score):
    live_through(papers, score, 7)
    assert_clean(score)
    assert score.answered["/limited", 429] == 3  # once a day, while it said to wait a day
    assert (score.answered["/old", 301], score.answered["/gone", 410]) == (1, 1)
    asked = {path: len(score.times(path)) for path in score.pages if path not in ("/old", "/gone")}
    assert min(asked.values()) > 30, asked  # and nobody was spared by being forgotten
    assert asked["/fresh"] <= 7 * 6 + 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_f09_f27_nor_do_three_days_on_postgresql(papers, score):
    live_through(papers, score, 3)
    assert_clean(score)
