# Everything runs from a clean clone: each target first makes .venv with the exact files of requirements.lock.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
RUN := runs/mini
WAV := runs/mini-wav
# JupyterLab without its news, and without the files of the workshop in a learner's list
LAB := jupyter lab --LabApp.news_url=None --ContentsManager.hide_globs='["__pycache__","tools","source","minutes.json"]'
PEOPLE := $(addprefix data/real/test-clean-sample/,672/122797/672-122797-0069.flac 3729/6852/3729-6852-0011.flac)

.PHONY: help run lab learn test test-fast types wasm compiler browsers pictures notebooks site lint lock fuzz audit

help:  ## what each target does
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 12

run: $(READY)  ## the whole journey on the embedded corpus
	$(BIN)/asr convert data/mini $(WAV)
	ASR_PROFILE=fast $(BIN)/asr train --train $(WAV)/train-mini --valid $(WAV)/dev-mini --run $(RUN) \
		$(if $(wildcard $(RUN)/state.json),--resume)
	$(BIN)/asr evaluate $(RUN)/best.keras $(WAV)/test-mini --no-lm
	$(BIN)/asr quantize $(RUN)/best.keras --out $(RUN)/variants --calibrate $(WAV)/train-mini
	$(BIN)/asr compare $(RUN)/variants $(WAV)/test-mini --figure $(RUN)/comparison.png | tee $(RUN)/comparison.txt
	$(BIN)/asr transcribe --model $(RUN)/variants/crnn.int8.tflite $$(ls $(WAV)/test-mini/*/*/*0.wav | head -5)
	$(BIN)/asr transcribe $(PEOPLE)

lab: $(READY)  ## open the notebooks
	$(BIN)/$(LAB) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

learn: $(READY)  ## a copy of the notebooks to work in, which no newer version overwrites
	$(BIN)/python notebooks/tools/learn.py
	$(BIN)/$(LAB) --LabApp.default_url=/lab/tree/work/00_start_here.ipynb

test: $(READY) compiler browsers types  ## every test: the package, the notebooks, the browser
	$(BIN)/python -m pytest -n 2 --ignore tests/browser
	$(BIN)/python -m pytest tests/browser

test-fast: $(READY)  ## what needs no notebook, no browser and no training: two minutes
	$(BIN)/python -m pytest -m "not slow" -n 2

types: $(READY)  ## mypy over the files of the afternoon route
	$(BIN)/mypy

wasm: $(READY) compiler  ## compile the web page's engine from C, in the same bytes as the committed ones
	$(BIN)/python .ci/build_engine.py asr_helpers/web/engine.wasm

compiler: $(READY)  # for `wasm` and its test: a wheel of 100 MB, which the lock spares everybody else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .ci/wasm.txt \
		|| echo "the compiler could not be installed: the test of the web page's engine will be skipped"

fuzz: $(READY)  ## damaged audio, texts, models, runs and records, by the thousand
	FUZZ=1 $(BIN)/python -m pytest tests/test_fuzz.py

audit:  ## is a package of requirements.lock known to be vulnerable?
	$(PYTHON) .ci/audit.py

browsers:  ## for tests/browser: installed if this is root's Debian; where one is missing, pytest says what it skips
	@{ command -v chromium google-chrome && command -v firefox-esr firefox; } >/dev/null 2>&1 \
		|| test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null 2>&1 || { \
		echo "installing Chromium and Firefox for the browser tests"; \
		timeout 180 apt-get update -qq; \
		for browser in chromium firefox-esr; do \
			DEBIAN_FRONTEND=noninteractive timeout 300 \
			apt-get install -qq --no-install-recommends $$browser fonts-dejavu-core >/dev/null \
				|| echo "$$browser could not be installed: its tests will be skipped"; \
		done; \
	}

pictures: $(READY)  ## of the benches, as the README and the notebooks show them; after the shipped models changed
	SAVE_FIGURES=1 $(BIN)/python -m pytest tests/browser

notebooks: $(READY)  ## execute notebooks/source/*.py into notebooks/*.ipynb
	$(BIN)/python notebooks/tools/build.py $(NAMES)

site: $(READY)  ## the series as static pages, from the notebooks as they were executed
	$(BIN)/python notebooks/tools/publish.py

lint: $(READY)  ## ruff, as the tests expect it
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

lock:  ## after a change of pyproject.toml; needs uv
	uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate --generate-hashes \
		--extra dev --extra language --extra listen --extra whisper pyproject.toml --output-file requirements.lock --quiet

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'needs Python 3.11 to 3.13: make PYTHON=python3.12 …')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
