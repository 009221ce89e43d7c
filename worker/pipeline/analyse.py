"""Analyse: new articles are judged in batches, in parallel with other analysts, and saved with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog

from worker.model import ArticleText, Denial, Judgement
from worker.pipeline.runtime import Judges, Runtime
from worker.store import articles
from worker.store.denials import standing_denials

log = structlog.get_logger()


def analyse_new_articles(runtime: Runtime) -> bool:
    """Judges one batch; True when it was full. The claim is committed before the language model sees the text."""
    settings = runtime.config.settings
    judge = runtime.judge()  # before the claim: a model that cannot be loaded is no article's fault
    claim = articles.claim_new_articles(
        runtime.store, limit=settings.analyse_batch, lease=timedelta(seconds=settings.timing.analyse_lease)
    )
    if not claim.rows:
        return False
    judged = judge_rows(runtime, judge, claim.rows)
    saved = articles.save_judgements(runtime.store, claim, judged, config_version=runtime.config_version)
    log.info("articles_analysed", claimed=len(claim.rows), saved=len(saved))
    return claim.full


def judge_rows(
    runtime: Runtime, judge: Judges, rows: Sequence[Any], *, read: Callable[[Runtime, Any], ArticleText] | None = None
) -> list[tuple[Any, Judgement]]:
    """The rows with their judgements, but for mentions that an analyst has denied, up to this batch. `read`: what of a
    row is judged."""
    read = read or article_text
    judged = _judge(runtime, judge, rows, read)
    with runtime.store.reading() as connection:
        denied = standing_denials(connection)
    return [(row, _without_denied(read(runtime, row), result, denied)) for row, result in judged] if denied else judged


def _without_denied(article: ArticleText, judgement: Judgement, denied: Sequence[Denial]) -> Judgement:
    from worker.nlp.names import without_denied  # with all its lists: only where articles are judged

    kept = without_denied(judgement.mentions, article, denied)
    if len(kept) < len(judgement.mentions):
        log.info("mentions_denied", article=article.id, count=len(judgement.mentions) - len(kept))
    return replace(judgement, mentions=kept)


def _judge(
    runtime: Runtime, judge: Judges, rows: Sequence[Any], read: Callable[[Runtime, Any], ArticleText]
) -> list[tuple[Any, Judgement]]:
    """The rows with their judgements. An article that the judge chokes on is left out: its lease runs out, it is tried
    again alone, and parked after three attempts; the others of its batch are saved."""
    try:
        judgements = judge.judge_many([read(runtime, row) for row in rows])
        return list(zip(rows, judgements, strict=True))
    except Exception:
        log.exception("batch_not_judged", articles=[row.public_id for row in rows])
        if len(rows) == 1:
            return []
    return [pair for row in rows for pair in _judge(runtime, judge, [row], read)]


def article_text(runtime: Runtime, row: Any) -> ArticleText:
    """A stored article as the judge takes it; its feed's configured language is a hint."""
    language = runtime.config.feed(row.feed_id).language or None
    return ArticleText(
        id=row.public_id, title=row.title, text=row.text or "", language=language, source=row.feed_id, url=row.url
    )
