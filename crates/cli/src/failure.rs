//! Why a command failed, and what to do about it.

use std::fmt::Display;

use chaostoolkit_journal::ExitCode;

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// One sentence.
    pub message: String,
    /// What to do, if anything helps.
    pub hint: Option<String>,
    /// The exit code.
    pub code: ExitCode,
    /// Whether nobody is left to be told, since the reader of standard output has gone.
    pub is_silent: bool,
}

/// The result of a command.
pub type Outcome<T = ExitCode> = Result<T, Failure>;

impl Failure {
    /// The command or the cluster failed.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: ExitCode::Failed, is_silent: false }
    }

    /// The flags are wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: ExitCode::Usage, ..Self::new(message) }
    }

    /// Adds what to do.
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// A file that cannot be read or written.
    pub fn of_file(doing: &str, path: &std::path::Path, error: impl Display) -> Self {
        Self::new(format!("cannot {doing} {}: {error}", path.display()))
    }

    /// Standard output cannot be written. If its reader has gone, there is nothing to say.
    pub fn of_output(error: &std::io::Error) -> Self {
        let is_silent = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { is_silent, ..Self::new(format!("cannot write to standard output: {error}")) }
    }
}

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
