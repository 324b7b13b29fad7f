//! Since when it is known that a pod has ended.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::status::draft::Draft;
use chaostoolkit_api::EndedPod;

/// How many ended pods of a schedule may wait for something.
const MAX_ENDED: usize = 100;

impl Draft {
    /// Records since when it is known that a pod has ended, by the operator's own clock, and returns that time. The clock of
    /// the node may be wrong, so nothing is counted from the time that the kubelet reports.
    pub fn end_seen(&mut self, pod: &Pod) -> Time {
        let now = Time(self.now);
        let recorded = self.past_run(pod).and_then(|past| past.run.recorded_at.clone());
        let Some(schedule) = &mut self.status.schedule else {
            return match &mut self.status.run {
                Some(run) => run.recorded_at.get_or_insert(now).clone(),
                None => now,
            };
        };
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if let Some(known) = schedule.ended.iter().find(|known| known.pod_uid == uid) {
            return known.seen_at.clone();
        }
        let seen_at = recorded.unwrap_or(now);
        schedule.ended.insert(0, EndedPod { pod_uid: uid, seen_at: seen_at.clone() });
        schedule.ended.truncate(MAX_ENDED);
        seen_at
    }

    /// Forgets the ended pods of a schedule that wait for nothing any more.
    pub fn keep_ended(&mut self, is_waiting: impl Fn(&str) -> bool) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.ended.retain(|known| is_waiting(&known.pod_uid));
        }
    }
}
