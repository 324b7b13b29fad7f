//! Which experiments are in the namespace of their operator. Nobody is left to ask.

use std::collections::HashSet;

use k8s_openapi::api::coordination::v1::Lease;
use kube::ResourceExt;
use kube::api::{DynamicObject, ListParams};

use crate::cluster::{Cluster, Error};
use chaostoolkit_api::names;

/// Returns the namespace of the operator of an experiment. It is empty if the experiment has run in its own namespace, since
/// no experiment of the operator's namespace does. Then the teardown needs nothing from there.
pub fn of(experiment: &DynamicObject) -> String {
    let own = experiment.namespace().unwrap_or_default();
    let is_elsewhere = experiment.data["status"]["runNamespace"].as_str() == Some(own.as_str());
    if is_elsewhere { String::new() } else { own }
}

/// Returns the namespaces in which an operator of these experiments may be at work. For experiments that have run in their own
/// namespace, these are all namespaces with a lease of an operator.
pub async fn of_operators(
    cluster: &Cluster,
    experiments: &[DynamicObject],
) -> Result<HashSet<String>, Error> {
    let mut homes: HashSet<String> = experiments.iter().map(of).collect();
    if homes.remove("") {
        let named = ListParams::default().fields(&format!("metadata.name={}", names::LEASE));
        let leases = cluster.everywhere::<Lease>();
        let found = cluster.call("list the leases of operators".to_owned(), leases.list(&named)).await;
        match found {
            // As for an operator that takes part in no election.
            Err(error) if error.is_forbidden() => {}
            found => homes.extend(found?.items.iter().filter_map(ResourceExt::namespace)),
        }
    }
    Ok(homes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::never_run(json!({}), "team")]
    #[case::in_another_namespace(json!({"runNamespace": "shop"}), "team")]
    #[case::in_its_own(json!({"runNamespace": "team"}), "")]
    fn an_experiment_that_has_run_in_its_own_namespace_is_not_at_home(
        #[case] status: serde_json::Value,
        #[case] expected: &str,
    ) {
        let experiment = json!({"metadata": {"name": "x", "namespace": "team"}, "status": status});
        assert_eq!(of(&serde_json::from_value(experiment).unwrap()), expected);
    }
}
