//! Runs that the operator stops without being asked by the author.

use k8s_openapi::api::core::v1::Pod;

use crate::experiment::status::draft::Draft;
use chaostoolkit_api::{PastRun, Stop, StoppedPod};

/// How many pods of a schedule are recorded as stopped.
const MAX_STOPPED: usize = 100;

impl Draft {
    /// The run of an experiment without a schedule is to be stopped. The first reason stays.
    pub fn stop(&mut self, stop: Stop) {
        if let Some(run) = &mut self.status.run {
            run.stop.get_or_insert_with(|| short(stop));
        }
    }

    /// The pod of a schedule is to be stopped. The first reason stays.
    pub fn stop_pod(&mut self, pod: &Pod, stop: Stop) {
        let (Some(schedule), Some(uid)) = (&mut self.status.schedule, &pod.metadata.uid) else { return };
        if schedule.stopped.iter().all(|known| known.pod_uid != *uid) {
            schedule.stopped.insert(0, StoppedPod { pod_uid: uid.clone(), stop: short(stop) });
            schedule.stopped.truncate(MAX_STOPPED);
        }
    }

    /// Why the pod of a schedule was stopped, if it was.
    pub(super) fn stop_of(&self, pod: &Pod) -> Option<Stop> {
        let stopped = &self.status.schedule.as_ref()?.stopped;
        let known = stopped.iter().find(|known| Some(&known.pod_uid) == pod.metadata.uid.as_ref())?;
        Some(known.stop.clone())
    }

    /// Forgets the pods that are gone or whose runs are recorded.
    pub fn keep_stopped(&mut self, is_open: impl Fn(&str) -> bool) {
        if let Some(schedule) = &mut self.status.schedule {
            schedule.stopped.retain(|known| is_open(&known.pod_uid));
        }
    }
}

fn short(stop: Stop) -> Stop {
    Stop { message: PastRun::short(&stop.message).unwrap_or_default(), ..stop }
}
