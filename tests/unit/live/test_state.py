"""What the view knows: counts that add up, the last few of everything, nothing that grows for ever."""

from datetime import timedelta

from happenings import NOW, delivered, judged, polled, raised, state_of

from worker.live.happened import Trouble, arrived
from worker.live.state import LAST, STAGES


def test_state_counts_the_way_of_the_news():
    state = state_of(polled(edited=1), polled(outcome="unchanged", entries=0, new=0), judged(), raised(), delivered())
    expected = {"polls": 2, "entries": 5, "articles": 2, "judged": 1, "alerts": 1, "delivered": 1}
    assert {stage: state.counts[stage] for stage in STAGES} == expected
    assert state.counts["edited"] == 1
    assert state.severities == {"critical": 1}
    assert state.sent == {"email": 1}


def test_state_notes_when_a_count_moved_and_only_then():
    state = state_of(polled(new=0, entries=0, outcome="unchanged"))
    assert state.moved == {"polls": NOW}


def test_state_tells_how_soon_an_alert_was_told():
    state = state_of(raised(), delivered(seconds=0.9), delivered(seconds=0.4), delivered(state="failed", seconds=0.2))
    alert = state.alerts["alert-1"]
    assert (alert.told, alert.sent, alert.failed) == (0.4, 2, 1)
    assert state.slowest == 0.9
    assert state.counts["failed deliveries"] == 1


def test_state_takes_a_delivery_whose_alert_it_never_saw():
    state = state_of(delivered(alert="from-before"))
    assert state.counts["delivered"] == 1 and not state.alerts


def test_state_makes_a_message_to_the_operator_a_trouble_once():
    told = delivered(alert="", kind="operator", subject="Feed stopped: harbour")
    state = state_of(told, told, delivered(alert="", kind="operator", subject="Another", attempt=2))
    assert [one.words for one in state.troubles] == ["Feed stopped: harbour"]
    assert state.sent == {"operator": 3}


def test_state_keeps_each_inbox_apart_and_counts_what_was_refused():
    mail = arrived("mail", at=NOW, recipient="ana", subject="S")
    bad = arrived("webhook", at=NOW, recipient="", subject="forged", good=False)
    state = state_of(mail, bad)
    assert list(state.arrivals["mail"]) == [mail] and list(state.arrivals["webhook"]) == [bad]
    assert (state.counts["mail arrived"], state.counts["webhook arrived"], state.counts["webhook refused"]) == (1, 0, 1)


def test_state_does_not_grow_with_what_it_was_told():
    state = state_of()
    for n in range(3 * LAST):
        name, at = f"n{n}", NOW + timedelta(seconds=n)
        news = [polled(feed=name), judged(article=name), raised(alert=name, article=name), delivered(alert=name)]
        state.take([*news, Trouble(at=at, words=name), arrived("mail", at=at, recipient=name, subject="S")], now=at)
    kept = [state.feeds, state.articles, state.alerts, state.alerted, state.deliveries, state.troubles]
    assert [len(one) for one in [*kept, *state.arrivals.values()]] == [LAST] * 7
    assert state.counts["alerts"] == 3 * LAST
    assert f"n{3 * LAST - 1}" in state.feeds and "n0" not in state.feeds
