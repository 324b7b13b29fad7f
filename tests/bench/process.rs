//! What a process has used.

use std::time::Duration;

/// How many ticks a second has in `/proc/ID/stat` on Linux, whatever the machine: `USER_HZ`.
const TICKS: u64 = 100;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Time on a processor.
    pub processor: Duration,
    /// Resident memory in KiB.
    pub resident: u64,
    /// The most resident memory so far, in KiB.
    pub peak: u64,
}

impl Usage {
    /// Reads what a process has used.
    pub fn of(id: u32) -> Self {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap();
        let status = read("status");
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
        };
        // The name of the program, in parentheses, may have spaces in it.
        let stat = read("stat");
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = [fields[11], fields[12]].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Self {
            processor: Duration::from_millis(ticks * 1000 / TICKS),
            resident: field("VmRSS"),
            peak: field("VmHWM"),
        }
    }
}

/// Describes memory in MiB.
#[expect(clippy::cast_precision_loss, reason = "memory of a process")]
pub fn mib(kib: u64) -> String {
    format!("{:.1} MiB", kib as f64 / 1024.0)
}
