"""A made-up alert for the tests of rendering and channels; each test replaces what it is about."""

from dataclasses import replace
from datetime import UTC, datetime

from worker.model import AlertArticle, AlertContent, Mention, TopicScore

NOW = datetime(2023, 11, 8, 5, 5, tzinfo=UTC)
TITLE = "Kim Jong Un inspects a shipyard as Moscow asks for shells"
QUOTE = "Kim Jong Un toured the yard on Tuesday.\nRussia has asked for more artillery shells, officials said."


def mention(entity, text, *, field="text", start=0):
    return Mention(entity, text, field, start, start + len(text), text, "name")


def article(**changes):
    made = AlertArticle(
        title=TITLE,
        url="https://news.example/2023/shipyard",
        source="Harbour Wire",
        published=datetime(2023, 11, 8, 4, 58, tzinfo=UTC),
        first_seen=NOW,
        language="en",
        quote=QUOTE,
        mentions=(mention("kim-jong-un", "Kim Jong Un"), mention("russia", "Russia", start=40)),
    )
    return replace(made, **changes)


def alert(*articles, **changes):
    """`articles` default to one; the story has the first one's title."""
    articles = articles or (article(),)
    made = AlertContent(
        kind="alert.raised",
        alert_id="q7Xb2Zc9",
        revision=1,
        rule_id="dprk-russia-arms",
        rule_name="Arms between North Korea and Russia",
        severity="high",
        url="https://desk.example/alerts/q7Xb2Zc9",
        story_id="s4Tr",
        story_title=articles[0].title,
        story_first_seen=NOW,
        outlets=1,
        articles=articles,
        topics=(
            TopicScore("nk-russia-arms", 0.97, True, False, ("artillery shells", "Moscow")),
            TopicScore("middle-east", 0.02, False, False, ("officials",)),
        ),
        topic_names={"nk-russia-arms": "North Korea–Russia arms", "middle-east": "Middle East"},
        entity_names={"kim-jong-un": "Kim Jong Un", "russia": "Russia"},
        why=("topic nk-russia-arms 0.97; kim-jong-un, russia",),
        analysed=NOW,
        raised=NOW,
    )
    return replace(made, **changes)
