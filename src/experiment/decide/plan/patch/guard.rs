//! Refuses patches of what the operator sets, and of what the runner needs.

use serde_json::{Map, Value, json};

use crate::experiment::decide::plan::elsewhere::PATH_VARIABLE;
use crate::experiment::decide::plan::grace;
use crate::experiment::decide::plan::patch::metadata;
use crate::experiment::decide::plan::pod::restarts_its_container_alone;
use crate::experiment::decide::plan::source::DEFAULT_FILE;
use crate::strategic::{Path, is_directive};
use chaostoolkit_api::names;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};

/// The fields of the spec of a pod that the operator sets, and where an author sets them.
const SET: [(&str, &str); 4] = [
    ("serviceAccountName", "is set by the operator; use spec.serviceaccount.name"),
    ("serviceAccount", "is set by the operator; use spec.serviceaccount.name"),
    ("restartPolicy", "is set by the operator: a restarted container would run the experiment a second time"),
    ("activeDeadlineSeconds", "is set by the operator; use spec.activeDeadlineSeconds"),
];

/// The directives that remove fields which the patch does not name.
const REMOVING: [&str; 2] = ["$patch", "$retainKeys"];

/// The start of the directive that can remove a whole list.
const DELETING: &str = "$deleteFromPrimitiveList";

/// The volumes of an experiment from a `ConfigMap` and of one from an artifact.
const EXPERIMENT: [&str; 2] = ["chaostoolkit-experiment", "chaostoolkit-artifact"];

/// The mistakes in the patch at a path.
struct Guard<'a> {
    base: &'a str,
    has_runner: bool,
    mistakes: Mistakes,
}

/// Checks a whole patch.
pub fn patch(base: &str, patch: &Value, has_runner: bool) -> Result<(), InvalidSpec> {
    let Value::Object(fields) = patch else { return Err(InvalidSpec::new(base, "is not a mapping")) };
    let mut guard = Guard { base, has_runner, mistakes: Mistakes::default() };
    guard.root(fields);
    guard.mistakes.none()
}

/// Checks a short form that is a list with a merge key.
pub fn short_list(field: &str, list: &[Value], key: &str, has_runner: bool) -> Result<(), InvalidSpec> {
    let mut guard = Guard { base: "spec.pod", has_runner, mistakes: Mistakes::default() };
    let root = Path::default();
    let at = root.key(field);
    for (index, item) in list.iter().enumerate() {
        let at = at.index(index);
        guard.mistakes.or(no_directive(&guard.path(&at), item), ());
        if item.get(key).is_none_or(|name| name.is_null() || name == "") {
            guard.refuse(&at.key(key), "is missing");
        }
        match field {
            "volumes" => guard.volume(item, &at),
            "volumeMounts" => guard.mount(item, &at),
            _ => {}
        }
    }
    guard.mistakes.none()
}

/// Fails if a short form has a directive of a patch.
pub fn no_directive(path: &str, value: &Value) -> Result<(), InvalidSpec> {
    let found = match value {
        Value::Object(fields) if fields.keys().any(|key| is_directive(key)) => true,
        Value::Object(fields) => return fields.values().try_for_each(|value| no_directive(path, value)),
        Value::Array(items) => return items.iter().try_for_each(|item| no_directive(path, item)),
        _ => false,
    };
    if found { Err(InvalidSpec::new(path, "has a directive; use spec.pod.patch for that")) } else { Ok(()) }
}

/// Returns what a patch changes in the command line of the toolkit or in the file that it reads. Then nobody knows what
/// the pod runs.
#[must_use]
pub fn changes_what_runs(patch: &Value) -> Option<&'static str> {
    let file = ["home", "svc", DEFAULT_FILE];
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let mut containers = list(&patch["spec"], "containers");
    containers.retain(|container| container["name"] == names::CONTAINER);
    let sets = |field: &str| {
        let is_set = |key: &String| key == field || key.ends_with(&format!("/{field}"));
        containers.iter().any(|container| container.as_object().is_some_and(|all| all.keys().any(is_set)))
    };
    if sets("command") || sets("args") {
        return Some("the command line");
    }
    let artifact = parts(names::ARTIFACT_DIRECTORY);
    let is_place = |path: Vec<&str>| path == file || path.starts_with(&artifact);
    let is_volume = |found: &Value| found["name"].as_str().is_some_and(|name| EXPERIMENT.contains(&name));
    let is_file = |mount: &Value| {
        is_volume(mount) || mount["mountPath"].as_str().is_some_and(|path| is_place(parts(path)))
    };
    let is_changed = |container: &Value| {
        let env = list(container, "env");
        let is_path = |one: &Value| one["name"] == PATH_VARIABLE || one["$patch"] == "replace";
        env.iter().any(is_path)
            || container.get("env").is_some_and(Value::is_null)
            || list(container, "volumeMounts").iter().any(is_file)
    };
    let is_changed =
        containers.iter().any(is_changed) || list(&patch["spec"], "volumes").iter().any(is_volume);
    is_changed.then_some("the file of the experiment")
}

/// The parts of a path, as the kubelet understands it.
fn parts(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).fold(Vec::new(), |mut parts, part| {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
        parts
    })
}

impl Guard<'_> {
    fn path(&self, at: &Path) -> String {
        let rest = at.to_string();
        let dot = if rest.is_empty() || rest.starts_with('[') { "" } else { "." };
        format!("{}{dot}{rest}", self.base)
    }

    fn refuse(&mut self, at: &Path, problem: &str) {
        self.mistakes.add(InvalidSpec::forbidden(self.path(at), problem));
    }

    /// Refuses directives that would remove what the operator sets in a mapping.
    fn keeps_fields(&mut self, fields: &Map<String, Value>, at: &Path) {
        for key in fields.keys().filter(|key| REMOVING.contains(&key.as_str()) || key.starts_with(DELETING)) {
            self.refuse(&at.key(key), "would remove what the operator sets");
        }
    }

    fn root(&mut self, fields: &Map<String, Value>) {
        let root = Path::default();
        self.keeps_fields(fields, &root);
        for (field, only) in [("apiVersion", "v1"), ("kind", "Pod")] {
            if fields.get(field).is_some_and(|value| value != only) {
                self.refuse(&root.key(field), &format!("can only be {only}"));
            }
        }
        if fields.contains_key("status") {
            self.refuse(&root.key("status"), "is set by Kubernetes");
        }
        for field in ["metadata", "spec"] {
            let at = root.key(field);
            match fields.get(field) {
                None => {}
                Some(Value::Object(fields)) if field == "spec" => self.spec(fields, &at),
                Some(Value::Object(fields)) => self.metadata(fields, &at),
                Some(_) => self.refuse(&at, "is not a mapping"),
            }
        }
    }

    /// Only labels and annotations are the author's.
    fn metadata(&mut self, fields: &Map<String, Value>, at: &Path) {
        for (field, value) in fields {
            let at = at.key(field);
            let path = self.path(&at);
            let entries = value.as_object().into_iter().flatten().filter(|(key, _)| !is_directive(key));
            match field.as_str() {
                "labels" => entries.for_each(|(key, value)| {
                    self.mistakes.or(metadata::label(&path, key, value.as_str()), ());
                }),
                "annotations" => entries.for_each(|(key, _)| {
                    self.mistakes.or(metadata::annotation(&path, key), ());
                }),
                _ if REMOVING.contains(&field.as_str()) => {
                    self.refuse(&at, "would remove what the operator sets");
                }
                _ => self.refuse(&at, "is set by the operator or by Kubernetes"),
            }
        }
    }

    fn spec(&mut self, fields: &Map<String, Value>, at: &Path) {
        self.keeps_fields(fields, at);
        for (field, problem) in SET {
            if fields.contains_key(field) {
                self.refuse(&at.key(field), problem);
            }
        }
        let seconds = fields.get(grace::FIELD).map(|seconds| json!({grace::FIELD: seconds}));
        if let Some(Err(problem)) = seconds.map(|seconds| grace::asked(&seconds)) {
            self.mistakes.add(InvalidSpec::new(self.path(&at.key(grace::FIELD)), problem));
        }
        for list in ["containers", "volumes"] {
            self.keeps_list(fields.get(list), &at.key(list));
        }
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let at = at.key(list);
            for (index, container) in items(fields, list) {
                self.container(container, list == "containers", &at.index(index));
            }
        }
        let at = at.key("volumes");
        for (index, volume) in items(fields, "volumes") {
            self.volume(volume, &at.index(index));
        }
    }

    /// Refuses to remove or to replace a whole list that the operator needs.
    fn keeps_list(&mut self, list: Option<&Value>, at: &Path) {
        match list {
            Some(Value::Null) => self.refuse(at, "cannot be removed, since the operator needs items of it"),
            Some(Value::Array(items)) => {
                for index in (0..items.len()).filter(|index| items[*index]["$patch"] == "replace") {
                    let problem = "would remove items that the operator needs; delete items by their names";
                    self.refuse(&at.index(index).key("$patch"), problem);
                }
            }
            _ => {}
        }
    }

    fn container(&mut self, container: &Value, is_main: bool, at: &Path) {
        let Some(fields) = container.as_object() else { return };
        let is_runner = |name: &Value| name == names::SIDECAR || name == names::RUNNER_VOLUME;
        if self.has_runner && fields.get("name").is_some_and(is_runner) {
            self.refuse(
                &at.key("name"),
                "is the name of the container that the operator adds for its runner",
            );
        }
        if items(fields, "restartPolicyRules").any(|(_, rule)| !restarts_its_container_alone(rule)) {
            let problem =
                "may only have the action Restart: a restarted pod would run the experiment a second time";
            self.refuse(&at.key("restartPolicyRules"), problem);
        }
        let mounts = at.key("volumeMounts");
        for (index, mount) in items(fields, "volumeMounts") {
            self.mount(mount, &mounts.index(index));
        }
        if !is_main || fields.get("name").is_none_or(|name| name != names::CONTAINER) {
            return;
        }
        for key in REMOVING.into_iter().filter(|key| fields.contains_key(*key)) {
            // That of a whole list was refused already.
            if fields[key] != "replace" {
                self.refuse(&at.key(key), "would remove the container that runs the toolkit, or parts of it");
            }
        }
        for field in ["restartPolicy", "restartPolicyRules"] {
            if fields.get(field).is_some_and(|value| !value.is_null()) {
                self.refuse(&at.key(field), "a restarted container would run the experiment a second time");
            }
        }
        self.keeps_list(fields.get("volumeMounts"), &mounts);
        let is_nothing = |command: &Value| command.is_null() || command.as_array().is_some_and(Vec::is_empty);
        if self.has_runner && fields.get("command").is_some_and(is_nothing) {
            let problem =
                "cannot be removed, since the runner starts it; spec.report.mode: none leaves the runner out";
            self.refuse(&at.key("command"), problem);
        }
        let deletes = format!("{DELETING}/command");
        if self.has_runner && fields.contains_key(&deletes) {
            self.refuse(&at.key(&deletes), "the runner needs the command; set the whole command instead");
        }
    }

    fn volume(&mut self, volume: &Value, at: &Path) {
        if self.has_runner && volume["name"] == names::RUNNER_VOLUME {
            self.refuse(&at.key("name"), "is the name of the volume of the runner");
        }
    }

    fn mount(&mut self, mount: &Value, at: &Path) {
        if !self.has_runner {
            return;
        }
        if mount["name"] == names::RUNNER_VOLUME {
            self.refuse(&at.key("name"), "is the name of the volume of the runner");
        }
        if mount["mountPath"]
            .as_str()
            .is_some_and(|path| parts(path).starts_with(&parts(names::RUNNER_DIRECTORY)))
        {
            self.refuse(&at.key("mountPath"), "is the place of the runner");
        }
    }
}

/// The items of a list, with their places.
fn items<'a>(
    fields: &'a Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    fields.get(list).and_then(Value::as_array).into_iter().flatten().enumerate()
}
