//! The conditions `Reconciling` and `Stalled`, which tell tools whether to wait. They follow from the phase and its reason, so
//! they change with these alone.

use crate::experiment::status::draft::Draft;
use chaostoolkit_api::condition::{State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Phase, Text, progress};

impl Draft {
    /// Nobody knows yet whether the run may start. What was said of an older spec holds no more.
    pub fn undecided(&mut self) {
        if matches!(self.status.phase, None | Some(Phase::Failed)) {
            self.phase(Phase::Pending, Reason::Provisioning, "asking whether the run may start");
        }
    }

    /// Sets the condition that follows from the phase and its reason, and takes the other one away.
    pub fn progress(&mut self) {
        let Some(phase) = self.status.phase else {
            // Without either condition, tools would take what has not begun for done.
            self.set(
                Type::Reconciling,
                State::True,
                Reason::Provisioning,
                "the operator has not decided yet",
            );
            return;
        };
        let reason: Option<Reason> = self.status.reason.as_deref().and_then(|reason| reason.parse().ok());
        // A later version may have written a word that this one does not know, and the conditions that belong to it.
        let Some(reason) = reason else { return };
        let condition = progress::of(phase, reason).condition();
        self.keep_progress(condition);
        if let Some(type_) = condition {
            let message = self.status.message.clone().unwrap_or_default();
            self.set(type_, State::True, reason, &message);
        }
    }

    /// Takes both conditions away. Tools see that an experiment is being deleted without them.
    pub(super) fn forget_progress(&mut self) {
        self.keep_progress(None);
    }

    fn keep_progress(&mut self, kept: Option<Type>) {
        let others: Vec<&str> = [Type::Reconciling, Type::Stalled]
            .iter()
            .filter(|type_| Some(**type_) != kept)
            .map(Text::as_str)
            .collect();
        self.status.conditions.retain(|condition| !others.contains(&condition.type_.as_str()));
    }
}

#[cfg(test)]
mod tests;
