# bursar: one command to watch it, one to test it. Both need Debian 12, root and Rust.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
CARGO ?= cargo

# To build: bindgen reads slurm.h. To run hosts and clusters: Slurm, its database, sshd and containers, and what makes
# the root directory of another suite, with another Slurm.
BUILD_PACKAGES := gcc libc6-dev make pkg-config libclang-dev libslurm-dev libpam0g-dev
RUN_PACKAGES := munge mariadb-server slurmctld slurmd slurmdbd slurm-client slurm-wlm-mysql-plugin \
	openssh-server openssh-client systemd systemd-container dbus iproute2 util-linux procps e2fsprogs sqlite3 \
	debootstrap debian-archive-keyring
PACKAGES := $(BUILD_PACKAGES) $(RUN_PACKAGES)

DEMO := target/debug/bursar-demo

# What `make fuzz` feeds (job_description, snapshot or array), and for how long.
TARGET ?= job_description
SECONDS ?= 600

.PHONY: help deps build demo demo-shell demo-stop transcript roots test test-threads lint bench fuzz valgrind quota clean-hosts

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

deps: ## Install what is missing from Debian
	@tests/deps $(PACKAGES)

build: deps ## Build everything, with debug information
	@$(CARGO) build --workspace --quiet

demo: build ## Bring up a real cluster under bursar's rule and tell its story
	@$(DEMO) run

demo-shell: ## A root shell on the demo's host, or CMD='...'
	@$(DEMO) shell $(if $(CMD),bash -c '$(subst ','\'',$(CMD))')

demo-stop: ## End the demo's cluster
	@if [ -x $(DEMO) ]; then $(DEMO) stop; fi

transcript: build ## Put what the demo prints into the README
	@$(DEMO) run | tests/update-transcript README.md
	@$(DEMO) stop

lint: deps ## Formatting and clippy
	@$(CARGO) fmt --all -- --check
	@$(CARGO) fmt --manifest-path fuzz/Cargo.toml -- --check
	@$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings

roots: build ## Fetch the other Slurms that tests run, and build their plugins
	@CARGO=$(CARGO) $(DEMO) roots

# Tests that boot hosts run one at a time: two clusters at once are too much for a small machine.
test: build lint roots test-threads quota ## Run every test
	@$(DEMO) stop
	@$(CARGO) test --workspace --exclude bursar-tests
	@$(CARGO) test --package bursar-tests -- --test-threads=1

# In a build folder of its own, because every crate is built anew for it.
test-threads: ## Try every order in which threads can meet in the gate
	@RUSTFLAGS="--cfg loom" $(CARGO) test --quiet --package bursar-policy --lib --release --target-dir target/loom threads

# What is measured on a cluster is the release build, as it would be installed.
bench: deps ## Measure the judges, 10,000 people on a real cluster, and sbatch with and without the plugin
	@$(DEMO) stop
	@$(CARGO) build --release --quiet -p bursar-agent -p bursar-slurm-plugin -p bursar-pam-module
	@$(CARGO) test --quiet --release --package bursar-slurm-plugin --lib -- --ignored --nocapture how_long
	@$(CARGO) bench --package bursar-tests --bench judge
	@$(CARGO) bench --package bursar-tests --bench latency
	@$(CARGO) bench --package bursar-tests --bench ledger
	@$(CARGO) bench --package bursar-tests --bench cluster

# No sanitizer, so that the stable compiler does: it is panics, answers and times that are looked at.
fuzz: deps ## Feed the plugin any job description for ten minutes, or SECONDS=60 TARGET=snapshot
	@tests/deps g++
	@$(CARGO) fuzz --version >/dev/null 2>&1 || \
		{ echo "cargo-fuzz is missing: cargo install --locked cargo-fuzz" >&2; exit 1; }
	@cd fuzz && $(CARGO) fuzz run --sanitizer none $(TARGET) -- \
		-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1

valgrind: build ## Play the scenarios with slurmctld under valgrind
	@tests/deps valgrind
	@$(DEMO) stop
	@$(CARGO) test --package bursar-tests --test valgrind -- --ignored --nocapture

quota: deps ## Read the kernel's quota under a Debian kernel in qemu, where this machine's has none
	@tests/quota-in-qemu "$$($(CARGO) test --package bursar-agent --test quota_real --no-run --message-format=json \
		2>/dev/null | sed -n 's/.*"executable":"\([^"]*quota_real[^"]*\)".*/\1/p')"

clean-hosts: ## End the demo and remove all that hosts left in the build folder
	@if [ -x $(DEMO) ]; then $(DEMO) clean; fi
