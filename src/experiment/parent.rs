//! Which objects belong to an experiment: pure.
//!
//! A label shows what an object says of itself, and anybody may write it. So identity comes from what the operator has
//! recorded on the status: a random text before it creates anything, and the uids of pods, Jobs and `CronJob`s once they exist.

use std::collections::HashSet;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::{Resource, ResourceExt};

use crate::cluster::belongs_to;
use crate::cluster::manifest::{Kind, Manifest};
use chaostoolkit_api::{Experiment, ResourceRef, Status, Text, names};

/// An experiment, and what shows that an object is its child.
#[derive(Clone, Debug, Default)]
pub struct Parent {
    uid: String,
    /// The random text. An older operator has recorded none, and adopted objects have no mark. Then the label decides.
    nonce: Option<String>,
    /// The uids of the recorded pods.
    pods: HashSet<String>,
    /// Namespaces and names of the recorded `CronJob`s.
    schedules: Vec<(String, String)>,
    /// The uids of the `CronJob`s that started runs.
    cron_jobs: HashSet<String>,
    /// The uids of the Jobs that were seen before they vanished.
    jobs: HashSet<String>,
}

impl Parent {
    /// Takes an experiment with this status as the parent.
    #[must_use]
    pub fn of(uid: &str, status: &Status) -> Self {
        let past = status.history.iter().map(|past| &past.run);
        let runs: Vec<_> = status.run.iter().chain(past).collect();
        let rescues = runs.iter().filter_map(|run| run.rescue.as_ref()?.pod_uid.clone());
        let schedule = status.schedule.clone().unwrap_or_default();
        let schedules = status.resources.iter().filter(|recorded| Kind::CronJob.is_of(recorded));
        Self {
            uid: uid.to_owned(),
            nonce: status.nonce.clone(),
            pods: runs.iter().filter_map(|run| run.pod_uid.clone()).chain(rescues).collect(),
            schedules: schedules.map(|one| (one.namespace.clone(), one.name.clone())).collect(),
            cron_jobs: schedule.cron_job_uids.into_iter().collect(),
            jobs: schedule.job_uids.into_iter().collect(),
        }
    }

    /// Takes an experiment as the parent, with the status that was read.
    #[must_use]
    pub fn of_experiment(experiment: &Experiment) -> Self {
        Self::of(experiment.uid(), &experiment.status.clone().unwrap_or_default())
    }

    /// Takes an experiment that is gone as the parent of what this `CronJob` has started.
    #[must_use]
    pub fn gone(uid: &str, cron_job: Option<String>) -> Self {
        Self { uid: uid.to_owned(), cron_jobs: cron_job.into_iter().collect(), ..Self::default() }
    }

    /// The uid of the experiment.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Whether the operator has recorded a random text, so that its objects carry marks.
    #[must_use]
    pub const fn has_nonce(&self) -> bool {
        self.nonce.is_some()
    }

    /// Whether a `CronJob` of the experiment is recorded.
    #[must_use]
    pub fn has_cron_job(&self) -> bool {
        !self.cron_jobs.is_empty()
    }

    /// Returns the object with the mark that shows that the operator has created it. The pods of a `CronJob` get the mark of the
    /// `CronJob`.
    #[must_use]
    pub fn marked(&self, manifest: &Manifest) -> Manifest {
        let mut marked = manifest.clone();
        let Some(mark) = self.mark(manifest.kind, manifest.namespace(), manifest.name()) else {
            return marked;
        };
        if manifest.kind == Kind::CronJob {
            let template = ["spec", "jobTemplate", "spec", "template", "metadata", "annotations"];
            marked.map(&template).insert(names::MARK_ANNOTATION.to_owned(), mark.clone().into());
        }
        marked.map(&["metadata", "annotations"]).insert(names::MARK_ANNOTATION.to_owned(), mark.into());
        marked
    }

    fn mark(&self, kind: Kind, namespace: &str, name: &str) -> Option<String> {
        self.nonce.as_ref().map(|nonce| names::mark(nonce, kind.as_str(), namespace, name))
    }

    /// Whether the operator has created an object of this kind for the experiment.
    pub fn owns<K: Resource>(&self, kind: Kind, object: &K) -> bool {
        let namespace = object.namespace().unwrap_or_default();
        let mark = self.mark(kind, &namespace, &object.name_any());
        belongs_to(object, &self.uid)
            && mark.is_none_or(|mark| object.annotations().get(names::MARK_ANNOTATION) == Some(&mark))
    }

    /// Whether an object is the one that was recorded.
    pub fn owns_recorded<K: Resource>(&self, kind: Kind, recorded: &ResourceRef, object: &K) -> bool {
        is_adopted(recorded, object) || self.owns(kind, object)
    }

    /// Whether a pod is that of a run or of a rescue whose recorded pod has this uid. Until a uid is recorded, the mark
    /// decides.
    #[must_use]
    pub fn has_run(&self, pod: &Pod, recorded: Option<&str>) -> bool {
        match recorded {
            Some(uid) => belongs_to(pod, &self.uid) && pod.metadata.uid.as_deref() == Some(uid),
            None => self.owns(Kind::Pod, pod),
        }
    }

    /// Whether the operator has created a pod: for the present run, for an earlier one, or for a rescue.
    #[must_use]
    pub fn owns_pod(&self, pod: &Pod) -> bool {
        let is_recorded = pod.metadata.uid.as_ref().is_some_and(|uid| self.pods.contains(uid));
        belongs_to(pod, &self.uid) && (is_recorded || self.owns(Kind::Pod, pod))
    }

    /// Whether a Job was made from a `CronJob` of the experiment, by its controller, by the operator, or by `kubectl`.
    #[must_use]
    pub fn owns_job(&self, job: &Job) -> bool {
        belongs_to(job, &self.uid) && controller(job).is_some_and(|uid| self.cron_jobs.contains(uid))
    }

    /// Whether a pod is that of a run of the schedule: it has one of these Jobs, or one that was seen before it vanished. If no
    /// operator has seen its Job, the mark of the `CronJob` decides.
    #[must_use]
    pub fn owns_scheduled(&self, pod: &Pod, jobs: &Jobs) -> bool {
        let is_ours = |uid: &str| {
            let is_seen =
                self.jobs.contains(uid) || jobs.own.iter().any(|job| job.uid().as_deref() == Some(uid));
            is_seen || (!jobs.others.contains(uid) && self.has_mark_of_schedule(pod))
        };
        belongs_to(pod, &self.uid) && controller(pod).is_some_and(is_ours)
    }

    /// Whether a pod was created for the experiment, by the operator or by one of these Jobs of its schedule.
    #[must_use]
    pub fn owns_any(&self, pod: &Pod, jobs: &Jobs) -> bool {
        self.owns_scheduled(pod, jobs) || self.owns_pod(pod)
    }

    fn has_mark_of_schedule(&self, pod: &Pod) -> bool {
        let found = pod.annotations().get(names::MARK_ANNOTATION);
        let mut marks =
            self.schedules.iter().filter_map(|(namespace, name)| self.mark(Kind::CronJob, namespace, name));
        marks.any(|mark| found == Some(&mark))
    }
}

/// The Jobs in a namespace that have the label of an experiment.
#[derive(Clone, Debug, Default)]
pub struct Jobs {
    /// Those of its schedule, the newest first.
    pub own: Vec<Job>,
    /// The uids of those of somebody else.
    pub others: HashSet<String>,
}

/// Whether an object is the one that was adopted. It has no label that names an experiment. Records of earlier versions have
/// no uid.
fn is_adopted<K: Resource>(recorded: &ResourceRef, object: &K) -> bool {
    let is_same = recorded.uid.is_none() || recorded.uid.as_ref() == object.meta().uid.as_ref();
    recorded.adopted && is_same && !object.labels().contains_key(names::UID_LABEL)
}

/// The uid of the controller of an object.
fn controller<K: Resource>(object: &K) -> Option<&str> {
    let owners = object.meta().owner_references.as_ref()?;
    owners.iter().find(|owner| owner.controller == Some(true)).map(|owner| owner.uid.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn parent(status: Value) -> Parent {
        Parent::of("uid", &serde_json::from_value(status).unwrap())
    }

    fn pod(annotations: &Value, owner: Option<&str>) -> Pod {
        let owners: Vec<Value> = owner
            .map(|uid| json!({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": uid, "controller": true}))
            .into_iter()
            .collect();
        serde_json::from_value(json!({"metadata": {"name": "p", "namespace": "n", "uid": "pod",
            "labels": {names::UID_LABEL: "uid"}, "annotations": annotations, "ownerReferences": owners}}))
        .unwrap()
    }

    #[rstest]
    #[case::by_an_older_operator(json!({}), json!({}), true)]
    #[case::without_a_mark(json!({"nonce": "x"}), json!({}), false)]
    #[case::with_its_mark(json!({"nonce": "x"}), json!({names::MARK_ANNOTATION: names::mark("x", "Pod", "n", "p")}), true)]
    #[case::with_that_of_another_object(json!({"nonce": "x"}), json!({names::MARK_ANNOTATION: names::mark("x", "Pod", "n", "q")}), false)]
    #[case::recorded(json!({"nonce": "x", "run": {"number": 1, "podName": "p", "podUid": "pod"}}), json!({}), true)]
    fn a_pod_is_ours_by_its_mark_or_by_its_recorded_uid(
        #[case] status: Value,
        #[case] annotations: Value,
        #[case] expected: bool,
    ) {
        assert_eq!(parent(status).owns_pod(&pod(&annotations, None)), expected);
    }

    #[test]
    fn once_a_uid_is_recorded_no_mark_counts() {
        let parent = parent(json!({"nonce": "x"}));
        let marked = pod(&json!({names::MARK_ANNOTATION: names::mark("x", "Pod", "n", "p")}), None);
        assert!(parent.has_run(&marked, None) && parent.has_run(&marked, Some("pod")));
        assert!(!parent.has_run(&marked, Some("another")));
        assert!(parent.has_run(&pod(&json!({}), None), Some("pod")));
    }

    #[test]
    fn a_run_of_a_schedule_has_a_job_that_is_known() {
        let parent = parent(json!({"schedule": {"cron": "", "cronJobUids": ["c"], "jobUids": ["seen"]}}));
        let job = |owner: &str| -> Job {
            let mut job = json!(pod(&json!({}), Some(owner)));
            job["metadata"]["uid"] = json!("job");
            (job["apiVersion"], job["kind"]) = (json!("batch/v1"), json!("Job"));
            serde_json::from_value(job).unwrap()
        };
        assert!(parent.owns_job(&job("c")) && !parent.owns_job(&job("another")));
        for (owner, expected) in
            [(Some("job"), true), (Some("seen"), true), (Some("c"), false), (None, false)]
        {
            let jobs = Jobs { own: vec![job("c")], ..Jobs::default() };
            assert_eq!(parent.owns_scheduled(&pod(&json!({}), owner), &jobs), expected, "{owner:?}");
        }
    }

    #[rstest]
    #[case::of_its_schedule(Some("c"), "gone", true)]
    #[case::of_another_schedule(Some("d"), "gone", false)]
    #[case::without_a_mark(None, "gone", false)]
    #[case::with_the_job_of_somebody_else(Some("c"), "theirs", false)]
    fn a_pod_whose_job_came_and_went_unseen_is_known_by_the_mark_of_the_schedule(
        #[case] marked: Option<&str>,
        #[case] job: &str,
        #[case] expected: bool,
    ) {
        let schedule = json!({"kind": "CronJob", "namespace": "n", "name": "c"});
        let parent = parent(json!({"nonce": "x", "resources": [schedule]}));
        let annotations = marked.map_or_else(Value::default, |name| {
            let cron_job = json!({"metadata": {"namespace": "n", "name": name}});
            let made = parent.marked(&Manifest::new(Kind::CronJob, cron_job));
            made.value["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["annotations"].clone()
        });
        let jobs = Jobs { others: HashSet::from(["theirs".to_owned()]), ..Jobs::default() };
        assert_eq!(parent.owns_scheduled(&pod(&annotations, Some(job)), &jobs), expected);
    }
}
