"""What a watcher is told of it."""

from desk import BASELINE, entries
from steps import bring, poll_now, settle

from worker.pipeline.deliver import deliver_due
from worker.store.recent import Watcher, all_settled


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
