"""What machines ask: /healthz (is it well?), /readyz (may it be sent requests?), /metrics.

The first two are open, so they name nobody. /metrics names rules, channels and hosts: `door` asks for the key.
"""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Response

from worker import health
from worker.config.schema import Config
from worker.console.scrape import CONTENT_TYPE, scrape
from worker.store.engine import Store
from worker.store.migrate import schema_trouble

log = structlog.get_logger()


def add_probes(console: FastAPI, store: Store, config: Config) -> None:
    """`config` knows how long leases and intervals are."""

    @console.get("/healthz")
    def healthz(response: Response) -> dict[str, object]:
        """200 while the record can be read, also when degraded: a restart would not mend a failing feed."""
        try:
            return health.look(store, config).as_json()
        except Exception as error:
            response.status_code = 503
            return {"status": "down", "reasons": [health.unreadable(error)]}

    @console.get("/readyz")
    def readyz(response: Response) -> dict[str, object]:
        """200 when the record can be read, and has the schema that this program works with."""
        try:
            reason = schema_trouble(store)
        except Exception as error:
            reason = health.unreadable(error)
        if reason is None:
            return {"status": "ready", "reasons": []}
        response.status_code = 503
        return {"status": "not ready", "reasons": [reason]}

    @console.get("/metrics")
    def metrics() -> Response:
        """503 when the record cannot be read: a gap says more than zeros would."""
        try:
            text = scrape(store, config)
        except Exception as error:
            log.warning("metrics_not_read", error=type(error).__name__)  # each scrape says so: no news for Sentry
            return Response(health.unreadable(error) + "\n", status_code=503, media_type="text/plain")
        return Response(text, headers={"Content-Type": CONTENT_TYPE})
