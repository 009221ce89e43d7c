"""The thin tasks: how many may run a step at once, and that nobody's call is forgotten."""

import threading

import pytest

from worker import app, tasks


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
