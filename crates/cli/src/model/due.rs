//! When runs of schedules are due.

use std::collections::BTreeMap;

use chaostoolkit_api::{Experiment, Phase};
use chaostoolkit_operator::experiment::intent::Intent;
use chaostoolkit_operator::experiment::jitter::Delay;
use chaostoolkit_operator::experiment::stages::times;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::hindrance::{Hindrances, Start};

/// The times of one schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// Namespace of the experiment.
    pub namespace: String,
    /// Name of the experiment.
    pub name: String,
    /// The schedule.
    pub cron: String,
    /// Its time zone, if one is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Why no run starts, if none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// The times at which runs start, at most [`MOST`]: with their delays, and without what the calendar or a freeze skips.
    pub times: Vec<Timestamp>,
    /// Whether there are more times than these.
    pub has_more: bool,
    /// The first runs that are skipped, at most [`MOST_SKIPPED`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
    /// The number of runs that are skipped.
    pub skipped_count: usize,
}

/// A run that is skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// When it is due.
    pub time: Timestamp,
    /// Why it is skipped, in words.
    pub reason: String,
}

/// How many skipped runs of a schedule are listed.
pub const MOST_SKIPPED: usize = 100;

/// How many times of a schedule are looked at. A calendar may skip nearly all of them.
const MOST_TRIED: usize = 20_000;

/// For how many seconds after its time a run may start, if nobody says otherwise.
const DEADLINE: i64 = 200;

/// How many times of one schedule are computed.
pub const MOST: usize = 1000;

/// Returns the times at which runs of an experiment are due within some days. Returns `None` if it has no schedule.
#[must_use]
pub fn due(experiment: &Experiment, hindrances: &Hindrances, now: Timestamp, days: u16) -> Option<Due> {
    let status = experiment.status.clone().unwrap_or_default();
    let (cron, time_zone) = match &status.schedule {
        Some(schedule) if !schedule.cron.is_empty() => (schedule.cron.clone(), schedule.time_zone.clone()),
        _ => asked(experiment)?,
    };
    let until =
        now.saturating_add(SignedDuration::from_hours(i64::from(days) * 24)).unwrap_or(Timestamp::MAX);
    let next =
        |after: &Timestamp| times::next(&cron, time_zone.as_deref(), *after).filter(|time| *time <= until);
    let told = status.schedule.as_ref().and_then(|schedule| schedule.next_schedule_time.as_ref());
    // `@every` counts from the last run, which only the operator knows.
    let first = told.map(|time| time.0).filter(|time| *time > now && *time <= until).or_else(|| next(&now));
    let due = std::iter::successors(first, next).take(MOST_TRIED);
    let held = held(experiment, status.phase).or_else(|| hindrances.problem.clone());
    let (namespace, name) = (experiment.namespace().to_owned(), experiment.name().to_owned());
    let (times, has_more, skipped, skipped_count) = (Vec::new(), false, Vec::new(), 0);
    let (named, zone) = (cron.clone(), time_zone.clone());
    let mut found =
        Due { namespace, name, cron: named, time_zone: zone, held, times, has_more, skipped, skipped_count };
    if found.held.is_none() {
        let limits = (Delay::of(experiment), deadline(experiment, &found.cron));
        found.fill(due, &limits, hindrances);
    }
    Some(found)
}

/// For how many seconds after its time a run may start. The operator sets no limit for intervals.
fn deadline(experiment: &Experiment, cron: &str) -> Option<i64> {
    let spec = experiment.spec.as_ref();
    let asked = spec.and_then(|spec| spec.pointer("/schedule/startingDeadlineSeconds")?.as_i64());
    asked.or_else(|| (!cron.starts_with("@every")).then_some(DEADLINE))
}

impl Due {
    /// Adds the runs that are due at these times, until there are enough.
    fn fill(
        &mut self,
        due: impl Iterator<Item = Timestamp>,
        (delay, deadline): &(Delay, Option<i64>),
        hindrances: &Hindrances,
    ) {
        // What closes a calendar closes it for many runs, and it takes long to find out when it opens.
        let mut closed: Option<(Timestamp, String)> = None;
        for time in due {
            let begin = delay.start(time);
            let late =
                deadline.and_then(|seconds| begin.checked_add(SignedDuration::from_secs(seconds)).ok());
            let known = closed.as_ref().filter(|(until, _)| late.is_some_and(|late| late < *until));
            let start = match known {
                Some((until, why)) => Start::Skipped(why.clone(), Some(*until)),
                None => hindrances.start(begin, *deadline),
            };
            match start {
                Start::At(_) if self.times.len() == MOST => {
                    self.has_more = true;
                    return;
                }
                Start::At(start) => self.times.push(start),
                Start::Skipped(reason, until) => {
                    closed = until.map(|until| (until, reason.clone()));
                    self.skipped_count += 1;
                    if self.skipped.len() < MOST_SKIPPED {
                        self.skipped.push(Skipped { time, reason });
                    }
                }
            }
        }
    }
}

/// Whether an experiment has a schedule.
#[must_use]
pub fn is_scheduled(experiment: &Experiment) -> bool {
    let has_one = experiment.status.as_ref().is_some_and(|status| status.schedule.is_some());
    has_one || asked(experiment).is_some()
}

/// The schedule that the spec asks for, if no operator has made a `CronJob` of it yet.
fn asked(experiment: &Experiment) -> Option<(String, Option<String>)> {
    let schedule = experiment.spec.as_ref()?.get("schedule")?.as_object()?;
    let text = |key: &str| schedule.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    Some((text("value")?, text("timeZone")))
}

/// Why no run of a schedule starts.
fn held(experiment: &Experiment, phase: Option<Phase>) -> Option<String> {
    let intent = Intent::of(experiment);
    let is_suspended = experiment.spec.as_ref().and_then(|spec| spec.pointer("/schedule/suspend")?.as_bool());
    let reasons = [
        (intent.abort, "aborted"),
        (intent.suspend || is_suspended == Some(true), "suspended"),
        (phase == Some(Phase::Suspended), "suspended"),
        (phase == Some(Phase::Blocked), "blocked"),
        (phase == Some(Phase::Failed), "the spec was not understood"),
        (phase.is_none(), "no operator has looked at it"),
        (experiment.is_deleting(), "it is being deleted"),
    ];
    reasons.iter().find(|(is, _)| *is).map(|(_, reason)| (*reason).to_owned())
}

/// Returns the times of all schedules in their order, at most `most` of each.
#[must_use]
pub fn in_order(all: &[Due], most: usize) -> Vec<(Timestamp, &Due)> {
    let mut order: BTreeMap<(Timestamp, usize), &Due> = BTreeMap::new();
    for (at, due) in all.iter().enumerate() {
        order.extend(due.times.iter().take(most).map(|time| ((*time, at), due)));
    }
    order.into_iter().map(|((time, _), due)| (time, due)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_operator::experiment::decide::plan::calendar::{Files, calendar};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn experiment(spec: &Value, status: &Value) -> Experiment {
        serde_json::from_value(
            json!({"metadata": {"name": "x", "namespace": "n"}, "spec": spec, "status": status}),
        )
        .unwrap()
    }

    fn none() -> Hindrances {
        Hindrances::default()
    }

    /// A calendar that is open from 9 to 10 on Fridays.
    fn on_fridays() -> Hindrances {
        let windows = json!({"windows": [{"days": ["Fri"], "from": "09:00", "to": "10:00"}]});
        let spec = serde_json::from_value(windows).unwrap();
        Hindrances { calendar: Some(calendar(&spec, &Files::new()).unwrap()), ..Hindrances::default() }
    }

    #[test]
    fn what_the_calendar_skips_is_left_out_and_counted() {
        // The first of January 2026 is a Thursday.
        let all = experiment(&json!({}), &scheduled("*/20 * * * *", &json!({})));
        let found = due(&all, &on_fridays(), now(), 2).unwrap();
        let minutes: Vec<String> =
            found.times.iter().map(|time| time.strftime("%d %H:%M").to_string()).collect();
        // That of 08:40 is late by the time of the opening.
        assert_eq!(minutes, ["02 09:00", "02 09:20", "02 09:40"]);
        assert_eq!((found.skipped_count, found.skipped.len(), found.has_more), (141, MOST_SKIPPED, false));
        let first = &found.skipped[0];
        assert_eq!(first.time, "2026-01-01T00:40:00Z".parse().unwrap());
        assert!(first.reason.starts_with("the calendar is closed until 2026-01-02T09:00:00Z"), "{first:?}");
    }

    #[test]
    fn times_have_the_delays_of_their_runs() {
        let spec = json!({"schedule": {"jitterSeconds": 600}});
        let delayed = experiment(&spec, &scheduled("@hourly", &json!({})));
        let found = due(&delayed, &none(), now(), 1).unwrap();
        let plain =
            due(&experiment(&json!({}), &scheduled("@hourly", &json!({}))), &none(), now(), 1).unwrap();
        assert_eq!(found.times.len(), plain.times.len());
        for (delayed, due) in found.times.iter().zip(&plain.times) {
            let seconds = delayed.as_second() - due.as_second();
            assert!((0..600).contains(&seconds), "{seconds}");
        }
        assert_ne!(found.times, plain.times);
    }

    #[test]
    fn without_a_readable_calendar_no_run_starts() {
        let problem = Hindrances { problem: Some("its calendar cannot be read".to_owned()), ..none() };
        let found =
            due(&experiment(&json!({}), &scheduled("@hourly", &json!({}))), &problem, now(), 1).unwrap();
        assert_eq!((found.held.as_deref(), found.times.len()), (Some("its calendar cannot be read"), 0));
    }

    fn now() -> Timestamp {
        "2026-01-01T00:30:00Z".parse().unwrap()
    }

    fn scheduled(cron: &str, more: &Value) -> Value {
        let mut status = json!({"phase": "Scheduled", "schedule": {"cron": cron}});
        for (key, value) in more.as_object().unwrap() {
            status["schedule"][key] = value.clone();
        }
        status
    }

    #[rstest]
    #[case::daily("0 12 * * *", json!({}), 2, &["2026-01-01T12:00:00Z", "2026-01-02T12:00:00Z"])]
    #[case::in_a_zone("0 12 * * *", json!({"timeZone": "Europe/Paris"}), 1, &["2026-01-01T11:00:00Z"])]
    #[case::an_interval("@every 9h", json!({"nextScheduleTime": "2026-01-01T05:00:00Z"}), 1,
        &["2026-01-01T05:00:00Z", "2026-01-01T14:00:00Z", "2026-01-01T23:00:00Z"])]
    #[case::never("0 0 30 2 *", json!({}), 300, &[])]
    #[case::unreadable("hello", json!({}), 1, &[])]
    fn times_are_those_of_the_schedule(
        #[case] cron: &str,
        #[case] more: Value,
        #[case] days: u16,
        #[case] expected: &[&str],
    ) {
        let found = due(&experiment(&json!({}), &scheduled(cron, &more)), &none(), now(), days).unwrap();
        let expected: Vec<Timestamp> = expected.iter().map(|time| time.parse().unwrap()).collect();
        assert_eq!((found.times, found.has_more), (expected, false));
    }

    #[rstest]
    #[case(json!({"suspend": true}), "Scheduled", Some("suspended"))]
    #[case(json!({"schedule": {"suspend": true}}), "Scheduled", Some("suspended"))]
    #[case(json!({"abort": true}), "Scheduled", Some("aborted"))]
    #[case(json!({}), "Blocked", Some("blocked"))]
    #[case(json!({}), "Scheduled", None)]
    fn what_is_held_has_no_times(#[case] spec: Value, #[case] phase: &str, #[case] expected: Option<&str>) {
        let mut status = scheduled("@hourly", &json!({}));
        status["phase"] = phase.into();
        let found = due(&experiment(&spec, &status), &none(), now(), 1).unwrap();
        assert_eq!((found.held.as_deref(), found.times.is_empty()), (expected, expected.is_some()));
    }

    #[test]
    fn what_has_no_schedule_is_never_due() {
        assert_eq!(due(&experiment(&json!({}), &json!({"phase": "Completed"})), &none(), now(), 14), None);
    }

    #[test]
    fn many_times_are_cut() {
        let found =
            due(&experiment(&json!({}), &scheduled("* * * * *", &json!({}))), &none(), now(), 14).unwrap();
        assert_eq!((found.times.len(), found.has_more), (MOST, true));
    }

    #[test]
    fn the_times_of_several_schedules_stand_in_their_order() {
        let of = |cron: &str| {
            due(&experiment(&json!({}), &scheduled(cron, &json!({}))), &none(), now(), 1).unwrap()
        };
        let all = [of("0 */6 * * *"), of("0 */8 * * *")];
        let order = in_order(&all, 2);
        let hours: Vec<String> =
            order.iter().map(|(time, due)| format!("{} {}", time.strftime("%H"), due.cron)).collect();
        assert_eq!(hours, ["06 0 */6 * * *", "08 0 */8 * * *", "12 0 */6 * * *", "16 0 */8 * * *"]);
    }
}
