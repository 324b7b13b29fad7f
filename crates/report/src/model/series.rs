//! Numbers over time, in an output.

use serde::Serialize;

use crate::model::listed::is_zero;

/// The numbers in the output of an activity.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// What the numbers are, such as `up` or `latency`.
    pub title: String,
    /// The unit of the numbers, such as `ms`. Empty if it is not known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Whether the horizontal axis is time, in seconds since 1970. Otherwise it is the position in a list, from 1, whose
    /// labels are in `labels`.
    pub is_time: bool,
    /// The time of the numbers in seconds since 1970, if the axis is not time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// The labels of the positions, if the axis is not time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// The series. At most 12.
    pub series: Vec<Series>,
    /// The number of series that were left out.
    #[serde(skip_serializing_if = "is_zero")]
    pub omitted: usize,
}

/// A series of numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Series {
    /// The name, such as `{job="web"}`.
    pub name: String,
    /// The points, in their order. At most 500. If there were more, each one is the mean of several.
    pub points: Vec<(f64, f64)>,
}
