//! `cleanup`: cleans up after all experiments, as an operator does when they are deleted. Used if no operator is left.
//!
//! Each experiment that has run has a finalizer, and so has each pod whose end is not recorded. These objects block the
//! deletion of their namespaces and of the definition. Only an operator or this command removes the finalizers.

mod account;
mod guard;
mod home;
mod rights;
mod work;

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use kube::api::{DeleteParams, DynamicObject};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::store;
use kube::{Client, ResourceExt};
use tokio::time::{Instant, sleep};
use tracing::Instrument;

use crate::cli::CleanupArgs;
use crate::cluster::manifest::Kind;
use crate::cluster::reads::Memory;
use crate::cluster::{Cluster, client, gone_is_fine, without_finalizers};
use crate::commands::cleanup::work::{Scope, Work, key};
use crate::experiment::apart::keeper::Keeper;
use crate::experiment::binding::Bindings;
use crate::experiment::children::delete::{self, Progress};
use crate::experiment::children::{cron_job, pods};
use crate::experiment::context::{Answers, Context};
use crate::experiment::decide::place::Place;
use crate::experiment::error::Error;
use crate::experiment::followed::Followed;
use crate::experiment::freezes::known::Freezes;
use crate::experiment::journals::budget::Budget;
use crate::experiment::judge::log_follower::LogFollower;
use crate::experiment::mutexes::claims::Claims;
use crate::experiment::parent::Parent;
use crate::experiment::pass::Pass;
use crate::experiment::span;
use crate::experiment::stages::give_up;
use crate::experiment::stages::teardown::{self, FINALIZERS};
use crate::experiment::status::trusted;
use crate::experiment::watches::Watches;
use crate::outbound::Outbound;
use crate::process::backoff::Backoff;
use crate::process::bell::Bell;
use crate::process::clock;
use crate::process::config::{Config, Runner, UnknownFields, Watched};
use crate::process::extensions::Extensions;
use crate::process::health::ReadinessCheck;
use crate::process::key_list::Keys;
use crate::process::metrics::Metrics;
use crate::process::remembered::Remembered;
use crate::process::room::Room;
use crate::process::workers::Workers;
use crate::signals::readings::Readings;
use crate::signals::sources::Sources;
use chaostoolkit_api::{Experiment, ResourceRef, names};

/// The time limit of a call.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// The pause between two rounds.
const PAUSE: Duration = Duration::from_secs(1);

/// Cleans up in the cluster of the kubeconfig. Fails if anything is left.
pub async fn run(args: CleanupArgs) -> anyhow::Result<()> {
    let client = client::infer().await?;
    let cluster = Cluster::new(client.clone(), CALL_LIMIT);
    Cleanup { client, cluster, args, ignored: Arc::default() }.run(&mut std::io::stdout().lock()).await
}

struct Cleanup {
    client: Client,
    cluster: Cluster,
    args: CleanupArgs,
    /// What the rounds before this one have told of ignored records.
    ignored: Arc<Remembered<String>>,
}

impl Cleanup {
    async fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let work = self.scope().find().await?;
        for right in &work.named {
            writeln!(
                out,
                "left as it is: {right}; --delete-rights deletes it, also if it was kept on purpose"
            )?;
        }
        if work.is_empty() {
            return Ok(writeln!(out, "there is nothing to clean up")?);
        }
        let doing = if self.args.dry_run { "would clean up" } else { "to clean up:" };
        for line in work.lines() {
            writeln!(out, "{doing} {line}")?;
        }
        if self.args.dry_run {
            return Ok(());
        }
        if !self.args.force {
            let namespaces = home::of_operators(&self.cluster, &work.experiments).await?;
            guard::check_that_no_operator_works(&self.cluster, namespaces).await?;
        }
        if !self.args.yes {
            guard::confirm(out)?;
        }
        self.until_done(work, out).await
    }

    /// Repeats rounds until nothing is left. Fails if something is left when the time is over.
    async fn until_done(&self, mut work: Work, out: &mut impl Write) -> anyhow::Result<()> {
        let began = Instant::now();
        let mut told = HashSet::new();
        loop {
            let problems = self.round(&work).await;
            let left = self.scope().find().await?;
            for done in work.lines().into_iter().filter(|line| !left.lines().contains(line)) {
                writeln!(out, "done: {done}")?;
            }
            for problem in problems.iter().filter(|problem| told.insert((*problem).clone())) {
                writeln!(out, "{problem}")?;
            }
            if left.is_empty() {
                return Ok(writeln!(out, "everything is cleaned up")?);
            }
            if began.elapsed() > self.args.timeout {
                for line in left.lines() {
                    writeln!(out, "left: {line}")?;
                }
                bail!(
                    "not everything is cleaned up after {:?}. If runs still play their rollbacks, run this again with a longer --timeout. --force does not wait for them, and always removes the finalizers",
                    self.args.timeout
                );
            }
            work = left;
            sleep(PAUSE).await;
        }
    }

    /// Takes one step for each item. Returns the problems that block items, and the runs that items wait for.
    async fn round(&self, work: &Work) -> Vec<String> {
        let mut problems = Vec::new();
        for found in &work.experiments {
            match Box::pin(self.experiment(found, &mut problems)).await {
                Ok(Progress::Done) => {}
                Ok(left) => problems.push(left.sentence(&format!("waiting for the runs of {}", key(found)))),
                Err(error) => problems.push(format!("experiment {}: {}", key(found), error.describe())),
            }
        }
        let remedies: Vec<String> = problems.iter().filter_map(|problem| account::remedy(problem)).collect();
        problems.extend(remedies);
        for pod in &work.pods {
            if let Err(error) = pods::stop_orphan(&self.cluster, pod).await {
                problems.push(format!("pod {}: {}", key(pod), error.describe()));
            }
        }
        for schedule in &work.schedules {
            let uid = schedule.labels().get(names::UID_LABEL).cloned().unwrap_or_default();
            let parent = Parent::gone(&uid, schedule.uid());
            let recorded = ResourceRef {
                kind: Kind::CronJob.to_string(),
                namespace: schedule.namespace().unwrap_or_default(),
                name: schedule.name_any(),
                target: false,
                adopted: false,
                uid: None,
            };
            if let Err(error) = cron_job::remove(&self.cluster, &recorded, &parent).await {
                problems.push(format!("CronJob {}: {}", key(schedule), error.describe()));
            }
        }
        for right in &work.rights {
            if let Err(error) = right.delete(&self.cluster).await {
                problems.push(format!("{right}: {}", Error::from(error).describe()));
            }
        }
        problems
    }

    /// Takes the step that the operator takes for a deleted experiment.
    async fn experiment(&self, found: &DynamicObject, problems: &mut Vec<String>) -> Result<Progress, Error> {
        let (namespace, name) = (found.namespace().unwrap_or_default(), found.name_any());
        let api = self.cluster.experiments(&namespace)?;
        if self.args.delete_experiments && found.metadata.deletion_timestamp.is_none() {
            let parameters = DeleteParams::default().preconditions(delete::only(found.metadata.uid.clone()));
            let checked = api.name(&name)?;
            let deleted = api.delete(&checked, &parameters);
            gone_is_fine(self.cluster.call(format!("delete experiment {}", key(found)), deleted).await)?;
        }
        let context = self.context(&home::of(found));
        let result = match self.cluster.find(&api, "experiment", &name).await {
            Ok(None) => return Ok(Progress::Done),
            Ok(Some(live)) => {
                let (span, mut pass) = (span(&live), Pass::new(&context, live, clock::now()));
                Box::pin(teardown::step(&mut pass)).instrument(span).await
            }
            Err(error) => Err(error.into()),
        };
        if !self.args.force || matches!(result, Ok(Progress::Done)) {
            return result;
        }
        let left = Box::pin(self.force(&namespace, &name)).await?;
        problems.extend(left.into_iter().map(|left| format!("experiment {}: {left}", key(found))));
        Ok(Progress::Done)
    }

    /// Removes the objects of an experiment, waits for nothing, and removes all finalizers. Returns what could not be removed.
    async fn force(&self, namespace: &str, name: &str) -> Result<Vec<String>, Error> {
        let api = self.cluster.stored_experiments(Some(namespace))?;
        let Some(found) = self.cluster.find(&api, "experiment", name).await? else { return Ok(Vec::new()) };
        let uid = found.uid().unwrap_or_default();
        let all = self.scope().pods().await?;
        let mut left = Vec::new();
        // If an experiment cannot be read, its recorded objects are unknown. Its finalizers are known nevertheless.
        let mut parent = Parent::gone(&uid, None);
        if let Ok(experiment) = found.clone().try_parse::<Experiment>() {
            let home = home::of(&found);
            let place = Place::of(&experiment, &home);
            let (status, _) = trusted(experiment.status.clone().unwrap_or_default(), &uid, place);
            parent = Parent::of(&uid, &status);
            left.extend(give_up::remove_all(&self.cluster, &status, &parent).await);
        }
        for pod in all.iter().filter(|pod| parent.owns_pod(pod)) {
            if let Err(error) = pods::stop_orphan(&self.cluster, pod).await {
                left.push(error.describe());
            }
        }
        if let Some(rest) = without_finalizers(&found, FINALIZERS) {
            gone_is_fine(self.cluster.set_finalizers(&api, "experiment", &found, &rest).await)?;
        }
        Ok(left)
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            cluster: &self.cluster,
            namespace: self.args.namespace.as_ref(),
            delete_experiments: self.args.delete_experiments,
            delete_rights: self.args.delete_rights,
        }
    }

    /// Returns the context for the teardown of experiments whose operator was in this namespace.
    fn context(&self, namespace: &str) -> Context {
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: None };
        Context {
            log_follower: LogFollower::new(self.cluster.clone()),
            bindings: Bindings::default(),
            // Nothing is started.
            freezes: Freezes::new(namespace, ReadinessCheck::default(), Bell::default()),
            mutexes: Claims::default(),
            readings: Readings::default(),
            watches: Watches::new(
                Sources::default(),
                self.cluster.clone(),
                Bell::default(),
                Metrics::default(),
            ),
            bell: Bell::default(),
            apart: Keeper::off(self.cluster.clone()),
            cluster: self.cluster.clone(),
            config: Config {
                namespace: namespace.to_owned(),
                concurrency: 1,
                call_limit: CALL_LIMIT,
                cleanup_limit: Duration::MAX,
                runner: Runner::default(),
                keys: Keys::default(),
                watched: Watched::None,
                unchecked_authors: false,
                opt_in: None,
                unknown_fields: UnknownFields::Warn,
                extensions: Extensions::default(),
            },
            experiments: store().0,
            pods: store().0,
            recorder: Recorder::new(self.client.clone(), reporter),
            metrics: Metrics::default(),
            outbound: Outbound::default(),
            room: Room::default(),
            journals: Budget::default(),
            backoff: Backoff::default(),
            workers: Workers::new(1),
            memory: Memory::default(),
            followed: Followed::default(),
            answers: Answers::default(),
            ignored: self.ignored.clone(),
        }
    }
}
