//! The types of conditions, and functions to set them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::reason::Reason;
use crate::text::Text;

/// The types of the conditions of an experiment. The status lists them in this order, which follows the life of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::EnumString, strum::IntoStaticStr)]
pub enum Type {
    /// The spec is valid.
    Accepted,
    /// Neither the rules of the operator nor the API server reject the objects of the run.
    Permitted,
    /// Nothing keeps the run from starting for now. The condition is there once something has: a freeze, for example.
    Startable,
    /// All objects that the run needs exist.
    Provisioned,
    /// The schedule is suspended and starts no runs.
    Suspended,
    /// The run has ended, with any outcome. `kubectl wait --for=condition=Finished` always ends.
    Finished,
    /// The run passed. The state is Unknown until this is known.
    Succeeded,
    /// The rollbacks were played. The state is Unknown until this is known, and if there are no rollbacks.
    RolledBack,
    /// The API server refused no request of the last run for lack of a right. The condition is there only if it is False.
    Authorized,
    /// The experiment is being deleted, but one of its objects cannot be deleted.
    CleanupBlocked,
    /// Something goes on by itself, or is waited for. The condition is there only while it is True, as kstatus wants it.
    Reconciling,
    /// Nothing goes on until somebody does something, or the run has found something bad. The condition is there only while it
    /// is True, as kstatus wants it.
    Stalled,
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
pub enum State {
    /// The condition holds.
    True,
    /// The condition does not hold.
    False,
    /// It is not known whether the condition holds, or not known yet.
    Unknown,
}

/// The maximum length of a message in bytes. A status is not the place for logs.
const LONGEST_MESSAGE: usize = 1024;

/// Shortens a text to at most 1024 bytes, at a character boundary.
#[must_use]
pub fn short(text: &str) -> String {
    short_to(text, LONGEST_MESSAGE)
}

/// Shortens a text to this number of bytes, at a character boundary.
#[must_use]
pub fn short_to(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = (0..=max - '…'.len_utf8()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// Returns the condition of a type, if there is one.
#[must_use]
pub fn find(conditions: &[Condition], type_: Type) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == type_.as_str())
}

/// Sets a condition. Its transition time changes only if its status changes, as the API conventions require.
pub fn set(
    conditions: &mut Vec<Condition>,
    (type_, state, reason): (Type, State, Reason),
    message: &str,
    generation: Option<i64>,
    now: Timestamp,
) {
    let mut condition = Condition {
        type_: type_.as_str().to_owned(),
        status: state.as_str().to_owned(),
        reason: reason.into(),
        message: short(message),
        observed_generation: generation,
        last_transition_time: Time(now),
    };
    if let Some(old) = conditions.iter_mut().find(|old| old.type_ == condition.type_) {
        if old.status == condition.status {
            condition.last_transition_time = old.last_transition_time.clone();
        }
        *old = condition;
        return;
    }
    conditions.push(condition);
    // The order must not depend on the order in which conditions were set.
    conditions.sort_by_key(|condition| condition.type_.parse::<Type>().ok());
}

/// Restores the transition time of each condition whose status is the same as before.
///
/// A condition may change and change back within one pass. This is not a transition. If it counted as one, each pass would
/// write a new status, and each write would cause the next pass.
pub fn keep_times(conditions: &mut [Condition], before: &[Condition]) {
    for condition in conditions {
        let same = |old: &&Condition| (&old.type_, &old.status) == (&condition.type_, &condition.status);
        if let Some(old) = before.iter().find(same) {
            condition.last_transition_time = old.last_transition_time.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_condition_that_changes_and_changes_back_has_not_changed() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut before = Vec::new();
        set(&mut before, (Type::Accepted, State::False, Reason::InvalidSpec), "", Some(1), at(1));
        let mut conditions = before.clone();
        set(&mut conditions, (Type::Accepted, State::True, Reason::Accepted), "", Some(1), at(2));
        let mut changed = conditions.clone();
        keep_times(&mut changed, &before);
        assert_eq!(changed, conditions, "this one has");
        set(&mut conditions, (Type::Accepted, State::False, Reason::InvalidSpec), "", Some(1), at(2));
        keep_times(&mut conditions, &before);
        assert_eq!(conditions, before);
    }

    #[test]
    fn transition_time_follows_the_status_alone() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut conditions = Vec::new();
        set(&mut conditions, (Type::Finished, State::False, Reason::Starting), "", Some(1), at(1));
        set(&mut conditions, (Type::Finished, State::False, Reason::Running), "now", Some(2), at(2));
        assert_eq!(conditions[0].last_transition_time, Time(at(1)));
        assert_eq!((conditions[0].reason.as_str(), conditions[0].message.as_str()), ("Running", "now"));
        set(&mut conditions, (Type::Finished, State::True, Reason::Completed), "", Some(2), at(3));
        assert_eq!(conditions[0].last_transition_time, Time(at(3)));
        assert_eq!(conditions.len(), 1);
    }

    proptest! {
        #[test]
        fn short_is_short_and_starts_the_same(text in "\\PC{0,2000}") {
            let cut = short(&text);
            prop_assert!(cut.len() <= LONGEST_MESSAGE);
            prop_assert!(text.starts_with(cut.trim_end_matches('…')) || text == cut);
        }
    }
}
