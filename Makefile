# Frontline. `make` or `make help` lists what there is.
#
# Everything is installed into .venv, from pinned versions with hashes; nothing else is needed but Python and make.
# Variables: PYTHON, the interpreter that makes .venv; ARGS, passed on to demo, bench, requirements and pytest.

PYTHON ?= $(shell for candidate in python3 python3.13 python3.12 python3.11; do \
	"$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$candidate" && break; done)
ARGS ?=

PIP := .venv/bin/python -m pip --disable-pip-version-check --no-input
COMPILE := env -u PIP_FIND_LINKS CUSTOM_COMPILE_COMMAND="make requirements" \
	.venv/bin/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-options \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# Programs that .ci/programs unpacked; not .venv/bin, in which PYTHON must not be looked for.
export PATH := $(CURDIR)/.venv/programs/usr/bin:$(PATH)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo install test check bench bench-page coverage fuzz faults generate image compose-env requirements audit clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: install ## run everything on a real day of calls and a simulated chain of stores (ARGS="--slip 0.6")
	@.venv/bin/python -m service demo $(ARGS)

install: .venv/.project ## install Frontline into .venv, as .venv/bin/frontline

test: check ## run every check and every test (ARGS="-k walk")
	@.ci/programs .venv/programs
	.venv/bin/python -m pytest $(ARGS)

check: .venv/.dev .venv/.project ## lint, formatting, types and imports, without running anything
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/lint-imports --no-logo
	$(PIP) check

bench: .venv/.dev .venv/.project ## measure all that docs/performance.md shows on this machine (ARGS="batches growth")
	.venv/bin/python -m benchmarks $(ARGS)

bench-page: .venv/.dev .venv/.project ## write docs/performance.md again (ARGS=build/benchmarks.json: of the last run)
	.venv/bin/python -m benchmarks.page $(ARGS)

coverage: .venv/.dev .venv/.project ## simulate changes of known effect, and count how often the intervals hold it (ARGS="--runs 500")
	.venv/bin/python -m benchmarks.coverage $(ARGS)

fuzz: .venv/.dev .venv/.project ## post a million hostile bodies and ask hostile questions (half an hour)
	FRONTLINE_FUZZ=1000000 .venv/bin/python -m pytest tests/fuzz --timeout 7200 -rP $(ARGS)

faults: .venv/.dev .venv/.project ## kill, stop and cut off everything under load, a hundred times (half an hour)
	@.ci/programs .venv/programs
	FRONTLINE_FAULT_CYCLES=17 .venv/bin/python -m pytest tests/faults --timeout=0 -rP $(ARGS)

generate: .venv/.dev .venv/.project ## write again what is made from the catalogue and the objectives
	.venv/bin/python -m service.generate

image: .venv/.dev .venv/.project ## carry out the Dockerfile without Docker, as root
	.venv/bin/python .ci/image .venv/image

compose-env: ## make the secrets of docker-compose.yml, in .env
	@compose/environment

requirements: .venv/.dev ## pin again what pyproject.toml asks for (ARGS=--upgrade: the newest)
	$(COMPILE) $(ARGS) --only-build-deps --build-deps-for wheel --build-deps-for editable \
		--output-file requirements/build.txt pyproject.toml
	$(COMPILE) $(ARGS) --extra embedded --output-file requirements/runtime.txt pyproject.toml
	$(COMPILE) $(ARGS) --constraint requirements/runtime.txt --output-file requirements/server.txt pyproject.toml
	$(COMPILE) $(ARGS) --all-extras --constraint requirements/runtime.txt \
		--output-file requirements/dev.txt pyproject.toml

audit: .venv/.audit/bin/pip-audit ## ask public databases for known vulnerabilities of what is pinned (needs the internet)
	for pins in build server runtime dev; do \
		$< --strict --disable-pip --require-hashes --progress-spinner off --requirement requirements/$$pins.txt || exit 1; done

clean: ## remove .venv, caches and build output; data in .frontline stays
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A venv is made anew when its pins change, so that nothing stays in it that is not pinned.
.venv/.runtime: requirements/build.txt requirements/runtime.txt
	@"$(or $(PYTHON),python3)" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer with its venv module is needed. On Debian or Ubuntu:" >&2; \
		echo "    sudo apt-get install git make python3 python3-venv" >&2; \
		echo "Another interpreter can be named: make PYTHON=/path/to/python3.12 …" >&2; exit 1; }
	@echo "Installing pinned packages into .venv; the first time this takes a minute or two."
	@"$(PYTHON)" -m venv --clear .venv
	@$(PIP) install --quiet --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@touch $@

.venv/.dev: .venv/.runtime requirements/dev.txt
	@if [ -e $@ ]; then rm -rf .venv && $(MAKE) --no-print-directory .venv/.runtime; fi
	@echo "Installing pinned development tools into .venv."
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

# In an environment of its own: it has to be new, so it is not pinned, and what it needs stands in nobody's way.
.venv/.audit/bin/pip-audit: .venv/.runtime
	@.venv/bin/python -m venv .venv/.audit
	@.venv/.audit/bin/python -m pip --disable-pip-version-check --no-input install --quiet pip-audit

.venv/.project: .venv/.runtime pyproject.toml
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
