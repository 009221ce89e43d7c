"""What health and the demo's watcher say of it."""

from desk import BASELINE, entries
from steps import LONG_AGO, bring, change, poll_now, settle

from worker.health import look
from worker.pipeline.deliver import deliver_due
from worker.store.recent import Watcher, all_settled
from worker.store.schema import article, feed


def test_k05_health_names_what_is_late(desk, runtime):
    poll_now(desk, runtime)
    change(desk, feed, next_poll_at=LONG_AGO)
    change(desk, article, first_seen_at=LONG_AGO)
    found = look(desk.store)
    assert found.reasons == (
        "feeds that should have been polled five minutes ago: 2",
        "articles that have waited five minutes to be judged: 2",
    )


def test_health_is_ok_and_then_says_what_is_wrong_in_words(desk, runtime):
    poll_now(desk, runtime)
    settle(runtime)
    assert (look(desk.store).status, look(desk.store).reasons) == ("ok", ())
    desk.origin.documents["/a"] = b"<html>moved</html>"
    poll_now(desk, runtime)
    change(desk, article, state="quarantined")
    found = look(desk.store)
    assert found.status == "degraded"
    assert found.reasons == ("feeds that failed at their last poll: 1", "quarantined articles: 2")


def test_watcher_tells_each_thing_once_and_in_order(desk, runtime):
    watcher = Watcher(desk.store)
    poll_now(desk, runtime)
    settle(runtime)
    assert sorted(kind for kind, _ in watcher.look()) == ["article", "article", "poll", "poll"]
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    kinds = [kind for kind, _ in watcher.look()]
    assert sorted(kinds) == ["alert", "article", "delivery", "delivery", "poll", "poll"]
    assert list(watcher.look()) == []
    assert all_settled(desk.store)
