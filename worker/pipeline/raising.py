"""Storify and raise: the one serial step. Under the desk lock each judged article joins a story and alerts are raised.

An alert, its notification and the exact bytes of every delivery are saved in the transaction that settles the article.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from worker.alerts.decide import decide
from worker.alerts.rules import FeedFacts, evaluate
from worker.articles.text import quote
from worker.config.schema import RuleSpec
from worker.delivery.channel import Channel
from worker.metrics import ALERTS, QUARANTINED, SETTLED, Key
from worker.model import AlertArticle, AlertContent, ArticleText, Judgement, Mention, Message, RuleVerdict
from worker.pipeline.operator import tell_of_quarantine, tell_operator
from worker.pipeline.runtime import Runtime
from worker.pipeline.storify import storify
from worker.store import alerts, articles, tallies
from worker.store.engine import Connection, Lock, is_away, read_clock, take_lock
from worker.store.lease import new_token

log = structlog.get_logger()

BATCH = 200  # articles a transaction: a second's work at the most, so that other writers never wait long
QUOTE_LIMIT = 300


class NotSettled(Exception):
    """What settling the articles themselves raised. What the record raised besides is no article's fault."""


def storify_and_raise(runtime: Runtime) -> bool:
    """Settles one batch; True when the batch was full. Hints `deliver` when an alert was raised."""
    try:
        return _settle_waiting(runtime, limit=BATCH) == BATCH
    except NotSettled:
        log.exception("batch_not_settled")
    with runtime.store.reading() as connection:
        waiting = articles.judged_articles(connection, limit=BATCH)
    # Each by itself, so that the one that cannot be settled holds up no other.
    for row in waiting:
        try:
            _settle_waiting(runtime, limit=1, only=row.id)
        except NotSettled:
            log.exception("article_not_settled", article=row.public_id)
            _note_failure(runtime, row)
    return len(waiting) == BATCH


def _settle_waiting(runtime: Runtime, *, limit: int, only: int | None = None) -> int:
    """Settles those that wait, all or none. Returns how many. Raises NotSettled."""
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.DESK)
        rows = articles.judged_articles(connection, limit=limit, only=only)
        now = read_clock(connection)
        try:
            raised = _settle(runtime, connection, rows, now) if rows else []
        except Exception as error:
            if is_away(error):
                raise
            raise NotSettled from error
        counts: Counter[Key] = Counter({SETTLED.of(): len(rows)})
        counts.update(ALERTS.of(one["rule_id"], one["severity"]) for one in raised)
        tallies.count(connection, counts)
    if raised:
        runtime.hint("deliver")
    # Told after the commit: a reader of our log that stalls must not hold the desk lock.
    for one in raised:
        log.info("alert_raised", **one)
    if rows:
        log.info("articles_settled", count=len(rows), raised=len(raised))
    return len(rows)


def _note_failure(runtime: Runtime, row: Any) -> None:
    """After three tries the article is parked, and the operator told; unless another has settled it meanwhile."""
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.DESK)
        if articles.count_failure(connection, row.id):
            now = read_clock(connection)
            tell_of_quarantine(runtime, connection, row, doing="Storing the story and the alerts of", now=now)
            tallies.count(connection, {QUARANTINED.of(): 1})


def _settle(runtime: Runtime, connection: Connection, rows: Sequence[Any], now: datetime) -> list[dict[str, Any]]:
    """Puts the articles into their stories; returns what there is to say of each alert that they raised."""
    judgements = {row.id: articles.read_judgement(row) for row in rows}
    verdicts = {row.id: judge_rules(runtime, judgements[row.id], row) for row in rows}
    placed = storify(runtime, connection, rows, now)
    fired_on = {one.story for one in placed if any(verdict.fires for _, verdict in verdicts[one.row.id])}
    alerted = alerts.alerted_rules(connection, fired_on)
    raised = []
    for one in placed:
        for rule, verdict in verdicts[one.row.id]:
            already = (one.story, rule.id) in alerted
            if decide(verdict=verdict, baseline=one.row.baseline, existing_alert=already).raises:
                alerted.add((one.story, rule.id))
                firing = Firing(rule, verdict, judgements[one.row.id], one.row, one.story)
                raised.append(_raise(runtime, connection, firing, now))
    return raised


def judge_rules(runtime: Runtime, judgement: Judgement, row: Any) -> list[tuple[RuleSpec, RuleVerdict]]:
    """Every rule's verdict on one judged article, in the configuration's order."""
    config = runtime.config
    spec = config.feed(row.feed_id)
    facts = FeedFacts(id=row.feed_id, tags=frozenset(spec.tags), tier=spec.tier)
    article = ArticleText(id=row.public_id, title=row.judged_title, text=row.judged_text or "", source=row.feed_id)
    known = dict(article=article, judgement=judgement, feed=facts, entities=config.entities_by_id)
    return [(rule, evaluate(rule, **known)) for rule in config.rules]


@dataclass(frozen=True)
class Firing:
    """A rule that fired on an article of a story that it has not alerted on yet."""

    rule: RuleSpec
    verdict: RuleVerdict
    judgement: Judgement
    row: Any
    story_id: int


def _raise(runtime: Runtime, connection: Connection, firing: Firing, now: datetime) -> dict[str, Any]:
    public_id = new_token()
    rule = firing.rule
    alert_id = alerts.save_alert(
        connection,
        public_id=public_id,
        rule_id=rule.id,
        story_id=firing.story_id,
        severity=rule.severity,
        article_id=firing.row.id,
        because=firing.verdict.because,
        config_version=runtime.config_version,
        now=now,
    )
    content = _content(runtime, connection, firing, public_id=public_id, now=now)
    messages: list[tuple[str, Message]] = []
    for channel_id in rule.channels:
        channel = runtime.channels.get(channel_id)
        if channel is not None:
            messages += [(channel_id, message) for message in _rendered(runtime, connection, channel, content, now)]
    subject = messages[0][1].subject if messages else content.story_title
    alerts.save_notification(
        connection, messages, kind="alert.raised", subject=subject, now=now, alert_id=alert_id, n=content.revision
    )
    return dict(
        alert=public_id,
        rule_id=rule.id,
        severity=rule.severity,
        deliveries=len(messages),
        because=firing.verdict.because,
    )


def _rendered(
    runtime: Runtime, connection: Connection, channel: Channel, content: AlertContent, now: datetime
) -> list[Message]:
    """The channel's messages; none, and the operator told, where it cannot render: the other channels still tell."""
    try:
        return [channel.render(content, recipient=to, now=now) for to in channel.recipients()]
    except Exception as error:
        log.exception("alert_not_rendered", alert=content.alert_id, channel=channel.id)
        tell_operator(
            runtime,
            connection,
            key=f"unrendered:{content.alert_id}:{channel.id}",
            subject=f"Alert not rendered for {channel.id}",
            lines=[
                f"The alert {content.alert_id} could not be written for the channel {channel.id}"
                f" ({type(error).__name__}), so nobody hears of it there. Other channels do. Please report it.",
            ],
            now=now,
        )
        return []


def _content(
    runtime: Runtime, connection: Connection, firing: Firing, *, public_id: str, now: datetime
) -> AlertContent:
    config, row, rule = runtime.config, firing.row, firing.rule
    story = alerts.story_row(connection, firing.story_id)
    story_articles, outlets = alerts.measure_story(connection, firing.story_id, until=row.id)
    mentioned = {mention.entity for mention in firing.judgement.mentions}
    return AlertContent(
        kind="alert.raised",
        alert_id=public_id,
        revision=1,
        rule_id=rule.id,
        rule_name=rule.name,
        severity=rule.severity,
        url="",  # the console has no page of an alert yet
        story_id=story.public_id,
        story_title=story.title,
        story_first_seen=story.first_seen_at,
        outlets=outlets,
        story_articles=story_articles,
        articles=(_shown(config.feed(row.feed_id).title, row, firing.judgement),),
        topics=firing.judgement.topics,
        topic_names={topic.id: topic.name for topic in config.topics},
        entity_names={key: entity.name for key, entity in config.entities_by_id.items() if key in mentioned},
        why=(firing.verdict.because,),
        analysed=row.judged_at,
        raised=now,
    )


def _shown(source: str, row: Any, judgement: Judgement) -> AlertArticle:
    text = row.judged_text or ""
    first = next((mention for mention in judgement.mentions if mention.field == "text"), None)
    start, end = (first.start, first.end) if first else (0, 0)
    mentions: tuple[Mention, ...] = judgement.mentions
    return AlertArticle(
        title=row.judged_title,
        url=row.url,
        source=source,
        published=row.published_at,
        first_seen=row.first_seen_at,
        language=judgement.language,
        quote=quote(text, start, end, limit=QUOTE_LIMIT),
        mentions=mentions,
    )
