"""Poll: due feeds are fetched together, and more are taken while some hang; each group is parsed, decided and saved."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from worker.config.access import access_of
from worker.config.pages import wants_page
from worker.config.schema import Config
from worker.errors import ParseReason
from worker.feeds.rounds import Round
from worker.model import FetchFailed, FetchRequest, FetchResult, Postponed, Validators
from worker.pipeline.polled import save
from worker.pipeline.reading import PollResult, read
from worker.pipeline.runtime import Runtime
from worker.store import feeds
from worker.store.feeds import HostRoom
from worker.store.lease import MAX_ATTEMPTS, Claim

# Of the lease may pass before the last request of a claim, and in so much of one the last claim of a step is made; the
# rest is for answers, parsing and saving.
ASKING: Final = 0.5
SAVE_SECONDS: Final = 1.0  # of parsing, then what is read is saved: a dear document must not cost others their lease
LOOK_SECONDS: Final = 1.0  # between two looks for due feeds while there are none, and some hang
PER_PLACE: Final = 4  # feeds of one host that are claimed for each request that it takes at a time
REFILL: Final = 4  # a part of a batch must be free before more is claimed: a claim is a transaction


def poll_due_feeds(runtime: Runtime) -> bool:
    """Polls due feeds, a batch at a time beside each other, until there are none or half a lease is over; True when
    there may be more. Hints `analyse` when anything new was stored."""
    with runtime.fetcher.open() as visits:
        return _Polling(runtime, visits).run()


class _Polling:
    """One step: what it has claimed, and what of it is under way."""

    def __init__(self, runtime: Runtime, visits: Round) -> None:
        self.runtime, self.visits = runtime, visits
        self.batch = runtime.config.settings.poll_batch
        self.lease = runtime.config.settings.timing.poll_lease
        self.until = time.monotonic() + self.lease * ASKING
        self.look_at = 0.0
        self.more, self.alone = True, False
        self.rows: dict[str, tuple[Any, Claim]] = {}

    def run(self) -> bool:
        postponed = False
        while True:
            if self._may_claim():
                self._claim()
            if not self.rows:
                return self.more or postponed
            for results in self._read(self.visits.take(LOOK_SECONDS)):
                postponed |= any(one.outcome == "postponed" for one in results)
                if save(self.runtime, results):
                    self.runtime.hint("analyse")
                    if any(wants_page(self.runtime.config, self.runtime.config.feed(one.row.id)) for one in results):
                        self.runtime.hint("poll")  # whose workers fetch pages, too

    def _may_claim(self) -> bool:
        free, now = self.batch - len(self.rows), time.monotonic()
        room = free * REFILL >= self.batch
        return room and not self.alone and self.look_at <= now < self.until

    def _claim(self) -> None:
        """A feed whose last two polls never ended comes alone: should it end this process, it takes no other along."""
        claim = feeds.claim_due_feeds(
            self.runtime.store,
            limit=self.batch - len(self.rows),
            lease=timedelta(seconds=self.lease),
            room=self._room,
            busy=Counter(row.host for row, _ in self.rows.values()),
            wait=self._least,
        )
        self.alone = any(row.attempts > 2 for row in claim.rows)
        self.more = claim.full
        if not claim.full:
            self.look_at = time.monotonic() + LOOK_SECONDS
        lost = [row for row in claim.rows if row.attempts > MAX_ATTEMPTS]
        if lost:
            save(self.runtime, [_lost(row, claim) for row in lost])
        early = {row.id: left for row in claim.rows if row not in lost and (left := self._promised(row))}
        if early:
            save(self.runtime, [_early(row, claim, early[row.id]) for row in claim.rows if row.id in early])
        asked = [row for row in claim.rows if row not in lost and row.id not in early]
        self.rows |= {row.id: (row, claim) for row in asked}
        self.visits.add([_request(self.runtime.config, row) for row in asked], start_within=self.lease * ASKING)

    def _promised(self, row: Any) -> float:
        """Seconds for which its publisher is still to be left alone, though the database's clock says otherwise."""
        return self.runtime.recent.left(row.current_url) if self.runtime.recent else 0.0

    def _least(self, row: Any) -> float:
        """Seconds that a publisher is left alone after a request of which nobody knows whether it was made."""
        hints = () if self.runtime.fetcher.policy.host(row.host).ignore_hints else (row.max_age, row.document_wait)
        return max([self.runtime.config.feed(row.id).interval, *(hint or 0.0 for hint in hints)])

    def _room(self, host: str) -> HostRoom:
        policy = self.runtime.fetcher.policy.host(host)
        return HostRoom(most=PER_PLACE * policy.concurrent, spacing=policy.spacing)

    def _read(self, group: Sequence[FetchResult]) -> Iterator[list[PollResult]]:
        """The group's results in parts that took no longer to read than SAVE_SECONDS and one document."""
        part: list[PollResult] = []
        until = time.monotonic() + SAVE_SECONDS
        for result in group:
            row, claim = self.rows.pop(result.request.feed_id)
            part.append(read(self.runtime, row, claim, result))
            if time.monotonic() > until:
                yield part
                part, until = [], time.monotonic() + SAVE_SECONDS
        if part:
            yield part


def _request(config: Config, row: Any) -> FetchRequest:
    access = access_of(config, config.find_feed(row.id), row.current_url)
    return FetchRequest(row.id, row.current_url, Validators(row.etag, row.last_modified), access)


def _early(row: Any, claim: Claim, left: float) -> PollResult:
    """The clock was set forward: the feed is due by it, and was asked a moment ago."""
    fetched = FetchResult(FetchRequest(row.id, row.current_url), Postponed(held=left), 0.0)
    return PollResult(row, claim, fetched, "postponed")


def _lost(row: Any, claim: Claim) -> PollResult:
    """The failed poll of a feed that used up its attempts: it is not asked, for asking it may end this worker too."""
    outcome = FetchFailed(str(ParseReason.CRASHED), f"{MAX_ATTEMPTS} polls in a row never came to their end")
    fetched = FetchResult(FetchRequest(row.id, row.current_url), outcome, 0.0)
    return PollResult(row, claim, fetched, "failed", reason=outcome.reason, detail=outcome.detail)
