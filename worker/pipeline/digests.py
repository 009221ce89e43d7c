"""Digests on overflow: more alerts than a person reads one by one go in one message; critical ones never do.

Folded in one transaction: after a crash each waits by itself, or in the digest, and never in two.
"""

from __future__ import annotations

from typing import Any

import structlog

from worker.alerts.render_digest import DigestLine
from worker.pipeline.runtime import Runtime
from worker.store import channels, digests
from worker.store.engine import Connection, read_clock
from worker.store.lease import new_token

log = structlog.get_logger()
MOST = 2_000  # alerts in one digest: a second's work in its transaction


def fold_overflow(runtime: Runtime) -> None:
    specs = (spec for spec in runtime.config.channels if spec.id in runtime.channels)
    limits = {spec.id: over for spec in specs if (over := getattr(spec, "digest_over", 0))}
    for channel_id, recipient in digests.crowded(runtime.store, limits) if limits else ():
        try:
            with runtime.store.writing() as connection:
                _fold(runtime, connection, channel_id, recipient, over=limits[channel_id])
        except Exception:
            log.exception("digest_not_made", channel=channel_id)  # each goes out by itself


def _fold(runtime: Runtime, connection: Connection, channel_id: str, recipient: str, *, over: int) -> None:
    (standing,) = channels.lock_channels(connection, [channel_id])
    now = read_clock(connection)
    if not channels.is_open(standing, now):
        return
    rows = digests.foldable(connection, channel_id, recipient, now=now, limit=MOST)
    if len(rows) <= max(over, 1):
        return
    channel: Any = runtime.channels[channel_id]  # of a kind whose bounds say `digest_over`
    lines = [_line(runtime, row) for row in rows]
    message = channel.render_digest(lines, recipient=recipient, message_id=new_token(), now=now)
    since = max(row.since for row in rows)  # none of them is given up before its time
    digest = digests.save_digest(connection, channel, message, [row.id for row in rows], now=now, since=since)
    log.info("digest_made", channel=channel_id, digest=digest, alerts=len(rows))


def _line(runtime: Runtime, row: Any) -> DigestLine:
    names = {rule.id: rule.name for rule in runtime.config.rules}
    return DigestLine(
        title=row.title,
        severity=row.severity,
        rule_name=names.get(row.rule_id, row.rule_id),
        at=row.created_at,
        alert_id=row.alert,
        url=row.url or "",
        kind=row.kind,
    )
