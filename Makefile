# Two targets do everything on a machine with Python 3.11, git and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PACKAGES := busbar_contracts busbar_shared busbar_cli busbar_meter busbar_ocpp busbar_plugs busbar_heat \
	busbar_allocator busbar_battery busbar_chargeamps busbar_prices busbar_simulator
# What failed beside seven others, on however few cores, is judged alone: real processes may have starved each other.
ALONE := -m "not soak" -x --last-failed --last-failed-no-failures none
# Without a mosquitto on this machine the embedded broker is installed too.
EXTRA := $(shell PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null 2>&1 || echo '[embedded]')

.PHONY: demo test check bench soak sabotage contracts docs format clean

$(VENV)/.demo: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Busbar into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.$(EXTRA)'
	@touch $@

$(VENV)/.test: $(VENV)/.demo
	@echo "installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test --group check
	@touch $@

demo: $(VENV)/.demo  ## watch a simulated house being managed
	$(BIN)/busbar demo $(ARGS)

test: $(VENV)/.test  ## all tests but the long ones
	$(BIN)/pytest -n 8 --dist worksteal -m "not soak" $(ARGS) || \
		{ echo "== what failed beside seven others, alone"; $(BIN)/pytest $(ALONE); }

check: $(VENV)/.test  ## lint, format and types
	$(BIN)/ruff check contracts shared services tests
	$(BIN)/ruff format --check contracts shared services tests
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES))

bench: $(VENV)/.test  ## speed, measured on this machine
	$(BIN)/python tests/bench/run.py $(ARGS)

soak: $(VENV)/.test  ## long runs
	$(BIN)/pytest -m soak --timeout 7200 $(ARGS)

sabotage: $(VENV)/.test  ## break one thing at a time; each must turn a named test red
	$(BIN)/python tests/sabotage/run.py $(ARGS)

contracts: $(VENV)/.demo  ## write asyncapi.json, TOPICS.md and config.schema.json anew
	$(BIN)/busbar contract export contracts
	$(BIN)/busbar config reference > docs/configuration.md
	$(BIN)/busbar commands > docs/cli.md

$(VENV)/.docs: $(VENV)/.demo
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group docs
	@touch $@

docs: $(VENV)/.docs  ## the documentation as a site in site/
	$(BIN)/mkdocs build --strict

format: $(VENV)/.test
	$(BIN)/ruff check --fix contracts shared services tests
	$(BIN)/ruff format contracts shared services tests

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
