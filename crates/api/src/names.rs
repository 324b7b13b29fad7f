//! Every name this operator puts on an object: group, finalizers, labels, annotations, the suffix of children.

use blake2::digest::consts::U5;
use blake2::{Blake2b, Digest};

/// API group of the experiments.
pub const GROUP: &str = "chaostoolkit.org";

/// Field manager of all writes.
pub const FIELD_MANAGER: &str = "chaostoolkit-operator";

/// On an experiment from before its first child is created until its last child is gone.
pub const TEARDOWN_FINALIZER: &str = "chaostoolkit.org/teardown";

/// On a runner pod from its creation until its end is recorded on the experiment, so that no pod vanishes with its
/// outcome (the Job controller tracks its pods the same way).
pub const OUTCOME_FINALIZER: &str = "chaostoolkit.org/outcome";

/// What the Python operator leaves on an experiment that it has handled. Its finalizer would keep the experiment from ever
/// going away, and its annotation is the only proof that the experiment was run.
/// See [kopf](https://docs.kopf.dev/en/stable/continuity/).
pub const KOPF_FINALIZER: &str = "kopf.zalando.org/KopfFinalizerMarker";

/// See [`KOPF_FINALIZER`].
pub const KOPF_ANNOTATION: &str = "kopf.zalando.org/last-handled-configuration";

/// Label on every child: the uid of its experiment. A uid, since object names may be longer than a label value.
pub const UID_LABEL: &str = "chaostoolkit.org/experiment-uid";

/// Label on runner pods: the number of the run, from 1.
pub const RUN_LABEL: &str = "chaostoolkit.org/run";

/// Label on journals: what the run found.
pub const OUTCOME_LABEL: &str = "chaostoolkit.org/outcome";

/// Annotation on journals: SHA-256 of the file that the toolkit wrote, in hex.
pub const SHA256_ANNOTATION: &str = "chaostoolkit.org/sha256";

/// Annotation on journals: length of that file.
pub const BYTES_ANNOTATION: &str = "chaostoolkit.org/bytes";

/// Annotation on journals: whether the outputs of activities were left out.
pub const TRUNCATED_ANNOTATION: &str = "chaostoolkit.org/truncated";

/// Annotation on journals: uid of the pod of the run.
pub const POD_UID_ANNOTATION: &str = "chaostoolkit.org/pod-uid";

/// Annotation on every child: `namespace/name` of its experiment.
pub const EXPERIMENT_ANNOTATION: &str = "chaostoolkit.org/experiment";

/// Annotation on an experiment whose run has ended: any new value asks for one more run.
pub const RERUN_ANNOTATION: &str = "chaostoolkit.org/rerun";

/// Annotation on a `CronJob`: a hash of all that was asked for, to tell whether the spec has changed.
pub const SPEC_HASH_ANNOTATION: &str = "chaostoolkit.org/spec-hash";

/// Where an experiment runs when it does not say, as in 0.14.0.
pub const DEFAULT_RUN_NAMESPACE: &str = "chaostoolkit-run";

/// `ConfigMap` of the templates, in the operator's namespace.
pub const TEMPLATES: &str = "chaostoolkit-resources-templates";

/// Lease of the operator that works, in its namespace. The shipped Role is for this name.
pub const LEASE: &str = "chaostoolkit-operator";

/// The container that runs the toolkit.
pub const CONTAINER: &str = "chaostoolkit";

/// The container that brings the runner, and prints the journal.
pub const SIDECAR: &str = "journal";

/// The volume that holds the runner.
pub const RUNNER_VOLUME: &str = "chaostoolkit-runner";

/// Where that volume is mounted.
pub const RUNNER_DIRECTORY: &str = "/chaostoolkit-runner";

/// The runner. A container whose command it is has one.
pub const RUNNER: &str = "/chaostoolkit-runner/chaos-runner";

/// What is appended to the names of an experiment's children: `BLAKE2b` of the experiment's uid with a 5-byte output,
/// in hex. The same as in 0.14.0, so that a pod of either operator stands in the way of the other starting a second.
///
/// ```
/// # use chaostoolkit_api::names::suffix;
/// assert_eq!(suffix("123e4567-e89b-12d3-a456-426614174000"), "a235f4ad3e");
/// ```
#[must_use]
pub fn suffix(uid: &str) -> String {
    format!("{:x}", Blake2b::<U5>::digest(uid))
}

/// The name of a child: the template's name and the suffix.
#[must_use]
pub fn child(template: &str, suffix: &str) -> String {
    format!("{template}-{suffix}")
}

/// The suffix of the children of a run. Only that of the first has no number, so that it is what 0.14.0 called them.
#[must_use]
pub fn numbered(suffix: &str, number: i32) -> String {
    if number < 2 { suffix.to_owned() } else { format!("{suffix}-{number}") }
}

/// The name of the pod that plays the rollbacks of a run.
#[must_use]
pub fn rescue(pod: &str) -> String {
    format!("{pod}-rescue")
}

/// What is wrong with a name that has to be a DNS label ([RFC 1123]), such as a namespace's.
///
/// [RFC 1123]: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
pub fn check_dns_label(name: &str) -> Result<(), String> {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 63 {
        return Err(format!("{name:?} must have 1 to 63 characters"));
    }
    if !name.chars().all(inner) || name.starts_with('-') || name.ends_with('-') {
        return Err(format!(
            "{name:?} must consist of lower case letters, digits and '-', and start and end with a letter or digit"
        ));
    }
    Ok(())
}

/// What is wrong with a name that has to be a DNS subdomain ([RFC 1123]), such as a `ConfigMap`'s. A name that is looked up
/// becomes a part of a URL: it must not lead anywhere else.
///
/// [RFC 1123]: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names
pub fn check_dns_subdomain(name: &str) -> Result<(), String> {
    if name.len() > 253 {
        return Err(format!("a name of {} characters is longer than the 253 that one may have", name.len()));
    }
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_part = |part: &str| {
        !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    if name.split('.').all(is_part) {
        return Ok(());
    }
    Err(format!(
        "{name:?} must consist of lower case letters, digits, '-' and '.', and each part start and end with a letter or digit"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("123e4567-e89b-12d3-a456-426614174000", "a235f4ad3e")]
    #[case("00000000-0000-0000-0000-000000000000", "13303f6e53")]
    fn suffix_is_that_of_the_python_operator(#[case] uid: &str, #[case] expected: &str) {
        assert_eq!(suffix(uid), expected);
    }

    #[rstest]
    #[case("chaostoolkit-run", true)]
    #[case("a", true)]
    #[case("0-a", true)]
    #[case("", false)]
    #[case("-a", false)]
    #[case("a-", false)]
    #[case("a_b", false)]
    #[case("A", false)]
    #[case("a.b", false)]
    #[case("é", false)]
    fn dns_labels(#[case] name: &str, #[case] valid: bool) {
        assert_eq!(check_dns_label(name).is_ok(), valid);
    }

    #[rstest]
    #[case("chaostoolkit-env", true)]
    #[case("a.b-c.0", true)]
    #[case("", false)]
    #[case("..", false)]
    #[case("../secrets/a", false)]
    #[case("a?watch=true", false)]
    #[case("a..b", false)]
    #[case("a.-b", false)]
    #[case("a b", false)]
    #[case("A", false)]
    #[case(&"a".repeat(254), false)]
    fn dns_subdomains(#[case] name: &str, #[case] valid: bool) {
        assert_eq!(check_dns_subdomain(name).is_ok(), valid);
    }

    proptest! {
        #[test]
        fn suffix_is_short_stable_and_a_dns_label(uid in ".{0,64}") {
            let made = suffix(&uid);
            prop_assert_eq!(&made, &suffix(&uid));
            prop_assert_eq!(made.len(), 10);
            prop_assert!(check_dns_label(&made).is_ok());
        }
    }
}
