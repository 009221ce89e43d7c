"""The feeds to subscribe to, at addresses that hold their key: readers bring no cookie. Reads only."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI, Request, Response

from worker.config.schema import Config, FeedChannel
from worker.console.access import FEEDS_FOLDER, same
from worker.console.guesses import Guesses
from worker.console.pages import plain_page, unreadable
from worker.delivery.syndication import FORMATS, Head, read_entry
from worker.store.engine import DATABASE_ERRORS, Store
from worker.store.published import newest_published

ENTRIES: Final = 100
NO_FEED: Final = "There is no feed at this address."


def add_feeds(console: FastAPI, store: Store, config: Config, guesses: Guesses) -> None:
    """A wrong key and a feed that there is not have one answer."""
    channels = {one.id: one for one in config.channels if isinstance(one, FeedChannel) and one.enabled}

    @console.get(f"{FEEDS_FOLDER}{{channel}}/{{name}}")
    def feed(channel: str, name: str, request: Request) -> Response:
        key, _, ending = name.rpartition(".")
        spec = channels.get(channel)
        if spec is None or ending not in FORMATS or not same(key, spec.key.reveal()):
            return guesses.refuse() or plain_page(
                404, "Nothing here", "There is no feed at this address.", inside=False
            )
        try:
            with store.reading() as connection:
                entries = [read_entry(body) for body in newest_published(connection, channel, limit=ENTRIES)]
        except DATABASE_ERRORS:
            return unreadable("feed")
        entries.sort(key=lambda entry: entry.updated, reverse=True)
        public_url = config.settings.public_url
        address = f"{public_url}{FEEDS_FOLDER}{channel}/{name}" if public_url else ""
        head = Head(f"urn:wirewatch:feed:{channel}", spec.title, address)
        kind, write = FORMATS[ending]
        return as_asked(request.headers, write(head, entries), kind)


def as_asked(asked: Mapping[str, str], document: bytes, kind: str) -> Response:
    """The document, or that it is the one that the reader has. By its tag alone: two alerts of one second have the same
    time."""
    tag = f'"{hashlib.sha256(document).hexdigest()[:32]}"'
    headers = {"ETag": tag}
    held = {one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")}
    if held & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(document, 200, headers, media_type=kind)
