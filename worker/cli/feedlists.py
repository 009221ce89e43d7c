"""The verbs that change which feeds there are: one in or out, whole lists in, the list out."""

from __future__ import annotations

import enum
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from worker.cli.feeds import complete_feed, no_feed
from worker.cli.options import HERE, KEPT, ConfigOption, DataOption, JsonOption, adder, print_line, read_config
from worker.cli.table import bar, print_table, print_text
from worker.display import escaped
from worker.errors import WirewatchError
from worker.feeds.listed import FeedList, ListedFeed, slug

if TYPE_CHECKING:
    from worker.feeds.adopt import Adoption

Format = enum.StrEnum("Format", ["opml", "csv"])
RESTART = "Whatever runs polls by the new list from its next start on."


def _slug(value: str) -> str:
    if slug(value) != value:
        raise typer.BadParameter(f"{escaped(value)!r}: small letters, digits and single hyphens, such as north-korea")
    return value


ListArgument = Annotated[
    typer.FileBinaryRead, typer.Argument(help="OPML, or CSV with a `url` column; - is standard input.")
]
NewTagOption = Annotated[list[str] | None, typer.Option("--tag", parser=_slug, help="For each; may be given again.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
FormatOption = Annotated[Format | None, typer.Option("--format", help="Default: by the file's name, else OPML.")]
OutOption = Annotated[Path | None, typer.Option("--out", "-o", help="Default: standard output.", dir_okay=False)]
FeedArgument = Annotated[str, typer.Argument(metavar="ID", autocompletion=complete_feed)]


def add(
    url: str,
    feed_id: Annotated[str, typer.Option("--id", help="Default: from the title, else from the host.")] = "",
    title: Annotated[str, typer.Option(help="Its name in alerts and lists.")] = "",
    language: Annotated[str, typer.Option(help="Such as en, ko, ru.")] = "",
    tag: NewTagOption = None,
    tier: Annotated[str, typer.Option(help="1 the desk relies on it, 2 useful, 3 for what it claims.")] = "",
    interval: Annotated[str, typer.Option(help="How often it is asked, such as 10m. Default: 10m.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Adds one feed to feeds.yaml, which keeps its comments and order."""
    from worker.config.writer import editing
    from worker.feeds.adopt import decide_adoptions

    one = ListedFeed(0, url, title, language, id=feed_id, tier=tier, interval=interval)
    with editing(config) as editor:
        (found,) = decide_adoptions([one], editor.config, tags=tuple(tag or ()))
        if found.spec is not None:
            editor.add("feeds", [found.spec])
    if as_json:
        print_line({"added": found.spec is not None, "id": found.id, "why": found.why})
    elif found.spec is None:
        raise WirewatchError(escaped(found.why) or f"The feed {found.id} has this address already. Nothing was added.")
    else:
        notes = f" Note: {found.why}." if found.why else ""
        print_text(escaped(f"{found.id} added to {config / 'feeds.yaml'}.{notes} {RESTART}"))
    raise typer.Exit(0 if found.spec else 1)


def remove(
    feed_id: FeedArgument, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT
) -> None:
    """Takes one feed out of feeds.yaml; its articles stay."""
    from worker.config.writer import editing

    with editing(config) as editor:
        if feed_id not in {feed.id for feed in editor.config.feeds}:
            no_feed(editor.config, feed_id)
        editor.remove("feeds", feed_id)
    if as_json:
        print_line({"removed": feed_id})
    else:
        print_text(f"{feed_id} removed from {config / 'feeds.yaml'}; its articles stay. {RESTART}")


def import_(
    file: ListArgument,
    tag: NewTagOption = None,
    dry_run: DryOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Adds the feeds of an OPML or CSV list that are not there yet; says what became of each."""
    from worker.config.writer import editing
    from worker.feeds.adopt import MAX_LIST, Fate, decide_adoptions, read_list

    body = file.read(MAX_LIST + 1)
    with bar(None, "reading and checking"), editing(config) as editor:
        listed = read_list(body)
        found = decide_adoptions(listed.feeds, editor.config, tags=tuple(tag or ()))
        specs = [one.spec for one in found if one.spec is not None]
        if specs:
            editor.add("feeds", specs, write=not dry_run)
    if as_json:
        print_line(_plain(found, listed, written=bool(specs) and not dry_run))
    else:
        _print_adoptions(found, listed, config / "feeds.yaml", dry_run=dry_run)
    raise typer.Exit(1 if listed.damage or any(one.fate is Fate.REFUSED for one in found) else 0)


def _plain(found: Sequence[Adoption], listed: FeedList, *, written: bool) -> dict[str, Any]:
    from worker.feeds.adopt import Fate

    by_fate: dict[str, Any] = {fate: [] for fate in Fate}
    for one in found:
        by_fate[one.fate].append(
            {"line": one.line, "url": one.url, "title": one.title, "id": one.id or None, "why": one.why or None}
        )
    damage = [{"line": line, "says": words} for line, words in listed.damage]
    return by_fate | {"damage": damage, "notes": list(listed.notes), "written": written}


def _print_adoptions(found: Sequence[Adoption], listed: FeedList, path: Path, *, dry_run: bool) -> None:
    from worker.feeds.adopt import Fate

    words = {Fate.ADDED: "added", Fate.THERE: "there already", Fate.REFUSED: "refused"}
    rows = [
        (str(one.line), words[one.fate], one.id, one.title, one.url if one.fate is Fate.REFUSED else "", one.why)
        for one in found
    ]
    print_table(("line", "what", "id", "title", "address", "why"), rows)
    for note in [*listed.notes, *(f"line {line}: {damage}" for line, damage in listed.damage)]:
        print_text(escaped(f"Note: {note}"))
    counts = {fate: sum(one.fate is fate for one in found) for fate in Fate}
    added = f"{counts[Fate.ADDED]} {'would be added' if dry_run else 'added'} to {path}"
    print_text(f"{added}, {counts[Fate.THERE]} there already, {counts[Fate.REFUSED]} refused.")
    if counts[Fate.ADDED] and not dry_run:
        print_text(RESTART)


def export(
    form: FormatOption = None, out: OutOption = None, config: ConfigOption = HERE, data: DataOption = KEPT
) -> None:
    """Every configured feed as OPML or CSV; `import` reads either back as the same feeds."""
    from worker.feeds.opml import write_opml
    from worker.feeds.sheet import write_sheet

    desk = read_config(config, only=frozenset({"feeds"}), secrets=False)
    chosen = form or (Format.csv if out is not None and out.suffix.lower() == ".csv" else Format.opml)
    body = {Format.opml: write_opml, Format.csv: write_sheet}[chosen](desk.feeds)
    if out is None:
        sys.stdout.buffer.write(body)
        return
    try:
        out.write_bytes(body)
    except OSError as error:
        raise WirewatchError(f"{out} cannot be written: {error.strerror}.") from error
    print_text(f"{len(desk.feeds)} feeds written to {out}.")


add_to = adder(add, remove, import_, export)
