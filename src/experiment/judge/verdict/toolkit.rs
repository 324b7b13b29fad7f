//! What the runner saw of the toolkit.

use crate::experiment::judge::pod_state::End;
use chaostoolkit_journal::message::{Message, Starts, ToolkitEnd};

/// What the runner saw of the toolkit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The toolkit ended.
    Ended {
        /// Its exit code.
        code: i32,
        /// The signal that ended it, if a signal did.
        signal: Option<i32>,
    },
    /// The toolkit was started, and could not be observed.
    Unobserved {
        /// The number of such starts.
        starts: u32,
        /// The exit code of the command.
        code: i32,
    },
    /// The command is another program, and no start of the toolkit was seen.
    Nothing {
        /// The exit code of the command.
        code: i32,
        /// The signal that ended the command, if a signal did.
        signal: Option<i32>,
        /// Whether the runner counted the starts, and there was none.
        is_certain: bool,
    },
}

/// Finds out what the runner saw of the toolkit.
pub fn seen(end: &End, message: &Message) -> Seen {
    let (code, signal) = (message.exit_code.or(end.exit_code).unwrap_or_default(), message.signal);
    if let Some(ToolkitEnd { exit_code, signal }) = message.toolkit_end {
        return Seen::Ended { code: exit_code, signal };
    }
    match &message.starts {
        Some(Starts { unobserved, .. }) if *unobserved > 0 => {
            return Seen::Unobserved { starts: *unobserved, code };
        }
        Some(Starts { total: 0, .. }) if message.subcommand.is_none() => {
            return Seen::Nothing { code, signal, is_certain: true };
        }
        _ => {}
    }
    let is_known = message.starts.is_some() || message.toolkit.is_some() || message.subcommand.is_some();
    if end.is_wrapped && !is_known {
        return Seen::Nothing { code, signal, is_certain: false };
    }
    Seen::Ended { code, signal }
}

/// Says how many starts of the toolkit could not be observed.
pub fn not_observed(starts: u32) -> String {
    let noun = if starts == 1 { "start" } else { "starts" };
    format!("{starts} {noun} of the toolkit could not be observed")
}

impl Seen {
    /// The subject of a sentence about the end.
    pub const fn who(self) -> &'static str {
        match self {
            Self::Ended { .. } => "the toolkit",
            Self::Unobserved { .. } | Self::Nothing { .. } => "the command",
        }
    }

    /// The exit code of that subject.
    pub const fn code(self) -> i32 {
        match self {
            Self::Ended { code, .. } | Self::Unobserved { code, .. } | Self::Nothing { code, .. } => code,
        }
    }

    /// The signal that ended that subject.
    pub const fn signal(self) -> Option<i32> {
        match self {
            Self::Ended { signal, .. } | Self::Nothing { signal, .. } => signal,
            Self::Unobserved { .. } => None,
        }
    }
}
