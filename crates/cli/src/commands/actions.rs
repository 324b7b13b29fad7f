//! `abort`, `rescue`, `suspend` and `resume`: fields of the spec that count while a run goes on.

use serde_json::{Value, json};

use chaostoolkit_api::{Experiment, Phase, Text};
use chaostoolkit_operator::experiment::intent::{Intent, is_scheduled};
use chaostoolkit_operator::experiment::stages::rescue as rescues;
use chaostoolkit_operator::experiment::status::rollbacks_missing;

use crate::access::Access;
use crate::failure::Outcome;
use crate::output::objects;
use crate::output::ui::Ui;

/// Stops the run, or keeps it from starting.
pub async fn abort(access: &Access, ui: Ui, name: &str) -> Outcome<()> {
    let before = access.experiment(name).await?;
    let status = before.status.clone().unwrap_or_default();
    let intent = Intent::of(&before);
    if status.is_finished() && !intent.is_rerun_due(&status) && !rescues::is_open(&status, &intent) {
        ui.say(&format!("no run of experiment {} goes on, so there is nothing to abort", before.key()));
        return Ok(());
    }
    access.patch(name, "abort", &json!({"spec": {"abort": true}})).await?;
    ui.line(&format!("{} aborted", objects::name(name)))?;
    let namespace = &access.namespace;
    ui.hint(&format!(
        "the toolkit plays its rollbacks; `kubectl chaostoolkit wait {name} -n {namespace}` waits for them"
    ));
    if is_scheduled(&before) {
        ui.hint(&format!(
            "no run of the schedule starts until `kubectl chaostoolkit resume {name} -n {namespace}`"
        ));
    }
    Ok(())
}

/// Asks for the rollbacks that the last run did not play.
pub async fn rescue(access: &Access, ui: Ui, name: &str) -> Outcome<()> {
    let before = access.experiment(name).await?;
    let status = before.status.clone().unwrap_or_default();
    if is_scheduled(&before) {
        return Err(crate::failure::Failure::new(format!(
            "experiment {} has a schedule, and runs of a schedule have no rescue",
            before.key()
        ))
        .hint("run the experiment without a schedule, or play the rollbacks by hand"));
    }
    let mut intent = Intent::of(&before);
    intent.rescue = true;
    if status.is_finished() && !rescues::is_open(&status, &intent) {
        let state = status
            .run
            .as_ref()
            .and_then(|run| run.rollbacks.as_ref())
            .map_or("", |rollbacks| rollbacks.state.as_str());
        let had = status.run.as_ref().is_some_and(|run| run.rescue.is_some());
        let outcome = status.outcome.unwrap_or_default();
        let are_missing = status.run.as_ref().is_some_and(|run| rollbacks_missing::are_missing(outcome, run));
        let (is, because) = match (had, are_missing) {
            (true, _) => ("has no other rescue", "it had one"),
            (false, true) => ("has no rescue", "it came to a verdict, or a rollback was played and failed"),
            (false, false) => ("needs no rescue", "its rollbacks are not missing"),
        };
        ui.say(&format!(
            "the last run of experiment {} {is}, since {because} {}",
            before.key(),
            in_brackets(state)
        ));
        if are_missing {
            ui.hint(&format!(
                "roll back by hand; `kubectl chaostoolkit report {name} -n {}` says what was played",
                access.namespace
            ));
        }
        return Ok(());
    }
    access.patch(name, "ask for a rescue of", &json!({"spec": {"rescue": true}})).await?;
    ui.line(&format!("{} asked for a rescue", objects::name(name)))?;
    ui.hint(&format!("`kubectl chaostoolkit wait {name} -n {}` waits for it", access.namespace));
    Ok(())
}

fn in_brackets(word: &str) -> String {
    if word.is_empty() { String::new() } else { format!("({word})") }
}

/// Lets no run start.
pub async fn suspend(access: &Access, ui: Ui, name: &str) -> Outcome<()> {
    let stored = access.patch(name, "suspend", &json!({"spec": {"suspend": true}})).await?;
    ui.line(&format!("{} suspended", objects::name(name)))?;
    let experiment = crate::access::experiments::read(stored)?;
    let status = experiment.status.unwrap_or_default();
    let is_running = matches!(status.phase, Some(Phase::Starting | Phase::Running | Phase::Aborting));
    if is_running || status.schedule.is_some_and(|schedule| !schedule.active.is_empty()) {
        ui.hint(&format!(
            "the run that goes on is not stopped; `kubectl chaostoolkit abort {name} -n {}` does that",
            access.namespace
        ));
    }
    Ok(())
}

/// Takes back what keeps runs from starting.
pub async fn resume(access: &Access, ui: Ui, name: &str) -> Outcome<()> {
    let before = access.experiment(name).await?;
    let Some((patch, taken_back)) = resuming(&before) else {
        ui.say(&format!("experiment {} is neither suspended nor aborted", before.key()));
        let status = before.status.unwrap_or_default();
        if status.reason.as_deref() == Some("Restored") {
            ui.hint(&format!(
                "it was restored from a backup; `kubectl chaostoolkit rerun {name} -n {}` starts it",
                access.namespace
            ));
        }
        return Ok(());
    };
    access.patch(name, "resume", &patch).await?;
    ui.line(&format!("{} resumed", objects::name(name)))?;
    ui.hint(&format!("taken back: {}", taken_back.join(", ")));
    let is_aborted_run = Intent::of(&before).abort && !is_scheduled(&before);
    if is_aborted_run {
        ui.hint(&format!(
            "nothing starts by itself; `kubectl chaostoolkit rerun {name} -n {}` runs it once more",
            access.namespace
        ));
    }
    Ok(())
}

/// Returns the patch that takes back what is set, and the names of these fields.
fn resuming(experiment: &Experiment) -> Option<(Value, Vec<&'static str>)> {
    let spec = experiment.spec.clone().unwrap_or_default();
    let mut patch = json!({});
    let mut taken_back = Vec::new();
    for (field, pointer) in [("suspend", "/suspend"), ("abort", "/abort")] {
        if spec.pointer(pointer) == Some(&Value::Bool(true)) {
            patch[field] = false.into();
            taken_back.push(if field == "suspend" { "spec.suspend" } else { "spec.abort" });
        }
    }
    if spec.pointer("/schedule/suspend") == Some(&Value::Bool(true)) {
        patch["schedule"] = json!({"suspend": false});
        taken_back.push("spec.schedule.suspend");
    }
    (!taken_back.is_empty()).then(|| (json!({ "spec": patch }), taken_back))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(json!({}), None)]
    #[case(json!({"suspend": false, "abort": null}), None)]
    #[case(json!({"suspend": true}), Some(json!({"suspend": false})))]
    #[case(json!({"abort": true, "schedule": {"suspend": true, "value": "@daily"}}), Some(json!({"abort": false, "schedule": {"suspend": false}})))]
    fn only_what_is_set_is_taken_back(#[case] spec: Value, #[case] expected: Option<Value>) {
        let experiment = Experiment { spec: Some(spec), ..Experiment::default() };
        let found = resuming(&experiment).map(|(patch, _)| patch["spec"].clone());
        assert_eq!(found, expected);
    }
}
