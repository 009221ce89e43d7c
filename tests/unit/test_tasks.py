"""The thin tasks: how many may run a step at once, and that nobody's call is forgotten."""

import threading

import pytest

from worker import app, celery, tasks


class FakeRuntime:
    """All that `run` asks of a Runtime."""

    def __init__(self):
        self.hints = []

    def hint(self, queue):
        self.hints.append(queue)


@pytest.fixture
def runtime(monkeypatch):
    made = FakeRuntime()
    monkeypatch.setattr(app, "_runtime", made)
    for called in tasks.CALLED.values():
        called.clear()
    return made


def step(monkeypatch, answer):
    monkeypatch.setitem(tasks.STEPS, "analyse", answer)


@pytest.mark.parametrize(
    ("more", "hints"),
    [
        (False, []),  # the batch was not full: the work is done
        (True, ["analyse"]),  # there may be more: hint once
    ],
)
def test_run_hints_again_only_when_there_may_be_more(runtime, monkeypatch, more, hints):
    step(monkeypatch, lambda: more)
    assert tasks.run("analyse") is more
    assert runtime.hints == hints


def test_a_poll_task_fetches_pages_too_and_asks_for_more_by_its_own_queue(runtime, monkeypatch):
    done = []
    monkeypatch.setitem(tasks.STEPS, "poll", lambda: bool(done.append("poll")))
    monkeypatch.setitem(tasks.STEPS, "pages", lambda: not done.append("pages"))
    tasks.poll()
    assert (done, runtime.hints) == (["poll", "pages"], ["poll"])


def test_run_remembers_who_came_while_all_places_were_taken(runtime, monkeypatch):
    inside, leave = threading.Event(), threading.Event()

    def slow():
        inside.set()
        leave.wait(10)
        return False

    step(monkeypatch, slow)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(tasks.run("analyse")))
    thread.start()
    assert inside.wait(10)
    assert tasks.run("analyse") is False, "no place: the one inside is told instead"
    leave.set()
    thread.join()
    assert answers == [True]
    assert runtime.hints == ["analyse"]


def test_run_leaves_word_for_one_who_is_just_leaving(runtime, monkeypatch):
    step(monkeypatch, lambda: False)

    class Door:
        """Whoever comes finds the place taken, and by then its holder has looked for the last time."""

        def acquire(self, *, blocking):
            seen.append(tasks.CALLED["analyse"].is_set())
            return False

    seen = []
    monkeypatch.setitem(tasks.FREE, "analyse", Door())
    assert tasks.run("analyse") is False
    assert seen == [True], "the holder sees the call, however soon it leaves"


def test_run_gives_its_place_back_when_the_step_fails(runtime, monkeypatch):
    def broken():
        raise RuntimeError("the database is away")

    step(monkeypatch, broken)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            tasks.run("analyse")


def test_runtime_is_refused_before_it_is_installed(monkeypatch):
    monkeypatch.setattr(app, "_runtime", None)
    with pytest.raises(RuntimeError, match="install"):
        app.runtime()


def test_a_step_that_hangs_ends_its_process_and_one_that_takes_long_does_not(runtime, monkeypatch):
    inside, leave, ended = threading.Event(), threading.Event(), []
    step(monkeypatch, lambda: inside.set() or leave.wait(10))
    thread = threading.Thread(target=tasks.run, args=("analyse",))
    thread.start()
    assert inside.wait(10)
    (_, since) = next(iter(tasks.SINCE.values()))
    tasks.end_if_hung({"analyse": 60.0}, now=since + 59, end=ended.append)
    assert ended == []
    tasks.end_if_hung({"analyse": 60.0}, now=since + 61, end=ended.append)
    assert ended == [tasks.HUNG]
    leave.set()
    thread.join()
    assert tasks.SINCE == {}


def test_timers_of_two_queues_do_not_wait_for_each_other(runtime, monkeypatch):
    """Polls that always come back full must not keep deliveries waiting while Redis is away."""
    delivered, ticked, stop = threading.Event(), threading.Event(), threading.Event()

    def poll():
        stop.wait(0.01)
        return not stop.is_set()

    monkeypatch.setitem(tasks.STEPS, "poll", poll)
    monkeypatch.setitem(tasks.STEPS, "deliver", lambda: delivered.set() or False)
    monkeypatch.setattr(tasks, "tick", ticked.set)
    timers = tasks.start_timers(("poll", "deliver"), every=0.01, leases={"poll": 60.0, "deliver": 60.0})
    assert delivered.wait(5) and ticked.wait(5)
    timers.set()
    stop.set()
    for thread in threading.enumerate():
        if thread.name.endswith("-timer"):
            thread.join(5)


def test_a_start_that_fails_is_tried_until_it_succeeds_and_only_then_ready(monkeypatch):
    monkeypatch.setattr(celery, "START_WAITS", (0.001, 0.002))
    told, left = [], [ConnectionError("away"), ConnectionError("still away"), RuntimeError("now what"), None]

    def start():
        error = left.pop(0)
        told.append("failed" if error else "started")
        if error:
            raise error

    celery.start_patiently(start, lambda: told.append("ready"))
    assert told == ["failed"] * 3 + ["started", "ready"]
