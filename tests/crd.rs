//! The committed definition equals the one that is generated from the types. Needs nothing.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests fail by a panic")]

#[test]
fn the_committed_definitions_are_those_of_the_types() {
    let made = serde_saphyr::to_string(&chaostoolkit_api::crd()).unwrap();
    for (file, committed) in [
        ("manifests/crd.yaml", include_str!("../manifests/crd.yaml")),
        ("kustomize/base/crd.yaml", include_str!("../kustomize/base/crd.yaml")),
    ] {
        assert!(committed == made, "{file} is out of date: run `make crd`");
    }
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
