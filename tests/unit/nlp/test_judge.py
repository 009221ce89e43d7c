"""The judge puts language, topics and mentions together, by the configured thresholds."""

import functools
import gc
import itertools
import shutil
import tracemalloc
from dataclasses import dataclass, field, replace

import pytest

from bench import vocabulary
from worker.alerts.notes import READ, note_sentences
from worker.model import MODEL_MISSING, UNJUDGED, ArticleText, JudgementNote
from worker.nlp.desk import DeskJudge, make_scorers
from worker.nlp.judge import Judge
from worker.nlp.names import compile_watchlist
from worker.nlp.topics import SHIPPED, DataProblem


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


@dataclass
class DeskTopic(Topic):
    terms: dict = field(default_factory=lambda: {"flood*": 1.0})
    examples: tuple = ()


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


def test_judge_that_needs_its_model_refuses_a_folder_without_one(tmp_path):
    with pytest.raises(DataProblem, match="not a topic model"):
        Judge(INDEX, [Topic("nk-russia-arms")], model=tmp_path)


def test_judge_without_its_model_finds_names_and_says_what_is_missing(tmp_path):
    """Whose terms have their rules, it judges as ever; the model is looked for again, and no more often than asked."""
    away = Judge(INDEX, [Topic("nk-russia-arms")], model=tmp_path / "mine", needs_model=False)
    arms, korean = away.judge_many([ARMS, KOREAN])
    assert "not a topic model" in away.missing
    assert (arms.model_id, arms.notes) == (MODEL_MISSING, (JudgementNote.NO_MODEL,))
    assert [(topic.id, topic.match, topic.by) for topic in arms.topics] == [("nk-russia-arms", False, UNJUDGED)]
    assert [mention.entity for mention in arms.mentions] == ["moscow", "kim"]
    assert korean.notes == () and korean.topics[0].by == "terms"
    assert note_sentences(arms) == [
        "the topic model was missing: only watched names were looked for; it is judged again when the model is back"
    ]
    shutil.copytree(SHIPPED, tmp_path / "mine")
    away.look_again(every=3600)
    assert away.missing
    away.look_again(every=0)
    assert not away.missing
    assert away.judge_many([ARMS]) == Judge(INDEX, [Topic("nk-russia-arms")], model=SHIPPED).judge_many([ARMS])


def test_judge_with_a_desks_own_model_says_of_other_scripts_that_it_judges_none(tmp_path):
    """Its model is asked in whatever language it was trained on, but reads Latin letters alone."""
    shutil.copytree(SHIPPED, tmp_path / "mine")
    mine = Judge(INDEX, [Topic("nk-russia-arms")], model=tmp_path / "mine")
    greek, german = mine.judge_many(
        [
            ArticleText("g", "Σεισμός στην Κρήτη, καμία ζημιά", ""),
            ArticleText("d", "Der Kanzler spricht mit dem Präsidenten über die Wahl", ""),
        ]
    )
    assert (greek.language, greek.notes, greek.topics[0].by) == ("el", (JudgementNote.NO_RULES,), UNJUDGED)
    assert (german.language, german.notes, german.topics[0].by) == ("de", (), "model")


def test_judge_with_topics_of_the_desks_own_takes_other_names_and_tells_of_a_missing_model(tmp_path):
    """What a running desk asks of any judge, it may ask of this one, too."""
    flood = DeskTopic("floods")
    inner = Judge(INDEX, [Topic("nk-russia-arms")], model=tmp_path / "mine", needs_model=False)
    judge = DeskJudge(inner, make_scorers([flood], kept=tmp_path), ["nk-russia-arms", "floods"])
    assert judge.missing == inner.missing != ""
    other = judge.with_names(compile_watchlist([Watched("delta", "Ardel Delta")]))
    (found,) = other.judge_many([ArticleText("f", "Floods in the Ardel Delta", "The flood came at night.")])
    assert [(mention.entity, mention.text) for mention in found.mentions] == [("delta", "Ardel Delta")]
    assert [(topic.id, topic.by[:5]) for topic in found.topics] == [("nk-russia-arms", UNJUDGED), ("floods", "desk:")]
    shutil.copytree(SHIPPED, tmp_path / "mine")
    judge.look_again(every=0)
    assert judge.missing == "" and judge.model_id.startswith("wirewatch-topics")


@pytest.mark.parametrize("damage", [b"", b"no model at all", None])
def test_judge_takes_no_model_whose_weights_are_damaged(tmp_path, damage):
    shutil.copytree(SHIPPED, tmp_path / "mine")
    weights = tmp_path / "mine" / "textcat_multilabel" / "model"
    weights.write_bytes(weights.read_bytes()[:1000] if damage is None else damage)
    assert "not a topic model" in Judge(INDEX, [], model=tmp_path / "mine", needs_model=False).missing


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


# ---------------------------------------------------------------- languages


TROOPS = ArticleText("k1", "김정은, 러 파병부대 환영", "북한군은 쿠르스크에서 싸웠다.")
GERMAN = ArticleText("g1", "Kim Jong Un reist nach Moskau", "Der nordkoreanische Machthaber trifft den Präsidenten.")


def test_judge_goes_by_the_articles_language(judge):
    found = judge.judge_many([ARMS, TROOPS, GERMAN, SPORT, KOREAN])
    assert [one.language for one in found] == ["en", "ko", "de", "en", "ko"]
    assert [{topic.by for topic in one.topics} for one in found] == [
        {"model"},
        {"terms"},
        {"none"},
        {"model"},
        {"terms"},
    ]
    assert [one.model_id for one in found] == [
        judge.model_id,
        judge.terms["ko"].id,
        "none",
        judge.model_id,
        judge.terms["ko"].id,
    ]
    assert [[topic.match for topic in one.topics] for one in found[:3]] == [
        [True, False],
        [True, False],
        [False, False],
    ]


def test_judge_says_where_a_language_has_no_rules(judge):
    [found] = judge.judge_many([GERMAN])
    assert found.notes == (JudgementNote.NO_RULES,)
    assert [(topic.score, topic.match, topic.review) for topic in found.topics] == [(0.0, False, False)] * 2
    assert [mention.entity for mention in found.mentions] == ["kim"]
    assert note_sentences(found, GERMAN) == [
        "no topic rules for this language (German): only watched names were looked for"
    ]


@pytest.mark.parametrize("headline", ["Lavrov lands in Pyongyang", "Netanyahu vows Rafah offensive"])
def test_judge_asks_the_model_where_names_mislead_the_statistics_of_a_short_headline(judge, headline):
    [found] = judge.judge_many([ArticleText("x", headline)])
    assert found.language not in ("en", "und")  # or this tests nothing
    assert (found.model_id, found.notes) == (judge.model_id, (JudgementNote.UNSURE_LANGUAGE,))


@pytest.mark.parametrize("headline", ["Putin visita Corea del Norte", "Israel attackiert Iran", "Guerra en Gaza"])
def test_judge_leaves_a_short_headline_in_another_language_unjudged(judge, headline):
    [found] = judge.judge_many([ArticleText("x", headline, language="es" if headline[0] in "PG" else "de")])
    assert found.model_id == "none" and JudgementNote.NO_RULES in found.notes


def test_judge_of_too_little_text_says_so_and_asks_the_model(judge):
    [found] = judge.judge_many([ArticleText("x", "Hamas hits back")])
    assert (found.language, found.notes) == ("und", (JudgementNote.UNSURE_LANGUAGE,))
    assert {topic.by for topic in found.topics} == {"model"}


def test_judge_by_a_desks_own_model_asks_it_in_any_language_without_rules():
    own = Judge(INDEX, [Topic("middle-east")], model=SHIPPED)
    german, korean = own.judge_many([GERMAN, KOREAN])
    assert (german.topics[0].by, german.notes, german.model_id) == ("model", (), own.model_id)
    assert korean.topics[0].by == "terms"


def test_judge_goes_by_the_configured_threshold_also_by_terms():
    strict = Judge(INDEX, [Topic("nk-russia-arms", 0.99999, (0.9, 1.0))])
    [found] = strict.judge_many([TROOPS])
    assert (found.topics[0].match, found.topics[0].review) == (False, True)
    assert found.topics[0].evidence == () == found.topics[0].spans


def test_judge_never_matches_a_topic_without_rules_in_a_language(judge):
    judge.topics = (*judge.topics, Topic("floods"))
    try:
        [found] = judge.judge_many([TROOPS])
    finally:
        judge.topics = judge.topics[:-1]
    assert (found.topics[2].score, found.topics[2].match) == (0.0, False)


@pytest.mark.parametrize("article", [ARMS, TROOPS])
def test_judge_shows_where_its_evidence_stands(judge, article):
    [found] = judge.judge_many([article])
    topic = found.topics[0]
    words = [getattr(article, span.field)[span.start : span.end] for span in topic.spans]
    assert words == [part for words in topic.evidence for part in words.split(" … ")] != []


def test_judge_reads_the_beginning_of_a_long_article_and_says_so(judge):
    long = replace(TROOPS, text=TROOPS.text + " 가" * 60_000 + " 김정은")
    whole, cut = judge.judge_many([long, replace(long, text=long.text[:READ])])
    assert whole.notes == (JudgementNote.CUT,) and cut.notes == ()
    assert replace(whole, notes=()) == cut
    assert [mention.field for mention in whole.mentions] == ["title"]
    length = f"{len(long.text):,}"
    assert note_sentences(whole, long) == [f"judged by its first 100,000 characters of {length}"]
    assert note_sentences(whole) == ["judged by its first 100,000 characters"]


def test_judge_gives_the_same_for_the_same(judge):
    given = [ARMS, TROOPS, GERMAN, SPORT]
    assert judge.judge_many(given) == judge.judge_many(given)
    assert judge.judge_many(given[::-1])[::-1] == judge.judge_many(given)


def remembered():
    """How much every cache of functions holds that has no bound of its own; by name."""
    caches = [one for one in gc.get_objects() if isinstance(one, functools._lru_cache_wrapper)]
    ours = [one for one in caches if (one.__module__ or "").startswith("worker.")]
    assert len(ours) > 5
    bounds = [one.cache_info().maxsize for one in ours]
    assert max(bound for bound in bounds if bound) <= 100_000
    unbounded = [one for one, bound in zip(ours, bounds, strict=True) if bound is None]
    return {f"{one.__module__}.{one.__qualname__}": one.cache_info().currsize for one in unbounded}


def test_g10_judging_words_that_are_all_new_leaves_nothing_behind(judge):
    """In every language with an own way: English, each that has term rules, one without; with names in all of them."""
    news = vocabulary.articles()

    def read(batches):
        for _ in range(batches):
            yield from judge.judge_many([*itertools.islice(news, vocabulary.BATCH)])

    languages = {one.language for one in read(4)}
    assert languages >= {"en", "ko", "ru", "uk", "ar", "fa", "he", "ja", "zh", "de"}
    held, vocab = remembered(), judge.model.nlp.vocab
    words, strings = len(vocab), len(vocab.strings)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    assert sum(1 for _ in read(4)) == 256
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert (len(vocab), len(vocab.strings)) == (words, strings)
    assert remembered() == held
    assert grown < 5 * 2**20  # what is remembered within its bounds: 6,000 new words, each by a few functions


@pytest.mark.parametrize("language", vocabulary.ALPHABETS)
def test_g10_words_of_the_benchmark_are_new_and_of_their_language(judge, language):
    words = [*itertools.islice(vocabulary.new_words(vocabulary.ALPHABETS[language][0]), 5_000)]
    assert len({word.lower() for word in words}) == len(words)
    (found,) = judge.judge_many([replace(vocabulary.article(0, language, words[:24]), language=None)])
    assert found.language == language
