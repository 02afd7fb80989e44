# Needs python3 (3.11 or later) with venv, and make. Everything else is fetched into .venv.
PYTHON ?= python3
PORT ?= 8000
ARGS ?=
# Processes that share the tests; each has a PostgreSQL and a Redis of its own. One more than cores: tests wait a lot.
WORKERS ?= 3

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq --retries 5
RUN_STAMP := $(VENV)/.requirements
DEV_STAMP := $(VENV)/.requirements-dev

# Lint needs settings that load, and no server.
LINT_ENV := CHATBACKEND_ENV_FILE=/dev/null DEBUG=on
DEPLOY_ENV := CHATBACKEND_ENV_FILE=/dev/null CHATBACKEND_EMBEDDED=off DEBUG=off \
	DATABASE_URL=postgresql://chat:unused@db.example.org/chat REDIS_URL=rediss://cache.example.org:6379 \
	ALLOWED_HOSTS=chat.example.org

.DEFAULT_GOAL := help
.PHONY: help run test test-basic chaos lint audit bench soak clean
export PORT

help: ## Show this list
	@echo "Usage: make <target> [ARGS=…] [PORT=8000] [PYTHON=python3]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 13

run: $(RUN_STAMP) ## Start everything on http://127.0.0.1:PORT, until Ctrl-C
	@exec $(PY) manage.py up

test: $(DEV_STAMP) ## Run the tests on servers of their own (ARGS goes to pytest)
	@env -u DJANGO_SETTINGS_MODULE $(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-basic: $(DEV_STAMP) ## Run the integration tests that need neither PostgreSQL nor Redis
	@env -u DJANGO_SETTINGS_MODULE TEST_SERVICES=off $(PY) -m pytest tests/integration $(ARGS)

chaos: $(DEV_STAMP) ## Kill every part 100 times while people talk (CHAOS_KILLS, CHAOS_SEED)
	@env -u DJANGO_SETTINGS_MODULE CHAOS_KILLS=$${CHAOS_KILLS:-100} $(PY) -m pytest tests/chaos -s $(ARGS)

lint: $(DEV_STAMP) ## Check style, types, layers, migrations and production settings
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(LINT_ENV) $(PY) -m mypy .
	$(LINT_ENV) $(VENV)/bin/lint-imports
	$(LINT_ENV) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(DEPLOY_ENV) SECRET_KEY="$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))')" \
		$(PY) manage.py check --deploy --fail-level WARNING

audit: | $(PY) ## Look up every pinned package for known weaknesses (asks PyPI; before a release)
	@$(PY) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/python -m pip --disable-pip-version-check -qq install -r requirements-audit.txt
	@$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip -r constraints.txt $(ARGS)

bench: $(RUN_STAMP) ## Measure speed on this machine (ARGS goes to the command)
	@$(PY) manage.py bench $(ARGS)

soak: $(RUN_STAMP) ## Half an hour of load, in which nothing may grow (ARGS="--minutes 10")
	@$(PY) manage.py soak $(ARGS)

clean: ## Remove what can be made again (.venv, caches, static files); the data in .embedded stays
	rm -rf $(VENV) staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.embedded/*' -prune -exec rm -rf {} +

$(PY):
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install Python 3.11 or later, or name one: make PYTHON=/path/to/python3 …" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), and 3.11 or later is needed; name another one: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "The module venv does not work (Debian: apt-get install python3-venv)" >&2; exit 1; }

$(RUN_STAMP): requirements.txt constraints.txt Makefile | $(PY)
	@echo "Installing requirements.txt"
	@$(PIP) install -r requirements.txt
	@$(PY) -m chatbackend.embedded.fetch
	@touch $@

$(DEV_STAMP): requirements-dev.txt requirements-observability.txt $(RUN_STAMP)
	@echo "Installing requirements-dev.txt"
	@$(PIP) install -r requirements-dev.txt
	@touch $@
