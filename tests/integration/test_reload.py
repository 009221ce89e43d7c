"""A watchlist that is swapped while articles are judged: none is lost, each is stamped by the one that read it."""

import threading
from dataclasses import replace

import pytest
import yaml
from desk import BASELINE, entries
from steps import bring, poll_now, settle

from worker import app
from worker.app import load_judge
from worker.config.namelist import ListedEntity, write_name_list
from worker.pipeline.analyse import analyse_new_articles
from worker.pipeline.raising import storify_and_raise
from worker.reload import Reloader
from worker.store.schema import article, config_version, delivery, judgement, notification

KIM = {"id": "kim-jong-un", "type": "person", "name": "Kim Jong Un"}
LEADER = {"id": "leader", "type": "other", "name": "the leader in the north"}


@pytest.fixture
def running(desk, runtime, monkeypatch):
    """A worker's process: what it has, and its look-out for a changed watchlist."""
    judge = load_judge(runtime.config, data=desk.data)
    monkeypatch.setattr(app, "_runtime", replace(runtime, judge=lambda: judge))
    bring(desk, app.runtime(), "a", BASELINE)
    reloader = Reloader(desk.config, judges=True)
    look(reloader)
    return reloader


def look(reloader):
    for _ in range(3):  # it takes what has lain still between two looks
        reloader.look()


def write(desk, *entities, files=()):
    beside = {"files": list(files)} if files else {}
    (desk.config / "watchlist.yaml").write_text(yaml.safe_dump(beside | {"entities": list(entities)}))


def named(desk, guid):
    [row] = desk.rows(article, article.c.url.like(f"%/{guid}"))
    [judged] = desk.rows(judgement, judgement.c.article_id == row.id)
    return {mention["entity"] for mention in judged.mentions}, judged


def test_reload_judges_by_the_new_names_and_stamps_them(desk, running):
    bring(desk, app.runtime(), "a", [*BASELINE, *entries(1)])
    write(desk, KIM, LEADER)
    look(running)
    bring(desk, app.runtime(), "a", [*BASELINE, *entries(2)])
    (before, first), (after, second) = named(desk, "g0"), named(desk, "g1")
    assert (before, after) == ({"kim-jong-un"}, {"kim-jong-un", "leader"})
    assert first.watchlist != second.watchlist and first.config_version < second.config_version
    bodies = {row.id: row.body for row in desk.rows(config_version)}
    assert [one["id"] for one in bodies[second.config_version]["watchlist"]] == ["kim-jong-un", "leader"]


def test_reload_takes_a_list_beside_the_file(desk, running):
    (desk.config / "watchlist").mkdir()
    (desk.config / "watchlist" / "more.csv").write_bytes(write_name_list([ListedEntity(**LEADER)]))
    write(desk, KIM, files=["watchlist/more.csv"])
    look(running)
    bring(desk, app.runtime(), "a", [*BASELINE, *entries(1)])
    assert named(desk, "g0")[0] == {"kim-jong-un", "leader"}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda desk: write(desk, KIM | {"type": "persona"}), "is none of"),
        (lambda desk: write(desk, LEADER), "there is no entity 'kim-jong-un'"),  # which a rule names
        (lambda desk: (desk.config / "watchlist.yaml").write_text("entities: ["), "not valid YAML"),
    ],
)
def test_reload_of_a_broken_watchlist_keeps_the_old_and_tells_the_operator_once(desk, running, spoil, says):
    version = app.runtime().config_version
    spoil(desk)
    look(running)
    look(Reloader(desk.config, judges=False))  # another worker's
    bring(desk, app.runtime(), "a", [*BASELINE, *entries(1)])
    assert named(desk, "g0")[0] == {"kim-jong-un"}
    assert app.runtime().config_version == version
    [told] = desk.rows(notification, notification.c.kind == "operator")
    assert told.subject == "The changed watchlist is not used: it has problems"
    [message] = desk.rows(delivery, delivery.c.notification_id == told.id)
    assert says in message.body.decode()


def test_reload_between_batches_loses_no_article(desk, running):
    """Articles are judged by one thread while another swaps the watchlist again and again."""
    count = 40
    desk.set_feed("a", [*BASELINE, *entries(count)])
    poll_now(desk, app.runtime())
    small = replace(
        app.runtime().config,
        settings=app.runtime().config.settings.model_copy(update={"analyse_batch": 2}),
    )
    app.install(replace(app.runtime(), config=small))
    done = threading.Event()

    def swap():
        turn = 0
        while not done.is_set():
            turn += 1
            write(desk, *((KIM, LEADER) if turn % 2 else (KIM,)))
            look(running)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        while analyse_new_articles(app.runtime()):
            while storify_and_raise(app.runtime()):
                pass
    finally:
        done.set()
        thread.join()
    settle(app.runtime())
    assert [guid for guid in desk.guids() if guid != "old"] == sorted(f"g{n}" for n in range(count))
    assert all(row.state == "settled" for row in desk.rows(article))
    found = {}
    for n in range(count):
        names, judged = named(desk, f"g{n}")
        found.setdefault(judged.watchlist, set()).add(frozenset(names))
    # Each was read by one watchlist, whole, and says by which.
    assert set(map(len, found.values())) == {1}
    assert set().union(*found.values()) <= {frozenset({"kim-jong-un"}), frozenset({"kim-jong-un", "leader"})}
    assert len(found) == 2
