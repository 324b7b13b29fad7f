.DEFAULT_GOAL := help
.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done

.PHONY: cluster
cluster: ## Start a throwaway Kubernetes (see hack/cluster/README.md)
	hack/cluster/up.sh

.PHONY: cluster-down
cluster-down: ## Remove this cluster and those of the tests, without a trace
	hack/cluster/down.sh
	CLUSTER_NAME=ctk-api hack/cluster/down.sh
	CLUSTER_NAME=ctk-bad hack/cluster/down.sh
	CLUSTER_NAME=ctk-33 hack/cluster/down.sh
	CLUSTER_NAME=ctk-helm hack/cluster/down.sh
	CLUSTER_NAME=ctk-35 hack/cluster/down.sh

.PHONY: image
image: ## Build the operator's image (IMAGE is its name)
	hack/image.sh

.PHONY: plugin
plugin: ## Build kubectl-chaostoolkit for this machine into target/plugin, with an archive for krew
	hack/plugin.sh

.PHONY: demo
demo: ## Run two experiments with the operator in the cluster, from start to clean-up (FRESH=1: in a new cluster)
	hack/demo.sh $(if $(FRESH),--fresh)

.PHONY: test
test: ## Run the lints and all tests, layer by layer (one layer: hack/test.sh lint|chart|monitoring|pure|gitops|api|node)
	hack/test.sh

.PHONY: test-outcomes
test-outcomes: ## Test each outcome on a real node, with three versions of the Chaos Toolkit
	hack/test.sh outcomes

.PHONY: test-activities
test-activities: ## Test the rights of each function of chaosk8s on an API server, with exactly these and with one less
	hack/test.sh activities

.PHONY: test-signals
test-signals: ## Test gates and stop conditions with a real Prometheus and a real Alertmanager
	hack/test.sh signals

.PHONY: test-metrics
test-metrics: ## Check the text of the metrics with promtool
	hack/metrics.sh

.PHONY: test-reports
test-reports: ## Read reports with the programs of others: JUnit with junitparser, CTRF with its schema (needs Python)
	hack/report/check.sh

.PHONY: test-recipes
test-recipes: ## Compare the recipes for pipelines with the schemas of their systems (needs Python and Go)
	hack/recipes/check.sh

.PHONY: test-release
test-release: ## Test what a release is made with: scripts, krew manifest, workflows (needs Python and Go)
	hack/release/check.sh

.PHONY: bench-start
bench-start: ## Measure how much the runner delays the start of the toolkit (needs an idle machine)
	hack/test.sh overhead

.PHONY: bench
bench: ## Measure the operator beside a bare client (needs an idle machine; BENCH_PARTS chooses parts)
	hack/test.sh bench

.PHONY: test-faults
test-faults: ## Test runs while writes, watches and the cluster fail: all plans and outages, in minutes
	hack/test.sh faults

.PHONY: test-requests
test-requests: ## Test what the operator says to each request of the table of three users, in minutes
	hack/test.sh requests

.PHONY: test-soak
test-soak: ## Run SOAK_EXPERIMENTS (1000) in SOAK_SECONDS (1200), with constant kills and errors
	hack/test.sh soak

.PHONY: lint
lint: ## Check formatting, clippy and documentation
	hack/test.sh lint

.PHONY: crd
crd: ## Generate the definition of the custom resource, and the policy about its fields, from the Rust types
	cargo run --quiet --locked -- crd > target/crd.yaml
	cp target/crd.yaml manifests/crd.yaml
	cp target/crd.yaml kustomize/base/crd.yaml
	cargo run --quiet --locked -- fields-policy > target/fields-policy.yaml
	cp target/fields-policy.yaml kustomize/base/fields-policy.yaml
	hack/chart/files.sh

.PHONY: chart
chart: ## Copy what the Helm chart has in common with kustomize into it, and make its README
	hack/chart/files.sh
	hack/chart/readme.sh

.PHONY: test-chart
test-chart: ## Test the Helm chart without a cluster, beside kustomize
	hack/test.sh chart

.PHONY: gitops
gitops: ## Write the ConfigMap for Argo CD and the objects of its tests
	hack/gitops/check.sh --files

.PHONY: test-gitops
test-gitops: ## Ask kstatus and the scripts for Argo CD about an experiment in every phase (needs Go and Lua)
	hack/test.sh gitops

.PHONY: cron-table
cron-table: ## Ask the cron library of Kubernetes for the times that the tests compare with (needs Go)
	cd tests/cron && go run . > table.tsv

.PHONY: merge-keys
merge-keys: ## Ask the API server of the current context how the lists of a pod are merged
	{ kubectl version -o json && kubectl get --raw /openapi/v2; } | python3 hack/strategic/merge_keys.py > target/pod.json
	cp target/pod.json src/strategic/pod.json

.PHONY: deny
deny: ## Check licenses, sources and advisories of the dependencies; fails if the advisories cannot be fetched
	tool=$$(hack/tool.sh cargo-deny) && "$$tool" --locked --all-features check

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZ_SECONDS (120); see fuzz/README.md
	hack/fuzz.sh

.PHONY: test-bad-input
test-bad-input: ## Test 10,000 bad objects of each kind, in memory and with an API server
	hack/test.sh bad_input

.PHONY: sbom
sbom: ## Write the bills of materials of the image (CycloneDX) to target/sbom
	hack/sbom.sh

.PHONY: clean
clean: cluster-down ## Remove the clusters and all build results in the checkout
	cargo clean
