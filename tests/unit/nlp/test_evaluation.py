"""`topics evaluate`: what it says of a file, of one that the model has seen, of several languages, of a stream."""

import gzip
import json
import lzma

import pytest

from worker.nlp.evaluation import SHOWN, evaluate, model_judge, read_stream, watch_stream
from worker.nlp.topics import DataProblem, train

PLACES = ["Ardel", "Brume", "Calder", "Dorne", "Elsin", "Farrow"]
SHIP = {"title": "Freighter docks in Ardel, day 90", "text": "The harbour pilot brought the vessel to its berth."}
ROSE = {"title": "Roses bloom in Brume, day 91", "text": "The gardeners opened the lawn early."}


def written(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def harbour_or_garden(count):
    """A made-up desk: harbours are its topic, gardens are not."""
    for n in range(count):
        place, ships = PLACES[n % len(PLACES)], n % 2 == 0
        title = f"Freighter docks in {place}" if ships else f"Roses bloom in {place}"
        text = SHIP["text"] if ships else ROSE["text"]
        yield {"id": f"n{n}", "title": f"{title}, day {n}", "text": text, "labels": ["harbour"] if ships else []}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    data = written(folder / "labelled.jsonl", harbour_or_garden(60))
    return data, folder / "model", train(data, folder / "model")


def test_evaluate_says_what_the_model_was_trained_on(trained, tmp_path):
    data, model, report = trained
    same = evaluate(data, model)
    assert (same["articles"], same["seen_in_training"]) == (60, 60) and "60 of these" in same["note"]
    assert same["cross_validated"] == {name: report[name] for name in ("topics", "headlines", "detail")}
    new = evaluate(written(tmp_path / "new.jsonl", [{"id": "n1", **SHIP, "labels": ["harbour"]}]), model)
    assert new["seen_in_training"] == 0 and "note" not in new and "cross_validated" not in new
    (model / "training.json").rename(tmp_path / "training.json")
    with pytest.raises(DataProblem, match="does not say what it was trained on"):
        evaluate(data, model)
    (tmp_path / "training.json").rename(model / "training.json")


def test_evaluate_tells_the_unsure_apart(trained, tmp_path):
    _, model, _ = trained
    lines = [
        {"id": "1", **SHIP, "labels": ["harbour"]},
        {"id": "2", **ROSE, "labels": []},
        {"id": "3", **ROSE, "labels": ["harbour"], "unsure": True},  # its reader wavered; the model does not
    ]
    found = evaluate(written(tmp_path / "new.jsonl", lines), model)
    assert found["unsure"] == 1
    assert found["topics"]["harbour"]["recall"] == 0.5 and found["macro_f1"]["topics"] == pytest.approx(0.667)
    assert found["sure"]["harbour"]["recall"] == 1.0 and found["macro_f1"]["sure"] == 1.0
    assert sum(one["count"] for one in found["detail"]["harbour"]["reliability"]) == 3


def test_evaluate_measures_each_language_by_what_judges_it(tmp_path):
    lines = [
        {"id": "1", "title": "Israeli strikes hit southern Lebanon as talks go on", "labels": ["middle-east"]},
        {"id": "2", "title": "Striker signs a new contract with the city rivals", "labels": []},
        {"id": "3", "title": "Курс акций местного банка вырос на два процента", "language": "ru", "labels": []},
    ]
    found = evaluate(written(tmp_path / "new.jsonl", lines))
    assert {language: one["articles"] for language, one in found["languages"].items()} == {"en": 2, "ru": 1}
    assert found["languages"]["en"]["topics"]["middle-east"]["f1"] == 1.0


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress)])
def test_stream_counts_what_matches_and_shows_what_to_read(trained, tmp_path, suffix, pack):
    _, model, _ = trained
    lines = "".join(json.dumps(dict(SHIP if n % 10 == 0 else ROSE, id=f"s{n}")) + "\n" for n in range(300))
    path = tmp_path / f"stream.jsonl{suffix}"
    path.write_bytes(pack(lines.encode()))
    judge = model_judge(model)
    found = watch_stream(path, judge, {"harbour": judge.model.calibrations["harbour"].threshold})
    topic = found["topics"]["harbour"]
    assert (found["items"], topic["matches"], topic["per_1000"]) == (300, 30, 100.0)
    assert len(topic["spread"]) == len(topic["surest"]) == len(topic["under"]) == SHOWN
    assert {entry["title"] for entry in topic["spread"]} == {SHIP["title"]}
    assert {entry["title"] for entry in topic["under"]} == {ROSE["title"]}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "holds no article"),
        (b'{"id": "a"}\n', ":1: not an article"),
        (b'{"title": "x"}\n[]\n', ":2: not an article"),
        (b'{"title": 3}\n', ":1: not an article"),
        (b'{"title": "x", "text": 3}\n', ":1: not an article.*text must be text"),
        (b'{"title": "x", "language": 3}\n', ":1: not an article.*language must be text"),
        (b"[" * 100_000, ":1: not an article"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_stream_names_what_is_wrong(trained, tmp_path, body, says):
    _, model, _ = trained
    path = tmp_path / "stream.jsonl"
    path.write_bytes(body)
    with pytest.raises(DataProblem, match=says):
        watch_stream(path, model_judge(model), {"harbour": 0.5})


def test_stream_that_is_packed_badly_cannot_be_read(tmp_path):
    packed = gzip.compress(json.dumps(SHIP).encode() * 2000)
    (tmp_path / "stream.jsonl.gz").write_bytes(packed[:20] + b"\xff" * 4 + packed[24:])
    with pytest.raises(DataProblem, match="cannot be read"):
        list(read_stream(tmp_path / "stream.jsonl.gz"))
