//! Experiments that a backup tool has restored: they do not run again by themselves.
//!
//! A backup tool restores an object without its status. So such an experiment looks like a new one, and would inject its
//! fault again.

use crate::experiment::intent::{self, Intent};
use crate::experiment::pass::Pass;
use crate::experiment::stages::adopt;
use crate::experiment::wait::Wait;
use crate::process::key_list::KeyList;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Experiment, Status, Text};

/// Keeps a restored experiment from starting until a rerun asks for it, and returns what to wait for.
pub fn hold(pass: &mut Pass<'_>, intent: &Intent) -> Option<Wait> {
    // What 0.14.0 ran once is never started anyway.
    if adopt::is_due(&pass.live) && !intent::is_scheduled(&pass.live) {
        return None;
    }
    let is_held = pass.draft.status.reason.as_deref() == Some(Reason::Restored.as_str());
    if is_held && intent.is_rerun_due(&pass.draft.status) {
        return None;
    }
    if !is_held {
        let mark = mark(&pass.live, &pass.context.config.keys.restore_marks)?;
        pass.draft.restored(&mark, intent);
    }
    Some(Wait::for_change())
}

/// Returns the mark of a backup tool on an experiment that has no status yet.
fn mark(experiment: &Experiment, marks: &KeyList) -> Option<String> {
    if experiment.status.as_ref().is_some_and(|status| *status != Status::default()) {
        return None;
    }
    let metadata = &experiment.metadata;
    let keys = [&metadata.labels, &metadata.annotations].into_iter().flatten().flat_map(|all| all.keys());
    keys.into_iter().find(|key| marks.has(key)).cloned()
}
