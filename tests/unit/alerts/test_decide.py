"""Alert, news or silence: every case with its reason."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from worker.alerts.decide import Arrival, Reason, decide, is_old
from worker.alerts.news import Told
from worker.model import NewsKind, RuleVerdict

FRESH = Arrival(baseline=False, old=False, seen_before=False)
BASELINE, OLD, AGAIN = (replace(FRESH, **{name: True}) for name in ("baseline", "old", "seen_before"))
REPORT = Told("high", "", {"kim": "Kim Jong Un"}, {"en": "English"}, tier=2, source="Wire", originals=1)
NAMES_PUTIN = replace(REPORT, entities={"putin": "Vladimir Putin"})
ALL = frozenset(NewsKind)


@pytest.mark.parametrize(
    ("fires", "arrival", "silenced", "told", "reason"),
    [
        (True, FRESH, False, None, Reason.RAISED),
        (True, FRESH, False, REPORT, Reason.ALREADY_ALERTED),  # one story, one alert
        (True, FRESH, False, NAMES_PUTIN, Reason.NEWS),  # who was told of Putin hears of Kim
        (True, FRESH, True, None, Reason.SILENCED),
        (True, FRESH, True, NAMES_PUTIN, Reason.SILENCED),
        (True, BASELINE, False, None, Reason.BASELINE),  # it was in the feed before we watched
        (True, OLD, False, None, Reason.OLD),
        (True, OLD, False, NAMES_PUTIN, Reason.OLD),  # old news is none of a running story either
        (True, AGAIN, False, None, Reason.SEEN_BEFORE),
        (True, AGAIN, False, NAMES_PUTIN, Reason.SEEN_BEFORE),  # an edit alerts nobody by itself
        (False, FRESH, False, None, Reason.RULE_DID_NOT_FIRE),
        (False, BASELINE, True, REPORT, Reason.RULE_DID_NOT_FIRE),  # the first reason is told
    ],
)
def test_decide_tells_once_and_says_why_not(fires, arrival, silenced, told, reason):
    verdict = RuleVerdict(id="r", fires=fires, because="")
    known = dict(verdict=verdict, arrival=arrival, silenced=silenced, told=told, report=REPORT)
    decision = decide(**known, again=ALL)
    assert decision.reason is reason
    assert decision.raises is (reason is Reason.RAISED)
    assert bool(decision.news) is (reason is Reason.NEWS)


def test_decide_tells_only_of_the_news_that_the_rule_asks_for_and_keeps_the_rest_in_mind():
    verdict = RuleVerdict(id="r", fires=True, because="")
    known = dict(verdict=verdict, arrival=FRESH, silenced=False, told=NAMES_PUTIN, report=REPORT)
    decision = decide(**known, again=frozenset({NewsKind.TIER}))
    assert decision.reason is Reason.ALREADY_ALERTED
    assert set(decision.told.entities) == {"kim", "putin"}


@pytest.mark.parametrize(
    ("published", "old"),
    [
        (datetime(2026, 6, 16, 23, tzinfo=UTC), True),
        (datetime(2026, 6, 17, tzinfo=UTC), False),  # not before the moment
        (datetime(2026, 6, 24, tzinfo=UTC), False),
        (datetime(2030, 1, 1, tzinfo=UTC), False),  # a clock that is ahead makes nothing old
        (datetime(2022, 11, 2, tzinfo=UTC), True),  # "North Korea fires 23 missiles", again years later
        (datetime(1, 1, 1, tzinfo=UTC), False),  # no date of an article: it says nothing of its age (G07)
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (None, False),
    ],
)
def test_g07_is_old_only_by_a_date_that_can_be_one(published, old):
    assert is_old(published, before=datetime(2026, 6, 17, tzinfo=UTC)) is old
