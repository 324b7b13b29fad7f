//! The plan of a rescue: pure.
//!
//! The pod of a rescue is that of the run. Its experiment is that of the run without method and hypothesis. So only an
//! experiment that the operator can read, and that has not changed since, can be rescued.

use serde_json::{Value, json};

use crate::experiment::decide::plan::patch::changes_what_runs;
use crate::experiment::decide::plan::{Facts, Plan, Source};
use crate::process::config::Runner;
use crate::yaml;
use chaostoolkit_api::Status;

/// Turns the plan of a run into that of its rescue.
pub fn rescue_of(plan: Plan, facts: &Facts, recorded: &Status) -> Result<Plan, String> {
    if recorded.run_namespace.as_ref() != Some(&plan.namespace) {
        return Err("spec.namespace is not what it was when the run was decided on".to_owned());
    }
    if plan.pod.is_some() {
        return Err("what runs in a pod of your own (spec.pod.template) is not known".to_owned());
    }
    if let Some(what) = plan.patches.all().find_map(changes_what_runs) {
        return Err(format!(
            "spec.pod.patch or spec.pod.volumes changes {what}, so what would run is not known"
        ));
    }
    let decided = recorded.run.as_ref().and_then(|run| run.experiment.sha256.as_ref());
    if plan.about.sha256.as_ref() != decided {
        return Err("the experiment is not what it was when the run was decided on".to_owned());
    }
    let experiment = match (&plan.source, &facts.text) {
        (Source::Inline(inline), _) => inline.clone(),
        (Source::File { .. }, Some(text)) => {
            yaml::parse(text).map_err(|error| format!("the experiment cannot be read: {error}"))?
        }
        (Source::File { .. }, None) => return Err("the file of the experiment is gone".to_owned()),
        (Source::Artifact(_), _) => return Err("an experiment from an artifact is not read here".to_owned()),
        (Source::Url | Source::Remote(_), _) => {
            return Err("an experiment from a URL is not read here".to_owned());
        }
    };
    Ok(Plan {
        source: Source::Inline(only_rollbacks(&experiment)?),
        // Those of the template: the author's arguments may start something other than `run`.
        arguments: None,
        options: Vec::new(),
        schedule: None,
        is_rescue: true,
        runner: Some(Runner { journal: false, ..facts.runner.clone() }),
        ..plan
    })
}

/// Reduces an experiment to its rollbacks and what they need. Nothing that injects a fault stays.
fn only_rollbacks(experiment: &Value) -> Result<Value, String> {
    let rollbacks = experiment.get("rollbacks").and_then(Value::as_array).filter(|list| !list.is_empty());
    let Some(rollbacks) = rollbacks else { return Err("the experiment declares no rollbacks".to_owned()) };
    let title = experiment.get("title").and_then(Value::as_str).unwrap_or_default();
    let rollbacks: Vec<Value> = rollbacks.iter().map(|rollback| resolved(rollback, experiment)).collect();
    let mut rescue = json!({
        "title": format!("Rollbacks of: {title}"),
        "description": "Played since the run ended before it had played them.",
        // Versions before 1.9 require an activity. This one reads the name of the host.
        "method": [{"type": "probe", "name": "nothing to inject",
            "provider": {"type": "python", "module": "platform", "func": "node"}}],
        "rollbacks": rollbacks,
        "runtime": {"rollbacks": {"strategy": "always"}},
    });
    for kept in ["version", "configuration", "secrets", "controls", "extensions"] {
        if let Some(value) = experiment.get(kept) {
            rescue[kept] = value.clone();
        }
    }
    Ok(rescue)
}

/// Resolves a rollback that refers to an activity elsewhere.
/// <https://chaostoolkit.org/reference/api/experiment/#activity>
fn resolved(rollback: &Value, experiment: &Value) -> Value {
    let Some(name) = rollback.get("ref") else { return rollback.clone() };
    let method = experiment.get("method").and_then(Value::as_array);
    let probes = experiment.pointer("/steady-state-hypothesis/probes").and_then(Value::as_array);
    let mut all = method.into_iter().flatten().chain(probes.into_iter().flatten());
    all.find(|activity| activity.get("name") == Some(name)).unwrap_or(rollback).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn what_rollbacks_need_is_kept_and_nothing_that_injects() {
        let experiment = json!({
            "title": "t", "configuration": {"a": 1}, "secrets": {"b": {}}, "runtime": {"rollbacks": {"strategy": "never"}},
            "steady-state-hypothesis": {"title": "h", "probes": [{"type": "probe", "name": "p"}]},
            "method": [{"type": "action", "name": "break"}, {"type": "action", "name": "mend", "provider": {"type": "process"}}],
            "rollbacks": [{"ref": "mend"}, {"type": "action", "name": "own"}, {"ref": "p"}, {"ref": "nobody"}],
        });
        let rescue = only_rollbacks(&experiment).unwrap();
        assert_eq!(rescue["configuration"], json!({"a": 1}));
        assert_eq!(rescue["secrets"], json!({"b": {}}));
        assert_eq!(rescue["runtime"]["rollbacks"]["strategy"], "always");
        assert!(rescue.get("steady-state-hypothesis").is_none());
        assert!(!rescue.to_string().contains("break"));
        let names: Vec<&Value> =
            rescue["rollbacks"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names, [&json!("mend"), &json!("own"), &json!("p"), &Value::Null]);
    }

    #[rstest]
    #[case(json!({}))]
    #[case(json!({"rollbacks": []}))]
    #[case(json!({"rollbacks": "none"}))]
    #[case(json!(["not", "an", "experiment"]))]
    fn without_rollbacks_there_is_no_rescue(#[case] experiment: Value) {
        assert!(only_rollbacks(&experiment).unwrap_err().contains("no rollbacks"));
    }
}
