//! What the status of an experiment says besides its runs.

use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::{Counters, Experiment, Phase, Status, Text};
use jiff::Timestamp;

use crate::redact::{line, sentence};

/// The maximum number of lines of a note, such as the rules that a run lacks.
const MAX_LINES: usize = 6;

/// What the status of an experiment says besides its runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// The experiment: `namespace/name`.
    pub key: String,
    /// The phase of the experiment, which of a schedule is not that of a run.
    pub phase: Phase,
    /// The reason for the phase, in one word.
    pub reason: Option<String>,
    /// A sentence that explains the phase.
    pub message: Option<String>,
    /// The schedule, if there is one.
    pub schedule: Option<Schedule>,
    /// What the conditions say that the message does not.
    pub notes: Vec<Note>,
    /// The numbers of runs.
    pub counters: Counters,
    /// The number of the newest run, which the phase and the notes belong to.
    pub newest: Option<i32>,
}

/// When the runs of a schedule are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The schedule in cron format.
    pub cron: String,
    /// Its time zone.
    pub time_zone: Option<String>,
    /// When the next run is due.
    pub next: Option<Timestamp>,
}

/// What a condition says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The reason, in one word.
    pub reason: String,
    /// What explains it. At most 6 lines.
    pub lines: Vec<String>,
}

impl Overview {
    /// Reads the status of an experiment.
    #[must_use]
    pub fn of(experiment: &Experiment) -> Self {
        let status = experiment.status.clone().unwrap_or_default();
        let schedule = status.schedule.as_ref().map(|schedule| Schedule {
            cron: line(&schedule.cron),
            time_zone: schedule.time_zone.as_deref().map(line),
            next: schedule.next_schedule_time.as_ref().map(|next| next.0),
        });
        Self {
            key: line(&experiment.key()),
            phase: status.phase.unwrap_or(Phase::Pending),
            reason: status.reason.as_deref().map(line).filter(|reason| !reason.is_empty()),
            message: status.message.as_deref().map(sentence).filter(|message| !message.is_empty()),
            schedule,
            notes: notes(&status),
            counters: status.counters.unwrap_or_default(),
            newest: status.runs().iter().map(|past| past.run.number).find(|number| *number > 0),
        }
    }
}

/// What the conditions say and the message does not.
fn notes(status: &Status) -> Vec<Note> {
    let odd = |type_, state: State| {
        condition::find(&status.conditions, type_).filter(|found| found.status == state.as_str())
    };
    let accepted = condition::find(&status.conditions, Type::Accepted);
    let found = [
        accepted.filter(|accepted| accepted.reason != "Accepted"),
        odd(Type::Permitted, State::False),
        odd(Type::Authorized, State::False),
        odd(Type::CleanupBlocked, State::True),
    ];
    let is_new = |message: &str| !message.is_empty() && status.message.as_deref() != Some(message);
    let found = found.into_iter().flatten().filter(|found| is_new(&found.message));
    found
        .map(|found| Note {
            reason: line(&found.reason),
            lines: found.message.lines().take(MAX_LINES).map(sentence).collect(),
        })
        .collect()
}
