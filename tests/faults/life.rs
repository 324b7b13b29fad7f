//! The life of one experiment, as in every plan. The rig plays the kubelet: there is no node.

use std::time::Duration;

use chaostoolkit_api::{Experiment, Phase, ResourceRef, Run, Status};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};

use crate::common::{self, LIMIT, audit, report_container, running, terminated, within};
use crate::rig::Rig;
use crate::seen::Seen;
use crate::story::Story;
use crate::{job, state};

/// The name of the experiment.
pub const NAME: &str = "exp";

/// A finalizer that keeps the experiment for a last look. A watch that breaks off may miss the last status.
const WITNESS: &str = "tests.chaostoolkit.org/witness";

/// An experiment, from its creation to its deletion.
pub struct Life<'a> {
    pub rig: &'a Rig,
    pub story: Story,
    pub seen: Seen,
    pub uid: String,
    /// How long the kubelet waits for the operator before it goes on.
    patience: Duration,
    /// The limit for anything that has to happen.
    limit: Duration,
    log: audit::Tail,
    /// The number of runs so far.
    runs: usize,
}

impl<'a> Life<'a> {
    /// Prepares a life. A fault may last for the given time. Everything has to happen within the limit after that.
    pub fn new(rig: &'a Rig, story: Story, patience: Duration, fault: Duration) -> Self {
        let seen = Seen::begin(rig.install.experiments(), NAME);
        let log = audit::Tail::from_now();
        Self { rig, story, seen, uid: String::new(), patience, limit: LIMIT + fault, log, runs: 0 }
    }

    /// Creates the experiment as its author would.
    pub async fn create(&mut self) {
        let spec = self.story.spec(&self.rig.install.run_namespace, &self.rig.bound);
        let mut object = common::experiment(NAME, spec);
        object["metadata"]["finalizers"] = json!([WITNESS]);
        let made = self.rig.install.send(object).await.unwrap();
        self.uid = made.metadata.uid.unwrap();
    }

    /// Lets the next run start, by itself or as a run of the schedule. Returns the pod once it exists.
    pub async fn starts(&mut self) -> String {
        let wanted = self.is_asked_for().await;
        self.pod(&wanted).await
    }

    /// Asks for the next run. Returns the labels of its pod.
    pub async fn is_asked_for(&mut self) -> String {
        self.runs += 1;
        let mut wanted = format!("chaostoolkit.org/experiment-uid={}", self.uid);
        if self.story == Story::Schedule {
            self.patiently(|status| status.phase == Some(Phase::Scheduled)).await;
            let name = format!("run-{}", self.runs);
            common::succeeds_within(self.limit, "a run of the schedule can be started", async || {
                job::start(&self.rig.install, &self.uid, &name).await
            })
            .await;
            wanted = format!("{wanted},{}={name}", job::JOB_NAME);
        }
        wanted
    }

    /// Returns the pod with these labels once it exists.
    pub async fn pod(&self, labels: &str) -> String {
        let wanted = ListParams::default().labels(labels);
        let pods = self.rig.install.pods();
        within(self.limit, "the pod is there", async || {
            let found = pods.list(&wanted).await.ok()?;
            found.items.first()?.metadata.name.clone()
        })
        .await
    }

    /// Binds the pod to a node, as the scheduler would.
    pub async fn is_bound(&self, pod: &str) {
        self.follows(pod, |run| run.pod_uid.is_some()).await;
        common::bind_to(&self.rig.install, pod, self.rig.node()).await;
        self.follows(pod, |run| run.node_name.is_some()).await;
    }

    /// Lets the container of the pod run on a node.
    pub async fn runs(&self, pod: &str) {
        self.is_bound(pod).await;
        report_container(&self.rig.install.pods(), pod, running()).await;
        self.follows(pod, |run| run.started_at.is_some()).await;
    }

    /// Ends the container of the pod.
    pub async fn ends(&self, pod: &str) {
        report_container(&self.rig.install.pods(), pod, terminated(0)).await;
    }

    /// Waits until the end of the run is recorded and its pod is released. Returns the status.
    pub async fn recorded(&self, pod: &str) -> Status {
        within(self.limit, "the end is recorded", async || {
            self.status().await.filter(|status| is_over(status, pod))
        })
        .await;
        within(self.limit, "the pod is released", async || {
            let found = self.rig.install.pods().get_opt(pod).await.ok()?;
            found.is_none_or(|pod: Pod| pod.metadata.finalizers.is_none()).then_some(())
        })
        .await;
        if self.story == Story::Guarded {
            within(self.limit, "the status names nothing where the run was found", async || {
                let status = self.status().await?;
                let is_there = |found: &ResourceRef| found.namespace == self.rig.bound;
                (!status.resources.iter().any(is_there)).then_some(())
            })
            .await;
        }
        self.status().await.unwrap()
    }

    /// Starts the second run if the story has one. That run is in progress when the experiment is deleted.
    pub async fn goes_on(&mut self) -> Option<String> {
        if self.story.is_single() {
            return None;
        }
        let pod = self.starts().await;
        self.runs(&pod).await;
        // The last status must not show an earlier refusal.
        self.patiently(|status| status.phase == Some(Phase::Scheduled)).await;
        Some(pod)
    }

    /// Waits until the experiment has this reason.
    pub async fn waits_for(&self, reason: &str) {
        within(self.limit, "the status says what the run waits for", async || {
            self.status().await.filter(|status| status.reason.as_deref() == Some(reason))
        })
        .await;
    }

    /// Deletes the experiment as its author would.
    pub async fn delete(&self) {
        common::delete(&self.rig.install.experiments(), NAME).await;
    }

    /// Waits for the deletion of the pod and stops its container, as the kubelet would.
    pub async fn is_stopped(&self, pod: &str) {
        within(self.limit, "the pod is being deleted", async || {
            let found = self.rig.install.pods().get_opt(pod).await.ok()?;
            found.is_none_or(|pod: Pod| pod.metadata.deletion_timestamp.is_some()).then_some(())
        })
        .await;
        if self.story == Story::Schedule {
            within(self.limit, "the schedule and its jobs are being deleted", async || {
                job::let_go(&self.rig.install, &self.uid).await
            })
            .await;
        }
        self.ends(pod).await;
        common::end_grace(&self.rig.install, pod).await;
    }

    /// Waits until the operator has released the experiment, looks at it for the last time, and waits until nothing is
    /// left.
    pub async fn gone(&self) {
        let experiments: Api<Experiment> = self.rig.install.experiments();
        let last = within(self.limit, "the operator releases the experiment", async || {
            let found = experiments.get_opt(NAME).await.ok()??;
            let held = found.metadata.finalizers.clone().unwrap_or_default();
            (found.is_deleting() && held == [WITNESS]).then_some(found)
        })
        .await;
        self.seen.saw(last.status.unwrap_or_default());
        common::remove_finalizers(&experiments, NAME).await;
        within(self.limit, "the experiment is gone", async || {
            experiments.get_opt(NAME).await.ok()?.is_none().then_some(())
        })
        .await;
        assert_eq!(self.rig.install.left_behind().await, Vec::<String>::new(), "nothing is left behind");
    }

    /// Returns the objects of the experiment without the values that differ from run to run.
    pub async fn children(&self) -> Value {
        state::children(&self.rig.install, &self.rig.bound, &self.uid).await
    }

    /// Checks what has to hold whatever has happened.
    pub fn check(&mut self) {
        let mut created = audit::created_since(&mut self.log, &self.rig.install.run_namespace);
        created.retain(|resource, _| matches!(resource.as_str(), "pods" | "jobs" | "cronjobs"));
        assert_eq!(created, self.story.created(), "the created objects that start something");
        assert_eq!(self.seen.went_back(), None);
        assert_eq!(self.rig.operators.ended_by_themselves(), 0, "operators that ended by themselves");
    }

    async fn status(&self) -> Option<Status> {
        self.rig.install.experiments().get_opt(NAME).await.ok()??.status
    }

    /// Waits for a while until the operator reports this about the run with this pod.
    async fn follows(&self, pod: &str, wanted: impl Fn(&Run) -> bool) {
        let says =
            |status: &Status| status.run.as_ref().is_some_and(|run| run.pod_name == pod && wanted(run));
        self.patiently(|status| says(status) || is_over(status, pod)).await;
    }

    /// Waits for the operator for a while. The operator may be cut off, so the test goes on anyway.
    async fn patiently(&self, wanted: impl Fn(&Status) -> bool) {
        let watching = tokio::time::timeout(self.patience, async {
            loop {
                if wanted(&self.seen.last()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        // Later checks find out whether it got there in the end.
        let _ = watching.await;
    }
}

/// Whether the end of the run with this pod is recorded.
fn is_over(status: &Status, pod: &str) -> bool {
    status.is_finished() || status.history.iter().any(|past| past.run.pod_name == pod)
}
