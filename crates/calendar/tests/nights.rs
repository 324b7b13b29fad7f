//! What a window, an exclusion and a whole day mean on the nights on which the clock changes.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, reason = "tests panic to fail")]

use chaostoolkit_calendar::{Calendar, Definition, ExclusionText, WindowText};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil};
use rstest::rstest;

/// Returns the spans within four days around a day, as local times with their offsets.
fn spans(calendar: &Calendar, zone: &str, day: &str) -> Vec<String> {
    let zone = TimeZone::get(zone).unwrap();
    let day: civil::Date = day.parse().unwrap();
    let begin = |day: civil::Date| day.to_zoned(zone.clone()).unwrap().timestamp();
    let (from, to) = (begin(day - 1.day()), begin(day + 3.days()));
    let shown = |time: Timestamp| match time {
        time if time == from => "<".to_owned(),
        time if time == to => ">".to_owned(),
        time => time.to_zoned(zone.clone()).strftime("%d %H:%M %:z").to_string(),
    };
    let spans = calendar.open_between(from, to);
    spans.iter().map(|span| format!("{} - {}", shown(span.from), shown(span.to))).collect()
}

#[rstest]
// 02:00 to 03:00 is skipped in the night to Sunday, 29 March 2026.
#[case::around_the_gap("Europe/Berlin", "2026-03-29", "01:30", "03:30", &["29 01:30 +01:00 - 29 03:30 +02:00"])]
#[case::begins_in_the_gap("Europe/Berlin", "2026-03-29", "02:15", "04:00", &["29 03:00 +02:00 - 29 04:00 +02:00"])]
#[case::ends_in_the_gap("Europe/Berlin", "2026-03-29", "01:00", "02:15", &["29 01:00 +01:00 - 29 03:00 +02:00"])]
#[case::is_in_the_gap("Europe/Berlin", "2026-03-29", "02:15", "02:45", &[])]
#[case::is_the_gap("Europe/Berlin", "2026-03-29", "02:00", "03:00", &[])]
#[case::ends_with_the_gap("Europe/Berlin", "2026-03-29", "01:00", "03:00", &["29 01:00 +01:00 - 29 03:00 +02:00"])]
#[case::from_the_gap_for_a_day("Europe/Berlin", "2026-03-29", "02:30", "02:30", &["29 03:00 +02:00 - 30 02:30 +02:00"])]
#[case::over_midnight_before("Europe/Berlin", "2026-03-28", "22:00", "02:30", &["28 22:00 +01:00 - 29 03:00 +02:00"])]
// 02:00 to 03:00 is repeated in the night to Sunday, 25 October 2026.
#[case::into_the_fold("Europe/Berlin", "2026-10-25", "01:30", "02:30", &["25 01:30 +02:00 - 25 02:30 +01:00"])]
#[case::out_of_the_fold("Europe/Berlin", "2026-10-25", "02:30", "03:30", &["25 02:30 +02:00 - 25 03:30 +01:00"])]
#[case::in_the_fold("Europe/Berlin", "2026-10-25", "02:15", "02:45", &["25 02:15 +02:00 - 25 02:45 +01:00"])]
#[case::ends_before_the_fold("Europe/Berlin", "2026-10-25", "01:00", "02:00", &["25 01:00 +02:00 - 25 02:00 +02:00"])]
#[case::begins_after_the_fold("Europe/Berlin", "2026-10-25", "03:00", "04:00", &["25 03:00 +01:00 - 25 04:00 +01:00"])]
#[case::to_the_fold_of_the_next_day("Europe/Berlin", "2026-10-24", "22:00", "02:30", &["24 22:00 +02:00 - 25 02:30 +01:00"])]
#[case::a_day_of_25_hours("Europe/Berlin", "2026-10-25", "00:00", "24:00", &["25 00:00 +02:00 - 26 00:00 +01:00"])]
// The same in America, at 02:00 on 8 March and 1 November.
#[case::gap_of_new_york("America/New_York", "2026-03-08", "02:30", "05:00", &["08 03:00 -04:00 - 08 05:00 -04:00"])]
#[case::fold_of_new_york("America/New_York", "2026-11-01", "00:30", "01:30", &["01 00:30 -04:00 - 01 01:30 -05:00"])]
// Half an hour: 02:00 to 02:30 is skipped, 01:30 to 02:00 is repeated.
#[case::half_gap("Australia/Lord_Howe", "2026-10-04", "02:15", "03:00", &["04 02:30 +11:00 - 04 03:00 +11:00"])]
#[case::in_the_half_gap("Australia/Lord_Howe", "2026-10-04", "02:00", "02:30", &[])]
#[case::half_fold("Australia/Lord_Howe", "2026-04-05", "01:00", "01:45", &["05 01:00 +11:00 - 05 01:45 +10:30"])]
#[case::before_the_half_fold("Australia/Lord_Howe", "2026-04-05", "01:00", "01:30", &["05 01:00 +11:00 - 05 01:30 +11:00"])]
// There is no midnight: the day begins at 01:00.
#[case::no_midnight("Africa/Cairo", "2026-04-24", "00:00", "02:00", &["24 01:00 +03:00 - 24 02:00 +03:00"])]
#[case::ends_at_no_midnight("Africa/Cairo", "2026-04-23", "22:00", "24:00", &["23 22:00 +02:00 - 24 01:00 +03:00"])]
#[case::ends_after_no_midnight("Africa/Cairo", "2026-04-23", "22:00", "00:30", &["23 22:00 +02:00 - 24 01:00 +03:00"])]
// The hour before midnight is repeated, so the clock shows this day again.
#[case::last_hour_twice("Africa/Cairo", "2026-10-29", "23:30", "24:00", &["29 23:30 +03:00 - 30 00:00 +02:00"])]
#[case::last_hour_of_brazil("America/Sao_Paulo", "2018-02-17", "22:00", "23:30", &["17 22:00 -02:00 - 17 23:30 -03:00"])]
#[case::no_midnight_in_brazil("America/Sao_Paulo", "2018-11-04", "00:00", "01:30", &["04 01:00 -02:00 - 04 01:30 -02:00"])]
// Midnight is repeated.
#[case::until_midnight("America/Havana", "2026-10-31", "23:00", "24:00", &["31 23:00 -04:00 - 01 00:00 -04:00"])]
#[case::from_midnight("America/Havana", "2026-11-01", "00:00", "00:30", &["01 00:00 -04:00 - 01 00:30 -05:00"])]
// The clock went back from 00:01 to 23:01 of the day before.
#[case::two_days("America/St_Johns", "2010-11-06", "22:00", "24:00", &["06 22:00 -02:30 - 07 00:00 -03:30"])]
// 30 December 2011 did not exist.
#[case::no_day("Pacific/Apia", "2011-12-30", "00:00", "24:00", &[])]
#[case::over_no_day("Pacific/Apia", "2011-12-29", "22:00", "12:00", &["29 22:00 -10:00 - 31 00:00 +14:00"])]
fn a_window_means_what_the_clock_shows(
    #[case] zone: &str,
    #[case] day: &str,
    #[case] from: &str,
    #[case] to: &str,
    #[case] expected: &[&str],
) {
    let date: civil::Date = day.parse().unwrap();
    let word = date.strftime("%a").to_string();
    let windows = vec![WindowText { days: vec![&word], from, to }];
    let definition = Definition { time_zone: Some(zone), windows, ..Definition::default() };
    assert_eq!(spans(&Calendar::new(&definition).unwrap(), zone, day), expected);

    // An exclusion from the same time to the same time closes what the window opens, and nothing else.
    let last = if from >= to { date + 1.day() } else { date };
    let (last, to) = if to == "24:00" { (last + 1.day(), "00:00") } else { (last, to) };
    let (from, to) = (format!("{day}T{from}"), format!("{last}T{to}"));
    let exclude = vec![ExclusionText { from: &from, to: &to, reason: "" }];
    let definition = Definition { time_zone: Some(zone), exclude, ..Definition::default() };
    let mut closed = vec!["<".to_owned()];
    for span in expected {
        let (from, to) = span.split_once(" - ").unwrap();
        closed.extend([format!(" - {from}"), to.to_owned()]);
    }
    let open = closed.concat() + " - >";
    let found = spans(&Calendar::new(&definition).unwrap(), zone, day);
    assert_eq!(found.join(""), open);
}

#[rstest]
#[case::of_23_hours("Europe/Berlin", "2026-03-29", 23)]
#[case::of_25_hours("Europe/Berlin", "2026-10-25", 25)]
#[case::of_24_hours_and_a_half("Australia/Lord_Howe", "2026-04-05", 24)]
#[case::without_a_midnight("Africa/Cairo", "2026-04-24", 23)]
#[case::with_two_last_hours("Africa/Cairo", "2026-10-29", 25)]
#[case::with_two_midnights("America/Havana", "2026-11-01", 25)]
#[case::that_is_shown_again("America/St_Johns", "2010-11-06", 25)]
#[case::that_did_not_exist("Pacific/Apia", "2011-12-30", 0)]
fn a_whole_day_is_as_long_as_it_is(#[case] zone: &str, #[case] day: &str, #[case] hours: i64) {
    let compact = day.replace('-', "");
    let event =
        format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:{compact}\nEND:VEVENT\nEND:VCALENDAR");
    let exclude = vec![ExclusionText { from: day, to: day, reason: "" }];
    for definition in [
        Definition { time_zone: Some(zone), exclude, ..Definition::default() },
        Definition { time_zone: Some(zone), holidays: vec![event.as_bytes()], ..Definition::default() },
    ] {
        let calendar = Calendar::new(&definition).unwrap();
        let noon = day.parse::<civil::Date>().unwrap().at(12, 0, 0, 0);
        let noon = noon.to_zoned(TimeZone::get(zone).unwrap()).unwrap().timestamp();
        let (from, to) = (noon - 48.hours(), noon + 48.hours());
        let open: i64 = calendar
            .open_between(from, to)
            .iter()
            .map(|span| span.to.duration_since(span.from).as_secs())
            .sum();
        assert_eq!((96 * 3600 - open) / 3600, hours);
    }
}
