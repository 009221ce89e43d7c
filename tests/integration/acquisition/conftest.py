"""A publisher that keeps score, and desks of its feeds whose time is the test's."""

import pytest
from desk import Desk
from feedscore import FeedScore
from lived import Lived


@pytest.fixture
def score():
    with FeedScore() as made:
        yield made


@pytest.fixture
def live(tmp_path, monkeypatch, score):
    """Makes the desk of these pages, each a feed of its name; `pace` is what a feed's spec says besides."""
    made = []

    def make(pages, *, database_url="", hosts=None, **pace):
        desk = Desk(tmp_path, database_url=database_url, timing={})
        made.append(desk.__enter__())
        feeds = [
            {"id": name.replace("_", "-"), "url": score.url(f"/{name}", (hosts or {}).get(name, "127.0.0.1")), **pace}
            for name in pages
        ]
        lived = Lived(desk, feeds, monkeypatch)
        made.append(lived)
        score.clock = lambda: lived.now
        score.pages = {f"/{name}": page for name, page in pages.items()}
        score.intervals = dict.fromkeys(score.pages, lived.feeds[0].interval)
        return lived

    yield make
    for desk, lived in zip(made[::2], made[1::2], strict=True):
        lived.runtime.store.close()
        desk.__exit__()
