"""Whose report an article passes on."""

import pytest

from worker.articles.agencies import agency_of


@pytest.mark.parametrize(
    ("title", "text", "source", "agency"),
    [
        ("Kim opens a dam", "SEOUL, Nov 8 (Reuters) - Kim opened a dam.", "", "Reuters"),
        ("Kim opens a dam - KCNA", "", "", "KCNA"),
        ("Kim opens a dam", "The dam is the largest, state news agency KCNA said.", "", "KCNA"),
        ("Kim opens a dam", "It was opened, according to the official Korean Central News Agency.", "", "KCNA"),
        ("Kim opens a dam", "North Korea's state media reported that a dam was opened.", "", "KCNA"),
        ("Kim opens a dam", "He told the Yonhap news agency of it.", "", "Yonhap"),
        ("Kim opens a dam", "", "Kyodo News", "Kyodo"),
        # Not their report:
        ("Kim opens a dam", "A reporter of ours stood beside the men of Reuters.", "", ""),
        ("Kim opens a dam", "The tass is said to be full; ap says the sign.", "", ""),
        ("Reuters building burns", "Nobody was hurt.", "", ""),
        ("Kim opens a dam", "x" * 700 + " KCNA said.", "", ""),  # too far down
        ("", "", "", ""),
    ],
)
def test_agency_of(title, text, source, agency):
    assert agency_of(title, text, source=source) == agency
