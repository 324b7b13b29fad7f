//! `check`: whether an experiment is what the operator understands and what its run needs, and with `--server` whether the API
//! server takes it from you.

use std::path::Path;

use serde_json::Value;

use chaostoolkit_api::{Experiment, names};
use chaostoolkit_journal::ExitCode;
use chaostoolkit_operator::commands::render::{Beside, Rendered, home_of, rendered};
use chaostoolkit_operator::experiment::decide::fields::described;
use chaostoolkit_operator::experiment::decide::understood::{understood, unknown_beside};
use chaostoolkit_operator::experiment::permit::question::Question;
use chaostoolkit_operator::experiment::permit::rights;
use chaostoolkit_operator::process::extensions::Extensions;
use chaostoolkit_report::text::{count, one_line};

use crate::access::Access;
use crate::access::experiments::{Created, Kinded, read};
use crate::access::maps::{self, Found};
use crate::args::{CheckArgs, Global};
use crate::commands::{explain, input, install};
use crate::failure::{Failure, Outcome};
use crate::model::file::KIND;
use crate::model::verbs;
use crate::output::style::marked;
use crate::output::ui::Ui;

/// Checks a file, or the installation of the operator.
pub async fn check(global: &Global, ui: Ui, args: &CheckArgs) -> Outcome {
    if args.what == "install" {
        return install::check(&Access::open(global).await?, ui, args.wait).await;
    }
    if args.wait.is_some() {
        return Err(Failure::usage("--wait is for `check install`"));
    }
    let extensions = extensions(args)?;
    if is_name(&args.what) {
        let access = Access::open(global).await?;
        let stored = access.stored(&args.what).await?;
        let mut findings = Findings { ui, wrong: 0 };
        let found = maps::of_cluster(&access, &stored, &[]).await?;
        of_file(&mut findings, &stored, (&[], &found, &extensions))?;
        return findings.end(&format!("experiment {}", args.what));
    }
    let objects = explain::objects(global, &args.what)?;
    let experiments: Vec<&Value> = objects.iter().filter(|object| object["kind"] == KIND).collect();
    if experiments.is_empty() {
        let message = format!(
            "{} has neither an experiment as `chaos run` takes it, with `title` and `method`, nor a {KIND}",
            args.what
        );
        return Err(Failure::new(message));
    }
    let mut findings = Findings { ui, wrong: 0 };
    for object in &experiments {
        of_file(&mut findings, object, (&objects, &Found::default(), &extensions))?;
    }
    if args.server {
        let access = Access::open(global).await?;
        for object in &experiments {
            of_server(&access, &mut findings, object, (&objects, &extensions)).await?;
        }
    }
    findings.end(input::shown(&args.what))
}

/// Whether an argument is the name of an experiment in the cluster: that of no file, and one that an object can have.
fn is_name(what: &str) -> bool {
    names::check_dns_subdomain(what).is_ok() && !Path::new(what).exists()
}

/// Reads which extensions the images have.
fn extensions(args: &CheckArgs) -> Outcome<Extensions> {
    let Some(path) = &args.known_extensions else { return Ok(Extensions::default()) };
    let text = input::text(&path.to_string_lossy())?;
    Extensions::parse(&text)
        .map_err(|problem| Failure::usage(format!("cannot use {}: {problem}", path.display())))
}

/// Prints what is found.
struct Findings {
    ui: Ui,
    wrong: i64,
}

impl Findings {
    fn add(&mut self, word: &str, text: &str) -> Outcome<()> {
        self.wrong += i64::from(word == "wrong");
        self.ui.line(&format!("  {} {}", marked(word, &format!("{word}:")), one_line(text)))
    }

    fn end(&self, what: &str) -> Outcome {
        match self.wrong {
            0 => Ok(ExitCode::Passed),
            wrong => Err(Failure::new(format!("{} in {what}", count(wrong, "mistake")))),
        }
    }
}

/// What is told of an experiment whose author wants no run if the preflight finds something.
const REFUSED: &str =
    "spec.preflight is Fail, so the run does not start until that is mended which the preflight finds";

/// What there is beside an experiment: the objects of its file, the `ConfigMap`s of the cluster, and the extensions of images.
type Around<'a> = (&'a [Value], &'a Found, &'a Extensions);

/// What the operator would say.
fn of_file(findings: &mut Findings, object: &Value, around: Around<'_>) -> Outcome<()> {
    let experiment = read(object.clone())?;
    findings.ui.line(&format!("experiment {}", one_line(&experiment.key())))?;
    match understood(&experiment, home_of(&experiment)) {
        Err(invalid) => {
            for mistake in invalid.all() {
                findings.add("wrong", &format!("{}: {}", mistake.path, mistake.problem))?;
            }
            warn(findings, "unknown field", &described(&unknown_beside(&experiment, &invalid)))
        }
        Ok(parsed) => {
            warn(findings, "unknown field", &described(&parsed.unknown))?;
            of_run(findings, object, around)
        }
    }
}

/// What the objects of a run say, if they can be built from the file alone.
fn of_run(findings: &mut Findings, object: &Value, around: Around<'_>) -> Outcome<()> {
    match made(object, around) {
        Ok(made) => {
            let is_refused = made.iter().any(|one| one.refusal.is_some());
            if is_refused {
                findings.add("wrong", REFUSED)?;
            }
            let warnings: Vec<String> = made.into_iter().flat_map(|one| one.warnings).collect();
            if warnings.is_empty() && !is_refused {
                return findings.add("ok", "the operator understands it");
            }
            warn(findings, "the operator understands it, but", &warnings)
        }
        Err(problem) => findings.add("wrong", &problem),
    }
}

fn made(object: &Value, (all, found, extensions): Around<'_>) -> Result<Vec<Rendered>, String> {
    let documents: Vec<Value> =
        with_maps(object, all).into_iter().chain(found.maps.iter().cloned()).collect();
    let beside = Beside { absent: &found.absent, extensions: Some(extensions), ..Beside::default() };
    rendered(&documents, beside).map_err(|error| format!("{:#}", error.root_cause()))
}

/// What shows only once the `ConfigMap`s of the cluster are known.
async fn of_cluster(
    access: &Access,
    findings: &mut Findings,
    object: &Value,
    (all, extensions): (&[Value], &Extensions),
) -> Outcome<()> {
    let found = maps::of_cluster(access, object, all).await?;
    let texts = |made: Result<Vec<Rendered>, String>| {
        let all = made.unwrap_or_default().into_iter();
        all.flat_map(|one| one.warnings).collect::<Vec<String>>()
    };
    let told = texts(made(object, (all, &Found::default(), extensions)));
    let now = made(object, (all, &found, extensions));
    let is_refused = now.iter().flatten().any(|one| one.refusal.is_some());
    let new: Vec<String> = texts(now).into_iter().filter(|text| !told.contains(text)).collect();
    if is_refused && !new.is_empty() {
        findings.add("wrong", REFUSED)?;
    }
    warn(findings, "with the ConfigMaps of the cluster", &new)
}

fn warn(findings: &mut Findings, what: &str, texts: &[String]) -> Outcome<()> {
    texts.iter().try_for_each(|text| findings.add("warning", &format!("{what}: {text}")))
}

/// An experiment with the `ConfigMap`s of the file.
fn with_maps(object: &Value, all: &[Value]) -> Vec<Value> {
    let maps = all.iter().filter(|other| other["kind"] == "ConfigMap").cloned();
    std::iter::once(object.clone()).chain(maps).collect()
}

/// What the API server says: a dry run, and the rights of the user.
async fn of_server(
    access: &Access,
    findings: &mut Findings,
    object: &Value,
    (all, extensions): (&[Value], &Extensions),
) -> Outcome<()> {
    let experiment = read(object.clone())?;
    findings.ui.line(&format!("experiment {} at {}", one_line(&experiment.key()), access.server))?;
    match access.create(Kinded::Experiment, object, true).await {
        Ok(Created::New(_)) => findings.add("ok", "the API server would create it")?,
        Ok(Created::Exists) => match access.apply(Kinded::Experiment, object, true).await {
            Ok(_) => findings.add("ok", "it exists already, and the API server would apply it")?,
            Err(failure) => findings.add("wrong", &failure.message)?,
        },
        Err(failure) => findings.add("wrong", &failure.message)?,
    }
    of_cluster(access, findings, object, (all, extensions)).await?;
    let (asked, may_be_missing) = questions(&experiment, object, all);
    let mut missing = Vec::new();
    for question in &asked {
        if !access.may_i(question).await? {
            missing.push(question.clone());
        }
    }
    if missing.is_empty() {
        let number = i64::try_from(asked.len()).unwrap_or(i64::MAX);
        findings.add("ok", &format!("you have the {} that the run needs", count(number, "right")))?;
    }
    for (question, verbs) in verbs::by_object(missing) {
        let text = verbs::text(&question, &verbs);
        findings.add("wrong", &format!("you may not {text}; this asks the same: {}", question.command()))?;
    }
    if may_be_missing {
        findings.add("warning", "the rights of the run cannot be told from this file alone")?;
    }
    Ok(())
}

/// The rights that the author needs, and whether there may be more than these.
fn questions(experiment: &Experiment, object: &Value, all: &[Value]) -> (Vec<Question>, bool) {
    let mut asked =
        vec![Question::new("create", ("chaostoolkit.org", "chaosexperiments"), experiment.namespace())];
    let made = rendered(&with_maps(object, all), Beside::default()).ok();
    let needed = made.as_ref().and_then(|made| rights::needed(&made.first()?.resources, false).ok());
    let is_unknown = needed.is_none();
    if let Some(needed) = needed {
        asked.extend(needed.all);
        asked.extend(needed.roles.into_iter().map(|existing| existing.bind));
    }
    (asked, is_unknown)
}
