//! Rollbacks of a run that another pod plays.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::experiment::build::resources::Resources;
use crate::experiment::judge::record;
use crate::experiment::status::draft::Draft;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Rescue, ResourceRef, Rollbacks};
use chaostoolkit_journal::RollbackState;

impl Draft {
    /// Another pod will play the rollbacks. What it needs is recorded before it is created.
    pub fn rescue_planned(&mut self, resources: &Resources) {
        for made in resources.references() {
            if !self.status.resources.iter().any(|known| known.is_same(&made)) {
                self.status.resources.push(made);
            }
        }
        let Some(run) = &mut self.status.run else { return };
        let pod_name = resources.workload.name().to_owned();
        let message = format!("pod {pod_name} plays the rollbacks that the run did not play");
        run.rescue.get_or_insert_with(|| Rescue {
            pod_name,
            requested_at: Some(Time(self.now)),
            ..Rescue::default()
        });
        self.set(Type::RolledBack, State::Unknown, Reason::RescueStarted, &message);
    }

    /// These rights of the run are gone. What is to be created under the same name stays on record.
    pub fn rights_taken(&mut self, gone: &[ResourceRef], wanted: &[ResourceRef]) {
        self.status.resources.retain(|known| !gone.iter().any(|gone| gone.is_same(known)));
        let again = wanted.iter().filter(|wanted| gone.iter().any(|gone| gone.is_same(wanted)));
        self.status.resources.extend(again.cloned());
    }

    /// The pod that plays the rollbacks exists.
    pub fn rescue_created(&mut self, pod: &Pod) {
        if let Some(rescue) = self.status.run.as_mut().and_then(|run| run.rescue.as_mut()) {
            rescue.pod_uid.clone_from(&pod.metadata.uid);
        }
    }

    /// The pod that was to play the rollbacks has ended, or there can be none.
    pub fn rescue_ended(&mut self, played: Result<Rollbacks, String>) {
        let Some(run) = &mut self.status.run else { return };
        let rescue = run.rescue.get_or_insert_default();
        rescue.finished_at = Some(Time(self.now));
        let (state, reason, message) = match &played {
            Ok(rollbacks) if rollbacks.state == RollbackState::Played => {
                let Rollbacks { total, .. } = rollbacks;
                let message = format!("pod {} played all rollbacks ({total})", rescue.pod_name);
                (State::True, Reason::RescuePlayed, message)
            }
            Ok(rollbacks) => {
                let (_, _, how) = record::rollbacks_played(rollbacks);
                (State::False, Reason::RescueFailed, format!("pod {}: {how}", rescue.pod_name))
            }
            Err(problem) => (State::False, Reason::RescueFailed, problem.clone()),
        };
        match played {
            Ok(rollbacks) => rescue.rollbacks = Some(rollbacks),
            Err(problem) => rescue.problem = Some(condition::short(&problem)),
        }
        self.set(Type::RolledBack, state, reason, &message);
    }
}
