# Everything is set up by the targets themselves: only Python 3.11+, git and make are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: screenshots site-scripts demo test test-fast test-version soak fuzz conformance ddi-schema check lock format reference bench clean

## demo: the whole product once, on real microdata, in a temporary directory
demo: $(READY)
	$(BIN)/python examples/us-cps/demo.py

## site-scripts: what pages of a site read parquet by, from npm, held to its lock
site-scripts: $(READY)
	@$(BIN)/python site-scripts/fetch.py || echo "!!! live tables of a site are not tested"

## test: every check and every test, S3 ones included
test: check site-scripts
	$(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

## test-fast: imports, units, and the README from end to end, in two minutes
test-fast: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal --ignore tests/scenarios --ignore tests/examples $(PYTEST_ARGS)

## test-version: of the fast tests one case each, for one more version of Python
test-version: $(READY)
	$(BIN)/python -m pytest -n 2 --dist worksteal --one-case --ignore tests/scenarios --ignore tests/examples \
	  --ignore tests/test_architecture.py --ignore tests/docs/test_words.py --ignore tests/site \
	  --ignore tests/adapters/tables/test_acro.py $(PYTEST_ARGS)

## soak: the tests that try at random or by combination, in full: 200 kills, every kind of fault
soak: $(READY)
	SOAK=1 $(BIN)/python -m pytest tests/scenarios tests/trust tests/usecases/publish tests/gateway $(PYTEST_ARGS)
	@if $(MAKE) $(SUITE); then $(MAKE) conformance; else echo "!!! tuf-conformance was not run"; fi

# Seconds of all targets together, on two processors.
FUZZ_SECONDS ?= 3600

## fuzz: hostile input for every parser, for FUZZ_SECONDS; `make test` tries a little of it
fuzz: $(READY)
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(BIN)/python -m pytest -n 2 --dist worksteal --timeout 3600 tests/fuzz $(PYTEST_ARGS)

# The suite is in no package registry. Its commit is pinned by hash, so that any clone of it will do.
TUF_CONFORMANCE ?= https://github.com/theupdateframework/tuf-conformance
SUITE_COMMIT := eec841c186f81f2d9d8d30460c7e7deefa615f9e
SUITE := .tuf-conformance/$(SUITE_COMMIT)

CONFORM := $(BIN)/python -m pytest -q -n 2 -p no:cacheprovider -c $(SUITE)/pyproject.toml $(SUITE)/tuf_conformance

## conformance: the test suite for TUF clients, on ours and that of browsers; needs git access to it, and faketime
conformance: $(READY) $(SUITE)
	$(CONFORM) --entrypoint "$(CURDIR)/$(BIN)/python $(CURDIR)/tests/conformance/client.py"
	@if command -v node >/dev/null; then $(CONFORM) --entrypoint "$$(command -v node) $(CURDIR)/tests/conformance/client.mjs"; \
	  else echo "!!! the browser's client was not run, as there is no Node.js: apt-get install nodejs"; fi

$(SUITE):
	@command -v faketime >/dev/null || { echo "faketime is missing: apt-get install faketime"; exit 1; }
	git init -q $@.new
	git -C $@.new fetch -q --depth 1 "$(TUF_CONFORMANCE)" $(SUITE_COMMIT) || { rm -rf $@.new; \
	  echo "tuf-conformance cannot be had: set TUF_CONFORMANCE to a clone of it"; exit 1; }
	git -C $@.new checkout -q FETCH_HEAD
	mv $@.new $@

# No package registry has the schema either. It is CC BY 4.0.
DDI_SCHEMA ?= https://github.com/ddialliance/ddi-c_2
DDI_COMMIT := 2867759d51bde79bfc7a207fa069c7d4e3cf89f8
DDI := .ddi-codebook/$(DDI_COMMIT)

## ddi-schema: the XSD of DDI-Codebook 2.6, which tests validate against where it is; needs git access to it
ddi-schema: $(DDI)

$(DDI):
	git init -q $@.new
	git -C $@.new fetch -q --depth 1 "$(DDI_SCHEMA)" $(DDI_COMMIT) || { rm -rf $@.new; \
	  echo "the schema cannot be had: set DDI_SCHEMA to a clone of it"; exit 1; }
	git -C $@.new checkout -q FETCH_HEAD
	mv $@.new $@

## check: format, lint and types
check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--python-version 3.11 --custom-compile-command "make lock"

## lock: resolve the newest versions that pyproject.toml allows; of these, what reading and publishing need
lock: $(READY)
	$(COMPILE) --upgrade --extra gs --extra aws-kms --extra hf --extra site --extra gateway --extra postgresql \
	  --group dev pyproject.toml \
	  --output-file requirements.lock
	$(COMPILE) --group pyproject.toml:reader \
	  --constraint requirements.lock --output-file requirements-reader.lock
	$(COMPILE) --upgrade tests/validators/validators.in --output-file tests/validators/validators.lock
	$(COMPILE) --upgrade tests/validators/core.in --output-file tests/validators/core.lock
	$(COMPILE) --upgrade tests/validators/acro.in --output-file tests/validators/acro.lock
	$(COMPILE) --upgrade tests/validators/intoto.in --output-file tests/validators/intoto.lock
	$(COMPILE) --extra gs --extra aws-kms --extra gcp-kms --extra hf --extra site --group pyproject.toml:build pyproject.toml \
	  --constraint requirements.lock --output-file requirements-publisher.lock

## reference: write docs/commands.md and the help from what the commands say of themselves, and plain_fields.py from the models
reference: $(READY)
	$(BIN)/python -m tests.support.command_reference
	$(BIN)/python -m tests.support.plain_fields

## screenshots: take the pictures in docs/site.md again, of made-up data; needs chromium
screenshots: $(READY) site-scripts
	$(BIN)/python -m tests.support.screenshots

bench: $(READY)
	$(BIN)/python -m benchmarks

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "pe_dvc needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "Installing what pe_dvc needs into $(VENV): a minute or two"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	@$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $(READY)

clean:
	rm -rf $(VENV) .tuf-conformance .ddi-codebook .mypy_cache .pytest_cache .ruff_cache .hypothesis
