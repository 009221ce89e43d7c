"""Copies and retitlings find their story, whatever the batches, and however many analysts bring them at once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from desk import BASELINE, Desk, at_once
from sqlalchemy import update
from steps import bring, poll_now, settle

from worker.app import load_judge
from worker.pipeline import raising
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.raising import storify_and_raise
from worker.pipeline.storify import storify
from worker.store import articles
from worker.store.engine import read_clock
from worker.store.remembered import Memory, Remembered, drop_sketches
from worker.store.schema import alert, article, story, story_change, story_key, story_print, story_sketch

LEDE = (
    "Kim Jong Un met the envoys of his neighbours on the shore of the lake for the first time since the launch, and "
    "both sides agreed to come together again before winter, a spokesman for the hosts told reporters in the evening."
)
TEASER = "Here is where things stand along the front as Kim Jong Un sends his men, in brief."
OWN_WORDS = "A reporter of ours saw how Kim Jong Un came by boat in the rain and left again in one car late at night."
TALKS = "Kim Jong Un meets envoys on the lake shore"


def members(desk):
    """Of each article, by its guid: the story that it is part of now, how it found it, and whose copy it is."""
    roots = {row.id: row.merged_into or row.id for row in desk.rows(story)}
    rows = desk.rows(article, article.c.baseline.is_(False))
    names = {row.id: row.url.rsplit("/", 1)[-1] for row in rows}
    return {names[row.id]: (roots[row.story_id], row.grouped_by, names.get(row.duplicate_of)) for row in rows}


def test_a_copy_is_found_and_what_is_in_other_words_is_none(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [("x1", TALKS, LEDE), *BASELINE])
    found = {
        "y1": ("A leader goes to the water", LEDE, "text", "x1"),
        "y2": ("KIM JONG UN meets envoys on the lake shore - Paper", LEDE, "text", "x1"),
        "y3": (TALKS, "", "headline", "x1"),
        "y4": (TALKS, OWN_WORDS, "headline", None),
        "y5": (f"{TALKS}, officials say", "Soon more.", "title", None),
    }
    items = [(guid, headline, text) for guid, (headline, text, *_) in found.items()]
    bring(desk, runtime, "b", items[::-1] + BASELINE)  # feeds list the newest first
    placed = members(desk)
    root = placed["x1"][0]
    assert placed == {"x1": (root, None, None)} | {guid: (root, *how) for guid, (_, _, *how) in found.items()}
    assert len(desk.rows(alert)) == 1


def test_e11_one_text_under_unlike_headlines_of_one_feed_raises_two_alerts(desk, runtime):
    poll_now(desk, runtime)
    items = [("x1", "Kim Jong Un on a bridge that fell", TEASER), ("x2", "Snow, and Kim Jong Un in the hills", TEASER)]
    bring(desk, runtime, "a", items + BASELINE)
    assert len(desk.rows(alert)) == 2


def test_old_news_under_a_new_address_is_known_for_as_long_as_its_text_is_kept(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [("x1", TALKS, LEDE), *BASELINE])
    with desk.store.writing() as connection:
        long_ago = read_clock(connection) - timedelta(days=200)
        for table, column in ((article, "first_seen_at"), (story_key, "last_seen_at"), (story_print, "last_seen_at")):
            connection.execute(update(table).values({column: long_ago}))
    bring(desk, runtime, "b", [("y1", "Out of the archive", LEDE), *BASELINE])
    assert members(desk)["y1"][1:] == ("text", "x1")
    with desk.store.writing() as connection:
        articles.drop_old_text(connection, before=long_ago + timedelta(days=1), limit=100)
    assert desk.rows(story_print) == []


def test_two_stories_of_one_page_and_one_text_become_one(desk, runtime):
    poll_now(desk, runtime)
    items = [("y1", "Envoys wait for Kim Jong Un", LEDE), ("x1", "Kim Jong Un on a mountain in snow", "Soon more.")]
    bring(desk, runtime, "a", items + BASELINE)
    before = {guid: root for guid, (root, _, _) in members(desk).items()}
    assert before["x1"] < before["y1"]
    copies = [("z1", "And one more of it", LEDE), ("x1", "Both of them at once", LEDE)]
    bring(desk, runtime, "b", copies + BASELINE)
    assert {root for root, _, _ in members(desk).values()} == {before["x1"]}
    kept = [row.story_id for row in desk.rows(article, article.c.feed_id == "a", article.c.baseline.is_(False))]
    assert kept == [before["x1"], before["y1"]], "an article keeps the story that it was put into"
    assert len(desk.rows(alert)) == 2


def storm(feeds):
    """By feed, its version of each of ten events: of one text, cut or with a dateline, under headlines that vary."""
    places = "harbour bridge school market station airport forest island valley tower".split()
    made = {name: [] for name in feeds}
    for event, place in enumerate(places):
        text = (
            f"At the {place} the leader, Kim Jong Un, was shown {place} works of every kind by the {place} people, "
            + (f"and he told the {place} committee that it had built the finest {place} of the land, the agency said.")
        )
        headlines = [
            f"Kim Jong Un visits the new {place} of the capital",
            f"Leader calls {place} finest in the land",
            f"Kim Jong Un visits new {place} of capital, agency says",
            f"{place} praised".upper(),
        ]
        texts = [text, f"CAPITAL, Nov 8 (Wire) -- {text}", text.removesuffix(" of the land, the agency said.")]
        for number, name in enumerate(feeds):
            guid = f"{place}-{number // 2 if number % 5 == 1 else number}"
            made[name].append((guid, headlines[(number + event) % 4], texts[(number + event) % 3]))
    return made


@pytest.fixture
def press(tmp_path, database_url):
    with Desk(tmp_path, database_url=database_url, feeds=tuple(f"f{n}" for n in range(20))) as made:
        yield made


@pytest.fixture
def newsroom(press):
    made = press.runtime()
    yield made
    made.store.close()


def test_a_storm_of_copies_before_four_analysts_raises_one_alert_an_event(press, newsroom):
    runtime = newsroom
    poll_now(press, runtime)
    settle(runtime)
    for name, items in storm(press.feeds).items():
        press.set_feed(name, items + BASELINE)
    poll_now(press, runtime)
    judges = [load_judge(runtime.config) for _ in range(4)]

    def analyst():
        judge = judges.pop()
        mine = replace(runtime, judge=lambda: judge, memory=Memory())
        while analyse_new_articles(mine):
            storify_and_raise(mine)
        while storify_and_raise(mine):
            pass

    at_once(4, analyst)
    settle(runtime)
    placed = members(press)
    assert len(press.rows(article, article.c.baseline.is_(False))) == 200
    assert len({place for place, _, _ in placed.values()}) == 10
    assert len(press.rows(alert)) == 10


EVENTS = [
    ("Zanzibar", "ferry", "capsizes", "passengers drowned off the island", "the overloaded vessel rolled over"),
    ("Tashkent", "dam", "bursts", "villages downstream flooded", "the reservoir emptied into a valley"),
    ("Reykjavik", "volcano", "erupts", "ash closed the airport", "lava ran down a glacier"),
    ("Windhoek", "refinery", "explodes", "firemen fought the blaze", "oil tanks burned for hours"),
]


def in_own_words(feeds):
    """By feed, its report of each of EVENTS; a watched name stands in each."""
    ways = [
        ("{place} {thing} {does}", "In {place} {what}. Kim Jong Un."),
        ("{place} {thing} {does}, dozens missing", "Of the {thing} Kim Jong Un was told."),
        ("Rescuers reach {place} after {thing} {does}", "From {place} to Kim Jong Un."),
        ("Why the {place} {thing} {does}", "Experts say {how}. Kim Jong Un."),
    ]
    made = {name: [] for name in feeds}
    for place, thing, does, what, how in EVENTS:
        for number, name in enumerate(feeds):
            title, text = (
                part.format(place=place, thing=thing, does=does, what=what, how=how) for part in ways[number % 4]
            )
            made[name].append((f"{place}-{number}", title, text))
    return made


def test_two_processes_make_one_story_of_an_event_in_whatever_words(press, newsroom):
    runtime = newsroom
    poll_now(press, runtime)
    settle(runtime)
    for name, items in in_own_words(press.feeds[:4]).items():
        press.set_feed(name, items + BASELINE)
    poll_now(press, runtime)
    while analyse_new_articles(runtime):
        pass

    def process():
        """With an index of its own, which follows what the other has settled."""
        mine = replace(runtime, memory=Memory())
        while any(settle_one(mine) for _ in range(3)):
            pass

    def settle_one(mine):
        return raising._settle_waiting(mine, limit=1)

    at_once(2, process)
    placed = members(press)
    assert {guid.split("-")[0]: story for guid, (story, _, _) in placed.items()}.keys() == {one[0] for one in EVENTS}
    assert len({story for story, _, _ in placed.values()}) == len(EVENTS)
    assert [by for _, by, _ in placed.values()].count("event") == 3 * len(EVENTS)
    assert len(press.rows(alert)) == len(EVENTS)
    why = {row.grouped_why for row in press.rows(article, article.c.grouped_by == "event")}
    assert all(any(place in words for place, *_ in EVENTS) for words in why)


def test_what_a_transaction_undid_is_not_remembered(press, newsroom):
    runtime = newsroom
    poll_now(press, runtime)
    settle(runtime)
    told = in_own_words(press.feeds[:2])
    press.set_feed("f0", told["f0"][:1] + BASELINE)
    poll_now(press, runtime)
    while analyse_new_articles(runtime):
        pass
    with pytest.raises(Undone), press.store.writing() as connection:
        rows = articles.judged_articles(connection, limit=10)
        storify(runtime, connection, rows, read_clock(connection), remembered=runtime.memory.take())
        raise Undone
    settle(runtime)
    press.set_feed("f1", told["f1"][:1] + BASELINE)
    poll_now(press, runtime)
    settle(runtime)
    placed = members(press)
    assert placed["Zanzibar-1"] == (placed["Zanzibar-0"][0], "event", None)


def test_what_articles_are_about_is_forgotten_when_their_stories_are_over(press, newsroom):
    runtime = newsroom
    poll_now(press, runtime)
    settle(runtime)
    before = len(press.rows(story_sketch))
    with press.store.writing() as connection:
        later = read_clock(connection) + timedelta(days=1)
        assert drop_sketches(connection, before=later, limit=5) == 5
        assert drop_sketches(connection, before=later, limit=1000) == before - 6
    (last,) = press.rows(story_sketch)
    assert last.n == before, "whose number is counted on from"


def test_a_merge_and_a_follow_up_are_on_record(desk, runtime):
    poll_now(desk, runtime)
    items = [("y1", "Envoys wait in the harbour for Kim Jong Un", LEDE), ("x1", "Snow closes a pass", "Soon more.")]
    bring(desk, runtime, "a", items + BASELINE)
    bring(desk, runtime, "b", [("z1", "And one more of it", LEDE), ("x1", "Both of them at once", LEDE), *BASELINE])
    (change,) = desk.rows(story_change)
    older, younger = sorted({row.story_id for row in desk.rows(article, article.c.feed_id == "a")})[-2:]
    assert (change.kind, change.story_id, change.other_id) == ("merge", younger, older)
    assert change.why == "one article has the address of both"
    assert [row.merged_into for row in desk.rows(story, story.c.id == younger)] == [older]


class Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


def test_the_cut_of_the_batches_makes_no_other_stories(press, newsroom):
    """Nor does a process that begins anew, and makes its index again from the rows."""
    runtime = newsroom
    told = in_own_words(press.feeds[:6])
    for name, items in storm(press.feeds[:6]).items():
        press.set_feed(name, items + told[name])
    poll_now(press, runtime)
    while analyse_new_articles(runtime):
        pass
    found = []
    for size, restarted in ((1, False), (7, True), (60, False)):
        with pytest.raises(Undone), press.store.writing() as connection:
            rows = articles.judged_articles(connection, limit=1000)
            now = read_clock(connection)
            memory, placed = Remembered(), []
            for n in range(0, len(rows), size):
                memory = Remembered() if restarted else memory
                placed += storify(runtime, connection, rows[n : n + size], now, remembered=memory)
            opened = {one.story: one.row.id for one in placed if one.grouped_by is None}
            found.append([(opened[one.story], one.grouped_by, one.duplicate_of) for one in placed])
            raise Undone
    assert len({opener for opener, _, _ in found[0]}) == 11 + len(EVENTS)  # and a day like any other, of other feeds
    assert sum(by == "event" for _, by, _ in found[0]) >= 3 * len(EVENTS)
    assert found[0] == found[1] == found[2]
