"""Which silence keeps which rule quiet about what: every kind, and what it lets through."""

from datetime import UTC, datetime

import pytest

from worker.alerts.rules import FeedFacts
from worker.alerts.silences import Report, find_silence
from worker.config.schema import RuleSpec, WatchedEntity
from worker.model import ArticleText, Judgement, Mention, Silence, SilenceKind

AT = datetime(2026, 11, 25, tzinfo=UTC)
ENTITIES = {
    name: WatchedEntity(id=name, type="person", name=name, tags=("leader",))
    for name in ("kim-jong-un", "vladimir-putin")
}
LEADERS = {"entities": {"tags": ["leader"]}}


def rule(when, name="leaders"):
    return RuleSpec.model_validate({"id": name, "name": "Leaders", "when": when, "channels": ["inbox"]})


def report(*names, title="Leaders meet in the far east", story=7):
    mentions = tuple(Mention(name, name, "title", 0, 1, name, "name") for name in names)
    judged = Judgement("en", (), mentions, "m")
    return Report(ArticleText("a", title), judged, FeedFacts("wire", frozenset(), 1), story, ENTITIES)


def silence(kind, value, story_id=None):
    return Silence(1, "s", SilenceKind(kind), value, "", "ana", AT, AT, story_id=story_id)


BOTH = report("kim-jong-un", "vladimir-putin")
KIM = report("kim-jong-un")


@pytest.mark.parametrize(
    ("made", "asked", "about", "quiet"),
    [
        (silence("rule", "leaders"), rule(LEADERS), KIM, True),
        (silence("rule", "others"), rule(LEADERS), KIM, False),
        (silence("source", "wire"), rule(LEADERS), KIM, True),
        (silence("source", "paper"), rule(LEADERS), KIM, False),
        (silence("story", "abc", story_id=7), rule(LEADERS), KIM, True),
        (silence("story", "abc", story_id=8), rule(LEADERS), KIM, False),
        (silence("story", "abc"), rule(LEADERS), KIM, False),  # a story that there is not
        (silence("entity", "kim-jong-un"), rule(LEADERS), KIM, True),
        (silence("entity", "kim-jong-un"), rule(LEADERS), BOTH, False),  # it fires without him
        (
            silence("entity", "kim-jong-un"),
            rule({"entities": {"all": ["kim-jong-un"], "tags": ["leader"]}}),
            BOTH,
            True,
        ),
        (silence("entity", "vladimir-putin"), rule(LEADERS), KIM, False),  # not named
        (silence("query", '"far east" NOT sport'), rule(LEADERS), KIM, True),
        (silence("query", "sport"), rule(LEADERS), KIM, False),
    ],
)
def test_a_silence_holds_for_what_it_names(made, asked, about, quiet):
    assert (find_silence([made], asked, about) is made) is quiet


def test_the_first_silence_that_holds_is_named():
    made = [silence("rule", "others"), silence("source", "wire"), silence("rule", "leaders")]
    assert find_silence(made, rule(LEADERS), KIM) is made[1]
