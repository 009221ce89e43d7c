"""A channel that answers as a test says, and how the outbox stands."""

import asyncio
from collections import Counter
from dataclasses import replace

from sqlalchemy import select
from steps import LONG_AGO, change, operator_subjects

from worker.errors import DeliveryError, DeliveryReason
from worker.pipeline.tick import tick
from worker.store.schema import channel, delivery

DEAD, LIVE = "hook", "mail"


def states(desk, name):
    """How many deliveries by it are in which state; without their bodies, for there may be thousands."""
    with desk.store.reading() as connection:
        found = connection.execute(select(delivery.c.state).where(delivery.c.channel == name)).scalars()
        return Counter(found)


def many(desk, count):
    """So many on SQLite; a tenth on PostgreSQL, which gets the same statements and fills its tables slowly."""
    return count if desk.store.is_sqlite else count // 10


def standing(desk, name=DEAD):
    return desk.rows(channel, channel.c.id == name)[0]


class Scripted:
    """A channel whose every attempt raises what `fails` gives for it, or is taken where that is None."""

    def __init__(self, real, fails):
        self.id, self.kind, self.real, self.fails, self.sent = real.id, real.kind, real, fails, []

    def recipients(self):
        return self.real.recipients()

    def open(self):
        return self

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass

    async def send(self, message, *, now):
        self.sent.append(message.message_id)
        await asyncio.sleep(0)
        error = self.fails(message)
        if error is not None:
            raise error
        return "taken"


def scripted(runtime, fails, name=DEAD):
    """The same worker, whose channel of that name is scripted; and the channel."""
    made = Scripted(runtime.channels[name], fails)
    return replace(runtime, channels={**runtime.channels, name: made}), made


def refusing(*_):
    return DeliveryError(DeliveryReason.CONNECT, "refused")


def give_up_all(desk, runtime, name, reason):
    """After three days each is given up; the operator hears of all in one message."""
    change(desk, delivery, window_at=LONG_AGO)
    tick(runtime)
    rows = desk.rows(delivery, delivery.c.channel == name)
    assert {(row.state, row.reason) for row in rows} == {("abandoned", reason)}
    told = [subject for subject in operator_subjects(desk) if subject.startswith("Not delivered")]
    assert told == [f"Not delivered by {name}"]


def bounded(runtime, name, **bounds):
    """The same worker, whose channel has these bounds."""
    channels = tuple(spec.model_copy(update=bounds) if spec.id == name else spec for spec in runtime.config.channels)
    return replace(runtime, config=replace(runtime.config, channels=channels))
