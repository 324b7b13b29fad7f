//! The policy that warns of unknown fields. It knows those that the operator does not know, and refuses nothing.

use std::collections::BTreeSet;

use crate::cast::Cast;
use crate::common::{eventually, kubectl};
use crate::install;
use chaostoolkit_api::Spec;
use chaostoolkit_operator::commands::fields_policy;
use serde_json::{Map, Value, json};

use crate::common::install::documents;

/// The start of a warning of this installation, up to what it says.
fn of_the_policy(cast: &Cast) -> String {
    cast.places("ValidatingAdmissionPolicy '@home-fields' with binding '@home-fields': ")
}

/// The warnings to a spec: unknown fields, and keys of an experiment.
fn warned(cast: &Cast, spec: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let experiment = crate::common::experiment("new", spec.clone()).to_string();
    let home = cast.places("@home");
    let (created, text) = kubectl(&["-n", &home, "create", "--dry-run=server", "-f", "-"], &experiment);
    assert!(created, "{text}");
    let ours = of_the_policy(cast);
    let said: Vec<&str> =
        text.lines().filter_map(|line| line.split_once(&ours)).map(|(_, said)| said).collect();
    let paths = |start: &str, end: &str| -> BTreeSet<String> {
        let said = said.iter().filter_map(|said| said.strip_prefix(start)?.split_once(end));
        said.flat_map(|(paths, _)| paths.split(", ")).map(str::to_owned).collect()
    };
    let unknown = paths("unknown fields, which are not used: ", "; the condition Accepted says");
    let misplaced = paths("", " belong");
    assert_eq!(said.len(), usize::from(!unknown.is_empty()) + usize::from(!misplaced.is_empty()), "{text}");
    (unknown, misplaced)
}

fn keys(start: &str, count: usize) -> Map<String, Value> {
    (0..count).map(|at| (format!("{start}{at}"), json!(1))).collect()
}

fn with(mut fields: Map<String, Value>, more: Value) -> Value {
    fields.extend(more.as_object().unwrap().clone());
    fields.into()
}

/// What the operator finds, too.
fn of_any_type() -> Vec<Value> {
    vec![
        json!(null),
        json!({}),
        // As 0.14.0 took them.
        json!({"verbose": "yes", "keep_resources_on_delete": 1, "role": {"binds_to_namespaces": ["a", null, 1]},
            "pod": {"image": {"name": "a", "other": 1}, "env": [{"name": "A", "valueFrom": {"any": 1}}],
            "chaosArgs": ["run", null], "template": "kind: Pod"}}),
        json!({"pod": {"template": {"kind": "Pod", "spec": {"any": 1}}}}),
        // Null at each place.
        json!({"namespace": null, "verbose": null, "template": null, "serviceaccount": null, "role": null, "pod": null,
            "schedule": null, "experiment": {}, "report": null, "cleanup": null}),
        json!({"pod": {"env": null, "settings": null, "experiment": null, "files": null, "proxy": null, "image": null,
            "template": null, "volumes": null}, "role": {"rules": null}, "report": {"journal": null}}),
        json!({"pod": {"experiment": {"headers": null, "artifact": null}, "proxy": {"caBundle": null},
            "files": [{"path": "a", "secret": null, "configMap": null}]}}),
        json!({"nothing": null, "pod": {"nothing": null}}),
        // What belongs to Kubernetes or to the toolkit.
        json!({"experiment": {"titel": "t", "any": {"thing": [1]}}, "pod": {"patch": {"any": {"thing": 1}}, "labels": {"any": "1"},
            "annotations": {"any": "1"}, "nodeSelector": {"any": "1"}, "tolerations": [{"any": 1}], "resources": {"any": 1},
            "imagePullSecrets": [{"any": 1}], "securityContext": {"any": 1}, "volumes": [{"any": 1}],
            "volumeMounts": [{"any": 1}], "envFrom": [{"any": 1}]}}),
        // One at each level.
        json!({"x": 1, "template": {"x": 1}, "serviceaccount": {"x": 1}, "role": {"x": 1}, "schedule": {"x": 1}}),
        json!({"pod": {"x": 1, "env": {"x": 1}, "settings": {"x": 1}, "experiment": {"x": 1}, "proxy": {"x": 1}}}),
        json!({"report": {"x": 1, "journal": {"x": 1}}, "cleanup": {"x": 1}, "pod": {"proxy": {"caBundle": {"name": "a", "key": "b", "x": 1}},
            "experiment": {"artifact": {"reference": "r", "x": 1}}}}),
        json!({"role": {"rules": [{"verbs": ["get"]}, {"x": 1}, {"verb": ["get"], "nonResourceURLs": ["/"]}]}}),
        json!({"pod": {"files": [{"path": "a", "x": 1}, {"path": "b", "secret": {"name": "a", "key": "b", "x": 1}},
            {"path": "c", "configMap": {"name": "a", "key": "b", "x": 1}}]}}),
        json!({"pod": {"experiment": {"headers": [{"name": "a", "secret": {"name": "a", "key": "b"}},
            {"name": "b", "x": 1, "secret": {"name": "a", "key": "b", "x": 1}}]}}}),
        json!({"gates": [{"name": "a", "x": 1, "http": {"source": "a", "path": "b", "expect": 200, "x": 1}},
            {"name": "b", "experiment": {"name": "b", "outcome": ["Passed"], "x": 1}}], "stopConditions": [{"name": "a", "experiment": {}}]}),
        json!({"gates": null, "stopConditions": [{"name": "a", "prometheus": null}]}),
        // Values of unknown fields.
        json!({"a": null, "b": [1, {"x": [null]}], "c": {"d": {"e": 1}}, "f": 1.5, "g": "x", "h": true}),
        // Names.
        json!({"a.b": 1, "a b": 1, "ü": 1, "": 1, "a'\"\\": 1}),
        // An experiment at the wrong place.
        json!({"title": "t", "method": [], "steady-state-hypothesis": {}, "steadyStateHypothesis": {}, "rollbacks": null}),
        json!({"description": "d", "tags": [], "$schema": "x", "flavour": 1}),
    ]
}

#[tokio::test]
#[ignore = "needs an API server"]
async fn a_field_that_the_operator_does_not_know_is_warned_of_at_once() {
    let cast = Cast::new("fields").await;
    let policies = install(&cast, documents(&fields_policy::policy()));
    eventually("the policy is in force", async || {
        (!warned(&cast, &json!({"x": 1})).0.is_empty()).then_some(())
    })
    .await;
    for spec in of_any_type() {
        let (unknown, misplaced) = warned(&cast, &spec);
        let found: BTreeSet<String> = Spec::read(Some(&spec)).unknown.into_iter().collect();
        assert_eq!(unknown.union(&misplaced).cloned().collect::<BTreeSet<_>>(), found, "{spec}");
        assert!(unknown.is_disjoint(&misplaced), "{spec}");
    }
    let experiment =
        json!({"title": "t", "steady_state_hypothesis": {}, "tags": [], "titles": 1, "method": null});
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<BTreeSet<_>>();
    let of_the_experiment =
        paths(&["spec.title", "spec.steady_state_hypothesis", "spec.tags", "spec.method"]);
    assert_eq!(warned(&cast, &experiment), (paths(&["spec.titles"]), of_the_experiment));

    // Names that no warning could have.
    let long = "x".repeat(61);
    let odd = json!({"a\nb": 1, "\u{1b}[31m": 1, long: 1});
    let shown = format!("spec.{}...", "x".repeat(60));
    assert_eq!(warned(&cast, &odd).0, paths(&["spec.?", &shown]));

    // A change of the spec is warned of, and no other one.
    cast.kubectl(
        &["-n", "@home", "create", "-f", "-"],
        &crate::common::experiment("it", json!({"x": 1})).to_string(),
    );
    let answer = |patch: Value| {
        cast.kubectl(&["-n", "@home", "patch", "ctk", "it", "--type=merge", "-p", &patch.to_string()], "")
    };
    let ours = of_the_policy(&cast);
    assert!(
        answer(json!({"spec": {"suspend": true}}))
            .contains(&format!("{ours}unknown fields, which are not used: spec.x; "))
    );
    assert!(!answer(json!({"metadata": {"labels": {"a": "b"}}})).contains(&ours));
    assert!(!answer(json!({"spec": {"x": null}})).contains(&ours));
    cast.kubectl(&["-n", "@home", "delete", "ctk", "it"], "");
    cast.remove(&policies);
}

/// As many gates or stop conditions as there may be, each with as many unknown fields as are looked at, at each level.
fn signals(name: &str, are_gates: bool) -> Value {
    let filled = |known: Value| {
        let count = 16 - known.as_object().unwrap().len();
        with(keys(name, count), known)
    };
    let signal = |at: usize| {
        let mut signal = json!({
            "name": format!("a{at}"),
            "prometheus": filled(json!({"source": "a", "query": "b", "expect": "c"})),
            "alertmanager": filled(json!({"source": "a", "matchers": ["b"]})),
            "http": filled(json!({"source": "a", "path": "b", "expect": "c"})),
            "resource": filled(json!({"apiVersion": "v1", "kind": "a", "name": "b", "condition": "c"})),
        });
        if are_gates {
            signal["experiment"] = filled(json!({"name": "a"}));
        }
        filled(signal)
    };
    (0..16).map(signal).collect()
}

/// An expression that costs too much fails, and then nobody is warned.
#[tokio::test]
#[ignore = "needs an API server"]
async fn a_spec_of_any_size_is_warned_of() {
    let cast = Cast::new("fields").await;
    let policies = install(&cast, documents(&fields_policy::policy()));
    eventually("the policy is in force", async || {
        (!warned(&cast, &json!({"x": 1})).0.is_empty()).then_some(())
    })
    .await;
    let named = |spec: Value| warned(&cast, &spec).0.into_iter().collect::<Vec<_>>().join(", ");
    let many = |start: &str| with(keys(start, 60_000), json!({}));
    assert_eq!(named(many("a")), "spec.* (more than 64 fields)");
    assert_eq!(named(json!({"pod": many("a")})), "spec.pod.* (more than 64 fields)");
    assert_eq!(named(json!({"x": "x".repeat(1_300_000)})), "spec.x");
    assert_eq!(named(json!({"x": 1, "experiment": {"title": "x".repeat(1_300_000)}})), "spec.x");
    assert_eq!(named(json!({"x": many("a")})), "spec.x");
    let long = "x".repeat(1_300_000);
    assert_eq!(named(json!({long: 1})), format!("spec.{}...", "x".repeat(60)));
    // As much as is looked at, in each mapping and list at once.
    let name = "k".repeat(57);
    let few = |more: Value| with(keys(&name, 14), more);
    let some = |more: Value| with(keys(&name, 56), more);
    let key = || few(json!({"name": "a", "key": "b"}));
    let files: Vec<Value> = (0..64).map(|_| few(json!({"path": "a", "secret": key()}))).collect();
    let headers: Vec<Value> = (0..64).map(|_| few(json!({"name": "a", "secret": key()}))).collect();
    let rules: Vec<Value> = (0..64).map(|_| few(json!({}))).collect();
    let pod = json!({"env": some(json!({})), "settings": some(json!({})), "files": files,
        "proxy": some(json!({"caBundle": some(json!({"name": "a", "key": "b"}))})),
        "experiment": some(json!({"headers": headers, "artifact": some(json!({"reference": "a"}))}))});
    let spec = json!({"pod": some(pod), "role": some(json!({"rules": rules})), "schedule": some(json!({})),
        "template": some(json!({})), "serviceaccount": some(json!({})), "cleanup": some(json!({})),
        "report": some(json!({"journal": some(json!({}))})), "gates": signals(&name, true),
        "stopConditions": signals(&name, false)});
    let named = named(some(spec));
    assert!(named.contains(" more"), "{named}");
    let entries =
        json!({"pod": {"files": (0..20_000).map(|_| json!({"path": "a", "x": 1})).collect::<Vec<_>>()}});
    assert!(warned(&cast, &entries).0.contains("spec.pod.files[7].x and 24 more"));
    cast.remove(&policies);
}
