"""A list of names becomes entities: which, under which ids, and what is wrong with the others."""

import hashlib
import json

import pytest

from worker.config.namelist import ListedEntity, NameList
from worker.config.schema import Config, WatchedEntity
from worker.watchlist import adopt
from worker.watchlist.adopt import NoList, make_id, plan_import, read_names


def read(text):
    return read_names(text.encode(), file="names.csv")


def found(text):
    return [entity for _, entity in read(text).entities]


def ftm(schema="Person", id="NK-2aB", **properties):
    return json.dumps({"id": id, "schema": schema, "properties": {"name": ["Pak Jong Chon"], **properties}})


@pytest.mark.parametrize(
    ("row", "made"),
    [
        ({"name": "Kim Jong Un"}, "kim-jong-un"),
        ({"name": "Łukasz O'Brien"}, "ukasz-obrien"),  # no letter is made up
        ({"name": "김정은", "aliases": "金正恩|Kim Jong Un"}, "kim-jong-un"),
        ({"name": "김정은", "aliases": ["Kim Jong Un"]}, "kim-jong-un"),
        ({"name": "김정은"}, "name-" + hashlib.sha256("김정은".encode()).hexdigest()[:10]),
        ({}, ""),
    ],
)
def test_make_id_is_the_slug_of_the_first_latin_name(row, made):
    assert make_id(row) == made


def test_read_names_makes_ids_where_the_table_has_none():
    names = read("type,name\nperson,Kim Jong Un\n")
    assert [entity.id for _, entity in names.entities] == ["kim-jong-un"]
    assert names.made == {"kim-jong-un"}
    assert read("id,type,name\nkju,person,Kim Jong Un\n").made == frozenset()


def test_read_names_tells_of_two_with_one_id():
    names = read("id,type,name\na,person,Kim Jong Un\na,person,Kim Yo Jong\n,person,Pak Il\n,person,Pak-Il\n")
    assert [str(one) for one in names.problems] == [
        "names.csv:3: id: the id a is one that line 2 has already; give this one an id of its own",
        "names.csv:5: id: the id that its name makes, pak-il, is one that line 4 has already; "
        "give this one an id of its own",
    ]
    assert [entity.name for _, entity in names.entities] == ["Kim Jong Un", "Pak Il"]


def test_read_names_takes_columns_that_are_not_ours_as_a_note():
    names = read("id,type,name,birthday\na,person,Kim Jong Un,1984\n")
    assert (names.unread, names.problems, len(names.entities)) == (["birthday"], [], 1)


@pytest.mark.parametrize(
    ("body", "says"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"id,type\n\xff", r"names\.csv:2: not UTF-8")],
)
def test_read_names_refuses_what_is_no_list(body, says):
    with pytest.raises(NoList, match=says):
        read_names(body, file="names.csv")


def test_read_names_refuses_what_is_too_long(monkeypatch):
    monkeypatch.setattr(adopt, "MAX_LIST", 5)
    with pytest.raises(NoList, match="split it"):
        read_names(b"id,type", file="names.csv")


# ---------------------------------------------------------------- FollowTheMoney


def test_ftm_entity_becomes_a_watched_one():
    text = ftm(
        name=["Пак Чон Чхон", "Pak Jong Chon"],
        previousName=["Pak J. C."],
        alias=["Park Jong-chon | Pak"],
        weakAlias=["Pak", "Pak Jong Chon"],
        wikidataId=["Q56226", "Q1"],
        country=["kp"],
        topics=["sanction", "role.pep"],
    )
    assert found(text) == [
        ListedEntity(
            id="nk-2ab",
            type="person",
            name="Pak Jong Chon",  # the first in Latin letters
            aliases=("Пак Чон Чхон", "Pak J. C.", "Park Jong-chon Pak"),
            weak=("Pak",),
            tags=("kp", "sanction", "role-pep"),
            note="NK-2aB",  # as its source has it
            wikidata="Q56226",
        )
    ]


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ("Person", "person"),
        ("Organization", "organisation"),
        ("Company", "organisation"),
        ("LegalEntity", "organisation"),
        ("PublicBody", "organisation"),
        ("Vessel", "vessel"),
        ("Airplane", "other"),
    ],
)
def test_ftm_schema_is_the_type(schema, kind):
    assert [entity.type for entity in found(ftm(schema))] == [kind]


def test_ftm_shows_the_caption_where_there_is_one():
    text = json.dumps(
        {"id": "q7747", "schema": "Person", "caption": "B Name", "properties": {"name": ["A N", "B Name"]}}
    )
    [entity] = found(text)
    assert (entity.id, entity.name, entity.aliases, entity.note) == ("q7747", "B Name", ("A N",), "")


def test_ftm_counts_what_has_no_name_to_watch_for_and_tells_each_bad_line():
    lines = [
        ftm("Passport"),
        ftm("Sanction"),
        ftm("Passport"),
        "{not json",
        "",
        '{"id": "x", "properties": {}}',
        '{"id": "x", "schema": "Person"}',
        ftm(name=[]),
        ftm(name=["?"]),
        ftm("Vessel", id="v-1", name="Chong Chon Gang"),  # one text alone
    ]
    names = read("\n".join(lines))
    assert names.skipped == {"Passport": 2, "Sanction": 1}
    assert [str(one) for one in names.problems] == [
        "names.csv:4: not JSON; each line must be one whole entity",
        "names.csv:6: schema: missing; a FollowTheMoney entity has `id`, `schema` and `properties`",
        "names.csv:7: properties: missing; a FollowTheMoney entity has `id`, `schema` and `properties`",
        "names.csv:8: properties.name: missing; it is required",
        "names.csv:9: name: '?' can never match: it has no letter or digit",
    ]
    assert [entity.name for _, entity in names.entities] == ["Chong Chon Gang"]


@pytest.mark.parametrize("odd", [5, True, {"a": 1}, [1, None, ["x"]], None, 1.5])
def test_ftm_takes_what_is_no_text_for_nothing(odd):
    [entity] = found(ftm(alias=odd, weakAlias=odd, country=odd, topics=odd, wikidataId=odd))
    assert (entity.name, entity.aliases, entity.weak, entity.tags) == ("Pak Jong Chon", (), (), ())
    [problem] = read(ftm(name=odd)).problems
    assert "properties.name: missing" in str(problem)


@pytest.mark.parametrize("key", ["name", "alias", "weakAlias"])
def test_ftm_tells_of_half_a_character_which_no_file_can_hold(key):
    names = read(ftm(**{key: ["Pak \ud800 Chol"]}))
    assert names.entities == [] and names.wrong == 1
    assert "must be one line of text" in str(names.problems[0])


# ---------------------------------------------------------------- where to


HELD = Config(
    watchlist=(WatchedEntity(id="a", type="person", name="Ana Lee"),),
    lists=(NameList("watchlist/others.csv", "", (ListedEntity("b", "person", "Ben Lee"),)),),
)
TWO = "id,type,name\na,person,Ana Kim\nb,person,Ben Kim\nc,person,Cho Kim\n"


def plan(text=TWO, name="names", apart=False, replace=False):
    return plan_import(read(text), HELD, name=name, apart=apart, replace=replace)


def test_plan_keeps_the_ids_of_those_who_stay():
    made = plan()
    assert [one.message for one in made.problems] == [
        f"the id {name} is one that the watchlist has already; give this one an id of its own" for name in "ab"
    ]
    assert [(one.id, one.name) for one in made.entities] == [("c", "Cho Kim")]
    assert (made.place, made.lists) == ("watchlist.yaml", {})


def test_plan_to_replace_all_knows_no_taken_id():
    made = plan(replace=True)
    assert (made.problems, [one.id for one in made.entities]) == ([], ["a", "b", "c"])


def test_plan_of_a_list_of_its_own_replaces_what_that_list_held():
    made = plan(name="others", apart=True)
    assert [one.message[:8] for one in made.problems] == ["the id a"]
    assert made.lists == {"watchlist/others.csv": b"id,type,name,aliases\nb,person,Ben Kim,\nc,person,Cho Kim,\n"}
    assert (made.place, made.entities) == ("watchlist/others.csv", ())


def test_plan_keeps_a_long_list_apart(monkeypatch):
    monkeypatch.setattr(adopt, "MOST_IN_YAML", 2)
    assert plan(replace=True).place == "watchlist/names.csv"
