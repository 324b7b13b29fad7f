//! The committed definition equals the one that is generated from the types. Needs nothing.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]

#[test]
fn the_committed_definitions_are_those_of_the_types() {
    let made = chaostoolkit_operator::commands::crd::text().unwrap();
    for (file, committed) in [
        ("manifests/crd.yaml", include_str!("../manifests/crd.yaml")),
        ("kustomize/base/crd.yaml", include_str!("../kustomize/base/crd.yaml")),
    ] {
        assert!(committed == made, "{file} is out of date: run `make crd`");
    }
}

#[test]
fn the_policy_about_fields_knows_those_of_the_types() {
    let made = chaostoolkit_operator::commands::fields_policy::policy();
    let committed = include_str!("../kustomize/base/fields-policy.yaml");
    assert!(committed == made, "kustomize/base/fields-policy.yaml is out of date: run `make crd`");
}

#[test]
fn names_are_those_of_the_python_operator() {
    let names = chaostoolkit_api::crd().spec.names;
    assert_eq!(names.plural, "chaosexperiments");
    assert_eq!(names.singular.as_deref(), Some("chaosexperiment"));
    assert_eq!(names.short_names, Some(vec!["ctk".to_owned(), "ctks".to_owned()]));
    assert_eq!(names.kind, "ChaosToolkitExperiment");
}

/// The examples of 0.14.0 have no spec. A required field would refuse them, and stored experiments could not be
/// changed.
#[test]
fn no_field_of_the_root_is_required() {
    let schema = chaostoolkit_api::crd().spec.versions[0].schema.clone().unwrap().open_api_v3_schema.unwrap();
    assert_eq!(schema.required, None);
}

/// `kubectl apply` warns of a format that the API server does not know. These are the ones it knows for numbers and times.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go>
#[test]
fn the_api_server_knows_every_format_of_the_schema() {
    fn formats(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                found.extend(fields.get("format").and_then(|format| format.as_str()).map(str::to_owned));
                fields.values().for_each(|field| formats(field, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| formats(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    formats(&serde_json::to_value(chaostoolkit_api::crd()).unwrap(), &mut found);
    assert!(found.len() > 10, "{found:?}");
    let known = ["int32", "int64", "float", "double", "date-time", "date", "byte", "duration"];
    let unknown: Vec<&String> = found.iter().filter(|format| !known.contains(&format.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
