//! The runner pod: the template with the options of the spec.

use serde_json::{Value, json};

use crate::cluster::manifest::{Kind, Manifest};
use crate::experiment::build::json::{entry, is_named, items, named_toolkit, push, retain, toolkit};
use crate::experiment::build::objects::{child, label, named};
use crate::experiment::build::{
    config_map, eviction, files, injection, nodes, patched, proxy, remote, restarts, targets,
};
use crate::experiment::decide::plan::elsewhere::PATH_VARIABLE;
use crate::experiment::decide::plan::grace;
use crate::experiment::decide::plan::pod::DEFAULT_ENV;
use crate::experiment::decide::plan::{Env, Plan, Source};
use crate::experiment::decide::templates::{Template, Templates};
use crate::experiment::error::TemplateError;
use chaostoolkit_api::names;

/// How many seconds a run has to play its rollbacks once it is asked to stop, if the template does not say.
const GRACE_SECONDS: i64 = 300;

/// Why the runner cannot fetch an experiment.
const NO_COMMAND: &str = "has no `command` in the container of the toolkit, so nothing can fetch the experiment as spec.pod.experiment asks (headers, sha256)";

const SETTINGS_VOLUME: &str = "chaostoolkit-settings";
const EXPERIMENT_VOLUME: &str = "chaostoolkit-experiment";

/// Builds the pod, without the marks that all children get. What the operator sets comes after all that an author may
/// change.
pub fn pod(plan: &Plan, templates: &Templates) -> Result<Manifest, TemplateError> {
    let mut pod = match &plan.pod {
        Some(own) => named(Manifest::new(Kind::Pod, own.clone()), &plan.owner),
        None => child(templates, Template::Pod, &plan.owner)?,
    };
    if plan.pod.is_none() {
        options(&mut pod.value["spec"], plan, templates)?;
        patched::apply(&mut pod, plan, templates)?;
    }
    let spec = pod.map(&["spec"]);
    let account = match (&plan.service_account, spec.get("serviceAccountName").and_then(Value::as_str)) {
        (Some(name), _) => name.clone(),
        (None, Some(name)) => names::child(name, &plan.owner.suffix()),
        (None, None) => child(templates, Template::ServiceAccount, &plan.owner)?.name().to_owned(),
    };
    spec.insert("serviceAccountName".to_owned(), account.into());
    if let Some(seconds) = plan.active_deadline {
        spec.insert("activeDeadlineSeconds".to_owned(), seconds.into());
    }
    if plan.runner.is_some() {
        // Rollbacks take time. Without the runner, a container may ignore the request to stop and only use up the grace
        // period.
        spec.entry(grace::FIELD).or_insert_with(|| GRACE_SECONDS.into());
    }
    restarts::forbid(&mut pod.value["spec"]);
    let asked = grace::asked(&pod.value["spec"]).map_err(|problem| {
        templates.invalid(Template::Pod, format!("has a wrong {}: {problem}", grace::FIELD))
    })?;
    if asked.is_some_and(|asked| asked > grace::LONGEST) {
        pod.map(&["spec"]).insert(grace::FIELD.to_owned(), grace::LONGEST.into());
    }
    if let Some(container) = toolkit(&mut pod.value["spec"]) {
        own_env(container, &plan.env, plan);
        if plan.targets.is_some() {
            targets::set(container);
        }
        run_options(container, &plan.options).map_err(|problem| templates.invalid(Template::Pod, problem))?;
        harden_container(container);
        let name = container["name"].clone();
        if name.is_string() && name != names::CONTAINER {
            pod.map(&["metadata", "annotations"]).entry(names::CONTAINER_ANNOTATION).or_insert(name);
        }
    }
    harden(&mut pod);
    nodes::ask_for_linux(&mut pod.value["spec"]);
    if let Some(runner) = &plan.runner {
        let fetched = remote::options(plan);
        let is_injected = injection::inject(&mut pod.value["spec"], runner, &fetched);
        if !is_injected && !fetched.is_empty() {
            return Err(templates.invalid(Template::Pod, NO_COMMAND.to_owned()));
        }
        eviction::allow(&mut pod);
    }
    label(&mut pod, &["metadata", "labels"], &plan.owner);
    Ok(pod)
}

/// Applies the options of the spec to the pod of the template.
fn options(spec: &mut Value, plan: &Plan, templates: &Templates) -> Result<(), TemplateError> {
    settings(spec, plan.settings.as_deref());
    let config_map = match &plan.source {
        Source::Url | Source::Remote(_) | Source::Artifact(_) => None,
        Source::File { config_map, .. } => Some(config_map.clone()),
        Source::Inline(inline) => Some(config_map::experiment_name(inline, &plan.owner)),
    };
    match config_map {
        None => retain(spec, "volumes", |volume| !is_named(volume, EXPERIMENT_VOLUME)),
        Some(config_map) => {
            for volume in
                items(spec, "volumes").iter_mut().filter(|volume| is_named(volume, EXPERIMENT_VOLUME))
            {
                rename(volume, "configMap", "name", &config_map);
            }
        }
    }
    let Some(container) = named_toolkit(spec) else {
        let problem = format!("has no container called {:?}", names::CONTAINER);
        return Err(templates.invalid(Template::Pod, problem));
    };
    if let Some(image) = &plan.image {
        container["image"] = json!(image);
    }
    env(container, plan);
    source(container, &plan.source);
    proxy::set(container, plan);
    command(container, plan);
    remote::add(spec, plan);
    files::mount(spec, plan);
    Ok(())
}

/// Marks a runner pod with the number of its run, and with the finalizer that holds it until its end is recorded.
pub fn mark(pod: &mut Manifest, number: i32) {
    pod.map(&["metadata", "labels"]).insert(names::RUN_LABEL.to_owned(), number.to_string().into());
    pod.map(&["metadata"]).insert("finalizers".to_owned(), json!([names::OUTCOME_FINALIZER]));
}

/// Mounts the Secret with the toolkit's settings, or removes its volume.
fn settings(spec: &mut Value, secret: Option<&str>) {
    if let Some(secret) = secret {
        for volume in items(spec, "volumes").iter_mut().filter(|volume| is_named(volume, SETTINGS_VOLUME)) {
            rename(volume, "secret", "secretName", secret);
        }
        return;
    }
    retain(spec, "volumes", |volume| !is_named(volume, SETTINGS_VOLUME));
    for container in items(spec, "containers") {
        retain(container, "volumeMounts", |mount| !is_named(mount, SETTINGS_VOLUME));
    }
}

/// Refers the container to its variables.
fn env(container: &mut Value, plan: &Plan) {
    let Env { enabled, config_map, secret, variables, .. } = &plan.env;
    if *enabled {
        let first = items(container, "envFrom").iter_mut().find(|from| from.get("configMapRef").is_some());
        if let Some(from) = first {
            rename(from, "configMapRef", "name", config_map);
        }
        if let Some(secret) = secret {
            push(container, "envFrom", json!({"secretRef": {"name": secret}}));
        }
    } else {
        let unwanted = |map: &Value| is_named(map, DEFAULT_ENV) || is_named(map, config_map);
        retain(container, "envFrom", |from| from.get("configMapRef").is_none_or(|map| !unwanted(map)));
    }
    for variable in variables {
        retain(container, "env", |found| found.get("name") != variable.get("name"));
        push(container, "env", variable.clone());
    }
}

/// Refers the container to the run's own `ConfigMap` of variables, wherever it names the default one.
fn own_env(container: &mut Value, env: &Env, plan: &Plan) {
    if !env.own {
        return;
    }
    let own = names::child(&env.config_map, &plan.owner.suffix());
    for from in items(container, "envFrom") {
        if from.get("configMapRef").is_some_and(|map| is_named(map, &env.config_map)) {
            rename(from, "configMapRef", "name", &own);
        }
    }
}

/// Sets the place of the experiment.
fn source(container: &mut Value, source: &Source) {
    let Some(file) = source.file() else {
        retain(container, "volumeMounts", |mount| !is_named(mount, EXPERIMENT_VOLUME));
        if matches!(source, Source::Artifact(_)) {
            return;
        }
        retain(container, "env", |variable| !is_named(variable, PATH_VARIABLE));
        arguments(container, &["run".to_owned(), "$(EXPERIMENT_URL)".to_owned()]);
        return;
    };
    let path = format!("/home/svc/{file}");
    for mount in
        items(container, "volumeMounts").iter_mut().filter(|mount| is_named(mount, EXPERIMENT_VOLUME))
    {
        mount["mountPath"] = json!(path);
        mount["subPath"] = json!(file);
    }
    for variable in items(container, "env").iter_mut().filter(|variable| is_named(variable, PATH_VARIABLE)) {
        variable["value"] = json!(path);
    }
}

/// The command line of the toolkit.
fn command(container: &mut Value, plan: &Plan) {
    if let Some(list) = &plan.arguments {
        arguments(container, list);
    }
    if let Some(path) = &plan.command
        && runs_chaos(container)
    {
        container["command"] = json!([path]);
    }
    if plan.verbose && runs_chaos(container) {
        match container.get_mut("args").and_then(Value::as_array_mut) {
            Some(arguments) => arguments.insert(0, json!("--verbose")),
            None => container["args"] = json!(["--verbose"]),
        }
    }
}

/// Inserts options after `run` in the command line of the toolkit.
fn run_options(container: &mut Value, options: &[String]) -> Result<(), String> {
    if options.is_empty() {
        return Ok(());
    }
    let runs_chaos = runs_chaos(container);
    let list = container.get_mut("args").and_then(Value::as_array_mut);
    if let Some(list) = list {
        if runs_chaos {
            if let Some(run) = list.iter().position(|argument| argument == "run") {
                list.splice(run + 1..=run, options.iter().map(|option| json!(option)));
                return Ok(());
            }
        } else if let Some(last) = list.last_mut()
            && let Some((before, after)) = last.as_str().and_then(|script| script.split_once(" run "))
        {
            *last = json!(format!("{before} run {} {after}", options.join(" ")));
            return Ok(());
        }
    }
    Err(format!(
        "has no `run` among the arguments of its container, to which {} could be given",
        options.join(" ")
    ))
}

/// Whether the container starts `chaos` directly, not through a shell.
fn runs_chaos(container: &Value) -> bool {
    container.pointer("/command/0").and_then(Value::as_str).is_none_or(|command| command.contains("chaos"))
}

/// Replaces the arguments of `chaos`: all arguments of the container, or the command line in the last argument if an
/// older template runs a shell.
fn arguments(container: &mut Value, arguments: &[String]) {
    if runs_chaos(container) {
        container["args"] = json!(arguments);
    } else if let Some(last) = items(container, "args").last_mut() {
        *last = json!(format!("chaos {} && exit $?", arguments.join(" ")));
    }
}

/// Sets what the Pod Security Standard `restricted` requires of a container, if the template does not say.
fn harden_container(container: &mut Value) {
    let capabilities = entry(entry(container, "securityContext"), "capabilities");
    if capabilities.get("drop").is_none() {
        capabilities["drop"] = json!(["ALL"]);
    }
}

/// Sets what the Pod Security Standard `restricted` requires of a pod, if the template does not say.
fn harden(pod: &mut Manifest) {
    pod.map(&["spec", "securityContext"])
        .entry("seccompProfile")
        .or_insert_with(|| json!({"type": "RuntimeDefault"}));
}

/// Sets the name in a reference to another object, if there is such a reference.
fn rename(value: &mut Value, reference: &str, key: &str, name: &str) {
    if let Some(reference) = value.get_mut(reference).and_then(Value::as_object_mut) {
        reference.insert(key.to_owned(), name.into());
    }
}
