//! The evidence that the pod of a run left: the report of the runner in its status, the journal in the log of the
//! sidecar, and, without either, the end of the toolkit's log.
//!
//! Evidence that is lost for good is missing, and the verdict is less certain. Evidence that cannot be read at the
//! moment is requested again for a while.

use std::sync::{Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use tracing::warn;

use crate::experiment::error::Error;
use crate::experiment::judge::container::{self, sidecar};
use crate::experiment::judge::log_follower::LogFollower;
use crate::experiment::judge::logs::{Extent, Unread};
use crate::experiment::judge::pod_state::End;
use crate::experiment::judge::tail::plain_tail;
use chaostoolkit_api::PodAddress;
use chaostoolkit_journal::frame::{self, Frame};
use chaostoolkit_journal::message::{self, Message};
use chaostoolkit_journal::{RollbackState, Summary};

/// The evidence by which a run is judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// The report of the runner. `None` if the runner could not report, or if there was none.
    pub message: Option<Message>,
    /// The summary of the journal.
    pub summary: Option<Summary>,
    /// The journal itself. If the toolkit was started several times, that of the worst start that has one.
    pub journal: Journal,
    /// The journals of the other starts, each with the number of its start.
    pub others: Vec<(u32, frame::Carried)>,
    /// The end of the toolkit's log, if there is no summary.
    pub log_tail: Option<String>,
}

/// The journal of a run, or what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Journal {
    /// There is no journal.
    #[default]
    None,
    /// It was read.
    Here(frame::Carried),
    /// It will not be read, for this reason.
    Left(String),
    /// It could not be read yet, for this reason.
    Late(String),
}

impl Evidence {
    /// Takes the evidence from the status of the pod alone.
    #[must_use]
    pub fn reported(end: &End) -> Self {
        let message = end.has_runner.then(|| Message::read(&end.message)).flatten();
        let summary = message.as_ref().and_then(|message| message.summary.clone());
        Self { message, summary, ..Self::default() }
    }

    /// Collects all evidence. Fails if a log that the verdict needs cannot be read at the moment, for a while after the
    /// operator has seen the end.
    pub async fn collect(logs: &LogFollower, pod: &Pod, end: &End, seen: &Time) -> Result<Self, Error> {
        let mut evidence = Self::of_journal(logs, pod, end).await;
        evidence.summary = evidence.summary.take().or_else(|| evidence.sum_up(end));
        if evidence.summary.is_none() && end.started_at.is_some() {
            evidence.log_tail = log_tail(logs, pod, is_overdue(Some(seen), LOG_WAIT)).await?;
        }
        Ok(evidence)
    }

    /// Summarizes the journal in place of a runner that could not.
    fn sum_up(&self, end: &End) -> Option<Summary> {
        let Journal::Here(carried) = &self.journal else { return None };
        let reported = self.message.as_ref().filter(|message| message.state == message::State::Ended);
        if reported.is_some_and(|ended| ended.journal.is_none()) {
            // The start that decides the outcome has no journal. This is the journal of another start.
            return None;
        }
        if reported.is_some() {
            return sum_up(carried);
        }
        // The runner was killed, and has not found the worst start. The journals are in the order of the starts then.
        let all = std::iter::once(carried).chain(self.others.iter().map(|(_, carried)| carried));
        let mut summary = all.filter_map(sum_up).min_by_key(|summary| summary.outcome.rank())?;
        let may_be_one_of_several = end.is_wrapped || !self.others.is_empty();
        let state = &mut summary.rollbacks.state;
        if may_be_one_of_several && matches!(state, RollbackState::Played | RollbackState::NoneDeclared) {
            // Perhaps another start was killed too, and left its fault in place.
            *state = RollbackState::Unknown;
        }
        Some(summary)
    }

    /// Collects the status of the pod and the journal.
    pub async fn of_journal(logs: &LogFollower, pod: &Pod, end: &End) -> Self {
        let reported = Self::reported(end);
        let (journal, others) = journals(logs, pod, end, reported.message.as_ref()).await;
        Self { journal, others, ..reported }
    }
}

/// The journal that counts, and those of the other starts.
type Journals = (Journal, Vec<(u32, frame::Carried)>);

/// Reads the journals from the sidecar's log, if the run can have written any.
async fn journals(logs: &LogFollower, pod: &Pod, end: &End, message: Option<&Message>) -> Journals {
    let alone = |journal| (journal, Vec::new());
    let reported = message.filter(|message| message.state == message::State::Ended);
    let has_none = |ended: &Message| ended.journal.is_none() && ended.starts.is_none();
    if !end.has_runner || end.started_at.is_none() || reported.is_some_and(has_none) {
        return alone(Journal::None);
    }
    let Some(sidecar) = sidecar(pod) else {
        let why = "only a native sidecar can print it, and this pod has none";
        return alone(Journal::Left(why.to_owned()));
    };
    if sidecar.command.iter().flatten().any(|argument| argument == "--no-journal") {
        return alone(Journal::Left("spec.report.journal.store is none".to_owned()));
    }
    let lost = match logs.followed(pod).await {
        Some(Ok(log)) => return of_log(log.bytes(), reported),
        Some(Err(lost)) => Some(lost),
        None => None,
    };
    match logs.read(pod, &sidecar.name, &Extent::Frame).await {
        Ok(log) => of_log(log.bytes(), reported),
        Err(Unread { problem, is_final: true }) => alone(Journal::Left(lost.unwrap_or(problem))),
        Err(Unread { problem, .. }) => alone(Journal::Late(lost.unwrap_or(problem))),
    }
}

/// Reads the journals in the log of a sidecar. The report of the runner has the hash of the first one.
fn of_log(log: &[u8], reported: Option<&Message>) -> Journals {
    let mut frames = frame::read_all(log);
    let first = match frames.next() {
        None => Err(frame::FrameError::Missing),
        Some((_, frame)) => frame,
    };
    let journal = match first {
        Ok(Frame::Journal(carried)) => {
            let file = reported.and_then(|ended| ended.journal.as_ref());
            if file.is_some_and(|file| file.sha256 != carried.sha256) {
                Journal::Left("it is not the journal that the runner saw".to_owned())
            } else {
                Journal::Here(carried)
            }
        }
        Ok(Frame::None { reason, .. }) if reported.is_some_and(|ended| ended.journal.is_some()) => {
            Journal::Left(reason)
        }
        Ok(Frame::None { .. }) => Journal::None,
        Err(problem) => Journal::Late(problem.to_string()),
    };
    let mut room = frame::LIMIT;
    if let Journal::Here(carried) = &journal {
        room = room.saturating_sub(carried.gzip.len());
    }
    let others = frames.filter_map(|(start, frame)| match (start, frame) {
        (Some(start), Ok(Frame::Journal(carried))) => Some((start, carried)),
        _ => None,
    });
    // The author of the experiment may have written the log.
    let fits = |(_, carried): &(u32, frame::Carried)| {
        let rest = room.checked_sub(carried.gzip.len());
        room = rest.unwrap_or(room);
        rest.is_some()
    };
    (journal, others.filter(fits).take(frame::MAX_JOURNALS - 1).collect())
}

/// The longest journal that is read, in bytes after unpacking.
const LONGEST_UNPACKED: u64 = 8 << 20;

/// A journal is read by one pass at a time, so that the memory for it is needed only once.
static READING: Mutex<()> = Mutex::new(());

fn sum_up(carried: &frame::Carried) -> Option<Summary> {
    let _reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
    match chaostoolkit_journal::read(|| Ok(frame::unpack(&carried.gzip)), LONGEST_UNPACKED) {
        Ok(journal) => Some(Summary::of(&journal)),
        Err(error) => {
            warn!(problem = %error, "cannot read a journal that the runner did not summarize");
            None
        }
    }
}

/// For how many seconds after it has seen the end of a run the operator tries to read the end of its log. The verdict waits for it.
const LOG_WAIT: i64 = 15;

/// Whether more than this number of seconds has passed since the operator saw the end of a run, by its own clock.
#[must_use]
pub fn is_overdue(seen: Option<&Time>, seconds: i64) -> bool {
    let now = crate::process::clock::now().as_second();
    seen.is_none_or(|seen| now - seen.0.as_second() > seconds)
}

async fn log_tail(logs: &LogFollower, pod: &Pod, is_last_try: bool) -> Result<Option<String>, Error> {
    match logs.read(pod, container::name(pod), &Extent::Tail).await {
        Ok(log) => {
            Ok(Some(plain_tail(&String::from_utf8_lossy(log.bytes()))).filter(|tail| !tail.is_empty()))
        }
        Err(Unread { problem, is_final }) if is_final || is_last_try => {
            warn!(pod = pod.metadata.name, problem, "cannot read the log of the pod");
            Ok(None)
        }
        Err(Unread { problem, .. }) => {
            let PodAddress { namespace, name } = PodAddress::of(pod);
            Err(Error::LogUnread { namespace, pod: name, problem })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_journal::message::File;
    use rstest::rstest;
    use std::io::Cursor;

    #[test]
    fn the_first_journal_counts_and_the_others_are_kept() {
        let mut log = b"for people\n".to_vec();
        for (start, more) in [(2, 2), (1, 1), (3, 0)] {
            let place = frame::Place { start: Some(start), more };
            let text = format!("{{\"run\": {start}}}");
            frame::write_one_of(&mut Cursor::new(text), &place, frame::LIMIT, &mut log).unwrap();
        }
        let (journal, others) = of_log(&log, None);
        let Journal::Here(first) = journal else { panic!("{journal:?}") };
        assert_eq!(frame::unzip(&first.gzip, 100).unwrap(), b"{\"run\": 2}");
        assert_eq!(others.iter().map(|(start, _)| *start).collect::<Vec<_>>(), [1, 3]);

        let seen = |sha256: &str| {
            let journal = Some(File { sha256: sha256.to_owned(), ..File::default() });
            of_log(&log, Some(&Message { journal, ..Message::new(message::State::Ended) })).0
        };
        assert!(matches!(seen(&first.sha256), Journal::Here(_)));
        assert!(matches!(seen("of another one"), Journal::Left(_)), "another process has replaced it");
    }

    /// The journal of a run that passed and whose rollbacks were played.
    const PASSED: &str = r#"{"chaoslib-version": "1.44.0", "status": "completed", "deviated": false,
        "experiment": {"title": "t", "method": [], "rollbacks": [{"name": "r", "type": "action"}]},
        "steady_states": {"before": null, "after": null, "during": []}, "run": [],
        "rollbacks": [{"activity": {"name": "r", "type": "action"}, "output": null, "status": "succeeded"}],
        "start": "2026-11-21T07:51:32+00:00", "end": "2026-11-21T07:51:33+00:00", "duration": 1.0}"#;

    /// What is left of a container with this report, whose sidecar printed these journals.
    fn evidence(report: Option<Message>, journals: &[&str]) -> Evidence {
        let mut log = Vec::new();
        for (start, text) in (1..).zip(journals) {
            let place = frame::Place { start: Some(start), more: u32::from(journals.len() > 1) };
            frame::write_one_of(&mut Cursor::new(text), &place, frame::LIMIT, &mut log).unwrap();
        }
        let reported = report.as_ref().filter(|message| message.state == message::State::Ended);
        let (journal, others) = of_log(&log, reported);
        assert!(matches!(journal, Journal::Here(_)), "{journal:?}");
        Evidence { message: report, journal, others, ..Evidence::default() }
    }

    #[test]
    fn the_journal_of_another_start_is_not_that_of_the_one_that_decides() {
        let starts = Some(message::Starts { total: 2, ..message::Starts::default() });
        let ended = Message { starts, ..Message::new(message::State::Ended) };
        assert_eq!(evidence(Some(ended), &[PASSED]).sum_up(&End::default()), None);
    }

    #[rstest]
    #[case::the_toolkit(false, RollbackState::Played)]
    #[case::a_script(true, RollbackState::Unknown)]
    fn nobody_knows_the_rollbacks_of_a_script_that_was_killed(
        #[case] is_wrapped: bool,
        #[case] expected: RollbackState,
    ) {
        let end = End { is_wrapped, ..End::default() };
        for report in [Some(Message::new(message::State::Running)), None] {
            assert_eq!(evidence(report, &[PASSED]).sum_up(&end).unwrap().rollbacks.state, expected);
        }
    }

    #[test]
    fn the_worst_journal_counts_if_the_runner_was_killed() {
        let aborted = PASSED.replace("completed", "aborted");
        let found = evidence(Some(Message::new(message::State::Running)), &[PASSED, &aborted]);
        let summary = found.sum_up(&End::default()).unwrap();
        assert_eq!(
            (summary.outcome, summary.rollbacks.state),
            (chaostoolkit_journal::Outcome::Aborted, RollbackState::Unknown)
        );
    }
}
