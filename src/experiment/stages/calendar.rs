//! Whether the calendar of an experiment keeps a run from starting now.

use std::time::Duration;

use chaostoolkit_calendar::{Calendar, State, Why};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::experiment::context::Context;
use crate::experiment::decide::plan::calendar::{Files, calendar};
use crate::experiment::error::Error;
use crate::experiment::hold::Hold;
use chaostoolkit_api::Experiment;
use chaostoolkit_api::reason::Reason;
use chaostoolkit_api::spec::{CalendarSpec, HolidaysSpec};

/// How often to look at a calendar that does not open within the time that is searched.
const AGAIN: Duration = Duration::from_secs(3600);

/// Returns what keeps a run from starting now, if the calendar is closed. Files with holidays are those in the namespace of the
/// experiment: accounts of runs may write ConfigMaps in that of the run.
pub async fn hold(
    context: &Context,
    experiment: &Experiment,
    spec: &CalendarSpec,
    now: Timestamp,
) -> Result<Option<Hold>, Error> {
    let files = files(context, experiment.namespace(), spec).await?;
    let calendar = calendar(spec, &files).map_err(|invalid| Error::CalendarInvalid(invalid.to_string()))?;
    Ok(hold_at(&calendar, now))
}

/// Returns what a calendar says to a run that is to start at a time: pure.
#[must_use]
pub fn hold_at(calendar: &Calendar, time: Timestamp) -> Option<Hold> {
    match calendar.at(time) {
        State::Open { .. } => None,
        State::Closed { until, why } => Some(closed(until, &why)),
    }
}

/// Reads the files with holidays. Each one is there, or the run waits for it.
async fn files(context: &Context, namespace: &str, spec: &CalendarSpec) -> Result<Files, Error> {
    let reads = context.reads(Instant::now());
    let mut files = Files::new();
    for (index, HolidaysSpec { config_map_name, key }) in spec.holidays.iter().flatten().enumerate() {
        let used_by = format!("named by spec.calendar.holidays[{index}]");
        let (namespace, name) = (namespace.to_owned(), config_map_name.clone());
        let Some(found) = reads.config_map(&namespace, &name).await? else {
            return Err(Error::ConfigMapMissing { namespace, name, used_by });
        };
        let Some(file) = value(&found, key) else {
            let there = "the file with holidays is its value".to_owned();
            return Err(Error::ConfigMapKeyMissing { namespace, name, used_by, key: key.clone(), there });
        };
        files.insert((name, key.clone()), file);
    }
    Ok(files)
}

fn value(found: &ConfigMap, key: &str) -> Option<Vec<u8>> {
    let text = found.data.as_ref().and_then(|data| data.get(key)).map(|text| text.as_bytes().to_vec());
    text.or_else(|| Some(found.binary_data.as_ref()?.get(key)?.0.clone()))
}

/// What a closed calendar says: pure.
fn closed(until: Option<Timestamp>, why: &Why) -> Hold {
    let when = until.map(|until| format!(" until {until}")).unwrap_or_default();
    let why = match why {
        Why::OutsideWindows => "outside of its windows".to_owned(),
        Why::Excluded { reason } if reason.is_empty() => "excluded".to_owned(),
        Why::Excluded { reason } => format!("excluded: {reason}"),
        Why::Holiday { summary } if summary.is_empty() => "a holiday".to_owned(),
        Why::Holiday { summary } => format!("a holiday: {summary}"),
    };
    Hold {
        reason: Reason::CalendarClosed,
        message: format!("the calendar is closed{when} ({why})"),
        until,
        again: until.is_none().then_some(AGAIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Why::OutsideWindows, "(outside of its windows)")]
    #[case(Why::Excluded { reason: "release freeze".to_owned() }, "(excluded: release freeze)")]
    #[case(Why::Excluded { reason: String::new() }, "(excluded)")]
    #[case(Why::Holiday { summary: "New Year".to_owned() }, "(a holiday: New Year)")]
    fn the_words_say_why_and_until_when(#[case] why: Why, #[case] expected: &str) {
        let until = "2027-01-02T08:00:00Z".parse().unwrap();
        let message = closed(Some(until), &why).message;
        assert_eq!(message, format!("the calendar is closed until 2027-01-02T08:00:00Z {expected}"));
        let never = closed(None, &why);
        assert_eq!((never.message, never.again), (format!("the calendar is closed {expected}"), Some(AGAIN)));
    }
}
