//! The spans of a run: pure.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::outbound::facts::{EndFacts, RunFacts};
use crate::outbound::trace::attributes::{number, seconds, text, truth};
use crate::outbound::trace::ids::{hex, span_id, trace_id};
use crate::outbound::trace::times::Times;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::{Outcome, Text};
use chaostoolkit_journal::{Evaluated, MAX_ACTIVITIES, Played, StepStatus, Timeline};

/// The maximum number of spans: of each of five lists its activities, the evaluations during the method, and the rest.
pub const MAX_SPANS: usize = 6 * MAX_ACTIVITIES + 8;

/// By how much the clock of the pod and those of the cluster may differ, in nanoseconds: an hour.
const SLACK: u64 = 3_600_000_000_000;

/// Returns the spans of a run. The first one is that of the whole run, and without a journal the only one.
#[must_use]
pub fn spans(run: &RunFacts, timeline: Option<&Timeline>) -> Vec<Span> {
    let at = |time: &Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>| {
        time.as_ref().map(|time| time.0)
    };
    let (started, finished) = (at(&run.started_at), at(&run.finished_at));
    let recorded = Times::of(started.or(finished), finished);
    let bounds = recorded.filter(|_| finished.is_some()).map(|times| times.widened(SLACK));
    let of_journal = timeline.and_then(|timeline| Times::within(bounds, timeline.start, timeline.end));
    let whole = match (recorded, of_journal) {
        (Some(one), Some(other)) => one.enclose(other),
        (one, other) => one.or(other).unwrap_or(Times::at(0)),
    };
    let mut trace = Trace { id: trace_id(&run.uid, &run.id), bounds, spans: Vec::new() };
    let root = span_id(&trace.id, "run");
    let mut all = whole;
    if let Some(timeline) = timeline {
        // What has no time is put where the toolkit began.
        let begin = of_journal.map_or(whole.start, |times| times.start);
        all = all.enclose(trace.parts(timeline, &root, begin));
    }
    let (name, status) = (format!("RUN {}", run.experiment), run.end.as_ref().and_then(status));
    let attributes = about(run, timeline);
    let whole = Span {
        trace_id: trace.id,
        span_id: root,
        name,
        // The conventions ask for this kind.
        kind: SpanKind::Server as i32,
        start_time_unix_nano: all.start,
        end_time_unix_nano: all.end,
        attributes,
        status,
        ..Span::default()
    };
    std::iter::once(whole).chain(trace.spans).collect()
}

/// The spans below that of the run.
struct Trace {
    id: Vec<u8>,
    /// What a journal says of other times is not believed.
    bounds: Option<Times>,
    spans: Vec<Span>,
}

impl Trace {
    /// Adds the spans of all parts, and returns the time that they take.
    fn parts(&mut self, timeline: &Timeline, root: &[u8], begin: u64) -> Times {
        let Timeline { before, during, after, method, rollbacks, .. } = timeline;
        let mut now = Times::at(begin);
        if let Some(state) = before {
            now = now.enclose(self.evaluation(state, ("hypothesis before", "before"), root, now.end));
        }
        if !method.is_empty() {
            now = now.enclose(self.group(method, ("method", "method"), (root, Vec::new(), None), now.end));
        }
        for (index, state) in during.iter().enumerate() {
            let place = format!("during/{index}");
            now = now.enclose(self.evaluation(state, ("hypothesis during", &place), root, begin));
        }
        if let Some(state) = after {
            now = now.enclose(self.evaluation(state, ("hypothesis after", "after"), root, now.end));
        }
        if !rollbacks.is_empty() {
            now = now.enclose(self.group(
                rollbacks,
                ("rollbacks", "rollbacks"),
                (root, Vec::new(), None),
                now.end,
            ));
        }
        now
    }

    /// Adds an evaluation of the hypothesis.
    fn evaluation(&mut self, state: &Evaluated, names: (&str, &str), root: &[u8], begin: u64) -> Times {
        let attributes = state.met.map(|met| truth("chaostoolkit.hypothesis.met", met)).into_iter().collect();
        let status = (state.met == Some(false)).then(|| failed("the steady state was not met"));
        self.group(&state.probes, names, (root, attributes, status), begin)
    }

    /// Adds a span and those of its activities. It takes as long as they do.
    fn group(
        &mut self,
        activities: &[Played],
        (name, place): (&str, &str),
        (root, attributes, status): (&[u8], Vec<KeyValue>, Option<Status>),
        begin: u64,
    ) -> Times {
        let id = span_id(&self.id, place);
        let mut children = Vec::new();
        let mut whole: Option<Times> = None;
        for (index, activity) in activities.iter().enumerate() {
            // An activity without a time follows the one before it.
            let before = whole.map_or(begin, |times| times.end);
            let told = Times::within(self.bounds, activity.start, activity.end);
            let times = told.unwrap_or_else(|| Times::at(before));
            whole = Some(whole.map_or(times, |whole| whole.enclose(times)));
            children.push(self.activity(activity, &id, &format!("{place}/{index}"), times));
        }
        let times = whole.unwrap_or_else(|| Times::at(begin));
        self.spans.push(Span {
            trace_id: self.id.clone(),
            span_id: id,
            parent_span_id: root.to_owned(),
            name: name.to_owned(),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: times.start,
            end_time_unix_nano: times.end,
            attributes,
            status,
            ..Span::default()
        });
        self.spans.extend(children);
        times
    }

    fn activity(&self, activity: &Played, parent: &[u8], place: &str, times: Times) -> Span {
        let id = span_id(&self.id, place);
        let result = match activity.status {
            StepStatus::Failed => "error",
            StepStatus::Unfinished => "cancellation",
            StepStatus::Succeeded if activity.tolerance_met == Some(false) => "failure",
            StepStatus::Succeeded => "success",
        };
        let kind = if activity.is_probe { "probe" } else { "action" };
        let mut attributes = vec![
            text("cicd.pipeline.task.name", &activity.name),
            text("cicd.pipeline.task.run.id", &hex(&id)),
            text("cicd.pipeline.task.run.result", result),
            text("chaostoolkit.activity.type", kind),
        ];
        attributes
            .extend(activity.provider.as_ref().map(|kind| text("chaostoolkit.activity.provider", kind)));
        attributes.extend(activity.background.then(|| truth("chaostoolkit.activity.background", true)));
        attributes
            .extend(activity.pause_before.map(|time| seconds("chaostoolkit.activity.pauses.before", time)));
        attributes
            .extend(activity.pause_after.map(|time| seconds("chaostoolkit.activity.pauses.after", time)));
        attributes
            .extend(activity.tolerance_met.map(|met| truth("chaostoolkit.activity.tolerance_met", met)));
        let status = match result {
            "error" => Some(failed(activity.error.as_deref().unwrap_or("the activity failed"))),
            "cancellation" => Some(failed("the activity did not end")),
            "failure" => Some(failed("the output was out of its tolerance")),
            _ => None,
        };
        Span {
            trace_id: self.id.clone(),
            span_id: id,
            parent_span_id: parent.to_owned(),
            name: format!("{kind} {}", activity.name),
            kind: SpanKind::Internal as i32,
            start_time_unix_nano: times.start,
            end_time_unix_nano: times.end,
            attributes,
            status,
            ..Span::default()
        }
    }
}

/// The attributes of a run.
fn about(run: &RunFacts, timeline: Option<&Timeline>) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("cicd.pipeline.name", &run.experiment),
        text("cicd.pipeline.run.id", &run.id),
        text("cicd.pipeline.action.name", "RUN"),
        text("k8s.namespace.name", run.run_namespace.as_ref().unwrap_or(&run.namespace)),
        text("chaostoolkit.experiment.namespace", &run.namespace),
        text("chaostoolkit.experiment.uid", &run.uid),
        number("chaostoolkit.run.number", i64::from(run.run)),
        text("chaostoolkit.run.trigger", run.trigger.as_str()),
        truth("chaostoolkit.journal.read", timeline.is_some()),
    ];
    for (key, value) in [
        ("chaostoolkit.experiment.title", &run.title),
        ("k8s.job.name", &run.job_name),
        ("k8s.pod.name", &run.pod_name),
        ("k8s.pod.uid", &run.pod_uid),
        ("k8s.node.name", &run.node_name),
    ] {
        attributes.extend(value.as_ref().map(|value| text(key, value)));
    }
    if let Some(omitted) = timeline.map(|timeline| timeline.omitted).filter(|omitted| *omitted > 0) {
        attributes
            .push(number("chaostoolkit.activities.omitted", i64::try_from(omitted).unwrap_or(i64::MAX)));
    }
    let Some(end) = &run.end else { return attributes };
    let result = result(end);
    attributes.push(text("cicd.pipeline.result", result));
    attributes.extend((result != "success").then(|| text("error.type", &end.reason)));
    attributes.push(text("chaostoolkit.run.outcome", end.outcome.as_str()));
    attributes.extend(end.phase.map(|phase| text("chaostoolkit.run.phase", phase.as_str())));
    attributes.extend(end.rollbacks.map(|state| text("chaostoolkit.rollbacks.state", state.as_str())));
    attributes
}

/// The result of a pipeline that fits the outcome of a run best.
fn result(end: &EndFacts) -> &'static str {
    match end.outcome {
        _ if [Reason::StartTimeout, Reason::DeadlineExceeded]
            .iter()
            .any(|late| late.as_str() == end.reason) =>
        {
            "timeout"
        }
        // Nobody asked for a verdict on them.
        _ if [Reason::Completed, Reason::SubcommandCompleted]
            .iter()
            .any(|done| done.as_str() == end.reason) =>
        {
            "success"
        }
        Outcome::Passed => "success",
        Outcome::Deviated | Outcome::BaselineNotMet => "failure",
        Outcome::Interrupted => "cancellation",
        Outcome::Aborted | Outcome::ProbeError | Outcome::Invalid | Outcome::Error | Outcome::Unknown => {
            "error"
        }
    }
}

fn status(end: &EndFacts) -> Option<Status> {
    (result(end) != "success").then(|| failed(&end.message))
}

fn failed(message: &str) -> Status {
    Status { code: StatusCode::Error as i32, message: message.to_owned() }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
