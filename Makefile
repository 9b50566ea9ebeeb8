# make demo    try mcp-tui: offline demo model, bundled servers; needs nothing but Python 3.11 or newer
# make test    everything that .ci/run checks, in the same virtual environment
# make bench   the benchmarks (BENCH="--quick start" for some of them, quickly)
# make lint    style, types and layers only
# make docs    the generated parts of README.md: key table, configuration reference, screenshot
# make lock    pin the dependencies anew
# make clean   remove what the other targets made
#
# PYTHON=/path/to/python chooses the Python for a new virtual environment, VENV=dir its folder.

VENV ?= .venv
BIN = $(VENV)/bin
LOCK_FLAGS = --quiet --no-header --generate-hashes --strip-extras --allow-unsafe

.PHONY: demo install dev test bench lint docs lock clean
.DEFAULT_GOAL := demo

demo: install
	@$(BIN)/mcp-tui demo

install:
	@PYTHON="$(PYTHON)" .ci/install $(VENV) requirements.lock

dev:
	@PYTHON="$(PYTHON)" .ci/install $(VENV) requirements-dev.lock

test:
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash .ci/run

bench: dev
	@$(BIN)/python -m benchmarks $(BENCH)

lint: dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

docs: dev
	@$(BIN)/python -m tests.support.readme

lock: dev
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile $(LOCK_FLAGS) --upgrade --output-file=requirements.lock pyproject.toml
	@$(BIN)/pip-compile $(LOCK_FLAGS) --upgrade --extra=dev --constraint=requirements.lock \
		--output-file=requirements-dev.lock pyproject.toml

clean:
	@rm -rf $(VENV) .venv-ci .cache build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
