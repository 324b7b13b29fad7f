//! Many experiments that have ended: what a new operator needs for them.

use std::time::{Duration, Instant};

use crate::calls::{self, Counter};
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::variables::number;
use crate::load;
use crate::process::{Usage, mib};
use crate::seen::Seen;
use crate::table::Table;

pub async fn measure(table: &mut Table) {
    let count = number("BENCH_ENDED", 10_000);
    let install = Install::new("ended").await;
    install.with_experiment("{}").await;
    let operator = Operator::start_as_shipped(&install).await;
    let empty = Usage::of(operator.id()).resident;
    table.row("memory of the operator without experiments", mib(empty), "");
    let mut seen = Seen::watch(&install);
    load::run(&install, &mut seen, "exp", count).await;
    let peak = Usage::of(operator.id()).peak;
    table.row(format!("peak memory while {count} experiments end"), mib(peak), "");
    drop(seen);
    operator.kill();

    let began = Instant::now();
    let operator = Operator::start_as_shipped(&install).await;
    let started = began.elapsed();
    table.row(
        format!("a new operator is ready with {count} ended experiments"),
        format!("{:.1} s", started.as_secs_f64()),
        "5 s",
    );
    let mut counter = Counter::of(&install.user);
    // A minute is what is measured.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let usage = Usage::of(operator.id());
    table.row(format!("its memory with {count} ended experiments"), mib(usage.resident), "48 MiB");
    table.row("its peak memory", mib(usage.peak), "48 MiB");
    let bytes = usage.resident.saturating_sub(empty) * 1024 / count as u64;
    table.row("bytes for each ended experiment", bytes, "");
    let [reads, writes, events] = calls::kinds(&counter.count());
    table.row("its calls in a minute: reads, writes, events", format!("{reads}, {writes}, {events}"), "");
}
