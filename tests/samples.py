"""A made-up alert for the tests of rendering and channels; each test replaces what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from worker.model import Action, AlertArticle, AlertContent, AlsoFired, Mention, News, NewsKind, TopicScore

NOW = datetime(2023, 11, 8, 5, 5, tzinfo=UTC)
TITLE = "Kim Jong Un inspects a shipyard as Moscow asks for shells"
FIRST_SUBJECT = f"[High] {TITLE} · Arms between North Korea and Russia"
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


def update(*articles, **changes):
    """The second message of the alert, two hours later: the story is confirmed, and graver than it was."""
    changes = dict(
        kind="alert.updated", revision=2, severity="critical", first_subject=FIRST_SUBJECT, outlets=11, originals=2,
        raised=NOW + timedelta(hours=2), first_raised=NOW,
        new=(
            News(NewsKind.SEVERITY, "severity raised from high to critical: kn-23 named"),
            News(NewsKind.ORIGINALS, "2 sources report it for themselves now"),
        ),
    ) | changes  # fmt: skip
    return alert(*articles, **changes)


def reminder(**changes):
    changes = dict(kind="alert.reminder", revision=3, first_raised=NOW, first_subject=FIRST_SUBJECT) | changes
    return alert(**dict(raised=NOW + timedelta(hours=4)) | changes)


ALSO = AlsoFired("b8Kd", "korea-diplomacy", "Korean diplomacy", "normal", "kim-jong-un")
ACTIONS = (
    Action("Acknowledge", "https://desk.example/do/1.ack.x", "wirewatch alerts ack q7Xb2Zc9 --as ana"),
    Action("Silence this story for 24 h", "", "wirewatch alerts silence --story s4Tr --for 24h --as ana"),
)

HOSTILE = (
    "=?utf-8?q?a=0ABcc:_evil@x.example?= \r\nBcc: evil@x.example\r\n\r\nbody \u2028\u2029\x00 \u202egnp.exe"
    " =\u200b?utf-8?q?x?= <script>alert(1)</script><img src=//x.example/t.gif onerror=alert(1)><style>*{}</style>"
    "<svg onload=alert(1)><math href=javascript:alert(1)>"
    "<base href=//x.example><form action=//x.example><meta http-equiv=refresh content=0>\"' onmouseover=alert(1)"
    " {{7*7}} %s {0.__class__} {title} <![endif]--> \x1b[2J \ud800"
)


def hostile(text=HOSTILE, make=update):
    """Hostile in every field that a feed, or a name in the configuration, can fill; and in the ids, which are ours."""
    shown = article(
        title=text, quote=text, source=text, url="javascript:alert(1)//https://x", language='en" onload="x',
        mentions=(mention("kim", "<script>"), mention("kim", text)),
    )  # fmt: skip
    return make(
        shown, rule_name=text, rule_id=text, story_id=text, alert_id=text, severity="high", why=(text,),
        topics=(TopicScore("t", 0.9, True, False, (text,)),), topic_names={"t": text}, entity_names={"kim": text},
        url="data:text/html,x", new=(News(NewsKind.HEADLINE, text),), original_sources=(text,), first_why=(text,),
        also=(AlsoFired(text, text, text, text, text),), first_subject=text,
    )  # fmt: skip
