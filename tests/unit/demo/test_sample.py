"""The sample keeps what the demo promises, and every document it renders reads back as what was written."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

import pytest

from worker.demo.sample import Published, SampleEntry, Stage, apply_stage, hostile_document, load_sample, render

NOW = datetime(2023, 11, 9, 3, 0, tzinfo=UTC)
FEEDS = load_sample()
EACH_FEED = pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.id)


def entry(guid, title="A title", **more):
    return SampleEntry(guid, title, "A text.", f"https://paper.example/{guid}", **more)


def entries_of(feed):
    return [entry for stage in feed.stages for entry in stage.entries]


def listings(feed):
    listed = {}
    for stage in feed.stages:
        listed = apply_stage(listed, stage, now=NOW)
        yield listed


def headline(title):
    return re.sub(r"\W+", " ", title.casefold()).strip()


def test_sample_is_as_large_and_mixed_as_promised():
    assert len(FEEDS) == 6
    assert sum(len(feed.guids()) for feed in FEEDS) >= 46
    assert {feed.language for feed in FEEDS} >= {"en", "ko", "ru"}
    assert {feed.form for feed in FEEDS} == {"rss", "atom"}
    assert all(len(feed.stages) >= 4 for feed in FEEDS)


def test_sample_has_an_update_a_duplicate_of_each_kind_and_a_hostile_stage():
    edited = [feed.id for feed in FEEDS if len(entries_of(feed)) > len(feed.guids())]
    assert len(edited) >= 3
    titles = {feed.id: {headline(entry.title) for entry in entries_of(feed)} for feed in FEEDS}
    links = {feed.id: {entry.link for entry in entries_of(feed)} for feed in FEEDS}
    pairs = [(one.id, two.id) for one in FEEDS for two in FEEDS if one.id < two.id]
    assert sum(bool(titles[one] & titles[two]) for one, two in pairs) == 1
    assert sum(bool(links[one] & links[two]) for one, two in pairs) == 1
    assert sum(stage.hostile for feed in FEEDS for stage in feed.stages) == 1


@EACH_FEED
def test_sample_hostile_stage_is_neither_first_nor_last_and_brings_nothing(feed):
    hostile = [n for n, stage in enumerate(feed.stages) if stage.hostile]
    assert not set(hostile) & {0, len(feed.stages) - 1}
    assert all(not feed.stages[n].entries for n in hostile)


@EACH_FEED
def test_sample_links_are_absolute_under_reserved_names_and_guids_short(feed):
    for one in entries_of(feed):
        assert re.match(r"https://[a-z-]+\.example/\S+$", one.link), one.guid
        assert 0 < len(one.guid) <= 200 and one.title.strip() and one.text.strip()


@EACH_FEED
def test_render_reads_back_as_written(feed):
    for listed in listings(feed):
        root = ET.fromstring(render(feed, listed, now=NOW))
        atom = "{http://www.w3.org/2005/Atom}"
        if feed.form == "rss":
            got = [(item.findtext("guid"), item.findtext("title")) for item in root.iter("item")]
        else:
            got = [(item.findtext(f"{atom}id"), item.findtext(f"{atom}title")) for item in root.iter(f"{atom}entry")]
        assert got == [(guid, one.entry.title) for guid, one in listed.items()]


def test_apply_stage_dates_an_entry_by_its_age_and_puts_it_first():
    old = Published(entry("old"), published=NOW - timedelta(hours=1), updated=NOW - timedelta(hours=1))
    after = apply_stage({"old": old}, Stage("new", (entry("new", age=4.0),)), now=NOW)
    assert list(after) == ["new", "old"]
    assert after["new"].published == NOW - timedelta(minutes=4)


def test_apply_stage_keeps_place_and_date_of_an_edited_entry():
    before = apply_stage({}, Stage("first", (entry("a"), entry("b"))), now=NOW)
    later = NOW + timedelta(minutes=1)
    after = apply_stage(before, Stage("edit", (entry("b", title="Another title"),)), now=later)
    assert list(after) == ["a", "b"]
    assert (after["b"].published, after["b"].updated) == (before["b"].published, later)
    assert after["b"].entry.title == "Another title"
    assert after["a"] == before["a"]


def test_hostile_document_is_small_and_declares_entities():
    assert b"<!ENTITY" in hostile_document() and len(hostile_document()) < 2000
