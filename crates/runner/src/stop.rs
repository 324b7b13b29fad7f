//! Asks the toolkit to stop.
//!
//! A single SIGINT is the only signal on which all versions from 1.0 to 1.21 stop cleanly, in each phase of a run.
//! While they load, they exit. During an activity, they go on to the rollbacks. A second signal of any kind makes them
//! skip the remaining rollbacks. The first signal does the same if the rollbacks have already begun.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::processes;
use crate::volume::Volume;

/// The processes that were asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopTarget {
    Process(Pid),
    Group(Pid),
}

impl StopTarget {
    /// Returns whether any of these processes still runs.
    pub fn is_running(self) -> bool {
        match self {
            Self::Process(pid) => processes::is_running(pid),
            Self::Group(group) => processes::is_group_running(group),
        }
    }
}

/// Returns the process id that the shim registered, if there is a valid one.
pub fn registered_toolkit(volume: &Volume) -> Option<Pid> {
    let text = fs::read_to_string(volume.pid_file()).ok()?;
    // Other processes can write to this file. Reject ids that stand for several processes, PID 1, and this process.
    let pid = text.trim().parse().ok().filter(|pid: &i32| *pid > 1)?;
    Pid::from_raw(pid).filter(|pid| *pid != rustix::process::getpid())
}

/// Prevents the start of a toolkit that a wrapper has not started yet.
///
/// This has to come before the search for a toolkit that is already running.
pub fn forbid_starts(volume: &Volume) {
    let _ = fs::write(volume.stop_file(), "");
}

/// Sends a SIGINT to the toolkit, and returns the processes that got it.
///
/// `toolkit` is set if the child is the toolkit itself. If no toolkit is found, the process group of the child gets the
/// signal.
pub fn request_stop(volume: &Volume, child: Pid, toolkit: bool) -> StopTarget {
    let wrapped = || {
        registered_toolkit(volume)
            .filter(|pid| processes::is_running(*pid))
            .or_else(|| processes::toolkit_in(child))
    };
    let target = match wrapped() {
        Some(pid) => StopTarget::Process(pid),
        None if toolkit => StopTarget::Process(child),
        None => StopTarget::Group(child),
    };
    let _ = match target {
        StopTarget::Process(pid) => kill_process(pid, Signal::INT),
        StopTarget::Group(group) => kill_process_group(group, Signal::INT),
    };
    target
}
