"""A desk that runs while its watchlist changes: nothing is lost, and each article says by which names it was read."""

import json
import subprocess
import sys

import pytest
from desk import BASELINE, Desk, entries, wait_for

from worker.store.schema import article, judgement, notification

pytestmark = pytest.mark.slow
NAMES = "id,type,name\nkim-jong-un,person,Kim Jong Un\nleader,other,the leader in the north\n"


@pytest.fixture
def desk(tmp_path):
    with Desk(tmp_path) as made:
        yield made


def test_swapped_while_articles_flow_none_is_lost_and_a_broken_one_keeps_the_old(desk):
    desk.start()
    wait_for(desk.polled, what="the baseline")
    (desk.folder / "names.csv").write_text(NAMES)
    shown = 0

    def judged():
        """The judgements of what is not of the baseline."""
        mine = {row.id for row in desk.rows(article) if not row.baseline}
        return [row for row in desk.rows(judgement) if row.article_id in mine]

    def until(look, what):
        """With one more article at each look."""

        def bring_and_look():
            nonlocal shown
            shown += 1
            desk.set_feed("a", [*BASELINE, *entries(shown)])
            return look()

        wait_for(bring_and_look, seconds=60, what=what)

    until(judged, "articles that are judged")
    command = ["watchlist", "import", desk.folder / "names.csv", "--replace", "--json"]
    command += ["--config", desk.config, "--data", desk.data]
    argv = [sys.executable, "-m", "worker", *map(str, command)]
    done = subprocess.run(argv, env=desk.environ(), capture_output=True, timeout=60)
    assert done.returncode == 0 and json.loads(done.stdout)["written"], done.stderr
    until(lambda: len({row.watchlist for row in judged()}) == 2, "articles that are judged by the new names")
    (desk.config / "watchlist.yaml").write_text("entities: [")
    until(lambda: desk.rows(notification, notification.c.kind == "operator"), "word of the broken watchlist")
    wait_for(lambda: len(judged()) == shown and desk.settled(), seconds=60, what="every article")
    assert desk.guids() == sorted([f"g{n}" for n in range(shown)] + ["old"])
    stamps = {}
    for row in judged():
        stamps.setdefault(row.watchlist, set()).add(frozenset(mention["entity"] for mention in row.mentions))
    old, new = frozenset({"kim-jong-un"}), frozenset({"kim-jong-un", "leader"})
    assert sorted(stamps.values(), key=str) == sorted([{old}, {new}], key=str)
    assert "watchlist_not_taken" in desk.logs.read_text()
