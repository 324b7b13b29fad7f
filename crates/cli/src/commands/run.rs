//! `run`: runs an experiment from a file or a URL.

use serde_json::Value;

use chaostoolkit_api::{Experiment, names};
use chaostoolkit_journal::ExitCode;
use chaostoolkit_operator::commands::render::home_of;
use chaostoolkit_operator::experiment::decide::fields::described;
use chaostoolkit_operator::experiment::decide::understood::understood;
use chaostoolkit_operator::experiment::intent::is_scheduled;
use chaostoolkit_operator::toolkit::lint::lint;
use chaostoolkit_report::text::one_line;

use crate::access::experiments::{Created, Kinded, read};
use crate::access::{Access, HOME};
use crate::args::{Format, Global, RunArgs};
use crate::commands::input;
use crate::commands::waiting::{Wanted, until_end};
use crate::failure::{Failure, Outcome};
use crate::model::file::{Content, content, name_from};
use crate::model::object::{Options, of_experiment, of_url, with_options};
use crate::model::runs;
use crate::model::select::Number;
use crate::model::waited::goal;
use crate::output::objects;
use crate::output::ui::Ui;

/// What is to be created.
struct Made {
    experiment: Value,
    config_maps: Vec<Value>,
    /// Whether the object is that of the user, and may be changed by applying it again.
    is_manifest: bool,
}

/// Runs an experiment, and waits for its end if that is asked for.
pub async fn run(global: &Global, ui: Ui, args: &RunArgs) -> Outcome {
    let made = made(global, args)?;
    checked(ui, &made.experiment)?;
    if args.dry_run {
        let format = if args.output == Format::Table { Format::Yaml } else { args.output };
        return objects::print(ui, &made.experiment, format).map(|()| ExitCode::Passed);
    }
    let access = Access::open(global).await?;
    let stored = create(&in_namespace_of(access.clone(), &made.experiment), &made).await?;
    let name = stored["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let access = in_namespace_of(access, &stored);
    if !args.waiting.wait && !args.waiting.follow {
        match args.output {
            Format::Table | Format::Wide => ui.line(&format!("{} created", objects::name(&name)))?,
            format => objects::print(ui, &stored, format)?,
        }
        let namespace = &access.namespace;
        ui.hint(&format!("`kubectl chaostoolkit wait {name} -n {namespace}` waits for its end"));
        return Ok(ExitCode::Passed);
    }
    ui.say(&format!("{} created in namespace {}", objects::name(&name), access.namespace));
    let wanted = Wanted {
        name: &name,
        goal: goal(&read(stored.clone())?, None),
        is_followed: args.waiting.follow,
        timeout: args.waiting.timeout,
        allow: &args.waiting.allow,
        reports: &args.waiting.report,
        output: args.output,
        total: activities(&stored["spec"]["experiment"]),
    };
    until_end(&access, ui, wanted).await
}

/// The access to the namespace of an object.
fn in_namespace_of(access: Access, object: &Value) -> Access {
    let namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
    Access { namespace: namespace.unwrap_or_else(|| access.namespace.clone()), ..access }
}

/// Makes the object from the file and the options.
fn made(global: &Global, args: &RunArgs) -> Outcome<Made> {
    let mut options = Options {
        name: args.name.clone(),
        namespace: global.namespace.clone(),
        run_namespace: args.run_namespace.clone(),
        image: args.image.clone(),
        env: args.env.clone(),
    };
    let name =
        |from: &str| args.name.clone().map_or_else(|| name_from(from), Ok).map(Some).map_err(Failure::usage);
    let bad = |problem: String| Failure::new(problem);
    if input::is_url(&args.file) {
        options.name = name(&args.file)?;
        let experiment = of_url(&args.file, &options).map_err(bad)?;
        return Ok(Made { experiment, config_maps: Vec::new(), is_manifest: false });
    }
    let text = input::text(&args.file)?;
    let hint = "`kubectl chaostoolkit check FILE` says more";
    match content(&args.file, &text).map_err(|problem| bad(problem).hint(hint))? {
        Content::Plain(experiment) => {
            let title = experiment["title"].as_str().unwrap_or_default();
            options.name = name(if args.file == "-" { title } else { &args.file })?;
            let experiment = of_experiment(&experiment, &options).map_err(bad)?;
            Ok(Made { experiment, config_maps: Vec::new(), is_manifest: false })
        }
        Content::Objects { experiment, config_maps } => {
            let experiment = with_options(experiment, &options).map_err(bad)?;
            let name = experiment["metadata"]["name"].as_str().unwrap_or_default();
            names::check_dns_subdomain(name)
                .map_err(|problem| bad(format!("the experiment has no valid name: {problem}")))?;
            Ok(Made { experiment, config_maps, is_manifest: true })
        }
    }
}

/// Checks the object as the operator does, before anything is created. Warns of what its author probably did not mean.
fn checked(ui: Ui, object: &Value) -> Outcome<()> {
    let mut experiment = read(object.clone())?;
    experiment.metadata.namespace.get_or_insert_with(|| HOME.to_owned());
    let parsed = understood(&experiment, home_of(&experiment)).map_err(|invalid| {
        let code = ExitCode::Invalid;
        Failure {
            code,
            ..Failure::new(format!(
                "the operator would refuse the experiment: {}",
                one_line(&invalid.to_string())
            ))
        }
        .hint("`kubectl explain ctk.spec` describes the fields; nothing was created")
    })?;
    for field in described(&parsed.unknown) {
        ui.warn(&format!("an unknown field is not used: {}", one_line(&field)));
    }
    if let Some(inline) = experiment.spec.as_ref().and_then(|spec| spec.get("experiment")) {
        for warning in lint("experiment.json", &inline.to_string()) {
            ui.warn(&one_line(&warning));
        }
    }
    Ok(())
}

/// Creates the objects. The experiment comes last, so that nothing is missing when its run starts.
async fn create(access: &Access, made: &Made) -> Outcome<Value> {
    let name = made.experiment["metadata"]["name"].as_str().unwrap_or_default();
    let existing = access.find(name).await?.map(read).transpose()?;
    if let Some(existing) = &existing {
        refuse_to_replace(existing, made.is_manifest)?;
    }
    for config_map in &made.config_maps {
        access.apply(Kinded::ConfigMap, config_map, false).await?;
    }
    if made.is_manifest {
        return access.apply(Kinded::Experiment, &made.experiment, false).await;
    }
    match access.create(Kinded::Experiment, &made.experiment, false).await? {
        Created::New(created) => Ok(created),
        Created::Exists => Err(exists(access, name)),
    }
}

fn exists(access: &Access, name: &str) -> Failure {
    Failure::new(format!("an experiment {name:?} exists already in namespace {}", access.namespace))
        .hint(format!("--name gives this one another name; `kubectl chaostoolkit rerun {name}` runs the existing one once more"))
}

/// Fails if an experiment of this name would not run again, or is not that of this file.
fn refuse_to_replace(existing: &Experiment, is_manifest: bool) -> Outcome<()> {
    let (name, namespace) = (existing.name(), existing.namespace());
    let rerun = format!(
        "`kubectl chaostoolkit rerun {name} -n {namespace}` runs it once more, by today's spec; --name starts another one"
    );
    let last = runs::find(existing, Number::Latest).ok().filter(|view| !runs::goes_on(view));
    if let Some(last) = last.filter(|_| !is_scheduled(existing)) {
        let message = format!(
            "experiment {} has run already ({}), so applying it starts nothing",
            existing.key(),
            runs::word(&last)
        );
        return Err(Failure::new(message).hint(rerun));
    }
    if existing.is_deleting() {
        return Err(Failure::new(format!("experiment {} is being deleted", existing.key()))
            .hint("wait until it is gone, or give --name"));
    }
    if !is_manifest {
        return Err(Failure::new(format!("experiment {} exists already", existing.key())).hint(rerun));
    }
    Ok(())
}

/// How many activities a run of this experiment has, with the probes of its hypothesis before and after the method.
fn activities(experiment: &Value) -> Option<u64> {
    let length = |pointer: &str| experiment.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    let all = 2 * length("/steady-state-hypothesis/probes") + length("/method") + length("/rollbacks");
    (experiment.is_object() && all > 0).then_some(all as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!(null), None)]
    #[case(json!({"method": []}), None)]
    #[case(json!({"method": [1, 2], "rollbacks": [1], "steady-state-hypothesis": {"probes": [1]}}), Some(5))]
    fn activities_are_counted(#[case] experiment: Value, #[case] expected: Option<u64>) {
        assert_eq!(activities(&experiment), expected);
    }

    #[rstest]
    #[case::has_run(json!({}), json!({"run": {"number": 1, "podName": "p", "finishedAt": "2026-01-01T00:00:00Z"},
        "outcome": "Passed", "result": "Passed", "phase": "Completed"}), true, Some("has run already (Passed)"))]
    #[case::goes_on(json!({}), json!({"run": {"number": 1, "podName": "p"}, "phase": "Running"}), true, None)]
    #[case::goes_on_and_is_another(json!({}), json!({"run": {"number": 1, "podName": "p"}}), false, Some("exists already"))]
    #[case::schedule(json!({"schedule": {"kind": "cronJob"}}), json!({"run": {"number": 1, "podName": "p", "finishedAt": "2026-01-01T00:00:00Z"},
        "schedule": {"cron": "@daily"}}), true, None)]
    fn what_exists_is_not_replaced(
        #[case] spec: Value,
        #[case] status: Value,
        #[case] is_manifest: bool,
        #[case] expected: Option<&str>,
    ) {
        let existing =
            read(json!({"metadata": {"name": "x", "namespace": "n"}, "spec": spec, "status": status}))
                .unwrap();
        let found = refuse_to_replace(&existing, is_manifest).err().map(|failure| failure.message);
        assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()));
    }
}
