"""The topic model: how an article becomes features, how the model is trained, calibrated, measured and asked.

A multi-label bag of words (spaCy `textcat_multilabel`): fast, explainable, and as good as its labels. Scores are
calibrated by Platt's method on articles that the model was not trained on.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import spacy
from spacy.tokens import Doc
from spacy.training import Example

from worker.errors import WirewatchError

SHIPPED: Final = Path(__file__).parent / "model"
NAME: Final = "wirewatch-topics"
VERSION: Final = "1"
SEED: Final = 7
EPOCHS: Final = 12
LETTERS: Final = 3_000  # of title and text: the lede carries the topic, and cost stays bounded
PARTS: Final = {"train": 80, "dev": 10, "test": 10}  # per cent, by a hash of the id
PIPE: Final = {
    "threshold": 0.5,
    "model": {
        "@architectures": "spacy.TextCatBOW.v3",
        "exclusive_classes": False,
        "ngram_size": 2,
        "no_output_layer": False,
        "length": 131_072,
    },
}


class DataProblem(WirewatchError):
    """Labelled articles that cannot be used; names the file and line."""


@dataclass(frozen=True)
class Calibration:
    """One topic's raw score s becomes 1 / (1 + exp(-(a logit(s) + b))); `review` is the band where we are unsure."""

    a: float
    b: float
    threshold: float
    review: tuple[float, float]

    def score(self, raw: float) -> float:
        raw = min(max(raw, 1e-7), 1 - 1e-7)
        return 1 / (1 + math.exp(-(self.a * math.log(raw / (1 - raw)) + self.b)))


@dataclass(frozen=True)
class Labelled:
    id: str
    text: str
    labels: frozenset[str]

    @property
    def part(self) -> str:
        """By the id alone, so that the same article is always on the same side."""
        at = int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % 100
        for name, share in PARTS.items():
            if at < share:
                return name
            at -= share
        raise AssertionError("the parts do not sum to 100")


def features(title: str, text: str) -> str:
    """What the model reads."""
    return f"{title}\n{text}"[:LETTERS].lower()


def read_labelled(path: Path) -> list[Labelled]:
    """JSON lines of {id, title, text, labels}. Raises DataProblem."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataProblem(f"{path}: cannot be read ({type(error).__name__})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
            labels = frozenset(value["labels"])
            found.append(Labelled(str(value["id"]), features(value["title"], value.get("text") or ""), labels))
        except (ValueError, KeyError, TypeError) as error:
            words = "needs id, title, text and labels"
            raise DataProblem(f"{path}:{number}: not a labelled article ({error!r}): {words}") from error
    if not found:
        raise DataProblem(f"{path}: holds no labelled article")
    return found


# ---------------------------------------------------------------- training


def train(data: Path, out: Path) -> dict[str, Any]:
    """Trains on 80 of 100 articles, calibrates on 10, measures on 10; writes the model to `out`. Deterministic."""
    articles = read_labelled(data)
    topics = sorted({label for article in articles for label in article.labels})
    if not topics:
        raise DataProblem(f"{data}: no article has a label")
    parts = {name: [article for article in articles if article.part == name] for name in PARTS}
    nlp = _fit(parts["train"], topics)
    calibrations = {topic: _calibrate(nlp, parts["dev"], topic) for topic in topics}
    out.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(out)
    # The model reads hashes; the words that it was trained on are nobody's business, and weigh most of the folder.
    (out / "vocab" / "strings.json").write_text("[]\n")
    body = {topic: asdict(calibration) for topic, calibration in calibrations.items()}
    (out / "calibration.json").write_text(json.dumps(body, indent=1) + "\n")
    return evaluate(data, out)


def _fit(articles: Sequence[Labelled], topics: Sequence[str]) -> Any:
    spacy.util.fix_random_seed(SEED)
    order = random.Random(SEED)  # noqa: S311 - shuffles, guards nothing
    nlp = spacy.blank("xx")
    nlp.meta.update(name=NAME, version=VERSION)
    pipe = nlp.add_pipe("textcat_multilabel", config=PIPE)
    for topic in topics:
        pipe.add_label(topic)
    examples = [
        Example.from_dict(nlp.make_doc(article.text), {"cats": {topic: topic in article.labels for topic in topics}})
        for article in articles
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(EPOCHS):
        order.shuffle(examples)
        for batch in spacy.util.minibatch(examples, size=32):
            nlp.update(batch, sgd=optimizer)
    return nlp


def _calibrate(nlp: Any, articles: Sequence[Labelled], topic: str) -> Calibration:
    raws = [cats[topic] for cats in raw_scores(nlp, [article.text for article in articles])]
    truth = [topic in article.labels for article in articles]
    a, b = platt(raws, truth)
    plain = Calibration(a, b, 0.5, (0.0, 1.0))
    scored = sorted(zip((plain.score(raw) for raw in raws), truth, strict=True), reverse=True)
    threshold = _best_threshold(scored)
    return Calibration(a, b, threshold, _review_band(scored, threshold))


def platt(raws: Sequence[float], truth: Sequence[bool]) -> tuple[float, float]:
    """Platt's fit by Newton's method, his targets against certainty. Source: Platt 1999; Lin, Lin, Weng 2007."""
    positives = sum(truth)
    high, low = (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2)
    clipped = (min(max(raw, 1e-7), 1 - 1e-7) for raw in raws)
    points = [(math.log(raw / (1 - raw)), high if t else low) for raw, t in zip(clipped, truth, strict=True)]
    a, b = 1.0, 0.0
    for _ in range(100):
        ga = gb = haa = hab = hbb = 0.0
        for x, y in points:
            p = 1 / (1 + math.exp(-min(max(a * x + b, -30), 30)))
            w = max(p * (1 - p), 1e-9)
            ga, gb = ga + (p - y) * x, gb + (p - y)
            haa, hab, hbb = haa + w * x * x, hab + w * x, hbb + w
        haa, hbb = haa + 1e-6, hbb + 1e-6
        determinant = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant
        a, b = a - da, b - db
        if abs(da) + abs(db) < 1e-9:
            break
    return a, b


def _best_threshold(scored: Sequence[tuple[float, bool]]) -> float:
    """The score of the best F1, half way to the next; between 0.3 and 0.8, for a small dev part misleads."""
    total, hits, best, at = sum(t for _, t in scored), 0, 0.0, 0.5
    for count, (score, true) in enumerate(scored, start=1):
        hits += true
        f1 = 2 * hits / (count + total) if count + total else 0.0
        if f1 > best:
            following = scored[count][0] if count < len(scored) else 0.0
            best, at = f1, (score + following) / 2
    return round(min(max(at, 0.3), 0.8), 3)


def _review_band(scored: Sequence[tuple[float, bool]], threshold: float) -> tuple[float, float]:
    """From where 97 in 100 true ones are kept to where 97 in 100 kept ones are true."""
    positives = [score for score, true in scored if true]
    low = positives[min(len(positives) - 1, math.ceil(0.97 * len(positives)) - 1)] if positives else threshold
    hits, high = 0, threshold
    for count, (score, true) in enumerate(scored, start=1):
        hits += true
        if hits / count >= 0.97:
            high = score
    return round(min(low, threshold), 3), round(max(high, threshold), 3)


# ---------------------------------------------------------------- measuring


def evaluate(data: Path, model: Path | None = None) -> dict[str, Any]:
    """Precision, recall, F1, average precision, Brier score and calibration error per topic.

    On the held-out part of `data` when the model has seen that file's other parts, which is so by the ids for the file
    that it was trained on; other files share no ids, and their held-out part is a tenth of them.
    """
    loaded = load_model(model)
    articles = [article for article in read_labelled(data) if article.part == "test"]
    scores = list(loaded.scores([article.text for article in articles]))
    report: dict[str, Any] = {"model": loaded.id, "articles": len(articles), "part": "test", "topics": {}}
    for topic, calibration in loaded.calibrations.items():
        pairs = [(cats[topic], topic in article.labels) for cats, article in zip(scores, articles, strict=True)]
        report["topics"][topic] = measure(pairs, calibration.threshold)
    return report


def measure(pairs: Sequence[tuple[float, bool]], threshold: float) -> dict[str, Any]:
    """Of (score, truth)."""
    hit = sum(score >= threshold and true for score, true in pairs)
    told, true_ones = sum(score >= threshold for score, _ in pairs), sum(true for _, true in pairs)
    precision, recall = hit / told if told else 0.0, hit / true_ones if true_ones else 0.0
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    brier = sum((score - true) ** 2 for score, true in pairs) / len(pairs) if pairs else 0.0
    figures = {"threshold": threshold, "precision": precision, "recall": recall, "f1": f1, "brier": brier}
    figures["calibration_error"] = _calibration_error(pairs)
    return {"positives": true_ones, **{name: round(value, 3) for name, value in figures.items()}}


def _calibration_error(pairs: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error over ten equal bins."""
    error = 0.0
    for at in range(10):
        inside = [(s, t) for s, t in pairs if at / 10 <= s < (at + 1) / 10 or (at == 9 and s == 1)]
        if inside:
            error += abs(sum(s for s, _ in inside) - sum(t for _, t in inside)) / len(pairs)
    return error


# ---------------------------------------------------------------- asking


@dataclass(frozen=True)
class TopicModel:
    """A loaded model. Not for several threads at once."""

    nlp: Any
    calibrations: Mapping[str, Calibration]
    id: str

    def scores(self, texts: Sequence[str]) -> Iterator[dict[str, float]]:
        """Calibrated scores by topic, for texts as `features` gives them."""
        for cats in raw_scores(self.nlp, texts):
            yield {topic: calibration.score(cats[topic]) for topic, calibration in self.calibrations.items()}

    def evidence(self, text: str, topic: str, *, most: int = 3) -> tuple[tuple[int, int], ...]:
        """Where the words stand that weigh most for a topic, best first: (start, end) into the features.

        The model is linear in its words and pairs of words, so each is asked by itself.
        """
        with self.nlp.memory_zone():
            tokens = [token for token in self.nlp.make_doc(text) if not token.is_space][:300]
            spans = [(a, b) for a, b in itertools.pairwise(tokens) if a.is_alpha and b.is_alpha]
            words = [f"{a.text} {b.text}" for a, b in spans]
            places = [(a.idx, b.idx + len(b.text)) for a, b in spans]
            empty = next(raw_scores(self.nlp, ["."], zone=False))[topic]
            gains = [cats[topic] - empty for cats in raw_scores(self.nlp, words, zone=False)]
        best: list[tuple[int, int]] = []
        for gain, place in sorted(zip(gains, places, strict=True), key=lambda pair: -pair[0]):
            if gain <= 0 or len(best) == most:
                break
            if all(place[1] <= start or end <= place[0] for start, end in best):
                best.append(place)
        return tuple(best)


def raw_scores(nlp: Any, texts: Sequence[str], *, zone: bool = True) -> Iterator[dict[str, float]]:
    """In batches inside a memory zone: without it every new word of every article would stay for good."""
    pipe = nlp.get_pipe("textcat_multilabel")

    def run(batch: Sequence[str]) -> list[dict[str, float]]:
        docs: list[Doc] = [nlp.make_doc(text) for text in batch]
        pipe.set_annotations(docs, pipe.predict(docs))
        return [dict(doc.cats) for doc in docs]

    for start in range(0, len(texts), 64):
        batch = texts[start : start + 64]
        if zone:
            with nlp.memory_zone():
                found = run(batch)
        else:
            found = run(batch)
        yield from found


def load_model(folder: Path | None = None) -> TopicModel:
    """The shipped model, or one that `topics train` wrote. Raises DataProblem."""
    folder = folder or SHIPPED
    try:
        nlp = spacy.load(folder)
        body = json.loads((folder / "calibration.json").read_text())
        calibrations = {t: Calibration(**{**c, "review": tuple(c["review"])}) for t, c in body.items()}
    except (OSError, ValueError, TypeError) as error:
        raise DataProblem(f"{folder}: not a topic model ({error}); `wirewatch topics train` writes one") from error
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(path.read_bytes())
    return TopicModel(nlp, calibrations, f"{nlp.meta['name']}-{nlp.meta['version']}-{digest.hexdigest()[:12]}")


def _files(folder: Path) -> Iterable[Path]:
    return [folder / "textcat_multilabel" / "model", folder / "calibration.json"]
