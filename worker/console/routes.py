"""The console's routes: /healthz tells a probe or a person whether the desk works, in counts and plain words."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

from fastapi import FastAPI, Response

from worker import health
from worker.store.engine import Store


def make_console(store: Store, *, on_ready: Callable[[], None]) -> FastAPI:
    """`on_ready` is called when the first request may come."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        on_ready()
        yield

    console = FastAPI(title="Wirewatch", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @console.get("/healthz")
    def healthz(response: Response) -> dict[str, object]:
        """200 while the record can be read, also when degraded: a restart would not mend a failing feed."""
        response.headers["Cache-Control"] = "no-store"
        try:
            return health.look(store).as_json()
        except Exception as error:
            response.status_code = 503
            return {"status": "down", "reasons": [f"the database cannot be read: {type(error).__name__}"]}

    return console
