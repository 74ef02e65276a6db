# Thin on purpose: what each command does stands in resources/setup.sh, tests/ and pyproject.toml.
BIN := .venv/bin

.PHONY: setup demo test check bench fuzz format

setup:                  ## apt packages when missing, .venv, torch, Acetate itself; seconds when nothing changed
	@resources/setup.sh

demo: setup             ## the main job in a real Krita; leaves out/demo.{kra,psd,png} and a screenshot
	@$(BIN)/python -m tests.krita.demo

test: setup             ## everything, from nothing
	@$(MAKE) --no-print-directory check

check: $(BIN)/acetate   ## format, lint, types, import contracts, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m "not krita" -n auto --maxprocesses 4 --dist loadfile
	$(BIN)/pytest -m krita

bench: $(BIN)/acetate   ## a denoising step of layers; the longest gap on Krita's GUI thread while a job runs; how stacks grow
	$(BIN)/acetate bench
	$(BIN)/pytest tests/krita/test_responsiveness.py
	$(BIN)/python -m tests.krita.bench_stack

fuzz: $(BIN)/acetate    ## 10,000 broken documents: an error that names file and reason, nothing else
	ACETATE_FUZZ=10000 $(BIN)/pytest tests/fuzz

format: $(BIN)/acetate  ## what check would complain about, where a tool can mend it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(BIN)/acetate:
	@echo "No $@: Acetate is not set up in this checkout. Run 'make setup' first." >&2; exit 1
