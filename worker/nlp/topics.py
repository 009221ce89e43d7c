"""The topic model: how an article becomes features, how the model is trained, calibrated, measured and asked.

A spaCy pipeline whose one component, `textcat_multilabel`, weighs words and pairs of words (`wordpairs`). Scores are
calibrated by Platt's method, and thresholds set, on articles of weeks that the scoring model was not trained on.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import spacy

from worker.errors import WirewatchError
from worker.model import ArticleText
from worker.nlp.calibration import Calibration, calibrate, platt
from worker.nlp.fitting import fit
from worker.nlp.measure import Pairs, drawn, measure
from worker.nlp.wordpairs import COMMON, WORD, Features, logistic, margins, read, shares

SHIPPED: Final = Path(__file__).parent / "model"
NAME: Final = "wirewatch-topics"
VERSION: Final = "3"
LETTERS: Final = 3_000  # of title and text: the lede carries the topic, and cost stays bounded
FOLDS: Final = 5  # each model of the cross-validation learns from four fifths
LEAST: Final = 2 * FOLDS  # articles to train on: below it a fold may teach nothing
LAST_LATIN: Final = "\u0250"  # with the letters of Western and Eastern Europe, Turkey and Vietnam (not composed: more)
BATCH: Final = 64  # articles a memory zone
TOKENIZER: Final = {"nlp": {"tokenizer": {"@tokenizers": "wirewatch.Words.v1"}}}
PIPE: Final = {"threshold": 0.5, "model": {"@architectures": "wirewatch.WordPairs.v1"}}
TRIAL: Final = "talks on the border\nThe minister said that the talks go on."


UNTITLED: Final = ArticleText(id="", title="")


class DataProblem(WirewatchError):
    """Labelled articles that cannot be used; names the file and line."""


@dataclass(frozen=True)
class Labelled:
    """`headline` is what the model reads of it in a feed that sends no more than headlines; `week` is the ISO week
    of its date, or its id where the file gives no date."""

    id: str
    week: str
    text: str
    headline: str
    labels: frozenset[str]
    article: ArticleText = UNTITLED  # as it was given
    unsure: bool = False  # its reader was
    measured: bool = True  # or only learned from, as what was drawn or written to be hard is

    @property
    def mark(self) -> str:
        """Tells the same text again, under any id, without holding it."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


def features(title: str, text: str) -> str:
    """What the model reads. A lone surrogate, which no encoder takes, is a question mark."""
    return f"{title}\n{text}"[:LETTERS].lower().encode("utf-8", "replace").decode()


def is_readable(text: str) -> bool:
    """Whether the model can say anything on it: it has read Latin letters only, and of others knows nothing."""
    letters = {character: count for character, count in Counter(text[:LETTERS]).items() if character.isalpha()}
    latin = sum(count for character, count in letters.items() if character < LAST_LATIN)
    return latin > sum(letters.values()) / 2


def read_labelled(path: Path) -> list[Labelled]:
    """JSON lines of {id, title, text, labels} and, if known, date; "measure": false to be only learned from. Raises
    DataProblem."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            found = [_labelled(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataProblem(f"{path}: cannot be read ({type(error).__name__})") from error
    if not found:
        raise DataProblem(f"{path}: holds no labelled article")
    return found


def _labelled(path: Path, number: int, line: str) -> Labelled:
    try:
        value = json.loads(line)
        article = read_article(value, identity=str(value["id"]))
        return Labelled(
            id=article.id,
            week=_week(value),
            text=features(article.title, article.text),
            headline=features(article.title, ""),
            labels=_labels(value["labels"]),
            article=article,
            unsure=value.get("unsure") is True,
            measured=value.get("measure") is not False,
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        words = "needs id, title, text and labels"
        raise DataProblem(f"{path}:{number}: not a labelled article ({error!r}): {words}") from error


def read_article(value: Mapping[str, Any], *, identity: str) -> ArticleText:
    """One line's article. Raises KeyError or TypeError for what is none: a number where the judge wants text."""
    title, text, language = value["title"], value.get("text") or "", value.get("language") or None
    for name, given in (("title", title), ("text", text), ("language", language or "")):
        if not isinstance(given, str):
            raise TypeError(f"{name} must be text")
    return ArticleText(identity, title, text, language=language)


def _labels(value: Any) -> frozenset[str]:
    """One word is no list of its letters."""
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise TypeError("labels must be a list of topics")
    return frozenset(value)


def _week(value: Mapping[str, Any]) -> str:
    try:
        year, week, _ = date.fromisoformat(str(value.get("date"))[:10]).isocalendar()
    except ValueError:
        return str(value["id"])
    return f"{year}-{week}"


# ---------------------------------------------------------------- training


def train(data: Path, out: Path) -> dict[str, Any]:
    """Writes a model of all articles to `out`, and returns its cross-validated figures. Deterministic.

    The figures come from models that had not seen the article's week: news of an event is learned by heart, and
    next week's event is another. Every article is learned twice, whole and as its headline alone: feeds send either.
    """
    articles = read_labelled(data)
    topics = sorted({label for article in articles for label in article.labels})
    if not topics:
        raise DataProblem(f"{data}: no article has a label")
    if len(articles) < LEAST:
        raise DataProblem(f"{data}: {len(articles)} articles are too few to learn from; give {LEAST} or more")
    lesson = _lesson(articles, topics)
    folds = fold(articles)
    raws, headlines = _unseen_scores(lesson, folds, topics)
    measured = np.array([article.measured for article in articles])
    raws, headlines, folds, truth = raws[measured], headlines[measured], folds[measured], lesson.truth[measured]
    calibrations = {topic: calibrate(raws[:, at], truth[:, at]) for at, topic in enumerate(topics)}
    report: dict[str, Any] = {"articles": len(articles), "measured": int(measured.sum()), "folds": FOLDS}
    asked = {"topics": raws, "headlines": headlines}
    validated = {name: _validated(raws, one, truth, folds, calibrations) for name, one in asked.items()}
    report |= {name: _figures(pairs, calibrations) for name, pairs in validated.items()}
    report["detail"] = {topic: _drawn(pairs, calibrations[topic]) for topic, pairs in validated["topics"].items()}
    nlp = _pipeline(topics)
    _fit(nlp, lesson, np.full(len(articles), True))
    _write(out, nlp, calibrations, {**report, "seen": sorted({article.mark for article in articles})})
    return {"model": load_model(out).id, **report}


@dataclass(frozen=True)
class Lesson:
    """What is learned from, an article a place: its features whole and by its headline, its row of topics."""

    wholes: Sequence[Features]
    headlines: Sequence[Features]
    truth: np.ndarray


def _lesson(articles: Sequence[Labelled], topics: Sequence[str]) -> Lesson:
    headlines = [read(WORD.findall(article.headline)) for article in articles]
    return Lesson(
        wholes=[
            headline if article.text == article.headline else read(WORD.findall(article.text))
            for article, headline in zip(articles, headlines, strict=True)
        ],
        headlines=headlines,
        truth=np.array([[topic in article.labels for topic in topics] for article in articles]),
    )


def _fit(nlp: Any, lesson: Lesson, chosen: np.ndarray) -> Any:
    """Sets the weights of the pipeline's one layer from the chosen articles; returns the layer."""
    model = nlp.get_pipe("textcat_multilabel").model
    places = np.flatnonzero(chosen)
    wholes, headlines = ([part[at] for at in places] for part in (lesson.wholes, lesson.headlines))
    again = {at: headline for at, headline in enumerate(headlines) if headline is not wholes[at]}
    fit(model, wholes, lesson.truth[places], again=again)
    return model


def fold(articles: Sequence[Labelled]) -> np.ndarray:
    """Each article's fold, whole weeks together: the largest first, each to the emptiest fold.

    By the article alone where there are too few weeks to share out.
    """
    weeks = [article.week for article in articles]
    if len(set(weeks)) < LEAST:
        weeks = [article.id for article in articles]
    sizes = {week: weeks.count(week) for week in weeks}
    filled, place = [0] * FOLDS, {}
    for week in sorted(sizes, key=lambda week: (-sizes[week], hashlib.sha256(week.encode()).digest())):
        place[week] = filled.index(min(filled))
        filled[place[week]] += sizes[week]
    return np.array([place[week] for week in weeks])


def _unseen_scores(lesson: Lesson, folds: np.ndarray, topics: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Raw scores of wholes and of headlines, a row an article and a column a topic, by models of the other folds."""
    wholes, headlines = np.zeros(lesson.truth.shape), np.zeros(lesson.truth.shape)
    for number in range(FOLDS):
        model = _fit(_pipeline(topics), lesson, folds != number)
        for at in np.flatnonzero(folds == number):
            wholes[at] = logistic(margins(model, lesson.wholes[at]))
            headlines[at] = logistic(margins(model, lesson.headlines[at]))
    return wholes, headlines


def _validated(
    raws: np.ndarray, asked: np.ndarray, truth: np.ndarray, folds: np.ndarray, calibrations: Mapping[str, Calibration]
) -> dict[str, list[tuple[float, bool]]]:
    """(score, truth) of the asked raw scores by topic, each fold calibrated by the others' `raws`."""
    found: dict[str, list[tuple[float, bool]]] = {topic: [] for topic in calibrations}
    for at, (topic, shipped) in enumerate(calibrations.items()):
        for number in range(FOLDS):
            others, own = folds != number, folds == number
            a, b = platt(raws[others, at].tolist(), truth[others, at].tolist())
            score = Calibration(a, b, shipped.threshold, shipped.review).score
            found[topic] += zip(map(score, asked[own, at].tolist()), truth[own, at].tolist(), strict=True)
    return found


def _figures(validated: Mapping[str, Pairs], calibrations: Mapping[str, Calibration]) -> dict[str, Any]:
    """By the shipped thresholds."""
    return {topic: measure(pairs, calibrations[topic].threshold) for topic, pairs in validated.items()}


def _drawn(pairs: Pairs, calibration: Calibration) -> dict[str, Any]:
    low, high = calibration.review
    said = [(score >= calibration.threshold, low <= score < high, true) for score, true in pairs]
    return drawn(pairs, said, calibration.review)


def _pipeline(topics: Sequence[str]) -> Any:
    nlp = spacy.blank("xx", config=TOKENIZER)
    nlp.meta.update(name=NAME, version=VERSION)
    pipe = nlp.add_pipe("textcat_multilabel", config=PIPE)
    for topic in topics:
        pipe.add_label(topic)
    return nlp


def _write(out: Path, nlp: Any, calibrations: Mapping[str, Calibration], training: Mapping[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    nlp.to_disk(out)
    # The model reads hashes; the words that it was trained on are nobody's business.
    (out / "vocab" / "strings.json").write_text("[]\n")
    body = {topic: asdict(calibration) for topic, calibration in calibrations.items()}
    (out / "calibration.json").write_text(json.dumps(body, indent=1) + "\n")
    (out / "training.json").write_text(json.dumps(training, indent=1) + "\n")


def read_training(folder: Path) -> dict[str, Any]:
    """What a model says of its own training: the articles' marks, and the figures of its cross-validation. `detail` is
    empty for a model of before there were pictures. Raises DataProblem."""
    try:
        body = json.loads((folder / "training.json").read_text())
        figures = {name: body[name] for name in ("topics", "headlines")}
        return {"seen": frozenset(body["seen"]), **figures, "detail": body.get("detail", {})}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataProblem(f"{folder}: does not say what it was trained on ({error!r}); train it again") from error


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

    def known_share(self, text: str) -> float:
        """How much of the text's different words the model has a weight for; 0 for one in other letters."""
        found = read(WORD.findall(text))
        if not found.single or not is_readable(text):
            return 0.0
        keys = self.nlp.get_pipe("textcat_multilabel").model.get_param("keys")
        return float(np.isin(found.stems, keys).mean())

    def evidence(self, text: str, topic: str, *, most: int = 3) -> tuple[tuple[int, int], ...]:
        """Where the words stand that weigh most for a topic, best first: (start, end) into the features.

        Shares are exact, for the model is linear; the strongest words that stand side by side are one phrase.
        """
        places = [match.span() for match in WORD.finditer(text)]
        words = [text[start:end] for start, end in places]
        pipe = self.nlp.get_pipe("textcat_multilabel")
        gains = shares(pipe.model, words, pipe.labels.index(topic), found=read_text(text))
        telling = [at for at in range(len(words)) if gains[at] > 0 and words[at] not in COMMON]
        phrases: list[list[int]] = []
        for at in sorted(sorted(telling, key=lambda at: -gains[at])[: 2 * most]):
            if phrases and phrases[-1][-1] == at - 1:
                phrases[-1].append(at)
            else:
                phrases.append([at])
        phrases.sort(key=lambda phrase: -sum(gains[phrase]))
        return tuple((places[phrase[0]][0], places[phrase[-1]][1]) for phrase in phrases[:most])


@functools.lru_cache(maxsize=BATCH)  # who has scored a batch asks for the evidence of some of it
def read_text(text: str) -> Features:
    return read(WORD.findall(text))


def raw_scores(nlp: Any, texts: Sequence[str]) -> Iterator[dict[str, float]]:
    """As the pipeline's own `doc.cats`, by its layer alone: to make a Doc of a text costs more than the layer does, and
    every new word would keep its place in the vocabulary. What else may come to stand there, the memory zone frees."""
    pipe = nlp.get_pipe("textcat_multilabel")
    for start in range(0, len(texts), BATCH):
        with nlp.memory_zone():
            found = [logistic(margins(pipe.model, read_text(text))).tolist() for text in texts[start : start + BATCH]]
        yield from (dict(zip(pipe.labels, scores, strict=True)) for scores in found)


def load_model(folder: Path | None = None) -> TopicModel:
    """The shipped model, or one that `topics train` wrote; it has answered once. Raises DataProblem."""
    folder = folder or SHIPPED
    try:
        model = _load(folder)
        list(model.scores([TRIAL]))
    except Exception as error:  # of a damaged file, whatever its reader stumbles over
        raise DataProblem(f"{folder}: not a topic model ({error}); `wirewatch topics train` writes one") from error
    return model


def _load(folder: Path) -> TopicModel:
    nlp = spacy.load(folder)
    body = json.loads((folder / "calibration.json").read_text())
    calibrations = {t: Calibration(**{**c, "review": tuple(c["review"])}) for t, c in body.items()}
    digest = hashlib.sha256()
    for path in _files(folder):
        digest.update(path.read_bytes())
    return TopicModel(nlp, calibrations, f"{nlp.meta['name']}-{nlp.meta['version']}-{digest.hexdigest()[:12]}")


def _files(folder: Path) -> Iterable[Path]:
    return [folder / "textcat_multilabel" / "model", folder / "calibration.json"]
