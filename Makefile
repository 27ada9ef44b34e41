# One environment, .venv at the top of the checkout, for the demonstration, the tests and the checks.
# It is installed once; a changed pyproject.toml or lock brings it up to date.

# The interpreter that makes .venv: Python 3.11 or 3.12.
PYTHON ?= python3
# Where pip takes torch from. Empty: as pip is configured (the package index has the CUDA build, 3 GB with its
# libraries). With the address of PyTorch's index of CPU builds: one file of 200 MB.
TORCH_INDEX ?=

# Where make serve listens.
PORT ?= 8000

LOCK := .locks/cpu.txt
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --constraint $(LOCK)

BUILD_VIEWER := $(BIN)/python viewer/build_hook.py

.PHONY: help install viewer demo serve test test-long lint locks clean

help:
	@echo "make demo        build a snapshot of the demonstration corpus and show its card"
	@echo "make serve       serve that snapshot on 127.0.0.1:$(PORT); another port: make serve PORT=8140"
	@echo "make test        run the tests"
	@echo "make test-long   run the figures at size"
	@echo "make lint        run the linters and the type checker"
	@echo "make viewer      build the 3D viewer, which needs Node.js 20 or newer (demo, serve and test do so first)"
	@echo "make install     install .venv and nothing else (the others do so first)"
	@echo "make locks       resolve the pinned versions anew"
	@echo "make clean       remove the demonstration, caches and builds; .venv stays"

install: $(INSTALLED)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null || { \
	  echo "KAT-Ray needs Python 3.11 or 3.12, but $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not there);" \
	    "name another one, as in: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv

$(INSTALLED): pyproject.toml $(LOCK) | $(BIN)/pip
	@$(PIP_INSTALL) pip
ifneq ($(TORCH_INDEX),)
	@echo "Installing torch from $(TORCH_INDEX)"
	@$(PIP_INSTALL) --no-deps --index-url $(TORCH_INDEX) torch
endif
	@echo "Installing the packages of $(LOCK) into .venv: one to four minutes, once"
	@$(PIP_INSTALL) --build-constraint $(LOCK) --editable '.[jobs,benchmark,test]'
	@$(BIN)/python -m pip check
	@touch $@

# Looks for itself whether anything that it is made of is newer; whoever tests or lints needs its packages too.
viewer: $(INSTALLED)
	@$(BUILD_VIEWER) --tools

demo: $(INSTALLED)
	@$(BUILD_VIEWER) --optional
	@$(BIN)/python -m jobs.demonstrate --out demo/pairs.jsonl
	@$(BIN)/python -m jobs.build --pairs demo/pairs.jsonl --out demo/store
	@echo
	@echo "The snapshot is in demo/store. Next: make serve, then the map at http://127.0.0.1:8000/viz"
	@echo "Or, with . $(BIN)/activate:"
	@echo "  python -m jobs.sample --snapshot demo/store --budget 100 --out sampled_ids.txt   draw prompts by weight"
	@echo "  python -m jobs.export --snapshot demo/store --out demo/files                     files for other tools"
	@echo "  python -m jobs.build --pairs YOUR_PAIRS.jsonl --out store                        your own pairs"

serve: $(INSTALLED)
	@test -e demo/store/current || $(MAKE) --no-print-directory demo
	@$(BUILD_VIEWER) --optional
	@$(BIN)/python -m jobs.serve --snapshot demo/store --port $(PORT)

# Two processes: one for all tests on Ray, which mostly wait for clusters, and one for the others.
test: viewer
	@$(BIN)/python -m benchmark.browser.chromium
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadscope

test-long: viewer
	@$(BIN)/python -m pytest -m 'long and not gpu'

lint: viewer
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	cd viewer && npm run --silent lint

locks: $(INSTALLED)
	@$(BIN)/python .locks/resolve.py cpu
	@$(BIN)/python .locks/resolve.py gpu

clean:
	rm -rf demo dist build viewer/dist viewer/benchmark/dist viewer/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find benchmark jobs kat_ray serve tests -name __pycache__ -prune -exec rm -rf {} +
