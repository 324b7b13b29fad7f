//! A `CloudEvent` about a run, as JSON: pure.
//!
//! The crate `cloudevents-sdk` brings chrono, url, uuid and more for what are eight fields here.
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md>

use serde::Serialize;

use crate::outbound::facts::{RunFacts, Told, What};

/// The content type of an event in the structured mode.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// An event. One that is sent again has the same id, so a receiver can recognize it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CloudEvent {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    datacontenttype: &'static str,
    data: RunFacts,
}

impl CloudEvent {
    /// Describes what happened to a run.
    #[must_use]
    pub fn of(told: Told) -> Self {
        let Told { what, run } = told;
        let (kind, suffix) = match what {
            What::Started => ("org.chaostoolkit.run.started.v1", "started"),
            What::Finished => ("org.chaostoolkit.run.finished.v1", "finished"),
            What::RollbacksMissing => ("org.chaostoolkit.rollbacks.missing.v1", "rollbacks-missing"),
        };
        let time = match what {
            What::Started => &run.started_at,
            What::Finished | What::RollbacksMissing => &run.finished_at,
        };
        Self {
            specversion: "1.0",
            id: format!("{}/{}/{suffix}", run.uid, run.id),
            // Names are those of DNS, which need no escapes in a URI.
            source: format!(
                "/apis/chaostoolkit.org/v1/namespaces/{}/chaosexperiments/{}",
                run.namespace, run.experiment
            ),
            kind,
            subject: run.pod_name.clone().or_else(|| run.job_name.clone()).unwrap_or_default(),
            time: time.as_ref().map(|time| time.0.to_string()),
            datacontenttype: "application/json",
            data: run,
        }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Writes the event as JSON.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Texts, numbers and lists of them can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::facts::EndFacts;
    use chaostoolkit_api::{Outcome, Phase};
    use chaostoolkit_journal::RollbackState;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
    use rstest::rstest;
    use serde_json::{Value, json};

    fn run() -> RunFacts {
        let time = |text: &str| text.parse().ok().map(Time);
        RunFacts {
            experiment: "exp".to_owned(),
            namespace: "ns".to_owned(),
            uid: "u".to_owned(),
            id: "p".to_owned(),
            run: 2,
            pod_name: Some("chaostoolkit-a-2".to_owned()),
            started_at: time("2026-11-21T07:51:32Z"),
            finished_at: time("2026-11-21T07:52:32Z"),
            end: Some(EndFacts {
                phase: Some(Phase::Completed),
                outcome: Outcome::Passed,
                reason: "Passed".to_owned(),
                rollbacks: Some(RollbackState::Played),
                ..EndFacts::default()
            }),
            ..RunFacts::default()
        }
    }

    #[test]
    fn an_event_is_one_of_the_specification() {
        let event = CloudEvent::of(Told { what: What::Finished, run: run() });
        let json: Value = serde_json::from_slice(&event.encode()).unwrap();
        assert_eq!(
            json,
            json!({
                "specversion": "1.0",
                "id": "u/p/finished",
                "source": "/apis/chaostoolkit.org/v1/namespaces/ns/chaosexperiments/exp",
                "type": "org.chaostoolkit.run.finished.v1",
                "subject": "chaostoolkit-a-2",
                "time": "2026-11-21T07:52:32Z",
                "datacontenttype": "application/json",
                "data": {
                    "experiment": "exp", "namespace": "ns", "uid": "u", "runId": "p", "run": 2, "trigger": "Created",
                    "podName": "chaostoolkit-a-2", "startedAt": "2026-11-21T07:51:32Z", "finishedAt": "2026-11-21T07:52:32Z",
                    "phase": "Completed", "outcome": "Passed", "reason": "Passed", "rollbacks": "Played",
                },
            })
        );
    }

    #[rstest]
    #[case(What::Started, "org.chaostoolkit.run.started.v1", "u/p/started", "2026-11-21T07:51:32Z")]
    #[case(
        What::RollbacksMissing,
        "org.chaostoolkit.rollbacks.missing.v1",
        "u/p/rollbacks-missing",
        "2026-11-21T07:52:32Z"
    )]
    fn each_type_has_ids_and_times_of_its_own(
        #[case] what: What,
        #[case] kind: &str,
        #[case] id: &str,
        #[case] time: &str,
    ) {
        let event = CloudEvent::of(Told { what, run: run() });
        assert_eq!((event.kind, event.id(), event.time.as_deref()), (kind, id, Some(time)));
    }
}
