"""The pages behind the links in mails: opening one shows what it would do, its button does it. Nothing else acts here.

Mail scanners open every link, so a GET changes nothing; a second click says that it is done.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import structlog
from fastapi import FastAPI, Response

from worker.alerts.moments import span
from worker.alerts.wording import local_time
from worker.config.schema import Config
from worker.console.deeds import Done, do, find_done
from worker.console.guesses import Guesses
from worker.console.pages import page, plain_page, unreadable
from worker.console.views.names import NO_HEADLINE, names_of, one_line
from worker.links import PLACE, WORDS, Claim, Deed, Refusal, read
from worker.store.engine import DATABASE_ERRORS, Lock, Store, read_clock, take_lock
from worker.store.keys import find_signing_keys
from worker.store.listing import find_alert_row

log = structlog.get_logger()

EFFECT: Final = {
    Deed.ACKNOWLEDGE: "It says that you have taken this alert: no reminder goes out. What is new about its story is "
    "told all the same.",
    Deed.SILENCE_STORY: "For 24 hours nothing about this story is sent to anybody. Its end tells what was kept quiet.",
    Deed.SILENCE_RULE: "For 24 hours this rule sends nothing to anybody. Its end tells what was kept quiet.",
}
STANDS: Final = {
    Deed.ACKNOWLEDGE: "{by} acknowledged it at {at}.",
    Deed.SILENCE_STORY: "{by} has silenced this story until {at}.",
    Deed.SILENCE_RULE: "{by} has silenced this rule until {at}.",
}


class Doing:
    """Answers for one desk. `show_alert` makes the page of an alert, for links that only show it."""

    def __init__(self, store: Store, config: Config, guesses: Guesses, show_alert: Any) -> None:
        self.store, self.guesses, self.show_alert = store, guesses, show_alert
        self.names, self.zone, self.lasts = names_of(config), config.settings.time_zone, config.settings.links_last
        self.people = {person.id: person for person in config.people}

    def answer(self, token: str, *, acts: bool) -> Response:
        with self.store.reading() as connection:
            now = read_clock(connection)
            claim = read(find_signing_keys(connection), token, now=now)
            if isinstance(claim, Refusal):
                return self._refuse(claim)
            row = find_alert_row(connection, claim.alert_id)
            if row is None:
                return plain_page(404, "No such alert", "This desk has no such alert any more.", inside=False)
            if claim.deed is Deed.VIEW:
                return self.show_alert(claim.alert_id, inside=False)
            done = find_done(connection, claim, row, now=now)
        if not acts or done:
            return self._page(claim, row, done, new=False)
        return self._page(claim, row, *self._act(claim, row))

    def _act(self, claim: Claim, row: Any) -> tuple[Done, bool]:
        """How it stands then, and whether that is our doing: of two clicks at once one acts."""
        with self.store.writing() as connection:
            take_lock(connection, Lock.DESK)
            now = read_clock(connection)
            done = find_done(connection, claim, find_alert_row(connection, claim.alert_id), now=now)
            if done:
                return done, False
            done = do(connection, claim, row, now=now)
        log.info("link_followed", deed=claim.deed.name.lower(), alert=row.public_id, by=claim.person)
        return done, True

    def _page(self, claim: Claim, row: Any, done: Done | None, new: bool) -> Response:
        return page(
            "deed.html",
            words=WORDS[claim.deed],
            effect=EFFECT[claim.deed],
            headline=one_line(row.story_title) or NO_HEADLINE,
            rule=self.names.rule(row.rule_id),
            severity=row.severity,
            person=self._name(claim.person),
            expires=self._time(claim.expires, claim.person),
            stands=self._stands(claim, done) if done else "",
            new=new,
            inside=False,
        )

    def _stands(self, claim: Claim, done: Done) -> str:
        return STANDS[claim.deed].format(by=self._name(done.by), at=self._time(done.at, claim.person))

    def _name(self, person: str) -> str:
        return self.people[person].name if person in self.people else one_line(person)

    def _time(self, at: datetime, person: str) -> str:
        return local_time(at, self.people[person].time_zone if person in self.people else self.zone)

    def _refuse(self, why: Refusal) -> Response:
        if why is Refusal.EXPIRED:
            words = f"Links in mails are good for {span(self.lasts)}. Nothing was done."
            more = "The mail names the alert: look for it in the console, or ask whoever runs Wirewatch."
            return plain_page(410, "This link is too old", words, more, inside=False)
        return self.guesses.refuse() or plain_page(
            403,
            "This link opens nothing",
            "It is not from this desk, or a part of it was lost on the way. Nothing was done.",
            "Open it from the mail itself, whole. If it still does not open, ask whoever runs Wirewatch.",
            inside=False,
        )


def add_links(console: FastAPI, doing: Doing) -> None:
    def answer(token: str, *, acts: bool) -> Response:
        try:
            return doing.answer(token, acts=acts)
        except DATABASE_ERRORS:
            return unreadable("link")

    @console.get(f"{PLACE}{{token}}")
    def look(token: str) -> Response:
        return answer(token, acts=False)

    @console.post(f"{PLACE}{{token}}")
    def act(token: str) -> Response:
        return answer(token, acts=True)
