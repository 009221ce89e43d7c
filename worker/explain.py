"""The whole trace of one article: where it came from, what was found in it, what every rule said, what went out.

Decides nothing anew: a rule's verdict is worked out again from the stored judgement by the configuration version that
settled the article, for its words; what came of those that fired is on record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from worker.alerts.decide import Reason
from worker.alerts.notes import note_sentences
from worker.alerts.rules import FeedFacts, evaluate
from worker.articles.changes import word_changes
from worker.articles.shown import WAITING, source_words
from worker.articles.stories import MERGED
from worker.articles.text import canonical_url
from worker.config.schema import Config
from worker.config.versions import Version, read_version
from worker.errors import WirewatchError
from worker.feeds.page_reasons import page_words
from worker.feeds.update import link_key
from worker.model import ArticleState, ArticleText, Judgement, RuleVerdict
from worker.store.articles import read_judgement
from worker.store.engine import Store
from worker.store.traces import Trace, find_articles, read_trace

MOST = 5  # articles of one address that are told of
DECISIONS = {
    Reason.RULE_DID_NOT_FIRE: "does not fire",
    Reason.RAISED: "raised an alert",
    Reason.NEWS: "fires, and is news for the alert that this rule has on its story",
    Reason.ALREADY_ALERTED: "fires, but this rule had its alert on this story already, and nothing is new in it",
    Reason.BASELINE: "fires, but the article was in the feed before it was watched: not news",
    Reason.OLD: "fires, but it is old: published, or seen elsewhere, long before its feed brought it",
    Reason.SEEN_BEFORE: "fires, but it is a copy of what its own feed has brought before",
    Reason.SILENCED: "fires, and was silenced",
}
# Of an article settled before decisions were kept, or by rules that cannot be read any more.
UNKNOWN = "fires by these rules; what was decided then is not on record"
OPEN = {
    True: ("parked", "fires, but the article was parked before it had a story: nothing was raised"),
    False: ("open", "fires; whether it raises an alert is decided when the article gets its story"),
}
GROUPED = {
    "link": "the same address",
    "headline": "the same headline",
    "title": "nearly the same headline",
    "text": "nearly the same text",
    "event": "the same event, in other words",
}


class NotFound(WirewatchError):
    """No article has that id or address."""


@dataclass(frozen=True)
class Explained:
    """The traces, as JSON values, of the first MOST articles of one id or address, of `total` that there are."""

    traces: Sequence[dict[str, Any]]
    total: int


def explain(store: Store, config: Config, name: str) -> Explained:
    """A trace of each article with this id or address, the first seen first. Raises NotFound."""
    link = canonical_url(name)
    ids = find_articles(store, public_id=name, link=link_key(link).value if link else "")
    if not ids:
        raise NotFound(
            f"No article is stored under {name!r}. Give an article's id, or its address as the feed has it; "
            "`wirewatch feeds list` shows which feeds are polled, and `wirewatch poll URL` what one holds now."
        )
    return Explained([_explained(read_trace(store, number), config) for number in ids[:MOST]], len(ids))


def _explained(trace: Trace, config: Config) -> dict[str, Any]:
    version = read_version(trace.config.body if trace.config else None, now=config)
    judgement = read_judgement(trace.judgement) if trace.judgement else None
    rules = _rules(trace, version, read_judgement(_decided_by(trace))) if judgement else []
    return {
        "result": _result(trace, rules),
        "article": _article(trace, config),
        "poll": _poll(trace.poll),
        "hold": _hold(trace.hold) if trace.hold else None,
        "revisions": revisions(trace.revisions),
        "page": _page(trace.page),
        "judgement": _judgement(trace, version, judgement) if judgement else None,
        "story": _story(trace, config) if trace.story else None,
        "rules_of": {"config_version": trace.config.id if trace.config else None, "stored": version.stored},
        "rules": rules,
        "alerts": _alerts(trace),
    }


def _result(trace: Trace, rules: Sequence[Mapping[str, Any]]) -> str:
    """One sentence: was it told, and if not, why not."""
    if trace.article.state != ArticleState.SETTLED:
        return f"It {WAITING[trace.article.state]}."
    raised = [rule["id"] for rule in rules if rule["decision"] == Reason.RAISED]
    if raised:
        return f"It raised an alert by {', '.join(raised)}."
    added = [rule["id"] for rule in rules if rule["decision"] == Reason.NEWS]
    if added:
        return f"It raised no alert of its own: it is news for the one by {', '.join(added)}."
    firing = [rule for rule in rules if rule["fires"] or rule["decision"] != Reason.RULE_DID_NOT_FIRE]
    if not firing:
        return "It raised no alert: no rule fires on it."
    return f"It raised no alert: {firing[0]['id']} {firing[0]['words']}."


def _article(trace: Trace, config: Config) -> dict[str, Any]:
    row = trace.article
    return {
        "id": row.public_id,
        "title": row.title,
        "url": row.url,
        "feed": row.feed_id,
        "source": source_words(row.outlet, config.feed(row.feed_id).title or trace.feed.title),
        "state": row.state,
        "revision": row.revision,
        "baseline": row.baseline,
        "old": row.old,
        "published": _time(row.published_at),
        "published_raw": row.published_raw,
        "first_seen": _time(row.first_seen_at),
        "settled": _time(row.settled_at),
        "text_kept": row.text is not None,
    }


def revisions(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """An article's versions, and of each what changed since the one before: the headlines where they differ, and of the
    text the words that do, None where one of the two texts is no longer kept."""
    return [
        {
            "n": row.n,
            "seen": _time(row.seen_at),
            "title": row.title,
            "text_kept": row.text is not None,
            "changes": None if last is None else _changes(last, row),
        }
        for last, row in zip([None, *rows], rows, strict=False)
    ]


def _changes(last: Any, row: Any) -> dict[str, Any]:
    title = {"old": last.title, "new": row.title} if last.title != row.title else None
    if last.text is None or row.text is None:
        return {"title": title, "text": None}
    return {"title": title, "text": [piece._asdict() for piece in word_changes(last.text, row.text)]}


def _hold(row: Any) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "at": _time(row.at),
        "count": row.count,
        "decision": row.decision,
        "decided": _time(row.decided_at),
        "decided_by": row.decided_by,
    }


def _poll(row: Any) -> dict[str, Any] | None:
    """None once the poll history of that time was dropped."""
    names = ("outcome", "seen", "new", "changed", "skipped", "milliseconds")
    return None if row is None else {"at": _time(row.at)} | {name: getattr(row, name) for name in names}


def _page(row: Any) -> dict[str, Any] | None:
    """None for an article whose page nobody asked for. `words`: what became of it."""
    if row is None:
        return None
    names = ("state", "url", "final_url", "status", "hash", "bytes", "characters", "reason", "detail")
    return {name: getattr(row, name) for name in names} | {
        "fetched": _time(row.fetched_at),
        "words": page_words(row.state, row.reason),
    }


def _decided_by(trace: Trace) -> Any:
    """The judgement that stood when its rules were last asked: what was said of it since has changed no alert."""
    last = max((row.at for row in trace.decisions), default=trace.article.settled_at)
    made = [(row.judged_at, row) for row in trace.former]
    made.append((trace.judgement.again_at or trace.judgement.judged_at, trace.judgement))
    stood = [row for at, row in made if last is None or at <= last]
    return stood[-1] if stood else made[0][1]


def _former(row: Any) -> dict[str, Any]:
    return {
        "at": _time(row.judged_at),
        "language": row.language,
        "model": row.model_id,
        "config_version": row.config_version,
        "topics": row.topics,
        "mentions": row.mentions,
    }


def _judgement(trace: Trace, version: Version, judgement: Judgement) -> dict[str, Any]:
    row = trace.judgement
    named = {mention.entity: version.entities.get(mention.entity) for mention in judgement.mentions}
    return {
        "at": _time(row.judged_at),
        "again": _time(row.again_at),
        "former": [_former(one) for one in trace.former],
        "revision": row.revision,
        "language": judgement.language,
        "model": judgement.model_id,
        "watchlist": judgement.watchlist,
        "config_version": row.config_version,
        "notes": note_sentences(judgement),
        "topics": [topic | {"name": version.topic_names.get(topic["id"], topic["id"])} for topic in row.topics],
        "mentions": row.mentions,
        "denials": [_denial(one) for one in trace.denials],
        "names": {entity: known.name if known else entity for entity, known in named.items()},
    }


def _denial(row: Any) -> dict[str, Any]:
    names = ("entity", "text", "author", "because", "ended_by")
    times = {"at": _time(row.created_at), "ended": _time(row.ended_at)}
    return {"id": row.public_id, **{name: getattr(row, name) for name in names}, **times}


def _story(trace: Trace, config: Config) -> dict[str, Any]:
    first, by = trace.first, GROUPED.get(trace.article.grouped_by or "", "")
    return {
        "id": trace.story.public_id,
        "title": trace.story.title,
        "first_seen": _time(trace.story.first_seen_at),
        "articles": len(trace.grown),
        "outlets": len({row.feed_id for row in trace.grown}),
        "original_sources": len({row.relays or (row.feed_id,) for row in trace.grown if row.duplicate_of is None}),
        "languages": sorted({row.language for row in trace.grown if row.language}),
        "grew": [{"article": row.public_id, "seen": _time(row.first_seen_at)} for row in trace.grown],
        "changes": [_change(row) for row in trace.changes],
        "joined_by": by or None,
        "shares": trace.article.grouped_why,
        "relays": trace.article.relays,
        "merged": trace.article.story_id != trace.story.id,
        "copy_of": None
        if first is None
        else {
            "id": first.public_id,
            "title": first.title,
            "source": source_words(first.outlet, config.feed(first.feed_id).title),
            "by": by or "what both had then",
        },
    }


def _change(row: Any) -> dict[str, Any]:
    """`kind`: of a split, whether it went on from the other, or the other from it."""
    kind = row.kind if row.mine or row.kind == MERGED else "followed"
    return {"kind": kind, "at": _time(row.at), "other": row.other, "why": row.why}


def _rules(trace: Trace, version: Version, judgement: Judgement) -> list[dict[str, Any]]:
    """Every rule's verdict, worked out again, and what was decided of those that fire, as it is on record."""
    tags, tier = version.feed_facts(trace.article.feed_id)
    feed = FeedFacts(id=trace.article.feed_id, tags=tags, tier=tier)
    judged = next(row for row in trace.revisions if row.n == trace.judgement.revision)
    read = ArticleText(id=trace.article.public_id, title=judged.title, text=judged.text or "", source=feed.id)
    decided = {row.rule_id: row for row in trace.decisions}
    raised = {row.rule_id for row in trace.alerts if row.article_id == trace.article.id}
    without_text = judged.text is None and trace.article.settled_at is not None
    found = []
    for rule in version.rules:
        verdict = evaluate(rule, article=read, judgement=judgement, feed=feed, entities=version.entities)
        row = decided.get(rule.id)
        if row is not None:
            verdict = replace(verdict, fires=True, because=row.words)
        elif without_text and verdict.fires and not trace.article.baseline and rule.id not in raised:
            # What it was asked of is gone: that nothing was decided tells what it said then. (Before decisions were
            # kept, the alert does.)
            verdict = replace(verdict, fires=False, because="it did not fire on the text, which is kept no more")
        decision, words = _decision(trace, verdict, row)
        found.append(
            {
                "id": rule.id,
                "name": rule.name,
                "fires": verdict.fires,
                "because": verdict.because,
                "decision": decision,
                "words": words,
                "alert": row.alert if row else None,
                "silence": row.silence if row else None,
                "news": [one.words for one in trace.news if row and one.alert_id == row.alert_id],
            }
        )
    return found


def _decision(trace: Trace, verdict: RuleVerdict, row: Any) -> tuple[str, str]:
    """Its name, and words that go on from the rule's."""
    if row is not None:
        by = f" by {row.author}'s silence on {row.silence_kind} {row.value}" if row.silence else ""
        return row.reason, DECISIONS[Reason(row.reason)] + by
    if not verdict.fires:
        return str(Reason.RULE_DID_NOT_FIRE), DECISIONS[Reason.RULE_DID_NOT_FIRE]
    if trace.article.settled_at is None:
        return OPEN[trace.article.state == ArticleState.QUARANTINED]
    if trace.article.baseline:
        return str(Reason.BASELINE), DECISIONS[Reason.BASELINE]
    return "unknown", UNKNOWN


def _alerts(trace: Trace) -> list[dict[str, Any]]:
    """The alerts of its story, each with its deliveries and their attempts."""
    attempts, deliveries = defaultdict(list), defaultdict(list)
    for row in trace.attempts:
        attempts[row.delivery_id].append(_attempt(row))
    for row in trace.deliveries:
        deliveries[row.alert_id].append(_delivery(row) | {"attempts": attempts[row.id]})
    return [
        {
            "id": row.public_id,
            "rule": row.rule_id,
            "severity": row.severity,
            "raised": _time(row.raised_at),
            "by_this_article": row.article_id == trace.article.id,
            "by": {"id": row.raiser, "title": row.raiser_title},
            "because": row.because,
            "acknowledged_by": row.acknowledged_by,
            "acknowledged": _time(row.acknowledged_at),
            "next_message": _time(row.tell_at),
            "messages": [_notification(one) for one in trace.notifications if one.alert_id == row.id],
            "deliveries": deliveries[row.id],
        }
        for row in trace.alerts
    ]


def _notification(row: Any) -> dict[str, Any]:
    return {"n": row.n, "kind": row.kind, "made": _time(row.created_at), "told_with": row.carrier}


def _delivery(row: Any) -> dict[str, Any]:
    names = ("channel", "recipient", "state", "receipt", "reason", "detail", "maybe_duplicate")
    times = {"created": _time(row.created_at), "due": _time(row.due_at), "sent": _time(row.sent_at)}
    return {"id": row.public_id, **{name: getattr(row, name) for name in names}, **times}


def _attempt(row: Any) -> dict[str, Any]:
    return {
        "n": row.n,
        "started": _time(row.started_at),
        "finished": _time(row.finished_at),
        "outcome": row.outcome,
        "reason": row.reason,
        "detail": row.detail,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
