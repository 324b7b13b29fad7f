//! What the operator would create for an experiment, in words and as a tree.

use serde_json::Value;

use chaostoolkit_api::{Experiment, names};
use chaostoolkit_operator::cluster::manifest::{Kind, Manifest};
use chaostoolkit_operator::experiment::build::resources::Resources;
use chaostoolkit_operator::experiment::permit::rights;
use chaostoolkit_report::text::one_line;

use crate::model::verbs;

/// Returns the tree of an experiment.
#[must_use]
pub fn explained(experiment: &Experiment, resources: &Resources) -> Vec<String> {
    let uid = names::suffix(experiment.uid());
    // No uid is known before the object exists, so the end of each name is not either.
    let named = |text: &str| one_line(text).replace(&uid, "<suffix>");
    let mut lines = vec![format!("experiment {} {}", one_line(&experiment.key()), when(resources))];
    let namespace = resources.workload.namespace();
    let mut places: Vec<&str> = vec![namespace];
    for manifest in &resources.owned {
        if !places.contains(&manifest.namespace()) {
            places.push(manifest.namespace());
        }
    }
    for place in &places {
        let mut branches: Vec<Vec<String>> = Vec::new();
        if *place == namespace {
            branches.push(vec![format!("Namespace {namespace}, unless it exists; it is never deleted")]);
        }
        let here = resources.owned.iter().filter(|manifest| manifest.namespace() == *place);
        branches.extend(here.map(|manifest| of_manifest(manifest, &named)));
        if *place == namespace {
            branches.push(of_workload(resources, &named));
        }
        let title = if place.is_empty() {
            "in the whole cluster".to_owned()
        } else {
            format!("in namespace {}", one_line(place))
        };
        lines.push(title);
        lines.extend(drawn(&branches));
    }
    lines.push("the author of the run needs these rights".to_owned());
    lines.extend(drawn(&needed(resources, namespace)));
    lines
}

fn when(resources: &Resources) -> String {
    if !resources.is_scheduled() {
        return "runs once, at once".to_owned();
    }
    let spec = &resources.workload.value["spec"];
    let zone = spec["timeZone"].as_str().map(|zone| format!(" ({})", one_line(zone))).unwrap_or_default();
    let held = if spec["suspend"] == true { ", and is suspended" } else { "" };
    format!("runs by the schedule {}{zone}{held}", one_line(spec["schedule"].as_str().unwrap_or_default()))
}

fn of_manifest(manifest: &Manifest, named: &impl Fn(&str) -> String) -> Vec<String> {
    let title = format!("{} {}", manifest.kind, named(manifest.name()));
    match manifest.kind {
        Kind::Role => {
            let rules = manifest.value["rules"].as_array().into_iter().flatten();
            std::iter::once(format!("{title} allows"))
                .chain(rules.map(|rule| format!("{} {}", listed(&rule["verbs"]), of_rule(rule))))
                .collect()
        }
        Kind::RoleBinding | Kind::ClusterRoleBinding => {
            let role = &manifest.value["roleRef"];
            let subjects = manifest.value["subjects"].as_array().into_iter().flatten();
            let subjects: Vec<String> = subjects
                .map(|one| {
                    let text = |key: &str| named(one[key].as_str().unwrap_or_default());
                    format!("{} {}/{}", text("kind"), text("namespace"), text("name"))
                })
                .collect();
            let text = |key: &str| named(role[key].as_str().unwrap_or_default());
            vec![format!("{title} gives {} {} to {}", text("kind"), text("name"), subjects.join(", "))]
        }
        Kind::ConfigMap => {
            let keys: Vec<&String> =
                manifest.value["data"].as_object().into_iter().flat_map(|data| data.keys()).collect();
            let keys: Vec<String> = keys.iter().map(|key| one_line(key)).collect();
            vec![format!(
                "{title} with {}",
                if keys.is_empty() { "no keys".to_owned() } else { keys.join(", ") }
            )]
        }
        _ => vec![title],
    }
}

fn of_rule(rule: &Value) -> String {
    let groups = rule["apiGroups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups: Vec<String> = groups.filter(|group| !group.is_empty()).map(one_line).collect();
    let of = if groups.is_empty() { String::new() } else { format!(" of {}", groups.join(", ")) };
    let names = listed(&rule["resourceNames"]);
    let only = if names.is_empty() { String::new() } else { format!(", only {names}") };
    format!("{}{of}{only}", listed(&rule["resources"]))
}

fn listed(list: &Value) -> String {
    let words: Vec<String> =
        list.as_array().into_iter().flatten().filter_map(Value::as_str).map(one_line).collect();
    words.join(", ")
}

fn of_workload(resources: &Resources, named: &impl Fn(&str) -> String) -> Vec<String> {
    let manifest = &resources.workload;
    let pod = resources.pod();
    let mut lines = vec![format!("{} {}", manifest.kind, named(manifest.name()))];
    if let Some(container) = resources.toolkit() {
        let image = container["image"].as_str().unwrap_or("of the cluster's choice");
        lines.push(format!("image {}", one_line(image)));
        lines.push(format!("runs {}", command(container)));
    }
    let account = pod["spec"]["serviceAccountName"].as_str().map_or_else(|| "default".to_owned(), named);
    lines.push(format!("as service account {account}"));
    if let Some(seconds) = pod["spec"]["terminationGracePeriodSeconds"].as_u64() {
        lines.push(format!("has {seconds}s for its rollbacks if it is stopped"));
    }
    lines
}

/// The command of the container, without the runner that starts it.
fn command(container: &Value) -> String {
    let words =
        ["command", "args"].into_iter().flat_map(|key| container[key].as_array().into_iter().flatten());
    let words: Vec<String> = words.filter_map(Value::as_str).map(one_line).collect();
    let own = words.iter().position(|word| word == "--").filter(|_| container["command"][0] == names::RUNNER);
    match own {
        Some(at) => format!("{}, started by the runner", words[at + 1..].join(" ")),
        None => words.join(" "),
    }
}

/// What the author needs: the verbs of each resource on one line.
fn needed(resources: &Resources, namespace: &str) -> Vec<Vec<String>> {
    let Ok(needed) = rights::needed(resources, false) else {
        let most = rights::MOST;
        return vec![vec![format!("more than the {most} that are asked for, so the run is refused")]];
    };
    let all = verbs::by_object(needed.all);
    let all = all.iter().map(|(question, verbs)| verbs::text(question, verbs));
    let binds = needed.roles.iter().map(|role| {
        let or = if role.role.is_some() { ", or all that it gives" } else { "" };
        format!("{}{or}", role.bind)
    });
    let is_other = namespace != names::DEFAULT_RUN_NAMESPACE;
    let creates =
        is_other.then(|| "create namespaces, if the namespace of the run does not exist".to_owned());
    all.chain(binds).chain(creates).map(|line| vec![one_line(&line)]).collect()
}

/// Draws branches. The first line of each is its title, and the others are below it.
fn drawn(branches: &[Vec<String>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, branch) in branches.iter().enumerate() {
        let (corner, stem) = if at + 1 == branches.len() { ("└─", "  ") } else { ("├─", "│ ") };
        for (depth, line) in branch.iter().enumerate() {
            let inner = if depth + 1 == branch.len() { "└─" } else { "├─" };
            lines.push(if depth == 0 {
                format!("{corner} {line}")
            } else {
                format!("{stem} {inner} {line}")
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_operator::commands::render::{Beside, rendered};
    use serde_json::json;

    fn of(spec: &Value) -> Vec<String> {
        let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitExperiment",
            "metadata": {"name": "x", "namespace": "chaostoolkit-crd"}, "spec": spec});
        let one = rendered(&[object], Beside::default()).unwrap().remove(0);
        explained(&one.experiment, &one.resources)
    }

    #[test]
    fn a_run_is_explained_with_what_it_may_do() {
        let lines = of(&json!({"experiment": {"title": "t", "description": "d", "method": []}}));
        let has = |text: &str| assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
        assert_eq!(lines[0], "experiment chaostoolkit-crd/x runs once, at once");
        has("in namespace chaostoolkit-run");
        has("ServiceAccount chaostoolkit-<suffix>");
        has("create, get, delete, list pods");
        has(
            "gives Role chaostoolkit-experiment-<suffix> to ServiceAccount chaostoolkit-run/chaostoolkit-<suffix>",
        );
        has("└─ Pod chaostoolkit-<suffix>");
        has("runs chaos run $(EXPERIMENT_PATH), started by the runner");
        has("create, get, delete, list pods in namespace chaostoolkit-run");
    }

    #[test]
    fn a_schedule_and_rights_elsewhere_are_told() {
        let lines = of(
            &json!({"schedule": {"kind": "cronJob", "value": "0 3 * * *", "timeZone": "Europe/Paris"},
            "experiment": {"title": "t", "method": []}, "role": {"clusterRole": "view", "clusterWide": true}}),
        );
        assert_eq!(lines[0], "experiment chaostoolkit-crd/x runs by the schedule 0 3 * * * (Europe/Paris)");
        let has = |text: &str| assert!(lines.iter().any(|line| line.contains(text)), "{text}: {lines:#?}");
        has("in the whole cluster");
        has("gives ClusterRole view");
        has("CronJob chaostoolkit-<suffix>");
        has("bind clusterroles.rbac.authorization.k8s.io \"view\"");
    }
}
