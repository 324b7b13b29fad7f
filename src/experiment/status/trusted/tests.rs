//! Forged records, and records of the operator.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const UID: &str = "123e4567-e89b-12d3-a456-426614174000";

fn read(status: &Value) -> (Status, Option<String>) {
    read_in("operators", status)
}

/// Reads the status of an experiment in this namespace.
fn read_in(namespace: &str, status: &Value) -> (Status, Option<String>) {
    let experiment =
        serde_json::from_value(json!({"metadata": {"name": "x", "namespace": namespace}})).unwrap();
    let place = Place::of(&experiment, "operators");
    trusted(serde_json::from_value(status.clone()).unwrap(), UID, place)
}

#[rstest]
#[case::other_namespace("Role", "kube-system", "x-a235f4ad3e")]
#[case::the_operators("ConfigMap", "operators", "x-a235f4ad3e")]
#[case::no_namespace("Role", "", "x-a235f4ad3e")]
#[case::path("Role", "a/../kube-system", "x-a235f4ad3e")]
#[case::other_name("Role", "shop", "x")]
#[case::other_suffix("Role", "shop", "x-13303f6e53")]
#[case::only_the_suffix("Role", "shop", "a235f4ad3e")]
#[case::no_base("Role", "shop", "-a235f4ad3e")]
#[case::other_end("Role", "shop", "x-a235f4ad3e-1")]
#[case::zeros("Role", "shop", "x-a235f4ad3e-02")]
#[case::sign("Role", "shop", "x-a235f4ad3e-+2")]
#[case::query("ServiceAccount", "shop", "victim?x=-a235f4ad3e")]
#[case::subresource("ConfigMap", "shop", "victim/x-a235f4ad3e")]
#[case::namespace("Namespace", "shop", "x-a235f4ad3e")]
#[case::pod("Pod", "shop", "x-a235f4ad3e")]
#[case::job("Job", "shop", "x-a235f4ad3e")]
#[case::cluster_role("ClusterRole", "shop", "x-a235f4ad3e")]
#[case::secret("Secret", "shop", "x-a235f4ad3e")]
fn a_forged_record_of_an_object_is_ignored(#[case] kind: &str, #[case] namespace: &str, #[case] name: &str) {
    for adopted in [false, true] {
        let forged = json!({"kind": kind, "namespace": namespace, "name": name, "adopted": adopted});
        let own = json!({"kind": "Role", "namespace": "shop", "name": "x-a235f4ad3e"});
        let (status, ignored) = read(&json!({"resources": [forged, own]}));
        assert_eq!(status.resources.len(), 1, "{:?}", status.resources);
        assert_eq!(status.resources[0].name, "x-a235f4ad3e");
        let ignored = ignored.unwrap();
        assert!(ignored.ends_with(&format!(": {kind} {namespace}/{name}")), "{ignored}");
    }
}

#[rstest]
#[case("suffix", json!({"suffix": "13303f6e53"}))]
#[case("runNamespace", json!({"runNamespace": "kube-system"}))]
#[case("runNamespace", json!({"runNamespace": "a?b"}))]
#[case("targets", json!({"run": {"number": 1, "podName": "", "targets": {"namespaces": ["kube-system"]}}}))]
#[case("targets", json!({"run": {"number": 1, "podName": "", "targets": {"drawn": "operators"}}}))]
#[case("targets", json!({"run": {"number": 1, "podName": "", "targets": {"namespaces": vec!["a"; 51]}}}))]
#[case("targets", json!({"schedule": {"cron": "", "released": [{"jobUid": "u", "targets": {"namespaces": ["a,b"]}}]}}))]
#[case("podName", json!({"run": {"number": 1, "podName": "x"}}))]
#[case("podName", json!({"run": {"number": 1, "podName": "x-a235f4ad3e-rescue"}}))]
#[case("podName", json!({"schedule": {"cron": ""}, "run": {"number": 1, "podName": "a/b"}}))]
#[case("jobName", json!({"run": {"number": 1, "podName": "", "jobName": "a/b"}}))]
#[case("rescue.podName", json!({"run": {"number": 1, "podName": "", "rescue": {"podName": "x-rescue"}}}))]
#[case("rescue.podName", json!({"run": {"number": 1, "podName": "", "rescue": {"podName": "x-a235f4ad3e"}}}))]
#[case("journal.configMap", json!({"run": {"number": 2, "podName": "",
    "journal": {"sha256": "", "bytes": 1, "configMap": "chaostoolkit-journal-a235f4ad3e-1"}}}))]
#[case("schedule", json!({"schedule": {"cron": "", "active": ["a/b"]}}))]
#[case("schedule", json!({"schedule": {"cron": "", "stalledJob": "a/b"}}))]
#[case("schedule", json!({"schedule": {"cron": "", "givenUp": [{"jobName": "a/b", "reason": "Replaced"}]}}))]
fn a_forged_name_is_ignored(#[case] field: &str, #[case] status: Value) {
    let (kept, ignored) = read(&status);
    let ignored = ignored.unwrap();
    assert!(ignored.contains(&format!("ignored: {field} \"")), "{ignored}");
    assert_eq!(read(&json!(kept)), (kept, None), "nothing of it is left");
}

#[test]
fn what_the_operator_records_is_kept() {
    let resource =
        |kind: &str, name: &str| json!({"kind": kind, "namespace": "shop", "name": name, "adopted": true});
    let status = json!({
        "suffix": "a235f4ad3e", "runNamespace": "shop",
        "resources": [
            resource("ServiceAccount", "chaostoolkit-a235f4ad3e"), resource("Role", "Admin_1:x-a235f4ad3e-2"),
            resource("RoleBinding", "a-a235f4ad3e"), resource("ConfigMap", "chaostoolkit-env-a235f4ad3e"),
            resource("CronJob", "a--a235f4ad3e-2147483647"),
        ],
        "run": {"number": 3, "podName": "x-a235f4ad3e-3", "rescue": {"podName": "x-a235f4ad3e-3-rescue"},
            "journal": {"sha256": "", "bytes": 1, "configMap": "chaostoolkit-journal-a235f4ad3e-3"}},
        "history": [{"number": 1, "podName": "by-hand-x4f5z", "jobName": "by-hand", "phase": "Failed", "outcome": "Error",
            "reason": "x", "journal": {"sha256": "", "bytes": 1, "configMap": "chaostoolkit-journal-a235f4ad3e-1"}}],
    });
    let (kept, ignored) = read(&status);
    assert_eq!(
        (serde_json::to_value(&kept).unwrap()["resources"].clone(), ignored),
        (status["resources"].clone(), None)
    );
    assert_eq!(kept, serde_json::from_value(status).unwrap());
    let schedule = json!({"schedule": {"cron": "@daily", "active": ["by-hand-x4f5z"], "stalledJob": "by-hand",
        "givenUp": [{"jobName": "by-hand", "reason": "Replaced"}]}, "run": {"number": 3, "podName": "by-hand-x4f5z"}});
    assert_eq!(read(&schedule).1, None);
}

#[rstest]
#[case::its_own("team", "team", true)]
#[case::another("team", "shop", false)]
#[case::the_default_one("team", "chaostoolkit-run", false)]
#[case::the_operators("team", "operators", false)]
#[case::of_the_cluster("kube-system", "kube-system", false)]
#[case::at_home("operators", "shop", true)]
fn an_experiment_elsewhere_has_its_run_in_its_own_namespace(
    #[case] namespace: &str,
    #[case] recorded: &str,
    #[case] is_kept: bool,
) {
    let resource = |kind: &str| json!({"kind": kind, "namespace": recorded, "name": "x-a235f4ad3e"});
    for kind in ["ServiceAccount", "ConfigMap", "CronJob"] {
        let (status, ignored) =
            read_in(namespace, &json!({"runNamespace": recorded, "resources": [resource(kind)]}));
        assert_eq!(status.run_namespace.is_some(), is_kept, "{kind}");
        assert_eq!(status.resources.len(), usize::from(is_kept), "{kind}");
        assert_eq!(ignored.is_none(), is_kept, "{kind}");
    }
}

#[rstest]
#[case("shop", true)]
#[case("team", true)]
#[case("operators", false)]
#[case("kube-public", false)]
fn an_experiment_elsewhere_may_have_rights_in_further_namespaces(#[case] bound: &str, #[case] is_kept: bool) {
    for kind in ["Role", "RoleBinding"] {
        let resource = json!({"kind": kind, "namespace": bound, "name": "x-a235f4ad3e"});
        let (status, _) = read_in("team", &json!({"runNamespace": "team", "resources": [resource]}));
        assert_eq!(status.resources.len(), usize::from(is_kept), "{kind}");
    }
}

#[rstest]
#[case::its_own(json!({}), true)]
#[case::in_a_namespace(json!({"namespace": "team"}), false)]
#[case::of_another_experiment(json!({"name": "x-0123456789"}), false)]
#[case::of_nobody(json!({"name": "cluster-admin"}), false)]
#[case::taken_over(json!({"adopted": true}), false)]
fn a_binding_in_the_cluster_is_kept_if_the_operator_could_have_made_it(
    #[case] change: serde_json::Value,
    #[case] is_kept: bool,
) {
    let mut resource = json!({"kind": "ClusterRoleBinding", "namespace": "", "name": "x-1-a235f4ad3e"});
    for (field, value) in change.as_object().unwrap() {
        resource[field] = value.clone();
    }
    for namespace in ["team", "operators"] {
        let (status, ignored) = read_in(namespace, &json!({"resources": [resource]}));
        assert_eq!(
            (status.resources.len(), ignored.is_none()),
            (usize::from(is_kept), is_kept),
            "{resource}"
        );
    }
}

#[test]
fn the_message_names_few_records_however_many_are_forged() {
    let forged = json!({"kind": "Secret", "namespace": "shop", "name": "x".repeat(1 << 10)});
    let ignored = read(&json!({"resources": vec![forged; 100]})).1.unwrap();
    assert!(ignored.len() <= 1024, "{}", ignored.len());
    let forged = json!({"kind": "Secret", "namespace": "shop", "name": "x"});
    let ignored = read(&json!({"resources": vec![forged; 7]})).1.unwrap();
    assert!(ignored.ends_with("Secret shop/x and 2 more"), "{ignored}");
}

proptest! {
    #[test]
    fn only_names_that_the_operator_makes_are_children(
        template in "[a-z]{1,3}", number in -3_i32..40, other in "[a-z0-9-]{0,30}",
    ) {
        let suffix = names::suffix(UID);
        let made = names::child(&template, &names::numbered(&suffix, number));
        prop_assert!(names::is_child(&made, &suffix));
        prop_assert!(!names::is_child(&other, &suffix) || other.contains(&suffix));
    }
}
