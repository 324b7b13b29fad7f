.DEFAULT_GOAL := help
.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do printf '%-14s %s\n' "$$name" "$$what"; done

.PHONY: cluster
cluster: ## Bring up a throwaway Kubernetes (see hack/cluster/README.md)
	hack/cluster/up.sh

.PHONY: cluster-down
cluster-down: ## Stop it and remove all it left
	hack/cluster/down.sh

.PHONY: image
image: ## Build the operator's image
	hack/image.sh

.PHONY: demo
demo: ## Run the basic experiment with the operator in the cluster, from start to clean-up
	hack/demo.sh
