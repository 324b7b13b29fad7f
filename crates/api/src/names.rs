//! The names that the operator uses on objects: group, finalizers, labels, annotations, and names of children.

mod check;
mod journal;

use blake2::digest::consts::{U5, U16};
use blake2::{Blake2b, Digest};

pub use check::{
    check_data_key, check_dns_label, check_dns_subdomain, check_label_value, check_path_segment,
    check_role_reference,
};
pub use journal::{JOURNAL_KEY, JournalKey};

/// The API group of the experiments.
pub const GROUP: &str = "chaostoolkit.org";

/// The field manager of all writes.
pub const FIELD_MANAGER: &str = "chaostoolkit-operator";

/// The finalizer of experiments. The operator adds it before it creates the first child, and removes it when the last child
/// is gone.
pub const TEARDOWN_FINALIZER: &str = "chaostoolkit.org/teardown";

/// The finalizer of runner pods. A pod has it from its creation until its end is recorded on the experiment, so that no pod
/// is removed before its outcome is known. The Job controller tracks its pods in the same way.
pub const OUTCOME_FINALIZER: &str = "chaostoolkit.org/outcome";

/// The finalizer that the Python operator leaves on an experiment that it has handled. It would block the deletion of the
/// experiment forever. See [kopf](https://docs.kopf.dev/en/stable/continuity/).
pub const KOPF_FINALIZER: &str = "kopf.zalando.org/KopfFinalizerMarker";

/// The annotation that the Python operator leaves on an experiment that it has handled. It is the only proof that the
/// experiment was run.
pub const KOPF_ANNOTATION: &str = "kopf.zalando.org/last-handled-configuration";

/// The label of every child: the uid of its experiment. The name of an object may be too long for a label value.
pub const UID_LABEL: &str = "chaostoolkit.org/experiment-uid";

/// The label of runner pods: the number of the run, from 1.
pub const RUN_LABEL: &str = "chaostoolkit.org/run";

/// The label of journals: the outcome of the run.
pub const OUTCOME_LABEL: &str = "chaostoolkit.org/outcome";

/// The annotation of journals: the SHA-256 hash of the file that the toolkit wrote, in hexadecimal.
pub const SHA256_ANNOTATION: &str = "chaostoolkit.org/sha256";

/// The annotation of journals: the length of that file.
pub const BYTES_ANNOTATION: &str = "chaostoolkit.org/bytes";

/// The annotation of journals: whether the outputs of activities were left out.
pub const TRUNCATED_ANNOTATION: &str = "chaostoolkit.org/truncated";

/// How many bytes a kept journal takes, with those of the other starts, as they are stored.
pub const STORED_BYTES_ANNOTATION: &str = "chaostoolkit.org/stored-bytes";

/// The annotation of journals: the uid of the pod of the run.
pub const POD_UID_ANNOTATION: &str = "chaostoolkit.org/pod-uid";

/// The annotation of every child: `namespace/name` of its experiment.
pub const EXPERIMENT_ANNOTATION: &str = "chaostoolkit.org/experiment";

/// The annotation of a child that shows that the operator has created it: see [`mark`].
pub const MARK_ANNOTATION: &str = "chaostoolkit.org/mark";

/// The annotation of an experiment that requests another run. Each new value requests one run, after the end of the last.
pub const RERUN_ANNOTATION: &str = "chaostoolkit.org/rerun";

/// The name of the operator's account in its namespace, as shipped.
pub const ACCOUNT: &str = "chaostoolkit-crd";

/// The name of the `ClusterRole` with the rights that the operator needs in a namespace of runs, as shipped. The owner of a
/// namespace binds the operator to it.
pub const RUNS_ROLE: &str = "chaostoolkit-crd-runs";

/// How the names of `ClusterRole`s begin whose rights the operator may give to runs.
pub const GRANTABLE_ROLE: &str = "chaostoolkit-crd-grantable";

/// The label of a `ClusterRole` whose rights the operator may give to runs. Kubernetes adds them to [`RUNS_ROLE`].
pub const GRANTABLE_LABEL: &str = "chaostoolkit.org/aggregate-to-grantable";

/// The label of a `ClusterRole` whose rights the operator has in the whole cluster, as the component in
/// `kustomize/components/cluster-wide` says.
pub const CLUSTER_WIDE_LABEL: &str = "chaostoolkit.org/aggregate-to-cluster-wide";

/// The annotation of an experiment with the name of the user who asked for the next run. The API server writes it, by the
/// policy in `kustomize/components/stamping`. So do the four others of the author.
pub const AUTHOR_ANNOTATION: &str = "chaostoolkit.org/author";

/// The annotation of an experiment with the uid of that user, which may be empty.
pub const AUTHOR_UID_ANNOTATION: &str = "chaostoolkit.org/author-uid";

/// The annotation of an experiment with the groups of that user, as a JSON list of texts.
pub const AUTHOR_GROUPS_ANNOTATION: &str = "chaostoolkit.org/author-groups";

/// The annotation of an experiment with further properties of that user, as a JSON object of lists of texts.
pub const AUTHOR_EXTRA_ANNOTATION: &str = "chaostoolkit.org/author-extra";

/// The annotation of an experiment that says which request the annotations of the author belong to: `generation/rerun`, where
/// `generation` is the one that the request led to, and `rerun` is the value of [`RERUN_ANNOTATION`], or empty.
pub const AUTHOR_REQUEST_ANNOTATION: &str = "chaostoolkit.org/author-request";

/// The annotation of a `CronJob` and its Jobs: a hash of the spec from which it was created, which shows whether the spec
/// has changed.
pub const SPEC_HASH_ANNOTATION: &str = "chaostoolkit.org/spec-hash";

/// The annotation of a Job that the operator has let go. If somebody suspends that Job again, the operator leaves it so.
pub const RELEASED_ANNOTATION: &str = "chaostoolkit.org/released";

/// The annotation of a pod with the namespaces that were found for its run, separated by commas.
pub const TARGET_NAMESPACES_ANNOTATION: &str = "chaostoolkit.org/target-namespaces";

/// The annotation of a pod with the namespace that was drawn for its run.
pub const TARGET_NAMESPACE_ANNOTATION: &str = "chaostoolkit.org/target-namespace";

/// The default namespace of runs, as in version 0.14.0.
pub const DEFAULT_RUN_NAMESPACE: &str = "chaostoolkit-run";

/// The default `ConfigMap` of the templates, in the operator's namespace.
pub const TEMPLATES: &str = "chaostoolkit-resources-templates";

/// The object in the operator's namespace that lists runs for the policy which keeps them apart.
pub const RUNS: &str = "chaostoolkit-runs";

/// The name of a `ConfigMap` that never exists. The policy refuses to create it, which shows that it is in force.
pub const RUNS_PROBE: &str = "chaostoolkit-runs-probe";

/// The default lease of the leader election, in the operator's namespace. The shipped Role permits this name only.
pub const LEASE: &str = "chaostoolkit-operator";

/// The container that runs the toolkit.
pub const CONTAINER: &str = "chaostoolkit";

/// The annotation of a pod that names the container which `kubectl logs` reads. A pod has it if its container for the
/// toolkit has another name.
pub const CONTAINER_ANNOTATION: &str = "kubectl.kubernetes.io/default-container";

/// The annotation of a pod that lists volumes which do not keep the cluster autoscaler from evicting it.
pub const EVICTABLE_VOLUMES_ANNOTATION: &str = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";

/// The container that provides the runner and prints the journal.
pub const SIDECAR: &str = "journal";

/// The volume that holds the runner.
pub const RUNNER_VOLUME: &str = "chaostoolkit-runner";

/// The mount path of that volume.
pub const RUNNER_DIRECTORY: &str = "/chaostoolkit-runner";

/// The path of the runner. A container has a runner if this is its command.
pub const RUNNER: &str = "/chaostoolkit-runner/chaos-runner";

/// The directory in the container of the toolkit for what the operator mounts for options: certificates and headers.
pub const OPTIONS_DIRECTORY: &str = "/chaostoolkit-options";

/// The directory in the container of the toolkit with an OCI artifact.
pub const ARTIFACT_DIRECTORY: &str = "/chaostoolkit-artifact";

/// How the command of the sidecar begins that brings the runner and prints the journal.
pub const SIDECAR_COMMAND: [&str; 3] = ["/chaos-runner", "sidecar", RUNNER_DIRECTORY];

/// Returns the suffix of the names of an experiment's children: the `BLAKE2b` hash of the experiment's uid with an output
/// of 5 bytes, in hexadecimal.
///
/// Version 0.14.0 uses the same suffix. Therefore a pod of either operator keeps the other from creating a second pod.
///
/// ```
/// # use chaostoolkit_api::names::suffix;
/// assert_eq!(suffix("123e4567-e89b-12d3-a456-426614174000"), "a235f4ad3e");
/// ```
#[must_use]
pub fn suffix(uid: &str) -> String {
    format!("{:x}", Blake2b::<U5>::digest(uid))
}

/// Returns the mark of a child: the `BLAKE2b` hash of the random text on the status of its experiment, and of the kind, the
/// namespace and the name of the child. So whoever reads one mark can make no other.
#[must_use]
pub fn mark(nonce: &str, kind: &str, namespace: &str, name: &str) -> String {
    format!("{:x}", Blake2b::<U16>::digest(format!("{nonce}/{kind}/{namespace}/{name}")))
}

/// Returns the name of a child: the name in the template and the suffix.
#[must_use]
pub fn child(template: &str, suffix: &str) -> String {
    format!("{template}-{suffix}")
}

/// Returns the suffix of the children of a run. The suffix of the first run has no number, as in version 0.14.0.
#[must_use]
pub fn numbered(suffix: &str, number: i32) -> String {
    if number < 2 { suffix.to_owned() } else { format!("{suffix}-{number}") }
}

/// Returns what the names of all `ConfigMap`s with journals of the experiment with this uid begin with.
#[must_use]
pub fn journals(uid: &str) -> String {
    format!("{}-", child("chaostoolkit-journal", &suffix(uid)))
}

/// Returns the name of the `ConfigMap` with the journal of a run: the one with this number of the experiment with this uid.
#[must_use]
pub fn journal(uid: &str, number: i32) -> String {
    format!("{}{number}", journals(uid))
}

/// Whether a name is that of a child of the experiment with this suffix: what [`child`] and [`numbered`] make.
#[must_use]
pub fn is_child(name: &str, suffix: &str) -> bool {
    let numbered = || {
        let (rest, number) = name.rsplit_once('-')?;
        let is_number = number.parse::<i32>().is_ok_and(|parsed| parsed >= 2 && parsed.to_string() == number);
        rest.strip_suffix(suffix).filter(|_| is_number)
    };
    let template = name.strip_suffix(suffix).or_else(numbered).and_then(|rest| rest.strip_suffix('-'));
    template.is_some_and(|template| !template.is_empty())
}

/// The end of the name of a pod that plays the rollbacks of a run.
pub const RESCUE_SUFFIX: &str = "-rescue";

/// Returns the name of the pod that plays the rollbacks of a run.
#[must_use]
pub fn rescue(pod: &str) -> String {
    format!("{pod}{RESCUE_SUFFIX}")
}

/// Checks the name of a template. Its objects get this name and a suffix, and all of that has to pass the check.
pub fn check_template(name: &str, check: fn(&str) -> Result<(), String>) -> Result<(), String> {
    check(&child(name, "0123456789")).map_err(|problem| check(name).err().unwrap_or(problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[test]
    fn a_journal_has_the_name_of_its_run() {
        let uid = "123e4567-e89b-12d3-a456-426614174000";
        assert_eq!(journal(uid, 2), "chaostoolkit-journal-a235f4ad3e-2");
        assert!(check_dns_subdomain(&journal(uid, i32::MAX)).is_ok());
    }

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

    #[rstest]
    #[case("config", true)]
    #[case(".dockerconfigjson", true)]
    #[case("a_B-1.yaml", true)]
    #[case("", false)]
    #[case(".", false)]
    #[case("..", false)]
    #[case("..data", false)]
    #[case("a/b", false)]
    #[case("a b", false)]
    #[case("é", false)]
    #[case(&"a".repeat(254), false)]
    fn data_keys(#[case] key: &str, #[case] valid: bool) {
        assert_eq!(check_data_key(key).is_ok(), valid);
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
