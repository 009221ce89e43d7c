"""The demo's last words: what was done, whether anything is missing, where to look, how to go on."""

import re
from dataclasses import replace

import pytest
from happenings import NOW, delivered, judged, raised, state_of
from rich.cells import cell_len

from worker.demo import summary
from worker.demo.summary import Ending

STATE = state_of(judged(), raised(), delivered(seconds=0.4), delivered(kind="webhook"))
GOOD = Ending(state=STATE, finished=True, missing=0, places={"mails": "var/demo/mail"}, program=".venv/bin/wirewatch")


def plain(ending):
    return "\n".join(summary.plain(ending))


def pictured(ending, width=100):
    return "\n".join(line.plain for line in summary.on_terminal(ending, width=width, now=NOW))


def test_summary_counts_says_where_to_look_and_what_to_do_next():
    told = plain(GOOD)
    assert "1 articles, 1 alerts; sent: 1 mail, 1 webhook, 0 files, 0 operator messages." in told
    assert re.search(r"^  mails {13} var/demo/mail$", told, re.M)
    assert ".venv/bin/wirewatch init mydesk" in told and ".venv/bin/wirewatch up --config mydesk" in told
    picture = pictured(GOOD)
    for words in ("1 articles → 1 alerts → 1 mail, 1 webhook", "at most 0.4 s", "in the record, once", "CRITICAL",
                  "Kim Jong Un walks", "var/demo/mail", ".venv/bin/wirewatch init mydesk"):  # fmt: skip
        assert words in picture, words


@pytest.mark.parametrize(
    ("missing", "words"), [(3, "3 articles are missing: please report"), (-2, "2 articles are too many: please report")]
)
def test_summary_says_what_is_missing(missing, words):
    ending = replace(GOOD, missing=missing)
    assert not ending.good
    assert words in plain(ending) and words in pictured(ending)
    assert "in the record, once" not in pictured(ending)


def test_summary_of_a_demo_that_was_stopped_early_claims_nothing():
    ending = replace(GOOD, missing=None)
    assert ending.good
    assert "missing" not in plain(ending) and "in the record, once" not in pictured(ending)


def test_summary_of_a_demo_that_hung_says_so():
    ending = replace(GOOD, finished=False)
    assert not ending.good
    assert "did not come to its end" in plain(ending) and "did not come to its end" in pictured(ending)
    assert "init mydesk" not in plain(ending)


@pytest.mark.parametrize("width", [72, 80, 200])
def test_summary_fits_the_terminal_but_for_what_is_copied(width):
    for line in summary.on_terminal(GOOD, width=width, now=NOW):
        assert cell_len(line.plain) <= width or "var/demo" in line.plain or "mydesk" in line.plain, line.plain


def test_summary_as_json_has_the_same_facts():
    assert summary.as_json(GOOD) == {
        "finished": True, "articles": 1, "alerts": 1, "sent": {"email": 1, "webhook": 1, "inbox": 0, "operator": 0},
        "missing": 0, "places": {"mails": "var/demo/mail"},
    }  # fmt: skip
