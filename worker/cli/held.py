"""The verbs about what is held: old entries that a feed brought all at once, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.alerts.wording import local_time
from worker.cli.alerts import AsOption, check_person
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NoSuch,
    adder,
    existing_store,
    iso,
    print_line,
    read_config,
)
from worker.cli.table import print_text
from worker.display import escaped, one_line
from worker.feeds.held import decided_words, decision_commands, held_words

if TYPE_CHECKING:
    from worker.store.holds import Verdict

PARTS = frozenset({"feeds", "people", "settings"})
HoldArgument = Annotated[
    str | None, typer.Argument(metavar="[HOLD|FEED]", help="A hold's id, or how it begins; or a feed's id.")
]
EveryOption = Annotated[bool, typer.Option("--all", help="Everything that is held.")]


def held(as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """What waits for your word: old entries that a feed brought all at once, and the commands that decide."""
    from worker.store.holds import sample_titles, waiting_holds

    zone = read_config(config, only=frozenset({"settings"})).settings.time_zone
    with existing_store(data) as store, store.reading() as connection:
        rows = waiting_holds(connection)
        titles = sample_titles(connection, [row.id for row in rows])
    if as_json:
        for row in rows:
            print_line(_as_json(row) | {"headlines": list(titles[row.id])})
        return
    for row in rows:
        print_text(escaped(f"{held_words(row)}, held since {local_time(row.at, zone)}: release or ignore"))
        for title in titles[row.id]:
            print_text(escaped(f"  - {one_line(title, 100) or '(no headline)'}"))
        if row.count > len(titles[row.id]):
            print_text(f"  and {row.count - len(titles[row.id]):,} more")
        release_it, ignore_it = decision_commands(row)
        print_text(f"  {release_it}    they are news, and may raise alerts")
        print_text(f"  {ignore_it}     they are stored and judged, and raise nothing")
    if not rows:
        print_text("Nothing is held.")


def release(
    person: AsOption,
    hold: HoldArgument = None,
    everything: EveryOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Lets held entries go on as news: the rules are asked, and alerts may go out."""
    from worker.store.holds import Verdict

    check_person(read_config(config, only=PARTS), person)
    _decide(hold, Verdict.RELEASED, by=person, everything=everything, as_json=as_json, data=data)


def ignore(
    person: AsOption,
    hold: HoldArgument = None,
    everything: EveryOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Lets held entries go on as what was there before the feed was watched: they raise nothing."""
    from worker.store.holds import Verdict

    check_person(read_config(config, only=PARTS), person)
    _decide(hold, Verdict.IGNORED, by=person, everything=everything, as_json=as_json, data=data)


def _decide(name: str | None, verdict: Verdict, *, by: str, everything: bool, as_json: bool, data: Any) -> None:
    """In one transaction, all or nothing; what is decided already stays so, and is said."""
    from worker.store.engine import read_clock
    from worker.store.holds import decide_hold, read_holds

    if everything == (name is not None):
        raise typer.BadParameter("name a hold or a feed, or give --all", param_hint="hold")
    with existing_store(data) as store, store.writing() as connection:
        now = read_clock(connection)
        ids = [row.id for row in _wanted(connection, name)]
        decided = {number for number in ids if decide_hold(connection, number, verdict, by=by, now=now)}
        rows = read_holds(connection, ids)  # as they are now: another may have been first
    if as_json:
        for row in rows:
            print_line(_as_json(row) | {"changed": row.id in decided})
        return
    for row in rows:
        print_text(escaped(_said(row, verdict) if row.id in decided else _said_before(row)))
    if not rows:
        print_text("Nothing is held.")


def _wanted(connection: Any, name: str | None) -> Sequence[Any]:
    """Of a feed those that wait, or where none does, the last one. Raises NoSuch."""
    from worker.store.holds import find_holds, waiting_holds

    if name is None:
        return waiting_holds(connection)
    found = find_holds(connection, name)
    if not found:
        raise NoSuch(
            f"Nothing is held under {name!r}, or several ids begin so. `wirewatch feeds held` shows what is held."
        )
    return [row for row in found if row.decision is None] or found[-1:]


def _said(row: Any, verdict: Verdict) -> str:
    becomes = {
        "released": "they are judged as news within seconds, while the desk runs, and may raise alerts",
        "ignored": "they are judged and grouped, and raise nothing",
    }
    return f"{str(verdict).capitalize()}: {held_words(row)}; {becomes[verdict]}."


def _said_before(row: Any) -> str:
    return f"Nothing changed: {held_words(row)} were {decided_words(row.decision, row.decided_by)}."


def _as_json(row: Any) -> dict[str, Any]:
    names = ("kind", "count", "decision", "decided_by")
    times = {"at": iso(row.at), "decided": iso(row.decided_at)}
    return {"id": row.public_id, "feed": row.feed_id, **{name: getattr(row, name) for name in names}, **times}


add_to = adder(held, release, ignore)
