.DEFAULT_GOAL := help
.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done

.PHONY: cluster
cluster: ## Bring up a throwaway Kubernetes (see hack/cluster/README.md)
	hack/cluster/up.sh

.PHONY: cluster-down
cluster-down: ## Stop it, and that of the tests, and remove all they left
	hack/cluster/down.sh
	CLUSTER_NAME=ctk-api hack/cluster/down.sh
	CLUSTER_NAME=ctk-bad hack/cluster/down.sh

.PHONY: image
image: ## Build the operator's image
	hack/image.sh

.PHONY: demo
demo: ## Run the basic experiment with the operator in the cluster, from start to clean-up
	hack/demo.sh

.PHONY: test
test: ## Run all tests, lints included, layer by layer (one alone: hack/test.sh lint|pure|api|node)
	hack/test.sh

.PHONY: test-outcomes
test-outcomes: ## What runs find: each outcome on a real node, with two versions of the Chaos Toolkit
	hack/test.sh outcomes

.PHONY: bench-start
bench-start: ## How much later the toolkit starts for the runner, on a machine that does nothing else
	hack/test.sh overhead

.PHONY: test-faults
test-faults: ## What comes of a run when any write, any watch or the cluster itself fails: all plans, and outages, in minutes
	hack/test.sh faults

.PHONY: test-soak
test-soak: ## SOAK_EXPERIMENTS (1000) in SOAK_SECONDS (1200), with kills and errors all the while
	hack/test.sh soak

.PHONY: lint
lint: ## Check formatting, clippy and documentation
	hack/test.sh lint

.PHONY: crd
crd: ## Write the definition of the custom resource from the Rust types
	cargo run --quiet --locked -- crd > target/crd.yaml
	cp target/crd.yaml manifests/crd.yaml
	cp target/crd.yaml kustomize/base/crd.yaml

.PHONY: deny
deny: ## Check licences, sources and advisories of the dependencies (needs cargo-deny)
	cargo deny --all-features check

.PHONY: clean
clean: cluster-down ## Remove the clusters and everything that was built in the checkout
	cargo clean
