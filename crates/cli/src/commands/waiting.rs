//! Waits for the end of a run, and tells meanwhile where it is.

use std::collections::HashSet;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use chaostoolkit_api::PodAddress;
use chaostoolkit_journal::ExitCode;
use chaostoolkit_report::{Options, Run, times};

use crate::access::Access;
use crate::access::experiments::read;
use crate::access::runs::known;
use crate::access::watching::Change;
use crate::args::{Format, ReportTo};
use crate::commands::steps::{Said, follow};
use crate::commands::{get, report};
use crate::failure::{Failure, Outcome};
use crate::model::allow::{Allowed, allowed};
use crate::model::ended::Ended;
use crate::model::log_line::Step;
use crate::model::select::Number;
use crate::model::waited::{Goal, Going, Seen, seen};
use crate::output::progress::Progress;
use crate::output::ui::Ui;

/// What is waited for, and what happens then.
pub struct Wanted<'a> {
    /// Name of the experiment.
    pub name: &'a str,
    /// The run.
    pub goal: Goal,
    /// Whether to tell what the toolkit does.
    pub is_followed: bool,
    /// How long to wait.
    pub timeout: Option<Duration>,
    /// The ends that count as a success.
    pub allow: &'a [Allowed],
    /// The reports that are written at the end.
    pub reports: &'a [ReportTo],
    /// In which form the experiment is printed at the end.
    pub output: Format,
    /// The number of activities, if it is known.
    pub total: Option<u64>,
}

/// After how long without a word of an operator to say so.
const SILENCE: Duration = Duration::from_secs(15);

/// How long the end of a log may take after the end of the run.
const DRAIN: Duration = Duration::from_secs(3);

/// A wait that goes on.
struct Wait<'a> {
    access: &'a Access,
    ui: Ui,
    wanted: Wanted<'a>,
    progress: Progress,
    /// The pods whose logs are read.
    read: HashSet<String>,
    lines: mpsc::Sender<Said>,
    last: Going,
}

/// Waits for the end of the run, prints the experiment, and returns the exit code. Ctrl-C ends the waiting, and never the run.
pub async fn until_end(access: &Access, ui: Ui, wanted: Wanted<'_>) -> Outcome {
    let name = wanted.name.to_owned();
    let deadline = wanted.timeout.map(|timeout| Instant::now() + timeout);
    let (lines, mut said) = mpsc::channel(64);
    let progress = Progress::new(ui, wanted.total.filter(|_| wanted.is_followed));
    let mut wait = Wait { access, ui, wanted, progress, read: HashSet::new(), lines, last: Going::default() };
    let mut changes = pin!(access.watch(Some(&name), false, None)?);
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let silence = Instant::now() + SILENCE;
    let mut has_complained = false;
    let ended = loop {
        tokio::select! {
            change = changes.next() => {
                match wait.changed(change) {
                    Ok(Some((ended, stored))) => break Ok((ended, stored)),
                    Ok(None) => {}
                    Err(failure) => break Err(failure),
                }
            }
            Some(said) = said.recv() => wait.tell(said),
            _ = &mut interrupt => break Err(wait.interrupted()),
            () = sleep_until(deadline.unwrap_or(silence)), if deadline.is_some() => break Err(wait.too_late()),
            () = sleep_until(silence), if !has_complained && !wait.last.is_known => {
                has_complained = true;
                wait.complain();
            }
        }
    };
    match ended {
        Ok((ended, stored)) => {
            wait.drain(&mut said).await;
            wait.progress.end();
            wait.conclude(&ended, stored).await
        }
        Err(failure) => {
            wait.progress.end();
            wait.forgiven(failure)
        }
    }
}

impl Wait<'_> {
    /// Looks at a change. Returns how the run ended, if it has.
    fn changed(&mut self, change: Option<Outcome<Change>>) -> Outcome<Option<(Ended, Value)>> {
        let stored = match change.transpose()? {
            Some(Change::Is(stored)) => stored,
            Some(Change::Gone(_)) => {
                return Err(Failure::new(format!(
                    "experiment {} was deleted before its run had ended",
                    self.key()
                )));
            }
            Some(Change::Broken(why)) => {
                self.progress.note(&format!("the watch is broken and begins again: {why}"));
                return Ok(None);
            }
            Some(Change::Listed) => return Ok(None),
            None => return Err(Failure::new("the watch has ended")),
        };
        let experiment = read(stored.clone())?;
        match seen(&experiment, &self.wanted.goal) {
            Seen::Ended(ended) => Ok(Some((ended, stored))),
            Seen::Stuck { reason, message } => Err(self.stuck(&reason, &message)),
            Seen::Going(going) => {
                self.progress.at(&going.word, &going.message);
                if let Some(pod) = going.pod.clone().filter(|_| self.wanted.is_followed && !going.is_waiting)
                {
                    self.follow(pod);
                }
                self.last = going;
                Ok(None)
            }
        }
    }

    /// Begins to read the log of a pod.
    fn follow(&mut self, pod: PodAddress) {
        if self.read.insert(pod.name.clone()) {
            tokio::spawn(follow(self.access.clone(), pod, self.lines.clone()));
        }
    }

    fn tell(&mut self, said: Said) {
        match said {
            Said::Problem(problem) => self.progress.note(&problem),
            Said::Step(Step::Activity(kind, name)) => self.progress.step(&format!("{kind} {name}"), true),
            Said::Step(Step::Rollback(name)) => self.progress.step(&format!("rollback {name}"), false),
            Said::Step(Step::Hypothesis) => self.progress.step("checks the steady-state hypothesis", false),
            Said::Step(Step::Says(text)) => self.progress.step(&text, false),
        }
    }

    /// Tells what the log still says after the end.
    async fn drain(&mut self, said: &mut mpsc::Receiver<Said>) {
        // Only the tasks that read logs hold a sender from here on.
        self.lines = mpsc::channel(1).0;
        let until = Instant::now() + DRAIN;
        while let Ok(Some(said)) = tokio::time::timeout_at(until, said.recv()).await {
            self.tell(said);
        }
    }

    async fn conclude(&self, ended: &Ended, stored: Value) -> Outcome {
        let code = allowed(ended.code, ended.without_rollbacks, self.wanted.allow);
        let runs = self.show(stored).await?;
        let number = code.number();
        let is_allowed = code == ExitCode::Passed && ended.code != ExitCode::Passed;
        let because = if is_allowed { ", since --allow says so" } else { "" };
        let reports = self.wanted.reports;
        let written = match runs {
            _ if reports.is_empty() => Ok(()),
            Ok(runs) => report::at_end(self.ui, runs, reports),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = written {
            self.ui.failure(&failure);
            // How the run ended says more than that.
            return Ok(if code == ExitCode::Passed { ExitCode::Failed } else { code });
        }
        self.ui.hint(&format!("exit code {number}{because}"));
        Ok(code)
    }

    /// Prints the experiment, and returns its last run, which the reports are about.
    async fn show(&self, stored: Value) -> Outcome<Outcome<Vec<Run>>> {
        let Wanted { output, reports, .. } = &self.wanted;
        let experiment = read(stored.clone())?;
        let is_for_people = get::is_for_people(*output);
        // Programs get the status alone.
        let runs = if is_for_people || !reports.is_empty() {
            self.access.runs(&experiment, Some(Number::Latest), Options::default()).await
        } else {
            Ok(Vec::new())
        };
        if is_for_people {
            get::show(self.ui, &experiment, known(&experiment, Number::Latest, &runs).as_ref())?;
        } else {
            get::print(self.ui, stored, None, *output)?;
        }
        Ok(runs)
    }

    fn key(&self) -> String {
        format!("{}/{}", self.access.namespace, self.wanted.name)
    }

    fn on(&self) -> String {
        let (name, namespace) = (self.wanted.name, &self.access.namespace);
        format!(
            "the run goes on; `kubectl chaostoolkit wait {name} -n {namespace}` waits for it, and `kubectl chaostoolkit abort {name} -n {namespace}` stops it"
        )
    }

    fn interrupted(&self) -> Failure {
        let code = ExitCode::Interrupted;
        Failure { code, ..Failure::new("interrupted, and no longer waiting").hint(self.on()) }
    }

    fn too_late(&self) -> Failure {
        let limit = self.wanted.timeout.map(times::took).unwrap_or_default();
        let Going { word, message, is_waiting, .. } = &self.last;
        let is_unstarted = *is_waiting && self.wanted.goal == Goal::Run;
        let code = if is_unstarted { ExitCode::NotStarted } else { ExitCode::TimedOut };
        let what = if is_unstarted { "started" } else { "ended" };
        let place = [word.as_str(), message.as_str()]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(": ");
        let message = format!("the run of experiment {} has not {what} within {limit} ({place})", self.key());
        let hint = if is_unstarted {
            self.on().replacen("the run goes on", "it may still start", 1)
        } else {
            self.on()
        };
        Failure { code, ..Failure::new(message).hint(hint) }
    }

    fn stuck(&self, reason: &str, message: &str) -> Failure {
        let (name, namespace) = (self.wanted.name, &self.access.namespace);
        let hint = match reason {
            "Suspended" => format!("`kubectl chaostoolkit resume {name} -n {namespace}` lets it start"),
            "Restored" => format!("`kubectl chaostoolkit rerun {name} -n {namespace}` starts it"),
            _ => format!(
                "it starts once that has changed; `kubectl chaostoolkit abort {name} -n {namespace}` gives it up"
            ),
        };
        let text = format!("the run of experiment {} does not start: {reason}: {message}", self.key());
        Failure { code: ExitCode::NotStarted, ..Failure::new(text.trim_end_matches(": ")).hint(hint) }
    }

    /// Says that no operator has looked at the experiment.
    fn complain(&self) {
        self.progress.note(&format!(
            "no operator has looked at experiment {} yet: does one run, and does it watch this namespace? `kubectl chaostoolkit check install` looks",
            self.key()
        ));
    }

    /// Turns a failure into a success if it is allowed.
    fn forgiven(&self, failure: Failure) -> Outcome {
        let code = allowed(failure.code, failure.code, self.wanted.allow);
        if code != ExitCode::Passed {
            return Err(failure);
        }
        self.ui.warn(&failure.message);
        Ok(code)
    }
}
