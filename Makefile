.DEFAULT_GOAL := help
.PHONY: help run test demo openapi bench

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and serve on http://127.0.0.1:8080, with the store in ./groundswell-data
	cargo run -- serve

test: ## Install what the checks need where it is missing, and run every check
	@command -v python3 >/dev/null || { echo "make test needs python3, 3.11 or later: install it, then run make test again" >&2; exit 1; }
	python3 tests/run.py

demo: ## Watch 8 July 2022 unfold, at sixty times speed and more: about six minutes
	cargo run -p groundswell-lab -- demo

openapi: ## Write openapi/openapi.json anew from the code
	mkdir -p openapi target
	cargo run -- openapi > target/openapi.json
	mv target/openapi.json openapi/openapi.json

bench: ## Run every benchmark; benches/RESULTS.md has measured numbers
	cargo bench
