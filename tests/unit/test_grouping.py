"""How well known stories are found, and what is said of a file that has none."""

import json

from worker.grouping import group_known

FERRY = [
    ("Ferry sinks off Zanzibar, dozens drown", "a"),
    ("Zanzibar ferry sinks, dozens missing", "a"),
    ("Snow closes a pass in the hills", "b"),
    ("A bridge falls into the river", "b"),
]


def lines(rows):
    for n, (title, story) in enumerate(rows):
        yield json.dumps({"id": str(n), "title": title, "story": story}).encode()


def test_group_known_measures_and_says_what_was_split():
    known = group_known(lines(FERRY))
    assert known.figures() == {
        "articles": 4,
        "unread": 0,
        "stories": 2,
        "found": 3,
        "precision": 1.0,
        "recall": 0.75,
        "f1": 0.8571,
    }
    assert known.errors() == {"split": [[[FERRY[2][0]], [FERRY[3][0]]]], "mixed": []}


def test_group_known_counts_what_names_no_story():
    known = group_known([b'{"title": "Snow in the hills"}', b"broken", b"", *lines(FERRY[:2])])
    assert (known.figures()["articles"], known.figures()["unread"]) == (2, 2)


def test_group_known_of_nothing():
    assert group_known([]).figures()["f1"] == 1.0
