"""The waits that a worker keeps whatever the database's clock says."""

from worker.feeds.recent import Recent, boot_clock


def test_f09_recent_keeps_a_promise_until_its_time_has_passed():
    now = [100.0]
    recent = Recent(lambda: now[0])
    assert recent.left("a") == 0
    recent.promise("a", seconds=600)
    now[0] += 599
    assert (recent.left("a"), recent.left("b")) == (1, 0)
    now[0] += 1
    assert recent.left("a") == 0
    assert recent.left("a") == 0


def test_recent_the_last_promise_counts():
    now = [100.0]
    recent = Recent(lambda: now[0])
    recent.promise("a", seconds=86_400)
    recent.promise("a", seconds=60)
    assert recent.left("a") == 60


def test_boot_clock_does_not_go_back():
    first = boot_clock()
    assert boot_clock() >= first > 0
