"""What a document changes against what is known: new, changed, another key for an old article; nothing twice."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.feeds.update import KEY_LENGTH, content_hash, decide_update, entry_keys
from worker.model import KeyKind, KnownArticle, ParsedEntry, ParsedFeed

SITE = "https://example.com"


def entry(guid="", link="", title="", text="", date=""):
    return ParsedEntry(guid=guid, link=link and f"{SITE}/{link}", title=title, text=text, published_raw=date)


def document(*entries, skipped=0):
    return ParsedFeed("rss20", "Feed", SITE, "en", tuple(entries), skipped=skipped)


class Shelf:
    """What the record would hold: saves a FeedUpdate as the store does."""

    def __init__(self):
        self.known, self.articles = {}, []

    def poll(self, *entries):
        found = decide_update(document(*entries), self.known)
        for new in found.new:
            self.articles.append(new.entry)
            known = KnownArticle(len(self.articles), new.content_hash, 1, new.entry.title, new.entry.published_raw)
            assert not self.known.keys() & set(new.keys), "a key is unique: the store would refuse it"
            self.known |= dict.fromkeys(new.keys, known)
        for changed in found.changed:
            for key, known in self.known.items():
                if known.article_id == changed.article_id:
                    edited = dict(content_hash=changed.content_hash, revision=changed.revision)
                    self.known[key] = replace(known, **edited, title=changed.entry.title)
            self.articles[changed.article_id - 1] = changed.entry
        for article_id, key in found.new_keys:
            assert key not in self.known, "a key is unique: the store would refuse it"
            self.known[key] = next(known for known in self.known.values() if known.article_id == article_id)
        return found


def counts(found):
    return len(found.new), len(found.changed), len(found.new_keys)


A = entry("a", "a", "Ministers meet", "They met.", "Mon")
B = entry("b", "b", "Envoy leaves", "She left.", "Tue")
C = entry("c", "c", "Talks go on", "They talk.", "Wed")


def test_g01_update_in_another_order_adds_nothing():
    shelf = Shelf()
    assert counts(shelf.poll(A, B, C)) == (3, 0, 0)
    assert counts(shelf.poll(C, A, B)) == (0, 0, 0)


def test_update_gives_new_articles_oldest_first():
    assert [new.entry for new in Shelf().poll(C, B, A).new] == [A, B, C]


@pytest.mark.parametrize(
    ("second", "new", "changed", "keys"),
    [
        (replace(A, guid="a", title="Ministers meet again"), 0, 1, 1),  # retitled: a revision, and its headline's key
        (replace(A, text="They met at noon."), 0, 1, 0),  # edited text
        (replace(A, published_raw="Thu"), 0, 0, 1),  # a date that moves is no news
        (replace(A, link=f"{SITE}/a?utm_source=rss"), 0, 0, 0),  # tracking is not another address
        (replace(A, link=f"{SITE}/moved"), 0, 0, 1),  # moved: known by its guid
        (replace(A, guid=""), 0, 0, 0),  # the feed stopped sending guids
        (replace(A, guid="fresh"), 0, 0, 1),  # a new guid on the very same entry
        (replace(A, guid="fresh", text="Other words.", published_raw="Fri"), 1, 0, 0),  # a column's next one
        (replace(A, link="", guid="other"), 1, 0, 0),  # neither guid nor link tie it
        (entry("a", "other", "Another story", "New.", "Fri"), 1, 0, 0),  # the guid is used again for another article
    ],
)
def test_g04_update_of_one_entry_to_another(second, new, changed, keys):
    shelf = Shelf()
    shelf.poll(A)
    assert counts(shelf.poll(second)) == (new, changed, keys)
    assert counts(shelf.poll(second)) == (0, 0, 0)


def test_g04_update_revisions_count_on():
    shelf = Shelf()
    shelf.poll(A)
    (second,) = shelf.poll(replace(A, title="Ministers have met")).changed
    (third,) = shelf.poll(replace(A, title="Ministers part")).changed
    assert (second.article_id, second.revision, third.revision) == (1, 2, 3)


def test_update_bumped_guid_adds_a_key_and_no_article():
    shelf = Shelf()
    shelf.poll(entry("https://example.com/x#0", "x", "Storm nears", "Wind."))
    found = shelf.poll(entry("https://example.com/x#1", "x", "Storm is here", "Wind."))
    assert not found.new and len(found.changed) == 1
    assert [key.value for _, key in found.new_keys if key.kind is KeyKind.GUID] == ["https://example.com/x#1"]
    # ... and in one document, under several numbers
    assert counts(Shelf().poll(entry("x#2", "x", "Storm"), entry("x#1", "x", "Storm"), entry("x#0", "x", "Storm"))) == (
        1,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("entries", "articles"),
    [
        ((entry("same", "d1", "First story"), entry("same", "d2", "Second story")), 2),  # a repeated guid, two stories
        ((entry("", "n1", "One"), entry("", "n2", "Two")), 2),  # no guid: known by link
        ((entry("", "", "Only a title"), entry("", "", "Another title")), 2),  # neither guid nor link
        ((entry("", "", "Morning brief", date="Mon"), entry("", "", "Morning brief", date="Tue")), 2),  # a column
        ((entry("", "live", "One o'clock"), entry("", "live", "Two o'clock")), 2),  # one page, two headlines
        ((entry("g1", "page", "Story one"), entry("g2", "page", "Story two")), 2),  # one link, two guids
        ((entry("", "p1", "Photo of the day"), entry("", "p2", "Photo of the day")), 2),  # a column without dates
        ((entry("", "p1", "A", date="Mon"), entry("", "p2", "A", date="Mon")), 1),  # one entry under two links
        ((A, A, A), 1),  # the very same thrice
        ((entry("a", "a", "Same"), entry("a", "a?at_medium=RSS", "Same")), 1),  # once more with tracking
        ((entry("", "", "", "Only text"),), 1),  # no title: known by its text
        ((entry("g", "", ""),), 1),  # nothing but a guid
    ],
)
def test_g03_update_keeps_every_distinct_entry_once(entries, articles):
    shelf = Shelf()
    assert len(shelf.poll(*entries).new) == articles
    assert counts(shelf.poll(*entries)) == (0, 0, 0)
    assert counts(shelf.poll(*reversed(entries))) == (0, 0, 0)


def test_g03_update_counts_an_entry_without_anything_to_know_it_by():
    found = decide_update(document(entry(), A, skipped=2), {})
    assert (len(found.new), found.seen, found.skipped) == (1, 2, 3)


def test_g02_update_with_all_guids_changed_adds_keys_and_no_article():
    old = [entry(f"http://example.com/?p={n}", f"s/{n}", f"Story {n}", f"Text {n}", f"day {n}") for n in range(30)]
    renewed = [replace(e, guid=e.guid.replace("http:", "https:"), link=e.link.replace("https:", "http:")) for e in old]
    shelf = Shelf()
    shelf.poll(*old)
    assert counts(shelf.poll(*renewed)) == (0, 0, 30)
    assert counts(shelf.poll(*old)) == (0, 0, 0)


def test_update_hashes_a_key_that_is_long_or_unprintable():
    for guid in ("x" * (KEY_LENGTH + 1), "a\u2028b", "\ud800"):
        (key,) = (key for key in entry_keys(entry(guid)) if key.kind is KeyKind.GUID)
        assert key.value.startswith("sha256:") and len(key.value) <= KEY_LENGTH
    assert entry_keys(entry("x" * 300))[0] != entry_keys(entry("x" * 301))[0]


def test_update_content_hash_sees_title_and_text_apart():
    assert content_hash(entry(title="ab", text="c")) != content_hash(entry(title="a", text="bc"))
    assert content_hash(entry("g1", "l", "t", "x", "Mon")) == content_hash(entry("g2", "m", "t", "x", "Tue"))


WORDS = st.sampled_from(["", "a", "b", "a#0", "a#1"])
ENTRIES = st.builds(entry, WORDS, WORDS, WORDS, st.sampled_from(["", "x", "y"]), st.sampled_from(["", "Mon"]))
DOCUMENTS = st.lists(ENTRIES, max_size=6)


@given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_g01_update_twice_adds_nothing(documents):
    """The law, from any past: an entry is new once, and a document seen again changes nothing at all."""
    shelf = Shelf()
    for entries in documents:
        shelf.poll(*entries)
        assert not shelf.poll(*entries).new
        assert counts(shelf.poll(*entries)) == (0, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=12))
def test_g03_update_with_honest_guids_stores_each_guid_once(pairs):
    """Where a feed's guids are true, articles are exactly its guids, whatever is edited or repeated."""
    shelf = Shelf()
    entries = [entry(f"g{n}", f"s{n}", f"Story {n}, take {take}", "x") for n, take in pairs]
    shelf.poll(*entries)
    for one in entries:
        shelf.poll(one)
    assert sorted(article.guid for article in shelf.articles) == sorted({one.guid for one in entries})


TOLD = "Kim Jong Un inspects the munitions works at Kanggye"


@pytest.mark.parametrize(
    ("headline", "date", "brought"),
    [
        (
            "[Juche 113.1.1.] " + TOLD,
            "Mon",
            (0, 1, 2),
        ),  # a new id for an edit: the guid, and the headline with its date
        ("Kim Jong Un inspects munitions works at Kanggye", "Mon", (0, 1, 2)),
        (TOLD, "Mon", (0, 1, 1)),  # another text
        (TOLD, "Tue", (1, 0, 0)),  # a column that is anew at its address each day
        (TOLD, "", (1, 0, 0)),
        ("Putin thanks workers of the Kanggye plant", "Mon", (1, 0, 0)),  # what a live page says now
        ("Kim visits", "Mon", (1, 0, 0)),  # of so few words one may be all
    ],
)
def test_a_new_guid_is_an_edit_at_one_address_and_date_while_the_headline_is_but_touched(headline, date, brought):
    shelf = Shelf()
    shelf.poll(entry("g1", "works", TOLD, "He went.", "Mon"), B)
    assert counts(shelf.poll(entry("g2", "works", headline, "He went there.", date), B)) == brought


def test_posts_that_share_an_address_are_told_apart_by_their_guids():
    shelf = Shelf()
    shelf.poll(entry("p1", "live", TOLD, "One."))
    assert counts(shelf.poll(entry("p2", "live", TOLD + " again", "Two."), entry("p1", "live", TOLD, "One.")))[0] == 1
