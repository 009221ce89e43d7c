"""The house rules that a machine can check: who may import what, and that every direct dependency is really there."""

import ast
import importlib.metadata
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
WORKER = ROOT / "worker"
MODULES = sorted(WORKER.rglob("*.py"))

# One outside library, one home (path prefixes below worker/).
HOMES = {
    "sqlalchemy": ("store/",),
    "alembic": ("store/",),
    "spacy": ("nlp/",),
    "feedparser": ("feeds/parse_child.py", "feeds/parse.py"),
    "trafilatura": ("feeds/page_child.py",),
    "protego": ("feeds/robots.py",),
    "celery": ("celery.py", "tasks.py"),
    "aiohttp": ("net.py", "dialling.py"),
    "aiosmtplib": ("delivery/smtp.py",),
    "ahocorasick": ("nlp/",),
    "sentry_sdk": ("sentry.py",),
    "prometheus_client": ("console/scrape.py",),
}
# Lower may never import higher.
LAYERS = [
    ("model", "errors", "metrics"),
    (
        *("scrub", "display", "links", "articles", "alerts", "query", "delivery.retry"),
        *("feeds.update", "feeds.schedule", "feeds.robots", "feeds.storms", "feeds.held"),
    ),
    ("config", "watchlist", "net", "feeds", "nlp", "delivery", "store", "sentry", "reporting"),
    ("pipeline",),
    ("app",),
    ("reload",),
    ("tasks", "console"),
    ("celery",),
    ("cli", "up", "demo", "live", "replay", "roles", "__main__"),
]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name):
    best = (-1, None)
    for level, prefixes in enumerate(LAYERS):
        for prefix in prefixes:
            if (name == prefix or name.startswith(prefix + ".")) and len(prefix) > best[0]:
                best = (len(prefix), level)
    return best[1]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(WORKER)))
def test_house_imports_follow_the_direction(path):
    relative = str(path.relative_to(WORKER))
    me = layer(relative.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    for name in imports(path):
        top = name.split(".")[0]
        if top in HOMES:
            assert relative.startswith(HOMES[top]), f"{relative} imports {name}; its home is {HOMES[top]}"
        if name.startswith("worker.") and me is not None:
            other = layer(name.removeprefix("worker."))
            assert other is None or other <= me, f"{relative} imports {name}, which is above it"


def test_house_has_no_unfinished_words():
    for path in MODULES:
        assert not re.search(r"TODO|FIXME|NotImplementedError", path.read_text()), path


def test_house_direct_dependencies_are_installed():
    for requirement in importlib.metadata.requires("wirewatch"):
        if "extra ==" in requirement or "python_version" in requirement:
            continue
        name = re.match(r"[A-Za-z0-9_.-]+", requirement).group()
        assert importlib.metadata.version(name)


def test_house_lock_names_no_index():
    assert not re.search(r"https?:|--index|file:", (ROOT / "requirements.lock").read_text())
