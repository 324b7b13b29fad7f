//! How fast and how small the operator is, beside a bare client that does the same work: one table, on standard output and in
//! the file that `BENCH_TABLE` names. Needs a control plane and a machine with nothing else to do: `make bench`.

#![allow(missing_docs)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a measurement fails by a panic, and reports its progress"
)]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "tests have no public docs")]

mod blocked;
mod burst;
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod ended;
mod foreign;
mod load;
mod process;
mod rates;
mod replay;
mod seen;
mod table;
mod yardstick;

use common::variables::{number, text};
use table::Table;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a control plane and a machine with nothing else to do"]
async fn one_table() {
    let mut table = Table::begin().await;
    let count = number("BENCH_BURST", 1000);
    let parts = text("BENCH_PARTS").unwrap_or_else(|| "burst,rates,blocked,ended,foreign".to_owned());
    for part in parts.split(',') {
        eprintln!("== {part}");
        match part {
            "burst" => burst::measure(&mut table, count).await,
            "rates" => rates::measure(&mut table).await,
            "blocked" => blocked::measure(&mut table).await,
            "ended" => ended::measure(&mut table).await,
            "foreign" => foreign::measure(&mut table).await,
            unknown => panic!("BENCH_PARTS names an unknown part: {unknown:?}"),
        }
    }
    let text = table.text();
    println!("{text}");
    if let Some(path) = common::variables::text("BENCH_TABLE") {
        std::fs::write(path, text).unwrap();
    }
}
