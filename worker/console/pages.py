"""Templates to pages: everything is escaped, a name that a template misses is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from worker import __version__

log = structlog.get_logger()

TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.globals["version"] = __version__


def page(name: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
    return HTMLResponse(TEMPLATES.get_template(name).render(shown), status_code=status)


def plain_page(status: int, heading: str, *lines: str, inside: bool = True) -> HTMLResponse:
    """A page of a few sentences: what is not there, or went wrong, and what to do. Not `inside`: for who came by a link
    or a feed's address, and has no key to the console."""
    return page("plain.html", status=status, heading=heading, lines=lines, inside=inside)


def unreadable(what: str) -> HTMLResponse:
    """Inside an `except`: a record that cannot be read is a plain page and a line in the log."""
    log.exception("record_not_read", page=what)
    return plain_page(
        503,
        "The record cannot be read",
        "The database does not answer, or not as it should. What is stored is safe; this page comes back when it does.",
        "The log says what went wrong. If DATABASE_URL is set, see whether that server runs.",
    )
