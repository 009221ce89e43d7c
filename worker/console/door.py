"""Every request comes through here, and every answer leaves through here: access, headers, and a page for each failure.

A new route is closed by itself: only what `access` names is open.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlencode

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.console.access import (
    FEEDS_FOLDER,
    KEY,
    KEY_FILE,
    LINKS_FOLDER,
    OPEN_FOLDER,
    Verdict,
    cookie_name,
    cookie_value,
    is_public,
    judge_request,
)
from worker.console.pages import page, plain_page

log = structlog.get_logger()

# A browser is started again far more often than a desk's key changes.
COOKIE_SECONDS: Final = 30 * 86_400
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Not "no-referrer" on a page with a button: a browser would then not say that the button was ours (Origin: null). What
# lies elsewhere learns nothing by this one either.
REFERRER_OF_LINKS: Final = "same-origin"
# Static files and feeds are asked for again and mostly answered "not modified": after an upgrade no old one is shown.
KEPT: Final = {OPEN_FOLDER: "no-cache", FEEDS_FOLDER: "private, no-cache"}


class Door:
    """ASGI middleware around everything. Nothing that a route raises reaches a browser."""

    def __init__(self, app: ASGIApp, *, key: str, public_url: str = "") -> None:
        self.app, self.key, self.public_url = app, key, public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":  # nothing here speaks by web socket
            return await send({"type": "websocket.close"})
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                _add_headers(MutableHeaders(scope=message), path=scope["path"])
            await send(message)

        try:
            await self._answer(scope, receive, send_with_headers)
        except Exception:
            log.exception("console_failed", path=shown_path(scope["path"]))
            if not started:
                await _broken()(scope, receive, send_with_headers)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        verdict = judge_request(request, key=self.key, public_url=self.public_url)
        if verdict is not Verdict.PASS:
            answer = refuse(verdict, request, key=self.key, public_url=self.public_url)
            return await answer(scope, receive, send)
        # A route answers GET; the server drops what follows the headers where HEAD was asked.
        method = "POST" if request.method == "POST" else "GET"
        await self.app(scope | {"method": method}, receive, send)


def refuse(verdict: Verdict, request: Request, *, key: str, public_url: str = "") -> Response:
    """The answer to what may not pass; of ENTER the cookie, and the way on."""
    if verdict is Verdict.ENTER:
        return _let_in(request, key=key, public_url=public_url)
    if verdict is Verdict.WRONG_HOST:
        also = f", and at {public_url}" if public_url else " only"
        return plain_page(421, "Wrong address", f"This console answers at 127.0.0.1 and localhost{also}.")
    if verdict is Verdict.WRONG_ORIGIN:
        words = "A page of another site asked for this. Open the link in your mail, and use the button there."
        return plain_page(403, "Nothing was done", words, inside=False)
    if verdict is Verdict.WRONG_METHOD:
        answer = plain_page(405, "Not possible", "This console only shows: it takes GET and HEAD.")
        answer.headers["Allow"] = "GET, HEAD"
        return answer
    answer = page("locked.html", status=401, wrong=verdict is Verdict.WRONG_KEY, key_file=KEY_FILE, field=KEY)
    answer.headers["WWW-Authenticate"] = 'Bearer realm="wirewatch"'
    return answer


def _let_in(request: Request, *, key: str, public_url: str) -> Response:
    in_public = is_public(request.headers.get("host", ""), public_url) and public_url.startswith("https:")
    answer = RedirectResponse(clean_address(request), status_code=303)
    answer.set_cookie(
        cookie_name(key),
        cookie_value(key),
        max_age=COOKIE_SECONDS,
        path="/",
        httponly=True,
        samesite="strict",
        secure=in_public or request.url.scheme == "https",
    )
    return answer


def clean_address(request: Request) -> str:
    """The same address without the key. One slash at its begin: two would lead to another host."""
    path = quote("/" + re.sub(r"^[/\\]+", "", request.scope["path"]))
    rest = urlencode([(name, value) for name, value in request.query_params.multi_items() if name != KEY])
    return f"{path}?{rest}" if rest else path


def _add_headers(headers: MutableHeaders, *, path: str) -> None:
    for name, value in HEADERS.items():
        headers[name] = value
    if path.startswith(LINKS_FOLDER):
        headers["Referrer-Policy"] = REFERRER_OF_LINKS
    headers["Cache-Control"] = next((kept for folder, kept in KEPT.items() if path.startswith(folder)), "no-store")


def shown_path(path: str) -> str:
    """For the log: of a link or a feed without what opens it."""
    secret = path.startswith((LINKS_FOLDER, FEEDS_FOLDER))
    return f"{path[: path.index('/', 1)]}/…" if secret else path


def _broken() -> Response:
    return plain_page(500, "Something went wrong", "The page could not be made; the log says why. Please report it.")
