"""What polls bring, in one transaction: articles, their keys and revisions, the feed's state, a line of history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from worker.alerts.decide import is_old
from worker.feeds.items import Items, remember
from worker.model import (
    ArticleKey,
    ArticleState,
    ChangedArticle,
    FeedUpdate,
    KeyKind,
    KnownArticle,
    NewArticle,
    SkipTimes,
)
from worker.store.engine import Store
from worker.store.holds import save_hold
from worker.store.lease import finish_row, new_token
from worker.store.pages import keep_fuller_texts, save_pages
from worker.store.schema import EPOCH, article, article_key, feed, poll, revision

AWAITING = ArticleState.AWAITING
KEYS_PER_QUERY = 400  # SQLite's variable limit is far off; long IN lists plan badly
# By value, under every kind, the pairs sorted out afterwards: for pairs SQLite would read every key of the feed.
KNOWN = (
    select(article_key.c.kind, article_key.c.value)
    .add_columns(article.c.id, article.c.content_hash, article.c.revision)
    .add_columns(article.c.title, article.c.published_raw, article.c.added_keys)
    .join(article, article.c.id == article_key.c.article_id)
    .where(
        article_key.c.feed_id == bindparam("feed"),
        article_key.c.kind.in_([str(kind) for kind in KeyKind]),
        article_key.c.value.in_(bindparam("values", expanding=True)),
    )
)
REMEMBER = update(feed).where(feed.c.id == bindparam("feed")).values(items=bindparam("remembered"))
ADDED = (
    update(article)
    .where(article.c.id == bindparam("known_id"))
    .values(added_keys=article.c.added_keys + bindparam("more"))
)
KEPT_TEXTS = 20  # of an article that is edited again and again: its first text and the last ones
WORN = (
    update(revision)
    .where(revision.c.article_id == bindparam("worn_id"), revision.c.n == bindparam("worn"))
    .values(text=None, feed_text=None)
)
QUIET = update(feed).where(feed.c.id == bindparam("feed"))


def find_known(store: Store, feed_id: str, keys: Iterable[ArticleKey]) -> dict[ArticleKey, KnownArticle]:
    """The stored articles behind these keys of one feed. Safe to read before the save: the feed's lease is held."""
    wanted = list(dict.fromkeys(keys))
    known = {}
    with store.reading() as connection:
        for start in range(0, len(wanted), KEYS_PER_QUERY):
            values = sorted({key.value for key in wanted[start : start + KEYS_PER_QUERY]})
            for row in connection.execute(KNOWN, {"feed": feed_id, "values": values}):
                found = KnownArticle(
                    article_id=row.id,
                    content_hash=row.content_hash,
                    revision=row.revision,
                    title=row.title,
                    published_raw=row.published_raw,
                    added_keys=row.added_keys,
                )
                known[ArticleKey(KeyKind(row.kind), row.value)] = found
    return {key: known[key] for key in wanted if key in known}


def write_skip(skip: SkipTimes | None) -> dict[str, list[int]] | None:
    return None if skip is None else {"hours": sorted(skip.hours), "days": sorted(skip.days)}


def read_skip(kept: Mapping[str, Sequence[int]] | None) -> SkipTimes | None:
    return None if kept is None else SkipTimes(hours=frozenset(kept["hours"]), days=frozenset(kept["days"]))


def has_articles(store: Store, feed_id: str) -> bool:
    with store.reading() as connection:
        return connection.execute(select(article.c.id).where(article.c.feed_id == feed_id).limit(1)).first() is not None


def save_poll(
    connection: Connection,
    row: Any,
    *,
    now: datetime,
    values: Mapping[str, Any],
    outcome: str,
    reason: str | None = None,
    found: FeedUpdate | None = None,
    items: Items | None = None,
    missed: int | None = None,
    full_text: bool = False,
    old_before: datetime = EPOCH,
    milliseconds: int = 0,
) -> bool:
    """One feed's poll: articles, validators, next time and a line of history; nothing if the lease is lost.

    What is new and was published before `old_before` is old news. `items` are the document's, to be known again.
    With `full_text` new articles wait for their own pages first.
    """
    finished = finish_row(
        connection, feed, row_id=row.id, token=row.lease_token, values=dict(values) | {"attempts": 0, "polled_at": now}
    )
    if not finished:
        return False
    if found is not None:
        arrival = dict(now=now, baseline=row.baseline_at is None, old_before=old_before, full_text=full_text)
        ids = save_update(connection, feed_id=row.id, found=found, **arrival)
        placed = {n: ids[-1 - number] if number < 0 else number for n, number in found.placed.items()}
        remembered = remember(items, placed)
        if remembered != row.items:
            connection.execute(REMEMBER, {"feed": row.id, "remembered": remembered})
    line = _line(row, now=now, outcome=outcome, milliseconds=milliseconds) | dict(reason=reason, missed=missed)
    if found is not None:
        line |= dict(seen=found.seen, new=len(found.new), changed=len(found.changed), skipped=found.skipped)
    connection.execute(insert(poll), line)
    return True


def save_quiet_polls(
    connection: Connection, polls: Sequence[tuple[Any, Mapping[str, Any], int]], *, now: datetime
) -> set[str]:
    """Polls that brought nothing, as (feed's row, its values, milliseconds): most of all. A few statements for all of
    them; the values have the same columns. Returns the feeds whose lease still held: the others' are not saved."""
    ids, tokens = [row.id for row, _, _ in polls], {row.lease_token for row, _, _ in polls}
    held = select(feed.c.id).where(feed.c.id.in_(ids), feed.c.lease_token.in_(tokens)).with_for_update()
    ours = set(connection.execute(held).scalars())
    kept = [one for one in polls if one[0].id in ours]
    if kept:
        done = dict(attempts=0, lease_token=None, lease_until=None, polled_at=now)
        connection.execute(QUIET, [{"feed": row.id, **values, **done} for row, values, _ in kept])
        lines = [_line(row, now=now, outcome="unchanged", milliseconds=spent) for row, _, spent in kept]
        connection.execute(insert(poll), lines)
    return ours


def _line(row: Any, *, now: datetime, outcome: str, milliseconds: int) -> dict[str, Any]:
    counts = dict(seen=0, new=0, changed=0, skipped=0)
    return dict(feed_id=row.id, at=now, outcome=outcome, reason=None, missed=None, milliseconds=milliseconds) | counts


def release_feed(connection: Connection, row: Any, *, until: datetime | None = None) -> bool:
    """Gives back a feed that was not asked: it stays due, or is not before `until`."""
    put_off = {"next_poll_at": until} if until else {}
    return finish_row(connection, feed, row_id=row.id, token=row.lease_token, values={"attempts": 0, **put_off})


def save_update(
    connection: Connection,
    *,
    feed_id: str,
    found: FeedUpdate,
    now: datetime,
    baseline: bool,
    old_before: datetime = EPOCH,
    full_text: bool = False,
) -> list[int]:
    """The ids of the new articles, in their order. One statement a table, however many entries: what a poll costs is
    mostly what its statements cost."""
    saved = _save_new(
        connection, feed_id, found.new, now=now, baseline=baseline, old_before=old_before, full_text=full_text
    )
    ids = [number for number, _ in saved]
    awaited = [(number, fresh) for (number, state), fresh in zip(saved, found.new, strict=True) if state == AWAITING]
    save_pages(connection, [(number, fresh.entry.link) for number, fresh in awaited], now=now)
    keys = [(article_id, key) for article_id, fresh in zip(ids, found.new, strict=True) for key in fresh.keys]
    keys += found.new_keys
    rows = [dict(feed_id=feed_id, kind=str(key.kind), value=key.value, article_id=number) for number, key in keys]
    if rows:
        connection.execute(insert(article_key), rows)
    if found.new_keys:
        added = Counter(number for number, _ in found.new_keys)
        connection.execute(ADDED, [{"known_id": number, "more": more} for number, more in added.items()])
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
    worn = [(changed.article_id, changed.revision - KEPT_TEXTS) for changed in found.changed]
    if worn := [{"worn_id": number, "worn": n} for number, n in worn if n > 1]:
        connection.execute(WORN, worn)
    keep_fuller_texts(connection, [changed.article_id for changed in found.changed])
    return ids


def _save_new(
    connection: Connection,
    feed_id: str,
    new: Sequence[NewArticle],
    *,
    now: datetime,
    baseline: bool,
    old_before: datetime,
    full_text: bool,
) -> list[tuple[int, ArticleState]]:
    """The ids and states of the new articles, in their order."""
    if not new:
        return []
    held = sum(fresh.held for fresh in new)
    hold_id = save_hold(connection, feed_id, count=held, now=now) if held else None
    rows = [
        dict(
            public_id=new_token(),
            feed_id=feed_id,
            state=_first_state(fresh, news=not baseline, old_before=old_before, full_text=full_text),
            hold_id=hold_id if fresh.held else None,
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
            outlet=fresh.entry.outlet,
            first_seen_at=now,
            attempts=0,
        )
        for fresh in new
    ]
    # Both databases number the rows of one statement in their order, which is that of arrival; they answer in any, and
    # to ask for theirs would make SQLite take them one by one.
    saved = connection.execute(insert(article).returning(article.c.id, article.c.public_id), rows)
    ids = {row.public_id: row.id for row in saved}
    return [(ids[row["public_id"]], row["state"]) for row in rows]


def _first_state(fresh: NewArticle, *, news: bool, old_before: datetime, full_text: bool) -> ArticleState:
    """Pages are fetched of what may raise an alert alone: a first import is no storm of requests."""
    if fresh.held:
        return ArticleState.HELD
    news = news and not is_old(fresh.entry.published, before=old_before)
    return AWAITING if full_text and news and fresh.entry.link else ArticleState.NEW


def _revision(article_id: int, n: int, kept: NewArticle | ChangedArticle, now: datetime) -> dict[str, Any]:
    return dict(
        article_id=article_id,
        n=n,
        title=kept.entry.title,
        text=kept.entry.text,
        content_hash=kept.content_hash,
        seen_at=now,
    )


def forget_old_polls(connection: Connection, *, before: datetime, quiet_before: datetime, limit: int) -> int:
    """Drops lines of poll history, in batches: polls never wait. Returns how many, of the kind that had the most.

    Those of polls that brought nothing go at `quiet_before`: there are a hundred for each that did.
    """
    quiet = (poll.c.outcome == "unchanged") & (poll.c.at < quiet_before)
    dropped = 0
    for past in (poll.c.at < before, quiet):
        old = select(poll.c.id).where(past).limit(limit)
        dropped = max(dropped, connection.execute(delete(poll).where(poll.c.id.in_(old))).rowcount)
    return dropped
