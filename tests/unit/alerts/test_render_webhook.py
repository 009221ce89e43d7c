"""An alert as a webhook's receiver reads it: a stable shape, under 20 kB whatever it holds."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import ALSO, QUOTE, TITLE, alert, article, hostile, mention, reminder, update

from worker.alerts.render_webhook import render_webhook
from worker.model import News, NewsKind, TopicScore

law = settings(deadline=None, max_examples=60)


def payload(content):
    body = render_webhook(content, recipient="hooks.example", message_id="msg_1").body
    assert len(body) < 20_000
    return json.loads(body.decode())


def test_render_webhook_has_every_documented_key():
    found = payload(alert(outlets=3))
    assert found["type"] == "alert.raised"
    assert found["timestamp"] == "2023-11-08T05:05:00.000Z"
    data = found["data"]
    assert data["alert"] == {
        "id": "q7Xb2Zc9",
        "revision": 1,
        "rule": "dprk-russia-arms",
        "severity": "high",
        "url": "https://desk.example/alerts/q7Xb2Zc9",
    }
    assert data["story"] == {
        "id": "s4Tr",
        "title": TITLE,
        "first_seen": "2023-11-08T05:05:00.000Z",
        "articles": 1,
        "outlets": 3,
        "original_sources": ["Harbour Wire"],
    }
    assert data["new"] == [{"title": TITLE, "url": "https://news.example/2023/shipyard"}]
    assert data["topics"][0] == {
        "id": "nk-russia-arms",
        "name": "North Korea–Russia arms",
        "score": 0.97,
        "match": True,
    }
    assert data["entities"] == [{"id": "kim-jong-un", "name": "Kim Jong Un"}, {"id": "russia", "name": "Russia"}]
    assert data["articles"] == [
        {
            "title": TITLE,
            "url": "https://news.example/2023/shipyard",
            "source": "Harbour Wire",
            "published": "2023-11-08T04:58:00.000Z",
            "first_seen": "2023-11-08T05:05:00.000Z",
            "language": "en",
            "quote": QUOTE,
            "mentions": [
                {"entity": "kim-jong-un", "text": "Kim Jong Un", "field": "text", "start": 0, "end": 11},
                {"entity": "russia", "text": "Russia", "field": "text", "start": 40, "end": 46},
            ],
        }
    ]
    assert data["why"] == ["topic nk-russia-arms 0.97; kim-jong-un, russia"]
    assert data["timings"].keys() == {"published", "first_seen", "analysed", "raised"}
    assert "omitted" not in data


def test_render_webhook_of_an_update_says_what_is_new_and_since_when():
    found = payload(update(also=(ALSO,)))
    assert found["type"] == "alert.updated"
    assert found["timestamp"] == "2023-11-08T07:05:00.000Z"
    assert found["data"]["new"] == [
        {"kind": "severity", "words": "severity raised from high to critical: kn-23 named"},
        {"kind": "originals", "words": "2 sources report it for themselves now"},
    ]
    assert found["data"]["also"] == [
        {
            "alert": "b8Kd",
            "rule": "korea-diplomacy",
            "name": "Korean diplomacy",
            "severity": "normal",
            "why": "kim-jong-un",
        }
    ]
    assert found["data"]["timings"]["first_raised"] == "2023-11-08T05:05:00.000Z"


def test_render_webhook_of_a_reminder_has_nothing_new():
    found = payload(reminder())
    assert (found["type"], found["data"]["new"]) == ("alert.reminder", [])


def test_render_webhook_names_the_sources_that_report_for_themselves():
    copies = [article(source=name) for name in ("Harbour Wire", "Copy One", "Copy Two")]
    story = payload(alert(*copies, outlets=3, original_sources=("Yonhap", "Harbour Wire")))["data"]["story"]
    assert story["original_sources"] == ["Harbour Wire", "Yonhap"]


@pytest.mark.parametrize(
    "content",
    [
        alert(article(title="북" * 9_000, quote="북" * 2_700_000)),  # 8 MB
        alert(article(mentions=tuple(mention("kim-jong-un", "Kim", start=n) for n in range(5_000)))),
        alert(*[article(title=f"Copy {n}") for n in range(400)]),
        alert(why=tuple("because " * 5_000 for _ in range(50))),
        alert(topics=tuple(TopicScore(f"t{n}", n / 1_000, True, False, ("x",)) for n in range(999))),
        alert(entity_names={"kim-jong-un": "K" * 50_000, "russia": "R" * 50_000}),
        alert(article(url="https://x.example/" + '"' * 50_000, source="\x00" * 50_000)),
        alert(*[article(url="https://x.example/" + "é" * 900 + str(n), title='\x01"' * 900) for n in range(30)]),
        update(new=[News(NewsKind.ENTITY, "\x01" * 9_000)] * 90, also=[replace(ALSO, why="\x01" * 9_000)] * 90),
        alert(original_sources=tuple(f"{n}" + "\x01" * 900 for n in range(90))),
    ],
    ids=[
        "text",
        "mentions",
        "articles",
        "reasons",
        "topics",
        "names",
        "address and source",
        "all that escapes",
        "news",
        "sources",
    ],
)
def test_h13_render_webhook_stays_under_20_kb(content):
    data = payload(content)["data"]
    assert data["articles"]
    assert all(len(one["quote"]) <= 300 for one in data["articles"])
    assert data["articles"][0]["url"] in ("", content.articles[0].url)  # whole or absent: a cut one leads elsewhere


def test_render_webhook_counts_what_it_left_out():
    many = tuple(mention("kim-jong-un", "Kim", start=n) for n in range(5_000))
    data = payload(alert(article(mentions=many), article()))["data"]
    shown = sum(len(one["mentions"]) for one in data["articles"])
    assert data["omitted"] == {"articles": 0, "mentions": 5_002 - shown, "topics": 0}
    assert shown > 50


def test_h08_h13_hostile_webhook_is_utf_8_json_without_script_links():
    data = payload(hostile())["data"]
    assert data["articles"][0]["url"] == data["alert"]["url"] == ""
    assert payload(hostile(make=alert))["data"]["new"][0]["url"] == ""
    assert "\ud800" not in json.dumps(data, ensure_ascii=False)


@law
@given(st.text(max_size=5_000), st.text(max_size=300), st.integers(1, 40))
def test_h13_render_webhook_law(text, name, count):
    shown = article(title=text, quote=text, source=name, mentions=(mention("kim-jong-un", name),) * count)
    payload(alert(*[shown] * count, why=(text,) * count, rule_name=name, topic_names={"nk-russia-arms": text}))
