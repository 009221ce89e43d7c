"""The verbs about the watchlist: how well its names are found."""

from __future__ import annotations

import json
from typing import Annotated, Any, BinaryIO

import typer

from worker.cli.options import HERE, ConfigOption, FileArgument, JsonOption, adder, print_line, read_config
from worker.cli.table import bar, print_table, print_text
from worker.errors import WirewatchError

cli = typer.Typer(no_args_is_help=True, help="Whom and what you watch for: lists in, doubtful names, a text tried.")


class BadExample(WirewatchError):
    """A line that is no article with its entities."""


def evaluate(
    file: FileArgument,
    errors: Annotated[bool, typer.Option("--errors", help="Lists each wrong and each missed pair.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
) -> None:
    """Precision and recall on articles in which somebody has marked the `entities`, a list of ids of the watchlist.

    Counted are pairs of article and entity, whatever the number of mentions.
    """
    from worker.nlp.names import compile_watchlist
    from worker.nlp.names.measure import by_how, partial_tally, tally

    index = compile_watchlist(read_config(config, only=frozenset({"watchlist"})).entities_by_id.values())
    with bar(None, "Articles") as done:
        cases = [_case(index, line, number, done) for number, line in enumerate(_lines(file), 1)]
    whole, partial, hows = tally(cases), partial_tally(cases), by_how(cases)
    listed = _errors(cases) if errors else []
    if as_json:
        print_line(_as_json(len(cases), index.version, whole, partial, hows) | ({"errors": listed} if errors else {}))
        return
    articles = "1 article" if len(cases) == 1 else f"{len(cases)} articles"
    print_text(
        f"{articles}, {whole.right + whole.missed} pairs: precision {whole.precision:.3f}, "
        f"recall {whole.recall:.3f}, F1 {whole.f1:.3f} ({whole.wrong} wrong, {whole.missed} missed)"
    )
    if partial.right + partial.missed:
        print_text(f"named by a part of the name only: {partial.right} of {partial.right + partial.missed} found")
    rows = [(how, str(one.mentions), str(one.alone_right), str(one.alone_wrong)) for how, one in hows.items()]
    print_table(("how", "mentions", "right by it alone", "wrong by it alone"), rows)
    heads = "article", "what", "entity", "how", "text"
    print_table(heads, [(e["article"], e["what"], e["entity"], e["how"] or "", e["text"] or "") for e in listed])


def _lines(file: BinaryIO) -> list[bytes]:
    return [line for line in file if line.strip()]


def _case(index: Any, line: bytes, number: int, done: Any) -> Any:
    from worker.judging import BadLine, read_line
    from worker.nlp.names import find_mentions
    from worker.nlp.names.measure import Case

    try:
        article = read_line(line).article
        marked = json.loads(line)
        entities, partial = _ids(marked, "entities"), _ids({"partial_only": []} | marked, "partial_only")
    except (BadLine, ValueError) as error:
        raise BadExample(f"Line {number}: {error}") from error
    done()
    return Case(article.id, entities, partial & entities, find_mentions(index, article))


def _ids(marked: dict[str, Any], key: str) -> frozenset[str]:
    given = marked.get(key)
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError(f'{key} must be a list of ids: {{"title": "…", "entities": ["…"]}}')
    return frozenset(given)


def _errors(cases: Any) -> list[dict[str, Any]]:
    from worker.nlp.names.measure import errors

    return [
        {"article": article, "what": what, "entity": entity}
        | {"how": first.how if first else None, "text": first.text if first else None}
        for article, what, entity, first in errors(cases)
    ]


def _as_json(articles: int, version: str, whole: Any, partial: Any, hows: Any) -> dict[str, Any]:
    return {
        "articles": articles,
        "watchlist": version,
        "right": whole.right,
        "wrong": whole.wrong,
        "missed": whole.missed,
        "precision": round(whole.precision, 4),
        "recall": round(whole.recall, 4),
        "f1": round(whole.f1, 4),
        "partial": {"right": partial.right, "missed": partial.missed},
        "how": {
            how: {"mentions": one.mentions, "right_alone": one.alone_right, "wrong_alone": one.alone_wrong}
            for how, one in hows.items()
        },
    }


add_to = adder(evaluate)
