//! When the runs of an experiment start.

use serde_json::Value;

use crate::experiment::decide::plan::stop_after;
use crate::experiment::decide::plan::types::{Schedule, TemplateSchedule};
use crate::experiment::decide::plan::values::given;
use crate::experiment::jitter::LONGEST;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes, ScheduleSpec};
use chaostoolkit_api::{Experiment, Spec};

/// Whether a spec takes the schedule that the template of the `CronJob` has.
#[must_use]
pub fn is_that_of_the_template(spec: &Spec) -> bool {
    spec.schedule.as_ref().is_some_and(|when| when.kind.is_some() && given(when.value.clone()).is_none())
}

/// The schedule, if there is one.
pub fn wanted_schedule(
    experiment: &Experiment,
    spec: &Spec,
    template: Option<&TemplateSchedule>,
) -> Result<Option<Schedule>, InvalidSpec> {
    // 0.14.0 took an empty mapping for no schedule.
    let Some(when) = spec.schedule.as_ref().filter(|_| !is_empty_mapping(experiment, "/schedule")) else {
        return Ok(None);
    };
    let mut schedule = schedule(when, template)?;
    if spec.suspend == Some(true) || spec.abort == Some(true) {
        schedule.fields.insert("suspend", true.into());
    } else if schedule.fields.get("suspend") != Some(&Value::Bool(true)) {
        let history = experiment.status.as_ref().map(|status| status.history.as_slice()).unwrap_or_default();
        schedule.stopped = stop_after::stopped(when.stop_after.as_ref(), history);
        if schedule.stopped.is_some() {
            schedule.fields.insert("suspend", true.into());
        }
    }
    Ok(Some(schedule))
}

fn is_empty_mapping(experiment: &Experiment, pointer: &str) -> bool {
    let value = experiment.spec.as_ref().and_then(|spec| spec.pointer(pointer)).and_then(Value::as_object);
    value.is_some_and(serde_json::Map::is_empty)
}

/// Reads a schedule. Without a value, that of the template counts. 0.14.0 shipped one that ran chaos every minute, and
/// ran nothing if the kind was unknown.
fn schedule(spec: &ScheduleSpec, template: Option<&TemplateSchedule>) -> Result<Schedule, InvalidSpec> {
    let missing = |field: &str, problem: &str| InvalidSpec::new(format!("spec.schedule.{field}"), problem);
    match spec.kind.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("cronjob") => {}
        Some(kind) => return Err(missing("kind", &format!("{kind:?} is not known; there is cronJob"))),
        None => return Err(missing("kind", "is missing; there is cronJob")),
    }
    let value = given(spec.value.clone());
    let template = template.filter(|_| value.is_none());
    let cron = value
        .or_else(|| template.map(|template| template.cron.clone()))
        .ok_or_else(|| missing("value", "is missing, for example \"*/5 * * * *\""))?;
    check_limits(spec)?;
    let fields = [
        ("timeZone", spec.time_zone.clone().map(Value::from)),
        ("concurrencyPolicy", spec.concurrency_policy.clone().map(Value::from)),
        ("startingDeadlineSeconds", spec.starting_deadline_seconds.map(Value::from)),
        ("suspend", spec.suspend.map(Value::from)),
        ("successfulJobsHistoryLimit", spec.successful_runs_history_limit.map(Value::from)),
        ("failedJobsHistoryLimit", spec.failed_runs_history_limit.map(Value::from)),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let time_zone =
        spec.time_zone.clone().or_else(|| template.and_then(|template| template.time_zone.clone()));
    Ok(Schedule { cron, time_zone, fields, stopped: None })
}

/// The most runs in a row that stop a schedule. The status keeps as many.
const MAX_IN_A_ROW: i32 = 10;

/// Checks the numbers that the CronJob does not have.
fn check_limits(spec: &ScheduleSpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    if let Some(seconds) = spec.jitter_seconds.filter(|seconds| !(0..=LONGEST).contains(seconds)) {
        let problem = format!("is {seconds}; a delay is from 0 to {LONGEST} seconds");
        mistakes.add(InvalidSpec::new("spec.schedule.jitterSeconds", problem));
    }
    let stop_after = spec.stop_after.clone().unwrap_or_default();
    for (field, runs) in [("deviated", stop_after.deviated), ("failed", stop_after.failed)] {
        if let Some(runs) = runs.filter(|runs| !(1..=MAX_IN_A_ROW).contains(runs)) {
            let problem = format!("is {runs}; a schedule is suspended after 1 to {MAX_IN_A_ROW} runs");
            mistakes.add(InvalidSpec::new(format!("spec.schedule.stopAfter.{field}"), problem));
        }
    }
    mistakes.none()
}
