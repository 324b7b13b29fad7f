//! `render`: prints the objects that the operator would create for an experiment. Needs no cluster.
//!
//! Users can inspect the objects before an installation. Tests compare them with the objects of the Python operator.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::cli::RenderArgs;
use crate::commands::output::print;
use crate::experiment::build::build;
use crate::experiment::build::resources::Resources;
use crate::experiment::decide::place::Place;
use crate::experiment::decide::plan::pod::{DEFAULT_ENV, env_config_map};
use crate::experiment::decide::plan::source::{DEFAULT_EXPERIMENT, URL_VARIABLE, experiment_file, lists_url};
use crate::experiment::decide::plan::{self, Facts, Generated, Source};
use crate::experiment::decide::templates::Templates;
use crate::experiment::decide::understood::understood;
use crate::experiment::decide::{self, checks, fields};
use crate::experiment::preflight::{self, Maps};
use crate::experiment::stages::prepare::warned;
use crate::process::config::Runner;
use crate::process::extensions::Extensions;
use crate::process::key_list::Keys;
use crate::yaml;
use chaostoolkit_api::Experiment;
use chaostoolkit_api::spec::options::Preflight;

/// The shipped templates.
const SHIPPED: &str = include_str!("../../kustomize/base/templates.yaml");

/// The namespace of an experiment that names none.
const DEFAULT_NAMESPACE: &str = "chaostoolkit-crd";

/// The uid of an experiment that was never stored.
const NO_UID: &str = "00000000-0000-0000-0000-000000000000";

/// Prints the objects of all experiments in a file, as YAML documents.
pub fn run(RenderArgs { file, templates, have }: &RenderArgs) -> anyhow::Result<()> {
    let templates = templates.as_deref().map(read).transpose()?;
    let objects = render(&read(file)?, templates.as_deref(), have)?;
    let documents: Vec<String> = objects.iter().map(yaml::write).collect();
    print(&documents.join("---\n"))
}

/// Reads a file, or standard input if the path is `-`.
fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// An experiment, and what the operator would make of it.
pub struct Rendered {
    /// The experiment, as the API server would have stored it.
    pub experiment: Experiment,
    /// The objects of its run.
    pub resources: Resources,
    /// The unknown fields of its spec, each with the known field that was probably meant.
    pub unknown: Vec<String>,
    /// What its author probably did not mean. Findings of the preflight are among them.
    pub warnings: Vec<String>,
    /// Why the run would not start, if the preflight has found something and the author wants no run then.
    pub refusal: Option<String>,
    /// The namespace of the run, and the `ConfigMap`s in it that decide on what is found.
    pub needed: (String, BTreeSet<String>),
}

/// What there is beside the experiments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside<'a> {
    /// The templates, in place of the shipped ones.
    pub templates: Option<&'a str>,
    /// The names of `ConfigMap`s that exist, whatever they have.
    pub have: &'a [String],
    /// The namespaces and names of `ConfigMap`s that do not exist.
    pub absent: &'a [(String, String)],
    /// The extensions that images are known to have.
    pub extensions: Option<&'a Extensions>,
}

/// Returns the objects of all experiments in a text, in the order of their creation.
pub fn render(text: &str, templates: Option<&str>, have: &[String]) -> anyhow::Result<Vec<Value>> {
    let documents = yaml::parse_all(text).context("the file is not YAML")?;
    let objects = rendered(&documents, Beside { templates, have, ..Beside::default() })?
        .into_iter()
        .flat_map(|Rendered { resources, .. }| {
            std::iter::once(resources.namespace).chain(resources.owned).chain([resources.workload])
        });
    Ok(objects.map(|manifest| manifest.value).collect())
}

/// Returns what the operator would make of all experiments among these objects. The `ConfigMap`s among them count as existing.
pub fn rendered(documents: &[Value], beside: Beside<'_>) -> anyhow::Result<Vec<Rendered>> {
    let templates = with_shipped(beside.templates)?;
    let is = |document: &&Value, kind: &str| document["kind"] == kind;
    let config_maps: Vec<&Value> = documents.iter().filter(|document| is(document, "ConfigMap")).collect();
    let mut all = Vec::new();
    for document in documents.iter().filter(|document| is(document, "ChaosToolkitExperiment")) {
        let experiment = experiment(document)?;
        let key = experiment.key();
        let one = one(experiment, &templates, &config_maps, beside);
        all.push(one.with_context(|| format!("experiment {key}"))?);
    }
    if all.is_empty() {
        bail!("the file has no document of kind ChaosToolkitExperiment");
    }
    Ok(all)
}

fn one(
    experiment: Experiment,
    templates: &Templates,
    config_maps: &[&Value],
    beside: Beside<'_>,
) -> anyhow::Result<Rendered> {
    let home = home_of(&experiment);
    let parsed = understood(&experiment, home)?;
    let namespace = checks::run_namespace(&parsed.spec, Place::of(&experiment, home))?;
    let given = |name: &str| {
        let is =
            |map: &&&Value| map["metadata"]["name"] == name && map["metadata"]["namespace"] == *namespace;
        config_maps.iter().find(is).copied()
    };
    let exists = |name: &str| given(name).is_some() || beside.have.iter().any(|known| known == name);
    let env = env_config_map(&parsed.spec);
    let facts = Facts {
        operator_namespace: home.to_owned(),
        has_default_env: exists(DEFAULT_ENV),
        has_url: lists_url(&parsed.spec)
            || given(&env).is_some_and(|env| env["data"].get(URL_VARIABLE).is_some()),
        experiment_exists: exists(DEFAULT_EXPERIMENT),
        text: experiment_file(&parsed.spec)
            .and_then(|(name, file)| given(&name)?["data"].get(file)?.as_str().map(str::to_owned)),
        runner: Runner::default(),
        template_schedule: decide::template_schedule(&parsed.spec, templates)?,
        excluded_labels: Keys::default().excluded_labels,
    };
    let mut plan = plan::plan(&experiment, &parsed, &facts)?;
    if let (Some(Generated { is_known: false, .. }), Source::File { config_map, file }) =
        (&plan.rights.generated, &plan.source)
    {
        bail!("spec.role.generate: the file has no ConfigMap {namespace}/{config_map} with the key {file}");
    }
    let resources = build(&plan, templates)?;
    let unknown = fields::described(&parsed.unknown);
    let maps = maps(&namespace, config_maps, beside.absent);
    let extensions = beside.extensions.cloned().unwrap_or_default();
    plan.findings = preflight::offline((&plan, &facts), (&resources, &maps), &extensions);
    let refusal = plan.findings.refusal().filter(|_| plan.preflight == Preflight::Fail);
    let file = experiment_file(&parsed.spec).map(|(name, _)| name);
    let needed = preflight::config_maps(&resources).into_iter().chain(file).chain([env]).collect();
    let warnings = warned(&experiment, &parsed, (&plan, &facts, templates), &resources);
    Ok(Rendered { experiment, resources, unknown, warnings, refusal, needed: (namespace, needed) })
}

/// Returns the `ConfigMap`s that are known in a namespace.
fn maps(namespace: &str, config_maps: &[&Value], absent: &[(String, String)]) -> Maps {
    let keys = |map: &Value| {
        let parts = ["data", "binaryData"].into_iter().filter_map(|part| map[part].as_object());
        parts.flat_map(|part| part.keys().cloned()).collect()
    };
    let here = config_maps.iter().filter(|map| map["metadata"]["namespace"] == *namespace);
    let there = here.filter_map(|map| Some((map["metadata"]["name"].as_str()?.to_owned(), Some(keys(map)))));
    let absent = absent.iter().filter(|(place, _)| place == namespace).map(|(_, name)| (name.clone(), None));
    absent.chain(there).collect()
}

/// Returns the namespace of the operator that runs an experiment, as far as that can be told without a cluster. That is the
/// experiment's own, unless its runs are to take place there: no operator has runs in its own namespace.
#[must_use]
pub fn home_of(experiment: &Experiment) -> &str {
    let wanted = experiment.spec.as_ref().and_then(|spec| spec["namespace"].as_str());
    let own = experiment.namespace();
    if wanted == Some(own) && own != DEFAULT_NAMESPACE { DEFAULT_NAMESPACE } else { own }
}

/// Returns an experiment as the API server would have stored it.
fn experiment(document: &Value) -> anyhow::Result<Experiment> {
    let mut experiment: Experiment =
        serde_json::from_value(document.clone()).context("an experiment cannot be read")?;
    experiment.metadata.namespace.get_or_insert_with(|| DEFAULT_NAMESPACE.to_owned());
    experiment.metadata.uid.get_or_insert_with(|| NO_UID.to_owned());
    Ok(experiment)
}

/// Returns the templates of a text. The shipped templates replace those that are missing.
fn with_shipped(text: Option<&str>) -> anyhow::Result<Templates> {
    let mut texts = texts(SHIPPED)?;
    if let Some(text) = text {
        texts.extend(self::texts(text)?);
    }
    Ok(Templates::new("of the templates", texts))
}

/// Returns the texts of a `ConfigMap`, or of a mapping, by their keys.
fn texts(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let document = yaml::parse(text).context("the templates are not YAML")?;
    let keys = document.get("data").unwrap_or(&document).clone();
    serde_json::from_value(keys).context("the templates are not a mapping of keys to texts")
}
