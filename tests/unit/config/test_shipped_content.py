"""Checks the shipped watchlist and feed list as plain YAML: enough of them, no double ids, URLs or aliases."""

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import yaml

CONFIG = Path(__file__).resolve().parents[3] / "config"

COUNTRY_TAGS = {
    "dprk",
    "rok",
    "russia",
    "usa",
    "china",
    "japan",
    "iran",
    "israel",
    "palestine",
    "lebanon",
    "yemen",
    "syria",
    "iraq",
    "ukraine",
}
KIND_TAGS = {
    "leader",
    "minister",
    "envoy",
    "spy-agency",
    "state-media",
    "arms-maker",
    "militia",
    "military",
    "weapon",
    "test-site",
    "port",
    "strait",
    "vessel",
    "place",
    "diplomacy",
    "nuclear",
    "company",
}
ENTITY_TYPES = {"person", "organisation", "place", "weapon", "vessel", "other"}
FEED_TAGS = {"korea", "north-korea", "russia", "middle-east", "defence", "world", "wire", "official", "think-tank"}

# Family names that many people share, and letters or words that mean something else when they stand alone.
AMBIGUOUS_ALONE = {
    "kim",
    "park",
    "lee",
    "cho",
    "choe",
    "choi",
    "han",
    "shin",
    "moon",
    "yoon",
    "kang",
    "pak",
    "ri",
    "lim",
    "jang",
    "nis",
    "rgb",
    "iai",
    "kai",
    "mbs",
    "dia",
    "kbm",
    "fsb",
    "sana",
    "rt",
    "dmz",
    "kctv",
    "shabak",
    "maria",
    "angara",
    "wagner",
    "rafael",
    "왕이",
    "박진",
    "화성",
    "이란",
    "газа",
    "вагнер",
    "кинжал",
    "ангара",
    "находка",
    "дунай",
}


def read_section(file: str, section: str) -> list[dict]:
    document = yaml.safe_load((CONFIG / file).read_text(encoding="utf-8"))
    assert set(document) == {section}
    return document[section]


@pytest.fixture(scope="module")
def entities() -> list[dict]:
    return read_section("watchlist.yaml", "entities")


@pytest.fixture(scope="module")
def feeds() -> list[dict]:
    return read_section("feeds.yaml", "feeds")


def fold(alias: str) -> str:
    """Two aliases that read the same but for case, width and punctuation are one alias."""
    words = re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", alias).casefold().replace("\u200c", ""))
    return " ".join(words.split())


def doubles(values: list[str]) -> list[str]:
    return [value for value, count in Counter(values).items() if count > 1]


def test_watchlist_is_long_enough_with_unique_slugs(entities):
    assert len(entities) >= 170
    assert doubles([entity["id"] for entity in entities]) == []
    for entity in entities:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entity["id"]), entity["id"]


def test_watchlist_keys_types_and_tags_are_known(entities):
    for entity in entities:
        needed = set(entity) - {"note", "weak", "context", "not_context"}
        assert needed == {"id", "type", "name", "aliases", "tags"}, entity["id"]
        assert entity["type"] in ENTITY_TYPES, entity["id"]
        assert entity["tags"] and set(entity["tags"]) <= COUNTRY_TAGS | KIND_TAGS, entity["id"]
        assert doubles(entity["tags"]) == [], entity["id"]
        assert all(isinstance(text, str) and text.strip() for text in [entity["name"], *entity["aliases"]]), entity[
            "id"
        ]


def test_every_weak_name_has_its_context_and_is_no_alias(entities):
    weak = [entity for entity in entities if "weak" in entity]
    assert weak
    for entity in weak:
        assert entity["context"], entity["id"]
        assert not {fold(alias) for alias in entity["weak"]} & {fold(alias) for alias in entity["aliases"]}


def test_every_watchlist_tag_is_borne(entities):
    borne = {tag for entity in entities for tag in entity["tags"]}
    assert borne == COUNTRY_TAGS | KIND_TAGS


def test_no_alias_belongs_to_two_entities(entities):
    owners: dict[str, str] = {}
    for entity in entities:
        for alias in [entity["name"], *entity["aliases"]]:
            owner = owners.setdefault(fold(alias), entity["id"])
            assert owner == entity["id"], f"{alias!r} belongs to {owner} and to {entity['id']}"


def test_no_alias_is_ambiguous_alone(entities):
    for entity in entities:
        for alias in [entity["name"], *entity["aliases"]]:
            assert fold(alias) not in AMBIGUOUS_ALONE, f"{entity['id']}: {alias!r} means something else alone"
            assert len(fold(alias)) >= 2, f"{entity['id']}: {alias!r}"


@pytest.mark.parametrize(
    ("script", "at_least"),
    [
        (r"[가-힣]", 120),  # Korean
        (r"[а-яё]", 100),  # Russian
        (r"[\u4e00-\u9fff\u30a0-\u30ff]", 80),  # Chinese and Japanese
        (r"[\u0600-\u06ff]", 60),  # Arabic and Persian
        (r"[\u0590-\u05ff]", 30),  # Hebrew
    ],
)
def test_watchlist_has_native_scripts(entities, script, at_least):
    with_script = [entity for entity in entities if any(re.search(script, alias) for alias in entity["aliases"])]
    assert len(with_script) >= at_least


@pytest.mark.parametrize(
    "entity_id",
    [
        # Blinken's visit to Seoul in November 2023
        *("antony-blinken", "park-jin", "yoon-suk-yeol", "cho-tae-yong", "kim-jong-un", "vladimir-putin"),
        *("sergei-lavrov", "choe-son-hui", "jake-sullivan", "lloyd-austin", "shin-won-sik", "camp-humphreys"),
        *("us-state-department", "israel", "hamas", "gaza", "benjamin-netanyahu", "wang-yi", "fumio-kishida"),
        *("yoko-kamikawa", "nuclear-consultative-group", "malligyong-1", "comprehensive-military-agreement"),
        # the arms trade between Pyongyang and Moscow
        *("rason", "vostochny-port", "dunai-port", "152-mm-shells", "kn-23", "korean-central-news-agency"),
    ],
)
def test_watchlist_has_what_the_desk_cannot_miss(entities, entity_id):
    assert entity_id in {entity["id"] for entity in entities}


def test_feeds_are_enough_with_unique_ids_and_urls(feeds):
    assert 60 <= len(feeds) <= 110
    assert doubles([feed["id"] for feed in feeds]) == []
    assert doubles([feed["url"].split("://", 1)[1].rstrip("/").casefold() for feed in feeds]) == []


def test_feeds_keys_and_values_are_known(feeds):
    for feed in feeds:
        assert set(feed) == {"id", "url", "title", "language", "tags", "tier", "interval"}, feed["id"]
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", feed["id"]), feed["id"]
        assert re.fullmatch(r"https?://[^\s]+", feed["url"]), feed["id"]
        assert isinstance(feed["language"], str) and re.fullmatch(r"[a-z]{2}", feed["language"]), feed["id"]
        assert feed["tags"] and set(feed["tags"]) <= FEED_TAGS, feed["id"]
        assert feed["tier"] in (1, 2, 3), feed["id"]
        assert re.fullmatch(r"[1-9][0-9]*m", feed["interval"]), feed["id"]


def test_feeds_cover_the_desk(feeds):
    assert {tag for feed in feeds for tag in feed["tags"]} == FEED_TAGS
    assert {"en", "ko", "ru", "ar", "he", "ja", "zh", "fa"} <= {feed["language"] for feed in feeds}


def test_feed_list_says_that_it_was_never_fetched():
    header = (CONFIG / "feeds.yaml").read_text(encoding="utf-8").split("feeds:", 1)[0]
    assert "wirewatch poll URL" in header and "starting list" in header
