//! What a calendar answers, and which definitions it refuses.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use chaostoolkit_calendar::{Calendar, Definition, ExclusionText, MAX_MISTAKES, State, Why, WindowText};
use jiff::{Timestamp, ToSpan};
use rstest::rstest;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window<'a>(days: &[&'a str], from: &'a str, to: &'a str) -> WindowText<'a> {
    WindowText { days: days.to_vec(), from, to }
}

const HOLIDAYS: &[u8] =
    b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nSUMMARY:All Saints\nDTSTART;VALUE=DATE:20001101\n\
    RRULE:FREQ=YEARLY\nEND:VEVENT\nEND:VCALENDAR\n";

/// Office hours in Berlin, with a freeze over the new year.
fn office() -> Calendar {
    let definition = Definition {
        time_zone: Some("Europe/Berlin"),
        windows: vec![
            window(&["Mon", "Tue", "Wed", "Thu"], "09:00", "12:00"),
            window(&["Mon", "Tue", "Wed", "Thu"], "12:00", "17:00"),
            window(&["Fri"], "22:00", "04:00"),
        ],
        exclude: vec![ExclusionText {
            from: "2026-12-21",
            to: "2027-01-03T12:00",
            reason: "release\nfreeze",
        }],
        holidays: vec![HOLIDAYS],
    };
    Calendar::new(&definition).unwrap()
}

#[rstest]
#[case::in_a_window("2026-10-26T08:00:00Z", State::Open { until: Some(time("2026-10-26T16:00:00Z")) })]
#[case::to_the_nanosecond("2026-10-26T07:59:59.999999999Z", State::Closed { until: Some(time("2026-10-26T08:00:00Z")), why: Why::OutsideWindows })]
#[case::where_two_windows_meet("2026-10-26T11:00:00Z", State::Open { until: Some(time("2026-10-26T16:00:00Z")) })]
#[case::at_the_end("2026-10-26T16:00:00Z", State::Closed { until: Some(time("2026-10-27T08:00:00Z")), why: Why::OutsideWindows })]
#[case::over_midnight("2026-10-31T01:00:00Z", State::Open { until: Some(time("2026-10-31T03:00:00Z")) })]
#[case::on_a_holiday("2026-11-01T12:00:00Z", State::Closed { until: Some(time("2026-11-02T08:00:00Z")), why: Why::Holiday { summary: "All Saints".to_owned() } })]
#[case::on_a_holiday_of_later("2032-11-01T12:00:00Z", State::Closed { until: Some(time("2032-11-02T08:00:00Z")), why: Why::Holiday { summary: "All Saints".to_owned() } })]
#[case::in_the_freeze("2026-12-24T12:00:00Z", State::Closed { until: Some(time("2027-01-04T08:00:00Z")), why: Why::Excluded { reason: "release freeze".to_owned() } })]
fn a_calendar_says_what_is_and_when_that_changes(#[case] now: Timestamp, #[case] expected: State) {
    let calendar = office();
    assert_eq!(calendar.at(now), expected);
    let next = match expected {
        State::Open { .. } => Some(now),
        State::Closed { until, .. } => until,
    };
    assert_eq!(calendar.next_opening(now), next);
}

#[test]
fn the_days_to_come_are_told_in_order() {
    let spans = office().open_between(time("2026-10-29T12:00:00Z"), time("2026-11-03T12:00:00Z"));
    let shown: Vec<String> = spans.iter().map(|span| format!("{} {}", span.from, span.to)).collect();
    let expected = [
        "2026-10-29T12:00:00Z 2026-10-29T16:00:00Z",
        "2026-10-30T21:00:00Z 2026-10-31T03:00:00Z",
        "2026-11-02T08:00:00Z 2026-11-02T16:00:00Z",
        "2026-11-03T08:00:00Z 2026-11-03T12:00:00Z",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn without_windows_a_calendar_is_open_but_for_the_rest() {
    let always = Calendar::new(&Definition::default()).unwrap();
    let now = time("2026-10-26T08:00:00Z");
    assert_eq!(always.at(now), State::Open { until: None });
    assert_eq!(always.open_between(now, now + 9600.hours()).len(), 1);
    let definition = Definition { holidays: vec![HOLIDAYS], ..Definition::default() };
    let holidays = Calendar::new(&definition).unwrap();
    assert_eq!(holidays.at(now), State::Open { until: Some(time("2026-11-01T00:00:00Z")) });
}

#[test]
fn windows_that_cover_the_week_are_one_opening() {
    let definition = Definition {
        windows: vec![window(&[], "08:00", "20:00"), window(&[], "20:00", "08:00")],
        ..Definition::default()
    };
    let calendar = Calendar::new(&definition).unwrap();
    assert_eq!(calendar.at(time("2026-10-26T08:00:00Z")), State::Open { until: None });
}

#[test]
fn what_is_far_ahead_is_not_known() {
    let exclude = vec![ExclusionText { from: "2026-01-01", to: "2029-12-31", reason: "" }];
    let calendar = Calendar::new(&Definition { exclude, ..Definition::default() }).unwrap();
    let why = Why::Excluded { reason: String::new() };
    assert_eq!(calendar.at(time("2026-06-01T00:00:00Z")), State::Closed { until: None, why: why.clone() });
    let until = Some(time("2030-01-01T00:00:00Z"));
    assert_eq!(calendar.at(time("2028-12-01T00:00:00Z")), State::Closed { until, why });
    assert_eq!(calendar.at(time("2024-01-01T00:00:00Z")), State::Open { until: None });
    assert_eq!(calendar.next_opening(Timestamp::MIN), Some(Timestamp::MIN));
}

#[test]
fn a_window_that_never_comes_opens_nothing() {
    // Cut off by the exclusions of each of its days.
    let definition = Definition {
        windows: vec![window(&["Thu"], "10:00", "11:00")],
        holidays: vec![b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20200102T000000Z\nDURATION:P1D\nRRULE:FREQ=WEEKLY\nEND:VEVENT\nEND:VCALENDAR"],
        ..Definition::default()
    };
    let calendar = Calendar::new(&definition).unwrap();
    assert_eq!(calendar.next_opening(time("2026-10-26T08:00:00Z")), None);
}

#[test]
fn all_mistakes_are_named_by_their_fields() {
    let long = "x".repeat(257);
    let definition = Definition {
        time_zone: Some("Europe/Berlim"),
        windows: vec![
            window(&["Mon", "Monday", "Mon"], "24:00", "25:00"),
            window(&[], "09:00", ""),
            window(&[], "00:00", "24:00"),
            window(&["Mon"; 8], "00:00", "24:00"),
        ],
        exclude: vec![
            ExclusionText { from: "2026-12-24", to: "2026-12-23", reason: &long },
            ExclusionText { from: "2026-12-24T18:00", to: "2026-12-24T18:00", reason: "" },
            ExclusionText { from: "2026-12-24", to: "2026-12-24", reason: "" },
            ExclusionText { from: "tomorrow", to: "2026-12-24T18:00Z", reason: "" },
        ],
        holidays: vec![HOLIDAYS, b"BEGIN:VCALENDAR"],
    };
    let mistakes: Vec<String> =
        Calendar::new(&definition).unwrap_err().iter().map(ToString::to_string).collect();
    let expected = [
        "timeZone: \"Europe/Berlim\" is no zone of the IANA database: write it as in Europe/Berlin",
        "windows[0].days[1]: \"Monday\" is no day: write one of Mon, Tue, Wed, Thu, Fri, Sat, Sun",
        "windows[0].days[2]: Mon is in the list already",
        "windows[0].from: 24:00 is the end of a day: write 00:00, and the next day",
        "windows[0].to: \"25:00\" is no time: write it as HH:MM",
        "windows[1].to: \"\" is no time: write it as HH:MM",
        "windows[3].days: has 8 entries; a week has 7 days",
        "exclude[0].reason: has 257 bytes; at most 256 are possible",
        "exclude[0].to: is not after from, which is 2026-12-24",
        "exclude[1].to: is not after from, which is 2026-12-24T18:00",
        "exclude[3].from: \"tomorrow\" is neither a day such as 2026-12-24 nor a time such as 2026-12-24T18:00",
        "exclude[3].to: \"2026-12-24T18:00Z\" has an offset: write the local time, and name the zone in timeZone",
        "holidays[1]: the file ends within the \"VCALENDAR\" of line 1",
    ];
    assert_eq!(mistakes, expected);
}

#[test]
fn lists_have_a_length_and_errors_too() {
    let definition = Definition {
        windows: vec![window(&[], "x", "y"); 33],
        exclude: vec![ExclusionText { from: "2026-12-24", to: "2026-12-24", reason: "" }; 129],
        holidays: vec![HOLIDAYS; 9],
        ..Definition::default()
    };
    let mistakes = Calendar::new(&definition).unwrap_err();
    let named: Vec<String> = mistakes.iter().take(3).map(ToString::to_string).collect();
    let expected = [
        "windows: has 33 entries; at most 32 are possible",
        "exclude: has 129 entries; at most 128 are possible",
        "holidays: has 9 entries; at most 8 are possible",
    ];
    assert_eq!((named, mistakes.len()), (expected.map(str::to_owned).to_vec(), MAX_MISTAKES));
}
