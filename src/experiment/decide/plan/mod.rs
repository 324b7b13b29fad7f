//! From the spec and the observed facts to the plan of a run: pure.

pub mod calendar;
pub mod cluster_role;
pub mod elsewhere;
pub mod files;
pub mod generate;
pub mod grace;
pub mod patch;
pub mod pod;
pub mod proxy;
pub mod remote;
pub mod rules;
pub mod schedule;
pub mod source;
pub mod stop_after;
pub mod targets;
pub mod types;
pub mod values;
pub mod web;

use crate::experiment::decide::checks;
use crate::experiment::decide::place::Place;
use crate::experiment::decide::plan::generate::{MAX_BOUND_NAMESPACES, generated};
use crate::experiment::decide::plan::patch::patches;
use crate::experiment::decide::plan::pod::{DEFAULT_ENV, env_config_map, own_pod, runner};
use crate::experiment::decide::plan::schedule::wanted_schedule;
use crate::experiment::decide::plan::source::{about, source};
use crate::experiment::decide::spec_hash::spec_hash;
use crate::experiment::intent::Intent;
use crate::signals::asked;
use crate::toolkit::options::options;
use crate::toolkit::preflight::Findings;
use chaostoolkit_api::spec::read::Parsed;
use chaostoolkit_api::spec::{InvalidSpec, Mistakes};
use chaostoolkit_api::{About, Experiment};

pub use elsewhere::{Artifact, Mounted, Origin, Proxy, Remote};
pub use targets::Selector;
pub use types::{
    ClusterRole, Env, Facts, Generated, Owner, Patches, Plan, Rights, Schedule, Source, TemplateSchedule,
};
pub use values::{given, is_empty};

/// Decides on a run. An error names all mistakes of the spec.
pub fn plan(experiment: &Experiment, parsed: &Parsed, facts: &Facts) -> Result<Plan, InvalidSpec> {
    let spec = &parsed.spec;
    let mut mistakes = Mistakes::default();
    let place = Place::of(experiment, &facts.operator_namespace);
    let namespace = mistakes.or(checks::run_namespace(spec, place), String::new());
    let pod = spec.pod.clone().unwrap_or_default();
    let role = spec.role.clone().unwrap_or_default();
    let env = pod.env.clone().unwrap_or_default();
    let settings = pod.settings.clone().unwrap_or_default();
    let config_map = env_config_map(spec);
    let source = mistakes.or(source(spec, &pod, facts), Source::Url);
    // The operator does not know what a pod of the author's own runs.
    let about = match &pod.template {
        Some(own) if !is_empty(own) => About::default(),
        _ => about(&source, facts.text.as_deref()),
    };
    let schedule = mistakes.or(wanted_schedule(experiment, spec, facts.template_schedule.as_ref()), None);
    mistakes.or(spec.calendar.as_ref().map_or(Ok(()), calendar::check), ());
    let gates = mistakes.or(asked::gates(spec, &namespace), Vec::new());
    mistakes.or(asked::stop_conditions(spec, &namespace).map(|_| ()), ());
    let options = mistakes.or(options(spec, &pod), Vec::new());
    let listed = bound_namespaces(role.binds_to_namespaces, &namespace, place);
    let listed = mistakes.or(listed, Vec::new());
    let asked = [std::slice::from_ref(&namespace), &listed].concat();
    let generated = generated(spec, &source, facts, (place, &namespace), listed);
    let (generated, namespaces) = mistakes.or(generated, (None, Vec::new()));
    let runner = runner(spec.report.as_ref(), &facts.runner);
    let patches = mistakes.or(patches(&pod, runner.is_some()), Patches::default());
    let has_options = pod.template.as_ref().is_none_or(is_empty);
    let files =
        mistakes.or(if has_options { files::files(&pod, &source) } else { Ok(Vec::new()) }, Vec::new());
    let proxy = mistakes.or(if has_options { proxy::proxy(&pod) } else { Ok(None) }, None);
    let generated = rules::added(generated, mistakes.or(rules::written(spec), None), &asked);
    let cluster_role = mistakes.or(cluster_role::chosen(spec, &namespaces), None);
    let targets = mistakes.or(targets::selector(spec, place), None);
    let own = pod.template.filter(|template| !is_empty(template)).map(own_pod).transpose();
    let own = mistakes.or(own, None);
    mistakes.none()?;
    let recorded =
        experiment.status.as_ref().filter(|status| status.schedule.is_none() && schedule.is_none());
    let run = recorded.and_then(|status| status.run.as_ref());
    Ok(Plan {
        owner: Owner {
            number: run.map_or(1, |run| run.number.max(1)),
            ..Owner::of(experiment, &facts.excluded_labels)
        },
        spec_hash: spec_hash(experiment.spec.as_ref()),
        rerun: Intent::of(experiment).rerun,
        options,
        active_deadline: spec.active_deadline_seconds,
        is_rescue: false,
        service_account: given(spec.serviceaccount.clone().and_then(|account| account.name)),
        rights: Rights {
            bind: given(role.bind).is_none(),
            role: given(role.name),
            namespaces,
            generated,
            cluster_role,
        },
        namespace,
        env: Env {
            enabled: env.enabled.unwrap_or(true),
            own: config_map == DEFAULT_ENV && !facts.has_default_env,
            config_map,
            secret: given(env.secret_name),
            variables: env.variables,
        },
        settings: settings
            .enabled
            .unwrap_or(false)
            .then(|| given(settings.secret_name).unwrap_or_else(|| "chaostoolkit-settings".to_owned())),
        image: given(pod.image),
        arguments: pod.chaos_args.filter(|arguments| !arguments.is_empty()),
        command: given(pod.chaos_command_path),
        verbose: spec.verbose.unwrap_or(false),
        pod: own,
        calendar: spec.calendar.clone(),
        gates,
        targets,
        mutex: given(spec.mutex.clone()),
        preflight: spec.preflight.unwrap_or_default(),
        findings: Findings::default(),
        schedule,
        about,
        source,
        patches,
        runner,
        files,
        proxy,
    })
}

/// The further namespaces, each once. That of the run is left out, since the role is bound there anyway.
fn bound_namespaces(
    listed: Option<Vec<String>>,
    run_namespace: &str,
    place: Place<'_>,
) -> Result<Vec<String>, InvalidSpec> {
    let (mut namespaces, mut mistakes) = (Vec::<String>::new(), Mistakes::default());
    for (index, namespace) in listed.into_iter().flatten().enumerate() {
        let path = format!("spec.role.binds_to_namespaces[{index}]");
        mistakes.or(place.check(path, &namespace), ());
        if namespace != run_namespace && !namespaces.contains(&namespace) {
            namespaces.push(namespace);
        }
    }
    if namespaces.len() > MAX_BOUND_NAMESPACES {
        let problem =
            format!("names {} namespaces; at most {MAX_BOUND_NAMESPACES} are possible", namespaces.len());
        mistakes.add(InvalidSpec::new("spec.role.binds_to_namespaces", problem));
    }
    mistakes.none().map(|()| namespaces)
}

#[cfg(test)]
mod tests;
