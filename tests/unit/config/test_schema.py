"""The typed configuration: what a value may be, and that a secret shows itself to nobody."""

import copy
import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from worker.config.rulespec import Conditions, EntityCondition
from worker.config.schema import (
    AllowSpec,
    Config,
    EmailChannel,
    FeedSpec,
    HostSpec,
    Network,
    Person,
    RuleSpec,
    Settings,
    TopicSpec,
    WatchedEntity,
    WebhookChannel,
)
from worker.config.values import Secret, read_duration, write_duration

CANARY = "hunter2-canary"
FEED = {"id": "a", "url": "https://news.example/rss"}
PERSON = {"id": "ana", "name": "Ana", "address": "ana@desk.example"}
MAIL = {
    "id": "mail",
    "kind": "email",
    "host": "smtp.example",
    "username": "ana",
    "password": Secret(CANARY),
    "sender": "desk@desk.example",
    "to": ["ana"],
}
HOOK = {"id": "hook", "kind": "webhook", "url": f"https://hooks.example/{CANARY}", "secret": Secret(CANARY)}
RULE = {"id": "r", "name": "Rule", "when": {"topics": {"any": ["t"]}}, "channels": ["inbox"]}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90),
        ("1.5h", 5400),
        (" 10 m ", 600),
        ("180d", 180 * 86400),
        ("0s", 0),
        ("3650d", 315360000),
    ],
)
def test_read_duration_reads_a_number_with_its_unit(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    "value",
    [
        90,  # of what?
        90.0,
        float("inf"),
        True,
        None,
        "90",
        "s",
        "-5s",
        "1h30m",
        "1 week",
        "3651d",  # beyond, dates overflow
        "9" * 400 + "d",
    ],
)
def test_read_duration_refuses(value):
    with pytest.raises(ValueError):
        read_duration(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(900.0, "15m"), (3600.0, "1h"), (90.0, "90s"), (129_600.0, "36h"), (86_400.0, "1d"), (1.5, "1.5s"), (1.0, "1s")],
)
def test_write_duration_takes_the_largest_unit_that_fits(seconds, text):
    assert write_duration(seconds) == text


@given(st.floats(min_value=1, max_value=3650 * 86_400))
def test_write_duration_is_read_as_the_same(seconds):
    assert read_duration(write_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (FeedSpec, FEED | {"title": "", "language": "pt-BR", "tags": ["world"], "tier": 3, "interval": "1s"}),
        (FeedSpec, FEED | {"url": "http://127.0.0.1:8099/a?b=c#d"}),
        (TopicSpec, {"id": "t", "name": "T", "threshold": 0.5, "review": [0, 1]}),
        (WatchedEntity, {"id": "e", "type": "vessel", "name": "Angara", "aliases": ["«Ангара»", "كيم\u200cجونغ"]}),
        (Person, PERSON | {"address": "o'brien+x@bücher.example", "time_zone": "Asia/Seoul"}),
        (EmailChannel, MAIL | {"to": ["ana", "b@desk.example"], "security": "none", "password": ""}),
        (AllowSpec, {"cidr": "10.0.0.0/8", "ports": [8443], "for": ["feed", "webhook"]}),
        (Settings, {"contact": "mailto:a@b.example"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_schema_takes(kind, raw):
    assert kind.model_validate(raw)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        (FeedSpec, FEED | {"id": "A b"}),
        (FeedSpec, FEED | {"id": ""}),
        (FeedSpec, FEED | {"id": "a--b"}),
        (FeedSpec, FEED | {"id": "a" * 81}),
        (FeedSpec, FEED | {"id": 1}),  # a number is no text
        (FeedSpec, FEED | {"url": "ftp://news.example/rss"}),
        (FeedSpec, FEED | {"url": "https://"}),
        (FeedSpec, FEED | {"url": "https:///rss"}),
        (FeedSpec, FEED | {"url": "https://news.example/a b"}),
        (FeedSpec, FEED | {"url": "https://news.example/\n"}),
        (FeedSpec, FEED | {"url": "https://news.example/${TOKEN}"}),  # it would be asked for as written
        (FeedSpec, FEED | {"language": "English"}),
        (FeedSpec, FEED | {"tier": 4}),
        (FeedSpec, FEED | {"tier": True}),  # not 1
        (FeedSpec, FEED | {"tier": "2"}),
        (FeedSpec, FEED | {"interval": "500ms"}),
        (FeedSpec, FEED | {"interval": 900}),
        (FeedSpec, FEED | {"enabled": "no"}),  # text is true to one reader and false to another
        (FeedSpec, FEED | {"enabled": 0}),
        (FeedSpec, FEED | {"colour": "red"}),
        (TopicSpec, {"id": "t", "name": "T", "threshold": 0}),
        (TopicSpec, {"id": "t", "name": "T", "threshold": 1}),
        (TopicSpec, {"id": "t", "name": "T", "threshold": float("nan")}),
        (TopicSpec, {"id": "t", "name": "T", "review": [0.9, 0.1]}),  # no score is between
        (TopicSpec, {"id": "t", "name": "T", "review": [0.9]}),
        (TopicSpec, {"id": "t", "name": "T", "review": [0.5, 2]}),
        (WatchedEntity, {"id": "e", "type": "planet", "name": "X"}),
        (WatchedEntity, {"id": "e", "type": "person", "name": " "}),
        (WatchedEntity, {"id": "e", "type": "person", "name": "X", "aliases": ["a\nb"]}),
        (WatchedEntity, {"id": "e", "type": "person", "name": "X", "aliases": ["a\u2028b"]}),
        (WatchedEntity, {"id": "e", "type": "person", "name": "X", "aliases": "Y"}),  # not a list
        (EntityCondition, {"any": []}),  # would read as "any watched name"
        (EntityCondition, {"tags": []}),
        (EntityCondition, {"any": ["a"], "at_least": 0}),
        (Conditions, {"sources": []}),
        (Conditions, {"languages": []}),
        (Conditions, {"topics": {"any": []}}),
        (Conditions, {"words": ""}),
        (Conditions, {"words": "missile OR"}),
        (Conditions, {"words": "missile NOT missile"}),  # can never match
        (Conditions, {"words": "NOT missile"}),  # always would
        (Conditions, {"words": "missile", "tier": 4}),
        (RuleSpec, RULE | {"escalate": [{"severity": "high", "when": {"words": "(a"}}]}),
        (RuleSpec, RULE | {"timing": {"updates": "0s"}}),
        (RuleSpec, RULE | {"tell_again": ["everything"]}),
        (RuleSpec, RULE | {"must_fire": [{"text": "without a headline"}]}),
        (RuleSpec, RULE | {"channels": []}),
        (RuleSpec, RULE | {"severity": "urgent"}),
        (RuleSpec, RULE | {"name": "a\r\nBcc: x@y.example"}),
        (Person, PERSON | {"address": "ana"}),
        (Person, PERSON | {"address": "ana@"}),
        (Person, PERSON | {"address": "ana@desk.example\n"}),
        (Person, PERSON | {"address": "ana@desk\u2028.example"}),
        (Person, PERSON | {"address": "a\x01na@desk.example"}),
        (Person, PERSON | {"address": "ana@desk..example"}),
        (Person, PERSON | {"address": "Ana <ana@desk.example>"}),
        (Person, PERSON | {"time_zone": "Asia/Pyongyong"}),
        (Person, PERSON | {"time_zone": "../../etc/passwd"}),
        (EmailChannel, MAIL | {"to": []}),
        (EmailChannel, MAIL | {"to": ["ana@"]}),  # an @ makes it an address
        (EmailChannel, MAIL | {"sender": "desk"}),
        (EmailChannel, MAIL | {"port": 0}),
        (EmailChannel, MAIL | {"security": "ssl"}),
        (AllowSpec, {"cidr": "10.0.0.0/8"}),  # for what?
        (AllowSpec, {"cidr": "10.0.0.0/8", "for": ["feed"], "ports": [70000]}),
        (Settings, {}),
        (Settings, {"contact": "a\nb"}),
        (Settings, {"contact": "a", "timing": {"tick": "1h"}}),
        (Settings, {"contact": "a", "timing": {"beat": "2m"}}),  # its rows would be forgotten before it is silent
        (Settings, {"contact": "a", "poll_batch": 0}),
        (Settings, {"contact": "a", "public_url": "desk.example"}),
        (Settings, {"contact": "a", "public_url": "ftp://desk.example"}),
        (Settings, {"contact": "a", "public_url": "https://desk.example/wirewatch"}),  # the console knows no path
        (Settings, {"contact": "a", "public_url": "https://desk.example?x=1"}),
        (Settings, {"contact": "a", "public_url": "https://ana@desk.example"}),
        (Settings, {"contact": "a", "public_url": "https://desk.example\n"}),
        (Settings, {"contact": "a", "links_last": "1s"}),
    ],
)
def test_schema_refuses(kind, raw):
    with pytest.raises(ValidationError):
        kind.model_validate(raw)


def make_config(*, hook=HOOK, mail=MAIL):
    channels = (EmailChannel.model_validate(mail), WebhookChannel.model_validate(hook))
    return Config(feeds=(FeedSpec.model_validate(FEED),), channels=channels)


def test_secret_reveals_itself_only_when_asked():
    secret = Secret(CANARY)
    assert secret.reveal() == CANARY
    assert [repr(secret), str(secret), f"{secret}", "%s" % secret, f"{[secret]}"] == ["***"] * 4 + ["[***]"]  # noqa: UP031
    assert copy.deepcopy(secret).reveal() == pickle.loads(pickle.dumps(secret)).reveal() == CANARY


def test_config_j06_shows_no_secret():
    config = make_config(mail=MAIL | {"username": CANARY})
    shown = [repr(config), str(config.channels), json.dumps(config.public()), config.hash]
    for text in shown:
        assert CANARY not in text
    for channel in config.public()["channels"]:
        assert channel.get("secret", "***") == channel.get("password", "***") == "***"
        assert channel.get("url", "***") == channel.get("username", "***") == "***"
    assert config.public()["feeds"][0]["url"] == FEED["url"]


def test_config_j07_public_form_is_the_same_for_every_secret():
    other = make_config(hook=HOOK | {"url": "${HOOK_URL}", "secret": "${HOOK_SECRET}"})
    assert other.public() == make_config().public()
    assert other.hash == make_config().hash


def test_config_hash_changes_with_what_is_configured():
    assert make_config().hash != make_config(mail=MAIL | {"host": "other.example"}).hash


def test_config_public_form_is_json():
    config = Config(
        network=Network(allow=(AllowSpec.model_validate({"cidr": "10.0.0.0/8", "for": ["feed"]}),)),
        rules=(RuleSpec.model_validate(RULE),),
    )
    assert json.loads(json.dumps(config.public())) == config.public()
    assert config.public()["network"]["allow"][0]["for"] == ["feed"]


def test_config_feed_that_left_still_has_settings():
    config = make_config()
    assert config.feed("a").url == FEED["url"]
    assert (config.feed("gone").title, config.feed("gone").tier) == ("gone", 3)


def test_config_policy_carries_the_network():
    allow = AllowSpec.model_validate({"cidr": "127.0.0.0/8", "ports": [8099], "for": ["feed"]})
    host = HostSpec.model_validate({"interval_floor": "1s", "spacing": "0s", "concurrent": 50, "ignore_hints": True})
    policy = Config(network=Network(allow=(allow,), hosts={"127.0.0.1": host})).to_policy()
    assert (policy.allow[0].ports, policy.allow[0].uses) == (frozenset({8099}), frozenset({"feed"}))
    assert (policy.hosts["127.0.0.1"].interval_floor, policy.hosts["127.0.0.1"].concurrent) == (1.0, 50)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("", ""),
        ("https://desk.example", "https://desk.example"),
        ("https://desk.example/", "https://desk.example"),  # what follows it begins with a slash
        ("http://10.1.2.3:8080", "http://10.1.2.3:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_schema_keeps_a_public_url_without_its_last_slash(written, kept):
    assert Settings.model_validate({"contact": "a", "public_url": written}).public_url == kept
