"""Telling: the messages that are due about alerts, rendered once for every recipient and saved to be delivered.

Whoever raises, updates or reminds only notes when a message is due; here it is made, in the same transaction or at the
next tick. Two rules that would tell one person of one story at one time tell them in one message.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from worker.alerts.timing import REMINDER, UPDATED, Standing, next_message
from worker.config.schema import RuleSpec
from worker.delivery.channel import Channel
from worker.model import SEVERITIES, AlertContent, AlsoFired, Message, NewsKind, SilenceKind
from worker.pipeline.contents import Telling, alert_content
from worker.pipeline.operator import tell_operator
from worker.pipeline.runtime import Runtime
from worker.store import alerts, silences, tellings
from worker.store.engine import Connection, Lock, read_clock, take_lock, will_pass

log = structlog.get_logger()

BATCH: Final = 100
SHOWN: Final = 3  # articles of an update: it is read on one screen
# Kinds of channels that people read: there two rules' alerts on one story are one message. A program gets each.
FOR_PEOPLE: Final = frozenset({"inbox", "email", "stdout"})
RULELESS: Final = timedelta(days=30)  # so long what an alert has to say waits for its rule to come back
AGAIN_AFTER: Final = timedelta(minutes=10)  # a message that could not be made is tried again
AGAIN_AT_LAST: Final = timedelta(hours=1)  # and one that waits for its rule, in the end


def tell_due_alerts(runtime: Runtime) -> None:
    """The tick's look at what is due: updates that had to wait, reminders, edits."""
    planned = False
    while _tell_batch(runtime, plan=not planned):
        planned = True


def _tell_batch(runtime: Runtime, *, plan: bool) -> bool:
    """True when there may be more."""
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.DESK)
        now = read_clock(connection)
        if plan:
            _plan_edits(runtime, connection, now)
        rows = tellings.due_alerts(connection, now=now, limit=BATCH)
        told = tell(runtime, connection, rows, now)
    if told:
        runtime.hint("deliver")
    return len(rows) == BATCH  # told or put off, none of them is due any more


def _plan_edits(runtime: Runtime, connection: Connection, now: datetime) -> None:
    """A poll only notes that a headline has changed: here its alert is made due, or due sooner. Once a look: what was
    put off because it cannot be told would be due again."""
    rules = {rule.id: rule for rule in runtime.config.rules if rule.timing.updates}
    stopped = silences.running_silences(connection, now=now)
    for row in tellings.alerts_with_news(connection):
        if row.rule_id in rules and _silenced(stopped, row) is None:
            due = earlier_due(rules[row.rule_id], row)
            if due != row.tell_at:
                alerts.update_alert(connection, row.id, tell_at=due)


def earlier_due(rule: RuleSpec, row: Any) -> datetime:
    """When an alert that was told, and about which news waits, is told again: by its update, or before it by what is
    planned already. Of a rule that tells updates."""
    due = row.told_at + timedelta(seconds=rule.timing.updates)
    return due if row.tell_at is None else min(due, row.tell_at)


def tell(runtime: Runtime, connection: Connection, rows: Sequence[Any], now: datetime) -> int:
    """Makes the due messages of these alerts (rows of `due_alerts`). Returns how many alerts were told.

    One that cannot be made is told to the operator and tried again; it holds up no other.
    """
    rules = {rule.id: rule for rule in runtime.config.rules}
    planned = _planned(runtime, connection, rows, rules, now)
    count = 0
    for _, group in itertools.groupby(sorted(planned, key=_together), key=_together):
        story = sorted(group, key=lambda one: (-SEVERITIES.index(one.row.severity), one.row.id))
        try:
            with connection.begin_nested():
                _tell_story(runtime, connection, story, now)
                count += len(story)
        except Exception as error:
            if will_pass(error):
                raise
            log.exception("alerts_not_told", alerts=[one.row.public_id for one in story])
            _put_off(runtime, connection, story, error, now)
    return count


def _together(one: Telling) -> tuple[int, bool]:
    """What may share a message: a story's news, or its reminders."""
    return one.row.root, one.kind == REMINDER


def _planned(
    runtime: Runtime, connection: Connection, rows: Sequence[Any], rules: Mapping[str, RuleSpec], now: datetime
) -> list[Telling]:
    """What each alert's message is; those of which nothing is to be said now are let rest."""
    waiting = tellings.waiting_news(connection, [row.id for row in rows])
    stopped = silences.running_silences(connection, now=now)
    chosen = []
    for row in rows:
        rule, silence = rules.get(row.rule_id), _silenced(stopped, row)
        due = next_message(rule.timing, _standing(row, news=bool(waiting[row.id]))) if rule and not silence else None
        if rule is not None and due is not None and due[0] <= now:
            chosen.append((row, rule, due[1]))
            continue
        later = due[0] if due else None
        if rule is None:
            later = _wait_for_rule(runtime, connection, row, now)
        elif silence and row.told_at is not None:
            later = silence.expires_at  # an update or a reminder comes when it may be heard
        alerts.update_alert(connection, row.id, tell_at=later)
        if silence and row.told_at is None:
            said = dict(article_id=row.article_id, rule_id=row.rule_id, silence_id=silence.id)
            tellings.silence_decision(connection, **said)
    return _with_articles(connection, chosen, waiting)


def _with_articles(
    connection: Connection, chosen: Sequence[tuple[Any, RuleSpec, str]], waiting: Mapping[int, Sequence[Any]]
) -> list[Telling]:
    articles = {row.id: _articles_of(row, kind, waiting[row.id]) for row, _, kind in chosen}
    found = tellings.told_articles(connection, {number for ids in articles.values() for number in ids})
    words = tellings.words_of(connection, found)
    return [
        Telling(
            row,
            rule,
            kind,
            shown=[found[number] for number in articles[row.id]],
            why=words.get((articles[row.id][0], rule.id), row.because),
            news=waiting[row.id] if kind != REMINDER else (),
        )
        for row, rule, kind in chosen
    ]


def _standing(row: Any, *, news: bool) -> Standing:
    reminded = row.last_kind == REMINDER or row.elder  # whose own reminder is of the same story, to the same people
    return Standing(row.raised_at, row.told_at, news, row.acknowledged_at is not None, reminded)


def _articles_of(row: Any, kind: str, news: Sequence[Any]) -> list[int]:
    """An update shows what brought the news, a changed headline and then the latest first; a first message what raised
    the alert, and then that."""
    latest = sorted(news, key=lambda one: (one.kind != NewsKind.HEADLINE, -one.id))
    brought = [one.article_id for one in latest]
    if kind == REMINDER:
        brought = []
    return list(dict.fromkeys(brought if kind == UPDATED else [row.article_id, *brought]))[:SHOWN]


def _wait_for_rule(runtime: Runtime, connection: Connection, row: Any, now: datetime) -> datetime | None:
    """When to look again for a rule that is gone. Of an alert of which nobody has heard, the operator hears."""
    if row.told_at is None:
        tell_operator(
            runtime,
            connection,
            key=f"ruleless:{row.public_id}",
            subject=f"Alert without its rule: {row.story_title[:80]}",
            lines=[
                f"The alert {row.public_id} waits to be told, and its rule {row.rule_id} is no longer in rules.yaml.",
                f"Bring the rule back within {RULELESS.days} days, and it is told within an hour; or read it: "
                f"wirewatch alerts show {row.public_id}",
            ],
            now=now,
        )
    waited = now - (row.told_at or row.raised_at)
    return now + max(AGAIN_AFTER, min(waited / 10, AGAIN_AT_LAST)) if waited < RULELESS else None


def _silenced(running: Iterable[Any], row: Any) -> Any:
    """Of a whole rule or story; what else a silence asks for was asked of the article when it came."""
    about = {(SilenceKind.RULE, row.rule_id), (SilenceKind.STORY, row.root)}
    for one in running:
        if (one.kind, one.story_id if one.kind is SilenceKind.STORY else one.value) in about:
            return one
    return None


def _tell_story(runtime: Runtime, connection: Connection, story: Sequence[Telling], now: datetime) -> None:
    """The messages of one story's alerts, the gravest first; that one tells of the others along."""
    members = alerts.story_members(connection, {story[0].row.root})[story[0].row.root]
    contents = [alert_content(runtime, one, members, now) for one in story]
    wanted = [channels_for(runtime, one.rule, one.row.severity) for one in story]
    taken: dict[str, int] = {}  # by channel for people: the notification by which this story has its message there
    for at, one in enumerate(story):
        messages: list[tuple[Channel, Message]] = []
        carriers, alone = [], []
        for channel in wanted[at]:
            if channel.id in taken:
                carriers.append(taken[channel.id])
                continue
            content = contents[at]
            if channel.kind in FOR_PEOPLE:
                others = [n for n in range(at + 1, len(story)) if channel in wanted[n]]
                content = replace(content, also=tuple(_also(story[n], contents[n]) for n in others))
            found = _rendered(runtime, connection, channel, content, now)
            if found and channel.kind in FOR_PEOPLE:
                alone.append(channel.id)
            messages += [(channel, message) for message in found]
        saved = _save(connection, one, contents[at], messages, carried_by=min(carriers, default=None), now=now)
        taken |= dict.fromkeys(alone, saved)


def channels_for(runtime: Runtime, rule: RuleSpec, severity: str) -> list[Channel]:
    """The rule's enabled channels that want to hear of alerts as grave as this."""
    found = [runtime.channels.get(name) for name in rule.channels]
    least = {spec.id: SEVERITIES.index(spec.min_severity) for spec in runtime.config.channels}
    grave = SEVERITIES.index(severity)
    return [channel for channel in found if channel is not None and least.get(channel.id, 0) <= grave]


def _also(telling: Telling, content: AlertContent) -> AlsoFired:
    return AlsoFired(
        alert_id=content.alert_id,
        rule_id=content.rule_id,
        rule_name=content.rule_name,
        severity=content.severity,
        why="; ".join([telling.why, *(one.words for one in telling.news)]),
    )


def _save(
    connection: Connection,
    telling: Telling,
    content: AlertContent,
    messages: Sequence[tuple[Channel, Message]],
    *,
    carried_by: int | None,
    now: datetime,
) -> int:
    """The notification with its deliveries, and what the alert has said by it."""
    row = telling.row
    saved = alerts.save_notification(
        connection,
        messages,
        kind=telling.kind,
        subject=messages[0][1].subject if messages else content.story_title,
        now=now,
        alert_id=row.id,
        n=content.revision,
        carried_by=carried_by,
    )
    tellings.note_told(connection, [one.id for one in telling.news], notification_id=saved)
    # Something new is not taken by anyone yet; a reminder is of what nobody has taken.
    standing = Standing(row.raised_at, now, False, False, reminded=telling.kind == REMINDER)
    due = next_message(telling.rule.timing, standing)
    values: dict[str, Any] = dict(told_at=now, tell_at=due[0] if due else None)
    for shown in telling.shown if telling.kind != REMINDER else ():
        if shown.id == row.article_id:
            values["headline"] = shown.title
    if telling.kind == UPDATED:
        values |= dict(acknowledged_at=None, acknowledged_by=None)
    alerts.update_alert(connection, row.id, **values)
    return saved


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


def _put_off(
    runtime: Runtime, connection: Connection, story: Sequence[Telling], error: Exception, now: datetime
) -> None:
    for one in story:
        alerts.update_alert(connection, one.row.id, tell_at=now + AGAIN_AFTER)
        tell_operator(
            runtime,
            connection,
            key=f"untold:{one.row.public_id}",
            subject=f"Alert not told: {one.row.story_title[:80]}",
            lines=[
                f"The message of the alert {one.row.public_id} could not be made ({type(error).__name__}).",
                "It is on record, and tried again by itself. Please report it.",
            ],
            now=now,
        )
