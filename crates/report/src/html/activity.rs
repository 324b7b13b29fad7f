//! Activities in HTML: rows of a table, and their outputs.

use maud::{Markup, html};

use crate::html::word;
use crate::model::{Activity, Listed};
use crate::times;

/// Writes a table of activities.
pub(crate) fn table(list: &Listed<Activity>) -> Markup {
    let has_tolerance = list.items.iter().any(|activity| activity.tolerance.is_some());
    html! {
        table {
            thead {
                tr {
                    th.result scope="col" { "Result" }
                    th.activity scope="col" { "Activity" }
                    @if has_tolerance { th scope="col" { "Expected" } }
                    th scope="col" { "Provider" }
                    th.number scope="col" { "Start" }
                    th.number scope="col" { "Duration" }
                }
            }
            tbody {
                @for activity in &list.items { (row(activity, has_tolerance)) }
            }
        }
        @if list.omitted > 0 { p { (list.omitted) " more are left out." } }
    }
}

fn row(activity: &Activity, has_tolerance: bool) -> Markup {
    let last =
        activity.error.as_ref().and_then(|error| error.lines().rev().find(|line| !line.trim().is_empty()));
    html! {
        tr {
            td { (word::activity(activity)) }
            td {
                (activity.name)
                div.quiet { (about(activity)) }
                @if let Some(error) = last { div.bad { "Error: " (error) } }
            }
            @if has_tolerance {
                td { @if let Some(tolerance) = &activity.tolerance { code { (tolerance) } } }
            }
            td { @if let Some(provider) = &activity.provider { (provider.kind) " " code { (provider.target) } } }
            td.number title=[activity.started_at.map(times::time)] {
                @if let Some(offset) = activity.offset_seconds { (times::offset(offset)) }
            }
            td.number { @if let Some(seconds) = activity.duration_seconds { (times::duration(seconds)) } }
        }
    }
}

/// The kind of an activity, and how it is played.
fn about(activity: &Activity) -> String {
    let kind: &str = activity.kind.into();
    let background = activity.background.then(|| "in the background".to_owned());
    let pause = |when: &str, seconds: Option<f64>| {
        seconds.map(|seconds| format!("pause {when} {}", times::duration(seconds)))
    };
    let pauses = [pause("before", activity.pauses.before), pause("after", activity.pauses.after)];
    let timeout = activity.provider.as_ref().and_then(|provider| provider.timeout);
    let timeout = timeout.map(|seconds| format!("timeout {}", times::duration(seconds)));
    let parts = [Some(kind.to_owned()), background].into_iter().chain(pauses).chain([timeout]).flatten();
    parts.collect::<Vec<String>>().join(", ")
}

/// Writes the arguments, the output and the error of an activity, if there is more than the table shows.
pub(crate) fn details(place: &str, activity: &Activity) -> Option<Markup> {
    let arguments = activity.provider.as_ref().and_then(|provider| provider.arguments.as_ref());
    let error = activity.error.as_ref().filter(|error| error.contains('\n'));
    let parts = [("Arguments", arguments), ("Output", activity.output.as_ref()), ("Error", error)];
    let parts: Vec<(&str, &String)> =
        parts.into_iter().filter_map(|(title, value)| Some((title, value?))).collect();
    (!parts.is_empty()).then(|| {
        html! {
            details {
                summary { (place) ": " (activity.name) }
                @for (title, value) in parts { p.quiet { (title) } pre { (value) } }
            }
        }
    })
}
