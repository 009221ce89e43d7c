"""The verbs about alerts: which there are, one of them whole, and who has taken it."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from worker.alerts.moments import span
from worker.alerts.wording import local_time
from worker.articles.shown import source_words
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NoSuch,
    SinceOption,
    adder,
    duration,
    existing_store,
    iso,
    print_line,
    read_config,
)
from worker.cli.table import print_table, print_text
from worker.display import SHORT, one_line

if TYPE_CHECKING:
    from worker.config.schema import Config

cli = typer.Typer(no_args_is_help=True, help="The alerts: list them, take one, keep what you know already quiet.")

PARTS: Final = frozenset({"feeds", "rules", "people", "settings"})
MOST_MEMBERS: Final = 50


class Grade(enum.StrEnum):
    """The severities, for the shell to complete."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


AlertArgument = Annotated[str, typer.Argument(metavar="ALERT", help="An alert's id, or how it begins.")]
AsOption = Annotated[str, typer.Option("--as", envvar="WIREWATCH_AS", help="Who you are: an id from people.yaml.")]
RuleOption = Annotated[list[str] | None, typer.Option("--rule", help="Only of this rule; may be given again.")]
SeverityOption = Annotated[
    list[Grade] | None,
    typer.Option("--severity", help="Only of this severity; may be given again."),
]
OpenOption = Annotated[bool, typer.Option("--open", help="Only those that nobody has acknowledged.")]
KeptOption = Annotated[str | None, typer.Option("--silence", help="Only those that this silence kept quiet.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="How many, the newest first.")]


def list_(
    rule: RuleOption = None,
    severity: SeverityOption = None,
    since: SinceOption = None,
    open_: OpenOption = False,
    silence: KeptOption = None,
    limit: LimitOption = 50,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """The alerts, the newest first: what was raised, when, and what became of its messages."""
    from worker.store.engine import read_clock
    from worker.store.listing import Wanted, delivery_states, list_alerts

    desk = read_config(config, only=PARTS, secrets=False)
    ago = duration(since, "--since") if since else None
    with existing_store(data) as store, store.reading() as connection:
        after = read_clock(connection) - timedelta(seconds=ago) if ago is not None else None
        wanted = Wanted(rule or (), severity or (), after, open_, silence)
        rows = list_alerts(connection, wanted, limit=limit)
        states = delivery_states(connection, [row.id for row in rows])
    if as_json:
        for row in rows:
            print_line(_as_json(row) | {"deliveries": dict(states.get(row.id, {}))})
        return
    zone = desk.settings.time_zone
    heads = f"raised ({zone})", "alert", "severity", "rule", "story", "told", "taken by"
    print_table(heads, [_line(row, states.get(row.id, {}), zone) for row in rows])
    if not rows:
        print_text("No alert fits. `wirewatch explain ARTICLE` says why an article raised none.")


def _line(row: Any, states: Mapping[str, int], zone: str) -> list[str]:
    kept = f"silenced by {row.silence[:SHORT]}" if row.silence else "not yet" if row.told_at is None else "nobody"
    kept = f"with {row.told_with[:SHORT]}" if row.told_with else kept
    told = ", ".join(f"{n} {state}" for state, n in sorted(states.items())) or kept
    raised = local_time(row.raised_at, zone).removesuffix(f" {zone}")
    headline = one_line(row.story_title, 90)
    return [raised, row.public_id[:SHORT], row.severity, row.rule_id, headline, told, row.acknowledged_by or ""]


def _as_json(row: Any) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "rule": row.rule_id,
        "severity": row.severity,
        "story": {"id": row.story, "title": row.story_title},
        "article": {
            "title": row.title,
            "url": row.url,
            "feed": row.feed_id,
            "source": source_words(row.outlet, row.source or row.feed_id),
        },
        "because": row.because,
        "published": iso(row.published_at),
        "first_seen": iso(row.first_seen_at),
        "raised": iso(row.raised_at),
        "told": iso(row.told_at),
        "next_message": iso(row.tell_at),
        "acknowledged": {"at": iso(row.acknowledged_at), "by": row.acknowledged_by} if row.acknowledged_at else None,
        "silence": row.silence,
        "told_with": row.told_with,
    }


def show(
    alert: AlertArgument, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT
) -> None:
    """One alert whole: why it was raised, its times, its story, what was told of it and when."""
    from worker.store.listing import delivery_states, read_alert_story

    desk = read_config(config, only=PARTS, secrets=False)
    with existing_store(data) as store, store.reading() as connection:
        row = get_row(connection, alert)
        whole = read_alert_story(connection, row, limit=MOST_MEMBERS)
        states = delivery_states(connection, [row.id]).get(row.id, {})
    found = _as_json(row) | {
        "analysed": iso(whole.analysed_at),
        "deliveries": dict(states),
        "messages": [_message(one, whole.news.get(one.id, ())) for one in whole.messages],
        "waiting": [{"kind": one.kind, "words": one.words} for one in whole.news.get(None, ())],
        "articles": [_member(one) for one in whole.members],
        "total": whole.total,
    }
    if as_json:
        print_line(found)
        return
    for line in _lines(found, desk):
        print_text(line)


def _message(row: Any, news: Sequence[Any]) -> dict[str, Any]:
    new = [{"kind": one.kind, "words": one.words} for one in news]
    return {"n": row.n, "kind": row.kind, "made": iso(row.created_at), "sent": iso(row.sent_at), "new": new}


def _member(row: Any) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "title": row.title,
        "url": row.url,
        "source": source_words(row.outlet, row.source or row.feed_id),
        "first_seen": iso(row.first_seen_at),
        "copy": row.duplicate_of is not None,
        "by": row.grouped_by,
    }


def _lines(found: Mapping[str, Any], desk: Config) -> Iterator[str]:
    zone = desk.settings.time_zone
    rules = {rule.id: rule.name for rule in desk.rules}

    def at(value: str | None) -> str:
        return local_time(datetime.fromisoformat(value), zone) if value else "not yet"

    yield f"[{found['severity']}] {one_line(found['story']['title'])}"
    yield f"  rule          {rules.get(found['rule'], found['rule'])} ({found['rule']})"
    yield f"  because       {one_line(found['because'])}"
    yield f"  published     {at(found['published']) if found['published'] else 'no date given'}"
    yield f"  first seen    {at(found['first_seen'])}{_after(found)}"
    yield f"  analysed      {at(found['analysed'])}"
    yield f"  raised        {at(found['raised'])}"
    taken = found["acknowledged"]
    yield f"  acknowledged  {taken['by'] + ', ' + at(taken['at']) if taken else 'by nobody'}"
    if found["silence"]:
        yield f"  silenced      when it was raised, by the silence {found['silence']}"
    first = f", the first {len(found['articles'])}:" if found["total"] > len(found["articles"]) else ""
    yield f"Story {found['story']['id']}: {_counted(found['total'], 'article')}{first}"
    for one in found["articles"]:
        yield f"  {at(one['first_seen'])}  {one_line(one['source'])}: {one_line(one['title'])}" + (
            " (a copy)" if one["copy"] else ""
        )
    yield f"Messages: {len(found['messages']) or 'none'}"
    for one in found["messages"]:
        yield f"  {one['n']}. {one['kind'].removeprefix('alert.')}, made {at(one['made'])}, sent {at(one['sent'])}"
        yield from (f"     new: {one_line(new['words'])}" for new in one["new"])
    for new in found["waiting"]:
        due = at(found["next_message"]) if found["next_message"] else "when it may be told"
        yield f"  waits: {one_line(new['words'])}; the next message is due {due}"
    states = ", ".join(f"{n} {state}" for state, n in found["deliveries"].items())
    along = f"none of its own: told along with the alert {found['told_with']}" if found["told_with"] else "none"
    yield f"Deliveries: {states or along}"
    yield f"Alert {found['id']}"


def _after(found: Mapping[str, Any]) -> str:
    """', 4 min after publication'"""
    if not found["published"]:
        return ""
    first, published = (datetime.fromisoformat(found[name]) for name in ("first_seen", "published"))
    seconds = (first - published).total_seconds()
    return f", {span(seconds)} after publication" if seconds >= 0 else ", before the time that its feed gives"


def _counted(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def ack(
    alert: AlertArgument,
    person: AsOption,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Says that you have taken an alert: no reminder goes out. Something new about its story is told all the same."""
    from worker.store.alerts import acknowledge
    from worker.store.engine import read_clock

    check_person(read_config(config, only=PARTS, secrets=False), person)
    with existing_store(data) as store, store.writing() as connection:
        row = get_row(connection, alert)
        by = acknowledge(connection, row.public_id, by=person, now=read_clock(connection))
    if as_json:
        print_line({"alert": row.public_id, "acknowledged_by": by})
    elif by == person:
        print_text(f"Acknowledged by {by}: {one_line(row.story_title)}")
    else:
        print_text(f"{by} has acknowledged it already: {one_line(row.story_title)}")


# ---------------------------------------------------------------- what the verbs about silences use, too


def get_row(connection: Any, name: str) -> Any:
    """Raises NoSuch."""
    from worker.store.listing import find_alert_row

    row = find_alert_row(connection, name)
    if row is None:
        raise NoSuch(f"There is no alert {name!r}, or several begin so. `wirewatch alerts list` shows their ids.")
    return row


def check_person(desk: Config, person: str) -> None:
    """Raises NoSuch."""
    known = [one.id for one in desk.people]
    if person not in known:
        shown = ", ".join(known) or "nobody yet"
        raise NoSuch(f"{person!r} is nobody in people.yaml ({shown}). Say who you are: --as ID, or WIREWATCH_AS.")


add_to = adder(list_, show, ack)
