"""The demo's configuration is a configuration: the loader takes it, and finds the demo's own channels in the rules."""

from collections import Counter
from pathlib import Path

import pytest
import yaml

from worker.alerts.rules import FeedFacts, evaluate
from worker.config.load import load_config
from worker.demo.desk import write_config
from worker.demo.sample import load_sample
from worker.model import ArticleText, Judgement, TopicScore
from worker.nlp.names import compile_watchlist, find_mentions

EXAMPLE = Path(__file__).parents[3] / "config"
SMALL_TALK = {"hw-008", "ll-0508", "tag:peninsula-desk.example,2023:009", "https://vestnik-zaliva.example/n/109"}


@pytest.fixture
def folder(tmp_path):
    secret = tmp_path / "a folder" / "webhook.secret"
    secret.parent.mkdir()
    secret.write_text("whsec_ZGVtbyBzZWNyZXQgb25seSBmb3IgdGVzdHM=")
    write_config(
        tmp_path / "config",
        example=EXAMPLE,
        feeds=load_sample(),
        origin_url="http://127.0.0.1:18099",
        smtp_port=18025,
        webhook_url="http://127.0.0.1:18080/alerts",
        secret_file=secret,
    )
    return tmp_path / "config"


def test_demo_config_loads_without_a_problem(folder):
    config = load_config(folder, environ={})
    assert len(config.feeds) == 6 and len(config.rules) == 6
    assert {feed.url for feed in config.feeds} >= {"http://127.0.0.1:18099/harbour-wire.xml"}
    assert {feed.interval for feed in config.feeds} == {2.0}
    assert {channel.id for channel in config.channels} == {"inbox", "operator", "email", "webhook"}
    assert config.settings.timing.tick == 1.0


def test_demo_config_allows_only_its_own_two_ports(folder):
    policy = load_config(folder, environ={}).to_policy()
    assert {(tuple(one.ports), tuple(one.uses)) for one in policy.allow} == {
        ((18099,), ("feed",)),
        ((18080,), ("webhook",)),
    }
    assert policy.host("127.0.0.1").ignore_hints and policy.host("127.0.0.1").interval_floor == 1.0


def test_demo_config_names_the_secret_only_by_its_file(folder):
    written = "".join(path.read_text(encoding="utf-8") for path in folder.iterdir())
    assert "whsec_" not in written
    channels = yaml.safe_load((folder / "channels.yaml").read_text())["channels"]
    assert channels[-1]["secret"].startswith("${file:/")


def test_demo_config_may_be_written_again(folder):
    before = load_config(folder, environ={}).hash
    write_config(
        folder,
        example=EXAMPLE,
        feeds=load_sample(),
        origin_url="http://127.0.0.1:18199",
        smtp_port=18025,
        webhook_url="http://127.0.0.1:18080/alerts",
        secret_file=folder.parent / "a folder" / "webhook.secret",
    )
    assert load_config(folder, environ={}).hash != before


def test_demo_rules_each_find_their_names_in_the_sample_and_none_in_its_small_talk(folder):
    config = load_config(folder, environ={})
    index = compile_watchlist(config.watchlist)
    fired = Counter()
    for article, judgement, feed in judged_sample(config, index):
        guid, known = article.id, dict(article=article, judgement=judgement, feed=feed, entities=config.entities_by_id)
        verdicts = [evaluate(rule, **known) for rule in config.rules]
        names = {verdict.id for verdict in verdicts if verdict.fires}
        fired.update(names)
        assert not (names and guid in SMALL_TALK), guid
    assert set(fired) == {rule.id for rule in config.rules}
    assert min(fired.values()) >= 3


def judged_sample(config, index):
    """(article, a judgement as if every topic matched, feed) of each entry after the baselines."""
    topics = tuple(TopicScore(topic.id, 1.0, True, False) for topic in config.topics)
    for feed in load_sample():
        for entry in (entry for stage in feed.stages[1:] for entry in stage.entries):
            article = ArticleText(id=entry.guid, title=entry.title, text=entry.text, language=feed.language)
            mentions = find_mentions(index, article)
            judgement = Judgement(feed.language, topics, mentions, model_id="none")
            yield article, judgement, FeedFacts(feed.id, frozenset(feed.tags), feed.tier)


def test_demo_rules_by_names_alone_fire_in_every_language_of_the_sample(folder):
    config = load_config(folder, environ={})
    by_names = [rule for rule in config.rules if rule.when.topics is None]
    languages = {feed.id: feed.language for feed in config.feeds}
    fired = {
        languages[feed.id]
        for article, judgement, feed in judged_sample(config, compile_watchlist(config.watchlist))
        for rule in by_names
        if evaluate(rule, article=article, judgement=judgement, feed=feed, entities=config.entities_by_id).fires
    }
    assert fired == {"en", "ko", "ru", "ar"}
