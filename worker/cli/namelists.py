"""The verbs about what is watched: lists of names in, what there is and what is doubtful in it, a text tried."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

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
)
from worker.cli.table import bar, print_table, print_text
from worker.display import escaped
from worker.errors import StoreError

if TYPE_CHECKING:
    from worker.config.schema import Config
    from worker.errors import Problem
    from worker.model import Denial
    from worker.watchlist.adopt import ImportPlan, NamesRead
    from worker.watchlist.doubts import Doubtful
    from worker.watchlist.trying import Tried

PARTS: Final = frozenset({"watchlist", "rules"})
SHOWN: Final = 20  # doubtful names after an import; `list --problems` shows all

ListArgument = Annotated[
    typer.FileBinaryRead,
    typer.Argument(help="CSV with id, type, name, aliases; or FollowTheMoney entities as JSON lines. - is stdin."),
]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="They are all that is watched for.")]
IntoOption = Annotated[
    str,
    typer.Option("--into", metavar="NAME", help="Kept as a list of its own, watchlist/NAME.csv, anew at each import."),
]
SkipOption = Annotated[bool, typer.Option("--skip-bad", help="Leave out what has problems, and import the rest.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
TextArgument = Annotated[str, typer.Argument(help="What an article could say.")]
ProblemsOption = Annotated[bool, typer.Option("--problems", help="Names that will be found where nobody means them.")]
ArticlesOption = Annotated[
    int, typer.Option("--articles", min=0, max=100_000, help="How many of the newest articles they are counted in.")
]


def import_(
    file: ListArgument,
    replace: ReplaceOption = False,
    into: IntoOption = "",
    skip_bad: SkipOption = False,
    dry_run: DryOption = False,
    articles: ArticlesOption = 1_000,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Takes up the entities of a list, all or none; says which of its names are doubtful, and how often they stand in
    stored articles."""
    from worker.config.writer import editing
    from worker.watchlist.adopt import plan_import, read_names

    with bar(None, "reading and checking", hidden=as_json), editing(config, only=PARTS) as editor:
        read = read_names(file.read(), file=_file_name(file))
        plan = plan_import(read, editor.config, name=_list_name(file, into), apart=bool(into), replace=replace)
        after, written = editor.config, bool(plan.adopted) and not dry_run and (skip_bad or not plan.wrong)
        if written:
            after = editor.import_names(plan.entities, plan.lists, replace=replace)
    known = set(editor.config.warnings)
    broken = [one for one in after.warnings if one not in known]
    counted = count_doubts(_beside(after, plan), plan.adopted, articles, data, hidden=as_json)
    if as_json:
        print_line(_import_as_json(read, plan, broken, counted, written=written))
    else:
        _print_import(read, plan, broken, config, replace=replace, dry_run=dry_run, skip_bad=skip_bad)
        _print_doubts(counted, shown=SHOWN)
    raise typer.Exit(1 if plan.wrong or not plan.adopted else 0)


def _beside(desk: Config, plan: ImportPlan) -> Iterable[Any]:
    """All that is watched for, and what would be."""
    return {**desk.entities_by_id, **{one.id: one for one in plan.adopted}}.values()


def _file_name(file: Any) -> str:
    name = getattr(file, "name", "-")
    return name if isinstance(name, str) and name not in ("-", "<stdin>") else "the list"


def _list_name(file: Any, into: str) -> str:
    """What the list is kept as: the name that was asked for, else that of the file."""
    from worker.config.namelist import FILE_FORM, FOLDER
    from worker.feeds.listed import slug

    if into and not FILE_FORM.fullmatch(f"{FOLDER}/{into}.csv"):
        raise typer.BadParameter("small letters, digits, - and _, such as sanctions", param_hint="--into")
    return into or slug(Path(_file_name(file)).name.split(".")[0]) or "names"


def _print_import(
    read: NamesRead,
    plan: ImportPlan,
    broken: Sequence[Problem],
    config: Path,
    *,
    replace: bool,
    dry_run: bool,
    skip_bad: bool,
) -> None:
    for one in plan.problems:
        print(escaped(str(one)), file=sys.stderr)
    left = ", ".join(f"{count:,} {schema}" for schema, count in sorted(read.skipped.items(), key=lambda one: -one[1]))
    if left:
        print_text(escaped(f"Left out, for they are no names to watch for: {left}."))
    if read.unread:
        print_text(escaped(f"Note: columns that are not read: {', '.join(read.unread)}"))
    wrong = f"{plan.wrong:,} {'problem' if plan.wrong == 1 else 'problems'} in {read.file}"
    if plan.wrong and not skip_bad:
        print_text(escaped(f"{wrong}. Nothing was written: correct them, or import the rest with --skip-bad."))
        return
    if not plan.adopted:
        print_text(escaped(f"{read.file} holds no entity to import. Nothing was written."))
        return
    count = f"{len(plan.adopted):,} {'entity' if len(plan.adopted) == 1 else 'entities'}"
    whole = " They are all that is watched for." if replace else ""
    skipped = f" {wrong}, left out." if plan.wrong else ""
    print_text(escaped(f"{count} {'would be ' if dry_run else ''}written to {config / plan.place}.{whole}{skipped}"))
    if not dry_run:
        print_text("A desk that runs takes them up within seconds, if nothing of its configuration is broken by it.")
    if broken:
        print_text(f"Rules that name what is gone; until they are corrected, the desk does not start ({len(broken)}):")
        for one in broken[:SHOWN]:
            print_text(escaped(f"  {one}"))
        print_text("`wirewatch check` shows all.")


def _import_as_json(
    read: NamesRead, plan: ImportPlan, broken: Sequence[Problem], counted: Counted, *, written: bool
) -> dict[str, Any]:
    return {
        "written": written,
        "place": plan.place,
        "entities": len(plan.adopted),
        "ids_made": len(read.made),
        "skipped": dict(read.skipped),
        "unread_columns": list(read.unread),
        "problems": [asdict(one) for one in plan.problems],
        "problems_in_all": plan.wrong,
        "broken_rules": [asdict(one) for one in broken],
        **_counted_as_json(counted),
    }


# ---------------------------------------------------------------- what is watched, and what is doubtful in it


def list_(
    problems: ProblemsOption = False,
    articles: ArticlesOption = 5_000,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Every watched entity with its names; or the doubtful names among them, and how often they would be found."""
    desk = read_config(config, only=PARTS, secrets=False)
    entities = desk.entities_by_id.values()
    if problems:
        counted = count_doubts(entities, None, articles, data, hidden=as_json)
        if as_json:
            print_line(_counted_as_json(counted))
        else:
            _print_doubts(counted, shown=None)
        return
    if as_json:
        for one in entities:
            print_line(one.model_dump() if hasattr(one, "model_dump") else asdict(one))
        return
    rows = [(one.id, one.type, one.name, " | ".join((*one.aliases, *one.weak)), " ".join(one.tags)) for one in entities]
    print_table(("id", "type", "name", "other names", "tags"), rows)
    print_text(f"{len(rows):,} entities." if rows else "Nobody and nothing is watched for.")


@dataclass(frozen=True)
class Counted:
    """Doubtful names, each with in how many of `articles` stored ones it stands; `none` says why there are none."""

    doubtful: Sequence[Doubtful]
    counts: Sequence[int]
    articles: int
    none: str = ""


def count_doubts(
    entities: Iterable[Any], new: Sequence[Any] | None, articles: int, data: Path, *, hidden: bool
) -> Counted:
    """The doubtful names of all entities, or of the `new` ones among them."""
    from worker.store.articles import newest_texts
    from worker.watchlist.doubts import Firing, find_doubts

    doubtful = find_doubts(entities, only=None if new is None else {one.id for one in new})
    firing = Firing(doubtful)
    if not doubtful or not articles:
        return Counted(doubtful, firing.counts, 0)
    try:
        with existing_store(data) as store, bar(articles, "counting in stored articles", hidden=hidden) as advance:
            for article in newest_texts(store, limit=articles):
                firing.look(article)
                advance()
    except (NothingYet, StoreError) as error:
        return Counted(doubtful, firing.counts, 0, "" if isinstance(error, NothingYet) else str(error))
    return Counted(doubtful, firing.counts, firing.articles)


def _print_doubts(counted: Counted, *, shown: int | None) -> None:
    if not counted.doubtful:
        print_text("No name is a common word, shorter than three letters, or one of several entities.")
        return
    rows = [
        (one.alias, ", ".join(one.entities[:3]) + (" …" if len(one.entities) > 3 else ""), one.why)
        + (_expected_words(one.expected), f"{count:,}" if counted.articles else "")
        for one, count in zip(counted.doubtful, counted.counts, strict=True)
    ]
    rows.sort(key=lambda row: -int(row[4].replace(",", "") or 0))
    print_text(f"\n{len(rows):,} doubtful {'name' if len(rows) == 1 else 'names'}:")
    heads = "name", "of", "why", "of 10,000 news items", f"of {counted.articles:,} stored articles"
    print_table(heads, rows[:shown])
    if shown is not None and len(rows) > shown:
        print_text(f"and {len(rows) - shown:,} more: wirewatch watchlist list --problems")
    if not counted.articles:
        print_text(escaped(counted.none) or "No articles are stored yet to count them in.")
    print_text("Move such a name to `weak`, with words of `context`; then it counts only beside one of them.")


def _expected_words(expected: int | None) -> str:
    return "" if expected is None else f"about {expected:,}" if expected else "fewer than 1"


def _counted_as_json(counted: Counted) -> dict[str, Any]:
    return {
        "articles": counted.articles,
        "doubtful": [
            {
                "alias": one.alias,
                "entities": list(one.entities),
                "why": [str(doubt) for doubt in one.doubts],
                "of_10000_news_items": one.expected,
                "of_stored_articles": count if counted.articles else None,
            }
            for one, count in zip(counted.doubtful, counted.counts, strict=True)
        ],
    }


# ---------------------------------------------------------------- a text tried


def test(text: TextArgument, as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """What the watchlist finds in a text, and why; what it nearly finds, and why not. Stores nothing."""
    from worker.app import load_names
    from worker.watchlist.trying import try_text

    desk = read_config(config, only=PARTS, secrets=False)
    tried = try_text(load_names(desk, data=data), text, entities=desk.entities_by_id, denials=_denials(data))
    if as_json:
        near = [asdict(one) | {"text": text[one.start : one.end]} for one in tried.near]
        found, denied = ([asdict(one) for one in some] for some in (tried.found, tried.denied))
        print_line({"found": found, "denied": denied, "near": near})
    else:
        _print_tried(tried, desk)
    raise typer.Exit(0 if tried.found else 1)


def _denials(data: Path) -> Sequence[Denial]:
    """Those that stand; none where there is no record."""
    from worker.store.denials import standing_denials

    with contextlib.suppress(NothingYet), existing_store(data) as store, store.reading() as connection:
        return standing_denials(connection)
    return ()


def _print_tried(tried: Tried, desk: Config) -> None:
    from worker.watchlist.trying import how_words, marked

    def name(entity: str) -> str:
        return desk.entities_by_id[entity].name if entity in desk.entities_by_id else entity

    print_text(escaped(marked(tried)))
    if tried.found:
        rows = [(one.text, one.entity, one.alias, how_words(one), f"{one.start}–{one.end}") for one in tried.found]
        print_text("\nFound, marked «so»:")
        print_table(("in the text", "entity", "by its name", "how", "letters"), rows)
    else:
        print_text("\nNothing is found.")
    rows_of_near = [(one.text, one.entity, "an analyst has said of it: not this one") for one in tried.denied]
    rows_of_near += [
        (tried.text[one.start : one.end], ", ".join(map(name, one.entities[:3])), one.why) for one in tried.near
    ]
    if rows_of_near:
        print_text("\nNearly found, marked ‹so›, and why it does not count:")
        print_table(("in the text", "would be", "why not"), rows_of_near)


add_to = adder(import_, list_, test)
