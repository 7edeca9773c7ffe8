# Everything a newcomer, a developer and CI run. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
BIN := $(VENV)/bin
READY := $(VENV)/ready-$(VERSION)
PEERS := $(VENV)/peers-$(VERSION)
PLUGINS := $(patsubst %/pyproject.toml,./%,$(wildcard plugins/*/pyproject.toml))

# About half of what tests take, so that both halves run side by side.
LONG := tests/cli tests/journal tests/lab

# Telegrams captured from real meters stand beside the checkout where they are at hand.
ifneq ($(wildcard ../shared/vectors),)
export METERGATE_VECTORS ?= $(abspath ../shared/vectors)
endif

.PHONY: help demo test check lint protocol-tests long-tests other-tests services lab bench format docs install wheels clean python

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(READY) ## a simulated building being read, no meter at hand
	@$(BIN)/metergate demo

test: $(READY) ## all tests that need no servers
	$(BIN)/python -m pytest -m "not services and not lab"

check: $(READY) ## what a change must pass: format, lint, types, floors, tests
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target other-tests long-tests lint protocol-tests

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@for folder in $(PLUGINS); do MYPYPATH=$$folder/src $(BIN)/mypy $$folder/src $$folder/tests || exit 1; done
	$(BIN)/lint-imports --no-logo

# The protocol's own tests reach every branch of it, without the telegrams of others.
protocol-tests: $(READY)
	METERGATE_VECTORS= $(BIN)/coverage run -m pytest -m "not services and not lab" tests/protocol
	$(BIN)/coverage report

long-tests: $(READY)
	$(BIN)/python -m pytest -m "not services and not lab" $(LONG)

other-tests: $(READY)
	$(BIN)/python -m pytest -m "not services and not lab" --ignore=tests/protocol $(LONG:%=--ignore=%)

services: $(READY) ## tests with real servers or many processes
	$(BIN)/python -m pytest -m services

lab: $(READY) ## the long seeded tests
	$(BIN)/python -m pytest -m lab

bench: $(READY) $(PEERS) ## the figures of docs/performance.md beside their goals
	$(BIN)/python -m benchmarks

format: $(READY) ## the formatter, then what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## the generated pages of docs/
	$(BIN)/python docs/generate.py

wheels: $(READY) ## wheels of metergate and its plugins in dist/
	@for folder in . $(PLUGINS); do $(BIN)/python -m build --wheel --outdir dist "$$folder" || exit 1; done

install: python ## metergate with all plugins for this user: pipx, or an environment of its own
	@set -euo pipefail; \
	if command -v pipx >/dev/null; then \
		pipx install --force --python '$(PYTHON)' --pip-args '-c $(abspath constraints.txt)' .; \
		for folder in $(PLUGINS); do pipx inject --force metergate "$$folder"; done; \
		echo "Installed with pipx: metergate, $(words $(PLUGINS)) plugin(s)."; \
	else \
		home="$${XDG_DATA_HOME:-$$HOME/.local/share}/metergate/venv"; \
		'$(PYTHON)' -m venv --clear "$$home"; \
		"$$home/bin/python" -m pip install --quiet -c constraints.txt . $(PLUGINS); \
		mkdir -p "$$HOME/.local/bin"; \
		ln -sfn "$$home/bin/metergate" "$$HOME/.local/bin/metergate"; \
		echo "Installed into $$home: metergate, $(words $(PLUGINS)) plugin(s); command: $$HOME/.local/bin/metergate"; \
		case ":$$PATH:" in *":$$HOME/.local/bin:"*) ;; *) echo "Add $$HOME/.local/bin to PATH to call it by name.";; esac; \
	fi

clean: ## removes the environment with all that was built
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@'$(PYTHON)' -c '' 2>/dev/null || \
		{ echo "$(PYTHON) does not run: apt install python3 python3-venv" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is $(VERSION), Metergate needs 3.11: apt install python3.11 python3.11-venv, then make PYTHON=python3.11" >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module: apt install python3-venv" >&2; exit 1; }

# One environment, made anew when another Python is asked for; filled again when what it holds is declared otherwise.
$(READY): pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml) | python
	@test "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = '$(VERSION)' || \
		'$(PYTHON)' -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]' $(addprefix -e ,$(PLUGINS))
	@rm -f $(VENV)/ready-*
	@touch $@

# What only the benchmarks compare with; where it cannot be installed, their table says so.
$(PEERS): $(READY)
	@rm -f $(VENV)/peers-*
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[bench]' && touch $@ || \
		echo 'The peers of the benchmarks could not be installed.' >&2
