# The two commands of the README are `make demo` and `make test`; the rest is for people who work here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Everything that is built lies outside the tree, so that a second clone builds in seconds.
CACHE ?= $(HOME)/.cache/plimsoll
export CARGO_TARGET_DIR ?= $(CACHE)/target
export PATH := $(CACHE)/tools/bin:$(PATH)

DENY_VERSION := 0.20.2
NEXTEST_VERSION := 0.9.143

.PHONY: help demo replay test lint doc deny setup contracts solidity bench deep fmt

help: ## Show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

demo: setup contracts ## A local chain with real lending contracts, a depositor, thirty days of the engine
	@cargo build --workspace --bins
	@"$$CARGO_TARGET_DIR/debug/plimsoll" demo --out report/demo

replay: setup ## Replay history (PLIMSOLL_DATA, else a made-up one) and write report/report.html
	@cargo build --workspace --bins
	@"$$CARGO_TARGET_DIR/debug/plimsoll" replay --out report

test: setup contracts solidity lint deny doc ## Everything that must hold before a change lands
	@filter='all()'; \
	if [ ! -d "$${PLIMSOLL_DATA:-}" ]; then \
		if [ "$${PLIMSOLL_REQUIRE_DATA:-0}" = 1 ]; then \
			echo "PLIMSOLL_REQUIRE_DATA=1, but PLIMSOLL_DATA ('$${PLIMSOLL_DATA:-}') is no folder" >&2; exit 1; \
		fi; \
		echo "PLIMSOLL_DATA names no folder: the tests on real history are skipped"; \
		filter='not (binary(suite) and (test(/^history::/) or test(/^accounts::/) or test(/^curves::/) or test(/^models_score::/)))'; \
	fi; \
	PLIMSOLL_REQUIRE_CONTRACTS=1 cargo nextest run --workspace --no-fail-fast -E "$$filter"

lint: setup ## Format and clippy, without writing
	@cargo fmt --check
	@cargo clippy --workspace --all-targets --quiet -- -D warnings

doc: setup ## Documentation without warnings
	@RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --document-private-items --quiet

deny: setup ## Licences, bans and sources of dependencies
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --version $(DENY_VERSION) --locked --debug --root "$(CACHE)/tools"
	@cargo deny --log-level error check bans licenses sources

contracts: ## Install the contracts' packages and compile what the local chain needs
	@CACHE="$(CACHE)" contracts/tools/prepare

solidity: contracts ## Format and tests of the vault's contracts
	@cd contracts && PATH="$$PWD/node_modules/@foundry-rs/forge-linux-amd64/bin:$$PATH" && forge fmt --check && forge test --summary

setup:
	@.ci/setup
	@cargo nextest --version >/dev/null 2>&1 || cargo install cargo-nextest --version $(NEXTEST_VERSION) --locked --debug --root "$(CACHE)/tools"

bench: setup contracts ## Time release builds on real and on generated history
	@backtests/bench.sh

deep: setup contracts ## Long property runs
	@cd contracts && FOUNDRY_PROFILE=deep node_modules/@foundry-rs/forge-linux-amd64/bin/forge test --summary --fuzz-seed "0x$$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')"
	@export PLIMSOLL_REQUIRE_CONTRACTS=1 PROPTEST_CASES=2000; \
	failed=0; \
	cargo nextest run --workspace --no-fail-fast --run-ignored only --success-output immediate || failed=1; \
	cargo nextest run --workspace --no-fail-fast || failed=1; \
	exit $$failed

fmt: ## Format
	@cargo fmt
