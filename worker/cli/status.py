"""The verb that looks in: how the desk is, on one screen or as JSON. It reads only: looking makes and mends nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import typer

from worker import metrics
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NothingYet,
    adder,
    print_line,
    read_config,
    refuse_no_record,
)
from worker.cli.table import print_table, print_text
from worker.console.words import counted, distance, span, zone_name
from worker.display import escaped
from worker.errors import ConfigError
from worker.feeds.shown import count_states

if TYPE_CHECKING:
    from worker.config.schema import Config

Row = tuple[str, ...]
SAID: Final = 120  # characters of what is wrong with a feed, of which its server may have said some
QUEUES: Final = {
    "poll": "feeds to poll",
    "pages": "pages to fetch",
    "analyse": "articles to judge",
    "deliver": "deliveries to send",
}


def status(config: ConfigOption = HERE, data: DataOption = KEPT, as_json: JsonOption = False) -> None:
    """How the desk is: processes, feeds, queues, deliveries. The exit code is 0 only when all is well."""
    found = look_in(_config(config), data)
    if as_json:
        print_line(found)
    else:
        show(found)
    raise typer.Exit(0 if found["status"] == "ok" else 1)


def _config(folder: Path) -> Config | None:
    """None where it cannot be read: a desk with a broken file is looked at all the same, and `check` says what is."""
    try:
        return read_config(folder, only=frozenset({"feeds", "settings"}), secrets=False)
    except ConfigError:
        return None


def look_in(config: Config | None, data: Path) -> dict[str, Any]:
    """`status` is ok, degraded, down or not running, with `reasons`; nothing else where there is no record to read."""
    from worker.health import unreadable
    from worker.status import NOT_RUNNING, read_status
    from worker.store.engine import DATABASE_ERRORS, open_store
    from worker.store.migrate import schema_trouble

    try:
        refuse_no_record(data)
    except NothingYet as error:
        return {"status": NOT_RUNNING, "reasons": [str(error)]}
    store = open_store(os.environ.get("DATABASE_URL", ""), data=data)
    try:
        trouble = schema_trouble(store)
        return {"status": NOT_RUNNING, "reasons": [trouble]} if trouble else read_status(store, config)
    except DATABASE_ERRORS as error:
        return {"status": "down", "reasons": [f"{unreadable(error)} ({store.shown})"]}
    finally:
        store.close()


def show(found: Mapping[str, Any]) -> None:
    """On one screen. What a feed or a host has written is shown without anything that a terminal would obey."""
    print_text(f"Wirewatch is {found['status']}.")
    for reason in found["reasons"]:
        print_text(f"  - {escaped(reason)}")
    if "at" not in found:
        return
    if not found["configured"]:
        print_text(
            "  - the configuration cannot be read (`wirewatch check` says why): leases are taken for the default"
        )
    at, zone = datetime.fromisoformat(found["at"]), found["zone"]
    print_text(f"\n{at.astimezone(ZoneInfo(zone)):%H:%M:%S} {zone_name(zone, at)}\n")
    for name, words in _figures(found, at):
        print_text(f"{name:<15}{words}")
    for heads, rows in _tables(found, at):
        if rows:
            print_text("")
            print_table(heads, rows)


def _figures(found: Mapping[str, Any], at: datetime) -> Iterator[tuple[str, str]]:
    today = found["today"]
    yield "Feeds", ", ".join(count_states(found["feeds"])) or "none"
    yield "Today", f"{counted(today['articles'], 'article')}, {counted(today['alerts'], 'alert')}"
    yield "Deliveries", f"attempts today: {_states(today['attempts'])}; not sent now: {_states(found['deliveries'])}"
    yield "Articles", f"not settled now: {_states(found['articles'])}"
    yield "Time to alert", _time_words(found["time_to_alert"])
    yield "Last poll", _ago(found["last_poll"], at)
    yield "Last alert", _ago(found["last_alert"], at)


def _tables(found: Mapping[str, Any], at: datetime) -> Iterator[tuple[Row, list[Row]]]:
    """Each with its heads."""
    yield ("process", "host", "pid", "started", "last beat", ""), [_process(one, at) for one in found["processes"]]
    queues = [_queue(words, found["queues"][queue]) for queue, words in QUEUES.items()]
    yield ("queue", "waiting", "oldest due for", "late", "stuck"), queues
    feeds = [_feed(one, at) for one in found["worst_feeds"]]
    yield ("feed in trouble", "state", "last success", "what is wrong"), feeds


def _process(one: Mapping[str, Any], at: datetime) -> Row:
    silent = "silent" if one["silent"] else ""
    return one["role"], one["host"], str(one["pid"]), _ago(one["started"], at), _ago(one["last_beat"], at), silent


def _queue(words: str, one: Mapping[str, Any]) -> Row:
    late, stuck = (f"{n:,}" if n else "" for n in (one["late"], one["stuck"]))
    return words, f"{one['depth']:,}", span(one["age"]) if one["depth"] else "", late, stuck


def _feed(one: Mapping[str, Any], at: datetime) -> Row:
    wrong = one["wrong"] if len(one["wrong"]) <= SAID else one["wrong"][: SAID - 1] + "…"
    return one["id"], one["words"], _ago(one["last_success"], at), wrong


def _states(counts: Mapping[str, int]) -> str:
    """'100 sent, 3 failed'; 'none' for nothing."""
    return ", ".join(f"{n:,} {state}" for state, n in sorted(counts.items(), key=lambda item: -item[1])) or "none"


def _time_words(times: Mapping[str, Any]) -> str:
    """From the poll that first saw the article to the receiver's yes."""
    if not times["count"]:
        return "no alert was delivered yet"

    def under(bound: float | None) -> str:
        return f"over {span(metrics.BOUNDS[-1])}" if bound is None else f"under {span(bound)}"

    half, most = under(times["half_under"]), under(times["most_under"])
    return f"half of {counted(times['count'], 'delivery', 'deliveries')} {half}, 95 of 100 {most}"


def _ago(at: str | None, now: datetime) -> str:
    return distance(datetime.fromisoformat(at), now) if at else "never"


add_to = adder(status)
