"""The enabled channels of a configuration, ready to render and send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from worker.config.schema import Config
from worker.delivery.channel import Channel
from worker.delivery.email import Email
from worker.delivery.feed import Feed
from worker.delivery.inbox import Inbox
from worker.delivery.smtp import Relay
from worker.delivery.stdout import Stdout
from worker.delivery.webhook import Webhook
from worker.guard import NetworkPolicy
from worker.links import NO_LINKS, Links


def build_channels(
    config: Config, *, policy: NetworkPolicy, inbox_root: Path, links: Links = NO_LINKS
) -> dict[str, Channel]:
    """By id, in the configuration's order; a disabled channel is absent."""
    zone = config.settings.time_zone
    makers: Mapping[str, Callable[[Any], Channel]] = {
        "inbox": lambda spec: Inbox(spec.id, inbox_root, spec.folder, zone),
        "email": lambda spec: _email(config, spec, links),
        "webhook": lambda spec: Webhook(spec.id, spec.url, spec.secret, policy, spec.previous_secret),
        "stdout": lambda spec: Stdout(spec.id, spec.format, zone),
        "feed": lambda spec: Feed(spec.id, zone),
    }
    return {spec.id: makers[spec.kind](spec) for spec in config.channels if spec.enabled}


def _email(config: Config, spec: Any, links: Links) -> Email:
    people = {person.id: person for person in config.people}
    zones, names = {}, {}
    for name in spec.to:
        person = people.get(name)
        address = person.address if person else name
        zones[address] = person.time_zone if person else config.settings.time_zone
        names[address] = name
    relay = Relay(spec.host, spec.port, spec.security, spec.username, spec.password)
    return Email(id=spec.id, relay=relay, sender=spec.sender, zones=zones, names=names, links=links)
