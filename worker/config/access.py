"""How a feed's own server is asked: its headers, its password, what its certificate is checked by. Pure: no I/O."""

from __future__ import annotations

from pathlib import Path

from worker.config.schema import Config, FeedSpec
from worker.config.values import revealed
from worker.dialling import basic
from worker.guard import has_same_origin
from worker.model import Access


def access_of(config: Config, spec: FeedSpec | None, url: str) -> Access | None:
    """What goes along to `url`, where `spec` is polled now. None for nothing, and for another server than its own:
    whoever moves a feed elsewhere does not get its secrets."""
    if spec is None or not has_same_origin(spec.url, url):
        return None
    headers = {name: revealed(value) for name, value in spec.headers.items()}
    if spec.username or spec.password:
        headers["Authorization"] = basic(spec.username, revealed(spec.password))
    ca_file = str((config.folder or Path()) / spec.ca_file) if spec.ca_file else ""
    return Access(tuple(headers.items()), ca_file) if headers or ca_file else None
