# make setup | demo | demo-labs | wheel | docs | test | lint; `make help` lists the rest. Needs Python >= 3.11, make, git and either
# an internet connection or a Go toolchain, which builds the Pulumi CLI and the AWS provider from their modules.
.DEFAULT_GOAL := help
.PHONY: help setup wheel interpreters docs documented pictures demo demo-labs demo-yaml demo-typescript test whole two-hosts compat browser iproute node sweep faults crashes leftovers histories fleet-sweep mutants bench lint lock clean

# Without bytecode on disk each process that starts here compiles its imports anew, for half of its CPU time;
# in many containers it is switched off.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin

help: ## Show the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(VENV)/.installed ## Install .venv and, where they are not there, the Pulumi CLI and the AWS provider
	@$(BIN)/python -m tools.engine $(ENGINE)

$(VENV)/.installed: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	@echo "setup: Python packages …"
	@set -e; started=$$(date +%s); export PATH="$$PATH:$(CURDIR)/$(BIN)"; \
	$(PYTHON) -m venv $(VENV); \
	command -v uv >/dev/null || $(BIN)/python -m pip install --quiet uv==$(UV_VERSION); \
	uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock; \
	uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .; \
	echo "setup: Python packages: $$(( $$(date +%s) - started )) s"
	@touch $@

lock: $(VENV)/.installed ## Resolve requirements.lock anew from pyproject.toml
	PATH="$$PATH:$(CURDIR)/$(BIN)" uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-header --upgrade \
	  --extra cli --extra labs --group cluster --group sandbox --group bench --group tests --group mutants --group lint --group docs --group build -o requirements.lock

wheel: $(VENV)/.installed ## The package as a wheel, into dist/
	@rm -f dist/*.whl
	@$(BIN)/python -m hatchling build -t wheel

docs: $(VENV)/.installed ## The documentation as a site, into .site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict --site-dir .site
	@echo "docs: open .site/index.html, or with its search: python3 -m http.server -d .site"

interpreters: setup ## The wheel in new environments (PYTHONS="python3.11 python3.12 …"), a link and three labs in each
	$(BIN)/python -m tools.interpreters $(PYTHONS)

documented: setup ## Run every command of README, tutorial and examples in a fresh clone, with output and times
	$(BIN)/python -m tools.docs README.md docs/tutorial.md examples/README.md

pictures: setup browser ## The pictures in docs/assets, of what the program prints and the site shows now (needs tmux; four minutes)
	$(BIN)/python -m tools.pictures

demo: setup ## A real `pulumi up` against VMware Cloud and AWS emulated on this machine
	@$(BIN)/python -m sandbox run --mode task_seconds=20 -- ./tools/demo.sh

demo-labs: setup ## Thirty labs in thirty accounts, one of which fails first; ends with the report's path
	@$(BIN)/python -m sandbox run --accounts 30 --mode task_seconds=18 -- $(BIN)/python -m tools.demo_labs

demo-yaml: ENGINE := --language yaml
demo-yaml: setup ## A link's life from a YAML program: made, unchanged, requested again, removed
	@$(BIN)/python -m sandbox run --mode task_seconds=5 -- ./tools/demo_yaml.sh

demo-typescript: ENGINE := --language nodejs
demo-typescript: node setup ## The same from a TypeScript program: SDK made, types checked, made, unchanged, removed (needs Node.js)
	@$(BIN)/python -m sandbox run --mode task_seconds=5 -- ./tools/demo_typescript.sh

TWO_HOSTS := tests/labs/test_two_hosts.py
CAN_MAKE_HOSTS = $(shell unshare --net --uts --mount --pid --fork true 2>/dev/null && echo yes)
TYPESCRIPT := tests/engine/test_typescript.py
# Asked once, and only where it is used.
NO_NODE = $(eval NO_NODE := $$(shell ./tools/node.sh))$(NO_NODE)

test whole two-hosts faults crashes leftovers: ENGINE := --quick
# The engine's processes live for seconds here, as in a fleet: less of them for collecting garbage.
test whole two-hosts compat faults crashes leftovers: export GOGC := 400
test: ENGINE += --language yaml
whole: ENGINE += --language yaml $(if $(NO_NODE),,--language nodejs)
test: setup browser iproute ## All tests: unit, providers, component, sandbox, and the real engine (10 minutes on two cores)
	@# Six on two cores: a test of the engine waits most of its time.
	$(BIN)/python -m pytest -n 6 --maxschedchunk 1 -m "not documented and not whole" $(if $(CAN_MAKE_HOSTS),,--ignore=$(TWO_HOSTS))
	@$(if $(CAN_MAKE_HOSTS),,echo "NOT tested: labs on two hosts, which root on Linux can make: sudo make two-hosts")
	@echo "NOT tested: all of what these tests run a sample of, and a TypeScript program: make whole"
	@echo "NOT tested: every command of README, tutorial and examples in a fresh clone: make documented"

whole: setup ## All of what `make test` runs a sample of: forms of the service's replies, values of variables, a TypeScript program
	$(BIN)/python -m pytest -n 6 --maxschedchunk 1 -m whole $(if $(NO_NODE),--ignore=$(TYPESCRIPT))
	@$(if $(NO_NODE),echo "NOT tested: the TypeScript program: $(NO_NODE)")

two-hosts: setup iproute ## Labs on two hosts, one of which is lost; a part of `make test` where root on Linux can make them
	$(BIN)/python -m pytest -n 0 $(TWO_HOSTS)

iproute: ## `ip`, by which tests make hosts (installed where this is root on Debian)
	@./tools/iproute.sh

node: ## Node.js, npm and an npm registry that answers, for TypeScript
	@./tools/node.sh

compat: ENGINE := --language yaml
compat: setup browser ## Those of them that meet Pulumi's SDK, with the lowest and the newest one allowed (in .compat/)
	PATH="$$PATH:$(CURDIR)/$(BIN)" $(BIN)/python -m tools.compat

browser: ## Chromium, in which tests look at the report (installed where this is root on Debian)
	@./tools/browser.sh

sweep: setup ## The next four, results in sweep-results/ (two hours on two idle cores)
	@status=0; for part in faults crashes leftovers histories; do $(MAKE) $$part || status=1; done; exit $$status

faults: setup ## Every call of up and destroy x every kind of fault, on the real engine
	$(BIN)/python -m tests.sweep faults sweep-results

leftovers: setup ## An `up` that ends badly at each of its steps, then `pulumi destroy`
	$(BIN)/python -m tests.sweep leftovers sweep-results

crashes: setup ## kill -9 at every call and at 200 random moments, then recover
	$(BIN)/python -m tests.sweep crashes sweep-results

histories: setup ## 500 random histories of a link, up to 30 steps each
	$(BIN)/python -m tests.sweep histories sweep-results

fleet-sweep: setup ## 30 and 300 labs: what they cost; a driver or a Dask worker of 30 killed with -9 (half an hour)
	$(BIN)/python -m tests.sweep fleets sweep-results

mutants: $(VENV)/.installed ## The pure code changed in one place at a time: which change does no test notice? (about an hour)
	nice $(BIN)/python -m tests.mutants sweep-results

bench: setup ## What a link and a lab cost, beside other ways: docs/performance.md, the README's figures (30 minutes on two idle cores)
	$(BIN)/python -m bench

lint: docs ## Format, lint, types, security, and the documentation's links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy components sandbox tools bench tests __main__.py template examples/inline
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml components tools

clean: ## Remove what setup and the tests made
	rm -rf $(VENV) .engine .compat .mutants .pytest_cache .mypy_cache .ruff_cache .site dist sweep-results
