# Two commands matter: `make run` and `make test`. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
# The order of the prerequisites below is the order of the work.
.NOTPARALLEL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO := cargo
NPM := npm --prefix frontend
PARKING := target/release/parking
# A week of real car parks, for `make replay`.
DATA ?= ../shared/data/car-parks

installed := frontend/node_modules/.installed
client := frontend/dist/index.html
# With the folders, so that a deleted file counts as a change too.
client_sources := docs/openapi.json $(shell find frontend -maxdepth 1 -type f; \
  find frontend/src frontend/public frontend/build frontend/scripts frontend/worker 2>/dev/null)

##@ Use

.PHONY: run
run: build ## Build everything and serve on http://127.0.0.1:8080
	exec $(PARKING) serve

.PHONY: build
build: tools $(client) ## Build target/release/parking with the web client in it
	$(CARGO) build --release --locked

.PHONY: tools
tools:
	scripts/check-tools

$(installed): frontend/package-lock.json frontend/package.json
	$(NPM) ci --no-audit --no-fund
	touch $@

$(client): $(installed) $(client_sources)
	$(NPM) run build
	touch $@

##@ Test

.PHONY: test
test: tools test-tools check test-web test-rust test-e2e test-api ## Run every check and every test
	@echo "All checks and tests passed."

.PHONY: test-tools
test-tools:
	scripts/install-test-tools

.PHONY: check
# The binary embeds the built client, so clippy needs it too.
check: $(client) ## Formatting, lints and types
	$(CARGO) fmt --all --check
	$(NPM) run types:check
	$(NPM) run lint
	$(NPM) run typecheck
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

.PHONY: test-web
test-web: $(installed) ## Unit tests of the web client
	$(NPM) run test

.PHONY: test-rust
test-rust: $(client) ## Rust tests, on SQLite and on a private PostgreSQL
	scripts/with-postgres $(CARGO) nextest run --workspace --locked
	$(CARGO) test --workspace --doc --locked

.PHONY: test-e2e
test-e2e: build ## End-to-end tests in Chromium against the release binary
	CHROMIUM="$$(scripts/find-chromium)" $(NPM) run e2e

.PHONY: test-api
test-api: build ## Some requests made up from the API's own document (make fuzz-api: many)
	scripts/fuzz-api 1

.PHONY: torture
torture: test-tools build ## The promises of docs/PROMISES.md at full count; writes what was seen into it
	$(CARGO) build --locked --features broken-order --target-dir target/broken
	rm -rf target/torture
	TORTURE=full scripts/with-postgres $(CARGO) nextest run --profile torture --locked --run-ignored all \
	  -E "$$(scripts/promises tests)"
	TORTURE=full scripts/fuzz-api 200
	scripts/promises write

.PHONY: fuzz-api
fuzz-api: build ## Made-up requests from the API's own document, as the admin and as a driver (CASES=20 an operation)
	exec scripts/fuzz-api $(CASES)

.PHONY: fuzz
fuzz: $(client) ## Look for texts that a parser takes wrongly (SECONDS=60 each; needs cargo-fuzz and a nightly Rust)
	exec scripts/fuzz $(SECONDS)

.PHONY: supply
supply: $(installed) ## Licences, sources and known holes of all libraries, and a bill of materials
	exec scripts/supply

##@ Develop

.PHONY: dev
dev: tools $(installed) ## Server and Vite's development server, until Ctrl-C
	exec scripts/dev

.PHONY: fmt
fmt: $(installed) ## Format everything
	$(CARGO) fmt --all
	$(NPM) run format

.PHONY: types
types: $(installed) ## Write docs/openapi.json from the code, and the client's types from it
	mkdir -p docs target
	$(CARGO) run --quiet --locked -- openapi > target/openapi.json
	mv target/openapi.json docs/openapi.json
	$(NPM) run types

.PHONY: screens
screens: build ## Pictures of the main screens, into docs/screens
	CHROMIUM="$$(scripts/find-chromium)" $(NPM) run screens

##@ Measure

.PHONY: replay
replay: build ## Replay a week of real car parks over HTTP and compare every observation (DATA=folder)
	exec $(CARGO) run --release --quiet --locked -p parking-bench -- replay --bin $(PARKING) --data $(DATA) $(ARGS)

.PHONY: bench
bench: build ## Measure speed and memory beside the machine's limits; writes docs/BENCHMARKS.md (ARGS=--quick); make model reads it
	exec $(CARGO) run --release --quiet --locked -p parking-bench -- bench --bin $(PARKING) $(ARGS)

.PHONY: model
model: ## Reckon what ends first at each factor of ten; writes the tables of docs/SCALING.md (ARGS=--check)
	exec $(CARGO) run --release --quiet --locked -p parking-bench -- model $(ARGS)

lighthouse := frontend/lighthouse/node_modules/.package-lock.json
$(lighthouse): frontend/lighthouse/package-lock.json
	npm --prefix frontend/lighthouse ci --no-audit --no-fund
	touch $@

.PHONY: lighthouse
lighthouse: build $(lighthouse) ## Lighthouse's scores of the first pages on its phone profile (RUNS=5)
	CHROMIUM="$$(scripts/find-chromium)" node frontend/lighthouse/measure.mjs

##@ Other

.PHONY: clean
clean: ## Remove what was built; the data folder stays
	$(CARGO) clean
	rm -rf frontend/dist frontend/node_modules

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
