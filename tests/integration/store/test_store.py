"""The record on SQLite and PostgreSQL: claims, fencing, one transaction for cause and effect, retention."""

import threading
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import event, exc, select, text, update
from steps import claim_deliveries
from stores import migrated_store

from worker.feeds.shown import MOST_COUNTED
from worker.health import look
from worker.model import (
    ArticleKey,
    ChangedArticle,
    DeliveryState,
    FeedUpdate,
    Judgement,
    KeyKind,
    Mention,
    Message,
    NewArticle,
    ParsedEntry,
    TopicScore,
)
from worker.store import alerts, articles, deliveries, feeds, polls
from worker.store.due import claim_chore, due_queues
from worker.store.engine import Lock, open_store, read_clock, take_lock
from worker.store.latest import read_latest
from worker.store.lease import MAX_ATTEMPTS
from worker.store.migrate import migrate
from worker.store.schema import Instant, article, article_key, attempt, delivery, feed, revision

LEASE = timedelta(seconds=60)


@pytest.fixture
def store(database_url, tmp_path):
    made = migrated_store(database_url, tmp_path)
    yield made
    made.close()


def new_article(guid, title="A title"):
    entry = ParsedEntry(guid=guid, link=f"https://a.example/{guid}", title=title, text="A text.")
    keys = (ArticleKey(KeyKind.GUID, guid),)
    return NewArticle(entry=entry, keys=keys, canonical_url=entry.link, content_hash="h" + title)


def add_articles(store, *guids, feed_id="one", baseline=False):
    feeds.sync_feeds(store, [(feed_id, f"https://{feed_id}.example/rss", "")], spread=0)
    with store.writing() as connection:
        now = read_clock(connection)
        found = FeedUpdate(new=tuple(new_article(guid) for guid in guids), seen=len(guids))
        polls.save_update(connection, feed_id=feed_id, found=found, now=now, baseline=baseline)


def expire_leases(store, table):
    with store.writing() as connection:
        connection.execute(table.update().values(lease_until=read_clock(connection) - timedelta(seconds=1)))


MAIL = SimpleNamespace(id="mail", kind="email")


def add_delivery(store, recipient="a@b.example"):
    with store.writing() as connection:
        message = Message(message_id="<m@x>", body=b"bytes \x00\xff", recipient=recipient, subject="S")
        alerts.save_notification(
            connection,
            [(MAIL, message)],
            kind="operator",
            subject="S",
            now=read_clock(connection),
            operator_key=recipient,
        )


def test_instant_refuses_a_naive_value():
    with pytest.raises(ValueError, match="naive"):
        Instant().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001


def test_reading_cannot_write(store):
    with pytest.raises(exc.DBAPIError), store.reading() as connection:
        connection.execute(feed.delete())


def test_reading_sees_one_moment(store):
    add_articles(store, "g1")
    with store.reading() as connection:
        before = connection.execute(select(article.c.id)).all()
        add_articles(store, "g2")
        assert connection.execute(select(article.c.id)).all() == before
    with store.reading() as connection:
        assert len(connection.execute(select(article.c.id)).all()) == 2


def test_clock_is_near_ours_and_aware(store):
    with store.reading() as connection:
        assert abs(read_clock(connection) - datetime.now(UTC)) < timedelta(seconds=5)


def test_sync_feeds_keeps_state_forgets_validators_of_a_changed_url_and_removes(store):
    feeds.sync_feeds(store, [("a", "https://a.example/1", "A"), ("b", "https://b.example/1", "B")], spread=1)
    with store.writing() as connection:
        connection.execute(feed.update().values(etag='"x"', failures=2))
    feeds.sync_feeds(store, [("a", "https://a.example/2", "A")], spread=1)
    with store.reading() as connection:
        rows = {row.id: row for row in connection.execute(select(feed))}
    assert (rows["a"].etag, rows["a"].failures, rows["a"].state) == (None, 0, "active")
    assert (rows["b"].etag, rows["b"].state) == ('"x"', "removed")


def test_f08_a_move_that_is_written_down_costs_no_request_without_validators(store):
    feeds.sync_feeds(store, [("a", "https://a.example/1", "")], spread=0)
    with store.writing() as connection:
        later = read_clock(connection) + timedelta(hours=20)
        moved = dict(current_url="https://a.example/2", etag='"x"', body_hash="h", next_poll_at=later)
        connection.execute(feed.update().values(**moved))
    feeds.sync_feeds(store, [("a", "https://a.example/2", "")], spread=0)
    with store.reading() as connection:
        row = connection.execute(select(feed)).one()
    assert (row.configured_url, row.etag, row.body_hash, row.next_poll_at) == ("https://a.example/2", '"x"', "h", later)


def test_f09_a_feed_taken_out_and_put_back_is_not_asked_before_its_time(store):
    wanted = [("a", "https://a.example/1", "")]
    feeds.sync_feeds(store, wanted, spread=0)
    with store.writing() as connection:
        later = read_clock(connection) + timedelta(hours=20)
        connection.execute(feed.update().values(next_poll_at=later))
    feeds.sync_feeds(store, [], spread=0)
    feeds.sync_feeds(store, wanted, spread=0)
    with store.reading() as connection:
        row = connection.execute(select(feed)).one()
    assert (row.state, row.next_poll_at) == ("active", later)


def test_sync_feeds_takes_a_title_that_is_given_and_keeps_the_feeds_own_where_none_is(store):
    address = "https://a.example/1"
    titles = []
    for wanted in ("", "The paper", "The Paper", ""):
        feeds.sync_feeds(store, [("a", address, wanted)], spread=0)
        with store.reading() as connection:
            titles.append(connection.execute(select(feed.c.title)).scalar_one())
    assert titles == ["", "The paper", "The Paper", "The Paper"]
    feeds.sync_feeds(store, [("a", "https://a.example/2", "Another")], spread=0)
    with store.reading() as connection:
        assert connection.execute(select(feed.c.title)).scalar_one() == "Another"


def test_a_feeds_articles_are_counted_up_to_a_limit(store):
    add_articles(store, *(f"g{n}" for n in range(MOST_COUNTED + 5)), feed_id="busy")
    with store.writing() as connection:
        connection.execute(
            feed.insert().values(
                dict(
                    id="calm",
                    state="active",
                    configured_url="",
                    current_url="",
                    title="",
                    next_poll_at=read_clock(connection),
                )
            )
        )
        found = FeedUpdate(new=(new_article("g1"),), seen=1)
        polls.save_update(connection, feed_id="calm", found=found, now=read_clock(connection), baseline=False)
    counted = {"busy": MOST_COUNTED + 1, "calm": 1}
    assert {row.id: row.articles for row in feeds.list_feeds(store)} == counted
    assert read_latest(store).feeds.articles == counted


def test_b08_concurrent_claims_give_each_row_once(store):
    wanted = [(f"f{n}", f"https://h{n}.example/", "") for n in range(40)]
    feeds.sync_feeds(store, wanted, spread=0)
    claimed, guard = [], threading.Lock()

    def run():
        while rows := feeds.claim_due_feeds(store, limit=7, lease=LEASE).rows:
            with guard:
                claimed.extend(row.id for row in rows)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(feed_id for feed_id, _, _ in wanted)


CLAIMS = {
    "feeds": feeds.claim_due_feeds,
    "articles": articles.claim_new_articles,
    "deliveries": claim_deliveries,
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_sorts_nothing_of_what_waits(store, claim):
    """With 200,000 waiting, one that sorts them keeps every other writer waiting for 0.2 s."""
    plans = []

    def plan(_connection, cursor, statement, parameters, *_):
        if "ORDER BY" not in statement or "FROM channel" in statement or statement.startswith("EXPLAIN"):
            return
        if not store.is_sqlite:  # for so few rows it would sort by choice; now only where it must
            cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if store.is_sqlite else ''}{statement}", parameters)
        plans.append(str(cursor.fetchall()))

    add_delivery(store)
    event.listen(store.engine, "before_cursor_execute", plan)
    CLAIMS[claim](store, limit=5, lease=LEASE)
    assert plans and not [seen for seen in plans if "TEMP B-TREE" in seen or "Sort" in seen]


def test_a_retried_article_does_not_wait_behind_what_is_new(store):
    add_articles(store, "g1", "g2", "g3")
    (first, second) = articles.claim_new_articles(store, limit=2, lease=LEASE).rows
    expire_leases(store, article)
    add_articles(store, "g4")
    claims = [articles.claim_new_articles(store, limit=2, lease=LEASE) for _ in range(3)]
    assert [[row.id for row in claim.rows] for claim in claims[:2]] == [[first.id], [second.id]]
    assert len(claims[2].rows) == 2


def test_deliveries_of_unknown_fate_go_before_those_that_failed(store):
    for name in ("failed", "lost", "new"):
        add_delivery(store, f"{name}@b.example")
    with store.writing() as connection:
        for name, state in (("failed", DeliveryState.FAILED), ("lost", DeliveryState.SENDING)):
            ours = delivery.c.recipient == f"{name}@b.example"
            connection.execute(delivery.update().where(ours).values(state=state, attempts=1))
    claimed = [claim_deliveries(store, limit=n, lease=LEASE).rows for n in (1, 2)]
    assert [[row.recipient.split("@")[0] for row in rows] for rows in claimed] == [["new"], ["lost", "failed"]]


def test_a07_a_late_result_is_refused_by_its_token(store):
    add_articles(store, "g1")
    late = articles.claim_new_articles(store, limit=10, lease=LEASE)
    expire_leases(store, article)
    other = articles.claim_new_articles(store, limit=10, lease=LEASE)
    version = alerts.save_config_version(store, digest="d", body={})
    judgement = Judgement(language="en", topics=(), mentions=(), model_id="m")
    assert articles.save_judgements(store, late, [(late.rows[0], judgement)], config_version=version) == []
    assert len(articles.save_judgements(store, other, [(other.rows[0], judgement)], config_version=version)) == 1


def test_poll_saves_articles_and_validators_together_or_not_at_all(store):
    add_articles(store)
    claim = feeds.claim_due_feeds(store, limit=1, lease=LEASE)
    found = FeedUpdate(new=(new_article("g1"), new_article("g1")), seen=2)  # the same key twice: the save must fail
    with pytest.raises(exc.IntegrityError), store.writing() as connection:
        polls.save_poll(
            connection,
            claim.rows[0],
            now=claim.now,
            values={"etag": '"2"'},
            outcome="new",
            found=found,
        )
    with store.reading() as connection:
        assert connection.execute(select(feed.c.etag)).scalar_one() is None
        assert connection.execute(select(article)).all() == []


def test_poll_with_a_lost_lease_saves_nothing(store):
    add_articles(store)
    claim = feeds.claim_due_feeds(store, limit=1, lease=LEASE)
    with store.writing() as connection:
        late = SimpleNamespace(**dict(claim.rows[0]._mapping) | {"lease_token": "another"})
        brought = dict(now=claim.now, values={}, outcome="new", found=FeedUpdate(new=(new_article("g"),)))
        assert not polls.save_poll(connection, late, **brought)
        assert polls.save_quiet_polls(connection, [(late, {"failures": 0}, 5)], now=claim.now) == set()
    with store.reading() as connection:
        assert connection.execute(select(article)).all() == []


def test_find_known_over_many_keys(store):
    guids = [f"g{n}" for n in range(950)]
    add_articles(store, *guids)
    known = polls.find_known(store, "one", [ArticleKey(KeyKind.GUID, guid) for guid in [*guids, "other"]])
    assert len(known) == 950


def test_an_update_is_a_new_revision_and_keeps_the_old(store):
    add_articles(store, "g1")
    entry = ParsedEntry(guid="g1", link="https://a.example/g1", title="Edited", text="Edited text.")
    changed = ChangedArticle(article_id=1, revision=2, entry=entry, content_hash="h2")
    with store.writing() as connection:
        found = FeedUpdate(changed=(changed,), new_keys=((1, ArticleKey(KeyKind.LINK, "l")),))
        polls.save_update(connection, feed_id="one", found=found, now=read_clock(connection), baseline=False)
    with store.reading() as connection:
        assert connection.execute(select(revision.c.title).order_by(revision.c.n)).scalars().all() == [
            "A title",
            "Edited",
        ]
        assert connection.execute(select(article.c.title, article.c.revision)).one() == ("Edited", 2)
        assert len(connection.execute(select(article_key)).all()) == 2


def test_a11_an_article_that_kills_its_analyst_is_retried_alone_and_parked_after_three(store):
    add_articles(store, "g1", "g2", "g3")
    assert len(articles.claim_new_articles(store, limit=10, lease=LEASE).rows) == 3
    sizes = []
    for _ in range(3 * MAX_ATTEMPTS):
        expire_leases(store, article)
        claim = articles.claim_new_articles(store, limit=10, lease=LEASE)
        sizes.append(len(claim.rows))
    assert sizes == [1] * 3 * (MAX_ATTEMPTS - 1) + [0] * 3
    expire_leases(store, article)
    with store.writing() as connection:
        parked = articles.quarantine_exhausted(connection, now=read_clock(connection))
    assert len(parked) == 3
    assert look(store).articles == {"quarantined": 3}


def test_articles_of_one_poll_are_numbered_in_their_order(store):
    """Arrival order is the order of ids: the first of a story is the one that came first."""
    guids = [f"g{n}" for n in range(2000)]
    add_articles(store, *guids)
    with store.reading() as connection:
        found = connection.execute(
            select(article_key.c.value)
            .where(article_key.c.kind == "guid")
            .join(article, article.c.id == article_key.c.article_id)
            .order_by(article.c.id)
        )
        assert list(found.scalars()) == guids


def test_judgement_survives_the_record(store):
    add_articles(store, "g1")
    version = alerts.save_config_version(store, digest="d", body={"a": 1})
    assert alerts.save_config_version(store, digest="d", body={"a": 1}) == version
    claim = articles.claim_new_articles(store, limit=1, lease=LEASE)
    topic = TopicScore(id="t", score=0.5, match=True, review=True, evidence=("e",))
    mention = Mention(entity="kim", text="김정은", field="title", start=0, end=3, alias="김정은", how="alias")
    judged = Judgement(language="ko", topics=(topic,), mentions=(mention,), model_id="m")
    articles.save_judgements(store, claim, [(claim.rows[0], judged)], config_version=version)
    with store.writing() as connection:
        take_lock(connection, Lock.DESK)
        (row,) = articles.judged_articles(connection, limit=10)
    assert articles.read_judgement(row) == judged


def test_a_failure_to_settle_counts_for_an_article_that_waits_and_for_no_other(store):
    add_articles(store, "g1")
    version = alerts.save_config_version(store, digest="d", body={"a": 1})
    claim = articles.claim_new_articles(store, limit=1, lease=LEASE)
    judged = Judgement(language="ko", topics=(), mentions=(), model_id="m")
    articles.save_judgements(store, claim, [(claim.rows[0], judged)], config_version=version)
    (number,) = [row.id for row in claim.rows]

    def fail():
        with store.writing() as connection:
            return articles.count_failure(connection, number)

    assert [fail() for _ in range(MAX_ATTEMPTS - 1)] == [False] * (MAX_ATTEMPTS - 1)
    with store.writing() as connection:
        connection.execute(update(article).values(state="settled"))  # by another, between our try and its count
    assert fail() is False
    with store.reading() as connection:
        assert connection.execute(select(article.c.state)).scalar_one() == "settled"
    with store.writing() as connection:
        connection.execute(update(article).values(state="judged"))
    assert fail() is True
    assert look(store).articles == {"quarantined": 1}


def test_delivery_keeps_its_bytes_and_counts_the_unknown(store):
    add_delivery(store)
    claim = claim_deliveries(store, limit=5, lease=LEASE)
    assert bytes(claim.rows[0].body) == b"bytes \x00\xff"
    assert claim.rows[0].maybe_duplicate == 0
    expire_leases(store, delivery)
    again = claim_deliveries(store, limit=5, lease=LEASE)
    with store.writing() as connection:
        ended = dict(state=DeliveryState.SENT, now=again.now)
        assert not deliveries.finish_delivery(connection, claim.rows[0], token=claim.token, **ended)
        assert deliveries.finish_delivery(connection, again.rows[0], token=again.token, **ended)
    with store.reading() as connection:
        assert connection.execute(select(delivery.c.maybe_duplicate, delivery.c.state)).one() == (1, "sent")
        outcomes = connection.execute(select(attempt.c.outcome).order_by(attempt.c.n)).scalars().all()
    assert outcomes == ["unknown", "sent"]


def test_operator_is_told_of_one_trouble_once(store):
    add_delivery(store, "x@y.example")
    with store.reading() as connection:
        assert [alerts.is_told(connection, key) for key in ("x@y.example", "another")] == [True, False]
    with pytest.raises(exc.IntegrityError):
        add_delivery(store, "x@y.example")
    assert look(store).deliveries == {"pending": 1}


def test_due_queues_names_what_waits_and_only_that(store):
    assert due_queues(store) == []
    add_articles(store, "g1")
    assert due_queues(store) == ["poll", "analyse"]
    feeds.claim_due_feeds(store, limit=5, lease=LEASE)
    articles.claim_new_articles(store, limit=5, lease=LEASE)
    add_delivery(store)
    assert due_queues(store) == ["deliver"]


def test_chore_is_claimed_once_per_period(store):
    assert claim_chore(store, "retention", every=timedelta(hours=1))
    assert not claim_chore(store, "retention", every=timedelta(hours=1))


def test_retention_drops_text_in_batches_and_keeps_the_rest(store):
    add_articles(store, "g1", "g2", "g3")
    with store.writing() as connection:
        before = read_clock(connection) + timedelta(seconds=1)
        assert articles.drop_old_text(connection, before=before, limit=2) == 2
        assert articles.drop_old_text(connection, before=before, limit=2) == 1
        assert articles.drop_old_text(connection, before=before, limit=2) == 0
        assert connection.execute(select(article.c.title)).scalars().all() == ["A title"] * 3
        assert set(connection.execute(select(revision.c.text)).scalars()) == {None}


def test_sqlite_is_durable_and_checkpoints_only_when_told(tmp_path):
    store = open_store("", data=tmp_path)
    migrate(store)
    with store.reading() as connection:
        found = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert found == ["wal", 2, 1]
    store.checkpoint()
    assert (tmp_path / "wirewatch.sqlite3-wal").stat().st_size == 0
    store.close()


def test_a_checkpoint_waits_for_no_reader(tmp_path):
    store = open_store("", data=tmp_path)
    migrate(store)
    with store.reading() as reader:
        reader.execute(select(feed)).all()
        add_articles(store, "g1")
        began = time.monotonic()
        store.checkpoint()
        assert time.monotonic() - began < 2
    add_articles(store, "g2", feed_id="two")
    store.close()


def test_postgresql_ends_the_transaction_of_who_stands_still(postgres, tmp_path):
    store = open_store(postgres.new_database(), data=tmp_path)
    with store.reading() as connection:
        for name in ("idle_in_transaction_session_timeout", "lock_timeout"):
            assert connection.execute(text(f"SHOW {name}")).scalar_one() == "1min"
    store.close()


def test_an_error_of_the_database_shows_no_values(store):
    with pytest.raises(exc.DBAPIError) as error, store.writing() as connection:
        connection.execute(text("SELECT * FROM nothing WHERE x = :x"), {"x": "canary"})
    assert "canary" not in str(error.value)
