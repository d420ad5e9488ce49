.DEFAULT_GOAL := help
.PHONY: help run check test nightly guard demo dist openapi bench

# Tests and checks are run by one program, which installs what they need.
RUN := python3 tests/run.py

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and serve on http://127.0.0.1:8080, with the store in ./groundswell-data
	cargo run -- serve

check: python ## Format, lints, unit tests, house and openapi: what a change should pass before each commit
	$(RUN) --check

test: python ## Install what the checks need where it is missing, and run every check
	$(RUN)

nightly: python ## The same at full length: all kills, all examples, the build for release, and the guard
	$(RUN) --nightly

guard: ## Hold the quality of detection against benches/detection-guard.toml
	cargo run --locked --package groundswell-lab -- guard

demo: ## Watch 8 July 2022 unfold, at sixty times speed and more: about six minutes
	cargo run --package groundswell-lab -- demo

dist: ## Pack binary, systemd unit, example settings and checksums for this architecture, into target/archive
	cargo build --locked --profile dist --bin groundswell
	packaging/archive.sh target/dist/groundswell target/archive

openapi: ## Write openapi/openapi.json anew from the code
	mkdir -p openapi target
	cargo run -- openapi > target/openapi.json
	mv target/openapi.json openapi/openapi.json

bench: ## Run every benchmark; benches/RESULTS.md has measured numbers
	cargo bench

.PHONY: python
python:
	@command -v python3 >/dev/null || { echo "this needs python3, 3.11 or later: install it, then run make again" >&2; exit 1; }
