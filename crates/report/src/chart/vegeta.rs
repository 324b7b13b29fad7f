//! What Vegeta prints.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::chart::{MAX_SERIES, series};
use crate::model::{Chart, Series};

/// The latencies of a report, in their order.
const LATENCIES: [&str; 7] = ["min", "mean", "50th", "90th", "95th", "99th", "max"];
const NANOSECONDS_PER_MILLISECOND: f64 = 1e6;

/// Returns the latencies of a report, or the latencies and the codes of single results. They are the output itself, or what a
/// process printed.
pub(crate) fn find(output: &Value) -> Vec<Chart> {
    let Some(printed) = output.get("stdout").and_then(Value::as_str) else {
        return report(output).into_iter().collect();
    };
    // One report, or one result on each line.
    let values = serde_json::Deserializer::from_str(printed).into_iter::<Value>().map_while(Result::ok);
    let values: Vec<Value> = values.take_while(Value::is_object).collect();
    match &values[..] {
        [] => Vec::new(),
        [single] if single.get("latencies").is_some() => report(single).into_iter().collect(),
        results => self::results(results),
    }
}

/// The latencies of `vegeta report -type=json`.
fn report(report: &Value) -> Option<Chart> {
    report.get("requests")?.as_f64()?;
    let latencies = report.get("latencies")?;
    let known = LATENCIES.into_iter().filter_map(|name| Some((name, milliseconds(latencies.get(name)?)?)));
    let found: Vec<(&str, f64)> = known.collect();
    let points: Vec<(f64, f64)> =
        (1_u32..).map(f64::from).zip(found.iter().map(|(_, value)| *value)).collect();
    Some(Chart {
        title: "HTTP latency".to_owned(),
        unit: "ms".to_owned(),
        labels: found.iter().map(|(name, _)| (*name).to_owned()).collect(),
        series: vec![series("latency".to_owned(), points)],
        ..Chart::default()
    })
}

/// The latencies and the numbers of answers by code and second of `vegeta encode`.
fn results(results: &[Value]) -> Vec<Chart> {
    let mut latencies: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    let mut counts: BTreeMap<u64, BTreeMap<i64, u32>> = BTreeMap::new();
    let result = |value: &Value| -> Option<(u64, Timestamp, f64)> {
        let at = value.get("timestamp")?.as_str()?.parse().ok()?;
        Some((value.get("code")?.as_u64()?, at, milliseconds(value.get("latency")?)?))
    };
    for (code, at, latency) in results.iter().filter_map(result) {
        if latencies.len() >= MAX_SERIES && !latencies.contains_key(&code) {
            continue;
        }
        latencies.entry(code).or_default().push((at.as_duration().as_secs_f64(), latency));
        *counts.entry(code).or_default().entry(at.as_second()).or_default() += 1;
    }
    let latencies = latencies.into_iter().map(|(code, points)| series(code.to_string(), points)).collect();
    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
    let counts = counts.into_iter().map(|(code, counts)| {
        let points: Vec<(f64, f64)> =
            counts.into_iter().map(|(second, count)| (second as f64, f64::from(count))).collect();
        series(code.to_string(), points)
    });
    vec![
        chart("HTTP latency by status code", "ms", latencies),
        chart("HTTP answers per second by status code", "", counts.collect()),
    ]
}

fn chart(title: &str, unit: &str, series: Vec<Series>) -> Chart {
    Chart { title: title.to_owned(), unit: unit.to_owned(), is_time: true, series, ..Chart::default() }
}

fn milliseconds(nanoseconds: &Value) -> Option<f64> {
    Some(nanoseconds.as_f64()? / NANOSECONDS_PER_MILLISECOND)
}
