# Two commands do everything: `make demo` shows the product, `make test` proves it. Both prepare .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-fast lint addon release audit clean

demo: $(READY)
	$(BIN)/python demo/run.py

test: $(READY) lint
	$(BIN)/python -m pytest

test-fast: $(READY)
	$(BIN)/python -m pytest -q -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/python build_addon.py --vendor
	$(BIN)/mypy

addon: $(READY)
	$(BIN)/python build_addon.py --platform all

release: $(READY)
	$(BIN)/python -m tools.release

audit: $(READY)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -e '.[release]'
	$(BIN)/python -m tools.audit_packages

$(READY): pyproject.toml requirements-blender.txt
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v[:2] < (3, 14) else "Python 3.11 to 3.13 is needed, this is %d.%d; name another with make PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements-blender.txt
	touch $@

clean:
	rm -rf $(VENV) build dist demo-output .cache
