"""A feed's id from a name: plain where ASCII has its letters, and its own where not."""

import unicodedata

import pytest

from worker.replay.names import slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BBC World", "bbc-world"),
        ("a.b.example", "a-b-example"),
        ("Zürich", "zurich"),
        ("x" * 99, "x" * 80),
        ("Le Monde – Afrique", "le-monde-afrique"),  # a dash is no letter
        ("연합뉴스", "feed-df5d6abd"),
        ("조선.com", "com-560b0373"),
    ],
)
def test_slug(name, expected):
    assert slug(name) == expected


def test_slug_tells_apart_what_ascii_does_not():
    names = ["연합뉴스", "조선일보", "東亞日報", "조선.com", "동아.com", "!", "", "조" * 99 + "x" * 99]
    slugs = {slug(name) for name in names}
    assert len(slugs) == len(names)
    assert all(0 < len(one) <= 80 for one in slugs)


def test_slug_is_one_for_one_name_however_its_letters_are_composed():
    assert slug(unicodedata.normalize("NFD", "연합뉴스")) == slug(unicodedata.normalize("NFC", "연합뉴스"))
