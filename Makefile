# Everything works on a fresh clone with nothing but Python 3.11+ and make. TENSORFLOW=gpu picks the GPU build.
PYTHON ?= python3
TENSORFLOW ?= cpu
BIN := .venv/bin
TESTS ?= tests
DEMO ?=
MINUTES ?= 60
SEED ?= 0
ENDURANCE ?=
# Where it is set, each of the many processes that tests start compiles all modules again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install setup demo test heavy endurance coverage quick ui lint docs bench lock

# To use it takes less than to develop it: no browser, no type checker, no documentation.
USE := .venv/installed-$(TENSORFLOW)
STAMP := .venv/installed-dev-$(TENSORFLOW)

install: $(USE)
setup: $(STAMP)

$(USE): requirements.lock pyproject.toml
	@test -x $(BIN)/pip || { rm -rf .venv; echo "Making the environment .venv"; $(PYTHON) -m venv .venv; }
	@$(BIN)/python scripts/install.py $(TENSORFLOW) requirements.lock
	@rm -f .venv/installed-*
	@touch $@

$(STAMP): $(USE) requirements-dev.lock
	@$(BIN)/python scripts/install.py $(TENSORFLOW) requirements-dev.lock
	@touch $@

demo: install
	$(BIN)/autotl demo $(DEMO)

ui: install
	$(BIN)/autotl ui

# By their numbers of tests, as xdist would order the files, the longest, one test in a browser, would be the last.
SHARED := -n 2 --dist loadfile --no-loadscope-reorder

test: setup
	$(BIN)/python -m pytest $(TESTS) -m "not heavy" $(SHARED) --durations=15

# What takes longest, for CI.
heavy: setup
	$(BIN)/python -m pytest $(TESTS) -m heavy $(SHARED)

# Runs that are killed at random moments and carried on: 50 kills at least, then until the time is up. The table says what
# became of them. ENDURANCE takes more options, such as "--workers 3".
endurance: setup
	PYTHONPATH=.:tests $(BIN)/python -P -m endurance --minutes $(MINUTES) --seed $(SEED) --out build/endurance $(ENDURANCE)

# The whole of it, with the lines that no test reaches; measuring takes a quarter longer.
coverage: setup
	$(BIN)/python -m pytest $(TESTS) $(SHARED) --cov --cov-report=term:skip-covered

quick: setup
	$(BIN)/python -m pytest $(TESTS) -m "not slow and not heavy"

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	mkdir -p .venv/typed  # where mypy finds plugins/ and ui/ by the names they are imported by
	ln -sfn ../../plugins .venv/typed/autotl_plugins
	ln -sfn ../../ui .venv/typed/autotl_ui
	MYPYPATH=.venv/typed $(BIN)/mypy -p autotl -p autotl_plugins -p autotl_ui

# A static site that opens offline: docs/_build/index.html.
docs: setup
	$(BIN)/python -m sphinx -q -W --keep-going -E -b html docs docs/_build

# Measurements; they never gate.
bench: setup
	for file in tests/benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

# The pinned versions of what is installed now, in two files; no addresses, no hashes, so that any mirror serves.
lock: setup
	$(BIN)/python scripts/lock.py
