"""An analyst's "not this one": kept with the article, obeyed by what is judged next, seen, and taken back."""

import json

import pytest
from desk import BASELINE
from steps import bring
from typer.testing import CliRunner

from worker.cli import cli
from worker.config.load import load_config
from worker.errors import WirewatchError
from worker.explain import explain
from worker.store.schema import alert, article, denial, judgement

FIRST = (
    "g1",
    "A tailor of that name opens a shop in Busan",
    "The tailor Kim Jong Un sells silk suits in Busan.",
)
ALIKE = ("g2", "Second silk shop for the Busan tailor", "Kim Jong Un, the tailor, sells his silk suits in Busan again.")
OTHER = ("g3", "Missile unit is inspected by the leader", "Kim Jong Un inspected a missile unit near Wonsan on Friday.")


@pytest.fixture
def run(desk, monkeypatch):
    for name, value in desk.environ().items():
        monkeypatch.setenv(name, value)

    def run(*words):
        argv = ["watchlist", *words, "--config", str(desk.config), "--data", str(desk.data)]
        result = CliRunner().invoke(cli, argv)
        if isinstance(result.exception, WirewatchError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def told(desk, runtime):
    """The article that was taken for another."""
    bring(desk, runtime, "a", BASELINE)
    bring(desk, runtime, "a", [*BASELINE, FIRST])
    [row] = desk.rows(article, article.c.url.like("%g1"))
    return row


def named(desk, guid):
    [row] = desk.rows(article, article.c.url.like(f"%{guid}"))
    [judged] = desk.rows(judgement, judgement.c.article_id == row.id)
    return [mention["entity"] for mention in judged.mentions]


def test_denial_is_obeyed_by_what_speaks_of_the_same_and_by_nothing_else(desk, runtime, told, run):
    out = run("deny", told.public_id, "kim-jong-un", "--by", "ana", "--because", "a tailor")
    assert "“Kim Jong Un” is not kim-jong-un there" in out
    bring(desk, runtime, "a", [*BASELINE, FIRST, ALIKE, OTHER])
    assert (named(desk, "g2"), named(desk, "g3")) == ([], ["kim-jong-un"])
    assert len(desk.rows(alert)) == 2  # the one that was out already, and the right one


def test_denial_is_seen_and_taken_back(desk, runtime, told, run):
    [made] = json.loads(run("deny", told.public_id, "kim-jong-un", "--as", "ana", "--json"))["denials"]
    assert "said already" in run("deny", told.public_id, "kim-jong-un", "--as", "ana")
    [shown] = [json.loads(line) for line in run("denials", "--json").splitlines()]
    assert (shown["id"], shown["entity"], shown["article"]) == (made, "kim-jong-un", told.public_id)
    assert (shown["text"], shown["author"], shown["ended_by"]) == ("kim jong un", "ana", None)
    assert "kim-jong-un" in run("denials")
    trace = explain(desk.store, load_config(desk.config, environ=desk.environ()), told.public_id).traces[0]
    assert [one["id"] for one in trace["judgement"]["denials"]] == [made]
    assert trace["judgement"]["watchlist"]
    run("undeny", made[:8], "--as", "ana")
    [row] = desk.rows(denial)
    assert (row.ended_by, row.ended_at is not None) == ("ana", True)
    bring(desk, runtime, "a", [*BASELINE, FIRST, ALIKE])
    assert named(desk, "g2") == ["kim-jong-un"]
    assert "ana" in run("denials")


def test_denial_is_obeyed_by_a_text_that_is_tried(desk, told, run):
    run("deny", told.public_id, "kim-jong-un", "--as", "ana")
    argv = ["watchlist", "test", ALIKE[2], "--config", str(desk.config), "--data", str(desk.data)]
    assert "an analyst has said of it: not this one" in CliRunner().invoke(cli, argv).output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("deny", "ARTICLE", "vladimir-putin", "--as", "ana"),
            "not found in that article; found there: kim-jong-un",
        ),
        (("deny", "nothing", "kim-jong-un", "--as", "ana"), "No judged article has the id 'nothing'"),
        (("deny", "ARTICLE", "kim-jong-un", "--as", "nobody"), "'nobody' is nobody in people.yaml"),
        (("undeny", "abcdef", "--as", "ana"), "No denial 'abcdef' stands"),
    ],
)
def test_denial_of_nothing_is_refused_in_words(told, run, words, says):
    with pytest.raises(WirewatchError, match=says):
        run(*(told.public_id if word == "ARTICLE" else word for word in words))
