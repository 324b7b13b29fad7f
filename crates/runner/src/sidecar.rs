//! Waits until the runner is done, and prints the journal: its log is how the journal leaves the pod.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use chaostoolkit_journal::frame;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use crate::volume::{DONE, JOURNAL, Volume};

/// How often to look even without a word from the kernel.
const CHECK_INTERVAL: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// How often to look where the kernel gives no word, as there are only so many listeners for each user.
const POLL_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// How long to stay after the journal of a run that was stopped was printed. The kubelet removes the containers of a
/// deleted pod, logs included, as soon as the last has ended; the operator, which follows this one's log since the pod
/// was deleted, may not have come to it yet where a run stops at once.
const LINGER: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

pub fn sidecar(dir: &Path, journal: bool) -> io::Result<()> {
    // As PID 1, a signal without a handler is lost.
    let (stopped, handler) = UnixStream::pair()?;
    pipe::register(SIGTERM, handler.try_clone()?)?;
    pipe::register(SIGINT, handler)?;
    if journal {
        let volume = Volume::new(dir);
        // The hook that installs the runner comes later or at the same time.
        volume.create_journal_dir()?;
        let shared = open_directory(&volume.journal_dir())?;
        wait_for_done(&volume, &shared, &stopped);
        print_journal(&shared)?;
        wait_readable(&[&stopped], None);
        if volume.stop_file().exists() {
            // The signal is still there to be read, and would end any wait at once; nothing else ever comes.
            wait_readable(&[], Some(&LINGER));
        }
        return Ok(());
    }
    wait_readable(&[&stopped], None);
    Ok(())
}

/// What the runner container does with the path later leads nowhere: it could point to files of this one.
fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?)
}

/// Waits for the mark, or for a signal.
fn wait_for_done(volume: &Volume, shared: &OwnedFd, stopped: &UnixStream) {
    let done = || statat(shared, DONE, AtFlags::SYMLINK_NOFOLLOW).is_ok();
    let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO;
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).and_then(|watch| {
        inotify::add_watch(&watch, volume.journal_dir(), flags)?;
        Ok(watch)
    });
    while !done() {
        let (fds, limit): (Vec<&dyn AsFd>, _) = match &watch {
            Ok(watch) => (vec![stopped, watch], &CHECK_INTERVAL),
            Err(_) => (vec![stopped], &POLL_INTERVAL),
        };
        if wait_readable(&fds, Some(limit)) {
            return;
        }
        if let Ok(watch) = &watch {
            let mut events = [0; 4096];
            while rustix::io::read(watch, &mut events).is_ok_and(|length| length > 0) {}
        }
    }
}

/// Waits until there is something to read, and says whether the first has.
fn wait_readable(fds: &[&dyn AsFd], limit: Option<&Timespec>) -> bool {
    loop {
        let mut fds: Vec<PollFd> =
            fds.iter().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)).collect();
        match poll(&mut fds, limit) {
            Err(rustix::io::Errno::INTR) => {}
            result => return result.is_err() || fds.first().is_some_and(|fd| !fd.revents().is_empty()),
        }
    }
}

/// Prints what there is. Without the mark, the runner was killed, but the toolkit may have written its journal before.
fn print_journal(shared: &OwnedFd) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    // Neither a link to a file of this container, nor a pipe that never ends.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let reason = match openat(shared, JOURNAL, flags, Mode::empty()).map(File::from) {
        Ok(file) if !file.metadata()?.is_file() => "the journal is not a file".to_owned(),
        Ok(mut file) => match frame::write(&mut file, &mut out) {
            Ok(()) => return out.flush(),
            Err(error) => format!("the journal cannot be read: {error}"),
        },
        Err(rustix::io::Errno::NOENT) => "the toolkit wrote no journal".to_owned(),
        Err(error) => format!("the journal cannot be opened: {error}"),
    };
    frame::write_none(&reason, &mut out)
}
