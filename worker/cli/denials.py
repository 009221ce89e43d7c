"""The verbs about denials: "this is not that entity", said of an article, seen, and taken back."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from worker.alerts.wording import local_time
from worker.cli.alerts import check_person
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
from worker.cli.table import print_table, print_text
from worker.display import SHORT, one_line

PARTS: Final = frozenset({"people", "settings"})
LISTED: Final = 500

ArticleArgument = Annotated[str, typer.Argument(metavar="ARTICLE", help="An article's id.")]
ByOption = Annotated[
    str, typer.Option("--as", "--by", envvar="WIREWATCH_AS", help="Who you are: an id from people.yaml.")
]
BecauseOption = Annotated[str, typer.Option("--because", help="Why, for whoever wonders.")]


def deny(
    article: ArticleArgument,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="The entity's id.")],
    person: ByOption,
    because: BecauseOption = "",
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Says of an article: this is not that entity. Neither is it in articles that come and speak of the same."""
    from worker.nlp.names import deny as deny_mention
    from worker.store.denials import add_denials, find_judged
    from worker.store.engine import read_clock

    check_person(read_config(config, only=PARTS, secrets=False), person)
    with existing_store(data) as store, store.writing() as connection:
        found = find_judged(connection, article)
        if found is None:
            raise NoSuch(f"No judged article has the id {article!r}. `wirewatch explain URL` shows an article's id.")
        article_id, text, judgement = found
        mentions = [one for one in judgement.mentions if one.entity == entity]
        if not mentions:
            others = ", ".join(dict.fromkeys(one.entity for one in judgement.mentions)) or "nobody"
            raise NoSuch(f"{entity!r} was not found in that article; found there: {others}.")
        known = dict(author=person, because=one_line(because, 500), now=read_clock(connection))
        made = add_denials(connection, article_id, [deny_mention(text, one) for one in mentions], **known)
    said = list(dict.fromkeys(one.text for one in mentions))
    if as_json:
        print_line({"denials": made, "article": article, "entity": entity, "texts": said})
    elif made:
        words = ", ".join(f"“{one_line(one)}”" for one in said)
        print_text(f"Kept: {words} is not {entity} there, nor in articles to come that speak of the same.")
        print_text(f"To take it back: wirewatch watchlist undeny {made[0][:SHORT]}")
    else:
        print_text("That was said already; nothing was changed.")


def denials(as_json: JsonOption = False, config: ConfigOption = HERE, data: DataOption = KEPT) -> None:
    """What analysts have said is not the entity that was found, the newest first; who said so, and why."""
    from worker.store.denials import newest_denials

    zone = read_config(config, only=frozenset({"settings"}), secrets=False).settings.time_zone
    with existing_store(data) as store, store.reading() as connection:
        rows = newest_denials(connection, limit=LISTED)
    if as_json:
        for row in rows:
            names = ("entity", "text", "article", "author", "because", "ended_by")
            times = {"at": iso(row.created_at), "ended": iso(row.ended_at)}
            print_line({"id": row.public_id, **{name: getattr(row, name) for name in names}, **times})
        return
    heads = "denial", "not", "what stood there", "in the article", "by", f"at ({zone})", "because", "taken back by"
    print_table(heads, [_denial_line(row, zone) for row in rows])
    if not rows:
        print_text("Nobody has denied a mention. `wirewatch watchlist deny ARTICLE ENTITY` does.")


def _denial_line(row: Any, zone: str) -> list[str]:
    at = local_time(row.created_at, zone).removesuffix(f" {zone}")
    where = f"{row.article[:SHORT]} {one_line(row.title, 60)}"
    why = one_line(row.because, 60)
    return [row.public_id[:SHORT], row.entity, row.text, where, row.author, at, why, row.ended_by or ""]


def undeny(
    denial: Annotated[str, typer.Argument(metavar="DENIAL", help="Its id, or how it begins.")],
    person: ByOption,
    as_json: JsonOption = False,
    config: ConfigOption = HERE,
    data: DataOption = KEPT,
) -> None:
    """Takes back a denial: articles to come are read as if it had not been said."""
    from worker.store.denials import end_denial
    from worker.store.engine import read_clock

    check_person(read_config(config, only=PARTS, secrets=False), person)
    with existing_store(data) as store, store.writing() as connection:
        ended = end_denial(connection, denial, by=person, now=read_clock(connection))
    if ended is None:
        words = "stands, or several begin so. `wirewatch watchlist denials` shows their ids."
        raise NoSuch(f"No denial {denial!r} {words}")
    if as_json:
        print_line({"denial": ended, "ended_by": person})
    else:
        print_text("Taken back.")


add_to = adder(deny, denials, undeny)
