//! The table of what was measured.

use std::fmt::{Display, Write};
use std::time::Duration;

use crate::common;

/// The rows so far, with what a reader has to know about the machine.
pub struct Table {
    head: String,
    rows: Vec<[String; 3]>,
}

impl Table {
    /// Begins a table. Its head names the versions, the number of processors and the date.
    pub async fn begin() -> Self {
        let server = common::client().await.apiserver_version().await.unwrap();
        let processors = std::thread::available_parallelism().unwrap();
        let date = k8s_openapi::jiff::Zoned::now().strftime("%Y-%m-%d").to_string();
        let version = env!("CARGO_PKG_VERSION");
        let kubernetes = server.git_version;
        let head = format!(
            "Version {version}, Kubernetes {kubernetes}, {processors} processors for operator, API server, etcd and this \
             program together, {date}"
        );
        Self { head, rows: Vec::new() }
    }

    /// Adds a row. `wanted` is the budget, or empty if there is none.
    pub fn row(&mut self, what: impl Display, seen: impl Display, wanted: impl Display) {
        eprintln!("{what}: {seen} (budget: {wanted})");
        self.rows.push([what.to_string(), seen.to_string(), wanted.to_string()]);
    }

    /// Returns the table in Markdown.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n\n| what | seen | budget |\n|---|---|---|\n", self.head);
        for [what, seen, wanted] in &self.rows {
            writeln!(text, "| {what} | {seen} | {wanted} |").unwrap();
        }
        text
    }
}

/// Returns the value below which this share of the values is, such as 0.5 for the median.
pub fn share(times: &[Duration], share: f64) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few thousand at most"
    )]
    let index = ((sorted.len() as f64 * share).ceil() as usize).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

/// Describes times by their median, their 99th percentile and the longest.
pub fn shares(times: &[Duration]) -> String {
    let milliseconds = |time: Duration| format!("{} ms", time.as_millis());
    let [median, late, last] = [0.5, 0.99, 1.0].map(|of| milliseconds(share(times, of)));
    format!("p50 {median}, p99 {late}, longest {last}")
}

/// Returns how many of these come in a second.
#[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
pub fn a_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
