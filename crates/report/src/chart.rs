//! Finds numbers over time in an output.
//!
//! Known are answers of the HTTP API of [Prometheus], as `chaosprometheus` returns them, and what `vegeta report -type=json`
//! and `vegeta encode` of [Vegeta] print.
//!
//! [Prometheus]: https://prometheus.io/docs/prometheus/latest/querying/api/#expression-query-result-formats
//! [Vegeta]: https://github.com/tsenart/vegeta#report-command

mod prometheus;
mod vegeta;

use serde_json::Value;

use crate::model::{Chart, Series};
use crate::redact::Redactor;

/// The maximum number of series in a chart.
const MAX_SERIES: usize = 12;
/// The maximum number of points of a series.
const MAX_POINTS: usize = 500;
/// The maximum length of the name of a series, in characters.
const MAX_NAME: usize = 100;

/// Returns the numbers of an output, if it is one of the known results. `query` is what Prometheus was asked for.
pub(crate) fn find(output: &Value, query: Option<&str>, redactor: &Redactor) -> Vec<Chart> {
    let prometheus = prometheus::find(output, query, redactor);
    let mut charts = prometheus.map_or_else(|| vegeta::find(output), |chart| vec![chart]);
    charts.retain(|chart| chart.series.iter().any(|series| !series.points.is_empty()));
    charts
}

/// Returns a series of at most [`MAX_POINTS`] points, sorted. If there are more, each point is the mean of several neighbors.
fn series(name: String, mut points: Vec<(f64, f64)>) -> Series {
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    let step = points.len().div_ceil(MAX_POINTS).max(1);
    #[allow(clippy::cast_precision_loss, reason = "at most 400,000 points")]
    let mean = |chunk: &[(f64, f64)]| {
        let sum = chunk.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (sum.0 / chunk.len() as f64, sum.1 / chunk.len() as f64)
    };
    Series { name, points: points.chunks(step).map(mean).filter(|point| point.1.is_finite()).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn found(output: &Value) -> Option<Chart> {
        let charts = find(output, None, &Redactor::default());
        assert!(charts.len() < 2, "{charts:?}");
        charts.into_iter().next()
    }

    #[test]
    fn a_matrix_is_one_series_for_each_metric() {
        let chart = found(&json!({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"__name__": "up", "job": "a"}, "values": [[1_700_000_000, "1"], [1_700_000_000.5, "0.5"], [1_700_000_001, "NaN"]]},
            {"metric": {"__name__": "up", "job": "b"}, "values": [[1_700_000_000, "0"]]},
        ]}}))
        .unwrap();
        assert_eq!((chart.title.as_str(), chart.is_time, chart.omitted), ("up", true, 0));
        assert_eq!(chart.series[0].name, "{job=\"a\"}");
        assert_eq!(chart.series[0].points, [(1_700_000_000.0, 1.0), (1_700_000_000.5, 0.5)]);
        assert_eq!(chart.series[1].points, [(1_700_000_000.0, 0.0)]);
    }

    #[test]
    fn a_vector_has_one_point_for_each_metric() {
        let chart = found(&json!({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "job": "a"}, "value": [1_700_000_000, "1"]},
            {"metric": {"__name__": "up", "job": "b"}, "value": [1_700_000_000, "3"]},
        ]}}))
        .unwrap();
        assert!(!chart.is_time);
        assert_eq!(chart.labels, ["{job=\"a\"}", "{job=\"b\"}"]);
        assert_eq!(chart.series[0].points, [(1.0, 1.0), (2.0, 3.0)]);
    }

    #[test]
    fn a_report_of_vegeta_has_its_latencies_in_milliseconds() {
        let latencies = json!({"mean": 2_500_000, "50th": 2_000_000, "95th": 4_000_000, "99th": 5_000_000, "max": 9_000_000});
        let chart = found(&json!({"latencies": latencies, "requests": 100, "success": 1.0})).unwrap();
        assert_eq!(
            (chart.unit.as_str(), chart.labels.join(" ")),
            ("ms", "mean 50th 95th 99th max".to_owned())
        );
        assert_eq!(chart.series[0].points[2], (3.0, 4.0));
        // The same report as the text that a process printed.
        let text = json!({"latencies": latencies, "requests": 100}).to_string();
        assert_eq!(found(&json!({"status": 0, "stdout": text, "stderr": ""})).unwrap(), chart);
    }

    #[test]
    fn results_of_vegeta_are_latencies_and_counts_by_code() {
        let calls = [(200, "00.1", 2), (200, "00.9", 4), (503, "01.5", 9), (200, "01.6", 3)];
        let line = |(code, at, latency): (u16, &str, u32)| {
            let timestamp = format!("2026-11-21T08:35:{at}+00:00");
            json!({"attack": "", "code": code, "timestamp": timestamp, "latency": latency * 1_000_000})
                .to_string()
        };
        let text = calls.map(line).join("\n");
        let charts = find(&json!({"status": 0, "stdout": text}), None, &Redactor::default());
        let shown: Vec<String> =
            charts.iter().map(|chart| format!("{} {:?}", chart.title, chart.series)).collect();
        assert_eq!(charts.len(), 2);
        assert!(charts[0].is_time && charts[1].is_time);
        assert_eq!(charts[0].series.iter().map(|series| series.points.len()).collect::<Vec<usize>>(), [3, 1]);
        assert_eq!(
            charts[1].series[0].points.iter().map(|point| point.1).collect::<Vec<f64>>(),
            [2.0, 1.0],
            "{shown:?}"
        );
        assert_eq!(charts[1].series[1].name, "503");
    }

    #[rstest]
    #[case(json!(null))]
    #[case(json!(5))]
    #[case(json!({"status": "success"}))]
    #[case(json!({"status": "error", "data": {"resultType": "matrix", "result": []}}))]
    #[case(json!({"data": {"resultType": "matrix", "result": [{"metric": 5, "values": [[1], "x", [null, "1"]]}]}}))]
    #[case(json!({"latencies": {"mean": "slow"}, "requests": 1}))]
    #[case(json!({"stdout": "{\"latencies\": 5}"}))]
    fn whatever_else_has_no_chart(#[case] output: Value) {
        assert_eq!(found(&output), None);
    }

    #[test]
    fn the_numbers_of_points_and_series_are_bounded() {
        let values: Vec<Value> = (0..1_001).map(|at| json!([at, at.to_string()])).collect();
        let result: Vec<Value> =
            (0..20).map(|at| json!({"metric": {"a": at.to_string()}, "values": values})).collect();
        let chart = found(&json!({"data": {"resultType": "matrix", "result": result}})).unwrap();
        assert_eq!((chart.series.len(), chart.omitted), (12, 8));
        assert_eq!(chart.series[0].points.len(), 334);
        assert_eq!(chart.series[0].points[0], (1.0, 1.0));
    }
}
