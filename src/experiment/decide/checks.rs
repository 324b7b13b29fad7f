//! Checks of a spec before anything is read from the cluster.
//!
//! Each check is a named predicate. A spec is valid if all of them hold, and all that fail are reported.

use crate::experiment::decide::place::Place;
use crate::experiment::decide::plan::source::experiment_file;
use crate::experiment::decide::plan::values::{given, is_empty};
use chaostoolkit_api::spec::{InvalidSpec, Mistakes, PodSpec};
use chaostoolkit_api::{Spec, names};

/// A check of a spec of an experiment at a place.
type Check = fn(&Spec, Place<'_>) -> Result<(), InvalidSpec>;

/// All checks, in the order in which they are made. Names are checked here since they become a part of a URL when the
/// operator looks the object up.
const CHECKS: [Check; 10] = [
    run_namespace_is_allowed,
    template_name_is_valid,
    env_name_is_valid,
    older_env_name_is_valid,
    experiment_name_is_valid,
    account_name_is_valid,
    role_name_is_valid,
    env_secret_name_is_valid,
    settings_secret_name_is_valid,
    mutex_is_a_label,
];

/// Returns the namespace of the run if all checks of the spec hold.
pub fn run_namespace(spec: &Spec, place: Place<'_>) -> Result<String, InvalidSpec> {
    let mut mistakes = Mistakes::default();
    for check in CHECKS {
        mistakes.or(check(spec, place), ());
    }
    mistakes.none()?;
    place.run_namespace(spec).map(str::to_owned)
}

fn run_namespace_is_allowed(spec: &Spec, place: Place<'_>) -> Result<(), InvalidSpec> {
    place.run_namespace(spec).map(|_| ())
}

fn template_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let name = spec.template.as_ref().and_then(|template| template.name.clone());
    name_is_valid("spec.template.name", name)
}

fn env_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let env = spec.pod.as_ref().and_then(|pod| pod.env.as_ref());
    name_is_valid("spec.pod.env.configMapName", env.and_then(|env| env.config_map_name.clone()))
}

/// The older place of the name counts only if the newer one has none.
fn older_env_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let Some(pod) = &spec.pod else { return Ok(()) };
    let env = pod.env.as_ref().and_then(|env| given(env.config_map_name.clone()));
    name_is_valid("spec.pod.configMapName", pod.config_map_name.clone().filter(|_| env.is_none()))
}

fn experiment_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let name = experiment_file(spec).map(|(config_map, _)| config_map);
    name_is_valid("spec.pod.experiment.configMapName", name)
}

fn account_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let name = spec.serviceaccount.as_ref().and_then(|account| account.name.clone());
    name_is_valid("spec.serviceaccount.name", name)
}

fn role_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let name = given(spec.role.as_ref().and_then(|role| role.name.clone()));
    name.map_or(Ok(()), |name| {
        names::check_role_reference(&name).map_err(|problem| InvalidSpec::new("spec.role.name", problem))
    })
}

/// The options of the pod, which count only if the author does not bring a pod.
fn pod_options(spec: &Spec) -> Option<&PodSpec> {
    spec.pod.as_ref().filter(|pod| pod.template.as_ref().is_none_or(is_empty))
}

/// The name counts only if the pod gets the variables.
fn env_secret_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let env = pod_options(spec).and_then(|pod| pod.env.as_ref()).filter(|env| env.enabled != Some(false));
    name_is_valid("spec.pod.env.secretName", env.and_then(|env| env.secret_name.clone()))
}

/// The name counts only if the settings are mounted.
fn settings_secret_name_is_valid(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    let settings = pod_options(spec).and_then(|pod| pod.settings.as_ref());
    let mounted = settings.filter(|settings| settings.enabled == Some(true));
    name_is_valid("spec.pod.settings.secretName", mounted.and_then(|settings| settings.secret_name.clone()))
}

/// It is a part of no URL, and of messages.
fn mutex_is_a_label(spec: &Spec, _: Place<'_>) -> Result<(), InvalidSpec> {
    given(spec.mutex.clone()).map_or(Ok(()), |name| {
        names::check_dns_label(&name).map_err(|problem| InvalidSpec::new("spec.mutex", problem))
    })
}

/// Whether a `ConfigMap`, a Secret or an account can have this name. An absent or empty name is valid: a default takes its place.
fn name_is_valid(path: &str, name: Option<String>) -> Result<(), InvalidSpec> {
    given(name).map_or(Ok(()), |name| {
        names::check_dns_subdomain(&name).map_err(|problem| InvalidSpec::new(path, problem))
    })
}
