"""A feed moves on only when its last stage was proven stored, and not before its pace."""

from datetime import UTC, datetime

import pytest

from worker.demo.origin import Origin, Run
from worker.demo.sample import SampleEntry, SampleFeed, Stage

NOW = datetime(2023, 11, 9, 3, 0, tzinfo=UTC)


def stage(note, *guids, hostile=False):
    entries = tuple(SampleEntry(guid, f"Title of {guid}", "A text.", f"https://paper.example/{guid}") for guid in guids)
    return Stage(note, entries, hostile=hostile)


def feed(*stages, form="rss"):
    return SampleFeed("paper", "Paper", "en", form, ("world",), 2, "https://paper.example/", "A paper.", stages)


def ask(run, proof, *, clock=100.0, pace=3.0):
    known, opened = run.answer(proof, pace=pace, clock=clock, now=NOW)
    return known, opened and opened.note


def test_run_serves_the_same_bytes_until_they_are_proven_stored():
    run = Run(feed(stage("one", "a"), stage("two", "b")))
    assert ask(run, None, clock=0) == (False, "one")
    body, etag = run.body, run.etag
    assert ask(run, None, clock=50) == (False, None)
    assert ask(run, '"something else"', clock=60) == (False, None)
    assert (run.body, run.etag) == (body, etag)


def test_run_waits_for_its_pace_and_then_answers_the_proof_with_the_next_stage():
    run = Run(feed(stage("one", "a"), stage("two", "b")))
    ask(run, None, clock=0)
    first = run.etag
    assert ask(run, first, clock=2.9) == (True, None)
    assert ask(run, first, clock=3.0) == (False, "two")
    assert run.etag != first and b"Title of a" in run.body and b"Title of b" in run.body


def test_run_is_through_only_when_the_last_stage_is_proven():
    run = Run(feed(stage("one", "a"), stage("two", "b")))
    ask(run, None, clock=0)
    ask(run, run.etag, clock=5)
    assert not run.through
    assert ask(run, run.etag, clock=6) == (True, None)
    assert run.through


def test_run_goes_on_after_the_proof_even_if_the_next_request_lost_it():
    """The proof came before the pace was over; a desk that starts afresh must not hold the feed for ever."""
    run = Run(feed(stage("one", "a"), stage("two", "b")))
    ask(run, None, clock=0)
    ask(run, run.etag, clock=1)
    assert ask(run, None, clock=5) == (False, "two")


def test_run_leaves_a_hostile_stage_after_two_servings_and_its_pace():
    run = Run(feed(stage("one", "a"), stage("bad", hostile=True), stage("two", "b")))
    ask(run, None, clock=0)
    first = run.etag
    assert ask(run, first, clock=5) == (False, "bad")
    assert b"<!ENTITY" in run.body
    assert ask(run, first, clock=6) == (False, None)
    assert ask(run, first, clock=7) == (False, None)  # twice served, but too soon
    assert ask(run, first, clock=8) == (False, "two")
    assert b"Title of a" in run.body and b"ENTITY" not in run.body


def test_run_etag_changes_when_an_entry_is_edited():
    edited = Stage("edit", (SampleEntry("a", "Another title", "A text.", "https://paper.example/a"),))
    run = Run(feed(stage("one", "a"), edited, form="atom"))
    ask(run, None, clock=0)
    assert ask(run, run.etag, clock=9) == (False, "edit")
    assert b"Another title" in run.body and b"Title of a" not in run.body


@pytest.fixture
def origin():
    """Not started: what it would answer, without a socket being dialled."""
    origin = Origin([feed(stage("one", "a"), stage("two", "b", "a"))], pace=0)
    yield origin
    origin.stop()


def test_origin_serves_each_stage_once_and_tells_when_it_is_done(origin):
    proof, statuses = None, []
    for _ in range(3):
        status, _body, proof, _type = origin.serve("paper", proof)
        statuses.append((status, origin.done.is_set()))
    assert statuses == [(200, False), (200, False), (304, True)]


def test_origin_truth_lists_each_entry_once(origin):
    assert origin.truth() == (("paper", "a"), ("paper", "b"))


def test_origin_knows_only_its_feeds(origin):
    assert origin.serve("nobody", None)[0] == 404


def test_origin_says_how_far_it_is_and_what_comes_next():
    with Origin([feed(stage("one", "a"), stage("an attack", hostile=True), stage("three", "c"))], pace=0) as origin:
        seen = [origin.progress()]
        for _ in range(6):
            proof = origin.serve("paper", None)[2]
            origin.serve("paper", proof)
            seen.append(origin.progress())
    assert seen[0] == (0, 3, "Paper: one")
    assert (1, 3, "Paper: three") in seen
    assert seen[-1] == (3, 3, "")
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
