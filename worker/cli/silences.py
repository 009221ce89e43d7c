"""The verbs about silences: keep something quiet for a while, see what is kept quiet, end it before its time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.alerts.wording import local_time
from worker.cli.alerts import AsOption, check_person, get_row
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NoSuch,
    adder,
    duration,
    existing_store,
    iso,
    print_line,
    read_config,
)
from worker.cli.table import print_table, print_text
from worker.display import one_line

if TYPE_CHECKING:
    from worker.config.schema import Config
    from worker.model import SilenceKind

PARTS = frozenset({"feeds", "topics", "watchlist", "rules", "people", "settings"})
LISTED = 200
LEAST = 1.0  # seconds

RuleOption = Annotated[str | None, typer.Option("--rule", help="A rule's id.")]
EntityOption = Annotated[
    str | None, typer.Option("--entity", help="An entity's id: the rules are asked as if it were not named.")
]
StoryOption = Annotated[str | None, typer.Option("--story", help="A story's id, or that of an alert on it.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="A feed's id.")]
QueryOption = Annotated[str | None, typer.Option("--query", help="What an article says, such as '\"missile test\"'.")]
ForOption = Annotated[str, typer.Option("--for", metavar="30m|4h|2d", help="How long.")]
BecauseOption = Annotated[str, typer.Option("--because", help="Why, for whoever wonders.")]
SilenceArgument = Annotated[str, typer.Argument(metavar="SILENCE", help="Its id, or how it begins.")]


def silence(
    person: AsOption,
    long: ForOption,
    rule: RuleOption = None,
    entity: EntityOption = None,
    story: StoryOption = None,
    source: SourceOption = None,
    query: QueryOption = None,
    because: BecauseOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Keeps a rule, entity, story, source or query quiet for a while. What it holds back is listed when it ends."""
    from worker.store.engine import read_clock
    from worker.store.silences import add_silence

    desk = read_config(config, only=PARTS, secrets=False)
    check_person(desk, person)
    seconds = duration(long, "--for")
    if seconds < LEAST:
        raise typer.BadParameter("a silence of less than a second keeps nothing quiet", param_hint="--for")
    given = {"rule": rule, "entity": entity, "story": story, "source": source, "query": query}
    with existing_store(data) as store, store.writing() as connection:
        kind, value = _about(desk, connection, {name: one for name, one in given.items() if one is not None})
        now = read_clock(connection)
        until = now + timedelta(seconds=seconds)
        known = dict(kind=kind, value=value, because=one_line(because, 500), author=person)
        public_id = add_silence(connection, **known, expires_at=until, now=now)
    if as_json:
        print_line({"silence": public_id, "kind": kind, "value": value, "until": iso(until)})
        return
    zone = desk.settings.time_zone
    print_text(f"Silenced until {local_time(until, zone)}: {kind} {one_line(value)}.")
    print_text(f"What it holds back is listed when it ends. To end it now: wirewatch alerts unsilence {public_id}")


def _about(desk: Config, connection: Any, given: Mapping[str, str]) -> tuple[SilenceKind, str]:
    """What is to be silenced. Raises NoSuch, or typer.BadParameter."""
    from worker.model import SilenceKind

    if len(given) != 1:
        raise typer.BadParameter("give one of --rule, --entity, --story, --source and --query")
    ((name, value),) = given.items()
    kind = SilenceKind(name)
    known = {
        SilenceKind.RULE: (one.id for one in desk.rules),
        SilenceKind.ENTITY: desk.entities_by_id,
        SilenceKind.SOURCE: (one.id for one in desk.feeds),
    }
    if kind in known and value not in set(known[kind]):
        raise NoSuch(f"There is no {name} {value!r} in the configuration.")
    if kind is SilenceKind.QUERY:
        _check_query(value)
    if kind is SilenceKind.STORY:
        value = _story(connection, value)
    return kind, value


def _check_query(text: str) -> None:
    from worker.query.parse import QueryError, parse_query

    try:
        parse_query(text)
    except QueryError as error:
        raise typer.BadParameter(str(error), param_hint="--query") from error


def _story(connection: Any, name: str) -> str:
    """The public id of the story of this id, or of the alert of this id."""
    from worker.store.silences import is_story

    return name if is_story(connection, name) else str(get_row(connection, name).story)


def silences(as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """What is kept quiet, until when, by whom and why; and what was, the newest first."""
    from worker.store.engine import read_clock
    from worker.store.silences import newest_silences

    zone = read_config(config, only=frozenset({"settings"})).settings.time_zone
    with existing_store(data) as store, store.reading() as connection:
        now = read_clock(connection)
        rows = newest_silences(connection, limit=LISTED)
    if as_json:
        for row in rows:
            print_line(_as_json(row, running=row.ended_at is None and row.expires_at > now))
        return
    heads = "silence", "about", "", f"until ({zone})", "by", "because", "held back"
    print_table(heads, [_line(row, now, zone) for row in rows])
    if not rows:
        print_text("Nothing is silenced, and nothing was.")


def _line(row: Any, now: Any, zone: str) -> list[str]:
    until = local_time(row.expires_at, zone).removesuffix(f" {zone}")
    ended = "" if row.expires_at > now else f" (ended by {row.ended_by})" if row.ended_by else " (over)"
    about = one_line(row.value, 60)
    return [row.public_id, row.kind, about, until + ended, row.author, one_line(row.because, 60), str(row.held)]


def _as_json(row: Any, *, running: bool) -> dict[str, Any]:
    names = ("kind", "value", "because", "author", "ended_by", "held")
    times = {"from": iso(row.created_at), "until": iso(row.expires_at)}
    return {"id": row.public_id, "running": running, **{name: getattr(row, name) for name in names}, **times}


def unsilence(
    silence: SilenceArgument,
    person: AsOption,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Ends a silence now. What it held back is told in one notice within seconds, while the desk runs."""
    from worker.store.engine import read_clock
    from worker.store.silences import end_silence, find_running

    check_person(read_config(config, only=PARTS, secrets=False), person)
    with existing_store(data) as store, store.writing() as connection:
        now = read_clock(connection)
        found = find_running(connection, silence, now=now)
        if found is None or not end_silence(connection, found, by=person, now=now):
            raise NoSuch(
                f"No silence {silence!r} is running, or several begin so. `wirewatch alerts silences` shows their ids."
            )
    if as_json:
        print_line({"silence": found, "ended_by": person})
    else:
        print_text("Ended. What it held back is told in one notice.")


add_to = adder(silence, silences, unsilence)
