"""The keys that sign the links in mails: made by us, kept in the record, known to every process of the desk."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.schema import signing_key

KEY_BYTES: Final = 32
VALID: Final = 2  # the newest signs, the one before it is still read: its links are in people's mails


def find_signing_keys(connection: Connection) -> list[bytes]:
    """Those whose links are followed, the newest first; none before a desk's first start with links."""
    newest = select(signing_key.c.key).order_by(signing_key.c.id.desc()).limit(VALID)
    return [base64.b64decode(row.key) for row in connection.execute(newest)]


def bring_signing_key(store: Store) -> bytes:
    """The newest; made at the first call. Of processes that call at once one makes it, and all agree."""
    with store.reading() as connection:
        held = find_signing_keys(connection)
    if held:
        return held[0]
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        return (find_signing_keys(connection) or [_add(connection, now=read_clock(connection))])[0]


def renew_signing_key(store: Store) -> bytes:
    """A new one. Links by the key before stay good; those by older ones do not."""
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        return _add(connection, now=read_clock(connection))


def _add(connection: Connection, *, now: datetime) -> bytes:
    key = secrets.token_bytes(KEY_BYTES)
    connection.execute(insert(signing_key).values(key=base64.b64encode(key).decode(), created_at=now))
    return key
