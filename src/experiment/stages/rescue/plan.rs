//! The plan of a rescue: pure.
//!
//! The pod of a rescue is that of the run. Its experiment is that of the run without method and hypothesis. So it has to be
//! the same one. The operator compares an experiment that it can read. One from elsewhere is fetched again, if it has a hash
//! or a digest. The runner then checks it, and reduces it to its rollbacks.

use serde_json::{Value, json};

use crate::experiment::decide::plan::patch::changes_what_runs;
use crate::experiment::decide::plan::{Facts, Plan, Remote, Source};
use crate::process::config::Runner;
use crate::yaml;
use chaostoolkit_api::Status;

/// Why an experiment from elsewhere is not fetched again.
const NOT_PINNED: &str = "the experiment may be another one by now, and is not read here";

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
    let read = match (&plan.source, &facts.text) {
        (Source::Inline(inline), _) => inline.clone(),
        (Source::File { .. }, Some(text)) => {
            yaml::parse(text).map_err(|error| format!("the experiment cannot be read: {error}"))?
        }
        (Source::File { .. }, None) => return Err("the file of the experiment is gone".to_owned()),
        (Source::Remote(Remote { sha256: Some(_), .. }), _) => return Ok(rescue(plan, facts)),
        (Source::Artifact(artifact), _) => {
            if plan.about.source != recorded.run.as_ref().and_then(|run| run.experiment.source.clone()) {
                return Err("the artifact is not that of the run".to_owned());
            }
            if !artifact.is_pinned() {
                return Err(format!("{NOT_PINNED}: its reference has no digest"));
            }
            return Ok(rescue(plan, facts));
        }
        (Source::Url | Source::Remote(_), _) => {
            return Err(format!("{NOT_PINNED}: it has no spec.pod.experiment.sha256"));
        }
    };
    let source = Source::Inline(only_rollbacks(&read)?);
    Ok(rescue(Plan { source, ..plan }, facts))
}

/// Makes the plan of a rescue from that of a run.
fn rescue(plan: Plan, facts: &Facts) -> Plan {
    Plan {
        // Those of the template: the author's arguments may start something other than `run`.
        arguments: None,
        options: Vec::new(),
        schedule: None,
        is_rescue: true,
        runner: Some(Runner { journal: false, ..facts.runner.clone() }),
        ..plan
    }
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
    use crate::experiment::build::build;
    use crate::experiment::decide::plan;
    use chaostoolkit_api::{Experiment, Run, Spec};
    use rstest::rstest;

    /// The runner reduces an experiment that the operator does not read, and is tested with the same ones.
    const CASES: &str =
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/crates/runner/tests/rollbacks.json"));

    #[test]
    fn what_rollbacks_need_is_kept_and_nothing_that_injects() {
        let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
        for case in &cases {
            let rescue = only_rollbacks(&case["experiment"]);
            if case["rescue"].is_null() {
                assert_eq!(rescue.unwrap_err(), "the experiment declares no rollbacks");
            } else {
                assert_eq!(rescue.unwrap(), case["rescue"]);
            }
        }
        assert!(cases.iter().any(|case| case["experiment"].to_string().contains("break")));
        assert!(cases.iter().all(|case| !case["rescue"].to_string().contains("break")));
    }

    /// Returns the rescue of a run of an experiment in the spec, with these options of the pod.
    #[expect(clippy::unwrap_in_result, reason = "a test fails by a panic")]
    fn rescue(pod: Value) -> Result<Plan, String> {
        let inline = json!({"title": "t", "method": [], "rollbacks": [{"type": "action", "name": "mend"}]});
        let experiment: Experiment = serde_json::from_value(json!({
            "metadata": {"name": "exp", "namespace": "authors", "uid": "123e4567-e89b-12d3-a456-426614174000"},
            "spec": {"experiment": inline, "pod": pod},
        }))
        .unwrap();
        let runner = Runner { image: "operator".into(), ..Runner::default() };
        let facts = Facts { operator_namespace: "authors".into(), runner, ..Facts::default() };
        let spec = Spec::parse(experiment.spec.as_ref()).unwrap();
        let plan = plan::plan(&experiment, &spec, &facts).unwrap();
        let run = Run { number: 1, experiment: plan.about.clone(), ..Run::default() };
        let run_namespace = Some(plan.namespace.clone());
        rescue_of(plan, &facts, &Status { run_namespace, run: Some(run), ..Status::default() })
    }

    #[test]
    fn the_pod_of_a_rescue_has_the_patches_of_the_run() {
        let env = json!([{"name": "A", "value": "1"}]);
        let patch =
            json!({"spec": {"hostNetwork": true, "containers": [{"name": "chaostoolkit", "env": env}]}});
        let rescue = rescue(json!({"patch": patch, "labels": {"team": "a"}})).unwrap();
        assert!(rescue.is_rescue);
        assert_eq!(rescue.patches.own, Some(patch));
        let templates = crate::experiment::decide::templates::tests::shipped();
        let pod = build(&rescue, &templates).unwrap().pod().clone();
        assert_eq!(
            (&pod["metadata"]["labels"]["team"], &pod["spec"]["hostNetwork"]),
            (&json!("a"), &json!(true))
        );
        let of_container = pod["spec"]["containers"][0]["env"].as_array().unwrap();
        assert!(of_container.contains(&env[0]), "{of_container:?}");
    }

    #[rstest]
    #[case(json!({"patch": {"spec": {"containers": [{"name": "chaostoolkit", "command": ["sh"]}]}}}), "the command line")]
    #[case(json!({"patch": {"spec": {"containers": [{"name": "chaostoolkit", "$setElementOrder/args": []}]}}}), "the command line")]
    #[case(json!({"patch": {"spec": {"containers": [{"name": "chaostoolkit", "env": null}]}}}), "the file of the experiment")]
    #[case(json!({"volumes": [{"name": "chaostoolkit-experiment", "emptyDir": {}}]}), "the file of the experiment")]
    fn a_run_whose_pod_is_patched_so_that_something_else_runs_has_no_rescue(
        #[case] pod: Value,
        #[case] what: &str,
    ) {
        let problem = rescue(pod).unwrap_err();
        assert_eq!(
            problem,
            format!("spec.pod.patch or spec.pod.volumes changes {what}, so what would run is not known")
        );
    }
}
