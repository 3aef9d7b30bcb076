# Every target sets up .venv first. If nothing has changed, that takes no time.
.DEFAULT_GOAL := help
.PHONY: help ask serve eval test check container-test ray-test streams addresses rights types audit browser format openapi lock clean

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
INSTALLED_DEV := .venv/installed-dev
# Python compiles each module at its first import. If this variable were set, each command would do that again.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo 'make ask q="…"   answer a question from knowledge/'
	@echo 'make serve       serve http://127.0.0.1:8000 and ingest changes of knowledge/'
	@echo 'make eval        ask the golden questions of knowledge/'
	@echo 'make test        run everything that CI runs'
	@echo 'make container-test   build the image and try it in Docker'
	@echo 'make check       the same: format, lint, types, import contracts, audits, tests'

ask: export ZHIWEN_QUESTION = $(q)
ask: $(INSTALLED)
	@$(BIN)/zhiwen ask --fresh -- "$$ZHIWEN_QUESTION"

serve: $(INSTALLED)
	@$(BIN)/zhiwen serve --watch

# CI runs the same on a fresh index, in tests/api/cli/test_evaluate.py.
eval: $(INSTALLED)
	@$(BIN)/zhiwen ingest
	@$(BIN)/zhiwen eval

test: check

# Tests wait for other processes half of their time, so more of them run at once than there are cores. Each process
# computes with one thread: two that compute with more would wait for each other. Files go to the processes in the order
# of their names, which mixes short and long ones.
check:
	$(MAKE) --no-print-directory --jobs=2 $(INSTALLED_DEV) browser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory --jobs=2 types audit
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses=4 --dist=loadfile --no-loadscope-reorder

# Build the image and run it as docker-compose.yml does. Without a Docker engine, and without root to start one, this
# says what is missing.
container-test: $(INSTALLED_DEV)
	$(BIN)/pytest -m container tests/container

# Ingest on a Ray cluster of two nodes on this machine. The extra takes 200 MB; `make check` skips these tests without it.
ray-test: $(INSTALLED_DEV)
	@$(PYTHON) deploy/install.py dev ray
	$(BIN)/pytest tests/ingest/cluster

# Ten thousand generated answers, split everywhere; `make check` tries a few hundred.
streams: $(INSTALLED_DEV)
	ZHIWEN_STREAMS=10000 $(BIN)/pytest --timeout 1800 tests/rag/checks/test_generated_streams.py

# Ten thousand documents and outputs of a model, on everything that a client sees; `make check` tries a few dozen.
addresses: $(INSTALLED_DEV)
	ZHIWEN_ADDRESSES=10000 $(BIN)/pytest --timeout 7200 tests/api/test_generated_addresses.py

# Two thousand random filters, keys and documents against a plain model; `make check` tries a few dozen.
rights: $(INSTALLED_DEV)
	ZHIWEN_RIGHTS_CASES=2000 $(BIN)/pytest --timeout 7200 tests/api/guard/test_random_rights.py

types: $(INSTALLED_DEV)
	$(BIN)/mypy

# Look for dangerous calls, secrets in tracked files, and known vulnerabilities of dependencies. An exception has its
# reason on the same line: `# nosec`, `# pragma: allowlist secret`, or in .ci/vulnerabilities.py. Tests contain
# made-up keys and digests, so two detectors are off there.
audit: $(INSTALLED_DEV)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive api ingest rag
	git ls-files -z -- ':!tests' ':!*package-lock.json' ':!api/http/openapi/openapi.json' | xargs -0 $(BIN)/detect-secrets-hook
	git ls-files -z -- tests | xargs -0 $(BIN)/detect-secrets-hook \
		--disable-plugin KeywordDetector --disable-plugin HexHighEntropyString
	$(BIN)/python .ci/vulnerabilities.py

# Install a browser for the tests of the page, and a font with Chinese for its pictures, if there is none.
browser:
	@sh tests/api/page/browser/install.sh

format: $(INSTALLED_DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Write the description of the HTTP API. Run this after a change to a route.
openapi: $(INSTALLED_DEV)
	$(BIN)/python -m api.http.write_openapi

# Lock the newest versions that the ranges in pyproject.toml allow, for every Python and platform in one file, and check
# that each has wheels for all of them.
lock: $(INSTALLED_DEV)
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --all-extras --no-annotate \
		--custom-compile-command 'make lock' --output-file constraints.txt pyproject.toml
	for python in 3.11.0 3.12 3.13 3.14; do \
		for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin; do \
			$(BIN)/uv pip compile --quiet --constraint constraints.txt --only-binary :all: \
				--extra backup --extra documents --extra postgres --extra s3 --extra telemetry --extra web \
				--python-version $$python --python-platform $$platform --output-file /dev/null pyproject.toml || exit 1; \
		done; \
	done

$(INSTALLED): pyproject.toml constraints.txt deploy/install.py
	@$(PYTHON) deploy/install.py
	@touch $@

# Also install what only the tests and checks need.
$(INSTALLED_DEV): pyproject.toml constraints.txt deploy/install.py
	@$(PYTHON) deploy/install.py dev
	@touch $(INSTALLED) $@

clean:
	rm -rf .venv .zhiwen build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
