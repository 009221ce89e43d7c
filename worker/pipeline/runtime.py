"""What every step needs, made once by worker/app.py and never changed: a new watchlist makes a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from worker.config.schema import Config
from worker.delivery.channel import Channel
from worker.feeds.fetch import Fetcher
from worker.feeds.pages import PageReader
from worker.feeds.parse import Parser
from worker.feeds.recent import Recent
from worker.model import ArticleText, Judgement
from worker.store.engine import Store
from worker.store.remembered import Memory


class Judges(Protocol):
    """`missing` says why the topic model could not be loaded: then what it should judge is judged by names alone."""

    @property
    def missing(self) -> str: ...
    @property
    def model_ids(self) -> frozenset[str]: ...
    def look_again(self, *, every: float) -> None: ...
    def judge_many(self, articles: list[ArticleText]) -> list[Judgement]: ...
    def with_names(self, index: Any) -> Judges: ...


def no_hint(queue: str) -> None:
    """The default hint: nothing. The worker's own timer finds the work."""


@dataclass(frozen=True)
class Runtime:
    """`judge` is a function so that only the process that analyses ever loads the language model. `check_in` hears that
    a tick's work is done (True) or has failed; None where nobody listens. `recent` are the waits promised to
    publishers, which hold whatever the clock says; None where time is simulated. `memory` is what this process knows of
    the last days' stories between two batches."""

    config: Config
    config_version: int
    store: Store
    fetcher: Fetcher
    parser: Parser
    channels: Mapping[str, Channel]
    judge: Callable[[], Judges]
    data: Path
    hint: Callable[[str], None] = no_hint
    check_in: Callable[[bool], None] | None = None
    recent: Recent | None = None
    page_reader: PageReader = field(default_factory=PageReader)
    memory: Memory = field(default_factory=Memory)
