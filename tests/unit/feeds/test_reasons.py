"""Every reason has its words."""

import pytest

from worker.errors import FetchReason, ParseReason
from worker.feeds.reasons import WORDS, explain, wording


@pytest.mark.parametrize("reason", [*FetchReason, *ParseReason])
def test_reasons_each_has_words_and_advice(reason):
    words = wording(str(reason))
    assert words is WORDS[reason]
    assert words.says[0].islower() and not words.says.endswith(".")  # the middle of a sentence
    assert words.advice[0].isupper() and words.advice.endswith(".")  # a sentence


def test_reasons_hold_no_reason_that_is_gone():
    assert set(WORDS) == {*FetchReason, *ParseReason}


def test_reasons_of_a_newer_version_stand_for_themselves():
    assert wording("moon_phase").says == "moon phase"


@pytest.mark.parametrize(
    ("reason", "detail", "says"),
    [
        (None, None, ""),
        (None, "left over", ""),
        ("empty", "", "its answer has no content"),
        ("server", "status 502", "its server has trouble of its own (5xx): status 502"),
    ],
)
def test_reasons_explain_with_their_detail(reason, detail, says):
    assert explain(reason, detail) == says
