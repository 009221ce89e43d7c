"""The verb that finds the feeds of a web page."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import typer

from worker.cli.feeds import clock, plain, rows_if_readable
from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    adder,
    print_line,
    read_config,
    refuse_example_contact,
)
from worker.cli.table import bar, print_table, print_text
from worker.display import escaped

if TYPE_CHECKING:
    from worker.discovery import Discovery
    from worker.feedcheck import FeedCheck


def discover(url: str, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Lists the feeds that a web page names, and asks each of them once (10 at most): is it one? Stores nothing."""
    from worker.discovery import discover as find

    if "://" not in url:
        raise typer.BadParameter(f"{escaped(url)!r} is no address: write it with its https://", param_hint="url")
    desk = read_config(config, only=frozenset({"feeds", "network", "settings"}))
    refuse_example_contact(desk)
    with bar(None, "asking", hidden=as_json):
        found = find(desk, url, rows=rows_if_readable(data))
    if as_json:
        for line in _lines(found):
            print_line(line)
    else:
        _print(found, desk.settings.time_zone)
    answering = found.check.answers or any(check.answers for _, check in found.found)
    raise typer.Exit(0 if answering else 1)


def _lines(found: Discovery) -> list[dict[str, Any]]:
    """The address's own answer, then the feeds that it names; `answers` is null for one that was not asked."""
    named = [
        plain(check) | {"title": one.title, "kind": one.kind, "said": one.said, "named_by": found.check.url}
        for one, check in found.found
    ]
    unasked = [
        {"url": one.url, "answers": None, "title": one.title, "kind": one.kind, "said": one.said}
        | {"named_by": found.check.url}
        for one in found.unasked
    ]
    return [plain(found.check), *named, *unasked]


def _print(found: Discovery, zone: str) -> None:
    check = found.check
    if check.answers:
        print_text(escaped(f"The address is a feed itself: {check.format}, entries: {check.entries}."))
        print_text(_adding(check))
        return
    if not found.found:
        print_text(escaped(f"No feed is found there: {check.wrong}."))
        if check.reason != "not_a_feed":
            print_text(check.advice)
        return
    rows = [(one.title, check.url, *_answered(check, one.kind, zone)) for one, check in found.found]
    rows += [(one.title, one.url, "not asked", one.kind, "", "", "") for one in found.unasked]
    print_table(("title", "address", "a feed?", "format", "entries", "newest", "what to know"), rows)
    good = [check for _, check in found.found if check.answers]
    if not good:
        print_text("None of them is a feed that answers now.")
    for one in good:
        print_text(_adding(one))


def _answered(check: FeedCheck, kind: str, zone: str) -> tuple[str, str, str, str, str]:
    if not check.answers:
        return "no", kind, "", "", check.wrong
    return "yes", check.format or kind, str(check.entries), clock(check.newest, zone), "; ".join(check.notes)


def _adding(check: FeedCheck) -> str:
    return escaped(f"To take it up: wirewatch feeds add {shlex.quote(check.set_address or check.url)}")


add_to = adder(discover)
