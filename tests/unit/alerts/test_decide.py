"""Alert or stay quiet: every case with its reason."""

import pytest

from worker.alerts.decide import Reason, decide
from worker.model import RuleVerdict


@pytest.mark.parametrize(
    ("fires", "baseline", "existing", "reason"),
    [
        (True, False, False, Reason.RAISED),
        (True, False, True, Reason.ALREADY_ALERTED),  # one story, one alert
        (True, True, False, Reason.BASELINE),  # it was in the feed before we watched
        (True, True, True, Reason.BASELINE),
        (False, False, False, Reason.RULE_DID_NOT_FIRE),
        (False, True, True, Reason.RULE_DID_NOT_FIRE),  # the first reason is told
    ],
)
def test_decide_raises_once_and_says_why_not(fires, baseline, existing, reason):
    verdict = RuleVerdict(id="r", fires=fires, because="")
    decision = decide(verdict=verdict, baseline=baseline, existing_alert=existing)
    assert decision.reason is reason
    assert decision.raises is (reason is Reason.RAISED)
