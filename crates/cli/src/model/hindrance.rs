//! What keeps runs of a schedule from starting at times to come: pure.

use chaostoolkit_calendar::Calendar;
use chaostoolkit_operator::experiment::freezes::over::{Reach, Read, held};
use chaostoolkit_operator::experiment::hold::Hold;
use chaostoolkit_operator::experiment::stages::calendar::hold_at;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

/// What may keep the runs of one experiment from starting.
#[derive(Clone, Debug, Default)]
pub struct Hindrances {
    /// The calendar, if there is one.
    pub calendar: Option<Calendar>,
    /// Why the calendar cannot be read, if it cannot. No run starts then.
    pub problem: Option<String>,
    /// The freezes that are known.
    pub freezes: Vec<Read>,
    /// The namespace whose freezes are for all runs.
    pub home: String,
    /// The namespaces of the runs.
    pub reach: Reach,
}

/// What becomes of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// It starts at this time.
    At(Timestamp),
    /// It is skipped, for this reason. Until the time, if it is known, so is every run that is due earlier and late by then.
    Skipped(String, Option<Timestamp>),
}

/// How many holds may follow each other before a run starts.
const MOST_HOLDS: usize = 16;

impl Hindrances {
    /// Returns when a run starts that may do so from one time on, within some seconds. Without a limit, it waits for any time.
    #[must_use]
    pub fn start(&self, begin: Timestamp, deadline: Option<i64>) -> Start {
        let end = deadline.map_or(Timestamp::MAX, |seconds| {
            begin.saturating_add(SignedDuration::from_secs(seconds.max(0))).unwrap_or(Timestamp::MAX)
        });
        let (mut time, mut why) = (begin, String::new());
        for _ in 0..MOST_HOLDS {
            let Some(Hold { message, until, .. }) = self.hold(time) else { return Start::At(time) };
            match until {
                Some(until) if until <= end && until > time => (time, why) = (until, message),
                until => return Start::Skipped(message, until),
            }
        }
        Start::Skipped(why, None)
    }

    /// The first of these that says no counts, as for the operator.
    fn hold(&self, time: Timestamp) -> Option<Hold> {
        let frozen = held(self.freezes.iter(), &self.home, &self.reach, time).map(Read::hold);
        frozen.or_else(|| hold_at(self.calendar.as_ref()?, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_api::spec::CalendarSpec;
    use chaostoolkit_operator::experiment::decide::plan::calendar::{Files, calendar};
    use rstest::rstest;
    use serde_json::{Value, json};

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn freeze(namespace: &str, spec: &Value) -> Read {
        let object = json!({"apiVersion": "chaostoolkit.org/v1", "kind": "ChaosToolkitFreeze",
            "metadata": {"namespace": namespace, "name": "f"}, "spec": spec});
        Read::of(&serde_json::from_value(object).unwrap())
    }

    /// Open from 9 to 17, and not on the 2nd of December.
    fn hindrances(freezes: Vec<Read>) -> Hindrances {
        let spec: CalendarSpec = serde_json::from_value(json!({
            "windows": [{"from": "09:00", "to": "17:00"}],
            "exclude": [{"from": "2026-12-02", "to": "2026-12-02", "reason": "sale"}],
        }))
        .unwrap();
        let calendar = calendar(&spec, &Files::new()).unwrap();
        Hindrances { calendar: Some(calendar), freezes, home: "home".to_owned(), ..Hindrances::default() }
    }

    #[rstest]
    #[case::open("2026-12-01T10:00:00Z", Ok("2026-12-01T10:00:00Z"))]
    #[case::opens_in_time("2026-12-01T08:59:00Z", Ok("2026-12-01T09:00:00Z"))]
    #[case::opens_too_late("2026-12-01T08:00:00Z", Err("(outside of its windows)"))]
    #[case::excluded("2026-12-02T10:00:00Z", Err("(excluded: sale)"))]
    fn a_run_starts_once_its_calendar_opens_unless_that_is_too_late(
        #[case] begin: &str,
        #[case] expected: Result<&str, &str>,
    ) {
        match (hindrances(Vec::new()).start(at(begin), Some(200)), expected) {
            (Start::At(time), Ok(expected)) => assert_eq!(time, at(expected)),
            (Start::Skipped(why, _), Err(expected)) => assert!(why.ends_with(expected), "{why}"),
            (start, _) => panic!("{start:?}"),
        }
    }

    #[rstest]
    #[case::for_all("home", json!({}), true)]
    #[case::elsewhere("other", json!({}), false)]
    #[case::not_active("home", json!({"active": false}), false)]
    #[case::over_by_then("home", json!({"until": "2026-12-01T09:30:00Z"}), false)]
    #[case::over_in_time("home", json!({"until": "2026-12-01T10:03:00Z"}), false)]
    #[case::over_too_late("home", json!({"until": "2026-12-01T12:00:00Z"}), true)]
    fn a_run_is_skipped_during_a_freeze(
        #[case] namespace: &str,
        #[case] spec: Value,
        #[case] expected: bool,
    ) {
        let start = hindrances(vec![freeze(namespace, &spec)]).start(at("2026-12-01T10:00:00Z"), Some(200));
        assert_eq!(matches!(start, Start::Skipped(..)), expected, "{start:?}");
    }

    #[test]
    fn a_run_without_a_deadline_waits_for_the_opening() {
        let start = hindrances(Vec::new()).start(at("2026-12-01T18:00:00Z"), None);
        assert_eq!(start, Start::At(at("2026-12-03T09:00:00Z")));
    }
}
