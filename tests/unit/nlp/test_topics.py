"""The topic model: its data, its training, its calibration, what it says on what it cannot read, and its memory."""

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.nlp import topics
from worker.nlp.topics import (
    Calibration,
    DataProblem,
    Labelled,
    features,
    fold,
    is_readable,
    load_model,
    platt,
    read_labelled,
    train,
)

PLACES = ["Ardel", "Brume", "Calder", "Dorne", "Elsin", "Farrow"]


def labelled(folder, lines):
    path = folder / "labelled.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" if isinstance(line, dict) else line + "\n" for line in lines))
    return path


def harbour_or_garden(count):
    """A made-up desk: harbours are its topic, gardens are not."""
    for n in range(count):
        place, ships = PLACES[n % len(PLACES)], n % 2 == 0
        title = f"Freighter docks in {place}" if ships else f"Roses bloom in {place}"
        text = "The harbour pilot brought the vessel to its berth." if ships else "The gardeners opened the lawn early."
        yield {"id": f"n{n}", "title": f"{title}, day {n}", "text": text, "labels": ["harbour"] if ships else []}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two trainings on the same articles, and what they reported."""
    folder = tmp_path_factory.mktemp("topics")
    path = labelled(folder, harbour_or_garden(240))
    return path, [(folder / name, train(path, folder / name)) for name in ("first", "second")]


def test_train_learns_what_the_labels_say(trained):
    _, [(folder, report), _] = trained
    assert report["topics"]["harbour"]["f1"] == report["headlines"]["harbour"]["f1"] == 1.0
    assert report["articles"] == 240
    assert sum(one["count"] for one in report["detail"]["harbour"]["reliability"]) == 240
    model = load_model(folder)
    ship, rose = model.scores([features("A vessel at its berth", ""), features("The roses are out", "")])
    assert ship["harbour"] >= model.calibrations["harbour"].threshold > rose["harbour"]


def test_train_twice_gives_the_same_model(trained):
    _, [(first, one), (second, two)] = trained
    assert one == two
    names = sorted(str(path.relative_to(first)) for path in first.rglob("*") if path.is_file())
    assert names == sorted(str(path.relative_to(second)) for path in second.rglob("*") if path.is_file())
    assert [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()] == []


def test_train_writes_none_of_the_articles_words(trained):
    _, [(folder, _), _] = trained
    assert not any(b"vessel" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([], "holds no labelled article"),
        (["{"], ":1: not a labelled article"),
        ([{"id": "a", "title": "x", "labels": []}, {"id": "b", "labels": []}], ":2: not a labelled article"),
        (["[]"], ":1: not a labelled article"),
        ([{"id": "a", "title": "x", "labels": 3}], ":1: not a labelled article"),
        ([{"id": "a", "title": "x", "labels": "harbour"}], ":1: .*labels must be a list"),
        ([{"id": "a", "title": "x", "labels": [1]}], ":1: .*labels must be a list"),
        ([{"id": "a", "title": 3, "labels": []}], ":1: .*title must be text"),
        ([{"id": "a", "title": "x", "text": 3, "labels": []}], ":1: .*text must be text"),
        ([{"id": "a", "title": "x", "language": 3, "labels": []}], ":1: .*language must be text"),
        (["[" * 100_000], ":1: not a labelled article"),
    ],
)
def test_read_labelled_names_the_bad_line(tmp_path, lines, says):
    with pytest.raises(DataProblem, match=says):
        read_labelled(labelled(tmp_path, lines))


def test_read_labelled_ends_lines_at_line_feeds_alone(tmp_path):
    lines = [{"id": name, "title": "Ship\u2028docks\x85 today", "labels": []} for name in "ab"]
    body = "\ufeff" + "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (tmp_path / "labelled.jsonl").write_text(body, encoding="utf-8")
    assert [one.id for one in read_labelled(tmp_path / "labelled.jsonl")] == ["a", "b"]


def test_train_needs_a_label_and_a_file(tmp_path):
    with pytest.raises(DataProblem, match="no article has a label"):
        train(labelled(tmp_path, [{"id": "a", "title": "x", "labels": []}]), tmp_path / "out")
    with pytest.raises(DataProblem, match="cannot be read"):
        read_labelled(tmp_path / "nowhere")
    with pytest.raises(DataProblem, match="not a topic model"):
        load_model(tmp_path)


def test_train_needs_a_few_articles(tmp_path):
    with pytest.raises(DataProblem, match="9 articles are too few"):
        train(labelled(tmp_path, harbour_or_garden(9)), tmp_path / "out")


def test_fold_keeps_weeks_together_and_fills_every_fold():
    weeks = [f"2023-{n % 17}" for n in range(200)]
    folds = fold([Labelled(str(n), week, "a", "b", frozenset()) for n, week in enumerate(weeks)])
    assert set(folds.tolist()) == set(range(topics.FOLDS))
    assert len(set(zip(weeks, folds.tolist(), strict=True))) == 17
    one_week = fold([Labelled(str(n), "2023-1", "a", "b", frozenset()) for n in range(20)])
    assert [one_week.tolist().count(number) for number in range(topics.FOLDS)] == [4] * topics.FOLDS


# ---------------------------------------------------------------- calibration


@given(st.floats(0.01, 20), st.floats(-20, 20), st.floats(0, 1), st.floats(0, 1))
def test_calibration_scores_are_probabilities_and_rise(a, b, one, two):
    calibration = Calibration(a, b, 0.5, (0.0, 1.0))
    low, high = sorted((one, two))
    assert 0 <= calibration.score(low) <= calibration.score(high) <= 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_platt_settles_for_any_scores(pairs):
    a, b = platt([raw for raw, _ in pairs], [true for _, true in pairs])
    assert math.isfinite(a) and math.isfinite(b)


def test_platt_finds_the_frequency():
    """Of those scored 0.9 only half are true, of those scored 0.1 none: the fit says so."""
    raws = [0.9] * 100 + [0.1] * 100
    a, b = platt(raws, [n % 2 == 0 for n in range(100)] + [False] * 100)
    calibration = Calibration(a, b, 0.5, (0.0, 1.0))
    assert calibration.score(0.9) == pytest.approx(0.5, abs=0.02)
    assert calibration.score(0.1) < 0.03


def test_platt_settles_where_plain_newton_runs_away():
    raws = [1e-7] * 300 + [1 - 1e-7] * 20 + [0.999, 0.001]
    a, b = platt(raws, [False] * 300 + [True] * 20 + [False, True])
    assert 0 < a < 5 and abs(b) < 5


# ---------------------------------------------------------------- the shipped model

RECIPES = [
    (
        "김치찌개 맛있게 끓이는 법",
        "돼지고기와 묵은지를 볶다가 물을 붓고 두부와 대파를 넣어 20분간 끓인다. 소금으로 간을 맞춘다.",
    ),
    (
        "Как сварить борщ",
        "Свёклу нарежьте соломкой, обжарьте с морковью и луком, добавьте в бульон и варите сорок минут.",
    ),
    ("طريقة عمل الكشري", "يسلق الأرز والعدس ثم يضاف البصل المقلي وصلصة الطماطم ويقدم الطبق ساخنا."),
    ("מתכון לשקשוקה", "מטגנים בצל ופלפל, מוסיפים עגבניות וביצים ומבשלים עשר דקות."),
    ("家常红烧肉做法", "五花肉切块，焯水后加入冰糖、酱油和料酒，小火炖一个小时。"),
    ("肉じゃがの作り方", "じゃがいもと牛肉を炒め、だし汁と醤油を加えて二十分煮込みます。"),
    (
        "Zwiebelkuchen wie bei Oma",
        "Die Zwiebeln in Butter dünsten, mit Sahne und Eiern verrühren und vierzig Minuten backen.",
    ),
    (
        "Soupe à l'oignon",
        "Faites revenir les oignons dans le beurre, ajoutez le bouillon et laissez mijoter trente minutes.",
    ),
    ("Bean soup for cold days", "Soak the beans overnight, then simmer them with carrots, celery and a bay leaf."),
    ("v3.8.6", ""),  # nothing that the model knows: as rare as the topic, not even chances
    ("Hello", ""),
    ("???", ""),
    ("", ""),
]


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_shipped_model_matches_no_recipe_in_any_language(model, recipe):
    (scores,) = model.scores([features(*recipe)])
    assert {topic: scores[topic] < c.threshold for topic, c in model.calibrations.items()} == dict.fromkeys(
        scores, True
    )


def test_shipped_model_says_nothing_on_letters_it_has_not_read(model):
    foreign = [features(*recipe) for recipe in RECIPES if not is_readable(features(*recipe))]
    assert len(foreign) == 8  # six scripts, and no letter at all
    assert all(set(scores.values()) == {0.0} for scores in model.scores(foreign))


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        (
            "North Korea sends artillery shells to Russia, officials say",
            "Containers of ammunition went by rail from North Korea to Russian depots for the war in Ukraine.",
            {"nk-russia-arms"},
        ),
        (
            "Seoul and Washington envoys discuss North Korea",
            "Diplomats of South Korea and the United States held talks on denuclearisation.",
            {"korea-diplomacy"},
        ),
        (
            "Israeli strikes hit southern Lebanon",
            "Hezbollah fired rockets across the border as mediators sought a ceasefire in Gaza.",
            {"middle-east"},
        ),
        (
            "Striker signs for city rivals",
            "The forward has agreed a four-year contract with the league leaders.",
            set(),
        ),
    ],
)
def test_shipped_model_knows_its_topics(model, title, text, expected):
    for body in (text, ""):  # whole, and as its headline alone
        (scores,) = model.scores([features(title, body)])
        matched = {topic for topic, c in model.calibrations.items() if scores[topic] >= c.threshold}
        assert matched >= expected and bool(matched) == bool(expected)


def test_shipped_model_scores_an_article_alike_alone_and_in_a_batch(model):
    texts = [features(f"Talks in the capital, day {n}", "Ministers met. " * n) for n in range(70)]
    together = list(model.scores(texts))
    for at in (0, 63, 64, 69):
        (alone,) = model.scores([texts[at]])
        assert alone == pytest.approx(together[at], abs=1e-5)


def test_shipped_model_evidence_points_into_the_text(model):
    text = features("Pyongyang ships artillery shells to Moscow", "Ammunition went to Russian depots.")
    spans = model.evidence(text, "nk-russia-arms")
    assert 1 <= len(spans) <= 3
    assert all(text[start:end].strip() == text[start:end] != "" for start, end in spans)
    ordered = sorted(spans)
    assert all(one[1] <= two[0] for one, two in itertools.pairwise(ordered))
    assert model.evidence("", "nk-russia-arms") == ()


def test_shipped_model_id_changes_with_its_weights(model, trained):
    _, [(folder, _), (again, _)] = trained
    assert load_model().id == model.id
    assert load_model(folder).id == load_model(again).id != model.id
    assert model.id.startswith("wirewatch-topics-")


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("the talks go on", True),
        ("Überfall, Çankaya, Łódź", True),
        ("북한 IAEA 사찰", False),  # fewer Latin letters than others
        ("Kim Jong Un (김정은) said", True),
        ("123 ???", False),
        ("", False),
    ],
)
def test_is_readable_goes_by_the_letters(text, readable):
    assert is_readable(text) is readable


def test_features_are_bounded_small_and_encodable():
    assert features("A", "B" * 10_000) == "a\n" + "b" * (topics.LETTERS - 2)
    assert features("cut \ud83d", "") == "cut ?\n"


def test_scores_are_those_of_the_pipeline(model):
    """By the layer alone, and as spaCy has it: the same."""
    said = "North Korea shipped shells to Russia by rail. "
    texts = [features(f"Talks {n} in the capital", said * n) for n in range(9)]
    labels = model.nlp.get_pipe("textcat_multilabel").labels
    for text, found in zip(texts, topics.raw_scores(model.nlp, texts), strict=True):
        cats = model.nlp(text).cats
        assert [found[label] for label in labels] == pytest.approx([cats[label] for label in labels], abs=1e-6)


def test_g10_model_keeps_no_words_of_what_it_has_read(model):
    """Neither in the vocabulary's strings, nor in the table that counts every word it has ever held."""
    strings, words = len(model.nlp.vocab.strings), len(model.nlp.vocab)
    for n in range(20):
        list(model.scores([" ".join(f"w{n}x{at}y{word}" for word in range(10)) for at in range(64)]))
        model.evidence(f"unseen{n} words{n} here{n}", "middle-east")
    assert (len(model.nlp.vocab.strings), len(model.nlp.vocab)) == (strings, words)
