"""What each process loads as it starts."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("worker.cli", "aiohttp alembic celery fastapi feedparser lxml numpy pydantic sentry_sdk spacy sqlalchemy"),
        ("worker.roles.scheduler", "aiohttp alembic fastapi feedparser lxml numpy spacy"),
        ("worker.roles.console", "aiohttp alembic celery feedparser numpy spacy"),
        ("worker.roles.worker", "alembic fastapi feedparser numpy spacy"),  # spaCy comes with the first judgement
    ],
)
def test_process_loads_only_what_it_needs(module, unneeded):
    """Memory, and the time of every start: `up` starts all of them at once."""
    look = f"import sys, {module}; print([name for name in {unneeded.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
