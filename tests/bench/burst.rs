//! Many experiments at once: how soon each has its pod, its outcome, and is gone after it was deleted.

use std::time::Instant;

use kube::api::{DeleteParams, ListParams};

use crate::calls::{self, Counter};
use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::load::{self, LIMIT};
use crate::process::{Usage, mib};
use crate::replay;
use crate::seen::Seen;
use crate::table::{Table, a_second, shares};
use crate::yardstick;

pub async fn measure(table: &mut Table, count: usize) {
    let install = Install::new("burst").await;
    install.with_experiment("{}").await;
    let bare = yardstick::measure(&install, count).await;
    let bare_rate = a_second(count, bare.created);
    table.row(
        format!("bare client: the objects of {count} runs, runs a second"),
        format!("{bare_rate:.0}"),
        "",
    );
    table.row(
        format!("bare client: deletes the objects of {count} runs"),
        format!("{:.1} s", bare.deleted.as_secs_f64()),
        "",
    );

    let replayed = a_second(count, replay::measure(&install, count).await);
    table.row(
        format!("a client that makes the operator's writes for {count} starts, runs a second"),
        format!("{replayed:.0}"),
        "",
    );

    let operator = Operator::start_as_shipped(&install).await;
    let mut counter = Counter::of(&install.user);
    let mut seen = Seen::watch(&install);
    let before = Usage::of(operator.id());
    let began = Instant::now();
    let applied = load::apply(&install, "exp", count).await;
    let times = seen.until(LIMIT, "each has a pod", |times| times.pods.len() == count).await;
    let last = times.pods.values().map(|(when, _)| *when).max().unwrap();
    let rate = a_second(count, last.duration_since(began));
    table.row(format!("{count} experiments at once: pods a second"), format!("{rate:.0}"), "");
    table.row("the same as a share of the bare client", format!("{:.2}", rate / bare_rate), "0.5");
    table.row(
        "the same as a share of the client that makes the writes",
        format!("{:.2}", rate / replayed),
        "",
    );
    let pods = times.pods.iter().map(|(name, (when, _))| (name, when));
    table.row("from apply to the pod", shares(&load::between(&applied, pods)), "");

    let sent = load::end(&install, &times, "exp").await;
    let times = seen.until(LIMIT, "each has ended", |times| times.ends.len() == count).await;
    table.row("from the end of the pod to the outcome", shares(&load::between(&sent, &times.ends)), "");

    let experiments = install.experiments();
    let began = Instant::now();
    experiments.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
    seen.until(LIMIT, "all are gone", |times| times.present.is_empty()).await;
    table.row(
        format!("{count} experiments are deleted"),
        format!("{:.1} s", began.elapsed().as_secs_f64()),
        "20 s",
    );
    let usage = Usage::of(operator.id());
    let processor = usage.processor.saturating_sub(before.processor);
    table.row(
        "processor time of the operator for each experiment",
        format!("{:.1} ms", processor.as_secs_f64() * 1000.0 / f64::from(u32::try_from(count).unwrap())),
        "",
    );
    table.row(format!("peak memory of the operator with {count} experiments"), mib(usage.peak), "");

    // The log has a request a moment after it was answered.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let calls = counter.count();
    let [reads, writes, events] = calls::kinds(&calls);
    let each = |calls: usize| format!("{:.1}", a_second(calls, std::time::Duration::from_secs(count as u64)));
    table.row("reads for each experiment, from apply to gone", each(reads), "8");
    table.row("writes for each experiment, from apply to gone", each(writes), "16");
    table.row("events for each experiment, from apply to gone", each(events), "3");
    table.row("calls for each experiment", calls::each(&calls, count), "");
}
