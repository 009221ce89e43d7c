"""G11: without its topic model the desk goes on by names; what the model missed it judges later, and it alerts once."""

import shutil
from dataclasses import replace

import pytest
from desk import BASELINE, PARSER
from steps import bring, change_files, operator_subjects, poll_now

from worker import app, tasks
from worker.app import build
from worker.config.load import load_config
from worker.errors import WirewatchError
from worker.explain import explain
from worker.health import judge as judge_health
from worker.health import stand
from worker.model import MODEL_MISSING
from worker.nlp.topics import SHIPPED
from worker.pipeline import without_model
from worker.pipeline.rejudging import Wish, count_wished, rejudge
from worker.pipeline.without_model import catch_up
from worker.store.heartbeats import list_heartbeats
from worker.store.rejudgements import Range
from worker.store.schema import alert, article, delivery, former_judgement, judgement

ARMS = (
    "s1",
    "Pyongyang ships artillery shells to Russia for the war in Ukraine",
    "North Korea has sent ammunition and missiles to Russian troops by rail, officials said.",
)
NAMED = ("k1", "The leader opens a school", "Kim Jong Un cut the ribbon and looked at the classrooms.")
ROSES = ("r1", "Roses bloom early in the palace gardens", "The gardeners opened the lawn to visitors.")
KOREAN = ("h1", "김정은, 새 공장을 시찰했다", "공장은 지난달에 문을 열었다.")
NEWS = [ARMS, NAMED, ROSES, KOREAN]
WEIGHTS = "mine/textcat_multilabel/model"


@pytest.fixture(autouse=True)
def by_topic(desk):
    """A model of the desk's own, and a rule that asks for its topic beside the one that asks for a name."""
    shutil.copytree(SHIPPED, desk.config / "mine")
    arms = dict(id="arms", name="Arms", when={"topics": {"any": ["nk-russia-arms"]}}, channels=["mail"])
    change_files(
        desk,
        topics=lambda body: body.update(model="mine"),
        rules=lambda body: body["rules"].append(arms),
        feeds=lambda body: body["feeds"][0].pop("language"),  # it writes in two
    )


@pytest.fixture
def worker(desk):
    """What a process that analyses has: its model is looked for when its judge is first asked."""
    made = []

    def start():
        config = load_config(desk.config, environ=desk.environ())
        made.append(replace(build(config, data=desk.data, environ=desk.environ()), parser=PARSER))
        app.install(made[-1])
        return made[-1]

    yield start
    for one in made:
        one.store.close()


def take_away(desk, how="folder"):
    if how == "folder":
        (desk.config / "mine").rename(desk.config / "elsewhere")
    else:
        weights = desk.config / WEIGHTS
        weights.write_bytes(weights.read_bytes()[:100])


def bring_back(desk):
    shutil.rmtree(desk.config / "mine", ignore_errors=True)
    shutil.copytree(SHIPPED, desk.config / "mine")


def analyse():
    """As the worker's task does it."""
    while tasks.STEPS["analyse"]():
        pass


def read_news(desk, runtime, news=NEWS):
    poll_now(desk, runtime)
    analyse()
    desk.set_feed("a", [*news, *BASELINE])
    poll_now(desk, runtime)
    analyse()


def judged(desk):
    titles = {row.id: row.title for row in desk.rows(article)}
    return {titles[row.article_id]: row for row in desk.rows(judgement)}


def alerted(desk):
    return sorted(row.rule_id for row in desk.rows(alert))


@pytest.mark.parametrize("how", ["folder", "damaged"])
def test_g11_without_its_model_the_desk_goes_on_by_names_and_catches_up_once(desk, worker, monkeypatch, how):
    runtime = worker()
    take_away(desk, how)
    read_news(desk, runtime)
    assert desk.settled() and {title for _, title, _ in NEWS} <= judged(desk).keys()
    assert alerted(desk) == ["kim"]
    for _, title, _ in (ARMS, NAMED, ROSES):
        row = judged(desk)[title]
        assert (row.model_id, row.notes) == (MODEL_MISSING, ["no-model"])
        assert not any(topic["match"] for topic in row.topics)
    assert judged(desk)[KOREAN[1]].model_id.startswith("terms-") and judged(desk)[KOREAN[1]].notes == []
    assert operator_subjects(desk) == ["The topic model cannot be loaded"]

    monkeypatch.setattr(without_model, "LOOK_AGAIN", 0.0)
    analyse()
    assert alerted(desk) == ["kim"] and len(operator_subjects(desk)) == 1  # it is still away
    bring_back(desk)
    analyse()
    assert alerted(desk) == ["arms", "kim"]
    arms = judged(desk)[ARMS[1]]
    assert arms.notes == [] and [(topic["id"], topic["match"]) for topic in arms.topics] == [("nk-russia-arms", True)]
    assert MODEL_MISSING not in {row.model_id for row in desk.rows(judgement)}
    before = desk.rows(judgement), desk.rows(alert), desk.rows(delivery)
    analyse()
    assert (desk.rows(judgement), desk.rows(alert), desk.rows(delivery)) == before
    assert len(operator_subjects(desk)) == 1


def test_g11_a_new_process_catches_up_on_what_another_had_to_leave(desk, worker):
    first = worker()
    take_away(desk)
    read_news(desk, first)
    bring_back(desk)
    second = worker()
    analyse()
    assert alerted(desk) == ["arms", "kim"] and not second.judge().missing
    assert {row.model_id for row in desk.rows(former_judgement)} == {MODEL_MISSING}
    (seen,) = desk.rows(article, article.c.title == ARMS[1])
    (trace,) = explain(second.store, second.config, seen.public_id).traces
    assert trace["result"] == "It raised an alert by arms."


def test_g11_another_time_that_it_is_away_is_told_anew(desk, worker, monkeypatch):
    monkeypatch.setattr(without_model, "LOOK_AGAIN", 0.0)
    runtime = worker()
    take_away(desk)
    read_news(desk, runtime, [ROSES])
    bring_back(desk)
    analyse()
    take_away(desk, "damaged")
    bring(desk, worker(), "a", [NAMED, ROSES, *BASELINE])
    analyse()
    assert len(operator_subjects(desk)) == 2


def test_g11_what_was_left_unjudged_is_said_wherever_one_looks(desk, worker):
    runtime = worker()
    take_away(desk)
    read_news(desk, runtime)
    (seen,) = desk.rows(article, article.c.title == ARMS[1])
    (trace,) = explain(runtime.store, runtime.config, seen.public_id).traces
    assert trace["judgement"]["notes"] == [
        "the topic model was missing: only watched names were looked for; it is judged again when the model is back"
    ]
    (arms,) = [rule for rule in trace["rules"] if rule["id"] == "arms"]
    assert not arms["fires"] and "the topic model was missing" in arms["because"]
    reasons = judge_health(stand(runtime.store, runtime.config), list_heartbeats(runtime.store), runtime.config).reasons
    assert "articles that the topic model is still to judge: it could not be loaded: 5" in reasons


def test_rejudge_without_the_model_replaces_nothing_by_less(desk, worker):
    runtime = worker()
    poll_now(desk, runtime)
    analyse()
    before = desk.rows(judgement)
    take_away(desk)
    away = worker() if (desk.config / "mine").exists() else replace(runtime, judge=without(runtime))
    with pytest.raises(WirewatchError, match="not a topic model"):
        rejudge(away, Wish(), Range())
    assert desk.rows(judgement) == before


def without(runtime):
    judge = app.load_judge(runtime.config, needs_model=False)
    assert judge.missing
    return lambda: judge


class Chokes:
    """A judge whose model is back, and cannot read one article."""

    missing = ""

    def __init__(self, judge, title):
        self.judge, self.title = judge, title

    def look_again(self, *, every):
        pass

    def judge_many(self, articles):
        if any(one.title == self.title for one in articles):
            raise ValueError(self.title)
        return self.judge.judge_many(articles)


def test_g11_an_article_that_the_model_chokes_on_holds_up_no_other(desk, worker):
    runtime = worker()
    take_away(desk)
    read_news(desk, runtime)
    bring_back(desk)
    judge = Chokes(app.load_judge(runtime.config), ROSES[1])
    healed = replace(runtime, judge=lambda: judge)
    while catch_up(healed):
        pass
    assert alerted(desk) == ["arms", "kim"]
    left = judged(desk)[ROSES[1]]
    assert (left.model_id, left.notes) == ("none", ["no-model"])
    assert not catch_up(healed) and judged(desk)[ROSES[1]] == left


@pytest.mark.parametrize("topic", [None, "nk-russia-arms"])
def test_g11_judging_again_takes_no_alert_from_what_was_missed(desk, worker, topic):
    """Asked for by another process, before the desk has caught up."""
    read = worker()
    take_away(desk)
    read_news(desk, read)
    bring_back(desk)
    asked = worker()
    wish = Wish(topic=topic)
    _, wanted = count_wished(asked, wish)
    rejudge(asked, wish, wanted)
    assert alerted(desk) == ["kim"]
    analyse()
    assert alerted(desk) == ["arms", "kim"]
    assert MODEL_MISSING not in {row.model_id for row in desk.rows(judgement)}
