# Everything that is done to this repository. `make help` lists it.

SHELL := /bin/sh
BIN := .venv/bin
SOURCES := $(wildcard translations/*/LC_MESSAGES/*.po plugins/*/portal_*/translations/*/LC_MESSAGES/*.po)
CATALOGUES := $(SOURCES:.po=.mo)

export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup install run test lint bench translate screenshots lock clean

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name text; do printf '%-20s %s\n' "$$name" "$$text"; done

setup: install ## install everything into .venv; `portal` is then at .venv/bin/portal
	@$(MAKE) --silent $(CATALOGUES)

install:
	@scripts/setup

%.mo: %.po
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

run: setup ## open the demonstration on http://127.0.0.1:8000
	@exec $(BIN)/portal all

test: setup lint ## run all tests; on Debian as root this installs what they need
	@scripts/install-test-servers
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: setup ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup ## measure how fast it is, and that it sells no time twice
	@scripts/install-test-servers
	$(BIN)/python -m benchmarks

translate: setup ## collect all texts into the catalogues of the core and of each plugin
	$(BIN)/python scripts/translate.py
	@$(MAKE) --silent setup

screenshots: setup ## take the pictures of the README, by walking the journey in a browser
	@scripts/install-test-servers
	PORTAL_SCREENSHOTS=docs/screenshots PORTAL_TEST_COMPLETE=1 $(BIN)/pytest tests/journeys

lock: setup ## choose the newest allowed versions of all packages anew
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-package thyrida --no-annotate --no-header --extra dev --extra keycloak --upgrade pyproject.toml -o requirements.lock

clean: ## remove what was built and installed, not the instance folder
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis $(CATALOGUES)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
