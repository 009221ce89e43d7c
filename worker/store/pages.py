"""Articles' own pages: which are due, what came of each. Its article goes on in the transaction that says so.

An article waits in AWAITING with one row here. The page's text takes the place of the feed's, in the article and in
the revision that is judged, which keeps the feed's words beside it (`feed_text`). The article's `content_hash` stays
that of the feed's words: the next poll sees no edit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Connection, func, insert, select, update

from worker.errors import PageReason
from worker.guard import host_of
from worker.metrics import PAGES, Counts
from worker.model import ArticleState
from worker.store.engine import Lock, Store
from worker.store.lease import MAX_ATTEMPTS, NOW, Claim, Claimable, claim_rows, finish_row
from worker.store.schema import article, page, revision
from worker.store.tallies import count

WAITING, FETCHED, FAILED = "waiting", "fetched", "failed"
PATIENCE: Final = timedelta(seconds=60)  # an article waits no longer: its alert may be urgent
LEASE: Final = timedelta(seconds=45)  # robots.txt 6 s, the last page begun within 12, its answer 12, its reading 5
PER_HOST: Final = 4  # pages of one host in a claim
FREE: Final = dict(lease_token=None, lease_until=None)


def is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return (page.c.state == WAITING) & (page.c.due_at <= now) & (page.c.attempts < MAX_ATTEMPTS)


def _is_fair() -> ColumnElement[bool]:
    """Of a host that nobody asks just now, and among its first: many pages of one host hold no other back."""
    free = page.c.lease_until.is_(None) | (page.c.lease_until < NOW)
    place = func.row_number().over(partition_by=page.c.host, order_by=(page.c.due_at, page.c.id)).label("place")
    ranked = select(page.c.id, place).where(is_due(NOW), free).subquery()
    other = page.alias("other")
    busy = select(other.c.host).where(other.c.state == WAITING, other.c.lease_until >= NOW)
    return page.c.id.in_(select(ranked.c.id).where(ranked.c.place <= PER_HOST)) & page.c.host.not_in(busy)


# The retried keep the time for which they were due, and so come first.
DUE_PAGES = Claimable(page, looks=(is_due(NOW) & _is_fair(),), order=(page.c.due_at, page.c.id))


def save_pages(connection: Connection, wanted: Sequence[tuple[int, str]], *, now: datetime) -> None:
    """Plans the pages of these articles, (id, address), whose state is AWAITING: each is due at once."""
    rows = [
        dict(article_id=number, url=url, host=host_of(url), state=WAITING, due_at=now, since=now, attempts=0)
        for number, url in wanted
    ]
    if rows:
        connection.execute(insert(page), rows)


def are_waiting(store: Store) -> bool:
    """Whether any page waits, due or not: a desk that asks for none pays this look and no more."""
    with store.reading() as connection:
        return connection.execute(select(page.c.id).where(page.c.state == WAITING).limit(1)).first() is not None


def claim_due_pages(store: Store, *, limit: int, lease: timedelta) -> Claim:
    return claim_rows(store, DUE_PAGES, limit=limit, lease=lease, lock=Lock.PAGES)


def put_off(connection: Connection, row: Any, *, token: str, due_at: datetime, **values: Any) -> bool:
    """Gives a page back that is to be asked at `due_at`: nobody has asked it, or it is worth another try."""
    return finish_row(connection, page, row_id=row.id, token=token, values={"due_at": due_at, "attempts": 0, **values})


def save_text(
    connection: Connection, row: Any, *, token: str, now: datetime, text: str, record: Mapping[str, Any]
) -> PageReason | None:
    """Gives its article the page's text, unless that is no more than the feed's. Returns why not, None where it did.

    Nothing, and OUT_OF_TIME, if the lease is lost.
    """
    # The page's row before its article's, as whoever gives pages up takes them.
    connection.execute(select(page.c.id).where(page.c.id == row.id).with_for_update())
    found = connection.execute(select(article).where(article.c.id == row.article_id).with_for_update()).one()
    reason = PageReason.SHORTER if len(text) <= len(found.text or "") else None
    values = dict(record) | {"fetched_at": now, "characters": len(text), "reason": reason, "detail": None}
    values |= {"state": FAILED if reason else FETCHED, "attempts": 0}
    if not finish_row(connection, page, row_id=row.id, token=token, values=values):
        return PageReason.OUT_OF_TIME
    if reason is None:
        which = (revision.c.article_id == found.id) & (revision.c.n == found.revision)
        connection.execute(update(revision).where(which).values(feed_text=revision.c.text, text=text))
        connection.execute(update(article).where(article.c.id == found.id).values(text=text))
    _go_on(connection, [found.id])
    return reason


def save_failure(
    connection: Connection, row: Any, *, token: str, now: datetime, reason: PageReason, record: Mapping[str, Any]
) -> bool:
    """Its article goes on with the feed's text. False if the lease is lost."""
    values = dict(record) | {"state": FAILED, "reason": reason, "fetched_at": now, "attempts": 0}
    saved = finish_row(connection, page, row_id=row.id, token=token, values=values)
    if saved:
        _go_on(connection, [row.article_id])
    return saved


def give_up_pages(store: Store, *, now: datetime) -> int:
    """Frees the articles that have waited for PATIENCE, and those whose page never came to its end. Whoever asks such a
    page just now has lost its lease. Returns how many. Nothing is written where there are none."""
    spent = (page.c.attempts >= MAX_ATTEMPTS) & (page.c.lease_until < now)
    # One since a moment that is still to come: the clock was set back.
    over = (page.c.since < now - PATIENCE) | (page.c.since > now + PATIENCE) | spent
    lost = (page.c.state == WAITING) & over
    with store.reading() as connection:
        if connection.execute(select(page.c.id).where(lost).limit(1)).first() is None:
            return 0
    why = func.coalesce(page.c.reason, PageReason.OUT_OF_TIME.value)
    freed = update(page).where(lost).values(state=FAILED, reason=why, attempts=0, **FREE)
    with store.writing() as connection:
        rows = connection.execute(freed.returning(page.c.article_id, page.c.reason)).all()
        _go_on(connection, [row.article_id for row in rows])
        count(connection, counted([PageReason(row.reason) for row in rows]))
    return len(rows)


def counted(outcomes: Iterable[PageReason | None]) -> Counts:
    """None for a page that was used."""
    counts: dict[tuple[str, str], int] = {}
    for reason in outcomes:
        key = PAGES.of(FAILED, reason) if reason else PAGES.of(FETCHED, "")
        counts[key] = counts.get(key, 0) + 1
    return counts


def _go_on(connection: Connection, article_ids: Sequence[int]) -> None:
    waits = article.c.id.in_(article_ids) & (article.c.state == ArticleState.AWAITING)
    connection.execute(update(article).where(waits).values(state=ArticleState.NEW))


def keep_fuller_texts(connection: Connection, article_ids: Sequence[int]) -> None:
    """After a poll has saved edits of these articles: one whose page was read keeps the page's text, unless the feed's
    new words are more. The new revision then holds the page's text under the new headline, and the feed's words
    beside it."""
    if not article_ids:
        return
    read = select(page.c.article_id).where(page.c.article_id.in_(article_ids), page.c.state == FETCHED)
    known = connection.execute(select(article).where(article.c.id.in_(read))).all()
    for row in known:
        older = (revision.c.article_id == row.id) & (revision.c.n < row.revision)
        last = select(revision).where(older, revision.c.feed_text.is_not(None)).order_by(revision.c.n.desc()).limit(1)
        before = connection.execute(last).first()
        if before is None or len(before.text or "") <= len(row.text or ""):
            continue
        which = (revision.c.article_id == row.id) & (revision.c.n == row.revision)
        connection.execute(update(revision).where(which).values(feed_text=revision.c.text, text=before.text))
        connection.execute(update(article).where(article.c.id == row.id).values(text=before.text))
