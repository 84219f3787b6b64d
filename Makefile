# Every target sets up what it needs. `make demo` and `make test` are all a newcomer has to know.
# Needs: Python 3.11 or newer with its venv module, make, a C library.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
CONFORMANCE := .venv-conformance
FUZZ := .venv-fuzz
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test interop protocol conformance fuzz lint fix bench bench-full serve clean

demo: $(VENV)/installed
	@$(BIN)/mcp-memory demo

test: $(VENV)/installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

# Needs Node.js and npm as well: the TypeScript SDKs try the server.
interop: export INTEROP_REQUIRED := 1
interop: $(VENV)/installed-test
	cd tests/interop && npm install --no-audit --no-fund
	$(BIN)/python -m pytest tests/interop $(ARGS)

# As `interop`: the protocol's own conformance suite and the MCP Inspector check the server.
protocol: export PROTOCOL_REQUIRED := 1
protocol: $(VENV)/installed-test
	cd tests/protocol && npm install --no-audit --no-fund
	$(BIN)/python -m pytest tests/protocol $(ARGS)

# Twilio's own Python packages, in an environment of their own, try the API.
conformance: export CONFORMANCE_REQUIRED := 1
conformance: $(VENV)/installed-test $(CONFORMANCE)/installed
	$(BIN)/python -m pytest tests/conformance $(ARGS)

# Ten minutes: Schemathesis, in an environment of its own, makes up calls from our document and from the published one.
fuzz: export FUZZ_REQUIRED := 1
fuzz: $(VENV)/installed-test $(FUZZ)/installed
	$(BIN)/python -m pytest tests/fuzz -s $(ARGS)

lint: $(VENV)/installed-lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: $(VENV)/installed-lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Minutes; bench-full is all of it, and takes half an hour or more, and 17 GB of free disk.
bench: $(VENV)/installed-bench
	$(BIN)/python -m tests.benchmarks --out bench-results $(ARGS)

bench-full: $(VENV)/installed-bench
	$(BIN)/python -m tests.benchmarks --out bench-results --full $(ARGS)

serve: $(VENV)/installed
	$(BIN)/mcp-memory serve $(ARGS)

clean:
	rm -rf $(VENV) $(CONFORMANCE) $(FUZZ)

$(BIN)/python:
	@echo "Setting up $(VENV) (once; fetches the dependencies) ..."
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	@$(PIP) --editable .
	@touch $@

$(VENV)/installed-test: pyproject.toml | $(BIN)/python
	@$(PIP) --editable '.[test]'
	@touch $@

$(VENV)/installed-bench: pyproject.toml | $(BIN)/python
	@$(PIP) --editable '.[test,bench]'
	@touch $@

$(VENV)/installed-lint: pyproject.toml | $(BIN)/python
	@$(PIP) --editable '.[test,lint]'
	@touch $@

$(CONFORMANCE)/installed: tests/conformance/requirements.txt | $(BIN)/python
	@$(BIN)/python -m venv $(CONFORMANCE)
	@$(subst $(VENV),$(CONFORMANCE),$(PIP)) --requirement $<
	@touch $@

$(FUZZ)/installed: tests/fuzz/requirements.txt | $(BIN)/python
	@$(BIN)/python -m venv $(FUZZ)
	@$(subst $(VENV),$(FUZZ),$(PIP)) --requirement $<
	@touch $@
