"""What a watcher is told of the pipeline's work, and what it says of what waits."""

from desk import BASELINE, entries
from steps import LONG_AGO, bring, change, operator_subjects, poll_now, settle

from worker.live.happened import Delivered, Judged, Polled, Raised, Reader
from worker.pipeline.deliver import deliver_due
from worker.store.recent import Watcher, clock_of, read_backlog
from worker.store.schema import EPOCH, article, channel, delivery


def kinds(watcher):
    return sorted(kind for kind, _ in watcher.look())


def test_watcher_tells_each_thing_once(desk, runtime):
    watcher = Watcher(desk.store, since=EPOCH)
    poll_now(desk, runtime)
    settle(runtime)
    assert kinds(watcher) == ["article", "article", "poll", "poll"]
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    assert kinds(watcher) == ["alert", "article", "attempt", "attempt", "poll", "poll"]
    assert kinds(watcher) == []
    assert read_backlog(desk.store).quiet


def test_watcher_begins_where_it_is_told_to(desk, runtime):
    poll_now(desk, runtime)
    settle(runtime)
    watcher = Watcher(desk.store, since=clock_of(desk.store))
    assert kinds(watcher) == []
    bring(desk, runtime, "a", entries(2) + BASELINE)
    assert kinds(watcher).count("article") == 2


def test_watcher_gives_what_the_reader_needs_of_every_kind(desk, runtime):
    watcher = Watcher(desk.store, since=EPOCH)
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    desk.webhook.status = 503
    deliver_due(runtime)
    reader = Reader.of(runtime.config)
    happened = [reader.read(kind, row) for kind, row in watcher.look()]
    (raised,) = [one for one in happened if isinstance(one, Raised)]
    assert (raised.rule_name, raised.severity, raised.because) == ("Kim in the news", "normal", "Kim Jong Un")
    judged = {one.article: one for one in happened if isinstance(one, Judged)}
    assert judged[raised.article].names == ("Kim Jong Un",) and judged[raised.article].title == raised.title
    told = {one.channel: one for one in happened if isinstance(one, Delivered)}
    assert {one.alert for one in told.values()} == {raised.alert}
    assert (told["mail"].state, told["mail"].kind, told["mail"].attempt) == ("sent", "email", 1)
    assert (told["hook"].state, told["hook"].reason) == ("failed", "temporary")
    assert told["mail"].seconds >= 0
    polled = [one for one in happened if isinstance(one, Polled) and one.feed == "a"]
    assert [(one.outcome, one.new, one.baseline) for one in polled] == [("new", 1, True), ("new", 1, False)]


def test_watcher_tells_every_try_of_a_delivery(desk, runtime):
    poll_now(desk, runtime)
    desk.webhook.status = 503
    watcher = Watcher(desk.store, since=clock_of(desk.store))
    bring(desk, runtime, "a", entries(1) + BASELINE)
    for _ in range(3):
        deliver_due(runtime)
        change(desk, delivery, due_at=LONG_AGO)
        change(desk, channel, hold_until=LONG_AGO)
    tries = [(row.n, row.outcome) for kind, row in watcher.look() if kind == "attempt" and row.channel == "hook"]
    assert tries == [(1, "failed"), (2, "failed"), (3, "failed")]
    assert read_backlog(desk.store).failed == 1


def test_backlog_counts_what_waits_and_what_is_stuck(desk, runtime):
    assert read_backlog(desk.store).feeds == {"new": 2}
    poll_now(desk, runtime)
    backlog = read_backlog(desk.store)
    assert (backlog.feeds, backlog.waiting, backlog.quiet) == ({"active": 2}, 2, False)
    settle(runtime)
    desk.origin.documents["/a"] = b"<html>moved</html>"
    poll_now(desk, runtime)
    change(desk, article, state="quarantined")
    backlog = read_backlog(desk.store)
    assert (backlog.feeds, backlog.quarantined) == ({"active": 1, "failing": 1}, 2)
    assert operator_subjects(desk) == []
