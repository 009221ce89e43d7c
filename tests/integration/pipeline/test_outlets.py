"""An aggregator's article is its outlet's: from the feed's `source` to what people and programs are told."""

import json

from desk import BASELINE
from origin import rss
from steps import poll_now, settle

from worker.console.views.names import source_of
from worker.pipeline.deliver import deliver_due
from worker.store.latest import read_latest
from worker.store.schema import article

HEADLINE = "Kim Jong Un inspects a new missile plant"
WORDS = "Reuters, by a"


def test_an_aggregators_article_is_told_as_its_outlets(desk, runtime):
    poll_now(desk, runtime)
    document = rss("a", [("x1", f"{HEADLINE} - Reuters", "By the wire."), *BASELINE])
    source = b"<source url='https://reuters.example'>Reuters</source></item>"
    desk.origin.documents["/a"] = document.replace(b"</item>", source, 1)
    poll_now(desk, runtime)
    settle(runtime)
    deliver_due(runtime)
    (row,) = desk.rows(article, article.c.baseline.is_(False))
    assert (row.title, row.outlet) == (HEADLINE, "Reuters")
    (mail,) = desk.mail.received
    assert WORDS in mail.get_body(("plain",)).get_content() and WORDS in mail.get_body(("html",)).get_content()
    ((_, body),) = desk.webhook.received
    assert [one["source"] for one in json.loads(body)["data"]["articles"]] == [WORDS]
    seen = read_latest(desk.store)
    assert source_of(seen.articles[0].row) == source_of(seen.alerts[0].row) == WORDS
    assert {source_of(one.row) for one in seen.articles[1:]} == {"a", "b"}, "an outlet's own feed names no other"
