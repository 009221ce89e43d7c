"""A desk with rules about leaders whose clock stands still until it is moved."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default

from desk import BASELINE, judge_of
from steps import poll_now, settle

from worker.config.schema import FeedSpec, RuleSpec, WatchedEntity
from worker.model import SilenceKind
from worker.pipeline.tick import tick
from worker.store.schema import decision, delivery, notification
from worker.store.silences import add_silence

LEADERS = {"kim-jong-un": "Kim Jong Un", "vladimir-putin": "Vladimir Putin", "sergei-shoigu": "Sergei Shoigu"}
HEADLINE = "Kim Jong Un receives a guest in the north"
TRAIN = "The guest came by train in the early morning and was met by a guard of honour at the central station."
PALACE = "Vladimir Putin was the guest, the palace said in a long statement that it put out at the end of the day."
PICTURE = "Sergei Shoigu was there too, in the second row of the picture of all the guests that was shown at night."
HOUR = timedelta(hours=1)


def rule(name="leaders", **values):
    when = {"entities": {"tags": ["leader"]}}
    return {
        "id": name,
        "name": f"The rule {name}",
        "severity": "high",
        "when": when,
        "channels": ["mail", "hook"],
    } | values


@dataclass
class Watch:
    """A desk whose clock stands still until it is moved, with these rules; `runtime` is its own."""

    desk: object
    runtime: object
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def obey(self, *rules):
        entities = tuple(WatchedEntity(id=key, type="person", name=LEADERS[key], tags=("leader",)) for key in LEADERS)
        feeds = tuple(
            FeedSpec.model_validate(spec.model_dump(mode="json") | {"tier": tier})
            for spec, tier in zip(self.runtime.config.feeds, (2, 1), strict=True)
        )
        found = tuple(RuleSpec.model_validate(one) for one in rules or (rule(),))
        config = replace(self.runtime.config, watchlist=entities, feeds=feeds, rules=found)
        store = self.runtime.store.with_clock(lambda: self.now)
        self.runtime = replace(self.runtime, config=config, judge=lambda: judge_of(config), store=store)
        self.desk.set_feed("b", [("old-b", "Quite another day", "Nothing happened."), *BASELINE])
        poll_now(self.desk, self.runtime)
        settle(self.runtime)
        return self

    def bring(self, name, *items, after=timedelta()):
        """What the feed holds from now on, polled and settled."""
        self.now += after
        self.desk.set_feed(name, [*items, *BASELINE])
        poll_now(self.desk, self.runtime)
        settle(self.runtime)

    def pass_time(self, spent):
        self.now += spent
        tick(self.runtime)

    def messages(self):
        """(kind, n) of every message about an alert, in order."""
        rows = self.desk.rows(notification, notification.c.alert_id.is_not(None))
        return [(row.kind.removeprefix("alert."), row.n) for row in sorted(rows, key=lambda row: row.id)]

    def mails(self):
        rows = sorted(self.desk.rows(delivery, delivery.c.channel == "mail"), key=lambda row: row.id)
        return [message_from_bytes(bytes(row.body), policy=default) for row in rows]

    def hooks(self):
        rows = sorted(self.desk.rows(delivery, delivery.c.channel == "hook"), key=lambda row: row.id)
        return [json.loads(bytes(row.body)) for row in rows]

    def reasons(self):
        """What came of every rule that fired on an article that is news, in order of arrival."""
        rows = sorted(self.desk.rows(decision, decision.c.reason != "baseline"), key=lambda row: row.article_id)
        return [row.reason for row in rows]

    def silence(self, kind, value, last=HOUR):
        known = dict(kind=SilenceKind(kind), value=value, because="known", author="ana")
        with self.desk.store.writing() as connection:
            return add_silence(connection, **known, expires_at=self.now + last, now=self.now)


def text_of(mail):
    return mail.get_body(("plain",)).get_content()
