"""A picture of measured topics: well-formed, whole, labelled, and readable without its colours."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.charts import KEY, WIDTH, Row, draw
from worker.cli.measured import chart
from worker.nlp.measure import drawn, measure

SVG = "{http://www.w3.org/2000/svg}"
any_pairs = st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=60)


def row(pairs, name="floods"):
    figures = measure(pairs, 0.5)
    detail = drawn(pairs, [(score >= 0.5, False, true) for score, true in pairs], (0.3, 0.7))
    return Row(name, "words", 0.5, figures["precision"], figures["recall"], detail)


def texts(svg):
    return [found.text for found in ET.fromstring(svg).iter(f"{SVG}text")]


@given(any_pairs)
def test_draw_is_well_formed_and_stays_inside_whatever_the_scores(pairs):
    svg = draw("Topics", ["a note"], [row(pairs)])
    root = ET.fromstring(svg)
    assert root.get("width") == str(WIDTH) and "NaN" not in svg and "inf" not in svg
    for found in root.iter(f"{SVG}circle"):
        assert 0 <= float(found.get("cx")) <= WIDTH and 0 <= float(found.get("cy")) <= float(root.get("height"))
    for found in root.iter(f"{SVG}rect"):
        assert float(found.get("height")) >= 0 and float(found.get("width")) >= 0


def test_draw_labels_every_axis_and_says_what_its_marks_mean():
    svg = draw("Topics of m", ["one", "two"], [row([(0.9, True), (0.1, False)]), row([(0.2, True)], "fires")])
    said = texts(svg)
    assert {"Topics of m", "one", "two", "floods", "fires", KEY} <= set(said)
    for words in ("score", "share that is true", "recall", "precision", "articles", "threshold 0.50", "true", "not"):
        assert said.count(words) >= 2, words
    assert 'fill="url(#lines)"' in svg  # what is true is hatched, not only orange


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a & b", '"'])
def test_draw_takes_any_name_as_text(name):
    assert name in texts(draw(name, [name], [row([(0.9, True)], name)]))


def report(**more):
    pairs = [(0.9, True), (0.4, False)]
    figures, detail = {"floods": measure(pairs, 0.5)}, {"floods": row(pairs).detail}
    whole = {"model": "m-1", "articles": 2, "seen_in_training": 0, "topics": figures, "detail": detail}
    return whole | more


def test_chart_of_what_the_model_has_seen_is_its_cross_validation():
    worse = {"floods": measure([(0.9, False), (0.4, True)], 0.5)}
    seen = report(seen_in_training=2, cross_validated={"topics": worse, "detail": report()["detail"]})
    assert any("F1 1.00" in text for text in texts(chart(report())))
    assert any("F1 0.00" in text for text in texts(chart(seen)))
    assert "Cross-validated when the model was trained: it has seen 2 of these 2 articles." in chart(seen)
