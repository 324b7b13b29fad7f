//! Makes experiments and ends their pods.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::{Value, json};

use crate::common::install::Install;
use crate::common::{report_container, terminated};
use crate::seen::{Seen, Times};

/// How many requests are made at the same time.
pub const AT_ONCE: usize = 16;

/// The most time that anything here may take.
pub const LIMIT: Duration = Duration::from_secs(900);

/// Does this for each item, several at the same time.
pub async fn all<T, F: Future<Output = ()>>(items: impl IntoIterator<Item = T>, each: impl Fn(T) -> F) {
    stream::iter(items).for_each_concurrent(AT_ONCE, each).await;
}

/// Does this for each item, several at the same time, and returns when each began.
pub async fn timed<F: Future<Output = ()>>(
    items: impl IntoIterator<Item = String>,
    each: impl Fn(String) -> F,
) -> BTreeMap<String, Instant> {
    let each = &each;
    let began = stream::iter(items).map(|item| async move {
        let now = Instant::now();
        each(item.clone()).await;
        (item, now)
    });
    began.buffer_unordered(AT_ONCE).collect().await
}

/// The spec of an experiment that needs nothing but its pod.
pub fn spec() -> Value {
    json!({"pod": {"experiment": {"asFile": false}}})
}

/// Names experiments.
pub fn names(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{prefix}-{number}"))
}

/// Applies experiments, and returns when each was sent.
pub async fn apply(install: &Install, prefix: &str, count: usize) -> BTreeMap<String, Instant> {
    timed(names(prefix, count), async |name| {
        install.apply_experiment(&name, spec()).await;
    })
    .await
}

/// Ends the pods of these experiments, and returns when each end was sent.
pub async fn end(install: &Install, times: &Times, prefix: &str) -> BTreeMap<String, Instant> {
    let (pods, all) = (&install.pods(), &times.pods);
    let names = all.keys().filter(|name| name.starts_with(prefix)).cloned();
    timed(names, async |name| report_container(pods, &all[&name].1, terminated(0)).await).await
}

/// Runs experiments to their ends, this many at a time.
pub async fn run(install: &Install, seen: &mut Seen, prefix: &str, count: usize) {
    const WAVE: usize = 500;
    for wave in 0..count.div_ceil(WAVE) {
        let (prefix, size) = (format!("{prefix}-{wave}w"), WAVE.min(count - wave * WAVE));
        apply(install, &prefix, size).await;
        let has = |names: usize| names >= size;
        let started = |times: &Times| times.pods.keys().filter(|name| name.starts_with(&prefix)).count();
        let ended = |times: &Times| times.ends.keys().filter(|name| name.starts_with(&prefix)).count();
        let times = seen.until(LIMIT, "each has a pod", |times| has(started(times))).await;
        end(install, &times, &prefix).await;
        seen.until(LIMIT, "each has ended", |times| has(ended(times))).await;
        eprintln!("{} of {count} have ended", wave * WAVE + size);
    }
}

/// Returns how long each took, from one time to the other.
pub fn between<'a>(
    from: &BTreeMap<String, Instant>,
    to: impl IntoIterator<Item = (&'a String, &'a Instant)>,
) -> Vec<Duration> {
    let times = to.into_iter().filter_map(|(name, end)| Some(end.duration_since(*from.get(name)?)));
    times.collect()
}
