"""The verbs about a desk as a whole: write one, check it."""

from __future__ import annotations

import dataclasses
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from worker.cli.options import HERE, KEPT, ConfigOption, DataOption, JsonOption, adder, print_line, read_config
from worker.cli.table import print_text
from worker.display import escaped
from worker.errors import ConfigError

if TYPE_CHECKING:
    from worker.config.schema import Config
    from worker.examples import Tried

WIDTH, INDENT = 110, "    "  # of the lines about a rule
COUNTED = {
    "feeds": "feeds",
    "topics": "topics",
    "watchlist": "watched entities",
    "rules": "rules",
    "channels": "channels",
    "people": "people",
}


def init(folder: Path, as_json: JsonOption = False) -> None:
    """Writes the example configuration into a new folder."""
    from worker.config.example import write_example

    written = write_example(folder)
    if as_json:
        print_line({"folder": str(folder), "files": [path.name for path in written]})
    else:
        print(f"{len(written)} files written to {folder}. Next: wirewatch check --config {folder}")


def check(as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """Every problem in the configuration, with file, line and key; each rule in plain words; its examples tried."""
    from worker.config.checks import advice

    tried: list[Tried] = []
    try:
        desk = read_config(config)
        tried = _try_examples(desk, data)
        _refuse_broken_examples(tried, config)
    except ConfigError as error:
        if not as_json:
            raise
        problems = [dataclasses.asdict(one) for one in error.problems]
        print_line({"problems": problems, "notes": [], "counts": None, "rules": [], "examples": _examples(tried)})
        raise typer.Exit(1) from None
    counts, notes, rules = _counts(desk), advice(desk), _rules(desk)
    if as_json:
        whole = {"problems": [], "notes": list(notes), "counts": counts, "rules": rules, "examples": _examples(tried)}
        print_line(whole)
        return
    words = ", ".join(f"{counts[part]} {name}" for part, name in COUNTED.items())
    print_text(f"{config}: no problem found. {words}.")
    for rule in rules:
        print_text("\n".join(_lines(rule)))
    if tried:
        print_text(f"\n{len(tried)} examples: the rules fire, and stay quiet, where they must.")
    if notes:
        print_text("\n" + "\n".join(f"Note: {note}" for note in notes))


def _counts(desk: Config) -> dict[str, int]:
    return {part: len(getattr(desk, part)) for part in COUNTED} | {"watchlist": len(desk.entities_by_id)}


def _try_examples(desk: Config, data: Path) -> list[Tried]:
    """Without one, what judges is not even imported: that takes a second."""
    if not any(rule.must_fire or rule.must_not_fire for rule in desk.rules):
        return []
    from worker.examples import try_examples

    return try_examples(desk, data=data)


def _refuse_broken_examples(tried: list[Tried], config: Path) -> None:
    """Raises ConfigError with each that does not hold, at its line."""
    from worker.config.load import FILES
    from worker.config.source import read_source

    source = read_source(config / FILES["rules"])
    for one in tried:
        if not one.holds:
            source.add(one.path, one.complaint())
    if source.problems:
        raise ConfigError(source.problems)


def _rules(desk: Config) -> list[dict[str, Any]]:
    from worker.alerts.plain import Names, rule_words, timing_words

    names = Names(
        topics={topic.id: topic.name for topic in desk.topics},
        entities={name: entity.name for name, entity in desk.entities_by_id.items()},
        feeds={feed.id: feed.title or feed.id for feed in desk.feeds},
    )
    enabled = {channel.id for channel in desk.channels if channel.enabled}
    return [
        {
            "id": rule.id,
            "severity": rule.severity,
            "name": rule.name,
            "words": list(rule_words(rule, names)),
            "channels": [{"id": name, "enabled": name in enabled} for name in rule.channels],
            "timing": timing_words(rule.timing, rule.tell_again),
        }
        for rule in desk.rules
    ]


def _lines(rule: dict[str, Any]) -> list[str]:
    by = ", ".join(one["id"] if one["enabled"] else f"{one['id']} (off)" for one in rule["channels"])
    told = f"by {by}; {rule['timing']}"
    return [
        f"\n{rule['id']}  {rule['severity']}  {escaped(rule['name'])}",
        *(
            textwrap.fill(escaped(words), WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "  ")
            for words in [*rule["words"], told]
        ),
    ]


def _examples(tried: list[Tried]) -> list[dict[str, Any]]:
    return [
        {
            "rule": one.rule,
            "title": one.title,
            "must_fire": one.must_fire,
            "fires": one.verdict.fires,
            "because": one.verdict.because,
        }
        for one in tried
    ]


add_to = adder(init, check)
