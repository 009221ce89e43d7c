"""The enabled channels of a configuration, ready to render and send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from worker.config.schema import Config
from worker.delivery.channel import Channel
from worker.delivery.email import Email, Relay
from worker.delivery.inbox import Inbox
from worker.delivery.webhook import Webhook
from worker.guard import NetworkPolicy


def build_channels(config: Config, *, policy: NetworkPolicy, inbox_root: Path) -> dict[str, Channel]:
    """By id, in the configuration's order; a disabled channel is absent."""
    makers: Mapping[str, Callable[[Any], Channel]] = {
        "inbox": lambda spec: Inbox(spec.id, inbox_root, spec.folder, config.settings.time_zone),
        "email": lambda spec: _email(config, spec),
        "webhook": lambda spec: Webhook(spec.id, spec.url, spec.secret, policy),
    }
    return {spec.id: makers[spec.kind](spec) for spec in config.channels if spec.enabled}


def _email(config: Config, spec: Any) -> Email:
    people = {person.id: person for person in config.people}
    zones = {}
    for name in spec.to:
        person = people.get(name)
        zones[person.address if person else name] = person.time_zone if person else config.settings.time_zone
    relay = Relay(spec.host, spec.port, spec.security, spec.username, spec.password)
    return Email(id=spec.id, relay=relay, sender=spec.sender, zones=zones)
