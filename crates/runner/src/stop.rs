//! Asks the toolkit to stop.
//!
//! One SIGINT is the only thing that all versions from 1.0 to 1.21 take for a request to stop, whatever they are at:
//! while they load they exit, in an activity they go on to the rollbacks. A second signal, of any kind, makes them drop
//! the rollbacks that are left, and so does the first one once they are at it.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::place::Place;
use crate::processes;

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Process(Pid),
    Group(Pid),
}

impl Asked {
    pub fn is_running(self) -> bool {
        match self {
            Self::Process(pid) => processes::is_running(pid),
            Self::Group(group) => processes::is_group_running(group),
        }
    }
}

/// The process id that the shim left.
pub fn registered(place: &Place) -> Option<Pid> {
    let text = fs::read_to_string(place.pid()).ok()?;
    // Others can write there as well: this is about a process of the toolkit, not about all, and not about ourselves.
    let pid = text.trim().parse().ok().filter(|pid: &i32| *pid > 1)?;
    Pid::from_raw(pid).filter(|pid| *pid != rustix::process::getpid())
}

/// Keeps toolkits from starting that a wrapper has not started yet. Has to be done before looking for those it has.
pub fn forbid(place: &Place) {
    let _ = fs::write(place.stop(), "");
}

/// Sends the signal. `toolkit` says that the child is the toolkit itself.
pub fn ask(place: &Place, child: Pid, toolkit: bool) -> Asked {
    let others = || {
        registered(place).filter(|pid| processes::is_running(*pid)).or_else(|| processes::toolkit_in(child))
    };
    let asked = match others() {
        Some(pid) => Asked::Process(pid),
        None if toolkit => Asked::Process(child),
        None => Asked::Group(child),
    };
    let _ = match asked {
        Asked::Process(pid) => kill_process(pid, Signal::INT),
        Asked::Group(group) => kill_process_group(group, Signal::INT),
    };
    asked
}
