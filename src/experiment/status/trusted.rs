//! What of a recorded status may be acted on: pure.
//!
//! Whoever may write the status could have the operator, or an administrator's `cleanup`, delete objects of others. So each
//! record has to be what the operator itself would have written for this experiment: its names end in the suffix that follows
//! from the uid, and its namespaces pass the checks of the spec. What an experiment outside the operator's namespace has is in
//! its own one, except rights in further namespaces. A record that fails is ignored, and an event names it.

use crate::cluster::manifest::Kind;
use crate::experiment::decide::place::Place;
use chaostoolkit_api::condition::short;
use chaostoolkit_api::{JournalRef, ResourceRef, Run, ScheduleStatus, Status, Targets, names};

/// The kinds of the recorded objects.
const RECORDED: [Kind; 6] = [
    Kind::ServiceAccount,
    Kind::Role,
    Kind::RoleBinding,
    Kind::ClusterRoleBinding,
    Kind::ConfigMap,
    Kind::CronJob,
];

/// A uid has 36 bytes. <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#uids>
const LONGEST_UID: usize = 64;

/// How many ignored records a message names.
const MAX_NAMED: usize = 5;

/// The kinds of the recorded objects that may be in other namespaces than the run.
const RIGHTS: [Kind; 2] = [Kind::Role, Kind::RoleBinding];

/// Removes from the status of the experiment with this uid and at this place what the operator would not have written.
/// Returns the rest, and a sentence about what is ignored.
#[must_use]
pub fn trusted(status: Status, uid: &str, place: Place<'_>) -> (Status, Option<String>) {
    let suffix = names::suffix(uid);
    let mut check = Check { suffix: &suffix, uid, place, ignored: Vec::new() };
    let status = check.status(status);
    let Check { ignored, .. } = check;
    if ignored.is_empty() {
        return (status, None);
    }
    let others = match ignored.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    let named = ignored.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    (
        status,
        Some(short(&format!("the operator would not have recorded this, so it is ignored: {named}{others}"))),
    )
}

struct Check<'a> {
    suffix: &'a str,
    uid: &'a str,
    place: Place<'a>,
    ignored: Vec<String>,
}

impl Check<'_> {
    fn status(&mut self, mut status: Status) -> Status {
        let is_own = |suffix: &String| suffix == self.suffix;
        if !status.suffix.as_ref().is_none_or(is_own) {
            self.ignore("suffix", status.suffix.take().as_deref());
        }
        if status.run_namespace.as_ref().is_some_and(|namespace| !self.place.may_run_in(namespace)) {
            self.ignore("runNamespace", status.run_namespace.take().as_deref());
        }
        status.resources.retain(|recorded| self.keeps(recorded));
        for recorded in &mut status.resources {
            recorded.uid.take_if(|uid| uid.len() > LONGEST_UID);
        }
        let is_scheduled = status.schedule.is_some();
        if let Some(run) = &mut status.run {
            self.run(run, is_scheduled);
        }
        for past in &mut status.history {
            // The runs of a schedule stay in the history after the schedule is gone. No call is made with these names.
            self.run(&mut past.run, true);
        }
        if let Some(schedule) = &mut status.schedule {
            self.schedule(schedule);
        }
        status
    }

    /// Whether a recorded object is one of this experiment.
    fn keeps(&mut self, recorded: &ResourceRef) -> bool {
        let ResourceRef { kind, namespace, name, .. } = recorded;
        let known = kind.parse::<Kind>().ok().filter(|kind| RECORDED.contains(kind));
        let is_own = known.is_some_and(|kind| kind.name_check()(name).is_ok())
            && names::is_child(name, self.suffix)
            && self.may_be_in(known, namespace)
            // 0.14.0 made none that could be taken over.
            && !(known == Some(Kind::ClusterRoleBinding) && recorded.adopted);
        if !is_own {
            self.ignored.push(format!("{kind} {namespace}/{name}"));
        }
        is_own
    }

    /// Checks the names of a run. The Job of a run that a schedule started, and its pod, may have any name.
    fn run(&mut self, run: &mut Run, is_scheduled: bool) {
        let is_pod = |name: &str| names::check_dns_subdomain(name).is_ok();
        let is_run = |name: &str| is_pod(name) && (is_scheduled || names::is_child(name, self.suffix));
        if !run.pod_name.is_empty() && !is_run(&run.pod_name) {
            self.ignore("podName", Some(&std::mem::take(&mut run.pod_name)));
        }
        if run.job_name.as_ref().is_some_and(|name| !is_pod(name)) {
            self.ignore("jobName", run.job_name.take().as_deref());
        }
        if let Some(rescue) = run.rescue.as_mut().filter(|rescue| !rescue.pod_name.is_empty()) {
            let pod = rescue.pod_name.strip_suffix(names::RESCUE_SUFFIX).filter(|_| is_pod(&rescue.pod_name));
            if !pod.is_some_and(|pod| names::is_child(pod, self.suffix)) {
                self.ignore("rescue.podName", Some(&std::mem::take(&mut rescue.pod_name)));
            }
        }
        self.targets(&mut run.targets);
        let number = run.number;
        if let Some(journal) = &mut run.journal {
            self.journal(journal, number);
        }
    }

    fn journal(&mut self, journal: &mut JournalRef, number: i32) {
        let own = names::journal(self.uid, number);
        if journal.config_map.as_ref().is_some_and(|name| *name != own) {
            self.ignore("journal.configMap", journal.config_map.take().as_deref());
            journal
                .problem
                .get_or_insert_with(|| "the record of its ConfigMap is not the operator's".to_owned());
        }
    }

    /// Checks the namespaces that were found for a run.
    fn targets(&mut self, targets: &mut Option<Targets>) {
        let may_reach = |name: &String| self.place.own_namespace().is_none() && self.place.may_reach(name);
        let is_right = |found: &Targets| {
            found.namespaces.len() <= Targets::MAX
                && found.namespaces.iter().all(may_reach)
                && (found.drawn.is_empty() || may_reach(&found.drawn))
        };
        if let Some(found) = targets.take_if(|found| !is_right(found)) {
            self.ignore("targets", Some(&found.drawn));
        }
    }

    fn schedule(&mut self, schedule: &mut ScheduleStatus) {
        for released in &mut schedule.released {
            self.targets(&mut released.targets);
        }
        let is_name = |name: &String| names::check_dns_subdomain(name).is_ok();
        let mut ignored: Vec<String> =
            schedule.active.iter().filter(|name| !is_name(name)).cloned().collect();
        schedule.active.retain(is_name);
        ignored.extend(schedule.stalled_job.take_if(|name| !is_name(name)));
        let unnamed = schedule.given_up.extract_if(.., |given_up| !is_name(&given_up.job_name));
        ignored.extend(unnamed.map(|given_up| given_up.job_name));
        for name in ignored {
            self.ignore("schedule", Some(&name));
        }
    }

    fn may_be_in(&self, kind: Option<Kind>, namespace: &str) -> bool {
        if kind.is_some_and(|kind| !kind.is_namespaced()) {
            return namespace.is_empty();
        }
        let is_right = kind.is_some_and(|kind| RIGHTS.contains(&kind));
        if is_right { self.place.may_reach(namespace) } else { self.place.may_run_in(namespace) }
    }

    fn ignore(&mut self, field: &str, value: Option<&str>) {
        self.ignored.push(format!("{field} {:?}", value.unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests;
