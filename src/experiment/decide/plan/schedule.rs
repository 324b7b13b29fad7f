//! When the runs of an experiment start.

use serde_json::Value;

use crate::experiment::decide::plan::types::Schedule;
use crate::experiment::decide::plan::values::given;
use chaostoolkit_api::spec::{InvalidSpec, ScheduleSpec};
use chaostoolkit_api::{Experiment, Spec};

/// The schedule, if there is one.
pub fn wanted_schedule(experiment: &Experiment, spec: &Spec) -> Result<Option<Schedule>, InvalidSpec> {
    // 0.14.0 took an empty mapping for no schedule.
    let Some(when) = spec.schedule.as_ref().filter(|_| !is_empty_mapping(experiment, "/schedule")) else {
        return Ok(None);
    };
    let mut schedule = schedule(when)?;
    if spec.suspend == Some(true) || spec.abort == Some(true) {
        schedule.fields.insert("suspend", true.into());
    }
    Ok(Some(schedule))
}

fn is_empty_mapping(experiment: &Experiment, pointer: &str) -> bool {
    let value = experiment.spec.as_ref().and_then(|spec| spec.pointer(pointer)).and_then(Value::as_object);
    value.is_some_and(serde_json::Map::is_empty)
}

/// Reads a schedule, which has to be complete. 0.14.0 ran chaos every minute if the value was missing, and never if the
/// kind was unknown.
fn schedule(spec: &ScheduleSpec) -> Result<Schedule, InvalidSpec> {
    let missing = |field: &str, problem: &str| InvalidSpec::new(format!("spec.schedule.{field}"), problem);
    match spec.kind.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("cronjob") => {}
        Some(kind) => return Err(missing("kind", &format!("{kind:?} is not known; there is cronJob"))),
        None => return Err(missing("kind", "is missing; there is cronJob")),
    }
    let cron = given(spec.value.clone())
        .ok_or_else(|| missing("value", "is missing, for example \"*/5 * * * *\""))?;
    let fields = [
        ("timeZone", spec.time_zone.clone().map(Value::from)),
        ("concurrencyPolicy", spec.concurrency_policy.clone().map(Value::from)),
        ("startingDeadlineSeconds", spec.starting_deadline_seconds.map(Value::from)),
        ("suspend", spec.suspend.map(Value::from)),
        ("successfulJobsHistoryLimit", spec.successful_runs_history_limit.map(Value::from)),
        ("failedJobsHistoryLimit", spec.failed_runs_history_limit.map(Value::from)),
    ];
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    Ok(Schedule { cron, time_zone: spec.time_zone.clone(), fields })
}
