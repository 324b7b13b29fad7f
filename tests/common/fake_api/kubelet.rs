//! Plays the kubelet, the scheduler and the controllers of jobs.

use std::io;

use chaostoolkit_journal::frame::{self, Carried, Frame};
use chaostoolkit_journal::message::{File, Message, State as Stage};
use chaostoolkit_journal::{Summary, parse};
use chaostoolkit_operator::process::clock;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::FakeApi;

impl FakeApi {
    /// Makes one step of the scheduler and the kubelet for each pod. A new pod starts. A running pod ends if there is
    /// an exit code. A pod that is being deleted stops, and is then released. Returns whether there was anything to
    /// do.
    pub fn kubelet(&self, exit_code: Option<i32>) -> bool {
        let mut state = self.lock();
        let is_pod = |path: &&String| path.contains("/pods/") && state.has_namespace(path);
        let pods: Vec<String> = state.objects.keys().filter(is_pod).cloned().collect();
        let mut moved = false;
        for path in pods {
            let mut pod = state.objects[&path].clone();
            let is_deleting = !pod["metadata"]["deletionTimestamp"].is_null();
            if is_running(&pod) && pod["spec"]["activeDeadlineSeconds"] == 1 {
                stop_helper(&mut pod);
                moved = true;
                state.store(&path, pod);
                continue;
            }
            if is_running(&pod) && (is_deleting || exit_code.is_some()) {
                let code = if is_deleting { 143 } else { exit_code.unwrap_or_default() };
                end(&mut pod, code, &Self::reported(code.into()).0);
            } else if is_deleting && !is_running(&pod) && pod["metadata"]["deletionGracePeriodSeconds"] != 0 {
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(0);
            } else if !is_deleting && pod["spec"]["nodeName"].is_null() && pod["status"]["phase"] == "Pending"
            {
                pod["spec"]["nodeName"] = json!("node");
                pod["status"] = json!({"phase": "Running", "containerStatuses": [{"name": "chaostoolkit",
                    "state": {"running": {"startedAt": "2026-01-01T00:01:00Z"}}}]});
            } else {
                continue;
            }
            moved = true;
            state.store(&path, pod);
        }
        moved
    }

    /// Does what the controller of `CronJob`s does when one is due: creates a job. Returns the path of the job.
    pub fn due(&self, cron_job: &str) -> String {
        let cron_job = self.get(cron_job).unwrap_or_else(|| panic!("no {cron_job}"));
        let name = cron_job["metadata"]["name"].as_str().unwrap_or_default();
        let number = self.lock().next_job();
        let mut job = owned(&format!("{name}-{number}"), &cron_job["spec"]["jobTemplate"], &cron_job);
        job["kind"] = json!("Job");
        let scheduled = job["metadata"]["creationTimestamp"].clone();
        job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = scheduled;
        self.put(job)
    }

    /// Does what `kubectl create job --from` does. Returns the path of the job.
    pub fn create_job_from(&self, cron_job: &str, name: &str) -> String {
        let cron_job = self.get(cron_job).unwrap_or_else(|| panic!("no {cron_job}"));
        let mut job = owned(name, &cron_job["spec"]["jobTemplate"], &cron_job);
        job["kind"] = json!("Job");
        job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] = json!("manual");
        self.put(job)
    }

    /// Does what the job controller does for a new job: creates its pod. Returns the path of the pod. A job that is suspended
    /// gets no pod.
    pub fn start_job(&self, path: &str) -> String {
        let job = self.get(path).unwrap_or_else(|| panic!("no {path}"));
        assert_ne!(job["spec"]["suspend"], true, "{path} is suspended");
        let name = job["metadata"]["name"].as_str().unwrap_or_default();
        let mut pod = owned(&format!("{name}-pod"), &job["spec"]["template"], &job);
        pod["kind"] = json!("Pod");
        pod["status"] = json!({"phase": "Pending"});
        self.put(pod)
    }

    /// Ends the container of a pod with this code. Its termination message is the given one, or else the one that the
    /// runner writes in this case.
    pub fn end(&self, path: &str, code: i32, message: Option<&Message>) {
        let message = message.map_or_else(|| Self::reported(code.into()).0, Message::to_json);
        self.edit(path, |pod| end(pod, code, &message));
    }

    /// Ends the toolkit of a pod this many seconds ago, while another container of the pod goes on.
    pub fn end_beside_helper(&self, path: &str, seconds: i64) {
        self.edit(path, |pod| end_beside_helper(pod, seconds));
    }

    /// Returns the termination message and the log that the containers of a pod leave when the toolkit ends with this
    /// code.
    pub(super) fn reported(code: i64) -> (String, Vec<u8>) {
        let journal = include_bytes!("../../journals/ok@1.21.4.json");
        let journal = serde_json::from_slice::<Value>(journal).unwrap_or_default()["journal"].to_string();
        let mut message = Message { exit_code: i32::try_from(code).ok(), ..Message::new(Stage::Ended) };
        let mut log = Vec::new();
        match code {
            0 => {
                frame::write(&mut io::Cursor::new(&journal), &mut log).unwrap_or_default();
                message.summary = parse(journal.as_bytes()).ok().map(|journal| Summary::of(&journal));
                if let Ok(Frame::Journal(Carried { bytes, sha256, .. })) = frame::read(&log) {
                    message.journal = Some(File { bytes, sha256, problem: None });
                }
            }
            143 => message.stopped_by = Some("SIGTERM".to_owned()),
            // The runner could only report that it has begun, and the sidecar finds no journal.
            137 | 255 => {
                message = Message::new(Stage::Running);
                frame::write_none("there is no journal", &mut log).unwrap_or_default();
            }
            _ => log.extend(b"[ERROR] the experiment has no title"),
        }
        (message.to_json(), log)
    }
}

fn end(pod: &mut Value, code: i32, message: &str) {
    let (phase, reason) = if code == 0 { ("Succeeded", "Completed") } else { ("Failed", "Error") };
    // Just now: the operator does not wait for the logs of runs that ended long ago.
    let finished = Timestamp::from_second(clock::now().as_second()).unwrap_or_default();
    let started = finished - SignedDuration::from_secs(42);
    pod["status"] = json!({"phase": phase, "containerStatuses": [{"name": "chaostoolkit", "state": {"terminated": {
        "exitCode": code, "reason": reason, "message": message,
        "startedAt": started.to_string(), "finishedAt": finished.to_string()}}}]});
}

/// Ends the toolkit of a pod this many seconds ago with exit code 0, while the helper goes on.
fn end_beside_helper(pod: &mut Value, seconds: i64) {
    end(pod, 0, &FakeApi::reported(0).0);
    let finished = clock::now() - SignedDuration::from_secs(seconds);
    let mut toolkit = pod["status"]["containerStatuses"][0].clone();
    toolkit["state"]["terminated"]["finishedAt"] = json!(finished.to_string());
    let helper = json!({"name": "helper", "state": {"running": {}}});
    pod["status"]["containerStatuses"] = json!([toolkit, helper]);
    pod["spec"]["containers"] = json!([pod["spec"]["containers"][0], {"name": "helper"}]);
    pod["status"]["phase"] = json!("Running");
}

/// Ends what still runs in a pod that is past its deadline, as the kubelet does.
fn stop_helper(pod: &mut Value) {
    pod["status"]["phase"] = json!("Failed");
    pod["status"]["reason"] = json!("DeadlineExceeded");
    pod["status"]["message"] = json!("Pod was active on the node longer than the specified deadline");
    pod["status"]["containerStatuses"][1]["state"] = json!({"terminated": {"exitCode": 143}});
}

/// An object of a template, with its owner.
fn owned(name: &str, template: &Value, owner: &Value) -> Value {
    let mut object = template.clone();
    object["metadata"]["name"] = json!(name);
    object["metadata"]["namespace"] = owner["metadata"]["namespace"].clone();
    object["metadata"]["creationTimestamp"] = json!(now());
    let reference = json!({"apiVersion": "batch/v1", "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true});
    object["metadata"]["ownerReferences"] = json!([reference]);
    object
}

fn now() -> Timestamp {
    chaostoolkit_operator::process::clock::now()
}

/// Whether the container of a pod runs.
pub(super) fn is_running(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}
