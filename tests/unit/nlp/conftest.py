"""The shipped model and the term rules, loaded once."""

import pytest

from worker.model import ArticleText
from worker.nlp.terms import load_terms
from worker.nlp.topics import load_model


@pytest.fixture(scope="session")
def model():
    return load_model()


TOPICS = {"N": "nk-russia-arms", "K": "korea-diplomacy", "M": "middle-east"}


@pytest.fixture(scope="session")
def terms():
    return load_terms()


@pytest.fixture(scope="session")
def calls(terms):
    """(language, title, text) -> the letters of the topics that match: N arms, K Korea, M Middle East."""

    def call(language, title, text=""):
        rules = terms[language]
        scored = rules.score(ArticleText("x", title, text), TOPICS.values())
        limits = rules.language.topics
        return "".join(letter for letter, topic in TOPICS.items() if scored[topic].score >= limits[topic].threshold)

    return call
