//! Ends activities that run in the background when the toolkit is asked to stop.
//!
//! Newer versions of the toolkit, such as 1.21, wait for them before they play the rollbacks, however long that takes. The
//! activity in the foreground needs no signal, since the toolkit ends it.

use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::processes::{self, Process};

/// How long the toolkit has to end them itself.
const GRACE: Duration = Duration::from_secs(1);

/// The processes that the toolkit has started so far.
pub struct Children {
    toolkit: Pid,
    processes: Vec<Process>,
}

impl Children {
    /// Takes note of the children of the toolkit. Rollbacks start later, so they are not among them.
    pub fn of(toolkit: Pid) -> Self {
        let children = processes::all().filter(|process| process.parent == Some(toolkit));
        // A toolkit can start itself once more, with other packages. A second signal would cut its rollbacks short.
        let processes = children.filter(|child| !processes::has_toolkit(child.pid)).collect();
        Self { toolkit, processes }
    }

    /// Asks those to end that still run after a moment.
    pub fn end_soon(self) {
        if self.processes.is_empty() {
            return;
        }
        let _ = thread::Builder::new().spawn(move || {
            thread::sleep(GRACE);
            for child in &self.processes {
                let is_same = processes::read(child.pid).is_some_and(|now| {
                    now.running && now.started == child.started && now.parent == Some(self.toolkit)
                });
                if is_same {
                    let _ = kill_process(child.pid, Signal::TERM);
                }
            }
        });
    }
}
