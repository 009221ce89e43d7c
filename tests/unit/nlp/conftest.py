"""The shipped model, loaded once."""

import pytest

from worker.nlp.topics import load_model


@pytest.fixture(scope="session")
def model():
    return load_model()
