"""The feeds as their readers ask for them: without a cookie, with a key in the address, again and again."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import feedparser
import pytest
import yaml
from desk import BASELINE
from served import HOSTILE, Served
from sqlalchemy import insert, select, update
from steps import bring, poll_now

from worker.console.feeds import ENTRIES
from worker.pipeline.deliver import deliver_due
from worker.store.schema import delivery, notification

KEY = "the-key-of-the-readers"
ATOM, JSON = f"/feeds/readers/{KEY}.atom", f"/feeds/readers/{KEY}.json"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def published(desk):
    """A desk whose one rule goes to a feed, with three alerts in it, and its console."""
    folder = desk.config
    (folder / "feed-key").write_text(KEY)
    channels = yaml.safe_load((folder / "channels.yaml").read_text())
    feed = {"kind": "feed", "key": "${file:feed-key}", "title": "Alerts of the desk"}
    channels["channels"] += [{"id": "readers", **feed}, {"id": "off", "enabled": False, **feed}]
    (folder / "channels.yaml").write_text(yaml.safe_dump(channels))
    rules = yaml.safe_load((folder / "rules.yaml").read_text())
    rules["rules"][0]["channels"] = ["readers"]
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    settings = folder / "settings.yaml"
    settings.write_text(settings.read_text() + "public_url: https://desk.example\n")
    runtime = desk.runtime()
    poll_now(desk, runtime)
    bring(desk, runtime, "a", [*ENTRIES_OF_THREE, *BASELINE])
    deliver_due(runtime)
    runtime.store.close()
    with Served(desk) as served:
        yield SimpleNamespace(desk=desk, served=served)


# Stories that nobody would take for one another.
ENTRIES_OF_THREE = [
    ("g0", "Kim Jong Un visits a shipyard", "Kim Jong Un saw the ships."),
    ("g1", "Harvest report mentions Kim Jong Un", "Kim Jong Un praised the rice."),
    ("g2", "A letter by Kim Jong Un reaches Hanoi", "Kim Jong Un wrote to an old friend."),
]


def ask(published, path, **headers):
    return published.served.ask(path, key=False, **{"Host": "desk.example"} | headers)


def test_a_feed_is_read_by_a_reader_in_either_form(published):
    answer = ask(published, ATOM)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/atom+xml; charset=utf-8")
    found = feedparser.parse(answer.text)
    assert not found.bozo and found.feed.title == "Alerts of the desk"
    assert {link.rel: link.href for link in found.feed.links} == {"self": f"https://desk.example{ATOM}"}
    assert answer.text.count("https://desk.example/") == 1, "nothing leads to a page that no reader reaches"
    titles = {f"[Normal] {headline} · Kim in the news" for _, headline, _ in ENTRIES_OF_THREE}
    assert {entry.title for entry in found.entries} == titles
    assert len({entry.id for entry in found.entries}) == 3
    assert all(entry.id.startswith("urn:wirewatch:alert:") for entry in found.entries)
    assert all("Why you get this" in entry.content[0].value for entry in found.entries)
    answer = ask(published, JSON)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/feed+json; charset=utf-8")
    items = json.loads(answer.text)["items"]
    assert [item["id"] for item in items] == [entry.id for entry in found.entries]
    assert {row.receipt for row in published.desk.rows(delivery)} == {"published"}


def test_a_feed_that_has_not_changed_is_not_sent_again(published):
    first = ask(published, ATOM)
    tag = first.headers["ETag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = ask(published, ATOM, If_None_Match=held)
        assert (again.status, again.text, again.headers["ETag"]) == (304, "", tag)
    assert "Last-Modified" not in first.headers, "two alerts of one second would have the same"
    assert ask(published, ATOM, If_Modified_Since="Wed, 08 Nov 2043 05:07:00 GMT").status == 200
    assert ask(published, ATOM, If_None_Match='"other"').status == 200
    head = published.served.ask(ATOM, method="HEAD", key=False)
    assert (head.status, head.text, head.headers["ETag"]) == (200, "", tag)
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_an_update_changes_its_alerts_entry_and_no_other(published):
    first = ask(published, JSON)
    later = datetime.now(UTC) + timedelta(minutes=5)
    with published.desk.store.writing() as connection:
        told = connection.execute(select(notification).order_by(notification.c.id)).first()
        sent = connection.execute(select(delivery).where(delivery.c.notification_id == told.id)).one()
        body = json.loads(sent.body) | {"title": "An update", "updated": later.isoformat()}
        values = told._asdict() | dict(id=99, public_id="n" * 24, n=2, kind="alert.updated")
        connection.execute(insert(notification).values(**values))
        values = sent._asdict() | dict(id=99, public_id="d" * 24, notification_id=99, body=json.dumps(body).encode())
        connection.execute(insert(delivery).values(**values | dict(state="failed")))
    assert ask(published, JSON, If_None_Match=first.headers["ETag"]).status == 304, "not before it is sent"
    with published.desk.store.writing() as connection:
        connection.execute(update(delivery).where(delivery.c.id == 99).values(state="sent"))
    second = ask(published, JSON, If_None_Match=first.headers["ETag"])
    before, after = (json.loads(one.text)["items"] for one in (first, second))
    assert after[0]["id"] == body["id"] and len(after) == 3
    assert after[0]["title"] == "An update" and after[0]["date_modified"] > after[0]["date_published"]
    assert {item["id"] for item in before} == {item["id"] for item in after}


@ON_SQLITE
def test_j01_j06_a_feed_wants_its_own_key_which_no_page_and_no_log_shows(published, capsys):
    paths = [
        ATOM.replace("the-key", "the-kez"), ATOM.replace(KEY, ""), ATOM.removesuffix(".atom"), f"{ATOM}x",
        ATOM.replace("readers/", "nobody/"), ATOM.replace("readers/", "off/"), ATOM.replace("readers/", "operator/"),
        ATOM.replace(".atom", ".rss"), ATOM.replace(KEY, "${file:feed-key}"), ATOM.replace(KEY, "***"),
    ]  # fmt: skip
    for path in paths:
        answer = ask(published, path)
        assert answer.status == 404 and KEY not in answer.text, path
    assert published.served.ask(ATOM.replace(KEY, "x")).status == 404, "nor the console's own"
    assert ask(published, ATOM).status == 200
    assert [ask(published, f"/feeds/readers/guess-{n}.atom").status for n in range(20)][-1] == 429
    assert ask(published, ATOM).status == 200, "who has the key is not held up by guessers"
    for path in ("/", "/metrics"):
        page = published.served.ask(path)
        assert page.status == 200 and KEY not in page.text
    assert KEY not in "".join(capsys.readouterr())


@ON_SQLITE
def test_h08_h09_a_hostile_entry_is_text_in_both_forms(published):
    with published.desk.store.writing() as connection:
        (row, *_) = connection.execute(select(delivery)).all()
        body = json.loads(row.body) | {"title": HOSTILE + "\x00\ud800\ufffe", "summary": HOSTILE, "text": HOSTILE}
        connection.execute(update(delivery).where(delivery.c.id == row.id).values(body=json.dumps(body).encode()))
    found = feedparser.parse(ask(published, ATOM).text)
    assert not found.bozo and len(found.entries) == 3
    answer = ask(published, JSON)
    assert json.loads(answer.text) and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@ON_SQLITE
def test_a_feed_holds_the_newest_hundred_whatever_lies_before_them(published):
    with published.desk.store.writing() as connection:
        (sent, *_) = connection.execute(select(delivery)).all()
        (told, *_) = connection.execute(select(notification)).all()
        numbers = range(1_000, 1_000 + 2 * ENTRIES)
        notes = [told._asdict() | dict(id=n, public_id=f"{n:024}", alert_id=None) for n in numbers]
        connection.execute(insert(notification), notes)
        rows = [
            sent._asdict()
            | dict(id=n, public_id=f"{n:024}", notification_id=n, due_at=sent.due_at + timedelta(seconds=n))
            | dict(body=json.dumps(json.loads(sent.body) | {"id": f"urn:{n}"}).encode())
            for n in numbers
        ]
        connection.execute(insert(delivery), rows)
    items = json.loads(ask(published, JSON).text)["items"]
    assert {item["id"] for item in items} == {f"urn:{n}" for n in numbers[ENTRIES:]}
