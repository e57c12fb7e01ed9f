# Two commands matter: `make demo` shows Livewall at work, `make test` runs all tests. Both set up what they need.
# Prerequisites: make, Python 3.11 or newer with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Schemathesis has many dependencies: it has an environment of its own.
FUZZ := .venv-fuzz
SCHEMATHESIS := schemathesis>=4.32,<5
# Tests that run side by side: one more than two processors have, as tests also wait for other processes and for timers.
JOBS ?= 3

.PHONY: demo test quick check check-js torture fuzz bench system clean

demo: $(VENV)/.runs
	@exec $(BIN)/livewall demo

# Continuous integration checks the code as well.
test: $(VENV)/.tests system
	@if [ "$(CI)" = true ]; then $(MAKE) --no-print-directory check; fi
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# What needs neither processes of its own nor a browser, in less than a minute.
quick: $(VENV)/.tests
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/core tests/pages tests/edge tests/js

check: $(VENV)/.tests check-js
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

# The scripts of the pages. What checks them comes from npm and is needed for nothing else.
ifneq ($(shell command -v node >/dev/null && command -v npm),)
check-js: node_modules/.has
	node_modules/.bin/eslint .
	node_modules/.bin/tsc
else
check-js:
	@echo "The scripts of the pages are not checked: that needs node and npm"
	@[ "$(CI)" != true ]
endif

# The same properties and kills as in `make test`, for longer; seeds are printed.
torture: $(VENV)/.tests
	LIVEWALL_TORTURE=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --hypothesis-profile=deep --timeout=3600 \
	    tests/core tests/edge tests/services

# What the API's description says, and what it does not, sent to a real server for some three minutes.
fuzz: $(VENV)/.tests $(FUZZ)/.has
	cd tests/services && $(CURDIR)/$(BIN)/python fuzz.py $(CURDIR)/$(FUZZ)/bin/schemathesis

bench: $(VENV)/.tests
	$(BIN)/python -m benchmarks

# Chromium, fonts and node, from the system's package manager.
system:
	@.ci/system

# A stamp says that an environment has what setup.cfg lists; it is made again when that changes.
$(VENV)/.runs: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	@touch $@

$(VENV)/.tests: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,test]'
	@touch $@ $(VENV)/.runs

$(FUZZ)/.has: Makefile | $(BIN)/python
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check '$(SCHEMATHESIS)'
	@touch $@

# Nothing of these packages is run while they are installed.
node_modules/.has: package.json
	npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Livewall needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { echo "This Python cannot make environments. On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

clean:
	rm -rf $(VENV) $(FUZZ) node_modules build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
