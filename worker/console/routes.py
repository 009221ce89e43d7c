"""The console's routes: the desk's page, an alert's page, the probes, feeds, and what links in mails lead to.

Reads only, but for those links; `door` lets in who has the key.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from worker import health
from worker.config.schema import Config
from worker.console.access import bring_key
from worker.console.doing import Doing, add_links
from worker.console.door import Door
from worker.console.feeds import add_feeds
from worker.console.guesses import Guesses
from worker.console.pages import page, plain_page, unreadable
from worker.console.probes import add_probes
from worker.console.views.alerts import alert_view, member_views, message_views, quiet_lines
from worker.console.views.articles import article_view
from worker.console.views.deliveries import delivery_view
from worker.console.views.feeds import feeds_view, held_view
from worker.console.views.names import Names, names_of
from worker.console.words import zone_city, zone_name
from worker.store.engine import DATABASE_ERRORS, Store
from worker.store.latest import AlertWhole, Latest, find_alert, read_latest

FIRST = {"alerts": 10, "articles": 18, "deliveries": 10}  # shown at once; the rest of the newest fifty opens by a click


def make_console(store: Store, config: Config, *, data: Path, on_ready: Callable[[], None]) -> FastAPI:
    """`data` holds the key. `on_ready` is called when the first request may come. Raises NoKey."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        on_ready()
        yield

    console = FastAPI(
        title="Wirewatch",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={HTTPException: not_there},
    )
    console.add_middleware(Door, key=bring_key(data), public_url=config.settings.public_url)
    console.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    show_alert = add_pages(console, store, config)
    add_probes(console, store, config)
    guesses = Guesses()
    add_feeds(console, store, config, guesses)
    add_links(console, Doing(store, config, guesses, show_alert))
    return console


def add_pages(console: FastAPI, store: Store, config: Config) -> Callable[..., Response]:
    """The pages for people. A record that cannot be read is a plain page and a line in the log; so is a flaw of ours,
    which `door` tells of. Returns what makes an alert's page."""
    names = names_of(config)

    @console.get("/")
    def desk(request: Request) -> Response:
        try:
            found = read_latest(store, feeds_page=page_number(request.query_params.get("feeds", "")))
            state = health.look(store, config)
        except DATABASE_ERRORS:
            return unreadable("desk")
        return page("desk.html", health=state, **desk_views(found, names))

    @console.get("/alerts/{public_id}")
    def alert(public_id: str) -> Response:
        try:
            return show_alert(public_id)
        except DATABASE_ERRORS:
            return unreadable("alert")

    def show_alert(public_id: str, *, inside: bool = True) -> Response:
        """Not `inside`: for who came by a link; to whom else it was sent is not their business."""
        found = find_alert(store, public_id)
        if found is None:
            return plain_page(404, "No such alert", "This desk has no alert of that name.", inside=inside)
        return page("alert.html", inside=inside, **alert_views(found, names), **when(found.now, names))

    return show_alert


def alert_views(found: AlertWhole, names: Names) -> dict[str, Any]:
    tried = found.attempts
    return dict(
        alert=alert_view(found.alert, names, found.now),
        messages=message_views(found, names),
        quiet=quiet_lines(found, names),
        members=member_views(found, names),
        deliveries=[delivery_view(row, names, found.now, tried.get(row.id, ())) for row in found.alert.deliveries],
    )


def desk_views(found: Latest, names: Names) -> dict[str, Any]:
    now = found.now
    troubled = {row.id for row in found.troubled}
    return when(now, names) | dict(
        alerts=[alert_view(one, names, now) for one in found.alerts],
        articles=[article_view(one, names, now) for one in found.articles],
        feeds=feeds_view(found.feeds, names, now),
        held=[held_view(row, names, now) for row in found.holds],
        troubled=[delivery_view(row, names, now) for row in found.troubled],
        deliveries=[delivery_view(row, names, now) for row in found.deliveries if row.id not in troubled],
        first=FIRST,
    )


def when(now: Any, names: Names) -> dict[str, Any]:
    """The moment that a page shows, and whose clock it is."""
    return {
        "updated": names.at(now, now, seconds=True),
        "zone": zone_name(names.zone, now),
        "city": zone_city(names.zone),
    }


def page_number(text: str) -> int:
    """1 for whatever is no number: an address typed wrong still shows the desk."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def not_there(_: Request, error: Any) -> Response:
    if error.status_code == 404:
        return plain_page(404, "Nothing here", "There is no page at this address.")
    return plain_page(error.status_code, "Not possible", "This address cannot be asked for in this way.")
