//! Experiments that come one after the other, at several rates, and end at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};

use crate::common::install::Install;
use crate::common::operator::Operator;
use crate::common::variables::{number, text};
use crate::common::{report_container, terminated};
use crate::load;
use crate::seen::{Seen, Times};
use crate::table::{Table, share, shares};

/// How long experiments keep coming.
fn time() -> Duration {
    Duration::from_secs(number("BENCH_RATE_SECONDS", 60))
}

pub async fn measure(table: &mut Table) {
    let rates = text("BENCH_RATES").unwrap_or_else(|| "5,10,20,40".to_owned());
    for rate in rates.split(',').map(|rate| rate.parse::<u32>().unwrap()) {
        at(table, rate).await;
    }
}

async fn at(table: &mut Table, rate: u32) {
    let install = Install::new("rate").await;
    install.with_experiment("{}").await;
    let _operator = Operator::start_as_shipped(&install).await;
    let mut seen = Seen::watch(&install);
    let count = usize::try_from(u64::from(rate) * time().as_secs()).unwrap();
    let (mut applied, mut sent) = (BTreeMap::new(), BTreeMap::new());
    futures::future::join(
        async {
            applied = come(&install, count, rate).await;
        },
        async { sent = end_each(&install, &mut seen, count).await },
    )
    .await;
    let times = seen.until(load::LIMIT, "each has ended", |times| times.ends.len() == count).await;
    let pods = load::between(&applied, times.pods.iter().map(|(name, (when, _))| (name, when)));
    let budget = if rate == 20 { "p99 500 ms" } else { "" };
    table.row(format!("{rate} experiments a second: from apply to the pod"), shares(&pods), budget);
    let ends = load::between(&sent, &times.ends);
    let budget = if rate == 20 { "p50 50 ms, p99 250 ms" } else { "" };
    table.row(
        format!("{rate} experiments a second: from the end of the pod to the outcome"),
        shares(&ends),
        budget,
    );
    let longest = share(&pods, 1.0).as_secs_f64() / share(&pods, 0.5).as_secs_f64();
    table.row(
        format!("{rate} experiments a second: the longest wait for a pod, in medians"),
        format!("{longest:.1}"),
        "10",
    );
}

/// Applies experiments at this rate, and returns when each was sent. A request that takes long does not hold up the next.
async fn come(install: &Install, count: usize, rate: u32) -> BTreeMap<String, Instant> {
    let ticks = tokio::time::interval(Duration::from_secs(1) / rate);
    let names = load::names("exp", count);
    let due = stream::unfold((ticks, names), async |(mut ticks, mut names)| {
        let name = names.next()?;
        ticks.tick().await;
        Some(((name, Instant::now()), (ticks, names)))
    });
    let sent = due.map(async |(name, now)| {
        install.apply_experiment(&name, load::spec()).await;
        (name, now)
    });
    sent.buffer_unordered(count).collect().await
}

/// Ends each pod as soon as it is there, and returns when its end was sent.
async fn end_each(install: &Install, seen: &mut Seen, count: usize) -> BTreeMap<String, Instant> {
    let (mut sent, mut done) = (BTreeMap::new(), BTreeSet::new());
    while done.len() < count {
        let is_new = |times: &Times| times.pods.len() > done.len();
        let times = seen.until(load::LIMIT, "the next pod is there", is_new).await;
        let new: Vec<String> = times.pods.keys().filter(|name| !done.contains(*name)).cloned().collect();
        let pods = &install.pods();
        let ended =
            load::timed(new, async |name| report_container(pods, &times.pods[&name].1, terminated(0)).await)
                .await;
        done.extend(ended.keys().cloned());
        sent.extend(ended);
    }
    sent
}
