"""Analyse: new articles are judged in batches, in parallel with other analysts, and saved with their evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog

from worker.model import ArticleText
from worker.pipeline.runtime import Runtime
from worker.store import articles

log = structlog.get_logger()


def analyse_new_articles(runtime: Runtime) -> bool:
    """Judges one batch; True when it was full. The claim is committed before the language model sees the text."""
    settings = runtime.config.settings
    claim = articles.claim_new_articles(
        runtime.store, limit=settings.analyse_batch, lease=timedelta(seconds=settings.timing.analyse_lease)
    )
    if not claim.rows:
        return False
    judgements = runtime.judge().judge_many([article_text(row) for row in claim.rows])
    saved = articles.save_judgements(
        runtime.store, claim, list(zip(claim.rows, judgements, strict=True)), config_version=runtime.config_version
    )
    log.info("articles_analysed", claimed=len(claim.rows), saved=len(saved))
    return claim.full


def article_text(row: Any) -> ArticleText:
    """A stored article as the judge takes it."""
    return ArticleText(id=row.public_id, title=row.title, text=row.text or "", source=row.feed_id, url=row.url)
