//! `check`: whether a file is what the operator understands, and with `--server` whether the API server takes it from you.

use serde_json::Value;

use chaostoolkit_api::Experiment;
use chaostoolkit_journal::ExitCode;
use chaostoolkit_operator::commands::render::{home_of, rendered};
use chaostoolkit_operator::experiment::decide::fields::described;
use chaostoolkit_operator::experiment::decide::understood::{understood, unknown_beside};
use chaostoolkit_operator::experiment::permit::question::Question;
use chaostoolkit_operator::experiment::permit::rights;
use chaostoolkit_report::text::{count, one_line};

use crate::access::Access;
use crate::access::experiments::{Created, Kinded, read};
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
        of_file(&mut findings, object, &objects)?;
    }
    if args.server {
        let access = Access::open(global).await?;
        for object in &experiments {
            of_server(&access, &mut findings, object, &objects).await?;
        }
    }
    match findings.wrong {
        0 => Ok(ExitCode::Passed),
        wrong => Err(Failure::new(format!("{} in {}", count(wrong, "mistake"), input::shown(&args.what)))),
    }
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
}

/// What the operator would say, without a cluster.
fn of_file(findings: &mut Findings, object: &Value, all: &[Value]) -> Outcome<()> {
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
            of_run(findings, object, all)
        }
    }
}

/// What the objects of a run say, if they can be built from the file alone.
fn of_run(findings: &mut Findings, object: &Value, all: &[Value]) -> Outcome<()> {
    match rendered(&with_maps(object, all), None, &[]) {
        Ok(made) => {
            let warnings: Vec<String> = made.into_iter().flat_map(|one| one.warnings).collect();
            if warnings.is_empty() {
                return findings.add("ok", "the operator understands it");
            }
            warn(findings, "the operator understands it, but", &warnings)
        }
        Err(error) => findings.add("wrong", &format!("{:#}", error.root_cause())),
    }
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
async fn of_server(access: &Access, findings: &mut Findings, object: &Value, all: &[Value]) -> Outcome<()> {
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
    let made = rendered(&with_maps(object, all), None, &[]).ok();
    let needed = made.as_ref().and_then(|made| rights::needed(&made.first()?.resources, false).ok());
    let is_unknown = needed.is_none();
    if let Some(needed) = needed {
        asked.extend(needed.all);
        asked.extend(needed.roles.into_iter().map(|existing| existing.bind));
    }
    (asked, is_unknown)
}
