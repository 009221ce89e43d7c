"""A desk's own topic: what its terms come to, what its examples teach, and how both are kept."""

import atexit
import functools
import json
import math
import pathlib
import tempfile
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import QueryError
from worker.model import UNJUDGED, ArticleText, Judgement, TopicScore
from worker.nlp import background, desk
from worker.nlp.calibration import HIGHEST, LOWEST, unlabelled
from worker.nlp.desk import DeskJudge, background_id, make_scorers
from worker.nlp.deskmeasure import evaluate_topic
from worker.nlp.deskterms import read_terms, said, score
from worker.nlp.desktopic import Example, fold, learn, stamp, with_terms
from worker.nlp.topics import DataProblem

QUAKES = [
    "Strong earthquake shakes the coast of Ardel, no damage reported",
    "Magnitude 6.1 quake strikes off Brume, tsunami warning issued",
    "Rescuers search the rubble for survivors after the Calder earthquake",
    "Death toll from the Dorne quake rises as aftershocks rattle villages",
    "Earthquake of magnitude 4.8 felt across northern Elsin",
    "Thousands sleep outdoors after a second earthquake hits Farrow",
    "Aftershocks rock the border region a day after a powerful quake",
    "Quake damages hundreds of houses in mountain villages, officials say",
    "Seismologists record a magnitude 5.5 tremor near the capital",
    "Aid reaches earthquake survivors as rescuers dig through collapsed buildings",
    "Moderate earthquake rattles the islands, residents flee into the streets",
    "Tsunami alert lifted hours after the undersea earthquake",
]
OTHERS = [
    "Striker signs a four-year contract with city rivals",
    "Parliament votes on the budget after a long debate",
    "The best headphones of the year, tested and compared",
    "A seismic shift in the streaming business, says an analyst",
    "Central bank raises interest rates to fight inflation",
    "Singer announces a world tour with forty concerts",
    "Storm floods the old town, ferries are cancelled",
    "New phone arrives in shops with a larger screen",
    "Court hears the appeal of the former minister",
    "How to bake a plum cake in half an hour",
    "Wildfire forces hundreds to leave their homes",
    "Tech shares tumble in a market aftershock, traders say",
]


@dataclass
class Labelled:
    title: str
    label: bool
    text: str = ""


EXAMPLES = [Labelled(title, True) for title in QUAKES] + [Labelled(title, False) for title in OTHERS]


@dataclass
class Topic:
    id: str = "quakes"
    terms: dict = field(default_factory=dict)
    examples: list = field(default_factory=list)
    threshold: float | None = None
    review: tuple | None = None


class Judging:
    """A judge that says one language, and no topic."""

    model_id, model_ids = "m", frozenset({"m"})

    def __init__(self, language="en"):
        self.language = language

    def judge_many(self, articles):
        return [Judgement(self.language, (TopicScore("other", 0.2, False, False),), (), "m") for _ in articles]


@functools.cache
def folder():
    """What was learned is kept for all tests of this module."""
    made = tempfile.TemporaryDirectory()
    atexit.register(made.cleanup)
    return pathlib.Path(made.name)


def judged(topic, *titles, language="en", kept=None, text=""):
    judge = DeskJudge(Judging(language), make_scorers([topic], kept=kept or folder()), ["quakes", "other"])
    found = judge.judge_many([ArticleText(str(n), title, text) for n, title in enumerate(titles)])
    assert all([one.id for one in judgement.topics] == ["quakes", "other"] for judgement in found)
    return [judgement.topics[0] for judgement in found]


# ---------------------------------------------------------------- terms


@pytest.mark.parametrize(
    ("title", "text", "weight"),
    [
        ("Nothing of the kind", "", 0.0),
        ("A walk", "The earthquakes of spring.", 1.0),  # a word's beginning
        ("Earthquake in Ardel", "", 2.0),  # the headline counts twice
        ("Earthquake in Ardel", "The earthquake was strong.", 2.0),  # once a term
        ("A walk", "Search and rescue after the earthquake", 1.5),  # a phrase
        ("A walk", "They rescue and search", 0.0),  # its words, in another order
        ("A walk", "전국에서 지진이 감지됐다", 1.0),  # with a particle
        ("Quake II is remastered", "", -6.0),  # against the topic
    ],
)
def test_said_sums_the_weights_of_different_terms(title, text, weight):
    terms = read_terms({"earthquake*": 1, "search and rescue": 0.5, "지진": 1, "Quake II": -3})
    assert said(terms, title=title, text=text).weight == weight


def test_said_shows_the_weightiest_that_speak_for_it():
    terms = read_terms({"flood*": 1, "rain": 0.5, "dyke": 2, "garden": -1, "river": 0.1})
    found = said(terms, title="Rain", text="The river burst its dyke and flooded a garden.")
    assert [span.text for span in found.spans] == ["dyke", "flooded", "Rain"]


def test_terms_may_be_queries_and_are_refused_where_they_never_match():
    (term,) = read_terms({"pipeline NEAR/3 blast": 2})
    assert said((term,), title="", text="A blast tore the pipeline").weight == 2
    with pytest.raises(QueryError):
        read_terms({"***": 1})


@given(st.floats(-20, 20), st.floats(-20, 20))
def test_score_rises_with_the_weight_and_is_a_share(one, two):
    low, high = sorted((one, two))
    assert 0 <= score(low) <= score(high) < 1
    assert score(1) == 0.5


@given(st.floats(0, 1), st.floats(-5, 5))
def test_with_terms_multiplies_the_odds(before, weight):
    after = with_terms(before, weight)
    assert 0 <= after <= 1
    if 1e-4 < before < 1 - 1e-4 and weight:
        assert (after > before) is (weight > 0) or math.isclose(after, before, abs_tol=1e-9)
    assert with_terms(0.5, 1) == pytest.approx(10 / 11)


# ---------------------------------------------------------------- examples


@pytest.fixture(scope="module")
def topic():
    return Topic(examples=EXAMPLES)


def test_examples_teach_what_they_do_not_say_themselves(topic):
    new, none = judged(topic, "Powerful earthquake kills dozens in Gorrin", "Ministers meet for trade talks in Gorrin")
    assert new.match and not none.match and new.score > 0.5 > none.score
    assert "earthquake" in new.evidence and none.evidence == ()
    assert all(new.spans[n].field == "title" for n in range(len(new.spans)))
    assert new.by == f"desk:{stamp({}, [Example(one.title, '', one.label) for one in EXAMPLES], background_id())}"


def test_examples_with_terms_find_other_languages(topic):
    both = Topic(terms={"지진": 1, "Quake II": -3}, examples=EXAMPLES)
    (korean,) = judged(both, "전국에서 지진이 감지됐다", language="ko")
    assert (korean.match, korean.score, korean.evidence) == (True, 0.6667, ("지진",))
    (game,), (bare,) = judged(both, "Quake II gets a remaster"), judged(topic, "Quake II gets a remaster")
    assert game.score < bare.score
    (unread,) = judged(topic, "전국에서 지진이 감지됐다", language="ko")
    assert (unread.match, unread.score, unread.by) == (False, 0.0, UNJUDGED)


def test_learning_is_the_same_whatever_the_order_in_the_file(topic):
    held, examples = background.load(), desk.read_examples(topic)
    one, turned = learn(held, examples), learn(held, examples[::-1])
    assert turned.calibration.threshold == pytest.approx(one.calibration.threshold, abs=0.01)
    folds = dict(zip((one.title for one in examples), fold(examples), strict=True))
    assert folds == dict(zip((one.title for one in examples[::-1]), fold(examples[::-1]), strict=True))


def test_what_was_learned_is_kept_and_found_again(topic, tmp_path):
    learned = []
    first = make_scorers([topic], kept=tmp_path, on_learning=learned.append)
    again = make_scorers([topic], kept=tmp_path, on_learning=learned.append)
    assert learned == ["quakes"] and first[0].calibration == again[0].calibration
    (path,) = tmp_path.iterdir()
    assert path.name == f"quakes-{first[0].stamp}.json" and not any(title in path.read_text() for title in QUAKES)
    changed = stamp({}, desk.read_examples(topic)[:-1], background_id())
    assert changed != first[0].stamp != stamp({"a": 1}, desk.read_examples(topic), background_id())


@pytest.mark.parametrize("broken", ["{", "{}", '{"line": [1.0]}', "[]"])
def test_what_was_kept_and_cannot_be_read_is_learned_again(topic, tmp_path, monkeypatch, broken):
    (scorer,) = make_scorers([topic], kept=folder())
    monkeypatch.setattr(desk, "learn", lambda *about: scorer.learned)
    path = tmp_path / f"quakes-{scorer.stamp}.json"
    path.write_text(broken)
    learned = []
    make_scorers([topic], kept=tmp_path, on_learning=learned.append)
    assert learned == ["quakes"] and json.loads(path.read_text())["line"]


def test_what_was_kept_scores_as_what_was_learned(topic, tmp_path):
    titles = [*QUAKES, *OTHERS, "A tremor in the night"]
    assert judged(topic, *titles, kept=tmp_path) == judged(topic, *titles, kept=tmp_path)


def test_a_folder_that_takes_nothing_is_no_trouble(topic, tmp_path, monkeypatch):
    (scorer,) = make_scorers([topic], kept=folder())
    monkeypatch.setattr(desk, "learn", lambda *about: scorer.learned)
    (tmp_path / "file").write_text("")
    assert judged(topic, QUAKES[0], kept=tmp_path / "file" / "below")[0].match


@pytest.mark.parametrize("title", ["", "?", "\ud83d", "word " * 5000, "\0", "ﬁ" * 3000])
def test_any_text_is_scored(topic, title):
    (found,) = judged(Topic(terms={"fi": 1}, examples=EXAMPLES), title, text=title)
    assert 0 <= found.score <= 1


def test_the_desks_own_threshold_and_band_replace_what_was_learned():
    (found,) = judged(Topic(examples=EXAMPLES, threshold=0.999_999, review=(0.0, 1.0)), OTHERS[0])
    assert (found.match, found.review) == (False, True)


# ---------------------------------------------------------------- its calibration, its measure


def test_unlabelled_finds_the_threshold_where_the_sample_thins_out():
    """One in a hundred of the sample is on the topic, and scores as the examples do."""
    generator = np.random.default_rng(3)
    yes = 1 / (1 + np.exp(-generator.normal(2, 0.7, 40)))
    none = 1 / (1 + np.exp(-generator.normal(-3, 1, 3960)))
    hidden = 1 / (1 + np.exp(-generator.normal(2, 0.7, 40)))
    found = unlabelled(yes, np.r_[none, hidden])
    scores = [found.score(raw) for raw in (*none, *hidden)]
    assert 25 < sum(scores) < 70  # as many as there are, about
    matched = [score >= found.threshold for score in scores]
    assert sum(matched[3960:]) >= 32 and sum(matched[:3960]) <= 12
    assert found.review[0] <= found.threshold <= found.review[1]


@settings(max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_unlabelled_settles_for_any_scores(yes, sample):
    found = unlabelled(np.array(yes), np.array(sample))
    assert math.isfinite(found.a) and math.isfinite(found.b)
    assert LOWEST <= found.threshold <= HIGHEST and found.review[0] <= found.threshold <= found.review[1] <= 1


def test_evaluate_topic_says_how_far_few_examples_tell(topic):
    steps = []
    found = evaluate_topic(topic, on_progress=lambda: steps.append(1))
    assert len(steps) == 6 and found["examples"] == 24
    low, high = found["figures"]["recall_interval"]
    assert low < found["figures"]["recall"] <= high and high - low > 0.2
    assert found["note"].startswith("Too few examples to tell: ")
    assert found["news"]["items"] == background.SAMPLE and found["news"]["per_1000"] < 20
    assert sum(one["count"] for one in found["detail"]["reliability"]) == 24


def test_evaluate_topic_needs_examples():
    with pytest.raises(DataProblem, match="quakes has no examples"):
        evaluate_topic(Topic(terms={"quake": 1}))


# ---------------------------------------------------------------- the background


def test_background_holds_numbers_and_no_words():
    held = background.load()
    assert held.rarity.shape == (background.BUCKETS,) and held.axes.shape == (background.BUCKETS, background.AXES)
    assert len(held.rows) == background.SAMPLE
    body = background.SHIPPED.read_bytes()
    assert len(body) < 2 * 2**20 and not any(word in body for word in (b"government", b"police", b"president"))
    common, rare = held.rarity[background.bucket("the")], held.rarity[background.bucket("earthquake")]
    assert common < 1 < 4 < rare


def test_background_puts_words_that_keep_company_near():
    held = background.load()

    def near(one, other):
        first, second = held.places(held.read([(one, ""), (other, "")]))
        return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))

    assert near("earthquake", "tsunami aftershocks") > near("earthquake", "headphones") + 0.2


def test_background_built_twice_is_the_same_and_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(background, "AXES", 6)
    monkeypatch.setattr(background, "SPARE", 2)
    news = [(f"{title} {n}", "It was said on Monday.") for n in range(3) for title in (*QUAKES, *OTHERS)]
    one, two = background.build(news), background.build(news)
    background.save(one, tmp_path / "one.npz")
    background.save(two, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    read = background.load(tmp_path / "one.npz")
    assert np.allclose(read.axes, one.axes, atol=0.02) and (read.rows.columns == one.rows.columns).all()
