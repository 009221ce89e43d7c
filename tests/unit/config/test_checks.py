"""What only the whole configuration tells: references that lead nowhere, and what can never match."""

import base64

import pytest

from worker.config.checks import advice, check_references, is_example_contact
from worker.config.schema import (
    CHANNELS,
    Config,
    FeedSpec,
    Person,
    RuleSpec,
    Settings,
    TopicSpec,
    WatchedEntity,
)
from worker.config.source import Source
from worker.config.values import Secret

KEY = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
KINDS = {"feeds": FeedSpec, "topics": TopicSpec, "watchlist": WatchedEntity, "rules": RuleSpec, "people": Person}
OPERATOR = {"id": "operator", "kind": "inbox"}
SPARE = {"id": "spare", "kind": "inbox", "enabled": False}
MAIL = {"id": "mail", "kind": "email", "host": "smtp.example", "sender": "desk@desk.example"}
HOOK = {"id": "hook", "kind": "webhook", "url": "https://hooks.example/x", "secret": Secret(KEY)}
DESK = {
    "feeds": [
        {"id": "wire", "url": "https://wire.example/rss", "tags": ["world"], "language": "sv"},
        {"id": "tass", "url": "https://tass.example/rss", "tags": ["russia"]},
        {"id": "old", "url": "https://old.example/rss", "tags": ["defence"], "enabled": False},
    ],
    "topics": [{"id": "middle-east", "name": "Middle East"}],
    "watchlist": [
        {"id": "kim-jong-un", "type": "person", "name": "Kim Jong Un", "aliases": ["Kim Jong-un"], "tags": ["dprk"]},
        {"id": "rason", "type": "place", "name": "Rason", "tags": ["dprk", "port"]},
    ],
    "rules": [],
    "people": [{"id": "ana", "name": "Ana", "address": "ana@desk.example"}],
    "channels": [OPERATOR, SPARE],
}


def typed(part, raw):
    kind = CHANNELS[raw["kind"]] if part == "channels" else KINDS[part]
    return kind.model_validate(raw)


@pytest.fixture
def found():
    """[(key, message)] that the checks find, with these parts in place of the desk's; `lost` ids could not be typed."""

    def found(*, lost=None, unread=(), **changed):
        desk = {
            part: [typed(part, raw) for raw in raws] for part, raws in (DESK | changed).items() if part not in unread
        }
        sources = {
            part: Source(part, readable=True, kept=list(range(len(items))), lost=set((lost or {}).get(part, ())))
            for part, items in desk.items()
        }
        sources["network"] = Source("network", readable=True)
        check_references(Config(**{part: tuple(items) for part, items in desk.items()}), sources)
        return [(problem.key, problem.message) for source in sources.values() for problem in source.problems]

    return found


@pytest.mark.parametrize(
    ("contact", "example"),
    [
        ("mailto:operator@example.org", True),  # as it is shipped
        ("desk@example.org", True),
        ("Desk <desk@Example.COM>", True),
        ("mailto:desk@example.net?subject=feeds", True),
        ("https://example.org", True),
        ("https://example.org/about", True),
        ("https://www.example.org:8080/?a=b", True),
        ("example.org/", True),
        ("desk@counterexample.org", False),  # a host that only ends like it
        ("https://counterexample.com/", False),
        ("https://desk.example/for/example.org", False),
        ("https://desk.example/@desk@example.org", False),
        ("desk@desk.example", False),
        ("unset", False),
    ],
)
def test_check_knows_a_contact_that_is_the_examples_by_its_host(contact, example):
    assert is_example_contact(Config(settings=Settings(contact=contact))) is example


def rule(channels=("operator",), **when):
    return {"id": "r", "name": "R", "when": when, "channels": list(channels)}


def test_check_a_sound_desk_has_no_problem(found):
    assert found(rules=[rule(entities={"any": ["kim-jong-un"]}, topics={"any": ["middle-east"]})]) == []


@pytest.mark.parametrize(
    "when",
    [
        {"entities": {}},  # any watched name
        {"entities": {"at_least": 2}},
        {"entities": {"tags": ["dprk"], "at_least": 2}},
        {"entities": {"types": ["person"], "tags": ["dprk"]}},
        {"entities": {"all": ["kim-jong-un", "rason"]}},
        {"entities": {"all": ["rason"], "tags": ["port"]}},
        {"topics": {"any": ["middle-east"]}, "languages": ["en", "ko", "und"]},
        {"topics": {"any": ["middle-east"]}, "languages": ["sv"]},  # a feed says that it is
        {"topics": {"any": ["middle-east"]}, "sources": ["wire", "old"], "tags": ["world"]},
        {"words": "missile NOT football"},
        {"words": "missile", "tier": 2, "tags": ["russia"]},
    ],
)
def test_check_takes_a_rule_that_can_match(found, when):
    assert found(rules=[rule(**when)]) == []


@pytest.mark.parametrize(
    ("when", "key", "says"),
    [
        ({}, "", "needs `topics`, `entities` or `words`"),
        ({"sources": ["wire"]}, "", "needs `topics`, `entities` or `words`"),
        ({"topics": {"any": ["middle-east", "midle-east"]}}, ".topics.any[1]", "did you mean middle-east?"),
        ({"topics": {"any": ["sport"]}}, ".topics.any[0]", "there is no topic 'sport'; it can never match"),
        ({"entities": {"any": ["kim"]}}, ".entities.any[0]", "there is no entity 'kim'"),
        ({"entities": {"all": ["rason", "kim-jong-uh"]}}, ".entities.all[1]", "did you mean kim-jong-un?"),
        ({"entities": {"types": ["vessel"]}}, ".entities.types[0]", "there is no type of entity 'vessel'"),
        ({"entities": {"tags": ["ports"]}}, ".entities.tags[0]", "did you mean port?"),
        ({"entities": {}, "languages": ["english"]}, ".languages[0]", "there is no recognised language 'english'"),
        ({"entities": {}, "languages": ["KO"]}, ".languages[0]", "there is no recognised language 'KO'"),
        ({"entities": {}, "sources": ["wires"]}, ".sources[0]", "did you mean wire?"),
        ({"entities": {}, "tags": ["sport"]}, ".tags[0]", "there is no tag of a feed 'sport'"),
        # Each names something that exists, and nothing is all of it.
        ({"entities": {"any": ["kim-jong-un"], "tags": ["port"]}}, ".entities", "0 of the watched entities fit"),
        ({"entities": {"any": ["kim-jong-un"], "types": ["place"]}}, ".entities", "0 of the watched entities fit"),
        ({"entities": {"any": ["kim-jong-un"], "at_least": 2}}, ".entities", "1 of the watched entities fit, and 2"),
        ({"entities": {"at_least": 3}}, ".entities", "2 of the watched entities fit, and 3"),
        ({"entities": {}, "sources": ["wire"], "tags": ["russia"]}, ".sources", "no enabled feed fits"),
        ({"entities": {}, "sources": ["old"]}, ".sources", "no enabled feed fits"),
        ({"entities": {}, "tags": ["defence"]}, ".tags", "no enabled feed fits"),
        ({"entities": {}, "tier": 1}, ".tier", "no enabled feed fits"),
        ({"words": "missile", "sources": ["tass"], "tier": 1}, ".sources", "no enabled feed fits"),
    ],
)
def test_check_j11_refuses_a_rule_that_can_never_match(found, when, key, says):
    [(where, message)] = found(rules=[rule(entities={}), rule(**when)])
    assert where == f"rules[1].when{key}"
    assert says in message


@pytest.mark.parametrize(
    ("channels", "keys"),
    [
        (["operator", "spare"], []),
        (["operater"], ["rules[0].channels[0]", "rules[0].channels"]),  # unknown, and so nobody hears
        (["spare"], ["rules[0].channels"]),
    ],
)
def test_check_j11_refuses_a_rule_that_nobody_hears(found, channels, keys):
    assert [key for key, _ in found(rules=[rule(channels, entities={})])] == keys


def test_check_j11_tries_an_escalation_as_it_does_a_rule(found):
    steps = [
        {"severity": "critical", "when": {"words": "missile"}},
        {"severity": "high", "when": {"entities": {"any": ["rason", "nobody"]}}},
        {"severity": "high", "when": {"tags": ["defence"]}},
        {"severity": "normal", "when": {"words": "missile"}},
        {"severity": "high", "when": {}},
        {"severity": "high", "when": {"tier": 3}},  # which every feed is
    ]
    assert [(key, message[:16]) for key, message in found(rules=[rule(words="ship") | {"escalate": steps}])] == [
        ("rules[0].escalate[1].when.entities.any[1]", "there is no enti"),
        ("rules[0].escalate[2].when.tags", "can never match:"),
        ("rules[0].escalate[3].severity", "not higher than "),
        ("rules[0].escalate[4].when", "needs a conditio"),
        ("rules[0].escalate[5].when", "needs a conditio"),
    ]


def test_check_knows_the_feed_of_an_example(found):
    examples = {
        "must_fire": ["x", {"title": "x", "source": "wire"}],
        "must_not_fire": [{"title": "x", "source": "wir"}],
    }
    [(key, message)] = found(rules=[rule(words="ship") | examples])
    assert (key, message) == ("rules[0].must_not_fire[0].source", "there is no feed 'wir'; did you mean wire?")


@pytest.mark.parametrize(
    ("timing", "refused"),
    [
        ({}, False),
        ({"wait": "10m"}, False),  # and never reminds
        ({"wait": "10m", "remind": "11m"}, False),
        ({"wait": "10m", "remind": "10m"}, True),
        ({"wait": "1h", "remind": "10m", "updates": "never"}, True),
    ],
)
def test_check_refuses_a_reminder_before_the_first_message(found, timing, refused):
    keys = [key for key, _ in found(rules=[rule(words="ship") | {"timing": timing}])]
    assert keys == (["rules[0].timing.remind"] if refused else [])


@pytest.mark.parametrize(
    ("lost", "unread"),
    [
        # Each holds back only what it cannot know.
        ({"watchlist": {"sport"}, "feeds": {"sport"}, "channels": {"sport"}, "topics": {"sport"}}, ()),
        ({part: {None} for part in ("watchlist", "feeds", "channels", "topics")}, ()),  # an item without an id
        ({}, ("watchlist", "feeds", "channels", "topics")),  # `judge` loads no more than it needs
    ],
)
def test_check_holds_what_could_not_be_read_against_no_rule(found, lost, unread):
    when = {
        "topics": {"any": ["sport"]},
        "entities": {"any": ["sport"], "tags": ["sport"], "types": ["vessel"], "at_least": 9},
        "languages": ["xx"],
        "sources": ["sport"],
        "tags": ["sport"],
    }
    assert found(lost=lost, unread=unread, rules=[rule(["sport"], **when)]) == []


def test_check_finds_what_is_missing_beside_an_item_that_could_not_be_read(found):
    [(key, _)] = found(lost={"watchlist": {"other"}}, rules=[rule(entities={"any": ["other", "nobody"]})])
    assert key == "rules[0].when.entities.any[1]"


@pytest.mark.parametrize(
    ("aliases", "says"),
    [
        (["—"], "no letter or digit"),
        (["김"], "one letter"),
        (["x" * 201], "longer than any name"),
    ],
)
def test_check_j11_refuses_an_alias_that_can_never_match(found, aliases, says):
    watchlist = [
        *DESK["watchlist"],
        {"id": "e", "type": "other", "name": "Hwasong", "aliases": ["Hwasong-17", *aliases]},
    ]
    [(key, message)] = found(watchlist=watchlist)
    assert key == "entities[2].aliases[1]"
    assert says in message


@pytest.mark.parametrize(
    ("name", "clashes"),
    [
        ("Kim Jong Un", True),
        ("kim  jong-un", True),  # the index cannot tell them apart
        ("Kim Jong", False),
        ("Rason Port", False),
    ],
)
def test_check_notes_a_name_of_two_entities(found, name, clashes):
    watchlist = [*DESK["watchlist"], {"id": "e", "type": "person", "name": name}]
    assert found(watchlist=watchlist) == []
    notes = advice(Config(watchlist=tuple(typed("watchlist", raw) for raw in watchlist)))
    told = [note for note in notes if note.startswith("watchlist.yaml:")]
    both = f"watchlist.yaml: {name!r} is a name of kim-jong-un and of e; where it stands, both are found."
    assert told == ([both] if clashes else [])


def test_check_tells_an_acronym_from_a_word(found):
    watchlist = [{"id": "nis", "type": "organisation", "name": "NIS"}, {"id": "city", "type": "place", "name": "Nis"}]
    assert found(watchlist=watchlist) == []
    notes = advice(Config(watchlist=tuple(typed("watchlist", raw) for raw in watchlist)))
    assert not any("NIS" in note or "Nis" in note for note in notes)


def test_check_refuses_a_topic_that_the_model_does_not_know(found):
    [(key, message)] = found(topics=[*DESK["topics"], {"id": "sport", "name": "Sport"}])
    assert key == "topics[1].id"
    assert "does not know 'sport', only korea-diplomacy, middle-east, nk-russia-arms" in message


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1/rss", "127.0.0.1 is private"),
        ("http://2130706433/rss", "not a host name"),  # the same address in disguise
        ("https://ana:secret@wire.example/rss", "a user name, password"),
        ("https://wire.example:6379/rss", "port 6379 is not a web port"),
    ],
)
def test_check_j11_refuses_an_address_that_would_never_be_dialled(found, url, says):
    [(key, message)] = found(feeds=[{"id": "wire", "url": url}])
    assert key == "feeds[0].url"
    assert message.startswith("will not be fetched: ") and says in message
    assert "secret" not in message.replace("a user name, password", "")
    [(key, message)] = found(channels=[OPERATOR, HOOK | {"url": url}])
    assert key == "channels[1].url"
    assert message.startswith("nothing will be sent there: ") and says in message
    assert found(channels=[OPERATOR, HOOK | {"url": url, "enabled": False}]) == []


def test_check_refuses_a_password_that_would_never_be_sent(found):
    mail = MAIL | {"to": ["ana"], "username": "desk", "password": Secret("x")}
    assert found(channels=[OPERATOR, mail | {"security": "starttls"}]) == []
    [(key, _)] = found(channels=[OPERATOR, mail | {"security": "none"}])
    assert key == "channels[1].username"


def test_check_refuses_one_address_for_two_feeds(found):
    feeds = [*DESK["feeds"], {"id": "twin", "url": "https://wire.example/rss"}]
    assert found(feeds=feeds) == [("feeds[3].url", "the feed wire has the same address; keep one")]


@pytest.mark.parametrize(
    ("channels", "lost", "missed"),
    [
        ([OPERATOR], (), False),
        ([], (), True),
        ([SPARE], (), True),
        ([OPERATOR | {"enabled": False}], (), True),  # nobody would hear of trouble
        ([SPARE], ("operator",), False),  # there, with a problem of its own
    ],
)
def test_check_j11_wants_an_enabled_operator(found, channels, lost, missed):
    keys = [key for key, message in found(channels=channels, lost={"channels": lost}) if "operator" in message]
    assert keys == (["channels"] if missed else [])


def test_check_finds_an_unknown_person_where_it_stands(found):
    mail = MAIL | {"to": ["x@desk.example", "ana", "anna"]}
    assert found(channels=[OPERATOR, mail]) == [("channels[1].to[2]", "there is no person 'anna'; did you mean ana?")]
    assert found(channels=[OPERATOR, mail], unread=("people",)) == []


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({}, None),
        ({"secret": Secret(KEY.rstrip("="))}, None),  # unpadded, as some services show it
        ({"secret": Secret(KEY.removeprefix("whsec_"))}, "secret"),
        ({"secret": Secret("hunter2")}, "secret"),
        ({"secret": Secret("whsec_")}, "secret"),
        ({"secret": Secret("whsec_!aGk=")}, "secret"),  # a lax reader would skip what is not base64
        ({"secret": Secret("whsec_ä")}, "secret"),
        ({"secret": Secret("whsec_" + "A" * 30)}, "secret"),  # 22 bytes: the convention asks for 24 to 64
        ({"secret": Secret("whsec_" + "A" * 32)}, None),
        ({"secret": Secret("whsec_" + "A" * 88)}, "secret"),
        ({"previous_secret": Secret(KEY)}, None),
        ({"previous_secret": Secret("hunter2")}, "previous_secret"),
        ({"url": "hooks.example/x"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "${HOOK_URL}", "secret": "${HOOK_SECRET}", "enabled": False}, None),  # not looked for
    ],
)
def test_check_j11_tries_a_webhook(found, changed, key):
    problems = found(channels=[OPERATOR, HOOK | changed])
    assert [where for where, _ in problems] == ([f"channels[1].{key}"] if key else [])
    assert "hunter2" not in str(problems)


@pytest.mark.parametrize(
    ("key", "refused"),
    [
        ("k" * 16, False),
        ("k" * 15, True),
        ("k" * 201, True),
        ("with/slash-and-more", True),
        ("ключ-ключ-ключ-ключ", True),
    ],
)
def test_check_j11_tries_a_feeds_key_and_never_tells_it(found, key, refused):
    feed = {"id": "readers", "kind": "feed", "key": Secret(key)}
    problems = found(channels=[OPERATOR, feed])
    assert [where for where, _ in problems] == (["channels[1].key"] if refused else [])
    assert key not in str(problems)
