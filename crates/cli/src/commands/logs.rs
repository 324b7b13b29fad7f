//! `logs`: what the toolkit logs, in all pods of an experiment, without the journals that are in logs.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::interval;

use chaostoolkit_api::{Experiment, PodAddress, names};
use chaostoolkit_journal::ExitCode;
use chaostoolkit_report::text::one_line;

use crate::access::Access;
use crate::access::experiments::read;
use crate::access::pods::{has_ended, has_started};
use crate::access::watching::Change;
use crate::args::LogsArgs;
use crate::failure::{Failure, Outcome};
use crate::model::log_line::{Frames, shown};
use crate::model::runs;
use crate::model::select::Number;
use crate::model::waited::{Goal, Seen, goal, seen};
use crate::output::style::faint;
use crate::output::ui::Ui;

/// How often pods are looked for while logs are followed.
const LOOK: Duration = Duration::from_secs(2);

/// Prints logs.
pub async fn logs(access: &Access, ui: Ui, args: &LogsArgs) -> Outcome {
    if let Some(name) = &args.name {
        access.stored(name).await?;
    }
    if args.follow { follow(access, ui, args).await } else { past(access, ui, args).await }
}

/// Prints the logs of runs as they are now.
async fn past(access: &Access, ui: Ui, args: &LogsArgs) -> Outcome {
    let experiments = match &args.name {
        Some(name) => vec![access.experiment(name).await?],
        None => selected(access, args).await?,
    };
    if experiments.is_empty() {
        ui.say(&format!("no experiment in namespace {} has these labels", access.namespace));
    }
    let is_one = experiments.len() == 1;
    for experiment in &experiments {
        let printed = of_run(access, ui, experiment, args.run.unwrap_or(Number::Latest), is_one).await;
        match printed {
            Err(failure) if !is_one => ui.warn(&failure.message),
            printed => printed?,
        }
    }
    Ok(ExitCode::Passed)
}

async fn selected(access: &Access, args: &LogsArgs) -> Outcome<Vec<Experiment>> {
    let mut all = Vec::new();
    let each = |page: Vec<kube::api::DynamicObject>| {
        let values = page.iter().filter_map(|object| serde_json::to_value(object).ok());
        all.extend(values.filter_map(|value| read(value).ok()));
        Ok(())
    };
    access.pages(false, args.selector.as_deref(), each).await?;
    Ok(all)
}

async fn of_run(
    access: &Access,
    ui: Ui,
    experiment: &Experiment,
    number: Number,
    is_one: bool,
) -> Outcome<()> {
    let view = runs::find(experiment, number).map_err(Failure::new)?;
    let number = view.run.number;
    let status = experiment.status.clone().unwrap_or_default();
    let namespace = status.run_namespace.unwrap_or_default();
    let address = PodAddress { namespace, name: view.run.pod_name.clone() };
    let gone = || {
        let failure = Failure::new(format!(
            "the pod of run @{number} of experiment {} is gone, and its log with it",
            experiment.key()
        ));
        match &view.run.log_tail {
            Some(tail) => failure.hint(format!("the end of its log: {}", one_line(tail))),
            None => failure.hint(format!(
                "`kubectl chaostoolkit journal {}@{number}` prints what it has found",
                experiment.name()
            )),
        }
    };
    if view.run.started_at.is_none() && view.run.finished_at.is_some() {
        let message = format!(
            "run @{number} of experiment {} ended before it had started, so it has no log",
            experiment.key()
        );
        return Err(Failure::new(message));
    }
    if address.name.is_empty() {
        return Err(gone());
    }
    let pod = access.pod(&address).await?.ok_or_else(gone)?;
    if !has_started(&pod) {
        return Err(Failure::new(format!(
            "the container of run @{number} of experiment {} has not started",
            experiment.key()
        ))
        .hint(format!("`kubectl chaostoolkit get {}` says why; -f waits for it", experiment.name())));
    }
    let mut log = access.log(&pod, false).await.map_err(|error| access.failure(&error))?;
    let mut frames = Frames::default();
    let prefix = if is_one { String::new() } else { prefix(&pod) };
    loop {
        match log.next().await {
            Ok(Some(line)) if frames.shows(&line) => ui.line(&format!("{prefix}{}", shown(&line)))?,
            Ok(Some(_)) => {}
            Ok(None) => return Ok(()),
            Err(error) => {
                return Err(Failure::new(format!("the log of pod {} broke off: {error}", address.name)));
            }
        }
    }
}

/// Returns what stands before each line of a pod.
fn prefix(pod: &Pod) -> String {
    format!("{} ", faint(&format!("{} │", one_line(pod.metadata.name.as_deref().unwrap_or_default()))))
}

/// What is followed.
struct Followed {
    access: Access,
    /// The experiments by their uids, with what ends each of them. A schedule ends only if it starts no more runs.
    experiments: HashMap<String, (Experiment, Goal)>,
    /// Whether all experiments that are there are known.
    is_listed: bool,
    /// The pods whose logs are or were read, by their uids.
    pods: HashSet<String>,
    tasks: JoinSet<()>,
    lines: mpsc::Sender<String>,
    /// How many runs are followed at most.
    most: Option<usize>,
}

/// Follows the logs of all runs, also of those that start later, until the runs have ended.
async fn follow(access: &Access, ui: Ui, args: &LogsArgs) -> Outcome {
    let (lines, mut said) = mpsc::channel(256);
    let most = args.runs.map(|count| count as usize);
    let mut followed = Followed {
        access: access.clone(),
        experiments: HashMap::new(),
        is_listed: false,
        pods: HashSet::new(),
        tasks: JoinSet::new(),
        lines,
        most,
    };
    let mut changes = pin!(access.watch(args.name.as_deref(), false, args.selector.as_deref())?);
    let mut interrupt = pin!(tokio::signal::ctrl_c());
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            change = changes.next() => match change.transpose()? {
                Some(Change::Is(stored)) => followed.is(read(stored)?),
                Some(Change::Gone(stored)) => _ = followed.experiments.remove(read(stored)?.uid()),
                Some(Change::Listed) => followed.is_listed = true,
                Some(Change::Broken(why)) => ui.hint(&format!("the watch is broken and begins again: {why}")),
                None => return Err(Failure::new("the watch has ended")),
            },
            Some(line) = said.recv() => ui.line(&line)?,
            Some(_) = followed.tasks.join_next() => {}
            _ = &mut interrupt => {
                ui.hint("no longer following; the runs go on");
                return Ok(ExitCode::Interrupted);
            }
            _ = look.tick() => {
                followed.look().await?;
                if followed.has_ended() {
                    while let Ok(line) = said.try_recv() {
                        ui.line(&line)?;
                    }
                    return Ok(ExitCode::Passed);
                }
            }
        }
    }
}

impl Followed {
    fn is(&mut self, experiment: Experiment) {
        let known = self.experiments.remove(experiment.uid()).map(|(_, goal)| goal);
        let goal = known.unwrap_or_else(|| goal(&experiment, None));
        self.experiments.insert(experiment.uid().to_owned(), (experiment, goal));
    }

    /// Looks for pods that have started, and follows them.
    async fn look(&mut self) -> Outcome<()> {
        for (experiment, goal) in self.experiments.values() {
            let namespace = experiment.status.as_ref().and_then(|status| status.run_namespace.clone());
            let Some(namespace) = namespace else { continue };
            for pod in self.access.pods(&namespace, experiment.uid()).await? {
                let uid = pod.metadata.uid.clone().unwrap_or_default();
                // Of a schedule, only the runs that go on or begin from now on.
                let is_past = *goal != Goal::Run && has_ended(&pod) && !is_recent(&pod, experiment);
                let is_full = self.most.is_some_and(|most| self.pods.len() >= most);
                if is_past || is_full || !has_started(&pod) || !self.pods.insert(uid) {
                    continue;
                }
                self.tasks.spawn(print(self.access.clone(), pod, self.lines.clone()));
            }
        }
        Ok(())
    }

    /// Whether nothing is left to follow.
    fn has_ended(&self) -> bool {
        let is_full = self.most.is_some_and(|most| self.pods.len() >= most);
        self.is_listed && self.tasks.is_empty() && (is_full || self.experiments.values().all(is_over))
    }
}

/// Whether the run of a pod is not on record yet, so that it has ended a moment ago.
fn is_recent(pod: &Pod, experiment: &Experiment) -> bool {
    let is_held = pod.metadata.finalizers.iter().flatten().any(|one| one == names::OUTCOME_FINALIZER);
    let history = experiment.status.iter().flat_map(|status| &status.history);
    let uid = pod.metadata.uid.as_deref();
    is_held && !history.into_iter().any(|past| past.run.pod_uid.as_deref() == uid)
}

/// Whether an experiment starts no more runs.
fn is_over((experiment, goal): &(Experiment, Goal)) -> bool {
    match (goal, seen(experiment, goal)) {
        (Goal::Run, Seen::Ended(_)) | (_, Seen::Stuck { .. }) => true,
        (Goal::Run | Goal::Scheduled { .. }, _) => false,
    }
}

/// Reads the log of a pod to its end.
async fn print(access: Access, pod: Pod, lines: mpsc::Sender<String>) {
    let prefix = prefix(&pod);
    let mut log = match access.log(&pod, true).await {
        Ok(log) => log,
        Err(error) => {
            let _ = lines.send(format!("{prefix}{}", one_line(&error.describe()))).await;
            return;
        }
    };
    let mut frames = Frames::default();
    while let Ok(Some(line)) = log.next().await {
        if frames.shows(&line) && lines.send(format!("{prefix}{}", shown(&line))).await.is_err() {
            return;
        }
    }
}
