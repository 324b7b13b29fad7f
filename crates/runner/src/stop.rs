//! Asks the toolkit to stop.
//!
//! One SIGINT is the only thing that all versions from 1.0 to 1.21 take for a request to stop, whatever they are at:
//! while they load they exit, in an activity they go on to the rollbacks. A second signal, of any kind, makes them drop
//! the rollbacks that are left, and so does the first one once they are at it.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::processes;
use crate::volume::Volume;

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopTarget {
    Process(Pid),
    Group(Pid),
}

impl StopTarget {
    pub fn is_running(self) -> bool {
        match self {
            Self::Process(pid) => processes::is_running(pid),
            Self::Group(group) => processes::is_group_running(group),
        }
    }
}

/// The process id that the shim left.
pub fn registered_toolkit(volume: &Volume) -> Option<Pid> {
    let text = fs::read_to_string(volume.pid_file()).ok()?;
    // Others can write there as well: this is about a process of the toolkit, not about all, and not about ourselves.
    let pid = text.trim().parse().ok().filter(|pid: &i32| *pid > 1)?;
    Pid::from_raw(pid).filter(|pid| *pid != rustix::process::getpid())
}

/// Keeps toolkits from starting that a wrapper has not started yet. Has to be done before looking for those it has.
pub fn forbid_starts(volume: &Volume) {
    let _ = fs::write(volume.stop_file(), "");
}

/// Sends the signal. `toolkit` says that the child is the toolkit itself.
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
