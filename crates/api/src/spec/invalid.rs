//! The error about a spec.

/// A spec that was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct InvalidSpec {
    /// Path of the field, such as `spec.pod.env.configMapName`.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it was understood, and is not allowed.
    pub is_forbidden: bool,
}

impl InvalidSpec {
    /// The field at this path is wrong.
    pub fn new(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { path: path.into(), problem: problem.into(), is_forbidden: false }
    }

    /// The field at this path asks for what no author gets.
    pub fn forbidden(path: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { is_forbidden: true, ..Self::new(path, problem) }
    }
}
