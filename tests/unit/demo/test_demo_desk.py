"""The demo's configuration is a configuration: the loader takes it, and finds the demo's own channels in the rules."""

from pathlib import Path

import pytest
import yaml

from worker.config.load import load_config
from worker.demo.desk import write_config
from worker.demo.sample import load_sample

EXAMPLE = Path(__file__).parents[3] / "config"


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
    assert len(config.feeds) == 6 and len(config.rules) == 4
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
