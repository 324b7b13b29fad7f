//! What the toolkit says when it ends without a journal.

use serde::{Deserialize, Serialize};

use crate::field::cut;

mod kind;
mod lines;
mod types;

pub use kind::without_urls;

use lines::Said;
pub use types::RefusalKind;

/// Why the toolkit did not run an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// The kind of the problem.
    pub kind: RefusalKind,
    /// The last error that the toolkit printed, without its time and level. At most 200 bytes. Texts that
    /// quote the value of a variable are cut.
    pub line: String,
}

/// The maximum length of [`Refusal::line`], in bytes.
pub const MAX_LINE_BYTES: usize = 200;

impl Refusal {
    /// Creates a refusal that the toolkit did not print. The line is shortened, and URLs in it end with their host.
    #[must_use]
    pub fn new(kind: RefusalKind, line: &str) -> Self {
        Self { kind, line: cut(kind::without_urls(line).trim(), MAX_LINE_BYTES) }
    }

    /// Creates the refusal that follows from an exception of Python, as if the toolkit had printed it.
    #[must_use]
    pub fn raised(name: &str, text: &str) -> Self {
        let said = Said::Exception { name: name.to_owned(), text: text.to_owned() };
        Self { kind: kind::kind(&said), line: cut(kind::exception_line(name, text).trim(), MAX_LINE_BYTES) }
    }

    /// Finds the refusal in the end of a log of the toolkit.
    ///
    /// Returns `None` if the log has no error, or if the toolkit had begun to run the experiment. Errors that follow are
    /// those of activities, or of writing the journal.
    #[must_use]
    pub fn find(log: &str) -> Option<Self> {
        let said = lines::ending(log).error?;
        let line = match &said {
            Said::Error(text) => kind::without_urls(text),
            Said::Exception { name, text } => kind::exception_line(name, text),
            Said::Usage(text) => kind::usage_line(text),
        };
        Some(Self { kind: kind::kind(&said), line: cut(line.trim(), MAX_LINE_BYTES) })
    }

    /// Returns whether the end of a log shows that the toolkit had begun to run the experiment, so that it did not refuse
    /// it.
    #[must_use]
    pub fn is_ruled_out(log: &str) -> bool {
        lines::ending(log).has_begun
    }
}
