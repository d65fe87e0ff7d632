# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OUT ?= demo-output
WORKERS ?= 2
DISPLAYED := tools/with-display.sh
STRICT := NAPARI_ENSURE_PLUGIN_MAIN_THREAD=1 NAPARI_STRICT_QT=1

# Where bytecode is not written, each of the many processes that the tests start compiles torch, timm and
# all the rest anew: 28 s of CPU to load a model in place of 10. It is kept apart from the sources.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(abspath $(VENV))/bytecode

# GNU make 4 keeps apart what goes on side by side; macOS's make 3.81 mixes it.
APART := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: demo test test-full test-lowest test-python lint types layers pytest window-tests other-tests docs copies \
	catalogues package benchmarks system clean
.DELETE_ON_ERROR:

# Without a display the demo runs in a virtual one and leaves a screenshot and the exported count.
demo: $(VENV)/.installed system
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname -s)" != Linux ]; then \
		$(BIN)/napari-bonemarrow demo --out $(OUT); \
	else \
		$(DISPLAYED) $(BIN)/napari-bonemarrow demo --out $(OUT) --screenshot $(OUT)/window.png && \
		echo "the window's screenshot and the exported count are in $(OUT)/"; \
	fi

# The window's tests take one core, and so does mypy: the rest runs next to them at a lower priority.
test: lint system
	@$(MAKE) --no-print-directory -j3 $(APART) window-tests other-tests types layers

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/npe2 validate napari-bonemarrow

types: $(VENV)/.installed
	$(BIN)/mypy

layers: $(VENV)/.installed
	$(BIN)/lint-imports

pytest: window-tests other-tests

# The window's tests have a process of their own: like the window itself, it never loads torch.
window-tests: $(VENV)/.installed system
	VIRTUAL_DISPLAY=1 FIRST_DISPLAY=199 $(STRICT) $(DISPLAYED) $(BIN)/python -m pytest -m "not slow" \
		tests/gui tests/journeys $(PYTEST_ARGS)

# The others are many and small: two at a time, a thread each, take half as long as one with two threads.
other-tests: $(VENV)/.installed system
	OMP_NUM_THREADS=1 VIRTUAL_DISPLAY=1 $(STRICT) $(DISPLAYED) nice -n 5 $(BIN)/python -m pytest \
		-m "not slow" -n $(WORKERS) --dist loadfile --ignore=tests/gui --ignore=tests/journeys $(PYTEST_ARGS)

# The slow extras: pyright, many kills of a process with a window, and the window's tests on the second Qt binding.
# PySide6 6.12.0 gives back None, True and False once too often in event filters: on Python 3.11, which still
# counts these, a window ends after some minutes by "none_dealloc".
test-full: test
	$(BIN)/python -m pip install -q 'basedpyright>=1.30'
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	VIRTUAL_DISPLAY=1 $(STRICT) $(DISPLAYED) $(BIN)/python -m pytest -m slow $(PYTEST_ARGS)
	$(PYTHON) -m venv .venv-pyside6
	.venv-pyside6/bin/pip install -q --no-compile -e '.[test]' 'napari[pyside6]' 'PySide6!=6.12.0'
	VIRTUAL_DISPLAY=1 QT_API=pyside6 $(STRICT) $(DISPLAYED) .venv-pyside6/bin/python -m pytest tests/gui tests/journeys

# The floors that pyproject.toml states, each dependency at its lowest.
test-lowest: system
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install -q uv
	.venv-lowest/bin/uv pip install -q --python .venv-lowest/bin/python --resolution lowest-direct -e '.[all,test]'
	VIRTUAL_DISPLAY=1 $(DISPLAYED) .venv-lowest/bin/python -m pytest -m "not slow" -W default $(PYTEST_ARGS)

# Another Python: `make test-python PYTHON=python3.13`.
test-python:
	$(MAKE) pytest VENV=.venv-python

docs: $(VENV)/.installed system
	$(BIN)/pip install -q -e '.[docs]'
	VIRTUAL_DISPLAY=1 $(DISPLAYED) $(BIN)/python docs/make_pictures.py
	$(BIN)/mkdocs build --strict

# What is made from the code and kept in files: parts of napari's manifest, the page of keys, the map of the source.
copies: $(VENV)/.installed
	$(BIN)/python tools/write_copies.py
	$(BIN)/python docs/make_map.py

# The report's texts, extracted from the code into its catalogues of translations.
catalogues: $(VENV)/.installed
	$(BIN)/python tools/write_catalogues.py

# Wheel and source distribution, checked, and the wheel tried in an environment of its own, which has no Qt.
package: $(VENV)/.installed
	$(BIN)/python -m pip install -q -e '.[release]'
	rm -rf dist .venv-wheel
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents dist/*.whl
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/pip install -q uv
	.venv-wheel/bin/uv pip install -q --python .venv-wheel/bin/python dist/*.whl
	.venv-wheel/bin/napari-bonemarrow --help
	.venv-wheel/bin/npe2 validate napari-bonemarrow

benchmarks: $(VENV)/.installed system
	VIRTUAL_DISPLAY=1 $(DISPLAYED) $(BIN)/python -m benchmarks

system:
	@tools/qt-libraries.sh

# uv fetches and unpacks several wheels at a time, in less than half of pip's time. It knows nothing of
# pip's settings (a mirror, say): where it fails pip does it.
$(VENV)/.installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q uv && \
		UV_HTTP_TIMEOUT=180 $(BIN)/uv pip install -q --python $(BIN)/python -e '.[all,test,types]' || \
		$(BIN)/python -m pip install -q --no-compile -e '.[all,test,types]'
	touch $@

clean:
	rm -rf $(VENV) .venv-pyside6 .venv-lowest .venv-python .venv-wheel build dist site $(OUT) .mypy_cache \
		.ruff_cache .pytest_cache
