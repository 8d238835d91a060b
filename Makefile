# `make bench` trains and compares, `make paper` does so at length, `make test` checks, `make ui` opens
# the records. Each one sets up .venv by itself from whatever python3 (3.11 to 3.13) there is.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: ring bench paper test test-lowest test-system test-gpu torture ui lint types clean

# Everything once, with points in the plane instead of images: two minutes, set-up not included.
ring: .venv/ready
	$(BIN)/ganbench run ring

bench: .venv/ready
	$(BIN)/ganbench run quick

# Some two hours on two cores; stopped or killed, it resumes where it was.
paper: .venv/ready
	$(BIN)/ganbench run paper

test: .venv/ready-dev
	$(BIN)/pytest -m "not system and not gpu"

# With the lowest versions that pyproject.toml allows, in .venv-lowest. LOWEST names other tests.
LOWEST ?= tests/nn tests/laws tests/training tests/evaluation tests/analysis tests/tracking tests/test_cli.py
test-lowest: .venv-lowest/ready
	.venv-lowest/bin/pytest -m "not system and not gpu" $(LOWEST)

# What make test leaves out for its time: servers, a browser, a cluster, several sweeps in a test.
test-system: .venv/ready-dev
	$(BIN)/pytest -m system

# On a machine with an NVIDIA GPU: replayed steps are the steps, side by side as alone, resumed.
test-gpu: .venv/ready-dev
	$(BIN)/pytest -n0 -m gpu

# Some seven minutes of kills, a full disk and bad inputs; the figures go to results/torture/.
torture: .venv/ready-dev
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m torture

ui: .venv/ready
	$(BIN)/ganbench ui

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/ready-dev
	$(BIN)/mypy

# What was trained stays: it lies in results/.store and costs hours.
clean:
	rm -rf .venv .venv-lowest .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

.venv/uv:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "ganbench needs Python 3.11, 3.12 or 3.13: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	touch $@

# uv brings the gigabytes of torch in seconds where pip takes minutes.
.venv/ready: .venv/uv pyproject.toml constraints.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable .
	touch $@

.venv/ready-dev: .venv/ready
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv-lowest/ready: .venv/uv pyproject.toml
	rm -rf .venv-lowest
	$(BIN)/uv venv --quiet --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable '.[dev]'
	touch $@
