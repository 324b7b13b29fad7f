//! The life of one experiment, as every plan has it. The rig plays the kubelet: there is no node.

use std::time::Duration;

use chaostoolkit_api::{Experiment, Phase, Run, Status};
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

/// Keeps it for a last look: a watch that breaks off may miss its last status.
const WITNESS: &str = "tests.chaostoolkit.org/witness";

/// An experiment that is about to live.
pub struct Life<'a> {
    pub rig: &'a Rig,
    pub story: Story,
    pub seen: Seen,
    pub uid: String,
    /// How long the kubelet waits for the operator to follow before it goes on.
    patience: Duration,
    /// How long anything may take that has to happen.
    limit: Duration,
    log: audit::Tail,
    /// How many runs there were so far.
    runs: usize,
}

impl<'a> Life<'a> {
    /// Before it begins. A fault may last for some time; what has to happen has to happen within the limit after it.
    pub fn new(rig: &'a Rig, story: Story, patience: Duration, fault: Duration) -> Self {
        let seen = Seen::begin(rig.install.experiments(), NAME);
        let log = audit::Tail::from_now();
        Self { rig, story, seen, uid: String::new(), patience, limit: LIMIT + fault, log, runs: 0 }
    }

    /// The author creates it.
    pub async fn create(&mut self) {
        let spec = self.story.spec(&self.rig.install.run_namespace, &self.rig.bound);
        let mut object = common::experiment(NAME, spec);
        object["metadata"]["finalizers"] = json!([WITNESS]);
        let made = self.rig.install.send(object).await.unwrap();
        self.uid = made.metadata.uid.unwrap();
    }

    /// Its next run starts: by itself, or as one of its schedule. The pod of it, once it is there.
    pub async fn starts(&mut self) -> String {
        self.runs += 1;
        let mut wanted = format!("chaostoolkit.org/experiment-uid={}", self.uid);
        if self.story == Story::Schedule {
            self.patiently(|status| status.phase == Some(Phase::Scheduled)).await;
            let name = format!("run-{}", self.runs);
            within(self.limit, "a run of the schedule can be started", async || {
                job::start(&self.rig.install, &self.uid, &name).await
            })
            .await;
            wanted = format!("{wanted},{}={name}", job::JOB_NAME);
        }
        let wanted = ListParams::default().labels(&wanted);
        let pods = self.rig.install.pods();
        within(self.limit, "the pod is there", async || {
            let found = pods.list(&wanted).await.ok()?;
            found.items.first()?.metadata.name.clone()
        })
        .await
    }

    /// The scheduler finds a node for it.
    pub async fn is_bound(&self, pod: &str) {
        self.follows(pod, |run| run.pod_uid.is_some()).await;
        common::bind_to(&self.rig.install, pod, self.rig.node()).await;
        self.follows(pod, |run| run.node_name.is_some()).await;
    }

    /// Its container runs on a node.
    pub async fn runs(&self, pod: &str) {
        self.is_bound(pod).await;
        report_container(&self.rig.install.pods(), pod, running()).await;
        self.follows(pod, |run| run.started_at.is_some()).await;
    }

    /// Its container ends.
    pub async fn ends(&self, pod: &str) {
        report_container(&self.rig.install.pods(), pod, terminated(0)).await;
    }

    /// Waits until its end is recorded, and its pod let go.
    pub async fn recorded(&self, pod: &str) -> Status {
        within(self.limit, "the end is recorded", async || {
            self.status().await.filter(|status| is_over(status, pod))
        })
        .await;
        within(self.limit, "the pod is let go", async || {
            let found = self.rig.install.pods().get_opt(pod).await.ok()?;
            found.is_none_or(|pod: Pod| pod.metadata.finalizers.is_none()).then_some(())
        })
        .await;
        self.status().await.unwrap()
    }

    /// The run that goes on when it is deleted, if it has one after the first.
    pub async fn goes_on(&mut self) -> Option<String> {
        if self.story == Story::OneShot {
            return None;
        }
        let pod = self.starts().await;
        self.runs(&pod).await;
        // What was refused until now is not what its last status is about.
        self.patiently(|status| status.phase == Some(Phase::Scheduled)).await;
        Some(pod)
    }

    /// Waits until it says that it waits for something.
    pub async fn waits_for(&self, reason: &str) {
        within(self.limit, "it says what it waits for", async || {
            self.status().await.filter(|status| status.reason.as_deref() == Some(reason))
        })
        .await;
    }

    /// The author deletes it.
    pub async fn delete(&self) {
        common::delete(&self.rig.install.experiments(), NAME).await;
    }

    /// The kubelet stops its container, as it was asked to.
    pub async fn is_stopped(&self, pod: &str) {
        within(self.limit, "the pod is to stop", async || {
            let found = self.rig.install.pods().get_opt(pod).await.ok()?;
            found.is_none_or(|pod: Pod| pod.metadata.deletion_timestamp.is_some()).then_some(())
        })
        .await;
        if self.story == Story::Schedule {
            within(self.limit, "the schedule and its jobs are to go", async || {
                job::let_go(&self.rig.install, &self.uid).await
            })
            .await;
        }
        self.ends(pod).await;
        common::end_grace(&self.rig.install, pod).await;
    }

    /// Waits until the operator has let it go, looks at it for the last time, and waits until nothing is left of it.
    pub async fn gone(&self) {
        let experiments: Api<Experiment> = self.rig.install.experiments();
        let last = within(self.limit, "the operator lets it go", async || {
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

    /// What it has made, with nothing in it that differs from run to run.
    pub async fn children(&self) -> Value {
        state::children(&self.rig.install, &self.rig.bound, &self.uid).await
    }

    /// What has to hold whatever has happened.
    pub fn check(&mut self) {
        let mut created = audit::created_since(&mut self.log, &self.rig.install.run_namespace);
        created.retain(|resource, _| matches!(resource.as_str(), "pods" | "jobs" | "cronjobs"));
        assert_eq!(created, self.story.created(), "what was ever created that starts something");
        assert_eq!(self.seen.went_back(), None);
        assert_eq!(self.rig.operators.ended_by_themselves(), 0, "operators that ended by themselves");
    }

    async fn status(&self) -> Option<Status> {
        self.rig.install.experiments().get_opt(NAME).await.ok()??.status
    }

    /// Waits for a while until the operator says this of the run with this pod.
    async fn follows(&self, pod: &str, wanted: impl Fn(&Run) -> bool) {
        let says =
            |status: &Status| status.run.as_ref().is_some_and(|run| run.pod_name == pod && wanted(run));
        self.patiently(|status| says(status) || is_over(status, pod)).await;
    }

    /// Waits for the operator for a while. It may be cut off, and the world goes on all the same.
    async fn patiently(&self, wanted: impl Fn(&Status) -> bool) {
        let watching = tokio::time::timeout(self.patience, async {
            loop {
                if wanted(&self.seen.last()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        // Whether it has come to it in the end is asked elsewhere.
        let _ = watching.await;
    }
}

/// Whether the end of the run with this pod is recorded.
fn is_over(status: &Status, pod: &str) -> bool {
    status.is_finished() || status.history.iter().any(|past| past.run.pod_name == pod)
}
