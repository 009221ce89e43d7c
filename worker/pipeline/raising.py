"""Storify and raise: the one serial step. Under the desk lock each judged article joins a story, and what its rules
come to is decided: an alert, news for one, or silence with its reason.

An alert, its notification and the exact bytes of every delivery are saved in the transaction that settles the article.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from worker.alerts.decide import Arrival, Decision, Reason, decide
from worker.alerts.languages import language_name
from worker.alerts.news import Told, read_told
from worker.alerts.rules import FeedFacts, evaluate, selected_entities
from worker.alerts.silences import Report, find_silence
from worker.articles.stories import LINK
from worker.articles.wording import Wording, are_worded_alike
from worker.config.schema import RuleSpec
from worker.crashpoints import crash_point
from worker.metrics import ALERTS, QUARANTINED, SETTLED, Key
from worker.model import ArticleText, Judgement, RuleVerdict, Silence
from worker.pipeline.contents import count_originals
from worker.pipeline.operator import tell_of_quarantine
from worker.pipeline.runtime import Runtime
from worker.pipeline.storify import storify
from worker.pipeline.telling import earlier_due, tell
from worker.store import alerts, articles, rejudgements, silences, tallies, tellings
from worker.store.engine import Connection, Lock, read_clock, take_lock, will_pass
from worker.store.lease import new_token
from worker.store.remembered import Remembered
from worker.store.stories import Placed
from worker.store.tellings import Decided

log = structlog.get_logger()

UNKNOWN = "und"  # the language of what is too short to tell
BATCH = 200  # articles a transaction: a second's work at the most, so that other writers never wait long


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
        remembered = runtime.memory.take()
        rows = articles.judged_articles(connection, limit=limit, only=only)
        now = read_clock(connection)
        try:
            raised = _settle(runtime, connection, rows, now, remembered) if rows else []
        except Exception as error:
            if will_pass(error):
                raise
            raise NotSettled from error
        counts: Counter[Key] = Counter({SETTLED.of(): len(rows)})
        counts.update(ALERTS.of(one["rule_id"], one["severity"]) for one in raised)
        tallies.count(connection, counts)
        crash_point("settled_before_commit")
    runtime.memory.keep(remembered)
    crash_point("settled_after_commit")
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


@dataclass(frozen=True)
class Settled:
    """An article in its story (`root`: the one that it is part of now), with what every rule says of it."""

    row: Any
    root: int
    judgement: Judgement
    feed: FeedFacts
    article: ArticleText
    verdicts: Sequence[tuple[RuleSpec, RuleVerdict]]
    arrival: Arrival
    reworded: int | None  # the article of its own feed under whose address it brings another text


@dataclass
class Standing:
    """What stands when a batch is settled: alerts by story and rule, the stories' members, the running silences. Alerts
    that the batch raises are added to it."""

    alerts: dict[tuple[int, str], Any]
    members: Mapping[int, Sequence[Any]]
    silences: Sequence[Silence]
    decided: Set[tuple[int, str]]  # (article, rule): the rule has fired on it before
    kept: set[int] = field(default_factory=set)  # the alerts of which this batch had something kept quiet


def _settle(
    runtime: Runtime, connection: Connection, rows: Sequence[Any], now: datetime, remembered: Remembered
) -> list[dict[str, Any]]:
    """Puts the articles into their stories; returns what there is to say of each alert that they raised."""
    placed = storify(runtime, connection, rows, now, remembered=remembered)
    return _alert(runtime, connection, _with_verdicts(runtime, connection, placed, {}), now)


def raise_again(
    runtime: Runtime, connection: Connection, judged: Sequence[tuple[Any, Judgement]], now: datetime
) -> list[dict[str, Any]]:
    """What rules make of articles that were judged again, in the stories that they are part of; under the desk lock.

    Only rules of which nothing was decided then are asked. By now an article may be old news: that raises nothing.
    """
    known = rejudgements.decided_rules(connection, [row.id for row, _ in judged])
    placed = [Placed(row, row.story_id, row.grouped_by, row.duplicate_of) for row, _ in judged]
    again = {row.id: judgement for row, judgement in judged}
    fresh = now - timedelta(seconds=runtime.config.settings.old_news)
    settled = []
    for one in _with_verdicts(runtime, connection, placed, again):
        arrival = replace(one.arrival, old=one.arrival.old or one.row.first_seen_at < fresh)
        verdicts = [(rule, verdict) for rule, verdict in one.verdicts if rule.id not in known[one.row.id]]
        settled.append(replace(one, arrival=arrival, verdicts=verdicts))
    firing = [one.row.id for one in settled if any(verdict.fires for _, verdict in one.verdicts)]
    rejudgements.decide_by(connection, firing, config_version=runtime.config_version)
    return _alert(runtime, connection, settled, now)


def _alert(runtime: Runtime, connection: Connection, settled: Sequence[Settled], now: datetime) -> list[dict[str, Any]]:
    firing = [one for one in settled if any(verdict.fires for _, verdict in one.verdicts)]
    if not firing:
        return []
    roots = {one.root for one in firing}
    standing = Standing(
        alerts=alerts.standing_alerts(connection, roots),
        members=alerts.story_members(connection, roots),
        silences=silences.running_silences(connection, now=now),
        decided=tellings.words_of(connection, {one.reworded for one in firing if one.reworded is not None}).keys(),
    )
    decided, raised = [], []
    for one in firing:
        for rule, verdict in one.verdicts:
            if verdict.fires:
                found = _decide(runtime, connection, standing, one, rule, verdict, now)
                decided.append(found)
                if found.reason == Reason.RAISED:
                    raised.append(standing.alerts[one.root, rule.id])
    tellings.save_decisions(connection, decided, now=now)
    touched = {found.alert_id for found in decided if found.reason in (Reason.RAISED, Reason.NEWS)}
    tell(runtime, connection, tellings.due_alerts(connection, now=now, limit=len(touched), only=touched), now)
    return [
        dict(alert=one.public_id, rule_id=one.rule_id, severity=one.severity, because=one.because) for one in raised
    ]


def _with_verdicts(
    runtime: Runtime, connection: Connection, placed: Sequence[Placed], again: Mapping[int, Judgement]
) -> list[Settled]:
    """`again`: by article, what is said of it now, where that is not what its row holds."""
    roots = alerts.story_roots(connection, {one.story for one in placed})
    copied = tellings.originals(connection, {one.duplicate_of for one in placed if one.duplicate_of is not None})
    long_ago = timedelta(seconds=runtime.config.settings.old_news)
    found = [(one, copied.get(one.duplicate_of)) for one in placed]
    said = {one.row.id: again.get(one.row.id) or articles.read_judgement(one.row) for one in placed}
    return [
        _judged(runtime, one, roots[one.story], original, said[one.row.id], long_ago=long_ago)
        for one, original in found
    ]


def _judged(
    runtime: Runtime, placed: Placed, root: int, original: Any, judgement: Judgement, *, long_ago: timedelta
) -> Settled:
    """With every rule's verdict, in the configuration's order. `original`: the article that it is a copy of, if any."""
    config, row = runtime.config, placed.row
    arrival = _arrival(placed, original, long_ago)
    # One page may be brought again with more in it; one text, or one that is no news at all, is nothing new.
    reworded = arrival.seen_before and placed.grouped_by == LINK and not original.baseline
    spec = config.feed(row.feed_id)
    feed = FeedFacts(id=row.feed_id, tags=frozenset(spec.tags), tier=spec.tier)
    article = ArticleText(id=row.public_id, title=row.judged_title, text=row.judged_text or "", source=row.feed_id)
    known = dict(article=article, judgement=judgement, feed=feed, entities=config.entities_by_id)
    verdicts = [(rule, evaluate(rule, **known)) for rule in config.rules]
    known_as = original.id if reworded else None
    return Settled(row, root, judgement, feed, article, verdicts, arrival, known_as)


def _arrival(placed: Placed, original: Any, long_ago: timedelta) -> Arrival:
    row = placed.row
    again = original is not None and original.feed_id == row.feed_id
    copied = original is not None and not again and row.first_seen_at - original.first_seen_at > long_ago
    if copied and placed.grouped_by == LINK:  # a live page's address is old, and what it says now may be new
        there = Wording(original.feed_id, "", original.title, original.text or "")
        copied = are_worded_alike(there, Wording(row.feed_id, "", row.judged_title, row.judged_text or ""))
    return Arrival(baseline=row.baseline, old=row.old or copied, seen_before=again)


def _decide(
    runtime: Runtime,
    connection: Connection,
    standing: Standing,
    one: Settled,
    rule: RuleSpec,
    verdict: RuleVerdict,
    now: datetime,
) -> Decided:
    """What the rule's verdict comes to, saved in the alert that it raises or adds to."""
    alert = standing.alerts.get((one.root, rule.id))
    report = _report(runtime, standing, one, rule, verdict)
    silence = find_silence(standing.silences, rule, _for_silences(runtime, one))
    unheard = alert is not None and _is_unheard(connection, standing, alert)
    told_before = one.reworded is None or (one.reworded, rule.id) in standing.decided
    decision = decide(
        verdict=verdict,
        arrival=replace(one.arrival, seen_before=one.arrival.seen_before and told_before),
        silenced=silence is not None,
        told=read_told(alert.told, severity=alert.severity, report=report) if alert and not unheard else None,
        report=report,
        again=frozenset(rule.tell_again),
    )
    quiet = decision.reason is Reason.SILENCED
    if alert is None and (decision.raises or quiet):
        alert = _raise(runtime, connection, one, rule, verdict, report, now, quiet=quiet)
    elif decision.raises:
        alert = _raise_kept(connection, one, rule, verdict, alert, report, now)
    elif decision.reason in (Reason.NEWS, Reason.ALREADY_ALERTED):
        alert = _add_news(connection, one, rule, verdict, alert, decision, now)
    if alert is not None:
        standing.alerts[one.root, rule.id] = alert
        if quiet:
            standing.kept.add(alert.id)
    return Decided(
        article_id=one.row.id,
        rule_id=rule.id,
        reason=str(decision.reason),
        words=verdict.because,
        severity=verdict.severity,
        alert_id=alert.id if alert else None,
        silence_id=silence.id if silence and quiet else None,
    )


def _is_resting(alert: Any) -> bool:
    """Nothing of it has gone out, and nothing is due."""
    return alert.told_at is None and alert.tell_at is None


def _is_unheard(connection: Connection, standing: Standing, alert: Any) -> bool:
    """Whether nobody knows of it: kept quiet by a silence whose end, which will tell of it, is to come; and taken by
    nobody."""
    if not _is_resting(alert) or alert.acknowledged_at is not None:
        return False
    running = [one.id for one in standing.silences]
    return alert.id in standing.kept or tellings.is_kept_by(connection, alert.id, running)


def _for_silences(runtime: Runtime, one: Settled) -> Report:
    return Report(one.article, one.judgement, one.feed, one.root, runtime.config.entities_by_id)


def _report(runtime: Runtime, standing: Standing, one: Settled, rule: RuleSpec, verdict: RuleVerdict) -> Told:
    """What readers of this article's alert would know."""
    config = runtime.config
    named = selected_entities(rule, one.judgement, config.entities_by_id)
    return Told(
        severity=verdict.severity,
        because=verdict.because,
        entities={key: config.entities_by_id[key].name for key in named if key in config.entities_by_id},
        languages={code: language_name(code) for code in (one.judgement.language,) if code != UNKNOWN},
        tier=one.feed.tier,
        source=config.feed(one.feed.id).title or one.feed.id,
        originals=count_originals(standing.members[one.root], until=one.row.id),
    )


def _raise(
    runtime: Runtime,
    connection: Connection,
    one: Settled,
    rule: RuleSpec,
    verdict: RuleVerdict,
    report: Told,
    now: datetime,
    *,
    quiet: bool,
) -> Any:
    """The new alert's row. A silenced one is on record, and nothing goes out by it."""
    alert_id = alerts.save_alert(
        connection,
        public_id=new_token(),
        rule_id=rule.id,
        story_id=one.root,
        severity=verdict.severity,
        article_id=one.row.id,
        because=verdict.because,
        config_version=runtime.config_version,
        told=report.to_json(),
        tell_at=None if quiet else now + timedelta(seconds=rule.timing.wait),
        now=now,
    )
    return alerts.get_alert(connection, alert_id)


def _raise_kept(
    connection: Connection, one: Settled, rule: RuleSpec, verdict: RuleVerdict, alert: Any, report: Told, now: datetime
) -> Any:
    """The row of an alert that was kept quiet and is raised by this article: what it says is about this one."""
    told = read_told(alert.told, severity=alert.severity, report=report).joined(report)
    values = dict(article_id=one.row.id, because=verdict.because, severity=told.severity, told=told.to_json())
    values |= dict(raised_at=now, tell_at=now + timedelta(seconds=rule.timing.wait))
    values |= dict(acknowledged_at=None, acknowledged_by=None)
    alerts.update_alert(connection, alert.id, **values)
    return alerts.get_alert(connection, alert.id)


def _add_news(
    connection: Connection,
    one: Settled,
    rule: RuleSpec,
    verdict: RuleVerdict,
    alert: Any,
    decision: Decision,
    now: datetime,
) -> Any:
    """The alert's row with what its readers will know. News of one that was not told yet goes into its first message;
    one that a silence kept back is raised by its news. Where updates are never told, none are kept."""
    told = decision.told
    if told is None or told.to_json() == alert.told:
        return alert
    values: dict[str, Any] = dict(told=told.to_json(), severity=told.severity)
    if decision.news and (alert.told_at is None or rule.timing.updates):
        tellings.save_news(connection, alert_id=alert.id, article_id=one.row.id, found=decision.news, now=now)
        if _is_resting(alert):
            alert = _raise_kept(connection, one, rule, verdict, alert, told, now)
        elif alert.told_at is not None:
            values["tell_at"] = earlier_due(rule, alert)
    alerts.update_alert(connection, alert.id, **values)
    return alerts.get_alert(connection, alert.id)
