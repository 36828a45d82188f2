# The commands of the README. Each makes .venv by itself; PYTHON chooses the interpreter (3.12 or later).
PYTHON ?= python3
BIN = .venv/bin
# a process for every core, and the tests of one file in one of them: they share what is costly to set up
TEST = $(BIN)/python -m pytest -n auto --dist loadfile
.PHONY: reproduce test test-all test-torch lint build bench clean

reproduce: .venv/ready
	$(BIN)/rote reproduce $(ARGS)

test: .venv/ready
	$(TEST) -m "not slow" $(ARGS)

test-all: .venv/ready
	$(TEST) $(ARGS)

# PyTorch is a download of gigabytes: its environment lies in the user's cache, and is set up again only
# when what it is made for changes
test-torch:
	@set -e; \
	version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	home="$${XDG_CACHE_HOME:-$$HOME/.cache}/rote/torch-$$version"; \
	made_for=$$({ pwd; cat pyproject.toml constraints.txt; } | cksum); \
	if [ "$$(cat "$$home/ready" 2>/dev/null)" != "$$made_for" ]; then \
		echo "setting up $$home (once, some minutes: gigabytes are downloaded)"; \
		rm -f "$$home/ready"; \
		$(PYTHON) -m venv "$$home"; \
		"$$home/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,torch]'; \
		echo "$$made_for" > "$$home/ready"; \
	fi; \
	"$$home/bin/python" -m pytest -m torch $(ARGS)

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# other packages live in an environment of their own: they need not agree with rote's pins
bench: .venv-bench/ready
	.venv-bench/bin/python benchmarks/run.py $(ARGS)

build: .venv/ready
	$(BIN)/python -m build --outdir dist .

clean:
	rm -rf .venv .venv-bench build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# one run of pip, pinned by constraints.txt; done again only when what is asked for changes
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12) and "rote needs Python 3.12 or later, this is " + sys.version.split()[0] + ": make PYTHON=python3.13 ...")'
	@echo "setting up .venv (once, about a minute)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

.venv-bench/ready: pyproject.toml
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	@touch $@
