"""The judge puts language, topics and mentions together, by the configured thresholds."""

from dataclasses import dataclass, field

import pytest

from worker.model import ArticleText
from worker.nlp.judge import Judge
from worker.nlp.names import compile_watchlist
from worker.nlp.topics import DataProblem


@dataclass
class Watched:
    id: str
    name: str
    aliases: list = field(default_factory=list)
    type: str = "other"
    weak: tuple = ()
    context: tuple = ()
    not_context: tuple = ()


@dataclass
class Topic:
    id: str
    threshold: float | None = None
    review: tuple | None = None


INDEX = compile_watchlist([Watched("kim", "Kim Jong Un", ["김정은"]), Watched("moscow", "Moscow")])
ARMS = ArticleText(
    "a1",
    "Pyongyang ships İskender shells to MOSCOW",
    "Ammunition from North Korea reached Russian depots by rail. Kim Jong Un inspected the plant.",
)
SPORT = ArticleText("a2", "Striker signs for city rivals", "He has agreed a four-year contract with the leaders.")
KOREAN = ArticleText("a3", "김정은이 공장을 시찰했다", "")


@pytest.fixture(scope="module")
def judge():
    return Judge(INDEX, [Topic("nk-russia-arms"), Topic("middle-east")])


def test_judge_answers_in_order_with_everything(judge):
    arms, sport, korean = judge.judge_many([ARMS, SPORT, KOREAN])
    assert [j.language for j in (arms, sport, korean)] == ["en", "en", "ko"]
    assert [[t.id for t in j.topics] for j in (arms, sport, korean)] == [["nk-russia-arms", "middle-east"]] * 3
    assert [t.match for t in arms.topics] == [True, False]
    assert not any(t.match for j in (sport, korean) for t in j.topics)
    assert [(m.entity, m.field, m.text) for m in arms.mentions] == [
        ("moscow", "title", "MOSCOW"),
        ("kim", "text", "Kim Jong Un"),
    ]
    assert [m.how for m in korean.mentions] == ["particle"]
    assert arms.model_id == judge.model_id != ""


def test_judge_of_nothing_is_nothing(judge):
    assert judge.judge_many([]) == []


def test_judge_evidence_is_words_of_the_article_and_only_for_a_match(judge):
    arms, sport = judge.judge_many([ARMS, SPORT])
    evidence = arms.topics[0].evidence
    whole = f"{ARMS.title} {ARMS.text}".lower()
    assert evidence and all(words.lower() in whole for words in evidence)
    assert arms.topics[1].evidence == sport.topics[0].evidence == ()


@pytest.mark.parametrize(
    ("threshold", "review", "match", "in_review"),
    [
        (0.0, (0.0, 1.0), True, True),  # everything matches, everything is unsure
        (1.0, (0.0, 1.0), False, True),  # nothing matches
        (0.0, (0.0, 0.0), True, False),  # an empty band
        (0.0, (1.0, 1.0), True, False),
    ],
)
def test_judge_goes_by_the_configured_threshold_and_band(threshold, review, match, in_review):
    (found,) = Judge(INDEX, [Topic("middle-east", threshold, review)]).judge_many([SPORT])
    assert (found.topics[0].match, found.topics[0].review) == (match, in_review)


def test_judge_refuses_a_topic_that_the_model_does_not_know():
    with pytest.raises(DataProblem, match="does not know 'floods'"):
        Judge(INDEX, [Topic("floods")])


@pytest.mark.parametrize(
    "article",
    [
        ArticleText("x", "cut emoji \ud83d in a title that goes on", "\ud800" * 40),  # as JSON may escape it
        ArticleText("x", "", ""),
        ArticleText("x", "\0\x01\u202e" * 20, "\ufffe"),
        ArticleText("x", "a" * 20_000, "b" * 100_000),  # one word without an end
        ArticleText("x", "김정은" + "과의" * 500, "이" * 5000),
    ],
)
def test_judge_takes_any_text(judge, article):
    (found,) = judge.judge_many([article])
    assert len(found.topics) == 2 and not any(topic.match for topic in found.topics)
