//! Passes the stderr of the toolkit on, byte for byte, and watches it for the beginning of the rollbacks.

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

/// No rollbacks have begun.
const NO_TOOLKIT: i32 = -1;

/// A moment, where waiting for the other thread has to be done without a word from it.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The thread that does it.
pub struct Relay {
    pipe: OwnedFd,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Bytes are out of the pipe that were not looked at yet.
    scanning: AtomicBool,
    /// Bytes are out of the pipe that were not passed on yet.
    forwarding: AtomicBool,
    /// Nobody has the other end of the pipe any more.
    closed: AtomicBool,
    /// Which toolkit began its rollbacks last.
    rollbacks: AtomicI32,
}

impl Relay {
    /// Starts. `toolkit` says which one it is that runs, to tell those apart that a wrapper runs in turn.
    pub fn start(pipe: ChildStderr, toolkit: impl Fn() -> i32 + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared { rollbacks: AtomicI32::new(NO_TOOLKIT), ..Shared::default() });
        let other = Arc::clone(&shared);
        let watched = OwnedFd::from(pipe);
        let pipe = watched.try_clone()?;
        thread::Builder::new().spawn(move || forward(watched, &other, toolkit))?;
        Ok(Self { pipe, shared })
    }

    /// Whether this toolkit has begun its rollbacks, as far as it has said so until now.
    pub fn in_rollbacks(&self, toolkit: i32) -> bool {
        // What was said before now may still be in the pipe. Should nobody take the output, it stays there.
        self.wait_until_idle(Duration::from_millis(200), &self.shared.scanning);
        self.shared.rollbacks.load(SeqCst) == toolkit
    }

    /// Waits until all that was written is passed on, but not for those who still could write.
    pub fn finish(self) {
        self.wait_until_idle(Duration::from_secs(10), &self.shared.forwarding);
    }

    fn wait_until_idle(&self, limit: Duration, busy: &AtomicBool) {
        let began = Instant::now();
        while !self.shared.closed.load(SeqCst) && began.elapsed() < limit {
            // In this order: what is out of the pipe made the thread busy before.
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

/// Writes all of it, also where somebody made our stderr one that does not wait. If nobody takes it, it is lost, but the
/// toolkit must not stop for that.
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
