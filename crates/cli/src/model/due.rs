//! When runs of schedules are due.

use std::collections::BTreeMap;

use chaostoolkit_api::{Experiment, Phase};
use chaostoolkit_operator::experiment::intent::Intent;
use chaostoolkit_operator::experiment::stages::times;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::Serialize;

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
    /// The times, at most [`MOST`].
    pub times: Vec<Timestamp>,
    /// Whether there are more times than these.
    pub has_more: bool,
}

/// How many times of one schedule are computed.
pub const MOST: usize = 1000;

/// Returns the times at which runs of an experiment are due within some days. Returns `None` if it has no schedule.
#[must_use]
pub fn due(experiment: &Experiment, now: Timestamp, days: u16) -> Option<Due> {
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
    let mut times: Vec<Timestamp> = std::iter::successors(first, next).take(MOST + 1).collect();
    let has_more = times.len() > MOST;
    times.truncate(MOST);
    let held = held(experiment, status.phase);
    if held.is_some() {
        times.clear();
    }
    let (namespace, name) = (experiment.namespace().to_owned(), experiment.name().to_owned());
    Some(Due { namespace, name, cron, time_zone, has_more: has_more && held.is_none(), held, times })
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
    use rstest::rstest;
    use serde_json::{Value, json};

    fn experiment(spec: &Value, status: &Value) -> Experiment {
        serde_json::from_value(
            json!({"metadata": {"name": "x", "namespace": "n"}, "spec": spec, "status": status}),
        )
        .unwrap()
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
        let found = due(&experiment(&json!({}), &scheduled(cron, &more)), now(), days).unwrap();
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
        let found = due(&experiment(&spec, &status), now(), 1).unwrap();
        assert_eq!((found.held.as_deref(), found.times.is_empty()), (expected, expected.is_some()));
    }

    #[test]
    fn what_has_no_schedule_is_never_due() {
        assert_eq!(due(&experiment(&json!({}), &json!({"phase": "Completed"})), now(), 14), None);
    }

    #[test]
    fn many_times_are_cut() {
        let found = due(&experiment(&json!({}), &scheduled("* * * * *", &json!({}))), now(), 14).unwrap();
        assert_eq!((found.times.len(), found.has_more), (MOST, true));
    }

    #[test]
    fn the_times_of_several_schedules_stand_in_their_order() {
        let of = |cron: &str| due(&experiment(&json!({}), &scheduled(cron, &json!({}))), now(), 1).unwrap();
        let all = [of("0 */6 * * *"), of("0 */8 * * *")];
        let order = in_order(&all, 2);
        let hours: Vec<String> =
            order.iter().map(|(time, due)| format!("{} {}", time.strftime("%H"), due.cron)).collect();
        assert_eq!(hours, ["06 0 */6 * * *", "08 0 */8 * * *", "12 0 */6 * * *", "16 0 */8 * * *"]);
    }
}
