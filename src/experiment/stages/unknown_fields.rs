//! `--unknown-fields refuse`: no run starts from a spec with fields that the operator does not know.

use crate::experiment::decide::fields::{misplaced, refused};
use crate::experiment::pass::Pass;
use crate::experiment::stages::adopt;
use crate::process::config::UnknownFields;
use chaostoolkit_api::Spec;
use chaostoolkit_api::spec::InvalidSpec;

/// Refuses a spec with unknown fields, if that is wanted. A run of the Python operator is recorded in any case, since it exists
/// already. A run that goes on never gets here.
pub fn refuse(pass: &Pass<'_>) -> Result<(), InvalidSpec> {
    if pass.context.config.unknown_fields == UnknownFields::Warn || adopt::is_due(&pass.live) {
        return Ok(());
    }
    let raw = pass.live.spec.as_ref();
    let parsed = Spec::read(raw);
    // A spec with mistakes is refused for these.
    let has_mistakes = parsed.mistakes.none().and_then(|()| misplaced(raw).none()).is_err();
    if has_mistakes { Ok(()) } else { refused(&parsed.unknown) }
}
