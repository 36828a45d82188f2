# The commands of the README. Each makes .venv by itself; PYTHON chooses the interpreter (3.12 or later).
PYTHON ?= python3
BIN = .venv/bin
.PHONY: reproduce test test-all lint build bench clean

reproduce: .venv/ready
	$(BIN)/rote reproduce $(ARGS)

test: .venv/ready
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-all: .venv/ready
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

build: .venv/ready
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf .venv build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# one run of pip, pinned by constraints.txt; done again only when what is asked for changes
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12) and "rote needs Python 3.12 or later, this is " + sys.version.split()[0] + ": make PYTHON=python3.13 ...")'
	@echo "setting up .venv (once, about a minute)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
