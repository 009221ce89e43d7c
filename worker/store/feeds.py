"""Feeds and their polls: who is due, what a poll brought. Articles and validators are saved in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam, case, delete, func, insert, select, update

from worker.alerts.decide import is_old
from worker.feeds.shown import MOST_COUNTED
from worker.model import (
    ArticleKey,
    ArticleState,
    ChangedArticle,
    FeedUpdate,
    KeyKind,
    KnownArticle,
    NewArticle,
)
from worker.store.engine import Lock, Store, read_clock, take_lock
from worker.store.lease import NOW, Claim, Claimable, claim_rows, finish_row, new_token
from worker.store.schema import EPOCH, article, article_key, feed, poll, revision

NO_LEASE = dict(lease_token=None, lease_until=None, attempts=0)
KEYS_PER_QUERY = 400  # SQLite's variable limit is far off; long IN lists plan badly
# By value, under every kind, the pairs sorted out afterwards: for pairs SQLite would read every key of the feed.
KNOWN = (
    select(article_key.c.kind, article_key.c.value, article.c.id, article.c.content_hash, article.c.revision)
    .join(article, article.c.id == article_key.c.article_id)
    .where(
        article_key.c.feed_id == bindparam("feed"),
        article_key.c.kind.in_([str(kind) for kind in KeyKind]),
        article_key.c.value.in_(bindparam("values", expanding=True)),
    )
)


def sync_feeds(store: Store, wanted: Sequence[tuple[str, str, str]], *, spread: float) -> None:
    """Makes the rows agree with the configured (id, url, title). New feeds fall due `spread` seconds apart.

    A changed URL forgets the validators (they belong to the old one) and keeps the articles. A title that is given
    replaces the feed's own. A feed that left the configuration is 'removed', its articles stay.
    """
    with store.writing() as connection:
        take_lock(connection, Lock.START)
        now = read_clock(connection)
        rows = {row.id: row for row in connection.execute(select(feed))}
        fresh = 0
        for feed_id, url, title in wanted:
            row = rows.get(feed_id)
            if row is None:
                due = now + timedelta(seconds=fresh * spread)
                fresh += 1
                values = dict(configured_url=url, current_url=url, state="active", title=title, next_poll_at=due)
                connection.execute(insert(feed).values(id=feed_id, **values))
            elif row.configured_url != url:
                values = dict(configured_url=url, current_url=url, etag=None, last_modified=None, body_hash=None)
                # Without its lease, a poll of the old address that is under way saves nothing.
                values |= dict(state="active", next_poll_at=now, failures=0) | NO_LEASE
                connection.execute(update(feed).where(feed.c.id == feed_id).values(**values))
            elif row.state == "removed":
                connection.execute(update(feed).where(feed.c.id == feed_id).values(state="active", next_poll_at=now))
            if row is not None and title and row.title != title:
                connection.execute(update(feed).where(feed.c.id == feed_id).values(title=title))
        gone = rows.keys() - {feed_id for feed_id, _, _ in wanted}
        if gone:
            connection.execute(update(feed).where(feed.c.id.in_(gone)).values(state="removed", **NO_LEASE))


def set_next_polls(store: Store, feed_ids: Sequence[str], *, at: datetime) -> None:
    """Makes these feeds due at that moment, whatever was planned."""
    with store.writing() as connection:
        for start in range(0, len(feed_ids), KEYS_PER_QUERY):
            chosen = feed.c.id.in_(feed_ids[start : start + KEYS_PER_QUERY])
            connection.execute(update(feed).where(chosen).values(next_poll_at=at))


def is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return (feed.c.state == "active") & (feed.c.next_poll_at <= now)


# The retried keep the time for which they were due, and so come first.
DUE_FEEDS = Claimable(feed, looks=(is_due(NOW),), order=(feed.c.next_poll_at,))


def claim_due_feeds(store: Store, *, limit: int, lease: timedelta) -> Claim:
    return claim_rows(store, DUE_FEEDS, limit=limit, lease=lease)


def find_known(store: Store, feed_id: str, keys: Iterable[ArticleKey]) -> dict[ArticleKey, KnownArticle]:
    """The stored articles behind these keys of one feed. Safe to read before the save: the feed's lease is held."""
    wanted = list(dict.fromkeys(keys))
    known = {}
    with store.reading() as connection:
        for start in range(0, len(wanted), KEYS_PER_QUERY):
            values = sorted({key.value for key in wanted[start : start + KEYS_PER_QUERY]})
            for row in connection.execute(KNOWN, {"feed": feed_id, "values": values}):
                found = KnownArticle(article_id=row.id, content_hash=row.content_hash, revision=row.revision)
                known[ArticleKey(KeyKind(row.kind), row.value)] = found
    return {key: known[key] for key in wanted if key in known}


def has_articles(store: Store, feed_id: str) -> bool:
    with store.reading() as connection:
        return connection.execute(select(article.c.id).where(article.c.feed_id == feed_id).limit(1)).first() is not None


def save_poll(
    connection: Connection,
    row: Any,
    *,
    token: str,
    now: datetime,
    values: Mapping[str, Any],
    outcome: str,
    reason: str | None = None,
    found: FeedUpdate | None = None,
    old_before: datetime = EPOCH,
    milliseconds: int = 0,
) -> bool:
    """One feed's poll: articles, validators, next time and a line of history; nothing if the lease is lost.

    What is new and was published before `old_before` is old news.
    """
    finished = finish_row(
        connection, feed, row_id=row.id, token=token, values=dict(values) | {"attempts": 0, "polled_at": now}
    )
    if not finished:
        return False
    if found is not None:
        arrival = dict(now=now, baseline=row.baseline_at is None, old_before=old_before)
        save_update(connection, feed_id=row.id, found=found, **arrival)
    counts = (found.seen, len(found.new), len(found.changed), found.skipped) if found else (0, 0, 0, 0)
    line = dict(
        feed_id=row.id,
        at=now,
        outcome=outcome,
        reason=reason,
        seen=counts[0],
        new=counts[1],
        changed=counts[2],
        skipped=counts[3],
        milliseconds=milliseconds,
    )
    connection.execute(insert(poll), line)
    return True


def release_feed(connection: Connection, row: Any, *, token: str) -> bool:
    """Gives back a feed that was not asked: it stays due."""
    return finish_row(connection, feed, row_id=row.id, token=token, values={"attempts": 0})


def save_update(
    connection: Connection,
    *,
    feed_id: str,
    found: FeedUpdate,
    now: datetime,
    baseline: bool,
    old_before: datetime = EPOCH,
) -> None:
    """One statement a table, however many entries: what a poll costs is mostly what its statements cost."""
    ids = _save_new(connection, feed_id, found.new, now=now, baseline=baseline, old_before=old_before)
    keys = [(article_id, key) for article_id, fresh in zip(ids, found.new, strict=True) for key in fresh.keys]
    keys += found.new_keys
    rows = [dict(feed_id=feed_id, kind=str(key.kind), value=key.value, article_id=number) for number, key in keys]
    if rows:
        connection.execute(insert(article_key), rows)
    changes = [
        dict(
            changed_id=changed.article_id,
            title=changed.entry.title,
            text=changed.entry.text,
            content_hash=changed.content_hash,
            revision=changed.revision,
        )
        for changed in found.changed
    ]
    if changes:
        connection.execute(update(article).where(article.c.id == bindparam("changed_id")), changes)
    revisions = [(article_id, 1, fresh) for article_id, fresh in zip(ids, found.new, strict=True)]
    revisions += [(changed.article_id, changed.revision, changed) for changed in found.changed]
    if revisions:
        connection.execute(insert(revision), [_revision(number, n, kept, now) for number, n, kept in revisions])


def _save_new(
    connection: Connection,
    feed_id: str,
    new: Sequence[NewArticle],
    *,
    now: datetime,
    baseline: bool,
    old_before: datetime,
) -> list[int]:
    """The ids of the new articles, in their order."""
    if not new:
        return []
    rows = [
        dict(
            public_id=new_token(),
            feed_id=feed_id,
            state=ArticleState.NEW,
            baseline=baseline,
            old=is_old(fresh.entry.published, before=old_before),
            revision=1,
            content_hash=fresh.content_hash,
            title=fresh.entry.title,
            text=fresh.entry.text,
            url=fresh.entry.link,
            canonical_url=fresh.canonical_url,
            author=fresh.entry.author,
            published_at=fresh.entry.published,
            published_raw=fresh.entry.published_raw,
            first_seen_at=now,
            attempts=0,
        )
        for fresh in new
    ]
    # Both databases number the rows of one statement in their order, which is that of arrival; they answer in any, and
    # to ask for theirs would make SQLite take them one by one.
    saved = connection.execute(insert(article).returning(article.c.id, article.c.public_id), rows)
    ids = {row.public_id: row.id for row in saved}
    return [ids[row["public_id"]] for row in rows]


def _revision(article_id: int, n: int, kept: NewArticle | ChangedArticle, now: datetime) -> dict[str, Any]:
    return dict(
        article_id=article_id,
        n=n,
        title=kept.entry.title,
        text=kept.entry.text,
        content_hash=kept.content_hash,
        seen_at=now,
    )


def shown_state() -> ColumnElement[str]:
    """A feed's state in one word for people: 'removed', 'stopped', 'new' (never polled), 'failing' or 'active'."""
    return case(
        (feed.c.state != "active", feed.c.state),
        (feed.c.polled_at.is_(None), "new"),
        (feed.c.failures > 0, "failing"),
        else_="active",
    )


def count_articles() -> ColumnElement[int]:
    """How many articles of the feed are stored, at most MOST_COUNTED + 1."""
    some = select(article.c.id).where(article.c.feed_id == feed.c.id).limit(MOST_COUNTED + 1).correlate(feed)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def list_feeds(store: Store) -> list[Any]:
    """Every feed's row, by id, with `articles`, as they are counted here, and `shown`: its state in one word."""
    statement = select(feed, count_articles().label("articles"), shown_state().label("shown")).order_by(feed.c.id)
    with store.reading() as connection:
        return list(connection.execute(statement))


def forget_old_polls(connection: Connection, *, before: datetime, limit: int) -> int:
    """Drops lines of poll history, in batches: polls never wait. Returns how many."""
    old = select(poll.c.id).where(poll.c.at < before).limit(limit)
    return connection.execute(delete(poll).where(poll.c.id.in_(old))).rowcount
