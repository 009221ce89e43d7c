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
VERSION: Final = "2"
SEED: Final = 7
EPOCHS: Final = 12
LETTERS: Final = 3_000  # of title and text: the lede carries the topic, and cost stays bounded
LAST_LATIN: Final = "\u0250"  # with the letters of Western and Eastern Europe, Turkey and Vietnam (not composed: more)
WORDS_HELD: Final = 200_000  # that a vocabulary has ever held before it makes room for a fresh one (20 ms)
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


def _logit(share: float) -> float:
    share = min(max(share, 1e-7), 1 - 1e-7)
    return math.log(share / (1 - share))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-min(max(x, -30.0), 30.0)))


@dataclass(frozen=True)
class Calibration:
    """One topic's raw score s becomes 1 / (1 + exp(-(a logit(s) + b))); `review` is the band where we are unsure."""

    a: float
    b: float
    threshold: float
    review: tuple[float, float]

    def score(self, raw: float) -> float:
        return _sigmoid(self.a * _logit(raw) + self.b)


@dataclass(frozen=True)
class Labelled:
    """`headline` is what the model reads of it in a feed that sends no more than headlines."""

    id: str
    text: str
    headline: str
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
    """What the model reads. A lone surrogate, which no encoder takes, is a question mark."""
    return f"{title}\n{text}"[:LETTERS].lower().encode("utf-8", "replace").decode()


def is_readable(text: str) -> bool:
    """Whether the model can say anything on it: it has read Latin letters only, and of others knows nothing."""
    letters = [character for character in text[:LETTERS] if character.isalpha()]
    latin = sum(character < LAST_LATIN for character in letters)
    return latin > len(letters) / 2


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
            title, text = value["title"], value.get("text") or ""
            found.append(Labelled(str(value["id"]), features(title, text), features(title, ""), labels))
        except (ValueError, KeyError, TypeError) as error:
            words = "needs id, title, text and labels"
            raise DataProblem(f"{path}:{number}: not a labelled article ({error!r}): {words}") from error
    if not found:
        raise DataProblem(f"{path}: holds no labelled article")
    return found


# ---------------------------------------------------------------- training


def train(data: Path, out: Path) -> dict[str, Any]:
    """Trains on 80 of 100 articles, calibrates on 10, measures on 10; writes the model to `out`. Deterministic.

    Every article is read twice, whole and as its headline alone: feeds send either.
    """
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
        Example.from_dict(nlp.make_doc(text), {"cats": {topic: topic in article.labels for topic in topics}})
        for article in articles
        for text in (article.text, article.headline)
    ]
    optimizer = nlp.initialize(lambda: examples)
    _start_from_prevalence(pipe, articles)
    for _ in range(EPOCHS):
        order.shuffle(examples)
        for batch in spacy.util.minibatch(examples, size=32):
            nlp.update(batch, sgd=optimizer)
    return nlp


def _start_from_prevalence(pipe: Any, articles: Sequence[Labelled]) -> None:
    """A text of which the model knows no word then scores as rare as the topic is, not one half."""
    (output,) = (node for node in pipe.model.walk() if node.has_param("b"))
    bias = output.get_param("b")
    for at, topic in enumerate(pipe.labels):
        bias[at] = _logit(sum(topic in article.labels for article in articles) / len(articles))
    output.set_param("b", bias)


def _calibrate(nlp: Any, articles: Sequence[Labelled], topic: str) -> Calibration:
    texts = [text for article in articles for text in (article.text, article.headline)]
    raws = [cats[topic] for cats in raw_scores(nlp, texts)]
    truth = [topic in article.labels for article in articles for _ in range(2)]
    a, b = platt(raws, truth)
    plain = Calibration(a, b, 0.5, (0.0, 1.0))
    scored = sorted(zip((plain.score(raw) for raw in raws), truth, strict=True), reverse=True)
    threshold = _best_threshold(scored)
    return Calibration(a, b, threshold, _review_band(scored, threshold))


def platt(raws: Sequence[float], truth: Sequence[bool]) -> tuple[float, float]:
    """Platt's fit by Newton's method with backtracking, his targets against certainty.

    Source: Platt 1999; Lin, Lin, Weng 2007.
    """
    positives = sum(truth)
    high, low = (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2)
    points = [(_logit(raw), high if true else low) for raw, true in zip(raws, truth, strict=True)]
    a, b, loss = 1.0, 0.0, _loss(points, 1.0, 0.0)
    for _ in range(100):
        da, db = _newton_step(points, a, b)
        step = 1.0
        while step > 1e-6 and _loss(points, a - step * da, b - step * db) > loss:
            step /= 2
        a, b = a - step * da, b - step * db
        before, loss = loss, _loss(points, a, b)
        if before - loss < 1e-9:
            break
    return a, b


def _loss(points: Sequence[tuple[float, float]], a: float, b: float) -> float:
    scored = ((_sigmoid(a * x + b), y) for x, y in points)
    return -sum(y * math.log(p) + (1 - y) * math.log(1 - p) for p, y in scored)


def _newton_step(points: Sequence[tuple[float, float]], a: float, b: float) -> tuple[float, float]:
    ga = gb = hab = 0.0
    haa = hbb = 1e-6
    for x, y in points:
        p = _sigmoid(a * x + b)
        w = max(p * (1 - p), 1e-9)
        ga, gb = ga + (p - y) * x, gb + (p - y)
        haa, hab, hbb = haa + w * x * x, hab + w * x, hbb + w
    determinant = haa * hbb - hab * hab
    return (hbb * ga - hab * gb) / determinant, (haa * gb - hab * ga) / determinant


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
    """Precision, recall, F1, Brier score and calibration error per topic, and the same by the headlines alone.

    On the held-out part of `data` when the model has seen that file's other parts, which is so by the ids for the file
    that it was trained on; other files share no ids, and their held-out part is a tenth of them.
    """
    loaded = load_model(model)
    articles = [article for article in read_labelled(data) if article.part == "test"]
    report: dict[str, Any] = {"model": loaded.id, "articles": len(articles), "part": "test"}
    for name, texts in (("topics", [a.text for a in articles]), ("headlines", [a.headline for a in articles])):
        scores = list(loaded.scores(texts))
        report[name] = {}
        for topic, calibration in loaded.calibrations.items():
            pairs = [(cats[topic], topic in article.labels) for cats, article in zip(scores, articles, strict=True)]
            report[name][topic] = measure(pairs, calibration.threshold)
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
        """Calibrated scores by topic, for texts as `features` gives them; 0 where the model cannot read the text."""
        for text, cats in zip(texts, raw_scores(self.nlp, texts), strict=True):
            known = is_readable(text)
            yield {t: calibration.score(cats[t]) if known else 0.0 for t, calibration in self.calibrations.items()}

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
    if zone:
        _renew_vocabulary(nlp)

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


def _renew_vocabulary(nlp: Any) -> None:
    """A memory zone frees its words, but the table that held them keeps their places: 30 MB for a million."""
    if len(nlp.vocab) > WORDS_HELD:
        fresh = type(nlp)()
        nlp.vocab, nlp.tokenizer = fresh.vocab, fresh.tokenizer


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
