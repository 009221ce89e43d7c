"""Loading: the problems of all files together, each with its place and what to do; secrets resolved, never told."""

import base64

import pytest

from worker.config.load import PARTS, load_config
from worker.config.schema import MODEL_FILES
from worker.errors import ConfigError

KEY = "whsec_" + base64.b64encode(b"a secret for the tests only").decode()
CANARY = "hunter2-canary"
FILES = {
    "feeds": """\
feeds:
  - id: wire
    url: https://wire.example/rss
    tags: [world]
""",
    "topics": """\
topics:
  - id: middle-east
    name: Middle East
""",
    "watchlist": """\
entities:
  - id: kim-jong-un
    type: person
    name: Kim Jong Un
""",
    "rules": """\
rules:
  - id: kim
    name: Kim in the news
    when: {entities: {any: [kim-jong-un]}}
    channels: [operator]
""",
    "people": """\
people:
  - {id: ana, name: Ana, address: ana@desk.example}
""",
    "channels": """\
channels:
  - id: operator
    kind: inbox
""",
    "network": "allow: []\nhosts: {}\n",
    "settings": "contact: mailto:desk@desk.example\n",
}
MAIL = """\
  - id: mail
    kind: email
    host: smtp.example
    sender: desk@desk.example
    to: [ana]
"""
HOOK = """\
  - id: hook
    kind: webhook
    url: https://hooks.example/x
"""


@pytest.fixture
def load(tmp_path):
    """Loads a sound desk but for the files given; None leaves one out."""

    def load(environ=None, only=None, **changed):
        for part, text in (FILES | changed).items():
            if text is not None:
                (tmp_path / f"{part}.yaml").write_text(text, encoding="utf-8")
        return load_config(tmp_path, environ=environ or {}, only=only)

    return load


@pytest.fixture
def problems(load):
    """What loading says is wrong, as printed."""

    def problems(*args, **changed):
        with pytest.raises(ConfigError) as caught:
            load(*args, **changed)
        return [str(problem) for problem in caught.value.problems]

    return problems


def channels(*more):
    return FILES["channels"] + "".join(more)


def test_load_gives_every_part(load):
    config = load()
    assert [feed.id for feed in config.feeds] == ["wire"]
    assert [topic.id for topic in config.topics] == ["middle-east"]
    assert [entity.id for entity in config.watchlist] == ["kim-jong-un"]
    assert [rule.id for rule in config.rules] == ["kim"]
    assert [person.id for person in config.people] == ["ana"]
    assert [channel.id for channel in config.channels] == ["operator"]
    assert config.settings.contact == "mailto:desk@desk.example"
    assert (config.network.allow, config.warnings) == ((), ())


@pytest.mark.parametrize(
    ("part", "text", "says"),
    [
        ("feeds", "feeds:\n  - id: a\n", "feeds.yaml:2: feeds[0].url: missing; it is required"),
        (
            "feeds",
            FILES["feeds"] + "    titel: A\n",
            "feeds.yaml:5: feeds[0].titel: unknown; did you mean title?",
        ),
        (
            "feeds",
            FILES["feeds"] + "    x: A\n",
            "feeds.yaml:5: feeds[0].x: unknown; remove it, or look at the example for its name",
        ),
        ("feeds", FILES["feeds"] + "feed: []\n", "feeds.yaml:5: feed: unknown; did you mean feeds?"),
        ("feeds", "feeds: {a: 1}\n", "feeds.yaml:1: feeds: must be a list: [one, two] or lines that begin with -"),
        ("feeds", "", "feeds.yaml:1: must begin with `feeds:`"),
        ("feeds", "- a\n", "feeds.yaml:1: must begin with `feeds:`"),
        ("feeds", "feeds:\n  -\n", "feeds.yaml:2: feeds[0]: must hold keys with values"),
        ("feeds", "feeds:\n  - wire\n", "feeds.yaml:2: feeds[0]: must hold keys with values"),
        (
            "feeds",
            FILES["feeds"] + "    interval: 900\n",
            "feeds.yaml:5: feeds[0].interval: write a duration with its unit, such as 90s, 10m, 2h or 180d",
        ),
        (
            "feeds",
            FILES["feeds"].replace("id: wire", "id: 7"),
            "feeds.yaml:2: feeds[0].id: must be text; put it in quotes",
        ),
        (
            "feeds",
            FILES["feeds"].replace("id: wire", "id: The Wire"),
            "feeds.yaml:2: feeds[0].id: 'The Wire' may hold only small letters, digits and single hyphens",
        ),
        (
            "channels",
            FILES["channels"] + "  - {id: files, kind: inbox, folder: My Files}\n",
            "folder: 'My Files' may hold only small letters, digits, - and _, up to 61, and begins with a letter",
        ),
        (
            "feeds",
            FILES["feeds"] + "    enabled: 'no'\n",
            "feeds.yaml:5: feeds[0].enabled: must be true or false",
        ),
        (
            "feeds",
            FILES["feeds"] + FILES["feeds"].removeprefix("feeds:\n").replace("rss", "atom"),
            "feeds.yaml:5: feeds[1].id: wire is already used in line 2; ids are unique",
        ),
        (
            "watchlist",
            FILES["watchlist"].replace("person", "persona"),
            "watchlist.yaml:3: entities[0].type: 'persona' is none of "
            "'person', 'organisation', 'place', 'weapon', 'vessel' or 'other'",
        ),
        (
            "rules",
            FILES["rules"].replace("any:", "eny:"),
            "rules.yaml:4: rules[0].when.entities.eny: unknown; did you mean any?",
        ),
        (
            "rules",
            FILES["rules"].replace("[kim-jong-un]", "[]"),
            "rules.yaml:4: rules[0].when.entities.any: must not be empty",
        ),
        (
            "people",
            FILES["people"].replace("ana@desk.example", "ana"),
            "people.yaml:2: people[0].address: not a mail address; write it as name@host",
        ),
        ("channels", channels("  - inbox\n"), "channels.yaml:4: channels[1]: must hold keys with values"),
        (
            "channels",
            channels("  - id: a\n"),
            "channels.yaml:4: channels[1].kind: missing; choose inbox, email, webhook",
        ),
        (
            "channels",
            channels("  - {id: a, kind: slack}\n"),
            "channels.yaml:4: channels[1].kind: 'slack' is no kind of channel; choose inbox, email, webhook",
        ),
        (
            "channels",
            channels("  - {id: a, kind: inbox, foldr: x}\n"),
            "channels[1].foldr: unknown; did you mean folder?",
        ),
        (
            "network",
            "allow:\n  - {cidr: 10.0.0.1/8, for: [feed]}\n",
            "network.yaml:2: allow[0].cidr: not an address range",
        ),
        ("network", "allow:\n  - {cidr: 10.0.0.0/8}\n", "network.yaml:2: allow[0].for: missing; it is required"),
        ("network", "hosts: []\n", "network.yaml:1: hosts: must hold keys with values"),
        # Politeness is waived only where the operator opened a private range.
        ("network", "hosts:\n  192.0.2.1: {spacing: 0s}\n", "network.yaml:2: hosts.192.0.2.1: only an address inside"),
        (
            "network",
            "allow: [{cidr: 10.0.0.0/8, for: [feed]}]\nhosts:\n  8.8.8.8: {spacing: 0s}\n",
            "network.yaml:3: hosts.8.8.8.8: only an address inside an allow-listed range",
        ),
        (
            "topics",
            "model: nowhere\n" + FILES["topics"],
            "topics.yaml:1: model: 'nowhere': no topic model is there; write the folder that",
        ),
        ("topics", "model: [a]\n" + FILES["topics"], "topics.yaml:1: model: ['a']: no topic model is there"),
        ("topics", "modle: mine\n" + FILES["topics"], "topics.yaml:1: modle: unknown; did you mean model?"),
        # It would open every address there is.
        ("network", "allow: [{cidr: 0.0.0.0/0, for: [feed]}]\n", "network.yaml:1: allow[0].cidr: opens far more than"),
        (
            "people",
            FILES["people"].replace("ana@desk.example", "아나@desk.example"),
            "people.yaml:2: people[0].address: not a mail address",
        ),
        ("settings", "", "settings.yaml:1: contact: missing; it is required"),
        ("settings", "contact: a\ntimezone: UTC\n", "settings.yaml:2: timezone: unknown; did you mean time_zone?"),
        ("settings", "contact: a\ntime_zone: Seoul\n", "settings.yaml:2: time_zone: not a known time zone"),
        ("settings", "contact: a\ntiming:\n  tik: 1s\n", "settings.yaml:3: timing.tik: unknown; did you mean tick?"),
        ("settings", "contact: a\nlog_level: LOUD\n", "settings.yaml:2: log_level: 'LOUD' is none of"),
    ],
)
def test_load_j11_names_file_line_key_and_what_to_do(problems, part, text, says):
    [problem] = problems(**{part: text})
    assert says in problem


@pytest.mark.parametrize("part", sorted(PARTS))
def test_load_j11_names_a_missing_file(problems, part):
    [problem] = problems(**{part: None})
    assert problem.startswith(f"{part}.yaml:1: missing; `wirewatch init` writes an example")


def test_load_tells_the_problems_of_all_files_together(problems):
    found = problems(
        feeds="feeds:\n  - {id: a, url: x, id: b}\n  - {id: b}\n",  # a doubled key hides nothing
        rules="rules:\n  - {id: r, colour: red}\n"  # a broken rule hides no other rule's missing reference
        "  - {id: s, name: S, when: {entities: {any: [kim-jong-uh]}}, channels: [nobody]}\n",
        topics="topics: [\n",
    )
    assert [" ".join(problem.split(": ")[:2]) for problem in found] == [
        "feeds.yaml:2 feeds[0].id",
        "feeds.yaml:2 feeds[0].url",
        "feeds.yaml:3 feeds[1].url",
        "rules.yaml:2 rules[0].name",
        "rules.yaml:2 rules[0].when",
        "rules.yaml:2 rules[0].channels",
        "rules.yaml:2 rules[0].colour",
        "rules.yaml:3 rules[1].when.entities.any[0]",
        "rules.yaml:3 rules[1].channels[0]",
        "rules.yaml:3 rules[1].channels",
        "topics.yaml:2 not valid YAML",
    ]


def test_load_holds_a_broken_item_against_no_other_file(problems):
    [problem] = problems(watchlist=FILES["watchlist"] + "    colour: red\n")
    assert "entities[0].colour" in problem  # and not that the rule's entity does not exist


def test_load_says_one_thing_of_an_unreadable_value(problems):
    [problem] = problems(feeds=FILES["feeds"] + "    title: !x y\n")
    assert problem == "feeds.yaml:5: feeds[0].title: cannot be read; put it in quotes"


def test_load_never_tells_a_long_value(problems):
    [problem] = problems(watchlist=FILES["watchlist"].replace("person", "p" * 5000))
    assert len(problem) < 200


# ---------------------------------------------------------------- secrets


def test_load_resolves_secrets_by_name_and_by_file(load, tmp_path):
    (tmp_path / "secret").write_text(f"{KEY}\n")
    mail = MAIL + "    username: ${SMTP_USER}\n    password: ${SMTP_PASSWORD}\n"
    hook = HOOK.replace("https://hooks.example/x", "${HOOK_URL}") + "    secret: ${file:secret}\n"
    environ = {"SMTP_USER": "ana", "SMTP_PASSWORD": CANARY, "HOOK_URL": "https://hooks.example/token"}
    config = load(environ, channels=channels(mail, hook))
    _, mail, hook = config.channels
    assert (mail.username, mail.password.reveal()) == ("ana", CANARY)
    assert (hook.url, hook.secret.reveal()) == ("https://hooks.example/token", KEY)


def test_load_takes_a_secret_file_by_its_absolute_path(load, tmp_path):
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "secret").write_text(KEY)
    config = load(channels=channels(HOOK, f"    secret: ${{file:{tmp_path}/away/secret}}\n"))
    assert config.channels[1].secret.reveal() == KEY


@pytest.mark.parametrize(
    ("channel", "key", "says"),
    [
        (MAIL + "    password: ${SMTP_PASSWORD}\n", "password", "the environment variable SMTP_PASSWORD is not set"),
        (MAIL + "    password: ${EMPTY}\n", "password", "the environment variable EMPTY is not set"),
        (MAIL + "    username: ${SMTP_USER}\n", "username", "the environment variable SMTP_USER is not set"),
        (HOOK + "    secret: ${file:none}\n", "secret", "the secret file none cannot be read: No such file"),
        (HOOK + "    secret: ${file:.}\n", "secret", "the secret file . cannot be read: Is a directory"),
        (HOOK + "    secret: ${file:empty}\n", "secret", "the secret file empty is empty"),
        (HOOK + "    secret: ${file:latin}\n", "secret", "the secret file latin cannot be read: not UTF-8"),
        (HOOK + "    secret: ${NO_KEY}\n", "secret", "not a Standard Webhooks secret: whsec_ and base64"),
        (HOOK + "    secret: ''\n", "secret", "never write a secret here"),
        (HOOK, "secret", "missing; it is required"),
        # Literal secrets, also where they look like something else, and also of a disabled channel.
        (MAIL + f"    password: {CANARY}\n", "password", "never write a secret here; write ${NAME}"),
        (MAIL + f"    password: {CANARY}\n    enabled: false\n", "password", "never write a secret here"),
        (MAIL + "    password: 5432198765\n", "password", "never write a secret here"),
        (MAIL + f"    password: [{CANARY}]\n", "password", "never write a secret here"),
        (MAIL + f"    password: ${{X}}{CANARY}\n", "password", "never write a secret here"),
        (MAIL + f"    password: !{CANARY}\n", "password", "cannot be read; put it in quotes"),
        (MAIL + f"    password: !!int {CANARY}\n", "password", "cannot be read; put it in quotes"),
        (HOOK + f"    secret: {KEY}\n", "secret", "never write a secret here"),
        # References that would be taken as they are written.
        (MAIL + f"    username: ${{{CANARY}}}\n", "username", "${…} must be the whole value"),
        (MAIL + "    username: me-${SMTP_USER}\n", "username", "${…} must be the whole value"),
        (MAIL.replace("smtp.example", "${SMTP_HOST}"), "host", "${…} must be the whole value"),
    ],
)
def test_load_j11_refuses_a_secret_and_never_tells_it(problems, tmp_path, channel, key, says):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"\xff")
    environ = {"EMPTY": "", "NO_KEY": CANARY}
    [problem] = problems(environ, channels=channels(channel))
    assert f"channels[1].{key}: " in problem and says in problem
    for secret in (CANARY, "5432198765", KEY):
        assert secret not in problem


def test_load_j06_tells_no_secret_when_something_else_is_wrong(problems):
    environ = {"SMTP_PASSWORD": CANARY, "HOOK_URL": f"mailto:{CANARY}", "HOOK_SECRET": f"whsec_{CANARY}"}
    mail = MAIL + "    password: ${SMTP_PASSWORD}\n    port: no\n    colour: red\n"
    hook = HOOK.replace("https://hooks.example/x", "${HOOK_URL}") + "    secret: ${HOOK_SECRET}\n"
    found = problems(environ, channels=channels(mail, hook))
    assert [problem.split(": ")[1] for problem in found] == [
        "channels[1].port",
        "channels[1].colour",
        "channels[2].url",
        "channels[2].secret",
    ]
    assert CANARY not in "".join(found)


def test_load_leaves_the_secrets_of_a_disabled_channel_alone(load):
    hook = HOOK.replace("https://hooks.example/x", "${HOOK_URL}") + "    secret: ${file:none}\n    enabled: false\n"
    config = load(channels=channels(hook))
    assert (config.channels[1].url, config.channels[1].secret) == ("${HOOK_URL}", "${file:none}")


# ---------------------------------------------------------------- parts

JUDGING = frozenset({"topics", "watchlist", "rules"})


def test_load_only_reads_no_other_part(load):
    rest = dict.fromkeys(PARTS - JUDGING)
    config = load(only=JUDGING, **rest)
    assert (len(config.rules), config.feeds, config.channels, config.warnings) == (1, (), (), ())


@pytest.mark.parametrize(
    ("rules", "kept", "says"),
    [
        # A missing reference is named; the rule's verdict is still given.
        (FILES["rules"].replace("un]", "uh]"), 1, "rules[0].when.entities.any[0]: there is no entity 'kim-jong-uh'"),
        # A rule that cannot be read is named and left out.
        (FILES["rules"].replace("any", "eny"), 0, "rules[0].when.entities.eny: unknown"),
        ("rules: [\n", 0, "not valid YAML"),
        (None, 0, "missing"),
    ],
)
def test_load_only_warns_of_rules(load, rules, kept, says):
    config = load(only=JUDGING, rules=rules)
    [warning] = config.warnings
    assert str(warning).startswith("rules.yaml:") and says in str(warning)
    assert len(config.rules) == kept


def test_load_only_refuses_what_it_cannot_do_without(problems):
    [problem] = problems(only=JUDGING, watchlist=None)
    assert problem.startswith("watchlist.yaml:1: missing")


def test_load_takes_a_desks_own_terms(load, problems, tmp_path):
    topics = "terms: mine\ntopics: []\n"
    [problem] = problems(topics=topics)
    assert problem.startswith("topics.yaml:1") and "no term files are there" in problem
    (tmp_path / "mine").mkdir()
    own = tmp_path / "mine" / "de.yaml"
    own.write_text("concepts:\n  me-group: [Hamas, 'His*bollah']\n")
    [problem] = problems(topics=topics)
    assert problem.startswith("mine/de.yaml:2: concepts.me-group[1]: 'His*bollah' can never match well")
    own.write_text("concepts:\n  me-group: [Hamas, Hisbollah]\n")
    assert load(topics=topics).language_terms == tmp_path / "mine"
    assert str(tmp_path) not in str(load(topics=topics).public())


def test_load_takes_a_desks_own_topic_model(load, problems, tmp_path):
    (tmp_path / "mine" / "textcat_multilabel").mkdir(parents=True)
    (tmp_path / "mine" / "calibration.json").write_text('{"harbours": {}}')
    topics = "model: mine\ntopics:\n  - {id: harbours, name: Harbours}\n"
    [problem] = problems(topics=topics)
    assert "no topic model is there" in problem, "half of one is none"
    for name in MODEL_FILES:
        (tmp_path / "mine" / name).touch()
    assert load(topics=topics).topic_model == tmp_path / "mine"
    assert str(tmp_path) not in str(load(topics=topics).public())
    [problem] = problems(topics=topics.replace("id: harbours", "id: middle-east"))
    assert "does not know 'middle-east', only harbours" in problem


# ---------------------------------------------------------------- lists of names


WITH_LISTS = "files: [watchlist/one.csv, watchlist/two.csv]\n" + FILES["watchlist"]


@pytest.fixture
def lists(tmp_path):
    """Writes lists beside the files."""

    def lists(**bodies):
        (tmp_path / "watchlist").mkdir(exist_ok=True)
        for name, body in bodies.items():
            (tmp_path / "watchlist" / f"{name}.csv").write_text(body)

    return lists


def test_load_reads_the_lists_of_names(load, lists):
    lists(one="id,type,name\nben,person,Ben Lee\n", two="id,type,name,tags\ncho,vessel,Cho Lee,port\n")
    config = load(watchlist=WITH_LISTS)
    assert list(config.entities_by_id) == ["kim-jong-un", "ben", "cho"]
    assert [one.file for one in config.lists] == ["watchlist/one.csv", "watchlist/two.csv"]
    assert config.public()["lists"].keys() == {"watchlist/one.csv", "watchlist/two.csv"}
    ask = FILES["rules"].replace("any: [kim-jong-un]", "any: [ben], tags: [port], types: [vessel, person]")
    assert ask != FILES["rules"]
    with pytest.raises(ConfigError, match="can never match: 0 of the watched entities fit"):
        load(watchlist=WITH_LISTS, rules=ask)
    load(watchlist=WITH_LISTS, rules=ask.replace(", tags: [port], types: [vessel, person]", ""))


def test_load_tells_two_lists_apart_by_their_content(load, lists):
    lists(one="id,type,name\nben,person,Ben Lee\n", two="id,type,name\n")
    first = load(watchlist=WITH_LISTS)
    assert load(watchlist=WITH_LISTS).hash == first.hash
    lists(one="id,type,name\nben,person,Ben Kim\n")
    second = load(watchlist=WITH_LISTS)
    assert second.hash != first.hash and second.names_hash != first.names_hash
    assert load(watchlist=WITH_LISTS, people="people: []\n").names_hash == second.names_hash


def test_load_tells_every_problem_of_the_lists(problems, lists):
    lists(
        one="id,type,name\nkim-jong-un,person,Kim\nben,persona,Ben Lee\n", two="id,type,name\nkim-jong-un,person,K P\n"
    )
    found = problems(watchlist=WITH_LISTS)
    assert found == [
        "watchlist/one.csv:3: type: 'persona' is none of person, organisation, place, weapon, vessel, other",
        "watchlist/two.csv:2: id: kim-jong-un is already used in watchlist.yaml; ids are unique",
    ]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ("watchlist/one.csv", "files: must be a list"),
        ("[../one.csv]", "files[0]: '../one.csv' is no list's name; write one such as watchlist/sanctions.csv"),
        ("[watchlist/../../x.csv]", "is no list's name"),
        ("[3]", "files[0]: 3 is no list's name"),
        ("[watchlist/a.csv, watchlist/a.csv]", "files[1]: given twice; keep one"),
    ],
)
def test_load_refuses_what_names_no_list(problems, lists, files, says):
    lists(a="id,type,name\n")
    [problem] = problems(watchlist=f"files: {files}\n" + FILES["watchlist"])
    assert problem.startswith("watchlist.yaml:1: ") and says in problem


def test_load_holds_nothing_against_rules_where_a_list_cannot_be_read(problems, lists):
    rules = FILES["rules"].replace("any: [kim-jong-un]", "any: [of-the-list]")
    [problem] = problems(watchlist="files: [watchlist/none.csv]\n" + FILES["watchlist"], rules=rules)
    assert problem == "watchlist/none.csv:1: cannot be read: No such file or directory"
