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

/// The processes below a toolkit.
pub struct Descendants(Vec<Process>);

impl Descendants {
    /// Takes note of the processes below the toolkit. Rollbacks start later, so they are not among them.
    ///
    /// The toolkit waits for the end of the output of an activity. So all processes of the activity have to end, and not only
    /// the shell that started them.
    pub fn of(toolkit: Pid) -> Self {
        let below = processes::all().filter(|process| processes::is_below(process, &[toolkit]));
        // A toolkit can start itself once more, with other packages. A second signal would cut its rollbacks short.
        Self(below.filter(|process| !processes::has_toolkit(process.pid)).collect())
    }

    /// Asks those to end that still run after a moment.
    pub fn end_soon(self) {
        if self.0.is_empty() {
            return;
        }
        let _ = thread::Builder::new().spawn(move || {
            thread::sleep(GRACE);
            for process in self.0.iter().filter(|process| process.is_same()) {
                let _ = kill_process(process.pid, Signal::TERM);
            }
        });
    }
}
