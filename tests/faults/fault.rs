//! The faults between the operator and the API server.

use std::time::{Duration, Instant};

/// A fault of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteFault {
    /// The operator is killed before the request gets through.
    CrashBefore,
    /// The operator is killed after the write is done and before it gets the answer.
    CrashAfter,
    /// The write is not done, and the answer has this code.
    Refused(u16),
    /// The write is done, and the answer is a timeout.
    TimeoutAfter,
    /// The connection ends before the request gets through.
    ResetBefore,
    /// The write is done, and the connection ends before the answer.
    ResetAfter,
}

impl WriteFault {
    pub const CRASHES: [Self; 2] = [Self::CrashBefore, Self::CrashAfter];
    pub const ERRORS: [Self; 8] = [
        Self::Refused(409),
        Self::Refused(429),
        Self::Refused(500),
        Self::Refused(503),
        Self::Refused(403),
        Self::TimeoutAfter,
        Self::ResetBefore,
        Self::ResetAfter,
    ];

    pub fn name(self) -> String {
        match self {
            Self::CrashBefore => "killed before".to_owned(),
            Self::CrashAfter => "killed after".to_owned(),
            Self::Refused(code) => code.to_string(),
            Self::TimeoutAfter => "504 after".to_owned(),
            Self::ResetBefore => "reset before".to_owned(),
            Self::ResetAfter => "reset after".to_owned(),
        }
    }
}

/// One write of a run: the n-th of its kind, such as the third `patch chaosexperiments/status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WritePoint {
    /// Its place among all writes of the run. The first write has place 1.
    pub place: usize,
    /// Verb and resource, such as `create pods`.
    pub what: String,
    /// How many writes of the same kind came before it.
    pub before: usize,
}

impl WritePoint {
    /// Returns the points of a run with these writes.
    pub fn all(writes: &[String]) -> Vec<Self> {
        let before = |place: usize| writes[..place].iter().filter(|other| **other == writes[place]).count();
        (0..writes.len())
            .map(|place| Self { place: place + 1, what: writes[place].clone(), before: before(place) })
            .collect()
    }

    pub fn name(&self) -> String {
        format!("{:02} {}", self.place, self.what)
    }
}

/// A fault of the watch streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFault {
    /// One event never arrives, while later ones do. Then the stream ends as expired. Events are lost this way in
    /// practice: nothing else tells a client that it lacks one.
    Drop,
    /// Each event comes late.
    Delay,
    /// The stream ends as expired, and the next one too.
    Gone,
    /// The stream brings neither bytes nor an end, as if the other side had vanished. At last the connection is reset.
    Hold,
    /// Connections end again and again.
    Storm,
    /// All events except the last come once more, so the client sees older versions again.
    Replay,
}

impl StreamFault {
    pub const ALL: [Self; 6] = [Self::Drop, Self::Delay, Self::Gone, Self::Hold, Self::Storm, Self::Replay];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "an event dropped",
            Self::Delay => "late events",
            Self::Gone => "410 Gone",
            Self::Hold => "silence",
            Self::Storm => "reconnect storm",
            Self::Replay => "old events again",
        }
    }
}

/// The streams that a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streams {
    Experiments,
    Pods,
    Every,
}

impl Streams {
    pub const ALL: [Self; 3] = [Self::Experiments, Self::Pods, Self::Every];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Experiments => "experiments",
            Self::Pods => "pods",
            Self::Every => "all watches",
        }
    }

    pub fn has(self, resource: &str) -> bool {
        match self {
            Self::Experiments => resource == "chaosexperiments",
            Self::Pods => resource == "pods",
            Self::Every => true,
        }
    }
}

/// A fault of streams that begins at some moment.
#[derive(Clone, Copy, Debug)]
pub struct Armed {
    pub fault: StreamFault,
    pub streams: Streams,
    pub since: Instant,
    /// How long the fault lasts. Late events are late by this time.
    pub length: Duration,
}

impl Armed {
    pub fn until(&self) -> Instant {
        self.since + self.length
    }
}
