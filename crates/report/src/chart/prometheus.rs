//! Answers of Prometheus.

use serde_json::Value;

use crate::chart::{MAX_NAME, MAX_SERIES, series};
use crate::model::Chart;
use crate::redact::Redactor;

/// Returns the numbers of a matrix or a vector.
pub(crate) fn find(output: &Value, query: Option<&str>, redactor: &Redactor) -> Option<Chart> {
    let data = output.get("data")?;
    let results = data.get("result")?.as_array()?;
    let names: Vec<&str> =
        results.iter().filter_map(|result| result["metric"]["__name__"].as_str()).collect();
    let common = names.first().filter(|first| names.iter().all(|name| name == *first)).copied();
    let title = redactor.line(query.or(common).unwrap_or("value"), MAX_NAME);
    let name = |result: &Value| {
        redactor.line(&labels(&result["metric"], common.unwrap_or_default(), results), MAX_NAME)
    };
    let shown = results.iter().take(MAX_SERIES);
    let omitted = results.len().saturating_sub(MAX_SERIES);
    match data["resultType"].as_str()? {
        "matrix" => {
            let points = |result: &Value| -> Vec<(f64, f64)> {
                result["values"].as_array().into_iter().flatten().filter_map(point).collect()
            };
            let series = shown.map(|result| series(name(result), points(result))).collect();
            Some(Chart { is_time: true, series, omitted, title, ..Chart::default() })
        }
        "vector" => {
            let time = results.iter().find_map(|result| point(&result["value"])).map(|point| point.0);
            let values: Vec<(String, f64)> =
                shown.filter_map(|result| Some((name(result), point(&result["value"])?.1))).collect();
            let points: Vec<(f64, f64)> =
                (1_u32..).map(f64::from).zip(values.iter().map(|(_, value)| *value)).collect();
            let labels = values.into_iter().map(|(name, _)| name).collect();
            Some(Chart {
                time,
                labels,
                series: vec![series(title.clone(), points)],
                omitted,
                title,
                ..Chart::default()
            })
        }
        _ => None,
    }
}

/// A point is `[seconds, "value"]`. A value such as `NaN` is none.
fn point(value: &Value) -> Option<(f64, f64)> {
    let number: f64 = match value.get(1)? {
        Value::String(text) => text.parse().ok()?,
        other => other.as_f64()?,
    };
    Some((value.get(0)?.as_f64()?, number)).filter(|(at, number)| at.is_finite() && number.is_finite())
}

/// The labels of a metric, as Prometheus writes them. The name and the labels that all metrics have are left out.
fn labels(metric: &Value, common: &str, results: &[Value]) -> String {
    let name = metric["__name__"].as_str().unwrap_or_default();
    let tells = |key: &str, value: &Value| {
        results.len() < 2 || results.iter().any(|other| other["metric"].get(key) != Some(value))
    };
    let fields = metric.as_object().into_iter().flatten();
    let fields = fields.filter(|(key, value)| *key != "__name__" && tells(key, value));
    let labels: Vec<String> = fields.map(|(key, value)| format!("{key}={value}")).collect();
    match (name, labels.is_empty()) {
        ("", true) => "value".to_owned(),
        (name, true) => name.to_owned(),
        (name, false) if name == common => format!("{{{}}}", labels.join(",")),
        (name, false) => format!("{name}{{{}}}", labels.join(",")),
    }
}
