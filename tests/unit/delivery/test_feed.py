"""Alerts to subscribe to: both documents, read back as readers read them."""

import json
import xml.etree.ElementTree as ET
from datetime import timedelta

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import NOW, QUOTE, TITLE, alert, article

from worker.delivery.feed import Feed
from worker.delivery.syndication import FORMATS, Entry, Head, atom, json_feed, read_entry

CHANNEL = Feed("readers", "Asia/Seoul")
HEAD = Head("urn:wirewatch:feed:readers", "Alerts", "https://desk.example/feeds/readers/k.atom")
HOSTILE = (
    "<script>x()</script><img src=https://tracker.example/x.png onerror=x()><form action=//tracker.example>"
    "\"'>]]><!-- <a href=javascript:x()>&amp;</a> {{7*7}} %s {0.__class__}"
)
ILLEGAL = "".join(map(chr, [*range(32), 0x7F, 0x85, 0xFFFE, 0xFFFF, 0x202E, 0x2028])) + "\ud800"


def entry(content=None, now=NOW):
    return read_entry(CHANNEL.render(content or alert(), recipient="subscribers", now=now).body)


def parsed(entries, head=HEAD):
    found = feedparser.parse(atom(head, entries))
    assert not found.bozo, found.get("bozo_exception")
    return found


def test_feed_atom_is_read_by_a_reader():
    found = parsed([entry()])
    assert found.version == "atom10"
    assert (found.feed.title, found.feed.id, found.feed.author) == ("Alerts", HEAD.id, "Wirewatch")
    assert {link.rel: link.href for link in found.feed.links} == {"self": HEAD.address}
    (one,) = found.entries
    assert one.id == "urn:wirewatch:alert:q7Xb2Zc9"
    assert one.title == f"[High] {TITLE} · Arms between North Korea and Russia"
    assert one.summary == " ".join(QUOTE.split())
    assert {link.rel: link.href for link in one.links} == {"alternate": article().url}
    assert one.updated == one.published == "2023-11-08T05:05:00.000Z"
    assert [tag.term for tag in one.tags] == ["Arms between North Korea and Russia", "high"]
    (content,) = one.content
    assert content.type == "text/html" and "Why you get this" in content.value
    assert alert().url and alert().url not in content.value + entry().text, "its readers have no key to that page"


def test_feed_json_has_what_the_format_asks_for():
    found = json.loads(json_feed(HEAD, [entry()]))
    assert found["version"] == "https://jsonfeed.org/version/1.1"
    assert (found["title"], found["feed_url"]) == ("Alerts", HEAD.address) and "home_page_url" not in found
    (one,) = found["items"]
    assert one["id"] == "urn:wirewatch:alert:q7Xb2Zc9"
    assert one["url"] == article().url
    assert one["content_text"].startswith("High") and "<" in one["content_html"]
    assert one["date_published"] == one["date_modified"] == "2023-11-08T05:05:00.000Z"
    assert all(isinstance(tag, str) for tag in one["tags"])


@pytest.mark.parametrize("kind", FORMATS)
def test_feed_without_entries_or_addresses_is_one_all_the_same(kind):
    document = FORMATS[kind][1](Head("urn:x", "Alerts", ""), [])
    if kind == "atom":
        found = feedparser.parse(document)
        assert not found.bozo and found.entries == [] and found.feed.updated
    else:
        assert json.loads(document) == {
            "version": "https://jsonfeed.org/version/1.1", "title": "Alerts", "authors": [{"name": "Wirewatch"}],
            "items": [],
        }  # fmt: skip


def test_feed_an_entry_that_led_to_the_console_leads_to_its_article():
    made = entry()
    written = json.loads(made.as_bytes()) | {"url": alert().url, "article_url": made.url}
    assert read_entry(json.dumps(written).encode()) == made


def test_feed_an_update_is_the_same_entry_changed():
    first = entry()
    later = NOW + timedelta(hours=2)
    second = entry(alert(kind="alert.updated", revision=2, raised=later, first_raised=NOW), now=later)
    assert first.id == second.id and first.published == second.published
    assert (first.updated, second.updated) == ("2023-11-08T05:05:00.000Z", "2023-11-08T07:05:00.000Z")
    assert parsed([second]).feed.updated == second.updated


def test_h08_feed_hostile_texts_are_text_after_one_reading():
    hostile = article(title=HOSTILE, quote=HOSTILE, source=HOSTILE, url="javascript:alert(1)")
    made = entry(alert(hostile, rule_name=HOSTILE, url="data:text/html,x"))
    root = ET.fromstring(atom(HEAD, [made]))
    spaced = {name: root.find(f".//{{*}}entry/{{*}}{name}").text for name in ("title", "summary", "content")}
    assert "<script>" in spaced["title"], "a title is text, so the reader escapes it"
    assert "<script" not in spaced["content"] and "&lt;script&gt;" in spaced["content"]
    assert "<img" not in spaced["content"] and "<form" not in spaced["content"]
    assert root.findall(".//{*}entry/{*}link") == []
    (one,) = parsed([made]).entries
    assert "javascript:" not in "".join(link.href for link in one.get("links", []))


def test_h13_feed_what_xml_allows_nowhere_is_in_no_document():
    made = entry(alert(article(title=f"a{ILLEGAL}b", quote=f"c{ILLEGAL}d", source=ILLEGAL), rule_name=f"r{ILLEGAL}"))
    (one,) = parsed([made], Head(f"urn:{ILLEGAL}", f"t{ILLEGAL}", "")).entries
    assert "b" in one.title
    json.loads(json_feed(HEAD, [made]))


@settings(max_examples=60)
@given(st.text(max_size=60), st.text(max_size=60))
def test_h13_feed_law_any_text_makes_documents_that_parse(title, text):
    made = Entry("urn:x", title, text, text, text, "", "2023-11-08T05:05:00.000Z", "2023-11-08T05:05:00.000Z", (title,))
    ET.fromstring(atom(HEAD, [made]))
    assert json.loads(json_feed(HEAD, [made]))["items"][0]["id"] == "urn:x"


def test_feed_an_operator_message_is_an_entry_too():
    options = dict(recipient="subscribers", message_id="m1", now=NOW)
    made = read_entry(CHANNEL.render_operator("Feed <stopped>", ["It answered <410>."], **options).body)
    assert made.id == "urn:wirewatch:message:m1"
    (one,) = parsed([made]).entries
    assert (one.title, one.summary) == ("Feed <stopped>", "It answered <410>.")
