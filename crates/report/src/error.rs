//! What can go wrong with a journal or a report.

/// Why there is no report. The text names the file or the object, and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A journal cannot be read.
    #[error("{from}: cannot be read as a journal: {cause}. {}", hint(cause))]
    Journal {
        /// The file or the object that holds the journal.
        from: String,
        /// The cause.
        cause: chaostoolkit_journal::Error,
    },
    /// A `ConfigMap` holds no journal.
    #[error(
        "{from}: holds no journal, since it has no key \"journal.json.gz\". Name a ConfigMap that the operator wrote"
    )]
    NoJournal {
        /// The `ConfigMap`.
        from: String,
    },
    /// A report cannot be written.
    #[error("cannot write the report: {cause}")]
    Write {
        /// The cause.
        cause: String,
    },
}

/// Returns what to do about a journal that cannot be read.
const fn hint(cause: &chaostoolkit_journal::Error) -> &'static str {
    use chaostoolkit_journal::Error as Cause;
    match cause {
        Cause::Empty | Cause::Truncated { .. } => {
            "Copy the whole file that `chaos run` wrote, or leave it out"
        }
        Cause::TooLong | Cause::TooVaried => "Leave it out",
        _ => "Name a file that `chaos run` wrote, or leave it out",
    }
}
