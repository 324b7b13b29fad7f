//! The condition `Permitted`: whether the run may start.

use crate::experiment::error::{ABOUT_AUTHOR, Error};
use crate::experiment::status::draft::Draft;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Status, Text};

/// The reasons that say more of a permitted run than that nothing was refused. A run that was created keeps them.
const LASTING: [Reason; 2] = [Reason::JudgedAtRequest, Reason::AuthorUnchecked];

impl Draft {
    /// The run may start for this reason. The user asked for it, if one is known.
    ///
    /// The reason is on the status before the pod exists, in case this operator does not live to see the pod. An earlier answer
    /// stays until the run is created.
    pub fn permitted(&mut self, reason: Reason, requested_by: Option<String>) {
        self.permitted = Some(reason);
        self.requested_by = requested_by;
        // A refusal of the author is over. One of the API server may come again in this pass.
        let is_open = find(&self.status).is_none_or(|(state, reason)| {
            state == State::Unknown || reason.is_some_and(|reason| ABOUT_AUTHOR.contains(&reason))
        });
        if LASTING.contains(&reason) && is_open {
            self.set(Type::Permitted, State::Unknown, reason, explained(reason));
        }
    }

    /// Something blocks the run. If that is no refusal, an earlier refusal is over. The rest of the pass shows whether anything
    /// else is refused.
    pub(super) fn refused(&mut self, error: &Error) {
        let is_refusal =
            matches!(error.reason(), Reason::Forbidden | Reason::RightsMissing) || error.is_about_author();
        if is_refusal {
            self.set(Type::Permitted, State::False, error.reason(), &error.describe_with_author());
        } else if self.status.schedule.is_some() && self.is_judged() {
            // What was said of the last run of a schedule holds until the next one.
        } else if find(&self.status).is_none_or(|(state, _)| state != State::Unknown) {
            self.status.conditions.retain(|condition| condition.type_ != Type::Permitted.as_str());
        }
    }

    /// All objects of the run exist, so nothing was refused.
    pub(super) fn nothing_refused(&mut self) {
        let recorded = find(&self.status).and_then(|(_, reason)| reason);
        let lasting = recorded.filter(|reason| LASTING.contains(reason));
        let reason = self.permitted.or(lasting).unwrap_or(Reason::Permitted);
        self.set(Type::Permitted, State::True, reason, explained(reason));
    }
}

/// The state of the condition and its reason.
fn find(status: &Status) -> Option<(State, Option<Reason>)> {
    let permitted = condition::find(&status.conditions, Type::Permitted)?;
    Some((permitted.status.parse().ok()?, permitted.reason.parse().ok()))
}

pub(super) const fn explained(reason: Reason) -> &'static str {
    match reason {
        Reason::JudgedAtRequest => {
            "the policy that judges requests allowed this one; the cluster cannot say who made it"
        }
        Reason::AuthorUnchecked => {
            "the operator does not ask what authors may do, since it was started with --unchecked-authors"
        }
        _ => "nothing that the run needs was refused",
    }
}
