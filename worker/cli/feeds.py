"""The verbs that look at feeds: how it is with each, and whether it answers now."""

from __future__ import annotations

import dataclasses
import difflib
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from worker.cli.options import (
    HERE,
    KEPT,
    ConfigOption,
    DataOption,
    JsonOption,
    NothingYet,
    adder,
    existing_store,
    print_line,
    read_config,
    refuse_example_contact,
)
from worker.cli.table import bar, print_table, print_text
from worker.display import escaped
from worker.errors import WirewatchError
from worker.feeds.rhythm import gap_span
from worker.feeds.shown import FeedState, ShownFeed, article_words, show_feed

if TYPE_CHECKING:
    from worker.config.schema import Config

WIDE = 140  # columns of a terminal on which a list of feeds has room for all that is known of each

cli = typer.Typer(no_args_is_help=True, help="The feeds: list, test, add and remove them; lists in, lists out.")


def complete_feed(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """The configured ids that begin so, with their titles. On any trouble none: a shell must not be disturbed."""
    try:
        desk = read_config(ctx.params.get("config") or HERE, only=frozenset({"feeds"}), secrets=False)
    except Exception:
        return []
    return [(feed.id, escaped(feed.title)) for feed in desk.feeds if feed.id.startswith(incomplete)]


StateOption = Annotated[list[FeedState] | None, typer.Option("--state", help="Only these; may be given again.")]
TagOption = Annotated[list[str] | None, typer.Option("--tag", help="Only with one of these tags; may be given again.")]
AskedArgument = Annotated[
    list[str] | None, typer.Argument(help="Ids or addresses.", metavar="ID|URL", autocompletion=complete_feed)
]
AllOption = Annotated[bool, typer.Option("--all", help="Every feed that is enabled.")]


def list_(
    state: StateOption = None,
    tag: TagOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Every configured feed: how it stands, when it answered, when it is asked next, what is wrong and what to do."""
    desk = read_config(config, only=frozenset({"feeds", "settings"}), secrets=False)
    rows = _rows(data)
    feeds = [show_feed(spec, (rows or {}).get(spec.id)) for spec in desk.feeds]
    feeds = [one for one in feeds if (not state or one.state in state) and (not tag or set(tag) & set(one.tags))]
    if as_json:
        for one in feeds:
            print_line(plain(one))
        return
    zone = desk.settings.time_zone
    times = f"answered ({zone})", f"next ({zone})"
    heads = "id", "title", "language", "tags", "state", *times, "asked", "articles", "rhythm", "trouble"
    lines = [dict(zip(heads, _line(one, zone), strict=True)) for one in feeds]
    on_terminal = sys.stdout.isatty()
    shown = [head for head in heads if not on_terminal or head not in _left_out(shutil.get_terminal_size().columns)]
    print_table(shown, [[line[head] for head in shown] for line in lines])
    if on_terminal:
        _print_troubles(lines)
    counts = Counter(one.words for one in feeds).most_common()
    words = ", ".join(f"{count:,} {words}" for words, count in counts)
    print_text(f"{len(feeds)} feeds: {words}." if feeds else "No feed fits.")
    if rows is None:
        print_text(f"Nothing has run here yet: {data} holds no record.")


def _left_out(columns: int) -> frozenset[str]:
    """What a terminal of so many columns has no room for; what is wrong stands in lines of its own below."""
    return frozenset({"trouble"} if columns >= WIDE else {"trouble", "language", "tags", "asked", "rhythm"})


def _print_troubles(lines: Sequence[Mapping[str, str]]) -> None:
    width = max(40, shutil.get_terminal_size().columns)
    for line in lines:
        if line["trouble"]:
            said = f"{line['id']}: {escaped(line['trouble'])}"
            print_text(textwrap.fill(said, width, subsequent_indent="  ", break_on_hyphens=False))


def _rows(data: Path) -> dict[str, Any] | None:
    """The record's feeds by id; None where there is no record, and none is made."""
    from worker.store.feeds import list_feeds

    try:
        with existing_store(data) as store:
            return {row.id: row for row in list_feeds(store)}
    except NothingYet:
        return None


def _line(one: ShownFeed, zone: str) -> Sequence[str]:
    said = one.wrong if not one.missed or one.missed_words in one.wrong else f"{one.wrong} ({one.missed_words})"
    trouble = f"{said}. {one.advice}" if one.wrong else ""
    asked = f"every {gap_span(one.interval)}" if one.interval else ""
    rhythm = one.rhythm if one.state is not FeedState.QUIET else ""  # there the trouble says it
    tags, articles = ", ".join(one.tags), article_words(one.articles + one.more_articles)
    times = clock(one.last_success, zone), clock(one.next_poll, zone)
    return one.id, one.title, one.language, tags, one.words, *times, asked, articles, rhythm, trouble


def test(
    asked: AskedArgument = None,
    everything: AllOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Asks feeds once, politely: do they answer, and how? Stores nothing; who asked the desk to wait is not asked."""
    from worker.feedcheck import check_feeds

    desk = read_config(config, only=frozenset({"feeds", "network", "settings"}))
    wanted = _wanted(desk, asked or [], everything=everything)
    refuse_example_contact(desk)
    found = []
    with bar(len(wanted), "feeds", hidden=as_json) as done:
        for one in check_feeds(desk, wanted, rows=rows_if_readable(data)):
            found.append(one)
            done()
            if as_json:
                print_line(plain(one))
    if not as_json:
        order = {name: n for n, (name, _) in enumerate(wanted)}
        found.sort(key=lambda one: (not one.answers, order[one.name]))  # those in trouble last, above the prompt
        _print_checks(found, desk.settings.time_zone)
    raise typer.Exit(0 if all(one.answers for one in found) else 1)


def rows_if_readable(data: Path) -> list[Any]:
    """The record's feeds, to be obeyed. One that cannot be read keeps nobody from testing a feed, and is told of."""
    try:
        return list((_rows(data) or {}).values())
    except Exception as error:
        told = (
            str(error) if isinstance(error, WirewatchError) else type(error).__name__
        )  # others' words may hold secrets
        print(f"Note: the record cannot be read, so what publishers asked of us is not known: {told}", file=sys.stderr)
        return []


def _wanted(desk: Config, asked: Sequence[str], *, everything: bool) -> list[tuple[str, str]]:
    """(name, address) of each, once."""
    if everything == bool(asked):
        raise typer.BadParameter("name feeds by id or address, or give --all", param_hint="feeds")
    if everything:
        return [(feed.id, feed.url) for feed in desk.feeds if feed.enabled]
    by_id = {feed.id: feed.url for feed in desk.feeds}
    return [(one, one if "://" in one else by_id.get(one) or no_feed(desk, one)) for one in dict.fromkeys(asked)]


def no_feed(desk: Config, feed_id: str) -> Any:
    near = difflib.get_close_matches(feed_id, [feed.id for feed in desk.feeds], n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise typer.BadParameter(f"there is no feed {escaped(feed_id)!r}{hint}", param_hint="feed")


def _print_checks(found: Sequence[Any], zone: str) -> None:
    heads = "feed", "answer", "format", "entries", "newest", "language", "validators", "seconds", "what to know"
    rows = []
    for one in found:
        detour = f"redirects for now to {one.redirected_to}" if one.redirected_to and not one.set_address else ""
        said = [f"{one.wrong}. {one.advice}"] if one.wrong else [words for words in (*one.notes, detour) if words]
        validators = (", ".join(one.validators) or "none") if one.answers else ""
        read = one.answers and not one.unchanged
        counts = (one.format, str(one.entries), clock(one.newest, zone)) if read else ("", "", "")
        times = one.language, validators, f"{one.seconds:.1f}"
        rows.append((one.name, "yes" if one.answers else "no", *counts, *times, "; ".join(said)))
    print_table(heads, rows)
    print_text(f"{sum(one.answers for one in found)} of {len(found)} feeds answer.")


def clock(moment: datetime | None, zone: str) -> str:
    """'24 Nov 15:04', with its year where that is not this one's; '' for none."""
    if moment is None:
        return ""
    there, now = moment.astimezone(ZoneInfo(zone)), datetime.now(UTC)
    year = f" {there.year}" if there.year != now.year else ""
    return f"{there.day} {there:%b}{year} {there:%H:%M}"


def plain(one: Any) -> dict[str, Any]:
    """A dataclass as JSON values: instants in ISO form."""
    values = dataclasses.asdict(one)
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in values.items()}


add_to = adder(list_, test)
