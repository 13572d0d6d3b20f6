# One word each. Needs Python >= 3.11 and make; everything else is installed here, into .venv.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python
export PYTHONDONTWRITEBYTECODE =

.PHONY: help setup demo laptop test journeys check format docs bench lock clean

help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "modelgate needs Python 3.11, 3.12 or 3.13; none was found on PATH. Install one, or say: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"; rm -rf .venv; exit 1; }

.venv/.laptop: requirements-laptop.txt pyproject.toml | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -o '^uv==[0-9.]*' requirements-laptop.txt)"
	@$(UV) -r requirements-laptop.txt
	@$(UV) --no-deps -e .
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.laptop
	@$(UV) -r requirements-dev.txt
	@touch $@

setup: .venv/.laptop  ## install what the laptop needs

demo: .venv/.laptop  ## set up, drop a real bundle, wait for its verdict
	@$(BIN)/modelgate demo

laptop: .venv/.laptop  ## the whole system on this machine; drop bundles into .modelgate/model-drop/
	@$(BIN)/modelgate up

test: .venv/.dev  ## every quick test
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow" $(ARGS)

journeys: .venv/.dev  ## slow tests: whole releases through a real laptop
	@$(BIN)/python -m pytest -m slow $(ARGS)

check: .venv/.dev  ## format, lint, types, rooms, generated docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/house
	@$(BIN)/python -m docs.make --check

format: .venv/.dev  ## write the house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: .venv/.dev  ## write the generated parts of README and docs/
	@$(BIN)/python -m docs.make

bench: .venv/.dev  ## measure; prints a table and writes bench.json
	@$(BIN)/python -m tests.bench

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate pyproject.toml
lock: .venv/.laptop  ## compile the requirements files from pyproject.toml
	@$(COMPILE) --extra azure -o requirements.txt
	@$(COMPILE) --extra laptop -o requirements-laptop.txt
	@$(COMPILE) --extra laptop --extra dev -o requirements-dev.txt

clean:  ## remove .venv and caches; the laptop's home stays
	@rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
