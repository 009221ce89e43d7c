"""The topic model's fit: that it is the least, the same each time, and that rare features are left out."""

import numpy as np
import pytest

from worker.nlp.fitting import fit, separate, vocabulary
from worker.nlp.wordpairs import WORD, margins, read, word_pairs

HARD = 0.5


def test_separate_finds_the_least():
    """No small move from the answer lowers the loss, for either topic."""
    order = np.random.default_rng(3)
    table = order.normal(size=(30, 4))
    truth = np.stack([table[:, 0], -table[:, 1]], axis=1) + order.normal(size=(30, 2)) > 0
    sides = np.where(truth, 1.0, -1.0)
    found = separate([(np.arange(4), row) for row in table], sides, width=4, hardness=HARD)

    def loss(weights, topic):
        short = np.maximum(1 - sides[:, topic] * (table @ weights), 0)
        return weights @ weights / 2 + HARD * (short**2).sum()

    for topic in (0, 1):
        moves = 0.1 * order.normal(size=(50, 4))
        assert all(loss(found[:, topic], topic) <= loss(found[:, topic] + move, topic) for move in moves)


def test_separate_gives_the_same_twice():
    rows = [(np.array([at % 3, 3]), np.array([1.0, 1.0])) for at in range(30)]
    sides = np.where(np.arange(30) % 3 == 1, 1.0, -1.0)[:, None]
    one, other = (separate(rows, sides, width=4, hardness=HARD) for _ in range(2))
    assert np.array_equal(one, other)


def test_vocabulary_leaves_out_what_is_rare_and_weighs_no_concept():
    often, once = (read(WORD.findall(text + "\n")) for text in ("iran missile aroint", "aroint besom"))
    keys, weights = vocabulary([often] * 5 + [once])
    held = dict(zip(keys.tolist(), weights.tolist(), strict=True))
    assert set(often.keys.tolist()) <= held.keys()
    assert not set(once.keys.tolist()) - set(often.keys.tolist()) & held.keys()
    assert {held[key] for key in often.keys[often.paired :].tolist()} == {1.0}
    assert all(held[key] > 1 for key in set(often.keys[: often.paired].tolist()) - set(once.keys.tolist()))


def test_concepts_carry_over_to_words_that_were_never_met():
    """What is learned of Iran's missiles holds for Tehran's rockets."""
    places = ("ardel", "brume", "calder", "dorne")
    texts = [
        f"{place} {words}" for place in places for words in ("iran fires missile", "iran wins match", "missile museum")
    ] * 3
    model = word_pairs()
    fit(model, [read(WORD.findall(text + "\n")) for text in texts], np.array([["fires" in text] for text in texts]))
    known = "ardel brume calder fires wins match museum"
    on, off = (margins(model, read(WORD.findall(f"{known} {words}\n")))[0] for words in ("tehran rocket", "tehran"))
    assert on > off


@pytest.mark.parametrize("again", [True, False])
def test_an_article_may_be_learned_again_by_its_headline(again):
    texts = [("iran fires missile", "sources say in ardel"), ("garden opens", "roses bloom in ardel")] * 5
    wholes = [read(WORD.findall(f"{title}\n{text}")) for title, text in texts]
    heads = {at: read(WORD.findall(f"{title}\n")) for at, (title, _) in enumerate(texts)} if again else {}
    model = word_pairs()
    fit(model, wholes, np.array([[title.startswith("iran")] for title, _ in texts]), again=heads)
    assert margins(model, wholes[0])[0] > 0 > margins(model, wholes[1])[0]
