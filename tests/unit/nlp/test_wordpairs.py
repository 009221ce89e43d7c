"""The topic model's layer: what it reads, and that its shares are exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.nlp.fitting import fit
from worker.nlp.wordpairs import WORD, margins, read, shares, stem, word_pairs

PLACES = ["ardel", "brume", "calder", "dorne"]


@pytest.fixture(scope="module")
def layer():
    """Topic 0: ships in a harbour; neither ships nor harbours alone. Topic 1: gardens."""
    texts, truth = [], []
    for n in range(40):
        place = PLACES[n % 4]
        texts += [
            f"ships enter {place} harbour",
            f"ships leave {place}",
            f"{place} harbour closed",
            f"{place} garden iran missile",
        ]
        truth += [(True, False), (False, False), (False, False), (False, True)]
    model = word_pairs()
    fit(model, [read(WORD.findall(text + "\n")) for text in texts], np.array(truth))
    return model


@pytest.mark.parametrize(
    ("word", "expected"),
    [("shells", "shell"), ("shipped", "shipp"), ("ships", "ship"), ("as", "as"), ("news", "news"), ("talks", "talk")],
)
def test_stem_leaves_four_letters(word, expected):
    assert stem(word) == expected


def test_read_counts_the_title_twice_and_pairs_what_is_not_common():
    found = read(["boats", "sail", "\n", "the", "boats", "rest"])
    assert found.single == len(found.stems) == 4  # boat, sail, the, rest
    assert sorted(found.counts[:4].tolist()) == [1, 1, 2, 3]
    assert sorted(found.counts[4 : found.paired].tolist()) == [1, 1, 2]  # the title's own pair twice
    assert len(set(found.keys.tolist())) == 7


@given(
    st.lists(
        st.sampled_from(["ships", "harbour", "ardel", "garden", "the", "iran", "missile", "unknown", ".", "\n"]),
        max_size=80,
    )
)
def test_shares_sum_to_the_margin(layer, texts):
    for topic in (0, 1):
        whole = margins(layer, read(texts))[topic]
        found = shares(layer, texts, topic, found=read(texts))
        assert found.sum() + layer.get_param("b")[topic] == pytest.approx(whole, abs=1e-5)


def test_pairs_say_what_single_words_cannot(layer):
    texts = ("ships enter ardel harbour", "ships leave ardel", "ardel harbour closed")
    both, ships, harbour = (margins(layer, read(WORD.findall(text + "\n")))[0] for text in texts)
    assert both > 0 > max(ships, harbour)


@pytest.mark.parametrize("text", ["", "die Schiffe liegen im Hafen", "harbour und sonst nichts"])
def test_what_is_mostly_unknown_is_not_read(layer, text):
    assert margins(layer, read(WORD.findall(text.lower()))) == pytest.approx(layer.get_param("b"))
