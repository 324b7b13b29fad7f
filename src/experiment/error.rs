//! What can go wrong in a pass, and what the author is told of it.

use crate::cluster;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::InvalidSpec;

/// Why a pass over an experiment ended early. The pass is repeated with a capped backoff. Only an invalid spec waits for an
/// edit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The spec is invalid.
    #[error(transparent)]
    InvalidSpec(#[from] InvalidSpec),
    /// A call to the API server failed.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// Since this pass read the experiment, somebody has changed or deleted it.
    #[error("experiment {0} has changed since it was read; the next pass decides anew")]
    Overtaken(String),
    /// The system has no random numbers at the moment.
    #[error("cannot draw the random text that marks the objects of the experiment: {0}")]
    NoRandomness(String),
    /// The templates cannot be used.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// An object with the name of a child belongs to somebody else.
    #[error("{0} exists and does not belong to this experiment; delete or rename it, it is left as it is")]
    NameConflict(String),
    /// The pod would refer to a `ConfigMap` that does not exist.
    #[error("ConfigMap {namespace}/{name}, {used_by}, does not exist; the run starts once it does")]
    ConfigMapMissing {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Where the pod refers to it.
        used_by: String,
    },
    /// The pod would refer to a key that its `ConfigMap` does not have.
    #[error(
        "ConfigMap {namespace}/{name}, {used_by}, has no key {key:?}; the run starts once it has the key; {there}"
    )]
    ConfigMapKeyMissing {
        /// Namespace of the `ConfigMap`.
        namespace: String,
        /// Name of the `ConfigMap`.
        name: String,
        /// The place in the pod that refers to the `ConfigMap`.
        used_by: String,
        /// The missing key.
        key: String,
        /// The keys that the `ConfigMap` has, in words.
        there: String,
    },
    /// A calendar cannot be read, because of a file with holidays.
    #[error(
        "{0}; the run waits until the file can be read, since a holiday that nobody can read is no open day"
    )]
    CalendarInvalid(String),
    /// Something is known to be wrong with the experiment, and its author wants no run then.
    #[error("{0}; the run starts once that is mended, or with spec.preflight: Warn")]
    PreflightFailed(String),
    /// The API server does not know the volume in which an artifact is mounted.
    #[error(
        "the cluster has no image volumes, which spec.pod.experiment.artifact needs: Kubernetes 1.35 and later has them, and earlier versions with the feature gate ImageVolume; {0}"
    )]
    NoImageVolumes(String),
    /// A Role that is to be bound does not exist.
    #[error(
        "Role {namespace}/{name}, to which the account of the run is to be bound, does not exist; the run starts once it does; a ClusterRole of that name does not count"
    )]
    RoleMissing {
        /// Namespace of the Role.
        namespace: String,
        /// Name of the Role.
        name: String,
    },
    /// A `ClusterRole` that is to be bound does not exist.
    #[error(
        "ClusterRole {0}, to which the account of the run is to be bound, does not exist; the run starts once it does"
    )]
    ClusterRoleMissing(String),
    /// The log of a run that has ended cannot be read at the moment.
    #[error("cannot read the log of Pod {namespace}/{pod}: {problem}")]
    LogUnread {
        /// Its namespace.
        namespace: String,
        /// Its name.
        pod: String,
        /// Why.
        problem: String,
    },
    /// The policy that keeps runs apart cannot know of more runs.
    #[error(
        "the list of runs that are kept apart has {0} bytes and is full; the run starts once experiments that are not needed any more are deleted"
    )]
    ListFull(usize),
    /// A namespace that the run needs is being deleted.
    #[error("namespace {0} is being deleted; the run starts once it is gone and exists again")]
    NamespaceTerminating(String),
    /// The operator has no rights in the namespace of the experiment.
    #[error(
        "the operator has no rights in namespace {namespace}, so it can do nothing for its experiments; whoever has the role admin there can give it these rights: {command}"
    )]
    RightsMissing {
        /// The namespace.
        namespace: String,
        /// The command that gives the rights.
        command: String,
    },
    /// The operator does not hold what the spec asks it to give to the run.
    #[error("{problem}; {remedy}")]
    NotHeld {
        /// What is missing.
        problem: String,
        /// Who can add it, and how.
        remedy: String,
    },
    /// A namespace of `spec.role.binds_to_namespaces` does not exist.
    #[error(
        "namespace {0}, named by spec.role.binds_to_namespaces or (with spec.role.generate) by the experiment, does not exist; the run starts once it does"
    )]
    NamespaceMissing(String),
    /// The author of the run lacks a right that the run would have.
    #[error("the author of the run may not {missing}{others}; the run starts once this says yes: {command}")]
    AuthorForbidden {
        /// The first missing right, in words.
        missing: String,
        /// How many more are missing, in words, or nothing.
        others: String,
        /// The command that asks for it, without the author.
        command: String,
        /// The flags of that command that name the author. Neither events nor logs have them.
        author: String,
    },
    /// The run would have more rights than are asked for.
    #[error("the run would have more than {0} rights, too many to ask for")]
    TooManyRights(usize),
    /// Nobody knows who asked for the run.
    #[error("it is not known who asked for the run, and the run {beyond}; {remedy}")]
    AuthorUnknown {
        /// What needs the rights of an author, in words.
        beyond: String,
        /// What helps.
        remedy: String,
    },
    /// No policy says or judges who asks for runs.
    #[error(
        "the policies about authors are not bound as they are shipped, and the run {0}; apply the policy chaostoolkit-crd-authors and its binding, or start the operator with --unchecked-authors"
    )]
    PolicyMissing(String),
}

/// Templates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Their `ConfigMap` does not exist.
    #[error(
        "ConfigMap {0} with the templates does not exist; apply the operator's manifests, or correct spec.template.name"
    )]
    Missing(String),
    /// One of them is invalid.
    #[error("key {key} of ConfigMap {source_name} {problem}")]
    Invalid {
        /// `namespace/name` of the `ConfigMap`.
        source_name: String,
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

impl TemplateError {
    /// The reason for it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Missing(_) => Reason::TemplatesMissing,
            Self::Invalid { .. } => Reason::TemplateInvalid,
        }
    }
}

/// The reasons that say that the author may not start a run, or is not known to be allowed to.
pub const ABOUT_AUTHOR: [Reason; 3] = [Reason::AuthorForbidden, Reason::AuthorUnknown, Reason::PolicyMissing];

impl Error {
    /// The reason for it.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::InvalidSpec(_) => Reason::InvalidSpec,
            Self::Cluster(error) => error.reason(),
            Self::Overtaken(_) | Self::LogUnread { .. } | Self::NoRandomness(_) => Reason::ApiError,
            Self::Template(error) => error.reason(),
            Self::NameConflict(_) => Reason::NameConflict,
            Self::ListFull(_) => Reason::Forbidden,
            Self::NoImageVolumes(_) => Reason::ObjectInvalid,
            Self::ConfigMapMissing { .. } => Reason::ConfigMapMissing,
            Self::CalendarInvalid(_) => Reason::CalendarInvalid,
            Self::PreflightFailed(_) => Reason::PreflightFailed,
            Self::ConfigMapKeyMissing { .. } => Reason::ConfigMapKeyMissing,
            Self::RoleMissing { .. } | Self::ClusterRoleMissing(_) => Reason::RoleMissing,
            Self::NamespaceTerminating(_) => Reason::NamespaceTerminating,
            Self::NamespaceMissing(_) => Reason::NamespaceMissing,
            Self::AuthorForbidden { .. } | Self::TooManyRights(_) => Reason::AuthorForbidden,
            Self::AuthorUnknown { .. } => Reason::AuthorUnknown,
            Self::PolicyMissing(_) => Reason::PolicyMissing,
            Self::RightsMissing { .. } | Self::NotHeld { .. } => Reason::RightsMissing,
        }
    }

    /// Whether somebody has to act, so that the error belongs on the object. Failures of the API server itself (conflicts,
    /// overload, timeouts) pass by themselves. They are only logged and counted.
    #[must_use]
    pub fn is_for_people(&self) -> bool {
        self.reason() != Reason::ApiError
    }

    /// What failed and why, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Cluster(error) => error.describe(),
            error => error.to_string(),
        }
    }

    /// The description for the condition `Permitted`, which also names the author.
    #[must_use]
    pub fn describe_with_author(&self) -> String {
        match self {
            Self::AuthorForbidden { author, .. } => format!("{}{author}", self.describe()),
            error => error.describe(),
        }
    }

    /// Whether the author of the run is not allowed to start it, or is not known to be.
    #[must_use]
    pub fn is_about_author(&self) -> bool {
        ABOUT_AUTHOR.contains(&self.reason())
    }

    /// Says so if the API server refused an object since it does not know image volumes: it drops the field, and then misses it.
    #[must_use]
    pub fn about_image_volumes(self) -> Self {
        let text = self.describe();
        if self.reason() == Reason::ObjectInvalid && text.contains("must specify a volume type") {
            return Self::NoImageVolumes(text);
        }
        self
    }

    /// Whether the API server said that an object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Cluster(error) if error.is_not_found())
    }

    /// Whether the API server refused a call.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Cluster(error) if error.is_forbidden())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn a_cluster_without_image_volumes_is_told_from_other_refusals() {
        let refused = |code: u16, message: &str| {
            let status = json!({"code": code, "message": message});
            let source = Box::new(kube::Error::Api(serde_json::from_value(status).unwrap()));
            Error::from(cluster::Error::Api { doing: "create Pod a/b".into(), source }).about_image_volumes()
        };
        let invalid = "Pod \"b\" is invalid: spec.volumes[1]: Required value: must specify a volume type";
        let error = refused(422, invalid);
        assert_eq!(error.reason(), Reason::ObjectInvalid);
        let text = error.describe();
        assert!(text.contains("spec.pod.experiment.artifact") && text.contains(invalid), "{text}");
        for other in [refused(422, "spec.volumes[1].name: Duplicate value"), refused(403, invalid)] {
            assert!(!matches!(other, Error::NoImageVolumes(_)), "{other}");
        }
    }

    #[rstest]
    #[case::forbidden(json!({"code": 403, "reason": "Forbidden"}), true)]
    #[case::terminating(json!({"code": 403, "details": {"causes": [{"reason": "NamespaceTerminating"}]}}), true)]
    #[case::invalid(json!({"code": 422, "reason": "Invalid"}), true)]
    #[case::webhook(json!({"code": 500, "message": "failed calling webhook \"w\": refused"}), true)]
    #[case::conflict(json!({"code": 409, "reason": "Conflict"}), false)]
    #[case::internal(json!({"code": 500}), false)]
    #[case::overload(json!({"code": 429, "reason": "TooManyRequests"}), false)]
    fn people_are_told_of_what_does_not_pass_by_itself(
        #[case] status: serde_json::Value,
        #[case] for_people: bool,
    ) {
        let source = Box::new(kube::Error::Api(serde_json::from_value(status).unwrap()));
        let error = Error::from(cluster::Error::Api { doing: "create Pod a/b".into(), source });
        assert_eq!(error.is_for_people(), for_people);
    }
}
