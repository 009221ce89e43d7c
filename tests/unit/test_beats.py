"""Who is silent, by a clock that only runs while somebody listens."""

import pytest

from worker.beats import Silence


def heard(looks, *, most=2.0):
    """The silence after each look (moment, sign)."""
    silence = Silence(most=most)
    return [silence.look(sign, now=now) for now, sign in looks]


@pytest.mark.parametrize(
    ("looks", "seconds"),
    [
        ([(5, None)], [0]),  # the first look: nothing can have been missed yet
        ([(5, None), (6, None), (7, None)], [0, 1, 2]),  # who never beat is silent from then on
        ([(5, "a"), (6, "a"), (7, "b"), (8, "b")], [0, 1, 0, 1]),  # a beat ends the silence
        ([(5, "a"), (6, "a"), (7, None), (8, None)], [0, 1, 0, 1]),  # a file that went away is news, too
        ([(5, "b"), (6, "a"), (7, "b")], [0, 0, 0]),  # a clock that was set back makes no silence
        ([(5, "a"), (3605, "a"), (3606, "a")], [0, 2, 3]),  # an hour asleep: nobody listened, nobody is blamed
        ([(5, "a"), (3605, "b")], [0, 0]),
        ([(5, "a"), (5, "a")], [0, 0]),
    ],
)
def test_silence_is_counted_by_who_listens(looks, seconds):
    assert heard(looks) == seconds


def test_b14_a_silence_of_150_seconds_is_noticed_at_the_next_look():
    seconds = heard([(3.0 * n, "a") for n in range(52)], most=6.0)
    assert next(n for n, silent in enumerate(seconds) if silent > 150) == 51
