//! The files through which the supervisors of the toolkit and the runner know of each other.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::PathBuf;

use chaostoolkit_journal::Summary;
use rustix::fs::{FlockOperation, flock};
use rustix::process::Pid;

use crate::journal;
use crate::processes;
use crate::started::Started;
use crate::starts::merge::{self, Rest};
use crate::starts::record::Record;
use crate::volume::{JOURNAL, Volume, create_shared, write_atomically};

/// How many starts keep their journals and records.
pub const MAX_STARTS: u32 = 100;

/// The name of the record in the directory of a start.
const RECORD: &str = "record.json";

/// The maximum length of a record. Other processes of the container can write to its file.
const MAX_RECORD_BYTES: u64 = 64 * 1024;

/// A start that is in progress.
pub struct Registration {
    volume: Volume,
    number: u32,
    /// The files that say that it is in progress.
    running: Vec<PathBuf>,
}

impl Registration {
    /// Registers a start. Its supervisor is this process.
    pub fn new(volume: &Volume) -> io::Result<Self> {
        let number = next_number(volume)?;
        if number <= MAX_STARTS {
            create_shared(&start_dir(volume, number))?;
        }
        let mut registration = Self { volume: volume.clone(), number, running: Vec::new() };
        registration.write(&Record { number, supervisor: own(), ..Record::default() })?;
        registration.mark_running(std::process::id().to_string())?;
        Ok(registration)
    }

    /// The path for the journal.
    pub fn journal(&self) -> PathBuf {
        if self.number <= MAX_STARTS {
            start_dir(&self.volume, self.number).join(JOURNAL)
        } else {
            self.volume.starts_dir().join(format!("{}.json", std::process::id()))
        }
    }

    /// Records how the toolkit is started. The end of the record is not known yet.
    pub fn began(&self, record: &mut Record) {
        record.number = self.number;
        record.supervisor = own();
        let _ = self.write(record);
    }

    /// Registers the process of the toolkit, in case its supervisor is killed.
    pub fn has_child(&mut self, toolkit: Pid) {
        let _ = self.mark_running(format!("{}.{toolkit}", std::process::id()));
    }

    /// Records the end of the toolkit.
    pub fn ended(self, record: &Record) {
        let written = if self.number <= MAX_STARTS {
            self.write(record)
        } else {
            let _ = fs::remove_file(self.journal());
            add_to_rest(&self.volume, record)
        };
        if let Err(error) = written {
            crate::warn(format_args!("cannot record the end of the toolkit: {error}"));
        }
        for file in self.running {
            let _ = fs::remove_file(file);
        }
    }

    fn write(&self, record: &Record) -> io::Result<()> {
        if self.number > MAX_STARTS {
            return Ok(());
        }
        // A journal can have any number of activities.
        let summary = record.summary.as_ref().map(Summary::shortened);
        let path = start_dir(&self.volume, self.number).join(RECORD);
        write_atomically(&path, &serde_json::to_vec(&Record { summary, ..record.clone() })?)
    }

    /// Creates a file that stays until the end. A file that is replaced could be missed by somebody who lists the directory at
    /// the same time.
    fn mark_running(&mut self, name: String) -> io::Result<()> {
        let file = self.volume.running_dir().join(name);
        fs::write(&file, "")?;
        self.running.push(file);
        Ok(())
    }
}

/// This process.
fn own() -> Option<(i32, u64)> {
    let process = processes::read(rustix::process::getpid())?;
    Some((process.pid.as_raw_pid(), process.started))
}

/// A start that is in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The process that supervises the toolkit, if it runs.
    pub supervisor: Option<Pid>,
    /// The toolkit, if it runs.
    pub toolkit: Option<Pid>,
    /// Whether the toolkit was started. Its supervisor may still have to record its end.
    pub has_begun: bool,
}

/// Returns the starts that are in progress. A start can be among them twice, with and without its toolkit.
pub fn registered(volume: &Volume) -> Vec<Registered> {
    let entries = fs::read_dir(volume.running_dir()).into_iter().flatten().flatten();
    let running = |text: &str| {
        // Other processes can write to this directory. Reject ids that stand for several processes, PID 1, and this one.
        let pid = text.parse().ok().filter(|pid: &i32| *pid > 1).and_then(Pid::from_raw)?;
        (pid != rustix::process::getpid() && processes::is_running(pid)).then_some(pid)
    };
    let parse = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let (supervisor, toolkit, has_begun) = match name.to_str()?.split_once('.') {
            Some((supervisor, toolkit)) => (running(supervisor), running(toolkit), true),
            None => (running(name.to_str()?), None, false),
        };
        let is_running = supervisor.is_some() || toolkit.is_some();
        is_running.then_some(Registered { supervisor, toolkit, has_begun })
    };
    entries.filter_map(parse).collect()
}

/// Returns the records of the first [`MAX_STARTS`] starts in their order, and what is known of the others.
pub fn recorded(volume: &Volume) -> (Vec<Record>, Rest) {
    let count = read_number(volume);
    let read = |number: u32| {
        let path = start_dir(volume, number).join(RECORD);
        let record =
            read_limited(&path, MAX_RECORD_BYTES).and_then(|text| serde_json::from_slice(&text).ok());
        Record { number, ..record.unwrap_or_default() }
    };
    let records = (1..=count.min(MAX_STARTS)).map(read).collect();
    let mut rest = read_rest(volume);
    if count.saturating_sub(MAX_STARTS) > rest.ended {
        // Nobody saw the end of at least one of them.
        rest = merge::add(rest, &Record { number: count, ..Record::default() });
    }
    (records, rest)
}

/// Reads the journal of a start whose supervisor was killed. Its toolkit may have gone on, and written one.
pub fn complete(volume: &Volume, record: &mut Record) {
    if !record.is_unobserved() {
        return;
    }
    let kept = start_dir(volume, record.number).join(JOURNAL);
    let started = Started { journal: Some(kept.clone()), ..Started::default() };
    if let Some((file, summary)) = journal::collect(Some(&kept), &started) {
        record.journal = Some(file);
        record.summary = summary;
    }
}

/// Reads the journal of the only start again, if a script has changed it at the path that it named itself.
///
/// With several starts, the last one may have written to the path of an earlier one.
pub fn look_again(volume: &Volume, record: &mut Record) {
    let Some((path, before)) = record.journal_at.take() else { return };
    let started = Started { journal: Some(path), before: Some(before), ..Started::default() };
    let kept = start_dir(volume, record.number).join(JOURNAL);
    if let Some((file, summary)) = journal::collect(Some(&kept), &started) {
        record.journal = Some(file);
        record.summary = summary;
    }
}

fn start_dir(volume: &Volume, number: u32) -> PathBuf {
    volume.starts_dir().join(number.to_string())
}

/// Takes the next number, while no other start can.
fn next_number(volume: &Volume) -> io::Result<u32> {
    let _lock = lock(volume)?;
    let number = read_number(volume).saturating_add(1);
    write_atomically(&volume.starts_dir().join("count"), number.to_string().as_bytes())?;
    Ok(number)
}

fn read_number(volume: &Volume) -> u32 {
    let text = read_limited(&volume.starts_dir().join("count"), 32);
    text.and_then(|text| String::from_utf8(text).ok()?.trim().parse().ok()).unwrap_or_default()
}

fn add_to_rest(volume: &Volume, record: &Record) -> io::Result<()> {
    let _lock = lock(volume)?;
    let summary = record.summary.as_ref().map(Summary::shortened);
    let rest = merge::add(read_rest(volume), &Record { summary, ..record.clone() });
    write_atomically(&volume.starts_dir().join("rest.json"), &serde_json::to_vec(&rest)?)
}

fn read_rest(volume: &Volume) -> Rest {
    let text = read_limited(&volume.starts_dir().join("rest.json"), MAX_RECORD_BYTES);
    text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Returns a lock that ends when it is dropped.
fn lock(volume: &Volume) -> io::Result<File> {
    let path = volume.starts_dir().join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
    // Another user may need it next.
    let _ = fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666));
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

fn read_limited(path: &std::path::Path, limit: u64) -> Option<Vec<u8>> {
    use std::io::Read;
    let mut text = Vec::new();
    journal::open(path).ok()?.take(limit).read_to_end(&mut text).ok()?;
    Some(text)
}
