# Try it: make demo. Prove it: make test. The rest: make help.

PORT ?= 8000
LMS_PORT ?= 8001
MOODLE_PORT ?= 8002
VENV ?= .venv
PYTEST_WORKERS ?= auto
export PORT LMS_PORT MOODLE_PORT

python := $(VENV)/bin/python
extra = $(VENV)/.installed-
pinned := pyproject.toml constraints.txt
npm_stamp := node_modules/.installed

.PHONY: help demo test test-long lint format messages bench migrations clean chromium
.DELETE_ON_ERROR:

help:
	@echo 'make demo       the site, a stand-in LMS and a Moodle, with data; PORT=8000 LMS_PORT=8001 MOODLE_PORT=8002'
	@echo 'make test       every test, on SQLite; DATABASE_URL=postgres://... for another database; ARGS="-k name"'
	@echo 'make test-long  full load and long fuzzing, on SQLite, PostgreSQL and MariaDB, which it starts'
	@echo 'make lint       Python, templates, types, JavaScript types'
	@echo 'make format     lets ruff put the Python in order'
	@echo 'make messages   brings the translations in step with the texts, and compiles them'
	@echo 'make bench      the figures, one JSON line each'
	@echo 'make clean      removes what was installed and built; the data in var/ stays'

demo: $(extra)demo
	@exec $(python) -m tests.demo

test: $(extra)test chromium nginx
	$(python) -m pytest -n $(PYTEST_WORKERS) --dist load -m 'not long' $(ARGS)

test-long: $(extra)test chromium nginx
	@PYTHON=$(python) .ci/test-long $(ARGS)

lint: $(extra)lint $(npm_stamp)
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m djlint --quiet --lint templates
	$(python) -m djlint --quiet --lint --profile html tests/fake_lms/templates
	$(python) -m mypy
	node_modules/.bin/tsc --noEmit

format: $(extra)lint
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

messages: $(extra)test
	@$(python) -m tests.project.messages

bench: $(extra)test tests/bench/$(npm_stamp) chromium nginx
	@$(python) -m tests.bench $(ARGS)

# Nothing but a virtual environment: whatever Python there is, it is not written to.
$(python):
	@.ci/make-venv $(VENV)

# One stamp an extra: a second run installs nothing, a changed pin installs anew.
$(extra)%: $(pinned) | $(python)
	@echo 'Installing what "$*" needs into $(VENV) ...'
	@$(python) -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[$*]'
	@touch $@

$(npm_stamp): package.json
	@.ci/require-node
	@npm install --silent --no-fund --no-audit --no-package-lock
	@touch $@

# Lighthouse, for the figures alone: it is large.
tests/bench/$(npm_stamp): tests/bench/package.json
	@.ci/require-node
	@npm install --prefix tests/bench --silent --no-fund --no-audit --no-package-lock
	@touch $@

chromium:
	@.ci/install-chromium

nginx:
	@.ci/install-nginx

clean:
	rm -rf $(VENV) $(VENV)-wagtail74 node_modules tests/bench/node_modules build dist
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find cms_lms tests -name __pycache__ -type d -prune -exec rm -rf {} +
