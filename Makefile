# Two commands for people: `make demo` (a village to play with) and `make test`.
# Both set up everything they need in .venv, from hash-locked packages, and ask nothing.

PYTHON ?= python3
PY := .venv/bin/python
RUNTIME := .venv/.runtime-ready
DEV := .venv/.dev-ready
PIP := $(PY) -m pip --disable-pip-version-check --quiet install --require-hashes

.PHONY: help demo test coverage check format bench campaign lock clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(RUNTIME) ## Run a whole village: simulated radios, one node, the chat on http://127.0.0.1:8080/
	@$(PY) -m kimnode demo

test: $(DEV) ## Run the tests (about ten minutes); what this machine lacks is skipped with the reason
	@$(PY) -m pytest -m "not campaign"
	@$(MAKE) --no-print-directory coverage

coverage: $(DEV) ## Branch coverage of the pure floors, held at 98 %
	@$(PY) -m pytest -q tests/rules tests/wire tests/fuzz tests/store tests/test_role_matrix.py \
	  --cov=kimnode.wire --cov=kimnode.rules --cov-branch --cov-fail-under=98 --cov-report=term:skip-covered

check: $(DEV) ## Formatting, lint, types, import floors
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache

format: $(DEV) ## Put the code in the house's shape
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

bench: $(DEV) ## Measure against named references; writes benchmarks/results.json
	@$(PY) -m benchmarks

campaign: $(DEV) ## The long runs: kills, fuzz, seeds (about an hour)
	@CAMPAIGN=1 $(PY) -m pytest -m campaign --timeout=3600
	@$(PY) -m tests.fuzz.run --seconds 600

lock: ## Renew the hash-locked package lists
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip --quiet install uv
	@.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url -o requirements.lock pyproject.toml
	@.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url -c requirements.lock --extra dev \
	  -o requirements-dev.lock pyproject.toml
	@rm -rf .venv-lock

clean: ## Remove everything that the other commands made
	@rm -rf .venv demo-data .coverage .pytest_cache .hypothesis .mypy_cache .ruff_cache

$(PY):
	@deploy/make-venv $(PYTHON) .venv

$(RUNTIME): requirements.lock | $(PY)
	@echo "Installing packages (once, a minute or two) ..."
	@$(PIP) -r requirements.lock
	@touch $@

$(DEV): requirements-dev.lock | $(PY)
	@echo "Installing packages for the tests (once, a minute or two) ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@ $(RUNTIME)
