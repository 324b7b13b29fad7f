//! Rollbacks of a run that another pod plays.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::experiment::build::resources::Resources;
use crate::experiment::error::Error;
use crate::experiment::judge::record;
use crate::experiment::status::draft::Draft;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Rescue, ResourceRef, Rollbacks, Text};
use chaostoolkit_journal::RollbackState;

impl Draft {
    /// Another pod will play the rollbacks. What it needs is recorded before it is created.
    pub fn rescue_planned(&mut self, resources: &Resources) {
        for made in resources.references() {
            if !self.status.resources.iter().any(|known| known.is_same(&made)) {
                self.status.resources.push(made);
            }
        }
        // A later attempt is no news, and what held up the one before it stays said until the pod exists.
        let Some(run) = self.status.run.as_mut().filter(|run| run.rescue.is_none()) else { return };
        let pod_name = resources.workload.name().to_owned();
        let message = format!("pod {pod_name} is to play the rollbacks that the run did not play");
        run.rescue = Some(Rescue { pod_name, requested_at: Some(Time(self.now)), ..Rescue::default() });
        self.set(Type::RolledBack, State::Unknown, Reason::RescueStarted, &message);
    }

    /// Something keeps the pod that is to play the rollbacks from being created. Does nothing once it exists.
    pub fn rescue_blocked(&mut self, error: &Error) {
        let rescue = self.status.run.as_ref().and_then(|run| run.rescue.as_ref());
        if rescue.is_some_and(|rescue| rescue.pod_uid.is_some() || rescue.finished_at.is_some()) {
            return;
        }
        let message = format!("{}{}", awaited(rescue), error.describe());
        self.set(Type::RolledBack, State::Unknown, error.reason(), &message);
    }

    /// What has kept the pod that is to play the rollbacks from being created so far.
    #[must_use]
    pub fn rescue_block(&self) -> Option<&str> {
        let rescue = self.status.run.as_ref().and_then(|run| run.rescue.as_ref());
        let told = condition::find(&self.status.conditions, Type::RolledBack)?;
        told.message.strip_prefix(&awaited(rescue)).filter(|_| is_block(told))
    }

    /// Nobody asks for a rescue any more that could not be planned. What the run itself left counts again.
    pub fn rescue_withdrawn(&mut self) {
        let is_blocked = condition::find(&self.status.conditions, Type::RolledBack).is_some_and(is_block);
        if let Some(run) = self.status.run.as_ref().filter(|run| is_blocked && run.rescue.is_none()) {
            self.rolled_back(record::rolled_back(run));
        }
    }

    /// These rights of the run are gone. What is to be created under the same name stays on record.
    pub fn rights_taken(&mut self, gone: &[ResourceRef], wanted: &[ResourceRef]) {
        self.status.resources.retain(|known| !gone.iter().any(|gone| gone.is_same(known)));
        let again = wanted.iter().filter(|wanted| gone.iter().any(|gone| gone.is_same(wanted)));
        self.status.resources.extend(again.cloned());
    }

    /// The pod that plays the rollbacks exists.
    pub fn rescue_created(&mut self, pod: &Pod) {
        let Some(rescue) = self.status.run.as_mut().and_then(|run| run.rescue.as_mut()) else { return };
        rescue.pod_uid.clone_from(&pod.metadata.uid);
        let message = format!("pod {} plays the rollbacks that the run did not play", rescue.pod_name);
        self.set(Type::RolledBack, State::Unknown, Reason::RescueStarted, &message);
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

/// How a message begins that says what a rescue waits for.
fn awaited(rescue: Option<&Rescue>) -> String {
    let pod = rescue.map_or_else(|| "another pod".to_owned(), |rescue| format!("pod {}", rescue.pod_name));
    format!("{pod} is to play the rollbacks: ")
}

/// The reasons of `RolledBack` Unknown that say what the run left, or that a rescue goes on.
const NO_BLOCK: [Reason; 6] = [
    Reason::RescueStarted,
    Reason::NoRollbacks,
    Reason::NoJournal,
    Reason::JournalUnreadable,
    Reason::ToolkitUnobserved,
    Reason::NotStarted,
];

/// Whether the condition `RolledBack` says what keeps a rescue from starting.
#[must_use]
pub fn is_block(rolled_back: &Condition) -> bool {
    let reason = rolled_back.reason.parse::<Reason>();
    rolled_back.status == State::Unknown.as_str() && reason.is_ok_and(|reason| !NO_BLOCK.contains(&reason))
}
