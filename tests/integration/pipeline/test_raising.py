"""One story, one alert; one article, one channel that fails holds up no other."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from desk import BASELINE, at_once, entries
from sqlalchemy import event, update
from sqlalchemy.exc import OperationalError
from steps import bring, operator_subjects, poll_now, settle

from worker.articles.stories import story_keys
from worker.pipeline import raising, storify
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.raising import storify_and_raise
from worker.store.engine import read_clock
from worker.store.remembered import Memory
from worker.store.schema import alert, article, delivery, story, story_key, story_print, story_sketch


def test_one_story_is_one_alert_whoever_carries_it(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [("x1", "Kim Jong Un inspects a new missile plant", "By the wire."), *BASELINE])
    bring(desk, runtime, "b", [("y1", "KIM JONG UN inspects a new missile plant - Paper", "Copied."), *BASELINE])
    first, second = desk.rows(article, article.c.baseline.is_(False))
    assert (first.story_id, second.duplicate_of) == (second.story_id, first.id)
    (row,) = desk.rows(alert)
    assert row.article_id == first.id
    assert len(desk.rows(delivery)) == 2  # one for each channel


@pytest.mark.parametrize(
    ("days", "alerts"),
    [
        (2, 1),  # the same headline, and still the same event
        (4, 2),  # the same headline in another week is another event
    ],
)
def test_a_headline_names_one_story_for_three_days(desk, runtime, days, alerts):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [("x1", "Kim Jong Un inspects a missile plant", "Once."), *BASELINE])
    with desk.store.writing() as connection:
        now = read_clock(connection)
        for table in (story_key, story_print):
            connection.execute(update(table).values(last_seen_at=now - timedelta(days=days)))
        connection.execute(update(story_sketch).values(at=now - timedelta(days=days)))
    runtime = replace(runtime, memory=Memory())  # as if it had been so when it was read
    bring(desk, runtime, "b", [("y1", "Kim Jong Un inspects a missile plant", "Again."), *BASELINE])
    assert len(desk.rows(alert)) == alerts
    bring(desk, runtime, "a", [("x2", "Kim Jong Un inspects a missile plant", "A copy."), *BASELINE])
    assert len(desk.rows(alert)) == alerts, "the newer story is found from then on"


def test_storify_by_many_at_once_raises_one_alert_for_one_story(desk, runtime):
    poll_now(desk, runtime)
    copies = [(f"c{n}", "Kim Jong Un inspects a new missile plant", f"Copy {n}.") for n in range(40)]
    desk.set_feed("a", copies[:20] + BASELINE)
    desk.set_feed("b", copies[20:] + BASELINE)
    poll_now(desk, runtime)
    while analyse_new_articles(runtime):
        pass

    def run():
        while storify_and_raise(runtime):
            pass

    at_once(4, run)
    assert len(desk.rows(alert)) == 1
    assert len({row.story_id for row in desk.rows(article, article.c.baseline.is_(False))}) == 1


def test_what_a_batch_costs_the_record_does_not_grow_with_its_articles(desk, runtime):
    poll_now(desk, runtime)
    settle(runtime)
    statements = []
    event.listen(runtime.store.engine, "before_cursor_execute", lambda *about: statements.append(about[2]))

    def cost(count, news):
        quiet = [(f"{news[0]}{n}", news.format(n), "Rain.") for n in range(101, 101 + count)]
        desk.set_feed("a", quiet + BASELINE)
        poll_now(desk, runtime)
        while analyse_new_articles(runtime):
            pass
        statements.clear()
        storify_and_raise(runtime)
        assert len(desk.rows(article, article.c.state != "settled")) == 0
        return len(statements)

    assert cost(3, "Farm {} is under water again") == cost(60, "Ships of every kind leave from pier {}")


class Stumbles:
    """A channel that cannot render one headline."""

    def __init__(self, channel, headline):
        self._channel, self._headline = channel, headline

    def __getattr__(self, name):
        return getattr(self._channel, name)

    def render(self, content, *, recipient, now):
        if self._headline in content.story_title:
            raise ValueError("a flaw of ours")
        return self._channel.render(content, recipient=recipient, now=now)


def test_an_alert_that_one_channel_cannot_render_goes_by_the_others(desk, runtime):
    poll_now(desk, runtime)
    channels = {**runtime.channels, "mail": Stumbles(runtime.channels["mail"], "Factory one ")}
    bring(desk, replace(runtime, channels=channels), "a", entries(3) + BASELINE)
    assert len(desk.rows(alert)) == 3
    assert sorted(row.channel for row in desk.rows(delivery)) == ["hook"] * 3 + ["mail"] * 2 + ["operator"]
    assert operator_subjects(desk) == ["Alert not rendered for mail"]


def test_an_article_that_cannot_be_settled_holds_up_no_other_and_is_parked(desk, runtime, monkeypatch):
    poll_now(desk, runtime)
    settle(runtime)

    def keys(*, title, canonical_url):
        if title.startswith("Factory one "):
            raise ValueError("a flaw of ours")
        return story_keys(title=title, canonical_url=canonical_url)

    monkeypatch.setattr(storify, "story_keys", keys)
    bring(desk, runtime, "a", entries(3) + BASELINE)
    assert len(desk.rows(alert)) == 2
    storify_and_raise(runtime)
    storify_and_raise(runtime)
    assert sorted(row.state for row in desk.rows(article)) == ["quarantined"] + ["settled"] * 4
    assert [subject.split(":")[0] for subject in operator_subjects(desk)] == ["Article quarantined"]


def test_a_record_that_fails_is_held_against_no_article(desk, runtime, monkeypatch):
    """A full disk, a lock that nobody gave up: whatever the transaction raises beside what it makes of the articles."""
    poll_now(desk, runtime)
    settle(runtime)
    desk.set_feed("a", entries(3) + BASELINE)
    poll_now(desk, runtime)
    while analyse_new_articles(runtime):
        pass

    def full(connection, counts):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    with monkeypatch.context() as broken:
        broken.setattr(raising.tallies, "count", full)
        for _ in range(4):
            with pytest.raises(OperationalError):
                storify_and_raise(runtime)
    assert {(row.state, row.attempts) for row in desk.rows(article, article.c.baseline.is_(False))} == {("judged", 0)}
    storify_and_raise(runtime)
    assert len(desk.rows(alert)) == 3


def test_an_alert_says_the_same_whichever_articles_are_settled_with_its_own(desk, runtime):
    poll_now(desk, runtime)
    settle(runtime)
    copies = [(f"c{n}", "Kim Jong Un inspects a new missile plant", f"Copy {n}.") for n in range(2)]
    desk.set_feed("a", copies[:1] + BASELINE)
    desk.set_feed("b", copies[1:] + BASELINE)
    poll_now(desk, runtime)
    settle(runtime)
    hook = json.loads(desk.rows(delivery, delivery.c.channel == "hook")[0].body)
    assert (hook["data"]["story"]["articles"], hook["data"]["story"]["outlets"]) == (1, 1)


def test_an_article_of_a_merged_story_joins_the_one_it_is_part_of(desk, runtime):
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [*entries(2), *BASELINE])
    first, second = sorted(row.story_id for row in desk.rows(article, article.c.baseline.is_(False)))
    with desk.store.writing() as connection:
        connection.execute(update(story).where(story.c.id == second).values(merged_into=first))
    (merged,) = desk.rows(article, article.c.story_id == second)
    bring(desk, runtime, "b", [("copy", merged.title, "Again."), *BASELINE])
    (copy,) = desk.rows(article, article.c.url.like("%copy"))
    assert copy.story_id == first
    assert len(desk.rows(alert)) == 2


def test_analyse_claims_nothing_while_its_model_cannot_be_loaded(desk, runtime):
    poll_now(desk, runtime)

    def judge():
        raise RuntimeError("no such folder")

    for _ in range(4):
        with pytest.raises(RuntimeError):
            analyse_new_articles(replace(runtime, judge=judge))
    assert {(row.state, row.attempts) for row in desk.rows(article)} == {("new", 0)}
