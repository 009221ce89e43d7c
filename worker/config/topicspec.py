"""What a topic is, in topics.yaml: one that the model knows, or one of the desk's own, by terms and examples.

Pure. Decides what a topic and an example may be; what needs the model's own list of topics stands in `topicchecks`.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from worker.config.rulespec import Model
from worker.config.values import Band, Form, Line, Slug

MOST_TERMS = 500
MOST_EXAMPLES = 1_000  # beyond, `wirewatch topics train` makes a model of them
HEAVIEST = 10.0
YES, NO = ("yes", "true"), ("no", "false")


def _weighted(value: Any) -> Any:
    """A list of terms as each of weight 1."""
    if not isinstance(value, list | tuple):
        return value
    if not all(isinstance(term, str) for term in value):
        raise ValueError("write the terms as a list of words and phrases, or as `term: weight`")
    twice = next((term for n, term in enumerate(value) if term in value[:n]), None)
    if twice is not None:
        raise ValueError(f"{twice!r} is given twice; keep one")
    return dict.fromkeys(value, 1.0)


def _weights(value: dict[str, float]) -> dict[str, float]:
    for term, weight in value.items():
        if not 0 < abs(weight) <= HEAVIEST:  # nor is it no number, which YAML writes .nan
            raise ValueError(f"{term!r}: a weight is from -10 to 10, and not 0; 1 is usual")
    if len(value) > MOST_TERMS:
        raise ValueError(f"more than {MOST_TERMS} terms")
    if value and max(value.values()) < 0:
        raise ValueError("every weight is below 0, so nothing would speak for the topic")
    return value


def _labelled(value: Any) -> Any:
    text = str(value).lower()
    if text not in YES + NO:
        raise ValueError("write yes or no: is it on the topic?")
    return text in YES


Label = Annotated[bool, BeforeValidator(_labelled), Form("`yes` or `no`")]
Terms = Annotated[
    dict[str, float], BeforeValidator(_weighted), AfterValidator(_weights), Form("list, or `term: weight`")
]


class TopicExample(Model):
    title: Line = Field(description="the headline")
    text: str = Field(default="", max_length=20_000, description="what the feed says besides, where it says more")
    label: Label = Field(description="whether it is on the topic")


class TopicSpec(Model):
    """`threshold` and `review` (low, high) replace what the model, or the examples, set, where given. `examples` are
    those of the file where one is named."""

    id: Slug = Field(description="a topic that the model knows, or one of your own")
    name: Line = Field(description="its name in alerts")
    description: str = Field(default="", description="what belongs to it, for whoever reads the file")
    threshold: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="from which score an article is on the topic; left out, the model's own, or what the examples set",
    )
    review: Band | None = Field(
        default=None, description="scores between these two are marked as unsure; left out, as the threshold"
    )
    terms: Terms = Field(
        default={},
        description="of a topic of your own: words and phrases that speak for it, with weights (1 where only listed), "
        "or against it, below 0. In any language; `*` ends a word of which the beginning is enough",
    )
    examples: tuple[TopicExample, ...] = Field(
        default=(),
        max_length=MOST_EXAMPLES,
        description="of a topic of your own: English headlines with `label: yes` or `no`, 10 to 50 of them; or the "
        "name of a file beside this one, with one a line as JSON",
    )


def read_example(line: str) -> TopicExample:
    """One line of a file of examples. Raises ValueError with words that say what to do."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError('not an example; write {"title": "…", "label": "yes"}')
    try:
        return TopicExample.model_validate({name: value[name] for name in value if name in TopicExample.model_fields})
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        name = ".".join(map(str, found["loc"]))
        words = "missing; write title and label" if found["type"] == "missing" else str(found["msg"])
        raise ValueError(f"{name}: {words.removeprefix('Value error, ')}") from None
