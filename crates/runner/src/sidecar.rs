//! Waits until the runner is done, and prints the journals. They leave the pod through the log of the sidecar.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use chaostoolkit_journal::frame::{self, MAX_JOURNALS, Place};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, statat};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

use crate::volume::{DONE, JOURNAL, STARTS, Volume};

/// The interval at which to check for the done file, even if inotify reports nothing.
const CHECK_INTERVAL: Timespec = Timespec { tv_sec: 5, tv_nsec: 0 };

/// The interval at which to check if inotify is not available. The kernel limits its instances for each user.
const POLL_INTERVAL: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// The time to stay after printing the journal of a run that was stopped.
///
/// When the last container of a deleted pod has ended, the kubelet removes the containers with their logs. The operator
/// starts to follow this log when the pod is deleted. If the run stops at once, the operator may not have read it yet.
const LINGER: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Prints the journals after the run, and waits for SIGTERM or SIGINT. Without `journal`, only waits.
///
/// Fails if the volume cannot be used or the log cannot be written.
pub fn sidecar(dir: &Path, journal: bool) -> io::Result<()> {
    // The kernel drops signals to PID 1 that have no handler.
    let (stopped, handler) = UnixStream::pair()?;
    pipe::register(SIGTERM, handler.try_clone()?)?;
    pipe::register(SIGINT, handler)?;
    if journal {
        let volume = Volume::new(dir);
        // The hook that installs the runner can run later or at the same time.
        volume.create_journal_dir()?;
        let shared = open_directory(&volume.journal_dir())?;
        wait_for_done(&volume, &shared, &stopped);
        print_journals(&shared)?;
        wait_readable(&[&stopped], None);
        if volume.stop_file().exists() {
            // Wait for nothing but the timeout. The signal can still be read, and would end the wait at once.
            wait_readable(&[], Some(&LINGER));
        }
        return Ok(());
    }
    wait_readable(&[&stopped], None);
    Ok(())
}

/// Opens a directory, and does not follow a link.
///
/// The runner container could later replace the path by a link to files of this container. The handle still refers to
/// the original directory then.
fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?)
}

/// Waits for the done file, or for a signal.
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

/// Waits until a file can be read, or until the limit. Returns whether the first file can be read.
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

/// The first line of the log, for people who read it.
const INTRODUCTION: &str = "The lines below hold the journals of the Chaos Toolkit, compressed, for the operator. The operator \
keeps them in the ConfigMap that status.run.journal.configMap of the experiment names.";

/// Prints the journals, or why there is none. All of them together have at most [`frame::LIMIT`] bytes.
///
/// If a signal ended the wait for the done file, the runner may have been killed. The toolkit may have written its
/// journal before.
fn print_journals(shared: &OwnedFd) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, "{INTRODUCTION}")?;
    let starts = open_below(shared, STARTS);
    let found = match &starts {
        Ok(starts) => finished(shared).unwrap_or_else(|| list(starts)),
        Err(_) => Vec::new(),
    };
    let (Ok(starts), false) = (starts, found.is_empty()) else {
        return frame::write_none("the toolkit wrote no journal", &mut out);
    };
    let mut room = frame::LIMIT;
    for (index, number) in found.iter().enumerate() {
        let more = u32::try_from(found.len() - index - 1).unwrap_or_default();
        let place = Place { start: Some(*number), more };
        let reason = match open_journal(&starts, *number) {
            Ok(file) if !file.metadata()?.is_file() => "the journal is not a file".to_owned(),
            Ok(mut file) => match frame::write_one_of(&mut file, &place, room, &mut out) {
                Ok(bytes) => {
                    room = room.saturating_sub(bytes);
                    continue;
                }
                Err(error) => format!("the journal cannot be read: {error}"),
            },
            Err(rustix::io::Errno::NOENT) => "the toolkit wrote no journal".to_owned(),
            Err(error) => format!("the journal cannot be opened: {error}"),
        };
        frame::write_none_of(&reason, &place, &mut out)?;
    }
    out.flush()
}

/// Reads the numbers of the starts whose journals are printed, if the runner has named them.
fn finished(shared: &OwnedFd) -> Option<Vec<u32>> {
    let file = open_file(shared, DONE).ok()?;
    let mut text = String::new();
    file.take(1024).read_to_string(&mut text).ok()?;
    Some(text.lines().filter_map(|line| line.parse().ok()).take(MAX_JOURNALS).collect())
}

/// Lists the numbers of the starts that have a journal, in their order.
fn list(starts: &OwnedFd) -> Vec<u32> {
    let entries = Dir::read_from(starts).into_iter().flatten().flatten();
    let number = |entry: rustix::fs::DirEntry| entry.file_name().to_str().ok()?.parse().ok();
    let mut numbers: Vec<u32> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    numbers.retain(|number| {
        let dir = open_below(starts, &number.to_string());
        dir.is_ok_and(|dir| statat(&dir, JOURNAL, AtFlags::SYMLINK_NOFOLLOW).is_ok())
    });
    numbers.truncate(MAX_JOURNALS);
    numbers
}

fn open_journal(starts: &OwnedFd, number: u32) -> rustix::io::Result<File> {
    open_file(&open_below(starts, &number.to_string())?, JOURNAL)
}

/// Opens a file. Follows no link to a file of this container, and does not block on a pipe.
fn open_file(dir: &OwnedFd, name: &str) -> rustix::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::empty()).map(File::from)
}

/// Opens a directory, and follows no link to one of this container.
fn open_below(dir: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(dir, name, flags, Mode::empty())
}
