//! The error of an invalid spec.

/// An invalid spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct InvalidSpec {
    /// The path of the field, such as `spec.pod.env.configMapName`.
    pub path: String,
    /// The problem with the field.
    pub problem: String,
    /// Whether the value is well-formed, but not allowed.
    pub is_forbidden: bool,
}

impl InvalidSpec {
    /// Creates the error for a field that is wrong.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), is_forbidden: false }
    }

    /// Creates the error for a field whose value is not allowed.
    pub fn forbidden(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { is_forbidden: true, ..Self::new(path, problem) }
    }
}
