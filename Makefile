# make demo    installs, transcribes the sample interview, searches it and serves the player
# make test    installs, then ruff, lint-imports, mypy and pytest
# make test-slow      the tests that compute for minutes
# make test-cluster   the index's tests on an OpenSearch cluster of three nodes too: the one at
#                     PLAYHEAD_TEST_OPENSEARCH (URLs), else one that it starts, where Java and ../shared are
# make setup   installs alone, into .venv

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
TORCH := $(shell grep '^torch==' constraints.txt)

.PHONY: demo setup test test-slow test-cluster clean

demo: setup
	@echo "Transcribing the sample interview in audio/commons-talks ..."
	@$(BIN)/playhead run audio/commons-talks --engine auto --model tiny.en
	@echo
	@echo 'Searching for "to the internet then the neighbors build":'
	@PLAYHEAD_PORT=$(PORT) $(BIN)/playhead search '"to the internet then the neighbors build"'
	@echo
	@PLAYHEAD_PORT=$(PORT) $(BIN)/playhead serve

test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(PYTEST) -m "not slow"

# Transcribes whole recordings with real recognizers: minutes of computing each. What a browser plays is heard last, with
# nothing beside it, for it is measured in milliseconds.
test-slow: setup
	$(PYTEST) -m slow --ignore tests/test_landing.py
	$(BIN)/python -m pytest tests/test_landing.py

test-cluster: setup
	PLAYHEAD_TEST_OPENSEARCH_NODES=3 $(BIN)/python -m pytest tests/index/test_contract.py tests/index/opensearch

setup: .venv/installed

# On Linux a plain install of torch brings 5 GB of libraries for NVIDIA cards. Where there is no card, PyTorch's own
# index of CPU builds is tried first, shortly; where it cannot be reached, the ordinary one.
.venv/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Playhead needs Python 3.11, 3.12 or 3.13. Name it: make $(MAKECMDGOALS) PYTHON=/path/to/python"; exit 1; }
	@echo "Installing into .venv; the first time this takes a few minutes ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) install --quiet --upgrade 'pip>=25.1'
	@if [ "$$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null 2>&1; then \
		$(PIP) install --quiet --retries 0 --timeout 5 --index-url https://download.pytorch.org/whl/cpu $(TORCH) \
			>/dev/null 2>&1 || true; fi
	@$(INSTALL) $(TORCH)
	@$(INSTALL) --editable '.[offline]' --group dev
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .playhead transcripts/commons-talks
