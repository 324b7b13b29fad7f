//! The runs of a schedule that one status has and the one before it has not: pure. Events, counters and other servers tell of them.

use chaostoolkit_api::{PastRun, Phase, Run, Status};

/// Whether a run of a schedule has no event yet. Its journal may arrive after its end. A run without a schedule got its
/// event when it ended.
#[must_use]
pub fn is_new(past: &PastRun, old: &Status) -> bool {
    let identity = |run: &Run| {
        let Run { pod_uid, pod_name, job_name, requested_at, .. } = run;
        (pod_uid.clone(), pod_name.clone(), job_name.clone(), requested_at.clone())
    };
    let is_known = |known: &PastRun| identity(&known.run) == identity(&past.run);
    old.schedule.is_some() && !old.history.iter().any(is_known)
}

/// How many runs of a schedule were due and have left no trace: the previous run went on, or nothing was there to start them.
#[must_use]
pub fn missed(old: &Status, new: &Status) -> u64 {
    if new.schedule.is_none() {
        return 0;
    }
    let skipped = |status: &Status| status.counters.map_or(0, |counters| counters.skipped);
    // Runs that had a Job have an event of their own.
    let told = new.history.iter().filter(|past| past.phase == Phase::Skipped && is_new(past, old)).count();
    let told = i32::try_from(told).unwrap_or(i32::MAX);
    let more = skipped(new).saturating_sub(skipped(old)).saturating_sub(told);
    more.max(0).unsigned_abs().into()
}
