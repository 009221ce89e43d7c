"""What a document that brings much at once is taken for: the same articles, an import of old ones, or news."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.storms import LEAST_HELD, RecentArticle, decide_storm, is_suspicious
from worker.feeds.update import content_hash, decide_update, entry_keys
from worker.model import KnownArticle, ParsedEntry, ParsedFeed

NOW = datetime(2026, 8, 13, 12, 34, 56, tzinfo=UTC)
DAY, HOUR, WEEK = timedelta(days=1), timedelta(hours=1), timedelta(days=7)
LONG = "The envoys of both sides met for the third time this month, and neither said a word of what they had agreed on"


def entry(n, *, site="http://old.example", path="news/{n}", guid="old-{n}", title="Talks of day {n}", text=LONG, at=0):
    """`at`: when it was published, before NOW; None for undated."""
    date = None if at is None else NOW - timedelta(minutes=n) - (at or timedelta())
    return ParsedEntry(
        guid=guid.format(n=n),
        link=f"{site}/{path.format(n=n)}",
        title=title.format(n=n),
        text=text.format(n=n) and f"{text.format(n=n)}, in round {n}.",
        published=date,
        published_raw=format_datetime(date) if date else "",
    )


def stored(entries):
    """What the record holds of these: known by their keys, and lately brought."""
    known, recent = {}, []
    for number, one in enumerate(entries, start=1):
        known |= dict.fromkeys(entry_keys(one), KnownArticle(number, content_hash(one), 1))
        new = decide_update(document([one]), {}).new[0]
        recent.append(
            RecentArticle(
                number,
                one.title,
                one.text,
                new.canonical_url,
                new.content_hash,
                1,
                one.published,
                one.published_raw,
                one.outlet,
            )
        )
    return known, recent[::-1]


def storm(before, after, *, usual=None, baseline=False, last_read=NOW - HOUR):
    known, recent = stored(before)
    update = decide_update(document(after), known)
    found = decide_storm(
        update, recent=recent, last_read=last_read, baseline=baseline, usual=usual, now=NOW, old_after=WEEK
    )
    if found != update:
        assert is_suspicious(update, old_before=last_read - WEEK), "the cheap look must not pass over it"
    return found


def document(entries):
    """As it is parsed: each entry knows its place."""
    placed = tuple(replace(one, item=place) for place, one in enumerate(entries))
    return ParsedFeed("rss20", "", "", "", placed)


def held(found):
    return sum(new.held for new in found.new)


# ---------------------------------------------------------------- changed identities

CHANGED = {
    "https": dict(site="https://old.example", guid="https://old.example/?p={n}"),
    "domain": dict(site="https://new.example", guid="https://new.example/{n}"),
    "rebuilt, with new guids": dict(guid="{n}-new"),
    "a new link scheme": dict(path="2026/08/talks-of-day-{n}.html", guid="fresh-{n}"),
    "and headlines in capitals": dict(guid="{n}-new", title="TALKS OF DAY {n}"),
    "and other quotes and spaces": dict(site="https://new.example", guid="{n}-new", title=" “Talks”  of day {n}"),
    "and texts cut elsewhere": dict(site="https://new.example", guid="{n}-new", text=LONG[:70]),
    "and texts written anew": dict(site="https://new.example", guid="{n}-new", text="The {n}th round is over"),
    "without guids, elsewhere": dict(site="https://new.example", path="a/{n}", guid=""),
    "and dates an hour off": dict(site="https://new.example", guid="{n}-new", at=HOUR),
    "and dates of the move": dict(site="https://new.example", guid="{n}-new", at=3 * DAY),
    "and dates of the rebuilding": dict(guid="{n}-new", text="", at=3 * DAY),
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("fresh", [0, 3])
def test_g02_storm_of_new_identities_stores_nothing_twice(change, fresh):
    before = [entry(n) for n in range(20)]
    news = [entry(n, guid="news-{n}", title="Floods in the valley {n}") for n in range(30, 30 + fresh)]
    found = storm(before, [*news, *(entry(n, **change) for n in range(20))])
    assert [new.entry.title for new in found.new] == [one.title for one in news[::-1]]
    assert {number for number, _ in found.new_keys} == set(range(1, 21)), "each is known by its new keys"
    edits = {one.article_id for one in found.changed}
    assert edits <= set(range(1, 21)) and held(found) == 0
    # ... and the document after it is no storm: everything is known
    known, _ = stored(before)
    known |= {key: KnownArticle(number, "", 2) for number, key in found.new_keys}
    known |= {key: KnownArticle(99, "", 1) for new in found.new for key in new.keys}
    again = decide_update(document([entry(n, **change) for n in range(20)]), known)
    assert again.new == ()


def test_g02_storm_counts_the_places_of_what_is_new_anew():
    """What is known again is looked at once more, and then remembered."""
    before = [entry(n) for n in range(6)]
    moved = [entry(n, **CHANGED["domain"]) for n in range(6)]
    news = [entry(n, title="Floods {n}", guid="f{n}") for n in (30, 31)]
    found = storm(before, [news[0], *moved, news[1]])
    assert [new.entry.item for new in found.new] == [7, 0]
    assert found.placed == {0: -2, 7: -1}


def test_storm_takes_no_article_that_the_document_shows_by_its_own_name():
    """A feed that lists its entries once more, under another section, has them twice."""
    before = [entry(n) for n in range(6)]
    twice = [entry(n, path="sport/{n}", guid="sport-{n}") for n in range(6)]
    found = storm(before, [*before, *twice, *(entry(n, title="Floods {n}", guid="f{n}") for n in range(30, 34))])
    assert (found.renamed, len(found.new)) == (0, 10)


def test_g02_storm_edits_where_the_words_differ():
    before = [entry(n) for n in range(6)]
    found = storm(before, [entry(n, guid="x{n}", site="https://new.example", text="New words {n}") for n in range(6)])
    assert {(one.article_id, one.revision) for one in found.changed} == {(n, 2) for n in range(1, 7)}
    assert found.renamed == 6


NEWS = {
    "a column every day": dict(title="Morning briefing", path="b/{n}", guid="new-{n}", text="Today: item {n} of many"),
    "a column at one address": dict(title="Morning briefing", path="briefing", guid="new-{n}", text="Today: {n}"),
    "a column with one line": dict(title="Morning briefing", path="b/{n}", guid="new-{n}", text="All of today's news"),
    "other headlines": dict(title="Floods in the valley {n}", guid="new-{n}"),
}


@pytest.mark.parametrize("change", NEWS.values(), ids=NEWS)
def test_storm_of_other_articles_is_news(change):
    """All new guids, links and headlines, or the same headline every day: a gap, and nothing held."""
    before = [entry(n, **change | dict(guid="old-{n}", path=change.get("path", "news/{n}"))) for n in range(20)]
    before = [replace(one, published=one.published - DAY, published_raw="a day before") for one in before]
    after = [
        entry(n, **change | dict(title=change["title"].replace("{n}", "of {n}"), path=f"n{n + 50}")) for n in range(20)
    ]
    if change["title"] == "Morning briefing":
        after = [replace(one, text=one.text.replace("Today:", "Otherwise:")) for one in after]
    found = storm(before, after)
    assert (len(found.new), held(found), found.renamed, found.changed) == (20, 0, 0, ())


@pytest.mark.parametrize(
    ("known", "renewed", "known_again"),
    [
        (4, 4, 0),  # too few for a storm: each for itself, and in doubt new
        (5, 5, 5),
        (20, 9, 0),  # not even half of the document
        (20, 11, 11),
    ],
)
def test_storm_needs_five_and_more_than_half(known, renewed, known_again):
    after = [entry(n, **(CHANGED["domain"] if n < renewed else {})) for n in range(known)]
    assert storm([entry(n) for n in range(known)], after).renamed == known_again


def test_storm_keeps_copies_of_a_collection_apart():
    """Two outlets' copies of a wire story, dated alike, are two articles; in a collection some of them are always."""
    before = [entry(n) for n in range(6)]
    copies = [entry(n, site="https://other.example", path="x/{n}", guid="o{n}") for n in range(6)]
    found = storm(before, [*copies, *(entry(n, title="Floods {n}", guid="f{n}") for n in range(50, 64))])
    assert (len(found.new), found.renamed) == (20, 0)


def test_storm_keeps_what_two_outlets_wrote_apart():
    before = [replace(entry(n), outlet="Post") for n in range(8)]
    moved = [entry(n, **CHANGED["domain"]) for n in range(8)]
    assert storm(before, [replace(one, outlet="Times") for one in moved]).renamed == 0
    assert storm(before, [replace(one, outlet="Post") for one in moved]).renamed == 8


def test_storm_takes_two_of_one_headline_for_two():
    before = [entry(n, title="Letters", path="l{n}", text="Dear editor {n}") for n in range(8)]
    moved = [replace(one, guid=f"m{n}", link=one.link.replace("old", "new")) for n, one in enumerate(before)]
    found = storm(before, moved)
    assert (found.new, found.changed) == ((), ())
    assert sorted({number for number, _ in found.new_keys}) == list(range(1, 9))


# ---------------------------------------------------------------- imports of old entries


def old(count, *, start=100, **values):
    return [
        entry(n, **dict(guid="i{n}", title="Archive {n}", at=30 * DAY) | values) for n in range(start, start + count)
    ]


def test_storm_holds_an_import_and_lets_the_news_go_on():
    before = [entry(n) for n in range(20)]
    news = [entry(n, title="Floods {n}", guid="f{n}") for n in range(50, 53)]
    found = storm(before, [*news, *before, *old(87)])
    assert (held(found), len(found.new)) == (87, 90)
    assert {new.entry.title for new in found.new if not new.held} == {one.title for one in news}


@pytest.mark.parametrize(
    ("imported", "options", "expected"),
    [
        (LEAST_HELD - 1, {}, 0),  # they resurface
        (LEAST_HELD, {}, LEAST_HELD),
        (30, dict(usual=15.0), 30),
        (29, dict(usual=15.0), 0),  # as much as this feed brings twice a day
        (30, dict(baseline=True), 0),  # the first look: nothing of it is news anyway
        (30, dict(last_read=NOW - 40 * DAY), 0),  # the desk was down: it is news to us
    ],
)
def test_storm_holds_only_what_is_unusual(imported, options, expected):
    assert held(storm([entry(n) for n in range(20)], old(imported), **options)) == expected


def test_g07_storm_of_undated_or_impossible_dates_is_news():
    before = [entry(n) for n in range(20)]
    assert held(storm(before, old(30, at=None))) == 0
    ancient = [replace(one, published=datetime(1970, 1, 1, tzinfo=UTC)) for one in old(30)]
    assert held(storm(before, ancient)) == 0


def test_storm_holds_the_undated_only_between_old_ones():
    undated = old(3, start=300, at=None)
    imported = old(12)
    document = [undated[0], *imported[:6], undated[1], *imported[6:], undated[2]]
    found = storm([entry(n) for n in range(20)], document)
    assert held(found) == 13
    assert [new.entry.title for new in found.new if not new.held] == [undated[2].title, undated[0].title]


def test_storm_knows_old_articles_under_new_identities_rather_than_holding_them():
    before = [entry(n, at=30 * DAY) for n in range(20)] + [
        entry(n, title="Now {n}", guid="n{n}") for n in range(40, 70)
    ]
    found = storm(before, before[20:] + [entry(n, at=30 * DAY, **CHANGED["domain"]) for n in range(20)])
    assert (found.renamed, found.new) == (20, ())


ANY = st.lists(
    st.builds(
        entry,
        st.integers(0, 40),
        site=st.sampled_from(["http://old.example", "https://new.example"]),
        path=st.sampled_from(["news/{n}", "briefing", ""]),
        guid=st.sampled_from(["", "old-{n}", "new-{n}", "same"]),
        title=st.sampled_from(["", "Letters", "Talks of day {n}"]),
        text=st.sampled_from(["", LONG, "Short"]),
        at=st.sampled_from([None, timedelta(), 30 * DAY]),
    ),
    max_size=40,
)


@given(ANY, ANY)
def test_storm_loses_nothing_and_gives_no_key_twice(before, after):
    """Whatever comes: each new entry is stored, or known again as an article that its headline names."""
    shelf, known, recent = [], {}, []
    first = decide_update(document(before), {})
    for number, new in enumerate(first.new, start=1):
        one = new.entry
        known |= dict.fromkeys(new.keys, KnownArticle(number, new.content_hash, 1))
        recent.insert(
            0,
            RecentArticle(
                number,
                one.title,
                one.text,
                new.canonical_url,
                new.content_hash,
                1,
                one.published,
                one.published_raw,
                one.outlet,
            ),
        )
        shelf.append(one)
    update = decide_update(document(after), known)
    found = decide_storm(update, recent=recent, last_read=NOW, baseline=False, usual=None, now=NOW, old_after=WEEK)
    assert len(found.new) + found.renamed == len(update.new)
    keys = [key for new in found.new for key in new.keys] + [key for _, key in found.new_keys]
    assert len(keys) == len(set(keys)) and not set(keys) & set(known)
    assert len({one.article_id for one in found.changed}) == len(found.changed)
    assert all(one.revision == 2 and 1 <= one.article_id <= len(shelf) for one in found.changed)
