//! Reduces an experiment to its rollbacks, for the rescue of a run.
//!
//! The operator does this itself with an experiment that it can read. The toolkit's own Python reads this one, so it is read
//! as in the run.

use std::path::Path;

use chaostoolkit_journal::RefusalKind;

use crate::fetch::failure::{Failure, refused};
use crate::fetch::python::{self, End};

/// The script that reduces an experiment.
const SCRIPT: &str = include_str!("rollbacks.py");

/// Returns an experiment in the same format, `json` or `yaml`, that plays the rollbacks and nothing else.
pub fn only(
    python: &Path,
    content: Vec<u8>,
    format: &str,
    max_bytes: usize,
    is_stopped: &mut dyn FnMut() -> bool,
) -> Result<Vec<u8>, Failure> {
    let invalid = |line: &str| refused(RefusalKind::ExperimentInvalid, line);
    match python::call((python, SCRIPT), &[format], content, max_bytes, is_stopped) {
        Err(error) => Err(Failure::Broken(error)),
        Ok(End::Done(reduced)) if reduced.len() <= max_bytes => Ok(reduced),
        Ok(End::Raised(name, text)) => {
            let refusal = python::refusal(&name, &text, RefusalKind::ExperimentInvalid, "read the rollbacks");
            Err(Failure::Refused(refusal))
        }
        Ok(End::Stopped) => Err(Failure::Stopped),
        Ok(End::Done(_) | End::Late) => Err(invalid("the rollbacks of the experiment are too large")),
    }
}
