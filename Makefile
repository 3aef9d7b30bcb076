# Every target sets up .venv by itself; when nothing changed that takes no time.
.DEFAULT_GOAL := help
.PHONY: help ask serve test check types audit browser format openapi lock clean

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
INSTALLED_DEV := .venv/installed-dev
# Modules are compiled when they are first imported, and kept: compiling all of them takes as long as installing them.
PIP_INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable
# Where it is set, each command would compile all that it imports once more.
unexport PYTHONDONTWRITEBYTECODE

help:
	@echo 'make ask q="…"   answer a question from knowledge/'
	@echo 'make serve       http://127.0.0.1:8000, taking in changes of knowledge/ as they are saved'
	@echo 'make test        everything CI runs'
	@echo 'make check       format, lint, types, import contract, audits, tests'

ask: export ZHIWEN_QUESTION = $(q)
ask: $(INSTALLED)
	@$(BIN)/zhiwen ask --fresh -- "$$ZHIWEN_QUESTION"

serve: $(INSTALLED)
	@$(BIN)/zhiwen serve --watch

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
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses=3 --dist=loadfile --no-loadscope-reorder

types: $(INSTALLED_DEV)
	$(BIN)/mypy

# Dangerous calls, secrets in what git has, known holes in what is installed. An exception is explained beside its line:
# `# nosec`, `# pragma: allowlist secret`, or in .ci/vulnerabilities.py. Tests may call their pretended keys keys,
# and hold the digests of things.
audit: $(INSTALLED_DEV)
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive api ingest rag
	git ls-files -z -- ':!tests' ':!*package-lock.json' ':!api/http/openapi/openapi.json' | xargs -0 $(BIN)/detect-secrets-hook
	git ls-files -z -- tests | xargs -0 $(BIN)/detect-secrets-hook \
		--disable-plugin KeywordDetector --disable-plugin HexHighEntropyString
	$(BIN)/python .ci/vulnerabilities.py

# A browser for the tests of the page, and a font with Chinese for its pictures, where there are none.
browser:
	@sh tests/api/page/browser/install.sh

format: $(INSTALLED_DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The description of the HTTP API, after a change to its routes.
openapi: $(INSTALLED_DEV)
	$(BIN)/python -m api.http.openapi.document

# The versions everybody installs: the newest that the ranges in pyproject.toml allow.
lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	.venv-lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' > constraints.txt
	rm -rf .venv-lock

.venv:
	@$(PYTHON) -m venv .venv
	@echo 'Setting up .venv; the first time takes a minute or two …' >&2

$(INSTALLED): pyproject.toml constraints.txt | .venv
	@$(PIP_INSTALL) .
	@touch $@

# With what only the tests and checks need.
$(INSTALLED_DEV): pyproject.toml constraints.txt | .venv
	@$(PIP_INSTALL) '.[dev]'
	@touch $(INSTALLED) $@

clean:
	rm -rf .venv .zhiwen build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
