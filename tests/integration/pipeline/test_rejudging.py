"""G09: a new model, watchlist or topic re-judges nothing and re-alerts nothing, unless somebody asks for it."""

import json
from datetime import timedelta

import pytest
from desk import BASELINE
from sqlalchemy import update
from steps import bring, change, change_files, now, poll_now, settle

from worker.explain import explain
from worker.nlp.topics import train
from worker.pipeline import rejudging
from worker.pipeline.rejudging import Wish, count_wished, rejudge
from worker.store.schema import alert, article, decision, delivery, former_judgement, judgement

NEWS = [
    ("c1", "Choe Son Hui flies to Geneva for talks", "The minister is to meet the head of the relief agency."),
    ("f1", "Floods drown the rice fields of the delta", "After a week of monsoon rain the river burst its dykes."),
    ("r1", "Roses bloom early in the palace gardens", "The gardeners opened the lawn to visitors."),
]


def watch_for_choe(desk):
    """Another watchlist, another rule, and a topic of the desk's own."""
    change_files(
        desk,
        watchlist=lambda body: body["entities"].append(
            {"id": "choe-son-hui", "type": "person", "name": "Choe Son Hui"}
        ),
        topics=lambda body: body["topics"].append(
            {"id": "floods", "name": "Floods", "terms": {"flood*": 1, "monsoon rain": 0.5}}
        ),
        rules=lambda body: body["rules"].append(
            {
                "id": "choe",
                "name": "Choe in the news",
                "when": {"entities": {"any": ["choe-son-hui"]}},
                "channels": ["mail"],
            }
        ),
    )


@pytest.fixture
def seen(desk, runtime):
    """News that was judged by the first configuration: nobody is named, nothing matches."""
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [*NEWS, *BASELINE])
    assert not any(row.mentions for row in judgements(desk).values())
    return runtime


@pytest.fixture
def later(desk, seen):
    watch_for_choe(desk)
    made = desk.runtime()
    yield made
    made.store.close()


def again(runtime, **wish):
    wish = Wish(**wish)
    total, wanted = count_wished(runtime, wish)
    outcome = rejudge(runtime, wish, wanted)
    assert outcome.judged == total
    return outcome


def judgements(desk):
    """By headline, but for the baseline's."""
    titles = {row.id: row.title for row in desk.rows(article, article.c.baseline.is_(False))}
    return {titles[row.article_id]: row for row in desk.rows(judgement) if row.article_id in titles}


def topics_of(row):
    return {topic["id"]: topic["match"] for topic in row.topics}


def test_g09_another_configuration_judges_and_tells_nothing_again(desk, seen, later):
    before = desk.rows(judgement)
    bring(desk, later, "a", [*NEWS, *BASELINE])
    settle(later)
    assert desk.rows(judgement) == before
    assert desk.rows(alert) == desk.rows(delivery) == desk.rows(former_judgement) == []


def test_g09_another_model_judges_nothing_again_unless_asked(desk, seen, tmp_path):
    lines = [
        {"id": f"n{n}", "title": f"{NEWS[1 + n % 2][1]} {n}", "text": NEWS[1 + n % 2][2], "labels": labels}
        for n in range(40)
        for labels in ([] if n % 2 else ["nk-russia-arms"],)
    ]
    (tmp_path / "labelled.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    train(tmp_path / "labelled.jsonl", desk.config / "mine")
    change_files(desk, topics=lambda body: body.update(model="mine"))
    renewed, before = desk.runtime(), desk.rows(judgement)
    settle(renewed)
    assert desk.rows(judgement) == before
    outcome = again(renewed)
    renewed.store.close()
    assert outcome.saved == len(before) == len(desk.rows(former_judgement))
    assert topics_of(judgements(desk)[NEWS[1][1]]) == {"nk-russia-arms": True}  # what this model takes for it
    assert {row.model_id for row in desk.rows(judgement)}.isdisjoint(row.model_id for row in before)
    assert desk.rows(alert) == []


def test_g09_rejudge_keeps_what_was_said_and_raises_nothing(desk, later):
    before, decided = judgements(desk), desk.rows(decision)
    outcome = again(later)
    today = judgements(desk)
    assert [mention["entity"] for mention in today[NEWS[0][1]].mentions] == ["choe-son-hui"]
    assert topics_of(today[NEWS[1][1]]) == {"nk-russia-arms": False, "floods": True}
    assert outcome.mentions_gained == {"choe-son-hui": 1} and outcome.topics_gained == {"floods": 1}
    assert {one.title for one in outcome.changes} == {NEWS[0][1], NEWS[1][1]}
    kept = {row.article_id: row for row in desk.rows(former_judgement)}
    for title, row in before.items():
        was = kept[row.article_id]
        assert (was.n, was.topics, was.mentions, was.judged_at) == (1, row.topics, row.mentions, row.judged_at)
        assert today[title].judged_at == row.judged_at < today[title].again_at
    assert desk.rows(alert) == desk.rows(delivery) == [] and desk.rows(decision) == decided


def test_rejudge_twice_has_nothing_left_to_do(desk, later):
    assert again(later).judged == len(desk.rows(judgement))
    assert again(later).judged == 0
    assert {row.n for row in desk.rows(former_judgement)} == {1}


def test_rejudge_on_a_dry_run_says_the_same_and_stores_nothing(desk, later):
    before = desk.rows(judgement)
    dry = again(later, dry_run=True)
    assert desk.rows(judgement) == before and desk.rows(former_judgement) == []
    assert dry.changes == again(later).changes and dry.saved == 0


def test_rejudge_that_was_killed_goes_on_where_it_stopped(desk, later, monkeypatch):
    monkeypatch.setattr(rejudging, "BATCH", 1)

    def killed():
        raise KeyboardInterrupt

    total, wanted = count_wished(later, Wish())
    with pytest.raises(KeyboardInterrupt):
        rejudge(later, Wish(), wanted, on_progress=killed)
    assert len(desk.rows(former_judgement)) == 1
    assert again(later).judged == total - 1
    assert len(desk.rows(former_judgement)) == total


def test_rejudge_of_one_topic_leaves_all_else_as_it_was_judged(desk, later):
    again(later, topic="floods")
    today = judgements(desk)
    assert topics_of(today[NEWS[1][1]])["floods"] and today[NEWS[0][1]].mentions == []
    (version,) = {row.config_version for row in desk.rows(judgement)}
    assert version == 1 and again(later, topic="floods").saved == 0  # it comes out the same
    assert again(later).mentions_gained == {"choe-son-hui": 1}  # all else is still to be judged


def test_rejudge_by_feed_and_age_takes_only_those(desk, later):
    assert again(later, feed_id="b", dry_run=True).judged == 1  # its baseline
    assert again(later, since=timedelta(days=1), dry_run=True).judged == len(desk.rows(judgement))
    change(desk, article, first_seen_at=now(desk) - timedelta(days=3))
    assert again(later, since=timedelta(days=1), dry_run=True).judged == 0


def test_rejudge_with_alerts_tells_once_and_as_news_is_told(desk, later):
    outcome = again(later, alert=True)
    (row,) = desk.rows(alert)
    assert (row.rule_id, [one["alert"] for one in outcome.raised]) == ("choe", [row.public_id])
    assert [one.channel for one in desk.rows(delivery)] == ["mail"]
    (seen,) = desk.rows(article, article.c.id == row.article_id)
    (trace,) = explain(later.store, later.config, seen.public_id).traces
    assert trace["result"] == "It raised an alert by choe."
    change_files(desk, topics=lambda body: body["topics"].pop())  # another configuration once more
    renewed = desk.runtime()
    assert again(renewed, alert=True).raised == []
    renewed.store.close()
    assert len(desk.rows(alert)) == len(desk.rows(delivery)) == 1


@pytest.mark.parametrize("topic", [None, "floods"])
def test_rejudge_with_alerts_asks_about_what_was_judged_again_without(desk, later, topic):
    rule = {"id": "floods", "name": "Floods", "when": {"topics": {"any": ["floods"]}}, "channels": ["mail"]}
    change_files(desk, rules=lambda body: body["rules"].append(rule))
    renewed = desk.runtime()
    again(renewed, topic=topic)
    assert desk.rows(alert) == []
    before = desk.rows(judgement), desk.rows(former_judgement)
    outcome = again(renewed, topic=topic, alert=True)
    assert outcome.saved == 0 and before == (desk.rows(judgement), desk.rows(former_judgement))
    assert {one["rule_id"] for one in outcome.raised} == ({"choe", "floods"} if topic is None else {"floods"})
    assert again(renewed, topic=topic, alert=True).raised == []
    renewed.store.close()


def test_rejudge_with_alerts_that_was_killed_tells_each_once(desk, later, monkeypatch):
    monkeypatch.setattr(rejudging, "BATCH", 1)
    left = iter(range(3))

    def killed():
        if next(left, None) is None:
            raise KeyboardInterrupt

    total, wanted = count_wished(later, Wish(alert=True))
    with pytest.raises(KeyboardInterrupt):
        rejudge(later, Wish(alert=True), wanted, on_progress=killed)
    assert again(later, alert=True).saved == total - 4
    assert [row.rule_id for row in desk.rows(alert)] == ["choe"]


@pytest.mark.parametrize("why", ["old", "baseline", "seen long ago"])
def test_rejudge_with_alerts_raises_none_for_what_is_no_news(desk, later, why):
    values = {"old": {"old": True}, "baseline": {"baseline": True}}
    change(desk, article, **values.get(why, {"first_seen_at": now(desk) - timedelta(days=8)}))
    assert again(later, alert=True).mentions_gained == {"choe-son-hui": 1}
    assert desk.rows(alert) == desk.rows(delivery) == []


def test_rejudge_by_two_at_once_saves_each_article_once(desk, later, monkeypatch):
    """The other is faster: what is on record by then is not what was read."""
    total, wanted = count_wished(later, Wish())
    real = rejudging.save_judged

    def slow(runtime, wish, judged, outcome):
        monkeypatch.setattr(rejudging, "save_judged", real)
        again(later)
        return real(runtime, wish, judged, outcome)

    monkeypatch.setattr(rejudging, "save_judged", slow)
    assert rejudge(later, Wish(), wanted).saved == 0
    assert len(desk.rows(former_judgement)) == total


def test_rejudge_passes_over_what_has_lost_its_text(desk, later):
    from worker.store.articles import drop_old_text
    from worker.store.engine import read_clock

    with desk.store.writing() as connection:
        old = read_clock(connection) - timedelta(days=200)
        connection.execute(update(article).where(article.c.title == NEWS[0][1]).values(first_seen_at=old))
        drop_old_text(connection, before=old + timedelta(days=1), limit=10)
    outcome = again(later)
    assert outcome.without_text == 1 and outcome.mentions_gained == {}


def test_explain_shows_the_newest_judgement_and_the_rules_by_what_they_were_asked(desk, later):
    again(later)
    row = judgements(desk)[NEWS[0][1]]
    (trace,) = explain(
        later.store, later.config, desk.rows(article, article.c.id == row.article_id)[0].public_id
    ).traces
    said = trace["judgement"]
    assert said["again"] and [mention["entity"] for mention in said["mentions"]] == ["choe-son-hui"]
    assert [len(one["mentions"]) for one in said["former"]] == [0]
    assert [(rule["id"], rule["fires"]) for rule in trace["rules"]] == [("kim", False)]
    assert "no rule fires" in trace["result"]
