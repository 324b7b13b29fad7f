//! The condition `Startable`: whether something keeps a run from starting for now.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;

use crate::experiment::hold::Hold;
use crate::experiment::status::draft::Draft;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{HoldStatus, Phase, Status, Text};

impl Draft {
    /// Something keeps the run from starting for now. A schedule goes on, and only its next run waits.
    pub fn held(&mut self, hold: &Hold) {
        let reason = hold.reason.as_str();
        let since =
            self.status.hold.take().filter(|known| known.reason == reason).and_then(|known| known.since);
        self.status.hold = Some(HoldStatus {
            reason: reason.to_owned(),
            since: since.or(Some(Time(self.now))),
            until: hold.until.map(Time),
        });
        self.set(Type::Startable, State::False, hold.reason, &hold.message);
        if !self.has_schedule() {
            self.status.conditions.retain(|condition| condition.type_ != Type::Suspended.as_str());
            self.phase(Phase::Blocked, hold.reason, &hold.message);
        }
    }

    /// Nothing keeps the run from starting. That is only said of one that was kept from it before.
    pub fn startable(&mut self) {
        let Some(since) = held_since(&self.status) else { return };
        if let Some(run) = &mut self.status.run {
            let asked = run.requested_at.as_ref().map_or(since, |asked| asked.0.max(since));
            let seconds = self.now.as_second().saturating_sub(asked.as_second()).max(0);
            run.held_seconds = Some(run.held_seconds.unwrap_or_default().saturating_add(seconds));
        }
        self.status.hold = None;
        self.set(Type::Startable, State::True, Reason::Startable, "nothing keeps the run from starting");
    }

    /// No run of a schedule waits for now. The condition goes on to tell of the last one. An operator that was killed may have
    /// let it go without a word, which its pod shows. `newest`: when the newest pod was created.
    pub fn nothing_waits(&mut self, newest: Option<Timestamp>) {
        if held_since(&self.status).zip(newest).is_some_and(|(since, created)| created >= since) {
            self.startable();
        }
        self.status.hold = None;
    }

    /// Why the last run that was to start was held, if it still is.
    #[must_use]
    pub fn hold(&self) -> Option<(Reason, String)> {
        held_since(&self.status)?;
        let condition = condition::find(&self.status.conditions, Type::Startable)?;
        Some((condition.reason.parse().ok()?, condition.message.clone()))
    }

    /// A run that is over or that starts anew is not held.
    pub(super) fn forget_hold(&mut self) {
        self.status.hold = None;
        self.status.conditions.retain(|condition| condition.type_ != Type::Startable.as_str());
    }
}

/// Since when something keeps the run from starting, if anything does.
fn held_since(status: &Status) -> Option<Timestamp> {
    let condition = condition::find(&status.conditions, Type::Startable)?;
    (condition.status == State::False.as_str()).then_some(condition.last_transition_time.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::intent::Intent;
    use crate::experiment::status::events;
    use chaostoolkit_api::{Experiment, Run};
    use serde_json::json;

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    fn draft(status: &Status, now: &str) -> Draft {
        Draft::of(&Experiment { status: Some(status.clone()), ..Experiment::default() }, at(now))
    }

    fn frozen() -> Hold {
        let message = "no run starts during the freeze home/f".to_owned();
        Hold { reason: Reason::Frozen, message, until: None, again: None }
    }

    fn asked(time: &str) -> Status {
        Status {
            run: Some(Run { number: 2, requested_at: Some(Time(at(time))), ..Run::default() }),
            ..Status::default()
        }
    }

    #[test]
    fn the_clock_of_the_start_deadline_stands_still_while_a_run_is_held() {
        let mut first = draft(&asked("00:00:00"), "00:10:00");
        first.held(&frozen());
        assert_eq!(first.status.phase, Some(Phase::Blocked));
        let mut second = draft(&first.status, "01:10:00");
        second.held(&frozen());
        assert_eq!(second.status, first.status, "a hold that lasts is no change");
        let mut third = draft(&second.status, "02:10:00");
        third.startable();
        let intent = Intent::of(
            &serde_json::from_value(json!({"metadata": {}, "spec": {"startDeadlineSeconds": 3600}})).unwrap(),
        );
        let run = third.status.run.clone().unwrap();
        assert_eq!(run.held_seconds, Some(7200));
        assert_eq!(intent.start_deadline(&run), Some(at("03:00:00")));
        let before = third.status.clone();
        third.startable();
        assert_eq!(third.status, before, "said once");
    }

    #[test]
    fn a_pod_that_is_newer_than_the_hold_shows_that_it_is_over() {
        for (created, expected) in
            [(None, State::False), (Some("00:09:59"), State::False), (Some("00:10:00"), State::True)]
        {
            let mut held = draft(&Status::default(), "00:10:00");
            held.held(&frozen());
            let mut next = draft(&held.status, "00:20:00");
            next.nothing_waits(created.map(at));
            let condition = condition::find(&next.status.conditions, Type::Startable).unwrap();
            assert_eq!(condition.status, expected.as_str(), "{created:?}");
            assert_eq!(next.status.hold, None);
        }
    }

    #[test]
    fn what_was_held_before_the_run_was_asked_for_does_not_count() {
        let mut first = draft(&Status::default(), "00:00:00");
        first.held(&frozen());
        let status = Status { run: asked("01:00:00").run, ..first.status };
        let mut second = draft(&status, "01:00:30");
        second.startable();
        assert_eq!(second.status.run.unwrap().held_seconds, Some(30));
    }

    #[test]
    fn each_hold_and_its_end_has_one_event() {
        let mut first = draft(&Status::default(), "00:00:00");
        first.held(&frozen());
        let reasons = |old: &Status, new: &Status| {
            let told = events::transitions(old, new, false);
            told.into_iter().map(|event| event.reason).collect::<Vec<_>>()
        };
        assert_eq!(reasons(&Status::default(), &first.status), ["Frozen"]);
        assert_eq!(reasons(&first.status, &first.status), [""; 0]);
        let mut second = draft(&first.status, "00:00:30");
        second.startable();
        assert_eq!(reasons(&first.status, &second.status), ["Startable"]);
    }

    #[test]
    fn a_run_that_nothing_has_held_has_no_condition() {
        let mut draft = draft(&asked("00:00:00"), "00:10:00");
        draft.startable();
        assert_eq!(draft.status, asked("00:00:00"));
    }
}
