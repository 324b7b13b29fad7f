//! The annotation `chaostoolkit.org/rerun`: each new value asks for one more run, once the last one has ended.

use std::time::Duration;

use crate::experiment::error::Error;
use crate::experiment::intent::Intent;
use crate::experiment::pass::Pass;
use crate::experiment::stages::retention;
use crate::experiment::wait::Wait;

/// Begins one more run if one is asked for, and returns that the next pass follows at once.
pub async fn rerun(pass: &mut Pass<'_>, intent: &Intent) -> Result<Option<Wait>, Error> {
    if !intent.is_rerun_due(&pass.draft.status) {
        return Ok(None);
    }
    // The run is decided on anew, so it must not find objects of the last one.
    retention::remove_resources(pass).await?;
    pass.draft.rerun(intent);
    pass.write().await?;
    Ok(Some(Wait::at_most(Duration::ZERO)))
}
