"""Links in mails, as their readers and their mail scanners follow them: the mail is the one that the desk sent."""

import email
import email.policy
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from desk import BASELINE, at_once, entries
from lxml import html
from served import HOSTILE, Served, make_hostile
from steps import bring, change, poll_now
from typer.testing import CliRunner

from worker.cli import cli
from worker.links import Claim, Deed, sign
from worker.pipeline.deliver import deliver_due
from worker.store.engine import read_clock
from worker.store.keys import bring_signing_key, find_signing_keys, renew_signing_key
from worker.store.schema import alert, metadata, silence, story

PUBLIC = "https://desk.example"
# What is asked of the record is asked on both; how a page is guarded does not depend on it.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
WORDS = {
    "Acknowledge": Deed.ACKNOWLEDGE,
    "Silence this story for 24 h": Deed.SILENCE_STORY,
    "Silence this rule for 24 h": Deed.SILENCE_RULE,
}


@pytest.fixture
def mailed(desk):
    """One alert that was mailed to Ana: the desk, its console, and the paths of the links in her mail."""
    settings = desk.config / "settings.yaml"
    settings.write_text(settings.read_text() + f"public_url: {PUBLIC}\n")
    runtime = desk.runtime()
    poll_now(desk, runtime)
    bring(desk, runtime, "a", entries(1) + BASELINE)
    deliver_due(runtime)
    runtime.store.close()
    (received,) = desk.mail.received
    text = email.message_from_bytes(received.raw, policy=email.policy.default).get_body(("plain",)).get_content()
    paths = {
        WORDS.get(words, Deed.VIEW): path
        for words, path in re.findall(r"(\S[^\n:]*):\s+https://desk\.example(/do/\S+)", text)
    }
    assert set(paths) == set(Deed), text
    with Served(desk) as served:
        yield SimpleNamespace(desk=desk, served=served, paths=paths, key=bring_signing_key(desk.store))


def ask(mailed, path, *, method="GET", **headers):
    """As from a reader's browser, through the proxy: without the console's key."""
    return mailed.served.ask(path, method=method, key=False, **{"Host": "desk.example"} | headers)


def press(mailed, path):
    return ask(mailed, path, method="POST", Origin=PUBLIC)


def words(answer):
    return " ".join(html.fromstring(answer.text).xpath("string(//main)").split())


def row(mailed):
    (found,) = mailed.desk.rows(alert)
    return found


def test_j02_opening_a_link_does_nothing_and_its_button_does_it(mailed):
    path = mailed.paths[Deed.ACKNOWLEDGE]
    for method in ("GET", "HEAD", "GET"):
        answer = ask(mailed, path, method=method)
        assert answer.status == 200 and row(mailed).acknowledged_at is None
    tree = html.fromstring(answer.text)
    (form,) = tree.xpath("//form")
    assert (form.get("method"), form.get("action"), tree.xpath("//script")) == ("post", None, [])
    assert "Factory one visited" in words(answer) and "In the name of Ana" in words(answer)
    done = press(mailed, path)
    assert done.status == 200 and words(done).startswith("Done") and "Ana acknowledged it at" in words(done)
    assert row(mailed).acknowledged_by == "ana"
    at = row(mailed).acknowledged_at
    again = press(mailed, path)
    assert "It is done already" in words(again) and html.fromstring(again.text).xpath("//form") == []
    assert "It is done already" in words(ask(mailed, path))
    assert row(mailed).acknowledged_at == at


def test_a_silence_is_made_once_however_often_its_button_is_pressed_and_keeps_quiet(mailed):
    told = [
        ("g7", "Kim Jong Un writes to an old friend in Hanoi", ""),
        ("g8", "Harvest report praises Kim Jong Un", ""),
    ]
    runtime = mailed.desk.runtime()
    for deed, kind in ((Deed.SILENCE_STORY, "story"), (Deed.SILENCE_RULE, "rule")):
        path = mailed.paths[deed]
        assert ask(mailed, path).status == 200 and mailed.desk.rows(silence, silence.c.kind == kind) == []
        answers = at_once(3, lambda path=path: press(mailed, path))
        assert sorted(words(one).startswith("Done") for one in answers) == [False, False, True]
        (made,) = mailed.desk.rows(silence, silence.c.kind == kind)
        assert made.author == "ana" and made.expires_at - made.created_at == timedelta(hours=24)
        assert f"Ana has silenced this {kind}" in words(ask(mailed, path))
        bring(mailed.desk, runtime, "a", [told.pop(0), *entries(1), *BASELINE])
    runtime.store.close()
    assert [row.told_at is not None for row in mailed.desk.rows(alert)] == [True, True, False]


@ON_SQLITE
def test_a_view_link_shows_the_alert_and_nobody_elses_address_and_what_is_away_is_a_plain_page(mailed):
    answer = ask(mailed, mailed.paths[Deed.VIEW])
    assert answer.status == 200 and "Why it fired" in words(answer)
    assert "ana@desk.example" not in answer.text and "Who was told" not in answer.text
    assert press(mailed, mailed.paths[Deed.VIEW]).status == 200
    assert row(mailed).acknowledged_at is None
    claim = Claim(Deed.ACKNOWLEDGE, "0" * 24, "ana", row(mailed).raised_at + timedelta(days=7))
    assert ask(mailed, "/do/" + sign(mailed.key, claim)).status == 404, "an alert that is no more"
    with mailed.desk.store.writing() as connection:
        metadata.tables["decision"].drop(connection)
    answer = ask(mailed, mailed.paths[Deed.ACKNOWLEDGE])
    assert answer.status == 503 and "SELECT" not in answer.text


@ON_SQLITE
def test_j02_j05_an_old_link_and_a_foreign_page_do_nothing_and_no_link_is_kept_or_told(mailed, capsys):
    path = mailed.paths[Deed.ACKNOWLEDGE]
    with mailed.desk.store.reading() as connection:
        now = read_clock(connection)
    old = "/do/" + sign(mailed.key, Claim(Deed.ACKNOWLEDGE, row(mailed).public_id, "ana", now))
    for answer in (ask(mailed, old), press(mailed, old)):
        assert answer.status == 410 and "good for 7 days" in words(answer)
    for origin in ("https://evil.example", "null", "http://desk.example"):
        answer = ask(mailed, path, method="POST", Origin=origin)
        assert answer.status == 403 and "Nothing was done" in words(answer)
    assert ask(mailed, path, method="POST", Host="evil.example").status == 421
    assert ask(mailed, path, method="PUT").status == 405
    assert row(mailed).acknowledged_at is None
    for answer in (ask(mailed, path), ask(mailed, path + "x"), press(mailed, path)):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "form-action 'self'" in answer.headers["Content-Security-Policy"]
        assert path.removeprefix("/do/") not in answer.text
    assert path.removeprefix("/do/") not in "".join(capsys.readouterr())


@ON_SQLITE
def test_j03_forged_links_are_refused_then_slowed_and_right_ones_go_on_until_two_new_keys(mailed):
    path = mailed.paths[Deed.ACKNOWLEDGE]
    forged = [path[:-1], path + "A", path.replace("/do/1", "/do/2"), "/do/x", "/do/" + "A" * 5_000, "/do/%00", "/do/é"]
    for one in forged:
        answer = press(mailed, one.replace("é", "%C3%A9"))
        assert answer.status == 403 and "Nothing was done" in words(answer), one
    answers = [ask(mailed, "/do/" + "x" * 40).status for _ in range(20)]
    assert answers[0] == 403 and answers[-1] == 429
    assert row(mailed).acknowledged_at is None
    renewed = CliRunner().invoke(cli, ["links", "renew", "--data", str(mailed.desk.data)])
    assert (renewed.exit_code, press(mailed, path).status) == (0, 200), "the key before is good, and not held up"
    assert row(mailed).acknowledged_by == "ana"
    renew_signing_key(mailed.desk.store)
    assert ask(mailed, path).status == 429, "the one before that is a stranger's"


@ON_SQLITE
def test_h08_hostile_texts_are_text_behind_a_link_too(mailed):
    make_hostile(mailed.desk)
    change(mailed.desk, story, title="{{7*7}} %s {0.__class__}" + HOSTILE)
    for path in mailed.paths.values():
        answer = ask(mailed, path)
        assert answer.status == 200
        tree = html.fromstring(answer.text)
        assert "document.title='owned'" in tree.text_content() and "{{7*7}} %s {0.__class__}" in tree.text_content()
        assert tree.xpath("//script | //style | //iframe | //base | //object | //meta[@http-equiv]") == []
        assert {one.get("src") for one in tree.xpath("//img")} == {"/static/icon.svg"}
        assert len(tree.xpath("//form")) == (path != mailed.paths[Deed.VIEW])
        assert {name for one in tree.iter() for name in one.attrib if name.startswith("on") or name == "style"} == set()
        assert all(one.get("href").startswith(("/", "#")) for one in tree.xpath("//*[@href]"))


def test_the_key_is_made_once_whoever_asks_first(desk):
    keys = at_once(8, lambda: bring_signing_key(desk.store))
    assert len(set(keys)) == 1 and len(keys[0]) == 32
    with desk.store.reading() as connection:
        assert find_signing_keys(connection) == [keys[0]]
