"""Lists of names beside watchlist.yaml: each problem at its line, and a list is read as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.config.namelist import MOST_PROBLEMS, ListedEntity, read_name_list, write_name_list

HEAD = "id,type,name,aliases,weak,context,not_context,tags,note,wikidata\n"
GOOD = "kim-jong-un,person,Kim Jong Un,Kim Jong-un|김정은,Kim,Pyongyang,Kardashian,dprk|leader,of the list,Q56226\n"


def read(tmp_path, text, name="names.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_name_list(path, f"watchlist/{name}")


def problems(tmp_path, text):
    found, said = read(tmp_path, text)
    assert found is None
    return [str(one) for one in said]


def test_name_list_reads_every_column(tmp_path):
    found, said = read(tmp_path, HEAD + GOOD)
    assert said == []
    assert found.entities == (
        ListedEntity(
            id="kim-jong-un",
            type="person",
            name="Kim Jong Un",
            aliases=("Kim Jong-un", "김정은"),
            weak=("Kim",),
            context=("Pyongyang",),
            not_context=("Kardashian",),
            tags=("dprk", "leader"),
            note="of the list",
            wikidata="Q56226",
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "id,type,name,aliases\nnis,organisation,NIS,",
        "\ufeffID, Type ,Name\r\nnis,organisation,NIS\r\n\r\n",  # a spreadsheet's: its mark, its line ends
        "name;id;type\nNIS;nis;organisation\n",
        "name\tid\ttype\nNIS\tnis\torganisation\n",
        "id,type,name\nnis, organisation ,'=NIS\n".replace("'=NIS", "NIS"),
        "id,type,name\n,,\nnis,organisation,NIS\n",  # an empty row
    ],
)
def test_name_list_takes_tables_as_others_write_them(tmp_path, text):
    found, said = read(tmp_path, text)
    assert said == []
    assert found.entities == (ListedEntity(id="nis", type="organisation", name="NIS"),)


def test_name_list_tells_every_problem_at_its_line_and_column(tmp_path):
    rows = [
        "Kim,person,Kim Jong Un,,,,,,,",
        ",persona,,,,,,,,",
        GOOD.strip(),
        "b,person,B,Good Name|-,,,,Big Tag,,56226",
        "kim-jong-un,person,Kim Jong Un,,,,,,,",
        '"c",person,"C\nD",,,,,,,',
        "d,person,Long Enough,,,,,,,,one too many",
    ]
    assert problems(tmp_path, HEAD + "\n".join(rows)) == [
        "watchlist/names.csv:2: id: 'Kim' may hold only small letters, digits and single hyphens, up to 80",
        "watchlist/names.csv:3: id: missing; it is required",
        "watchlist/names.csv:3: name: missing; it is required",
        "watchlist/names.csv:3: type: 'persona' is none of person, organisation, place, weapon, vessel, other",
        "watchlist/names.csv:5: name: 'B' can never match: one letter matches almost everything; write the whole name",
        "watchlist/names.csv:5: aliases: '-' can never match: it has no letter or digit",
        "watchlist/names.csv:5: tags: 'Big Tag' may hold only small letters, digits and single hyphens, up to 80",
        "watchlist/names.csv:5: wikidata: not a Wikidata id; write one such as Q56226",
        "watchlist/names.csv:6: id: kim-jong-un is already used in line 4; ids are unique",
        "watchlist/names.csv:7: name: must be one line of text",
        "watchlist/names.csv:9: 11 cells, but 10 columns; put a cell that holds ',' in quotes",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "missing: the first line"),
        ("id,name\n", "type: missing: the first line must name the columns"),
        ("id,type,name,colour\n", "colour: unknown; remove it"),
        ("id,type,name,nmae\n", "nmae: unknown; did you mean name?"),
        ("id,type,name,name\n", "name: given twice; keep one"),
        (b"id,type,name\na,person,\xff\n", "names.csv:2: not UTF-8"),
        ('id,type,name\na,person,"open' + "x" * 200_000, "cannot be read from here on"),
    ],
)
def test_name_list_that_is_no_table_says_what_is_wrong(tmp_path, text, says):
    if text == "":
        found, said = read(tmp_path, text)
        assert found is not None and found.entities == () and said == []  # nothing is nothing wrong
        return
    assert says in problems(tmp_path, text)[0]


def test_name_list_that_is_not_there_is_one_problem(tmp_path):
    found, said = read_name_list(tmp_path / "none.csv", "watchlist/none.csv")
    assert found is None
    assert [str(one) for one in said] == ["watchlist/none.csv:1: cannot be read: No such file or directory"]


def test_name_list_counts_what_is_too_much_to_tell(tmp_path):
    said = problems(tmp_path, "id,type,name\n" + "A,person,Name Here\n" * 1_000)
    assert len(said) == MOST_PROBLEMS + 1
    assert said[-1].endswith("and 800 more problems below")


TEXTS = st.text(st.characters(blacklist_categories=("C", "Z"), blacklist_characters="|"), min_size=2, max_size=12)
ENTITIES = st.builds(
    ListedEntity,
    id=st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,9})?", fullmatch=True),
    type=st.sampled_from(("person", "vessel", "other")),
    name=TEXTS.map(lambda text: f"ab {text}"),
    aliases=st.lists(TEXTS.map(lambda text: f"{text} ab"), unique=True, max_size=3).map(tuple),
    tags=st.lists(st.sampled_from(("dprk", "leader")), unique=True).map(tuple),
    note=TEXTS,
)


@given(st.lists(ENTITIES, max_size=5, unique_by=lambda one: one.id))
def test_name_list_is_read_as_it_was_written(tmp_path_factory, entities):
    folder = tmp_path_factory.mktemp("lists")
    found, said = read(folder, write_name_list(entities))
    assert said == []
    assert found.entities == tuple(entities)


def test_name_list_holds_one_tuple_for_the_same_tags(tmp_path):
    rows = "".join(f"e-{n},person,Name {n}x,dprk|leader\n" for n in range(3))
    found, _ = read(tmp_path, "id,type,name,tags\n" + rows)
    assert len({id(entity.tags) for entity in found.entities}) == 1
    assert not hasattr(found.entities[0], "__dict__")  # a tenth of the memory
