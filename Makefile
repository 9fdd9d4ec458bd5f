# What a contributor does, in a word each; `make` alone lists it. CONTRIBUTING.md says more.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PYTHON := PYTHONPATH=tests/lib:.ci/lab $(BIN)/python
LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --quiet

.DEFAULT_GOAL := help
.PHONY: help reference site install-yaml demo test check cluster cluster-down e2e e2e-up e2e-down e2e-env \
	node-image image lock clean environment programs foreign lint

help: ## List these targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## Watch volumes being attached and detached: a simulated array and a real Kubernetes API, on this machine.
	$(PYTHON) -m demo

# Four at a time on two cores, since they wait more than they work. Each has a Kubernetes API of its own. pytest prints
# how long it took.
test: lint programs foreign ## Everything `check` does, and all tests: also those against a real Kubernetes API.
	$(BIN)/pytest --numprocesses=4 --dist=loadgroup

check: lint ## Style, types, import directions, measurements, and the unit tests; builds nothing: for every save.
	$(PYTHON) tools/style.py --aims
	$(BIN)/pytest tests/unit --quiet --numprocesses=3 --dist=worksteal -m "not cluster and not slow"

cluster: $(INSTALLED) ## Start a Kubernetes API that stays up, and print the line that points a shell at it.
	@$(PYTHON) -m cluster up

cluster-down: $(INSTALLED) ## End what `cluster` started.
	@$(PYTHON) -m cluster down

e2e: e2e-up ## Test the operator on a new kind cluster, with kubectl. The cluster stays up afterwards.
	$(BIN)/pytest tests/e2e

e2e-up: $(INSTALLED) ## Make a new kind cluster with the operator's image in its node, and install nothing there.
	@$(PYTHON) -m onkind up

e2e-down: $(INSTALLED) ## End what `e2e-up` or `e2e` started.
	@$(PYTHON) -m onkind down

e2e-env: $(INSTALLED) ## Print the line that points a shell at that cluster.
	@$(PYTHON) -m onkind env

image: $(INSTALLED) ## Build the operator's image with the Docker that runs here, and print its size.
	@$(PYTHON) -m onkind image

reference: $(INSTALLED) ## Write docs/reference.md from the CRDs and the code, and what monitoring has of one source.
	$(PYTHON) -m tools.reference
	$(PYTHON) -m tools.monitoring

site: $(INSTALLED) ## Build the pages as a site, into dist/site; a dead link fails it.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

install-yaml: $(INSTALLED) ## Write dist/install.yaml: all of manifests/base in one file, for `kubectl apply -f`.
	$(PYTHON) -m tools.install_yaml dist/install.yaml

lock: ## Pin all dependencies again, with hashes and without addresses. Needs uv.
	@command -v uv > /dev/null || { echo "uv is not on PATH: pip install uv" >&2; exit 2; }
	$(LOCK) --upgrade --extra simulator --output-file requirements/image.txt
	echo 'hatchling>=1.33,<2' | $(LOCK:pyproject.toml=-) --upgrade --output-file requirements/build.txt
	$(LOCK) --upgrade --extra simulator --extra dev --output-file requirements/dev.txt
	echo 'os-brick>=7.1,<8' | $(LOCK:pyproject.toml=-) --upgrade --output-file requirements/os-brick.txt
	printf 'cinder==27.0.0\npysvc2>=2.0.3,<3\nsetuptools<81\n' | \
		$(LOCK:pyproject.toml=-) --upgrade --output-file requirements/foreign.txt

clean: ## Remove what these targets made here; programs built for the cluster stay in the user's cache.
	@if [ -x $(BIN)/python ]; then $(PYTHON) -m cluster down; $(PYTHON) -m onkind down; fi
	rm -rf $(VENV) .run dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find operator tests -name __pycache__ -prune -exec rm -rf {} +

# What the others stand on.

environment: $(INSTALLED)

# Before pytest, which would keep the progress of a long build to itself.
programs: $(INSTALLED)
	@$(PYTHON) -m cluster prepare
	@$(PYTHON) -m promtool

# What `e2e` needs and takes minutes to make, once for each machine.
node-image: $(INSTALLED)
	@$(PYTHON) -m onkind prepare

lint: $(INSTALLED)
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/lint-imports

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

# os-brick reads our connection Secrets in a test. It brings forty packages, so it has an environment of its own.
OS_BRICK := $(VENV)/os-brick

$(INSTALLED): requirements/dev.txt requirements/os-brick.txt pyproject.toml
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || { python=$$(.ci/python) && $$python -m venv --clear $(VENV); }
	@echo "installing the pinned packages into $(VENV)" >&2
	@$(PIP_INSTALL) --require-hashes --requirement requirements/dev.txt
	@$(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m venv --clear $(OS_BRICK)
	@$(OS_BRICK)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
		--requirement requirements/os-brick.txt
	@touch $@

# Other clients of the same command line drive the simulator in some slow tests: Cinder's drivers, and IBM's pysvc2, which
# needs pkg_resources of an old setuptools. They bring 150 packages, so a machine that cannot have them skips those tests:
# the last line of pip is the reason, and the next run tries again. Python compiles what is imported, when it is.
FOREIGN := $(VENV)/foreign

foreign: $(FOREIGN)/.installed

$(FOREIGN)/.installed: requirements/foreign.txt | $(INSTALLED)
	@echo "installing the clients that tests compare with into $(FOREIGN)" >&2
	@$(BIN)/python -m venv --clear $(FOREIGN)
	@if $(FOREIGN)/bin/python -m pip install --quiet --disable-pip-version-check --no-input --no-compile \
		--only-binary :all: --require-hashes --requirement requirements/foreign.txt > $(FOREIGN)/pip.log 2>&1; \
	then touch $@; \
	else echo "not installed, so their tests are skipped:" >&2; tail -n 3 $(FOREIGN)/pip.log >&2; fi
