"""The verb that judges stored articles again, by today's model, watchlist and topics."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    print_line,
    read_config,
)
from worker.cli.table import bar, print_table, print_text
from worker.display import escaped, one_line

if TYPE_CHECKING:
    from worker.config.schema import Config
    from worker.pipeline.rejudging import Outcome, Wish

NAMED = 20  # changed articles that are shown in words; --json has more
FeedOption = Annotated[str | None, typer.Option("--feed", metavar="ID", help="Only this feed's articles.")]
TopicOption = Annotated[
    str | None, typer.Option("--topic", metavar="ID", help="Take over only what is new about this topic.")
]
EveryOption = Annotated[bool, typer.Option("--all", help="Every article that has its text.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Say what would change; store nothing.")]
AlertOption = Annotated[
    bool, typer.Option("--alert", help="Let rules decide on what is new: alerts may go out. Old news raises none.")
]
HEADS = ("what", "gained", "lost")


def rejudge(
    since: SinceOption = None,
    feed: FeedOption = None,
    topic: TopicOption = None,
    everything: EveryOption = False,
    dry_run: DryOption = False,
    alert: AlertOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Judges stored articles again by today's model, watchlist and topics; raises no alert unless asked to."""
    from worker.pipeline.rejudging import Wish

    if everything == (since is not None or feed is not None):
        raise typer.BadParameter("say which articles: --since 30d, --feed ID, or --all", param_hint="--since")
    if alert and dry_run:
        raise typer.BadParameter("stores nothing, so nothing can be alerted", param_hint="--dry-run")
    desk = read_config(config, secrets=alert)  # the whole: a judgement bears its version, as a worker's does
    _check_names(desk, feed, topic)
    seconds = duration(since, "--since") if since is not None else None
    wish = Wish(
        since=timedelta(seconds=seconds) if seconds is not None else None,
        feed_id=feed,
        topic=topic,
        alert=alert,
        dry_run=dry_run,
    )
    outcome = _run(desk, wish, data)
    if as_json:
        print_line(as_json_value(outcome) | {"dry_run": dry_run})
    else:
        _print(outcome, wish)


def _check_names(desk: Config, feed: str | None, topic: str | None) -> None:
    """Raises NoSuch. A feed that left the configuration still has its articles, so any id may be given."""
    if topic is not None and topic not in {one.id for one in desk.topics}:
        raise NoSuch(f"There is no topic {topic!r}; topics.yaml has {', '.join(one.id for one in desk.topics)}.")


def _run(desk: Config, wish: Wish, data: Path) -> Outcome:
    from worker.app import build_on
    from worker.pipeline.rejudging import count_wished, rejudge
    from worker.store.alerts import save_config_version

    with existing_store(data) as store:
        # On a dry run nothing is written, so nothing bears the version's number.
        version = 0 if wish.dry_run else save_config_version(store, digest=desk.hash, body=desk.public())
        runtime = build_on(store, desk, config_version=version, data=data, environ=os.environ)
        total, wanted = count_wished(runtime, wish)
        with bar(total, "articles") as done:
            return rejudge(runtime, wish, wanted, on_progress=done)


def as_json_value(outcome: Outcome) -> dict[str, Any]:
    found = {name: getattr(outcome, name) for name in ("judged", "saved", "changed", "unjudged", "without_text")}
    found |= {
        kind: {side: dict(getattr(outcome, f"{kind}_{side}")) for side in ("gained", "lost")}
        for kind in ("topics", "mentions")
    }
    return found | {"changes": [dataclasses.asdict(one) for one in outcome.changes], "raised": outcome.raised}


def _print(outcome: Outcome, wish: Wish) -> None:
    done = "would change" if wish.dry_run else "changed"
    print_text(f"{outcome.judged:,} articles judged again; {outcome.changed:,} {done}.")
    if outcome.without_text:
        print_text(f"{outcome.without_text:,} more keep what was said of them: their text is kept no more.")
    if outcome.unjudged:
        print_text(f"{outcome.unjudged:,} could not be judged, and keep what was said of them; the log has why.")
    print_table(HEADS, [*_rows("topic", outcome), *_rows("mention", outcome)])
    for change in outcome.changes[:NAMED]:
        print_text(escaped(f"  {_signs(vars(change))}  {one_line(change.title, 90)}"))
    if outcome.changed > NAMED:
        print_text(f"  and {outcome.changed - NAMED:,} more; --json names them")
    if wish.alert:
        print_text(f"{len(outcome.raised)} alerts raised.")
        for one in outcome.raised:
            print_text(escaped(f"  {one['alert']}  {one['rule_id']} ({one['severity']}): {one['because']}"))


def _rows(what: str, outcome: Outcome) -> list[list[str]]:
    gained: Counter[str] = getattr(outcome, f"{what}s_gained")
    lost: Counter[str] = getattr(outcome, f"{what}s_lost")
    names = sorted(gained | lost, key=lambda name: (-(gained[name] + lost[name]), name))[:NAMED]
    return [[f"{what} {name}", f"{gained[name]:,}", f"{lost[name]:,}"] for name in names]


def _signs(change: Mapping[str, Any]) -> str:
    sides = {"gained": "+", "lost": "-"}
    return " ".join(
        f"{sign}{name}"
        for side, sign in sides.items()
        for kind in ("topics", "mentions")
        for name in change[f"{kind}_{side}"]
    )


add_to = adder(rejudge)
