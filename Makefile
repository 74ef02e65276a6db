# Thin on purpose: what each command does stands in resources/setup.sh, tests/ and pyproject.toml.
BIN := .venv/bin

.PHONY: setup demo test update newest dist check test-kritas long bench shots fuzz chaos soak format

setup:                  ## apt packages when missing, .venv, torch, Acetate itself; seconds when nothing changed
	@resources/setup.sh

demo: setup             ## the main jobs in a real Krita; leaves out/demo.{kra,psd,png}, demo-behind.png and a screenshot
	@$(BIN)/python -m tests.krita.demo

test: setup             ## everything, from nothing
	@$(MAKE) --no-print-directory check

update: setup           ## the newest versions allowed into resources/requirements.lock, and everything tested with them
	@resources/lock.sh
	@$(MAKE) --no-print-directory test

newest:                 ## the tests with the newest versions allowed, in .venv-newest; the lock stays as it is
	@resources/setup.sh newest
	@VENV=.venv-newest resources/check.sh tests krita

dist: $(BIN)/acetate    ## wheel, sdist and the zip for Krita, in dist/; the same sources make the same bytes
	@$(BIN)/python resources/dist.py

check: $(BIN)/acetate   ## format, lint, types, import contracts, tests: every part, then a summary
	@resources/check.sh

test-kritas: $(BIN)/acetate ## the tests in Krita in every Krita of Debian, 5.1 to 6.0; as root; the table is in tests/krita/README.md
	@$(BIN)/python -m tests.krita.kritas

bench: $(BIN)/acetate   ## speed, memory and growth against peers and limits, each with a verdict (out/bench.json); gaps on Krita's GUI thread; how stacks grow
	@mkdir -p out
	$(BIN)/acetate bench --json out/bench.json
	$(BIN)/pytest -m timed
	$(BIN)/python -m tests.krita.bench_stack

long: $(BIN)/acetate    ## what takes too long for every change: each line is a part, all of them run
	@resources/check.sh long kritas fuzz variants wheel fresh

shots: $(BIN)/acetate   ## STATE="live stack": pictures of the docker in Krita's own workspace, to be looked at: out/shots
	@$(BIN)/python -m tests.krita.shots $(STATE)

fuzz: SEED := $(or $(SEED),$(shell date +%s))
fuzz: $(BIN)/acetate    ## SEED=…: 10,000 broken documents: an error that names file and reason, nothing else; says its seed
	@echo "The same documents again: make fuzz SEED=$(SEED)"
	ACETATE_FUZZ=10000 $(BIN)/pytest tests/fuzz --hypothesis-seed=$(SEED)

chaos: $(BIN)/acetate   ## PARTS="kills frozen full locks hangs clock krita": nothing lost, nothing twice; a table
	$(BIN)/python -m tests.chaos $(PARTS)

soak: $(BIN)/acetate    ## 2,000 jobs of 16 clients, 10,000 that wait: memory, descriptors, threads, how long answers take
	$(BIN)/python -m tests.soak

corpus: $(BIN)/acetate  ## FOLDER=…: documents composed from their layers, against the merged picture of their program
	$(BIN)/python -m tests.engine.documents.corpus $(FOLDER)

format: $(BIN)/acetate  ## what check would complain about, where a tool can mend it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(BIN)/acetate:
	@echo "No $@: Acetate is not set up in this checkout. Run 'make setup' first." >&2; exit 1
