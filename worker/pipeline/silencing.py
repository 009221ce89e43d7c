"""The end of a silence is told to those whom it kept from hearing: what it was about, and all that it kept quiet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import structlog

from worker.alerts.render import Audience
from worker.alerts.wording import local_time
from worker.config.schema import OPERATOR
from worker.delivery.channel import Channel
from worker.display import one_line
from worker.model import SEVERITIES, Message, Silence, SilenceKind
from worker.pipeline.runtime import Runtime
from worker.pipeline.telling import channels_for
from worker.store import alerts, silences, tellings
from worker.store.engine import Connection, Lock, read_clock, take_lock, will_pass
from worker.store.lease import new_token

log = structlog.get_logger()

LISTED: Final = 50  # of what was kept quiet; the rest is counted


def tell_ended_silences(runtime: Runtime) -> None:
    """One notice a silence, ever, in the transaction that closes it. The desk lock: what is being settled now either
    was kept quiet by it and is in the notice, or is told."""
    with runtime.store.writing() as connection:
        take_lock(connection, Lock.DESK)
        now = read_clock(connection)
        ended = silences.ended_silences(connection, now=now)
        for silence in ended:
            try:
                with connection.begin_nested():
                    _tell(runtime, connection, silence, now)
            except Exception as error:
                if will_pass(error):
                    raise
                log.exception("silence_end_not_told", silence=silence.public_id)
            silences.close_silence(connection, silence.id, now=now)
            if silence.ended_by:
                tellings.wake_alerts(connection, silence, now=now)  # what it put off until the end that it was to have
    if ended:
        runtime.hint("deliver")


def _tell(runtime: Runtime, connection: Connection, silence: Silence, now: datetime) -> None:
    held = silences.held_by(connection, silence.id)
    subject = f"The silence on {described(silence)} has ended"
    lines = list(_lines(runtime, silence, held))
    messages: list[tuple[Channel, Message]] = []
    for channel_id in _channels(runtime, silence, held):
        channel = runtime.channels[channel_id]
        name = new_token()
        for to in channel.recipients():
            known = dict(recipient=to, message_id=name, now=now, audience=Audience.READERS)
            messages.append((channel, channel.render_operator(subject, lines, **known)))
    key = f"silence:{silence.public_id}"
    alerts.save_notification(connection, messages, kind="notice", subject=subject, now=now, operator_key=key)
    log.info("silence_ended", silence=silence.public_id, kind=str(silence.kind), held=len(held))


def described(silence: Silence) -> str:
    """'the rule dprk-weapons', 'what says "missile NOT test"'."""
    value = one_line(silence.value, 200)
    return f"what says {value}" if silence.kind is SilenceKind.QUERY else f"the {silence.kind} {value}"


def _lines(runtime: Runtime, silence: Silence, held: Sequence[Any]) -> Iterable[str]:
    zone = runtime.config.settings.time_zone
    ended = f"{silence.ended_by} ended it" if silence.ended_by else "its time is over"
    because = f" ({one_line(silence.because, 300)})" if silence.because else ""
    begun = local_time(silence.created_at, zone)
    yield f"{silence.author} silenced {described(silence)} on {begun}{because}; {ended}."
    yield "It is heard again, unless another silence holds."
    if not held:
        yield "Nothing was kept quiet meanwhile."
        return
    kept: dict[str, Any] = {}
    for row in sorted(held, key=lambda row: -SEVERITIES.index(row.severity)):  # an alert's gravest article
        kept.setdefault(row.public_id or f"{row.rule_id} {row.title}", row)
    kept = dict(sorted(kept.items(), key=lambda pair: pair[1].at))
    least = "at least " if len(held) > silences.MOST_HELD else ""
    yield f"Kept quiet meanwhile: {least}{len(kept)} {'alert' if len(kept) == 1 else 'alerts'}. Each is on record."
    for row in list(kept.values())[:LISTED]:
        alert = f" · alert {row.public_id}" if row.public_id else ""
        yield f"[{row.severity}] {one_line(row.title, 200)} · {row.rule_id}{alert}"
    if len(kept) > LISTED or least:
        yield f"All of them: wirewatch alerts list --silence {silence.public_id}"


def _channels(runtime: Runtime, silence: Silence, held: Sequence[Any]) -> list[str]:
    """By which would have gone out what it kept quiet, or was to keep quiet; the operator's where there is none now."""
    rules = {rule.id: rule for rule in runtime.config.rules}
    kept = [(row.rule_id, row.severity) for row in held]
    if silence.kind is SilenceKind.RULE and not held and silence.value in rules:
        kept = [(silence.value, rules[silence.value].severity)]
    known = [(rules[name], severity) for name, severity in dict.fromkeys(kept) if name in rules]
    found = list(dict.fromkeys(channel.id for one in known for channel in channels_for(runtime, *one)))
    return found or [name for name in (OPERATOR,) if name in runtime.channels]
