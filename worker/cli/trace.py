"""The verb that says why: one article's whole trace, in words for people or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from worker.alerts.wording import local_time
from worker.articles.changes import Piece, marked_changes, word_changes
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    adder,
    existing_store,
    print_line,
    read_config,
)
from worker.cli.table import print_text
from worker.display import one_line
from worker.feeds.held import decided_words
from worker.model import UNJUDGED

PARTS = frozenset({"feeds", "topics", "watchlist", "rules", "settings"})
PIECE_LETTERS = 300  # of one change that are shown
CHANGED = {"merge": "one with   ", "split": "follows    ", "followed": "followed by"}
NAMED = 12  # mentions of one entity's article that are told one by one
ArticleArgument = Annotated[str, typer.Argument(metavar="ARTICLE|URL", help="An article's id, or its address.")]


def explain(
    article: ArticleArgument, config: ConfigOption = HERE, data: DataOption = KEPT, as_json: JsonOption = False
) -> None:
    """Why an article raised an alert, or why not: poll, topics, names, every rule's verdict, deliveries."""
    from worker.explain import explain as traces_of

    desk = read_config(config, only=PARTS, secrets=False)
    with existing_store(data) as store:
        found = traces_of(store, desk, article)
    if as_json:
        print_line({"articles": found.traces, "total": found.total})
        return
    for number, trace in enumerate(found.traces):
        if number:
            print_text("\n" + "─" * 40 + "\n")
        for line in trace_lines(trace, zone=desk.settings.time_zone):
            print_text(line)
    left = found.total - len(found.traces)
    if left:
        print_text(f"\nand {left} more of this address: give an article's id to have its own trace")


def trace_lines(trace: Mapping[str, Any], *, zone: str) -> Iterator[str]:
    """The trace for people. What came from a feed is shown without anything that a terminal would obey."""

    def at(value: str | None) -> str:
        return local_time(datetime.fromisoformat(value) if value else None, zone)

    yield from _article_lines(trace, at)
    yield from _judgement_lines(trace["judgement"], at)
    yield from _story_lines(trace["story"])
    yield from _rule_lines(trace)
    yield from _alert_lines(trace["alerts"], at)
    yield ""
    yield one_line(trace["result"])


def _article_lines(trace: Mapping[str, Any], at: Any) -> Iterator[str]:
    article, poll = trace["article"], trace["poll"]
    yield one_line(article["title"])
    yield f"  article     {article['id']}, {one_line(article['url']) or 'without an address'}"
    yield f"  source      {one_line(article['source'])} (feed {article['feed']})"
    written = f', written as "{one_line(article["published_raw"])}"' if article["published_raw"] else ""
    yield f"  published   {at(article['published'])}{written}"
    old = "; old news when it was first seen" if article["old"] else ""
    yield f"  first seen  {at(article['first_seen'])}{_delay(article)}{old}"
    if poll is not None:
        yield f"  poll        {poll['seen']} entries, {poll['new']} new, {poll['changed']} edited"
    if trace["hold"] is not None:
        yield from _hold_lines(trace["hold"], at)
    yield from _page_lines(trace["page"], at)
    for revision in trace["revisions"][1:]:
        yield f"  edited      {at(revision['seen'])}"
        yield from (f"    {line}" for line in _edit_lines(revision["changes"]))


def _hold_lines(hold: Mapping[str, Any], at: Any) -> Iterator[str]:
    many = f"one of {hold['count']} old entries that its feed brought at once"
    if hold["decision"] is None:
        yield f"  held        since {at(hold['at'])}, {many}: `wirewatch feeds held` shows what to decide"
    else:
        decided = decided_words(hold["decision"], hold["decided_by"])
        yield f"  held        {at(hold['at'])}, {many}; {decided}, {at(hold['decided'])}"


def _edit_lines(changes: Mapping[str, Any]) -> Iterator[str]:
    """What was taken out in [-…-], what was put in in {+…+}."""
    title, text = changes["title"], changes["text"]
    if title:
        yield f"headline  {_marked(word_changes(title['old'], title['new']) or [Piece('new', title['new'])])}"
    if text is None:
        yield "text      is no longer kept, so what changed in it cannot be told"
    elif text:
        yield f"text      {_marked([Piece(**piece) for piece in text])}"
    elif not title:
        yield "text      only its spacing changed"


def _marked(pieces: Sequence[Piece]) -> str:
    return one_line(marked_changes(pieces, limit=PIECE_LETTERS))


def _page_lines(page: Mapping[str, Any] | None, at: Any) -> Iterator[str]:
    """'its page was fetched at 12:03, 4,210 characters', and where it was, if that is another address."""
    if page is None:
        return
    if page["state"] == "fetched":
        yield f"  page        its page was fetched at {at(page['fetched'])}, {page['characters']:,} characters"
    else:
        detail = f" ({one_line(page['detail'])})" if page["detail"] else ""
        yield f"  page        {page['words']}{detail}"
    if page["final_url"] and page["final_url"] != page["url"]:
        yield f"              it led to {one_line(page['final_url'])}"


def _delay(article: Mapping[str, Any]) -> str:
    """', 4 min after publication'"""
    if not article["published"]:
        return ""
    seconds = (
        datetime.fromisoformat(article["first_seen"]) - datetime.fromisoformat(article["published"])
    ).total_seconds()
    if seconds < 0:
        return ", before the time that the feed gives for its publication"
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f", {seconds / unit:.0f} {name} after publication"
    return f", {seconds:.0f} s after publication"


def _judgement_lines(judgement: Mapping[str, Any] | None, at: Any) -> Iterator[str]:
    if judgement is None:
        yield "Not judged yet"
        return
    names = f", names of watchlist {judgement['watchlist']}" if judgement["watchlist"] else ""
    yield f"Judged: language {judgement['language']}, model {judgement['model']}{names}"
    if judgement["again"]:
        first = judgement["former"][0]
        yield f"  judged again on {at(judgement['again'])}; first on {at(first['at'])}, by {first['model']}"
    for note in judgement["notes"]:
        yield f"  note        {note}"
    for topic in judgement["topics"]:
        if topic.get("by") == UNJUDGED:  # no score says anything, which the note has said
            continue
        answer = "yes" if topic["match"] else "no"
        unsure = ", unsure" if topic["review"] else ""
        evidence = f": {', '.join(one_line(word) for word in topic['evidence'])}" if topic["evidence"] else ""
        yield f"  topic       {answer:3} {topic['score']:.2f}{unsure}  {topic['name']}{evidence}"
    names = judgement["names"]
    for mention in judgement["mentions"][:NAMED]:
        where = f"{mention['field']} {mention['start']}-{mention['end']}"
        yield f'  name        {names[mention["entity"]]}: "{one_line(mention["text"])}" ({where}, by {mention["how"]})'
    if len(judgement["mentions"]) > NAMED:
        yield f"  and {len(judgement['mentions']) - NAMED} more mentions"
    if not judgement["mentions"]:
        yield "  name        none that is watched"
    for denial in judgement["denials"]:
        because = f": {one_line(denial['because'])}" if denial["because"] else ""
        taken_back = f"; taken back by {denial['ended_by']}" if denial["ended_by"] else ""
        who = f"{denial['author']}{because}{taken_back}"
        yield f'  denied      "{one_line(denial["text"])}" is not {denial["entity"]} ({who})'


def _story_lines(story: Mapping[str, Any] | None) -> Iterator[str]:
    if story is None:
        return
    sources = counted(story["original_sources"], "original source")
    size = f"{counted(story['articles'], 'article')} of {counted(story['outlets'], 'outlet')}, {sources}"
    yield f"Story: {one_line(story['title'])} ({size})"
    for change in story["changes"]:
        yield f"  {CHANGED[change['kind']]} {one_line(change['other'])}: {one_line(change['why'])}"
    if story["merged"]:
        yield "  merged      it joined another story, which has merged into this one since"
    copy = story["copy_of"]
    if copy is None and story["joined_by"]:
        shares = f" (both have: {one_line(story['shares'])})" if story["shares"] else ""
        whose = f"it passes on what {story['relays']} reports" if story["relays"] else "it reports for itself"
        yield f"  joined by   {story['joined_by']}{shares}; {whose}"
    if copy is not None:
        yield f"  copy of     {one_line(copy['title'])} ({one_line(copy['source'])}, {copy['id']}), by {copy['by']}"


def _rule_lines(trace: Mapping[str, Any]) -> Iterator[str]:
    if not trace["rules"]:
        return
    stored = trace["rules_of"]["stored"]
    yield "Rules" + ("" if stored else ", as they are today") + ":"
    for rule in trace["rules"]:
        yield f"  {'fires' if rule['fires'] else 'no':5}       {rule['id']}: {one_line(rule['because'])}"
        if rule["fires"]:
            yield f"              {one_line(rule['words'])}{' (' + rule['alert'] + ')' if rule['alert'] else ''}"
            yield from (f"              new: {one_line(words)}" for words in rule["news"])


def _alert_lines(alerts: Sequence[Mapping[str, Any]], at: Any) -> Iterator[str]:
    for alert in alerts:
        who = "" if alert["by_this_article"] else f", by another article: {one_line(alert['by']['title'])}"
        yield f"Alert {alert['id']} ({alert['rule']}, {alert['severity']}), raised {at(alert['raised'])}{who}"
        if alert["acknowledged"]:
            yield f"  taken       by {alert['acknowledged_by']}, {at(alert['acknowledged'])}"
        for message in alert["messages"]:
            along = f", told along with the alert {message['told_with']}" if message["told_with"] else ""
            yield f"  message {message['n']:3} {message['kind'].removeprefix('alert.')}, {at(message['made'])}{along}"
        if alert["next_message"]:
            yield f"  next        is due {at(alert['next_message'])}"
        for delivery in alert["deliveries"]:
            to, tries = f"{delivery['channel']} to {one_line(delivery['recipient'])}", delivery["attempts"]
            yield f"  {delivery['state']:11} {to}, {counted(len(tries), 'attempt')}{_fate(delivery, at)}"
            yield from (f"              {_attempt(one, at)}" for one in tries if len(tries) > 1)
        if not alert["deliveries"]:
            yield f"  nobody      {_why_nobody(alert)}"


def _why_nobody(alert: Mapping[str, Any]) -> str:
    if any(one["told_with"] for one in alert["messages"]):
        return "by this alert itself: whoever hears of it was told along with another"
    if alert["messages"]:
        return "none of its rule's channels was enabled, or wanted to hear of this severity"
    return "no message was made of it yet"


def _attempt(one: Mapping[str, Any], at: Any) -> str:
    reason = f": {one['reason']} {one_line(one['detail'] or '')}".rstrip() if one["reason"] else ""
    return f"{one['n']}. {at(one['started'])}: {one['outcome']}{reason}"


def _fate(delivery: Mapping[str, Any], at: Any) -> str:
    if delivery["sent"]:
        return f", sent {at(delivery['sent'])}"
    reason = f": {delivery['reason']} {one_line(delivery['detail'] or '')}".rstrip() if delivery["reason"] else ""
    return reason + (f"; next try {at(delivery['due'])}" if delivery["state"] in ("pending", "failed") else "")


def counted(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"


add_to = adder(explain)
