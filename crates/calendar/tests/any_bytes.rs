//! A file of holidays may hold anything. It is read or refused, and answers take little time.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use chaostoolkit_calendar::{
    Calendar, Definition, ExclusionText, MAX_EVENTS, MAX_HOLIDAY_BYTES, MAX_RECURRING, State, WindowText,
};
use jiff::Timestamp;
use proptest::prelude::*;

/// Asks a calendar. Returns whether the answers agree with each other.
fn answers(calendar: &Calendar, now: Timestamp) -> bool {
    let spans = calendar.open_between(now, Timestamp::MAX);
    let open = spans.first().filter(|span| span.from == now);
    let is_open = matches!(calendar.at(now), State::Open { .. });
    is_open == open.is_some() && calendar.next_opening(now) == spans.first().map(|span| span.from)
}

/// Asks a calendar with a file, if it can be read. Returns whether that is so.
fn ask(file: &[u8]) -> bool {
    let definition = Definition {
        time_zone: Some("America/St_Johns"),
        windows: vec![WindowText { days: vec![], from: "22:00", to: "20:00" }],
        holidays: vec![file],
        ..Definition::default()
    };
    let Ok(calendar) = Calendar::new(&definition) else { return false };
    let times = ["2026-11-01T04:30:00Z", "0001-01-01T00:00:00Z", "9999-12-01T00:00:00Z"];
    let times = times.map(|time| time.parse().unwrap());
    for now in times.into_iter().chain([Timestamp::MIN, Timestamp::MAX]) {
        assert!(answers(&calendar, now), "the answers differ at {now}");
    }
    true
}

/// A line of an event that is right, or nearly.
fn line() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "DTSTART",
        "DTEND",
        "DURATION",
        "RRULE",
        "RDATE",
        "EXDATE",
        "RECURRENCE-ID",
        "UID",
        "SUMMARY",
        "STATUS",
        "BEGIN",
        "END",
        "X-Y",
    ]);
    let parameter = prop::sample::select(vec![
        "",
        "",
        "",
        ";VALUE=DATE",
        ";VALUE=DATE-TIME",
        ";TZID=Europe/Berlin",
        ";TZID=\"X:Y\"",
        ";A=b,\"c\"",
    ]);
    let date = prop::sample::select(vec![
        "20261101",
        "20261101T010000",
        "20261101T013000Z",
        "00000101",
        "99991231",
        "99991231T235959Z",
        "20240229",
        "18830101T000000",
    ]);
    let part = prop::sample::select(vec![
        "FREQ=YEARLY",
        "FREQ=MONTHLY",
        "FREQ=WEEKLY",
        "FREQ=DAILY",
        "INTERVAL=1",
        "INTERVAL=999999",
        "COUNT=3",
        "COUNT=999999",
        "UNTIL=99991231T235959Z",
        "UNTIL=00000101",
        "BYMONTH=2",
        "BYMONTHDAY=30",
        "BYMONTHDAY=-1",
        "BYYEARDAY=366",
        "BYDAY=MO",
        "BYDAY=5MO,-5SU",
        "BYSETPOS=-366",
        "BYSETPOS=1,-1",
        "WKST=SU",
    ]);
    let value = prop_oneof![
        4 => date.prop_map(str::to_owned),
        4 => prop::collection::vec(part, 1..5).prop_map(|parts| parts.join(";")),
        2 => prop::sample::select(vec!["P1D", "PT0S", "P999999W", "P999999DT999999H", "VEVENT", "VCALENDAR", "CANCELLED", "a"]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ];
    (name, parameter, value).prop_map(|(name, parameter, value)| format!("{name}{parameter}:{value}"))
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let event = prop::collection::vec(line(), 0..5).prop_map(|lines| lines.join("\n"));
    let start = prop::sample::select(vec![
        "DTSTART:20261101",
        "DTSTART:20261101T013000",
        "DTSTART:99991231",
        "DTSTART:99991231T235959Z",
        "DTSTART;TZID=Africa/Cairo:00000101T000000",
        "UID:a\nDTSTART:20240229",
    ]);
    let events = prop::collection::vec((start, event), 0..4).prop_map(|events| {
        let shown =
            events.iter().map(|(start, event)| format!("BEGIN:VEVENT\n{start}\n{event}\nEND:VEVENT\n"));
        format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", shown.collect::<String>())
            .replace("\n\n", "\n")
            .into_bytes()
    });
    // A few bytes of it are others.
    let change = (any::<prop::sample::Index>(), any::<u8>());
    (events, prop::collection::vec(change, 0..3)).prop_map(|(mut file, changes)| {
        for (place, byte) in changes {
            *place.get_mut(&mut file) = byte;
        }
        file
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        ask(&bytes);
    }

    #[test]
    fn what_is_nearly_a_file_is_read_or_refused(file in file()) {
        ask(&file);
    }

    #[test]
    fn any_definition_is_read_or_refused(zone in "\\PC{0,12}", from in "[0-9:T-]{0,19}|\\PC{0,8}", to in "\\PC{0,8}") {
        let windows = vec![WindowText { days: vec![&zone, "Mon"], from: &from, to: &to }];
        let exclude = vec![ExclusionText { from: &from, to: &to, reason: &zone }];
        let definition = Definition { time_zone: Some(&zone), windows, exclude, ..Definition::default() };
        prop_assert!(Calendar::new(&definition).is_err());
    }
}

/// Fills a file with as many events as fit, and as there may be.
fn full(event: &str, most: usize) -> Vec<u8> {
    let event = format!("BEGIN:VEVENT\n{event}\nEND:VEVENT\n");
    let count = most.min((MAX_HOLIDAY_BYTES - 100) / event.len());
    format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", event.repeat(count)).into_bytes()
}

/// The answers of the largest calendars. An implementation that follows each rule from its beginning takes hours.
#[test]
fn the_largest_calendars_are_asked_in_seconds() {
    let all = (1..=366).map(|day| day.to_string()).collect::<Vec<_>>().join(",");
    let long_rule =
        format!("DTSTART:00000101\nDURATION:P92D\nRRULE:FREQ=YEARLY;BYYEARDAY={all};BYSETPOS={all}");
    let files = [
        full("DTSTART:00000101T000000\nDURATION:PT1M\nRRULE:FREQ=DAILY", MAX_RECURRING),
        full("DTSTART:00000101\nDURATION:P92D\nRRULE:FREQ=DAILY;INTERVAL=367", MAX_RECURRING),
        full(&long_rule, MAX_RECURRING),
        full("DTSTART:00000101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", MAX_RECURRING),
        full("DTSTART;TZID=America/New_York:20260101T000000\nDURATION:PT1H", MAX_EVENTS),
        full(&format!("DTSTART:20260101\nRDATE:{}", vec!["20261224"; 8192].join(",")), 1),
    ];
    for file in &files {
        let definition = Definition {
            time_zone: Some("Australia/Lord_Howe"),
            windows: vec![WindowText { days: vec![], from: "00:00", to: "23:59" }; 32],
            exclude: vec![ExclusionText { from: "2026-01-01", to: "2026-01-02", reason: "" }; 128],
            holidays: vec![file],
        };
        let calendar = Calendar::new(&definition).unwrap();
        assert!(answers(&calendar, "2026-01-01T00:00:00Z".parse().unwrap()));
    }
    let count = full("DTSTART:00000101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", MAX_RECURRING);
    assert!(!ask(&count), "too many days are looked at");
}
