//! `spec.calendar`: when a run may start.

use std::collections::BTreeMap;

use chaostoolkit_calendar::{Calendar, Definition, ExclusionText, Invalid, MAX_HOLIDAYS, WindowText};

use crate::experiment::decide::plan::files::check_key;
use chaostoolkit_api::spec::{CalendarSpec, HolidaysSpec, InvalidSpec, KeySpec, Mistakes};

/// The contents of files with holidays, by the name of the ConfigMap and the key.
pub type Files = BTreeMap<(String, String), Vec<u8>>;

/// Checks what can be checked without the files. An error names all mistakes.
pub fn check(spec: &CalendarSpec) -> Result<(), InvalidSpec> {
    let mut mistakes = Mistakes::default();
    mistakes.or(read(spec, Vec::new()).map(|_| ()), ());
    let holidays = spec.holidays.as_deref().unwrap_or_default();
    if holidays.len() > MAX_HOLIDAYS {
        let problem = format!("has {} entries; at most {MAX_HOLIDAYS} are possible", holidays.len());
        mistakes.add(InvalidSpec::new("spec.calendar.holidays", problem));
    }
    for (index, HolidaysSpec { config_map_name, key }) in holidays.iter().enumerate().take(MAX_HOLIDAYS) {
        let at = format!("spec.calendar.holidays[{index}]");
        let key = KeySpec { name: config_map_name.clone(), key: key.clone() };
        // The name has another field here.
        let checked = check_key(&at, &key).map_err(|invalid| at_config_map_name(&at, invalid));
        mistakes.or(checked, ());
    }
    mistakes.none()
}

/// Returns the calendar of a spec. The files that it names are there or missing in `files`. An error names all mistakes.
///
/// A file that is missing or wrong is a mistake, and not an empty one: a holiday that nobody can read is no open day.
pub fn calendar(spec: &CalendarSpec, files: &Files) -> Result<Calendar, InvalidSpec> {
    check(spec)?;
    let (mut mistakes, mut contents) = (Mistakes::default(), Vec::new());
    for (index, HolidaysSpec { config_map_name, key }) in spec.holidays.iter().flatten().enumerate() {
        if let Some(content) = files.get(&(config_map_name.clone(), key.clone())) {
            contents.push(content.as_slice());
        } else {
            let problem = format!("there is no ConfigMap {config_map_name} with the key {key}");
            mistakes.add(InvalidSpec::new(format!("spec.calendar.holidays[{index}]"), problem));
        }
    }
    mistakes.none()?;
    read(spec, contents)
}

/// Reads a calendar with the contents of its files.
fn read(spec: &CalendarSpec, holidays: Vec<&[u8]>) -> Result<Calendar, InvalidSpec> {
    let windows = spec.windows.iter().flatten().map(|window| WindowText {
        days: window.days.iter().flatten().map(String::as_str).collect(),
        from: &window.from,
        to: &window.to,
    });
    let exclude = spec.exclude.iter().flatten().map(|exclusion| ExclusionText {
        from: &exclusion.from,
        to: &exclusion.to,
        reason: exclusion.reason.as_deref().unwrap_or_default(),
    });
    let definition = Definition {
        time_zone: spec.time_zone.as_deref().filter(|zone| !zone.is_empty()),
        windows: windows.collect(),
        exclude: exclude.collect(),
        holidays,
    };
    Calendar::new(&definition).map_err(|invalid| in_spec(spec, invalid))
}

/// Returns mistakes as those of the spec.
fn in_spec(spec: &CalendarSpec, invalid: Vec<Invalid>) -> InvalidSpec {
    let mut mistakes = invalid.into_iter().map(|Invalid { field, problem }| {
        let index = field.strip_prefix("holidays[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
        let file = index.and_then(|index: usize| spec.holidays.as_ref()?.get(index));
        let problem = match file {
            Some(file) => {
                format!("the key {} of the ConfigMap {}: {problem}", file.key, file.config_map_name)
            }
            None => problem,
        };
        InvalidSpec::new(format!("spec.calendar.{field}"), problem)
    });
    let first = mistakes.next().unwrap_or_else(|| InvalidSpec::new("spec.calendar", "cannot be read"));
    InvalidSpec { more: mistakes.collect(), ..first }
}

fn at_config_map_name(at: &str, mut invalid: InvalidSpec) -> InvalidSpec {
    let name = format!("{at}.name");
    for path in std::iter::once(&mut invalid.path).chain(invalid.more.iter_mut().map(|more| &mut more.path)) {
        if *path == name {
            *path = format!("{at}.configMapName");
        }
    }
    invalid
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaostoolkit_calendar::{State, Why};
    use rstest::rstest;
    use serde_json::{Value, json};

    const FILE: &str = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:May day\nDTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\n\
        END:VEVENT\nEND:VCALENDAR\n";

    fn spec(value: Value) -> CalendarSpec {
        serde_json::from_value(value).unwrap()
    }

    fn files(content: &str) -> Files {
        Files::from([(("public".to_owned(), "de.ics".to_owned()), content.as_bytes().to_vec())])
    }

    #[test]
    fn a_spec_becomes_a_calendar() {
        let spec = spec(json!({
            "timeZone": "Europe/Berlin",
            "windows": [{"days": ["Mon", "Fri"], "from": "09:00", "to": "17:00"}],
            "exclude": [{"from": "2026-12-21", "to": "2027-01-03", "reason": "freeze"}],
            "holidays": [{"configMapName": "public", "key": "de.ics"}],
        }));
        let calendar = calendar(&spec, &files(FILE)).unwrap();
        let at = |time: &str| calendar.at(time.parse().unwrap());
        assert_eq!(
            at("2026-11-27T08:00:00Z"),
            State::Open { until: Some("2026-11-27T16:00:00Z".parse().unwrap()) }
        );
        let why = |time: &str| match at(time) {
            State::Closed { why, .. } => Some(why),
            State::Open { .. } => None,
        };
        assert_eq!(why("2026-11-26T08:00:00Z"), Some(Why::OutsideWindows));
        assert_eq!(why("2026-12-25T08:00:00Z"), Some(Why::Excluded { reason: "freeze".to_owned() }));
        assert_eq!(why("2026-05-01T08:00:00Z"), Some(Why::Holiday { summary: "May day".to_owned() }));
    }

    #[rstest]
    #[case(json!({}), &[])]
    #[case(json!({"timeZone": "", "windows": [], "exclude": null}), &[])]
    #[case(
        json!({"windows": [{"from": "09:00", "to": "17:00"}, {"days": ["monday"], "from": "25:00", "to": "17:00"}]}),
        &[
            "spec.calendar.windows[1].days[0]: \"monday\" is no day: write one of Mon, Tue, Wed, Thu, Fri, Sat, Sun",
            "spec.calendar.windows[1].from: \"25:00\" is no time: write it as HH:MM",
        ]
    )]
    #[case(
        json!({"timeZone": "CEST", "exclude": [{"from": "2026-12-24", "to": "2026-12-23"}]}),
        &[
            "spec.calendar.timeZone: \"CEST\" is no zone of the IANA database: write it as in Europe/Berlin",
            "spec.calendar.exclude[0].to: is not after from, which is 2026-12-24",
        ]
    )]
    #[case(
        json!({"holidays": vec![json!({"configMapName": "a", "key": "b"}); 9]}),
        &["spec.calendar.holidays: has 9 entries; at most 8 are possible"]
    )]
    fn mistakes_have_the_paths_of_the_spec(#[case] value: Value, #[case] expected: &[&str]) {
        let found = check(&spec(value)).map_or_else(|invalid| invalid.to_string(), |()| String::new());
        assert_eq!(found, expected.join("; "));
    }

    #[test]
    fn the_names_of_files_are_checked() {
        let spec = spec(json!({"holidays": [{"configMapName": "A b", "key": "x/y"}]}));
        let invalid = check(&spec).unwrap_err();
        let paths: Vec<&str> = invalid.all().map(|mistake| mistake.path.as_str()).collect();
        assert_eq!(paths, ["spec.calendar.holidays[0].configMapName", "spec.calendar.holidays[0].key"]);
    }

    #[rstest]
    #[case(Files::new(), "spec.calendar.holidays[0]: there is no ConfigMap public with the key de.ics")]
    #[case(
        files("BEGIN:VCALENDAR\nDTSTART"),
        "spec.calendar.holidays[0]: the key de.ics of the ConfigMap public: line 2 is not of the form NAME:value"
    )]
    fn a_file_that_cannot_be_read_is_a_mistake(#[case] files: Files, #[case] expected: &str) {
        let spec = spec(json!({"holidays": [{"configMapName": "public", "key": "de.ics"}]}));
        assert_eq!(calendar(&spec, &files).unwrap_err().to_string(), expected);
    }
}
