# Two commands: `make demo` sets everything up and does the main job; `make test` sets everything up and tests it.
PYTHON ?= python3
BIN := .venv/bin
# Threads that wait asleep: on a busy machine spinning ones make numeric code many times slower.
export OMP_WAIT_POLICY := passive
STAMP := .venv/.installed

.PHONY: demo test lint install clean

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Weft needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@echo "Installing the pinned environment into .venv (a few minutes on a slow line)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

install: $(STAMP)

demo: $(STAMP)
	@$(BIN)/weft demo

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A process for each core, up to three (each takes up to 5 GiB), with one thread of arithmetic; a file stays in one.
test: $(STAMP) lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 3 --dist loadfile

clean:
	rm -rf .venv demo .weft
