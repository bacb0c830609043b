# Tributary. `make demo` and `make test` do all set-up; they need Rust, Node 20 or newer with npm, a C compiler, make,
# bash and git.

FORGE := node_modules/.bin/forge
TSC := node_modules/.bin/tsc
CARGO := cargo
DEMO_ARGS ?=
PYTHON := $(CURDIR)/target/tools/python
PYTHON_DATTRI := $(CURDIR)/target/tools/python-dattri
PYTHON_TORCH := $(CURDIR)/target/tools/python-torch

.PHONY: help demo demo-medical test test-contracts test-rust js fmt fmt-check lint contracts vectors openapi reference fresh gas coverage bench dattri torch triton s3 \
  schemathesis deny symbolic slither deep clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# One marker says that node_modules belongs to the lock file.
node_modules/.installed: package.json package-lock.json .npmrc
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

demo: node_modules/.installed ## The main job on an embedded chain, told in plain words
	$(CARGO) build --release --locked -p tributary-server
	target/release/tributary demo $(DEMO_ARGS)

demo-medical: node_modules/.installed ## The same path command by command: simulated hospitals and a real table of measurements
	$(CARGO) build --release --locked -p tributary-server
	demo/medical/walk.sh

test: test-contracts js test-rust ## Contract, TypeScript and Rust tests

test-contracts: node_modules/.installed ## Unit, fuzz and invariant tests of the contracts
	$(FORGE) build --sizes
	$(FORGE) test --no-match-path 'test/gas/*'
	$(CARGO) xtask gas --check

# xtask is tested by itself: the Solidity tool chain it links would change how everybody's dependencies are built.
test-rust: node_modules/.installed ## Rust tests: real anvil, real ONNX Runtime, real HTTP
	$(CARGO) test --release --locked
	$(FORGE) build
	$(CARGO) test --release --locked -p xtask

js: node_modules/.installed ## Type-check, build and test the TypeScript SDK
	$(TSC) -p sdk/js
	node --test sdk/js/dist/test/*.test.js

fmt: node_modules/.installed ## Format everything
	$(CARGO) fmt --all
	$(FORGE) fmt

fmt-check: node_modules/.installed ## Fail where something is not formatted
	$(CARGO) fmt --all --check
	$(FORGE) fmt --check

lint: node_modules/.installed ## Clippy and forge lint, warnings denied
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	$(CARGO) clippy --release --locked -p xtask --all-targets -- -D warnings
	$(FORGE) lint --deny warnings

contracts: node_modules/.installed ## Build the contracts; export ABI, initcode and TypeScript to sdk
	$(CARGO) xtask contracts

vectors: ## Write the golden vectors to test/vectors
	$(CARGO) xtask vectors

openapi: ## Write the OpenAPI documents of a host and of a dataset's host to docs
	$(CARGO) run --release --locked -p tributary-server -- openapi > docs/openapi.json
	$(CARGO) run --release --locked -p tributary-server -- openapi --dataset > docs/openapi-dataset.json

reference: ## Write the reference of settings, commands and metrics to docs/reference.md
	$(CARGO) run --release --locked -p tributary-server -- reference > docs/reference.md

fresh: ## Fail where a generated file is stale
	$(CARGO) xtask contracts --check
	$(CARGO) xtask vectors --check
	$(CARGO) run --release --locked -p tributary-server -- openapi | diff docs/openapi.json -
	$(CARGO) run --release --locked -p tributary-server -- openapi --dataset | diff docs/openapi-dataset.json -
	$(CARGO) run --release --locked -p tributary-server -- reference | diff docs/reference.md -

gas: node_modules/.installed ## Measure the gas of the main calls as whole transactions into test/gas/snapshots
	$(CARGO) xtask gas

coverage: node_modules/.installed ## Line and branch coverage of the contracts, against its floors
	$(CARGO) xtask coverage

bench: node_modules/.installed ## Attribution and attacks on really retrained models, and costs; see docs/attribution.md
	$(CARGO) xtask bench attribution
	$(CARGO) xtask bench attacks
	$(CARGO) xtask bench cost
	$(CARGO) xtask bench settlement

# PyTorch is large: apart from the other Python tools.
$(PYTHON_DATTRI)/.installed: bench/python/dattri-requirements.txt
	python3 -m venv $(PYTHON_DATTRI)
	$(PYTHON_DATTRI)/bin/pip install --quiet --requirement $<
	@touch $@

dattri: node_modules/.installed $(PYTHON_DATTRI)/.installed ## dattri's methods on the same retrained models
	$(CARGO) build --release --locked -p tributary-bench
	@mkdir -p target/dattri
	for subject in "digits softmax regression" "digits MLP 64-32-10, attribution-ready"; do \
	  target/release/tributary-bench attribution --seeds 8 --only "$$subject" --export target/dattri \
	    --results target/dattri/attribution.json || exit 1; \
	done
	$(PYTHON_DATTRI)/bin/python bench/python/dattri_yardstick.py target/dattri

$(PYTHON_TORCH)/.installed: bench/python/torch-requirements.txt
	python3 -m venv $(PYTHON_TORCH)
	$(PYTHON_TORCH)/bin/pip install --quiet --requirement $<
	@touch $@

torch: node_modules/.installed $(PYTHON_TORCH)/.installed ## Training speed, accuracy and memory beside PyTorch's
	$(CARGO) xtask bench training --python $(PYTHON_TORCH)/bin/python

PYTHON_S3 := $(CURDIR)/target/tools/python-s3

$(PYTHON_S3)/.installed: bench/python/s3-requirements.txt
	python3 -m venv $(PYTHON_S3)
	$(PYTHON_S3)/bin/pip install --quiet --requirement $<
	@touch $@

s3: node_modules/.installed $(PYTHON_S3)/.installed ## Copies of batches, and sealed records, in a bucket of a server of the S3 protocol
	$(PYTHON_S3)/bin/python bench/python/s3_mirror.py \
	  $(CARGO) test --release --locked -p tributary-server --features s3 --test it mirror:: -- --ignored
	$(PYTHON_S3)/bin/python bench/python/s3_mirror.py \
	  $(CARGO) test --release --locked -p tributary-dataset --features s3 store:: -- --ignored

PYTHON_TRITON := $(CURDIR)/target/tools/python-triton

$(PYTHON_TRITON)/.installed: bench/python/triton-requirements.txt
	python3 -m venv $(PYTHON_TRITON)
	$(PYTHON_TRITON)/bin/pip install --quiet --requirement $<
	@touch $@

triton: node_modules/.installed $(PYTHON_TRITON)/.installed ## NVIDIA's client of the inference protocol against a host
	$(CARGO) build --release --locked -p tributary-server
	$(PYTHON_TRITON)/bin/python bench/python/triton_client.py target/release/tributary

PYTHON_SCHEMATHESIS := $(CURDIR)/target/tools/python-schemathesis

$(PYTHON_SCHEMATHESIS)/.installed: bench/python/schemathesis-requirements.txt
	python3 -m venv $(PYTHON_SCHEMATHESIS)
	$(PYTHON_SCHEMATHESIS)/bin/pip install --quiet --requirement $<
	@touch $@

SCHEMATHESIS_EXAMPLES ?= 20

schemathesis: node_modules/.installed $(PYTHON_SCHEMATHESIS)/.installed ## Schemathesis: a running host against its OpenAPI document
	$(CARGO) build --release --locked -p tributary-server
	$(PYTHON_SCHEMATHESIS)/bin/python bench/python/schemathesis_host.py target/release/tributary $(SCHEMATHESIS_EXAMPLES)

deny: ## Licenses, bans and sources of dependencies (installs cargo-deny under target/ if it is missing)
	@command -v cargo-deny >/dev/null || test -x target/tools/bin/cargo-deny || $(CARGO) install --locked --root target/tools cargo-deny
	PATH="$$PATH:$(CURDIR)/target/tools/bin" $(CARGO) deny --locked check bans licenses sources

# This Python is for these two alone.
$(PYTHON)/.installed: test/static/requirements.txt
	python3 -m venv $(PYTHON)
	$(PYTHON)/bin/pip install --quiet --requirement $<
	@touch $@

symbolic: node_modules/.installed $(PYTHON)/.installed ## Halmos: what payout proofs mean, and that money is conserved
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(PYTHON)/bin/halmos --contract SumTreeSymbolic --solver z3 --loop 16
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(PYTHON)/bin/halmos --contract MoneySymbolic --loop 32 \
	  --solver-command "$(PYTHON)/bin/python $(CURDIR)/test/symbolic/integers.py"

slither: node_modules/.installed $(PYTHON)/.installed ## Slither, against a list of findings that each have a reason
	PATH="$(CURDIR)/node_modules/.bin:$$PATH" $(PYTHON)/bin/python test/static/slither.py $(PYTHON)/bin/slither

deep: slither schemathesis s3 ## Slither, Schemathesis, long runs of the contracts' tests and of a host, hundreds of kills, and what is off by default
	FOUNDRY_PROFILE=deep $(FORGE) test --no-match-path 'test/gas/*'
	$(CARGO) test --release --locked -p tributary-ledger --features parquet
	$(CARGO) test --release --locked -p tributary-dataset --features parquet
	$(CARGO) test --release --locked -p tributary-server --features parquet,otlp --test it walk::
	$(CARGO) test --release --locked -p tributary-server --test it crash:: -- --ignored --nocapture
	$(CARGO) xtask bench soak

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf out cache node_modules sdk/js/dist
