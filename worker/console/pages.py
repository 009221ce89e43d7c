"""Templates to pages: everything is escaped, a name that a template misses is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from worker import __version__

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


def plain_page(status: int, heading: str, *lines: str) -> HTMLResponse:
    """A page of a few sentences: what is not there, or went wrong, and what to do."""
    return page("plain.html", status=status, heading=heading, lines=lines)
