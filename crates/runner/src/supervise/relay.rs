//! Forwards the stderr of the toolkit unchanged, keeps its end, and detects in it that the rollbacks begin.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::process::ChildStderr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::ioctl_fionread;

use crate::supervise::rollbacks::{RollbackDetector, still_counts};

/// The interval at which to check a state that changes without a notification.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// How much output may wait to be written. The toolkit has to wait if nobody reads its log, as it would without the relay.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// How much of the end of the output is kept.
const TAIL_BYTES: usize = 8 * 1024;

/// A handle of the threads that forward the output.
pub struct Relay {
    pipe: OwnedFd,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Bytes were read from the pipe that were not searched yet.
    scanning: AtomicBool,
    /// The pipe has no writer any more, or cannot be read.
    closed: AtomicBool,
    /// When the rollbacks were first announced.
    rollbacks: OnceLock<Instant>,
    /// The pipe is read however much output waits to be written.
    eager: AtomicBool,
    output: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Vec<u8>>,
    bytes: usize,
    tail: Vec<u8>,
    /// No more output will come.
    ended: bool,
}

impl Shared {
    fn output(&self) -> MutexGuard<'_, Waiting> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay {
    /// Starts the threads.
    pub fn start(pipe: ChildStderr) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let watched = OwnedFd::from(pipe);
        let pipe = watched.try_clone()?;
        let reader = Arc::clone(&shared);
        thread::Builder::new().spawn(move || read(watched, &reader))?;
        let writer = Arc::clone(&shared);
        thread::Builder::new().spawn(move || write(&writer))?;
        Ok(Self { pipe, shared })
    }

    /// Returns whether the toolkit has announced its rollbacks by now, whether or not anybody reads its log.
    pub fn in_rollbacks(&self) -> bool {
        self.shared.eager.store(true, SeqCst);
        self.shared.changed.notify_all();
        // Earlier output can still be in the pipe.
        self.wait_until(Duration::from_secs(1), || true);
        self.shared.rollbacks.get().is_some_and(|announced| still_counts(announced.elapsed()))
    }

    /// Returns whether the toolkit has written anything.
    pub fn has_output(&self) -> bool {
        !self.shared.output().tail.is_empty()
    }

    /// Waits until all output so far is forwarded. Does not wait for processes that could still write. Returns the end of
    /// the output.
    pub fn finish(self) -> Vec<u8> {
        self.wait_until(Duration::from_secs(10), || self.shared.output().bytes == 0);
        std::mem::take(&mut self.shared.output().tail)
    }

    /// Waits until all output so far was read and searched, and the condition holds.
    fn wait_until(&self, limit: Duration, holds: impl Fn() -> bool) {
        let began = Instant::now();
        // The order matters. The thread marks itself as busy before it reads from the pipe, so bytes that have left the pipe
        // are never missed.
        let is_read = || {
            self.shared.closed.load(SeqCst)
                || (ioctl_fionread(&self.pipe).unwrap_or_default() == 0 && !self.shared.scanning.load(SeqCst))
        };
        while began.elapsed() < limit && !(is_read() && holds()) {
            thread::sleep(POLL_INTERVAL);
        }
    }
}

fn read(pipe: OwnedFd, shared: &Shared) {
    let mut pipe = std::fs::File::from(pipe);
    let mut detector = RollbackDetector::default();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let _ = poll(&mut [PollFd::new(&pipe, PollFlags::IN)], None);
        let is_full = |waiting: &mut Waiting| waiting.bytes > MAX_WAITING_BYTES && !shared.eager.load(SeqCst);
        drop(shared.changed.wait_while(shared.output(), is_full));
        shared.scanning.store(true, SeqCst);
        let length = match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let text = &chunk[..length];
        if detector.push(text) {
            // Only the first announcement counts, so that nobody can renew it.
            let _ = shared.rollbacks.set(Instant::now());
        }
        {
            let mut output = shared.output();
            output.bytes += length;
            output.chunks.push_back(text.to_vec());
            output.tail.extend_from_slice(text);
            let excess = output.tail.len().saturating_sub(TAIL_BYTES);
            output.tail.drain(..excess);
        }
        shared.changed.notify_all();
        shared.scanning.store(false, SeqCst);
    }
    shared.output().ended = true;
    shared.closed.store(true, SeqCst);
    shared.changed.notify_all();
}

fn write(shared: &Shared) {
    loop {
        let is_empty = |waiting: &mut Waiting| waiting.chunks.is_empty() && !waiting.ended;
        let chunk = shared
            .changed
            .wait_while(shared.output(), is_empty)
            .unwrap_or_else(PoisonError::into_inner)
            .chunks
            .pop_front();
        let Some(chunk) = chunk else { return };
        write_stderr(&chunk);
        // Only now is the chunk forwarded.
        shared.output().bytes -= chunk.len();
        shared.changed.notify_all();
    }
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
