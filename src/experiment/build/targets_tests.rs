//! What a run gets in the namespaces that were found for it.

use rstest::rstest;
use serde_json::{Value, json};

use super::build;
use crate::cluster::manifest::Manifest;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::plan::{self, Facts};
use crate::experiment::decide::templates::tests::shipped;
use chaostoolkit_api::{Experiment, Spec, Targets};

fn built(mut spec: Value) -> Resources {
    spec["targets"] = json!({"namespaceSelector": {"matchAnnotations": {"chaos": "yes"}}});
    let experiment: Experiment = serde_json::from_value(json!({
        "metadata": {"name": "exp", "namespace": "home", "uid": "123e4567-e89b-12d3-a456-426614174000"},
        "spec": spec,
    }))
    .unwrap();
    let facts = Facts { operator_namespace: "home".into(), has_default_env: true, ..Facts::default() };
    let parsed = Spec::parse(experiment.spec.as_ref()).unwrap();
    build(&plan::plan(&experiment, &parsed, &facts).unwrap(), &shipped()).unwrap()
}

fn targets(namespaces: &[&str]) -> Targets {
    let namespaces: Vec<String> = namespaces.iter().map(|name| (*name).to_owned()).collect();
    Targets { total: 9, drawn: namespaces[0].clone(), namespaces }
}

fn titles<'a>(of: impl Iterator<Item = &'a Manifest>) -> Vec<String> {
    of.map(|one| format!("{} {}", one.kind, one.namespace())).collect()
}

#[rstest]
#[case::of_the_template(json!({}), &["Role shop", "RoleBinding shop"])]
#[case::with_rules(
    json!({"rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}]}),
    &["Role shop", "RoleBinding shop"]
)]
#[case::without_rules(json!({"rules": []}), &[])]
#[case::existing(json!({"name": "theirs"}), &["RoleBinding shop"])]
#[case::of_the_cluster(json!({"clusterRole": "view"}), &["RoleBinding shop"])]
#[case::in_the_whole_cluster(json!({"clusterRole": "view", "clusterWide": true}), &[])]
fn the_role_of_a_run_is_bound_where_a_namespace_was_found(#[case] role: Value, #[case] expected: &[&str]) {
    let base = built(json!({"role": role}));
    let reaching = base.clone().reaching(targets(&["shop"]));
    assert_eq!(titles(reaching.of_targets()), expected);
    assert_eq!(reaching.owned.len(), base.owned.len() + expected.len());
    for made in reaching.of_targets() {
        let own = base.owned.iter().find(|own| own.kind == made.kind);
        if let Some(own) = own {
            let mut placed = own.value.clone();
            placed["metadata"]["namespace"] = json!("shop");
            assert_eq!(made.value, placed, "as in the namespace of the run, for the same account");
        }
    }
    let marked = reaching.references().into_iter().filter(|one| one.target).count();
    assert_eq!(marked, expected.len(), "only they go with the run");
}

#[test]
fn where_the_run_has_its_role_anyway_nothing_goes_with_the_run() {
    let base = built(json!({"role": {"binds_to_namespaces": ["shop"]}}));
    let reaching = base.clone().reaching(targets(&["bank", "chaostoolkit-run", "shop"]));
    assert_eq!(titles(reaching.of_targets()), ["Role bank", "RoleBinding bank"]);
    assert!(reaching.references().iter().all(|one| one.target == (one.namespace == "bank")));
    assert_eq!(base.references(), base.clone().reaching(Targets::default()).references());
}

#[test]
fn a_pod_has_the_names_and_its_variables_refer_to_them() {
    let annotations = |resources: &Resources| {
        let found = resources.pod()["metadata"]["annotations"].clone();
        ["chaostoolkit.org/target-namespaces", "chaostoolkit.org/target-namespace"]
            .map(|key| found[key].clone())
    };
    let found = targets(&["bank", "shop"]);
    let once = built(json!({})).reaching(found.clone());
    assert_eq!(annotations(&once), ["bank,shop", "bank"]);
    let scheduled = json!({"schedule": {"kind": "cronJob", "value": "0 0 1 1 *"}});
    let template = built(scheduled.clone()).reaching(found);
    assert_eq!(annotations(&template), [Value::Null, Value::Null], "each run has its own");
    assert_eq!(template.workload, built(scheduled).workload, "so the CronJob stays as it is");
    for resources in [once, template] {
        let env = resources.toolkit().unwrap()["env"].as_array().unwrap().clone();
        let names: Vec<&Value> = env.iter().map(|one| &one["name"]).take(2).collect();
        assert_eq!(names, ["CHAOSTOOLKIT_TARGET_NAMESPACE", "CHAOSTOOLKIT_TARGET_NAMESPACES"]);
        let path = "metadata.annotations['chaostoolkit.org/target-namespace']";
        assert_eq!(env[0]["valueFrom"]["fieldRef"]["fieldPath"], path);
    }
}

#[test]
fn a_variable_of_that_name_is_the_operators() {
    let own = json!([{"name": "CHAOSTOOLKIT_TARGET_NAMESPACE", "value": "kube-system"}]);
    let resources = built(json!({"pod": {"env": own}}));
    let env = resources.toolkit().unwrap()["env"].as_array().unwrap().clone();
    let found: Vec<&Value> =
        env.iter().filter(|one| one["name"] == "CHAOSTOOLKIT_TARGET_NAMESPACE").collect();
    assert_eq!((found.len(), &found[0]["value"]), (1, &Value::Null));
}
