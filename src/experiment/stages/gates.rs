//! Whether the gates of an experiment keep a run from starting now.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::experiment::context::{Context, FIRST_LIST};
use crate::experiment::decide::plan::Plan;
use crate::experiment::error::Error;
use crate::experiment::hold::{Dropped, Hold};
use crate::experiment::permit;
use crate::experiment::stages::circles;
use crate::signals::experiment::{self as ends, Other};
use crate::signals::gate::Gate;
use crate::signals::reading::{Reading, SignalError};
use crate::signals::resource;
use crate::signals::signal::Signal;
use chaostoolkit_api::condition::{self, State, Type};
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::OnClosed;
use chaostoolkit_api::{Experiment, Status, Text};

/// How often to look at a gate that is closed. No change of a signal brings a pass.
const AGAIN: Duration = Duration::from_secs(15);

/// What the gates say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gates {
    /// All of them are open.
    Open,
    /// A signal is being read. After how long it is expected to be known.
    NotKnown(Duration),
    /// The run waits for one of them.
    Closed(Hold),
    /// The run does not take place, since one of them is closed.
    Over(Dropped),
}

/// Asks all gates. The first one that is closed counts, in their order.
pub async fn ask(
    context: &Context,
    experiment: &Experiment,
    (plan, is_scheduled): (&Plan, bool),
    now: Timestamp,
) -> Result<Gates, Error> {
    if plan.gates.is_empty() {
        return Ok(Gates::Open);
    }
    let waiting = Waiting::of(experiment.status.as_ref());
    // Whoever waits was asked when it began to, and again if it was edited.
    let seen = experiment.status.as_ref().and_then(|status| status.observed_generation);
    if waiting.is_none() || seen != experiment.metadata.generation {
        circles::refuse(context, experiment, &plan.gates).await?;
    }
    // All of them, so that no signal waits for another one.
    let mut read = Vec::with_capacity(plan.gates.len());
    for gate in &plan.gates {
        read.push(signal(context, experiment, &plan.namespace, gate).await?);
    }
    let Some(found) = judge(&plan.gates, &read, waiting, is_scheduled, now) else {
        let unread = plan.gates.iter().zip(&read).filter(|(_, read)| read.is_none());
        let expected = unread.filter_map(|(gate, _)| match &gate.signal {
            Signal::Source(question) => Some(context.readings.expected(&question.source)),
            _ => None,
        });
        return Ok(Gates::NotKnown(expected.max().unwrap_or(FIRST_LIST)));
    };
    Ok(found)
}

/// Reads the signal of a gate. Returns nothing if that takes a moment.
async fn signal(
    context: &Context,
    experiment: &Experiment,
    namespace: &str,
    gate: &Gate,
) -> Result<Option<Result<Reading, SignalError>>, Error> {
    match &gate.signal {
        Signal::Source(question) => Ok(context.readings.get(question, experiment.namespace())),
        Signal::Resource(expected) => {
            Ok(Some(match permit::signals::resource(context, experiment, namespace, expected).await? {
                Ok(granted) => resource::read(&context.cluster, &granted, namespace, expected).await,
                Err(refused) => Err(refused),
            }))
        }
        Signal::Experiment(expected) => {
            let experiments = context.cluster.experiments(experiment.namespace())?;
            let found = context.cluster.find(&experiments, "experiment", &expected.name).await?;
            let other = found.as_ref().map_or(Other::Missing, |found| Other::Found(found.status.as_ref()));
            Ok(Some(ends::read(other, expected)))
        }
    }
}

/// What the last passes have said of the gates of a run that waits for them.
#[derive(Clone, Copy, Debug)]
struct Waiting<'a> {
    since: Option<Timestamp>,
    message: &'a str,
}

impl<'a> Waiting<'a> {
    fn of(status: Option<&'a Status>) -> Option<Self> {
        let status = status?;
        let reason = Reason::GateClosed.as_str();
        let hold = status.hold.as_ref().filter(|hold| hold.reason == reason)?;
        let said = condition::find(&status.conditions, Type::Startable)
            .filter(|said| said.reason == reason && said.status == State::False.as_str());
        let message = said.map(|said| said.message.as_str()).unwrap_or_default();
        Some(Self { since: hold.since.as_ref().map(|since| since.0), message })
    }
}

/// What the gates say, by what was read of them, if that is enough to say it: pure.
fn judge(
    gates: &[Gate],
    read: &[Option<Result<Reading, SignalError>>],
    waiting: Option<Waiting<'_>>,
    is_scheduled: bool,
    now: Timestamp,
) -> Option<Gates> {
    for (gate, read) in gates.iter().zip(read) {
        let state = gate.state(read.as_ref()?);
        if !state.is_open {
            return Some(closed(gate, state.message, waiting, is_scheduled, now));
        }
    }
    Some(Gates::Open)
}

/// What a closed gate means for the run. Runs of a schedule are skipped once they are late, so they have no other limit.
fn closed(
    gate: &Gate,
    message: String,
    waiting: Option<Waiting<'_>>,
    is_scheduled: bool,
    now: Timestamp,
) -> Gates {
    let over = |is_failure: bool, message: String| {
        Gates::Over(Dropped { reason: Reason::GateClosed, message, is_failure })
    };
    match gate.on_closed {
        OnClosed::Skip => return over(false, message),
        OnClosed::Fail => return over(true, message),
        OnClosed::Wait => {}
    }
    let mut again = AGAIN;
    if let Some(limit) = gate.timeout.filter(|_| !is_scheduled) {
        let since = waiting.and_then(|waiting| waiting.since).unwrap_or(now);
        let waited = now.as_second().saturating_sub(since.as_second()).max(0).unsigned_abs();
        let left = limit.saturating_sub(Duration::from_secs(waited));
        if left.is_zero() {
            return over(true, format!("the run has waited for {waited} seconds: {message}"));
        }
        again = again.min(left);
    }
    // The value changes from time to time, and each change of the message would be a write.
    let known = waiting.map(|waiting| waiting.message).filter(|known| head(known) == head(&message));
    let message = known.map(str::to_owned).unwrap_or(message);
    Gates::Closed(Hold { reason: Reason::GateClosed, message, until: None, again: Some(again) })
}

/// The part of a message that names the gate and says whether its signal was read.
fn head(message: &str) -> Option<&str> {
    message.split_once(": ").map(|(head, _)| head)
}

#[cfg(test)]
#[path = "gates_tests.rs"]
mod tests;
