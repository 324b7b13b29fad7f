//! The Jobs of a schedule: what started them, what keeps them from starting, and those that are given up.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::judge::job;
use crate::experiment::judge::pod_state::Stall;
use crate::experiment::judge::verdict::Verdict;
use crate::experiment::status::draft::Draft;
use crate::experiment::status::end::count;
use crate::experiment::status::schedule::{keep_newest, past};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{About, GivenUp, PastRun, Phase, Run};

impl Draft {
    /// A pod of a schedule, with its Job if that still exists. The record keeps what a Job that is gone said of the run.
    pub fn run_seen(&mut self, pod: &Pod, job: Option<&Job>) {
        let run = self.next_run(pod);
        let Some(owner) = job::owner(pod) else {
            self.status.run = Some(run);
            return;
        };
        let job_name = Some(owner.name.clone());
        let is_recorded = run.job_name.is_some();
        self.status.run = Some(match job {
            None if is_recorded => run,
            None => Run { job_name, trigger: job::trigger(None, &owner.name), ..run },
            Some(found) => Run {
                job_name,
                trigger: job::trigger(Some(found), &owner.name),
                requested_at: found.metadata.creation_timestamp.clone(),
                ..run
            },
        });
    }

    /// The run of a Job cannot start. `told` is the message of the recorded status: the words of Kubernetes vary from one
    /// attempt to the next, and the first ones stay, since each change would be a write.
    pub fn start_stalled(&mut self, job: &Job, stall: &Stall, told: Option<&str>) {
        let Some(phase) = self.status.phase else { return };
        let name = job.metadata.name.as_deref().unwrap_or_default();
        let known = format!("the run of Job {name} has not started: {}: ", stall.word);
        let message = match told {
            Some(told) if told.starts_with(&known) => told.to_owned(),
            _ => format!("{known}{}", stall.message),
        };
        self.phase(phase, stall.reason(), &message);
        if let Some(schedule) = &mut self.status.schedule {
            schedule.stalled_job = Some(name.to_owned());
        }
    }

    /// A Job is to be deleted before its run has started. Recorded before it is deleted, since nothing else says later why
    /// the run did not start.
    pub fn give_up(&mut self, job: &Job, reason: Reason) {
        self.leave_out(job, reason, None);
    }

    /// The run of a Job is skipped, for this reason. The Job is given up.
    pub fn skip(&mut self, job: &Job, reason: Reason, message: &str) {
        self.leave_out(job, reason, PastRun::short(message));
    }

    fn leave_out(&mut self, job: &Job, reason: Reason, message: Option<String>) {
        let name = job.metadata.name.clone().unwrap_or_default();
        let Some(schedule) = &mut self.status.schedule else { return };
        if schedule.given_up.iter().all(|known| known.job_name != name) {
            schedule.given_up.push(GivenUp {
                trigger: job::trigger(Some(job), &name),
                requested_at: job.metadata.creation_timestamp.clone(),
                reason: reason.into(),
                message,
                job_name: name,
            });
        }
    }

    /// The run of a Job has started, so the Job is not deleted any more.
    pub fn keep_job(&mut self, job: &Job) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.given_up.retain(|known| Some(&known.job_name) != job.metadata.name.as_ref());
        }
    }

    /// The Jobs that are given up.
    #[must_use]
    pub fn given_up(&self) -> Vec<GivenUp> {
        self.status.schedule.as_ref().map(|schedule| schedule.given_up.clone()).unwrap_or_default()
    }

    /// Takes a Job from the list of those that are given up. Returns the verdict on its run, unless that has started.
    pub(super) fn take_given_up(&mut self, job: Option<&str>, has_started: bool) -> Option<Verdict> {
        let schedule = self.status.schedule.as_mut()?;
        let at = schedule.given_up.iter().position(|known| Some(known.job_name.as_str()) == job)?;
        let given_up = schedule.given_up.remove(at);
        (!has_started).then(|| verdict(&given_up))
    }

    /// A Job that was given up is gone, and never had a pod.
    pub fn ended_without_pod(&mut self, given_up: &GivenUp) {
        let Some(verdict) = self.take_given_up(Some(&given_up.job_name), false) else { return };
        let is_skipped = verdict.phase == Phase::Skipped;
        let run = Run {
            number: if is_skipped { 0 } else { self.next_number() },
            trigger: given_up.trigger,
            requested_at: given_up.requested_at.clone(),
            job_name: Some(given_up.job_name.clone()),
            // Whether it is known at this moment depends on what failed in this pass. A skipped run ran no experiment.
            experiment: if is_skipped { About::default() } else { self.about.clone() },
            finished_at: Some(Time(self.now)),
            ..Run::default()
        };
        count(&mut self.status, &verdict);
        if !is_skipped {
            self.status.run = Some(run.clone());
        }
        self.status.history.insert(0, past(run, verdict));
        keep_newest(&mut self.status.history);
    }
}

/// The verdict on the run of a Job that was deleted before the run had started.
fn verdict(given_up: &GivenUp) -> Verdict {
    let job = &given_up.job_name;
    match given_up.reason.parse() {
        Ok(Reason::AbortRequested) => {
            Verdict::not_started(Reason::AbortRequested, "stopped by spec.abort before it had started")
        }
        Ok(Reason::Replaced) => {
            let text = format!("the spec was edited before the run of Job {job} had started");
            Verdict::new(chaostoolkit_api::Outcome::Error, Reason::Replaced, text)
        }
        Ok(Reason::StartTimeout) | Err(_) => {
            Verdict::start_timeout(format!("the run of Job {job} had not started in time"))
        }
        Ok(reason) => Verdict::skipped(reason, given_up.message.clone().unwrap_or_default()),
    }
}
