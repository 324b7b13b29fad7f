//! `cleanup`: what an operator would do if all experiments were deleted, for when there is none any more.
//!
//! A finalizer holds each experiment that has run, and each pod whose end is not recorded, and with them their namespaces
//! and the definition. Only an operator takes them off, or this.

use std::collections::HashSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::{bail, ensure};
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Preconditions};
use kube::runtime::events::{Recorder, Reporter};
use kube::runtime::reflector::store;
use kube::{Client, Resource, ResourceExt};
use tokio::time::{Instant, sleep};

use crate::cli::CleanupArgs;
use crate::cluster::{Cluster, client, without_finalizers};
use crate::experiment::Context;
use crate::experiment::error::Error;
use crate::experiment::judge::log_follower::Incoming;
use crate::experiment::pass::Report;
use crate::experiment::stages::teardown::{self, HOLDS, Progress, gone_is_fine};
use crate::process::backoff::Backoff;
use crate::process::clock;
use crate::process::config::{Config, Runner};
use crate::process::leader::claim;
use crate::process::metrics::Metrics;
use chaostoolkit_api::{Experiment, names};

/// How long a call may take.
const CALL: Duration = Duration::from_secs(30);

/// How long it is until what goes on is looked at again.
const LOOK: Duration = Duration::from_secs(1);

/// How long a lease is watched at most, to see whether somebody renews it.
const LONGEST_WATCH: Duration = Duration::from_secs(10);

/// Cleans up in the cluster of the kubeconfig. An error if anything is left.
pub async fn run(args: CleanupArgs) -> anyhow::Result<()> {
    let client = client::infer().await?;
    let cluster = Cluster::new(client.clone(), CALL);
    Uninstall { client, cluster, args }.run(&mut std::io::stdout().lock()).await
}

struct Uninstall {
    client: Client,
    cluster: Cluster,
    args: CleanupArgs,
}

/// What there is to do.
#[derive(Default)]
struct Work {
    /// Experiments that are held, or that are to be deleted.
    experiments: Vec<DynamicObject>,
    /// Pods that are held for an experiment that is gone.
    pods: Vec<Pod>,
    /// Schedules of such, which go on to make pods that are held.
    schedules: Vec<CronJob>,
}

impl Work {
    const fn is_empty(&self) -> bool {
        self.experiments.is_empty() && self.pods.is_empty() && self.schedules.is_empty()
    }

    fn lines(&self) -> Vec<String> {
        let experiments = self.experiments.iter().map(|found| {
            let held = found.finalizers().iter().filter(|one| HOLDS.contains(&one.as_str()));
            let held: Vec<&str> = held.map(String::as_str).collect();
            let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
            format!("experiment {}, held by {held}", key(found))
        });
        let pods = self.pods.iter().map(|pod| format!("pod {}, whose experiment is gone", key(pod)));
        let schedules =
            self.schedules.iter().map(|found| format!("CronJob {}, whose experiment is gone", key(found)));
        experiments.chain(pods).chain(schedules).collect()
    }
}

impl Uninstall {
    async fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let work = self.find().await?;
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
            self.check_that_no_operator_works(&work).await?;
        }
        self.confirm(out)?;
        let began = Instant::now();
        let mut told = HashSet::new();
        let mut work = work;
        loop {
            let problems = self.round(&work).await;
            let left = self.find().await?;
            for done in work.lines().into_iter().filter(|line| !left.lines().contains(line)) {
                writeln!(out, "done: {done}")?;
            }
            if left.is_empty() {
                return Ok(writeln!(out, "everything is cleaned up")?);
            }
            for problem in problems.iter().filter(|problem| told.insert((*problem).clone())) {
                writeln!(out, "{problem}")?;
            }
            if began.elapsed() > self.args.timeout {
                for line in left.lines() {
                    writeln!(out, "left: {line}")?;
                }
                bail!(
                    "not everything is cleaned up after {:?}; --force does not wait for runs and takes finalizers off in any case",
                    self.args.timeout
                );
            }
            work = left;
            sleep(LOOK).await;
        }
    }

    /// One step for everything. What stands in the way, or is waited for.
    async fn round(&self, work: &Work) -> Vec<String> {
        let mut problems = Vec::new();
        for found in &work.experiments {
            match self.experiment(found).await {
                Ok(Progress::Done) => {}
                Ok(Progress::Waiting) => problems.push(format!("waiting for the runs of {}", key(found))),
                Err(error) => problems.push(format!("experiment {}: {}", key(found), error.describe())),
            }
        }
        for pod in &work.pods {
            let context = self.context(&pod.namespace().unwrap_or_default());
            if let Err(error) = teardown::orphan(&context, pod).await {
                problems.push(format!("pod {}: {}", key(pod), error.describe()));
            }
        }
        for schedule in &work.schedules {
            let uid = schedule.labels().get(names::UID_LABEL).cloned().unwrap_or_default();
            let namespace = schedule.namespace().unwrap_or_default();
            let context = self.context(&namespace);
            if let Err(error) =
                teardown::remove_schedule(&context, &namespace, &schedule.name_any(), &uid).await
            {
                problems.push(format!("CronJob {}: {}", key(schedule), error.describe()));
            }
        }
        problems
    }

    /// What the operator would do with a deleted experiment.
    async fn experiment(&self, found: &DynamicObject) -> Result<Progress, Error> {
        let (namespace, name) = (found.namespace().unwrap_or_default(), found.name_any());
        let api = self.cluster.experiments(&namespace);
        if self.args.delete_experiments && found.metadata.deletion_timestamp.is_none() {
            let parameters = DeleteParams::default().preconditions(exactly(found));
            let deleted = api.delete(&name, &parameters);
            gone_is_fine(
                self.cluster.call(format!("delete experiment {}", key(found)), deleted).await.map(|_| ()),
            )?;
        }
        let context = self.context(&namespace);
        let result = match self.cluster.find(&api, "experiment", &name).await {
            Ok(None) => return Ok(Progress::Done),
            Ok(Some(live)) => {
                teardown::teardown(&context, &mut Report::new(&context, live, clock::now())).await
            }
            Err(error) => Err(error),
        };
        if !self.args.force || matches!(result, Ok(Progress::Done)) {
            return result;
        }
        self.let_go(&context, &namespace, &name).await.map(|()| Progress::Done)
    }

    /// Deletes what is on the record, waits for nothing, and takes all finalizers off.
    async fn let_go(&self, context: &Context, namespace: &str, name: &str) -> Result<(), Error> {
        let resource = ApiResource::erase::<Experiment>(&());
        let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, &resource);
        let Some(found) = self.cluster.find(&api, "experiment", name).await? else { return Ok(()) };
        let uid = found.uid().unwrap_or_default();
        for pod in self.pods().await?.iter().filter(|pod| pod.labels().get(names::UID_LABEL) == Some(&uid)) {
            teardown::orphan(context, pod).await?;
        }
        // Of one that cannot be read the record is not known; its finalizers are.
        if let Ok(experiment) = found.clone().try_parse::<Experiment>() {
            let recorded = experiment.status.unwrap_or_default().resources;
            teardown::remove_resources(context, &recorded, &uid).await?;
        }
        let Some(rest) = without_finalizers(&found, HOLDS) else { return Ok(()) };
        gone_is_fine(self.cluster.set_finalizers(&api, "experiment", &found, &rest).await.map(|_| ()))
    }

    /// What there is to do in the namespaces that were asked for.
    async fn find(&self) -> Result<Work, Error> {
        let all = self.experiments().await?;
        let known: HashSet<String> = all.iter().filter_map(ResourceExt::uid).collect();
        let is_held = |found: &DynamicObject| without_finalizers(found, HOLDS).is_some();
        let is_orphan = |meta: &dyn Labelled| {
            let uid = meta.label(names::UID_LABEL);
            self.is_asked_for(meta) && uid.is_some_and(|uid| !known.contains(uid))
        };
        let pods = self.pods().await?.into_iter();
        let is_pod_held = |pod: &Pod| without_finalizers(pod, &[names::OUTCOME_FINALIZER]).is_some();
        let schedules = self.list(&Api::<CronJob>::all(self.client.clone()), "CronJobs").await?.into_iter();
        Ok(Work {
            pods: pods.filter(|pod| is_orphan(pod) && is_pod_held(pod)).collect(),
            // One that was kept on purpose has no finalizer in its pods.
            schedules: schedules.filter(|found| is_orphan(found) && makes_held_pods(found)).collect(),
            experiments: all
                .into_iter()
                .filter(|found| self.args.delete_experiments || is_held(found))
                .filter(|found| self.args.namespace.is_none() || self.args.namespace == found.namespace())
                .collect(),
        })
    }

    /// All experiments, also such as cannot be read; none where there is no definition any more.
    async fn experiments(&self) -> Result<Vec<DynamicObject>, Error> {
        let resource = ApiResource::erase::<Experiment>(&());
        let api = match &self.args.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        match self.cluster.call("list experiments".to_owned(), api.list(&ListParams::default())).await {
            Ok(found) => Ok(found.items),
            Err(Error::Api { source, .. }) if is_unknown(&source) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    async fn pods(&self) -> Result<Vec<Pod>, Error> {
        self.list(&Api::all(self.client.clone()), "pods").await
    }

    async fn list<K>(&self, api: &Api<K>, what: &str) -> Result<Vec<K>, Error>
    where
        K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
    {
        let ours = ListParams::default().labels(names::UID_LABEL);
        Ok(self.cluster.call(format!("list {what}"), api.list(&ours)).await?.items)
    }

    /// Whether an object's experiment is, or was, in a namespace that was asked for.
    fn is_asked_for(&self, object: &dyn Labelled) -> bool {
        let Some(namespace) = &self.args.namespace else { return true };
        let owner = object.annotation(names::EXPERIMENT_ANNOTATION).and_then(|key| key.split_once('/'));
        owner.is_some_and(|(found, _)| found == namespace)
    }

    /// An operator would put back what is taken off here. One that takes part in no election is not seen.
    async fn check_that_no_operator_works(&self, work: &Work) -> anyhow::Result<()> {
        let namespaces: HashSet<String> =
            work.experiments.iter().filter_map(ResourceExt::namespace).collect();
        for namespace in namespaces {
            let api = Api::<Lease>::namespaced(self.client.clone(), &namespace);
            let mut first: Option<Lease> = None;
            let began = Instant::now();
            loop {
                let lease = self.cluster.find(&api, "Lease", names::LEASE).await?;
                let Some((holder, lease)) =
                    lease.and_then(|lease| Some((claim::holder(&lease)?.clone(), lease)))
                else {
                    break;
                };
                let first = first.get_or_insert_with(|| lease.clone());
                ensure!(
                    first.metadata.resource_version == lease.metadata.resource_version,
                    "operator {holder} is at work in namespace {namespace}, and would put back what is taken off. \
                     Stop it first, or delete the experiments and leave the cleanup to it; --force goes ahead"
                );
                let lasts = lease.spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
                // It is renewed more than twice in a third of its time.
                if began.elapsed()
                    > lasts.map_or(LONGEST_WATCH, Duration::from_secs).min(LONGEST_WATCH * 3) / 3
                {
                    break;
                }
                sleep(LOOK / 2).await;
            }
        }
        Ok(())
    }

    fn confirm(&self, out: &mut impl Write) -> anyhow::Result<()> {
        if self.args.yes {
            return Ok(());
        }
        ensure!(std::io::stdin().is_terminal(), "nobody is there to ask: say --yes, or --dry-run");
        write!(
            out,
            "Runs that go on are stopped, and what was created for runs is deleted. Go ahead? [y/N] "
        )?;
        out.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        ensure!(matches!(answer.trim(), "y" | "Y" | "yes"), "nothing was changed");
        Ok(())
    }

    /// What the steps of a teardown ask for.
    fn context(&self, namespace: &str) -> Context {
        let reporter = Reporter { controller: names::FIELD_MANAGER.to_owned(), instance: None };
        Context {
            cluster: self.cluster.clone(),
            config: Config {
                namespace: namespace.to_owned(),
                concurrency: 1,
                call_limit: CALL,
                cleanup_limit: Duration::MAX,
                runner: Runner::default(),
            },
            pods: store().0,
            recorder: Recorder::new(self.client.clone(), reporter),
            metrics: Metrics::default(),
            backoff: Backoff::default(),
            incoming: Incoming::default(),
        }
    }
}

/// Marks of an object of any kind.
trait Labelled {
    fn label(&self, key: &str) -> Option<&String>;
    fn annotation(&self, key: &str) -> Option<&String>;
}

impl<K: Resource> Labelled for K {
    fn label(&self, key: &str) -> Option<&String> {
        self.meta().labels.as_ref()?.get(key)
    }

    fn annotation(&self, key: &str) -> Option<&String> {
        self.meta().annotations.as_ref()?.get(key)
    }
}

fn makes_held_pods(schedule: &CronJob) -> bool {
    let template = schedule.spec.as_ref().and_then(|spec| spec.job_template.spec.as_ref());
    let metadata = template.and_then(|job| job.template.metadata.as_ref());
    metadata.is_some_and(|found| {
        found.finalizers.iter().flatten().any(|finalizer| finalizer == names::OUTCOME_FINALIZER)
    })
}

/// Whether there is no such kind. Where the whole group is gone, the answer is no status of Kubernetes but the bare code.
fn is_unknown(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

fn exactly<K: Resource>(object: &K) -> Preconditions {
    teardown::precondition(object.meta().uid.clone())
}

fn key<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}
