//! Forwards the stderr of the toolkit unchanged, and detects in it that the rollbacks begin.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ChildStderr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionread;

use crate::rollbacks::RollbackDetector;

/// The value of [`Shared::rollbacks`] if no toolkit has begun its rollbacks.
const NO_TOOLKIT: i32 = -1;

/// The interval at which to check a state that changes without a notification.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// A handle of the thread that forwards the output.
pub struct Relay {
    pipe: OwnedFd,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Bytes were read from the pipe that were not searched yet.
    scanning: AtomicBool,
    /// Bytes were read from the pipe that were not forwarded yet.
    forwarding: AtomicBool,
    /// The pipe has no writer any more, or cannot be read.
    closed: AtomicBool,
    /// The toolkit that began its rollbacks last.
    rollbacks: AtomicI32,
}

impl Relay {
    /// Starts the thread. `toolkit` returns the process id of the running toolkit, since a wrapper can run several in
    /// turn.
    pub fn start(pipe: ChildStderr, toolkit: impl Fn() -> i32 + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { rollbacks: AtomicI32::new(NO_TOOLKIT), ..Shared::default() });
        let other = Arc::clone(&shared);
        let watched = OwnedFd::from(pipe);
        let pipe = watched.try_clone()?;
        thread::Builder::new().spawn(move || forward(watched, &other, toolkit))?;
        Ok(Self { pipe, shared })
    }

    /// Returns whether this toolkit has announced its rollbacks by now.
    pub fn in_rollbacks(&self, toolkit: i32) -> bool {
        // Earlier output can still be in the pipe. The wait is limited, since the output stays there if nobody reads
        // the log.
        self.wait_until_idle(Duration::from_millis(200), &self.shared.scanning);
        self.shared.rollbacks.load(SeqCst) == toolkit
    }

    /// Waits until all output so far is forwarded. Does not wait for processes that could still write.
    pub fn finish(self) {
        self.wait_until_idle(Duration::from_secs(10), &self.shared.forwarding);
    }

    fn wait_until_idle(&self, limit: Duration, busy: &AtomicBool) {
        let began = Instant::now();
        while !self.shared.closed.load(SeqCst) && began.elapsed() < limit {
            // The order matters. The thread marks itself as busy before it reads from the pipe, so bytes that have left
            // the pipe are never missed.
            if ioctl_fionread(&self.pipe).unwrap_or_default() == 0 && !busy.load(SeqCst) {
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

fn forward(pipe: OwnedFd, shared: &Shared, toolkit: impl Fn() -> i32) {
    let mut pipe = std::fs::File::from(pipe);
    let mut detector = RollbackDetector::default();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let _ = poll(&mut [PollFd::new(&pipe, PollFlags::IN)], None);
        shared.forwarding.store(true, SeqCst);
        shared.scanning.store(true, SeqCst);
        let read = pipe.read(&mut chunk);
        let length = match read {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        if detector.push(&chunk[..length]) {
            shared.rollbacks.store(toolkit(), SeqCst);
        }
        shared.scanning.store(false, SeqCst);
        write_stderr(&chunk[..length]);
        shared.forwarding.store(false, SeqCst);
    }
    shared.closed.store(true, SeqCst);
}

/// Writes all bytes to stderr, even if another process made it non-blocking.
///
/// If stderr is closed, the output is lost. This must not stop the toolkit.
fn write_stderr(mut bytes: &[u8]) {
    let mut stderr = io::stderr();
    while !bytes.is_empty() {
        match stderr.write(bytes) {
            Ok(0) => return,
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(POLL_INTERVAL),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
