use jiff::Timestamp;
use rstest::rstest;

use super::*;
use crate::limits::{MAX_DATES, MAX_RECURRING};

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

/// Reads a file with these events. Their lines are separated by `|`, and events by `||`.
fn read(events: &str) -> Result<Holidays, String> {
    let events = events
        .split("||")
        .map(|event| format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", event.replace('|', "\r\n")));
    let file = format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", events.collect::<String>());
    Holidays::read(file.as_bytes(), &zone("Europe/Berlin"), &mut Left::ALL.clone())
}

/// Returns what is closed in 2026, as local times of Berlin.
fn closed(events: &str) -> Vec<String> {
    let berlin = zone("Europe/Berlin");
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let range = Span { from: time("2025-12-31T23:00:00Z"), to: time("2026-12-31T23:00:00Z") };
    let file = read(events).unwrap();
    let spans = crate::spans::merged(file.within(range).map(|(span, _)| span).collect());
    let shown = |time: Timestamp| {
        let local = time.to_zoned(berlin.clone());
        let is_midnight = local.start_of_day().unwrap() == local;
        local.strftime(if is_midnight { "%m-%d" } else { "%m-%dT%H:%M" }).to_string()
    };
    spans.iter().map(|span| format!("{}/{}", shown(span.from), shown(span.to))).collect()
}

#[rstest]
// Days.
#[case::a_day("DTSTART;VALUE=DATE:20260501", &["05-01/05-02"])]
#[case::a_day_by_its_form("DTSTART:20260501", &["05-01/05-02"])]
#[case::days("DTSTART;VALUE=DATE:20261224|DTEND;VALUE=DATE:20261227", &["12-24/12-27"])]
#[case::the_same_day("DTSTART;VALUE=DATE:20260501|DTEND;VALUE=DATE:20260501", &["05-01/05-02"])]
#[case::by_duration("DTSTART;VALUE=DATE:20260501|DURATION:P1W", &["05-01/05-08"])]
#[case::folded("DTST\r\n ART;VALUE=DA\r\n TE:2026\r\n\t0501", &["05-01/05-02"])]
// Times. The clock goes forward on 29 March.
#[case::of_utc("DTSTART:20260501T080000Z|DTEND:20260501T100000Z", &["05-01T10:00/05-01T12:00"])]
#[case::of_the_calendar("DTSTART:20260501T080000|DURATION:PT90M", &["05-01T08:00/05-01T09:30"])]
#[case::of_a_zone("DTSTART;TZID=America/New_York:20260501T080000|DTEND;TZID=Asia/Tokyo:20260501T220000", &["05-01T14:00/05-01T15:00"])]
#[case::of_a_zone_with_a_prefix("DTSTART;TZID=/example.org/2024/Asia/Tokyo:20260501T080000|DURATION:PT1H", &["05-01T01:00/05-01T02:00"])]
#[case::no_time_at_all("DTSTART:20260501T080000", &[])]
#[case::days_of_the_clock("DTSTART:20260328T120000|DURATION:P1D", &["03-28T12:00/03-29T12:00"])]
#[case::hours("DTSTART:20260328T120000|DURATION:PT24H", &["03-28T12:00/03-29T13:00"])]
#[case::begins_in_the_gap("DTSTART:20260329T023000|DURATION:PT1H", &["03-29T03:30/03-29T04:30"])]
// Whatever it is otherwise.
#[case::transparent("DTSTART;VALUE=DATE:20260501|TRANSP:TRANSPARENT|CLASS:PUBLIC|X-A;B=\"c:d\":e", &["05-01/05-02"])]
#[case::cancelled("DTSTART;VALUE=DATE:20260501|STATUS:CANCELLED", &[])]
#[case::tentative("DTSTART;VALUE=DATE:20260501|STATUS:TENTATIVE", &["05-01/05-02"])]
#[case::two_events("DTSTART;VALUE=DATE:20260501||DTSTART;VALUE=DATE:20260502", &["05-01/05-03"])]
// Rules.
#[case::each_year("DTSTART;VALUE=DATE:19491003|RRULE:FREQ=YEARLY", &["10-03/10-04"])]
#[case::each_leap_year("DTSTART;VALUE=DATE:20240229|RRULE:FREQ=YEARLY", &[])]
#[case::over_the_new_year("DTSTART;VALUE=DATE:20001224|DTEND;VALUE=DATE:20010107|RRULE:FREQ=YEARLY", &["01-01/01-07", "12-24/01-01"])]
#[case::each_second_year("DTSTART;VALUE=DATE:20200501|RRULE:FREQ=YEARLY;INTERVAL=2", &["05-01/05-02"])]
#[case::each_third_year("DTSTART;VALUE=DATE:20210501|RRULE:FREQ=YEARLY;INTERVAL=3", &[])]
#[case::thanksgiving("DTSTART;VALUE=DATE:20001123|RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", &["11-26/11-27"])]
#[case::memorial_day("DTSTART;VALUE=DATE:20000529|RRULE:FREQ=YEARLY;BYDAY=-1MO;BYMONTH=5", &["05-25/05-26"])]
#[case::a_weekday_of_the_year("DTSTART;VALUE=DATE:20200512|RRULE:FREQ=YEARLY;BYDAY=20MO", &["05-18/05-19"])]
#[case::two_months("DTSTART;VALUE=DATE:20200115|RRULE:FREQ=YEARLY;BYMONTH=1,7", &["01-15/01-16", "07-15/07-16"])]
#[case::a_month_that_is_not_the_first("DTSTART;VALUE=DATE:20250315|RRULE:FREQ=YEARLY;BYMONTH=7", &["07-15/07-16"])]
#[case::a_day_of_the_year("DTSTART;VALUE=DATE:20200409|RRULE:FREQ=YEARLY;BYYEARDAY=100,-1", &["04-10/04-11", "12-31/01-01"])]
#[case::prayer_and_repentance("DTSTART;VALUE=DATE:20201118|RRULE:FREQ=YEARLY;BYMONTH=11;BYMONTHDAY=16,17,18,19,20,21,22;BYDAY=WE", &["11-18/11-19"])]
#[case::the_last_day_of_months("DTSTART;VALUE=DATE:20260131|RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20260331", &["01-31/02-01", "02-28/03-01", "03-31/04-01"])]
#[case::months_without_that_day("DTSTART;VALUE=DATE:20260131|RRULE:FREQ=MONTHLY;COUNT=3", &["01-31/02-01", "03-31/04-01", "05-31/06-01"])]
#[case::the_last_working_day("DTSTART;VALUE=DATE:20260130|RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", &["01-30/01-31", "02-27/02-28"])]
#[case::the_first_and_third_working_day("DTSTART;VALUE=DATE:20260101|RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1,3;UNTIL=20260228", &["01-01/01-02", "01-05/01-06", "02-02/02-03", "02-04/02-05"])]
#[case::friday_13th("DTSTART;VALUE=DATE:20250613|RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", &["02-13/02-14", "03-13/03-14", "11-13/11-14"])]
#[case::each_week("DTSTART;VALUE=DATE:20261201|RRULE:FREQ=WEEKLY;BYDAY=TU,TH;UNTIL=20261210T000000Z", &["12-01/12-02", "12-03/12-04", "12-08/12-09", "12-10/12-11"])]
#[case::weeks_from_monday("DTSTART;VALUE=DATE:20261201|RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3;BYDAY=TU,SU", &["12-01/12-02", "12-06/12-07", "12-15/12-16"])]
#[case::weeks_from_sunday("DTSTART;VALUE=DATE:20261201|RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3;BYDAY=TU,SU;WKST=SU", &["12-01/12-02", "12-13/12-14", "12-15/12-16"])]
#[case::days_apart("DTSTART;VALUE=DATE:20200101|RRULE:FREQ=DAILY;INTERVAL=100;BYMONTH=1,2,3,4,5,6,7", &["01-09/01-10", "04-19/04-20", "07-28/07-29"])]
#[case::a_count_that_has_ended("DTSTART;VALUE=DATE:20160501|RRULE:FREQ=YEARLY;COUNT=10", &[])]
#[case::a_count_that_ends_now("DTSTART;VALUE=DATE:20160501|RRULE:FREQ=YEARLY;COUNT=11", &["05-01/05-02"])]
#[case::once("DTSTART;VALUE=DATE:20260501|RRULE:FREQ=DAILY;COUNT=1", &["05-01/05-02"])]
#[case::never_again("DTSTART;VALUE=DATE:20260501|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", &["05-01/05-02"])]
#[case::not_by_its_own_rule("DTSTART;VALUE=DATE:20260501|RRULE:FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=1;COUNT=2", &["05-01/05-02", "06-01/06-02"])]
#[case::ends_before_it_begins("DTSTART;VALUE=DATE:20260501|RRULE:FREQ=DAILY;UNTIL=20250101", &["05-01/05-02"])]
#[case::until_a_time_of_utc("DTSTART:20260326T233000|DURATION:PT1H|RRULE:FREQ=DAILY;UNTIL=20260329T213000Z", &["03-26T23:30/03-27T00:30", "03-27T23:30/03-28T00:30", "03-28T23:30/03-29T00:30", "03-29T23:30/03-30T00:30"])]
#[case::until_just_before("DTSTART:20260326T233000|DURATION:PT1H|RRULE:FREQ=DAILY;UNTIL=20260327T222959Z", &["03-26T23:30/03-27T00:30"])]
#[case::until_a_local_time("DTSTART:20260326T080000|DURATION:PT1H|RRULE:FREQ=DAILY;UNTIL=20260327T080000", &["03-26T08:00/03-26T09:00", "03-27T08:00/03-27T09:00"])]
#[case::same_hours_in_summer("DTSTART;TZID=Europe/Berlin:20260328T080000|DTEND;TZID=Europe/Berlin:20260328T090000|RRULE:FREQ=DAILY;COUNT=2", &["03-28T08:00/03-28T09:00", "03-29T08:00/03-29T09:00"])]
#[case::same_length_in_summer("DTSTART;TZID=Europe/Berlin:20260327T200000|DTEND;TZID=Europe/Berlin:20260328T080000|RRULE:FREQ=DAILY;COUNT=2", &["03-27T20:00/03-28T08:00", "03-28T20:00/03-29T09:00"])]
// Exceptions and further dates.
#[case::without_a_date("DTSTART;VALUE=DATE:20260501|RRULE:FREQ=DAILY;COUNT=4|EXDATE;VALUE=DATE:20260502,20260503", &["05-01/05-02", "05-04/05-05"])]
#[case::without_the_first("DTSTART;VALUE=DATE:20260501|RRULE:FREQ=DAILY;COUNT=2|EXDATE;VALUE=DATE:20260501", &["05-02/05-03"])]
#[case::without_a_time_of_utc("DTSTART:20260501T080000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2|EXDATE:20260502T060000Z", &["05-01T08:00/05-01T09:00"])]
#[case::without_another_time("DTSTART:20260501T080000|DURATION:PT1H|EXDATE:20260501T080001", &["05-01T08:00/05-01T09:00"])]
#[case::further("DTSTART;VALUE=DATE:20260501|RDATE;VALUE=DATE:20260601,20260701|EXDATE;VALUE=DATE:20260701", &["05-01/05-02", "06-01/06-02"])]
#[case::further_times("DTSTART:20260501T080000|DURATION:PT1H|RDATE;TZID=Asia/Tokyo:20260601T170000", &["05-01T08:00/05-01T09:00", "06-01T10:00/06-01T11:00"])]
// Dates of which others take the place.
#[case::moved("UID:a|DTSTART;VALUE=DATE:20260501|RRULE:FREQ=DAILY;COUNT=3||UID:a|RECURRENCE-ID;VALUE=DATE:20260502|DTSTART;VALUE=DATE:20260510", &["05-01/05-02", "05-03/05-04", "05-10/05-11"])]
#[case::moved_before_it_is_known("UID:a|RECURRENCE-ID:20260502T060000Z|DTSTART:20260510T060000Z|DURATION:PT1H||UID:a|DTSTART:20260501T080000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=2", &["05-01T08:00/05-01T09:00", "05-10T08:00/05-10T09:00"])]
#[case::cancelled_once("UID:a|DTSTART;VALUE=DATE:20260501|RRULE:FREQ=DAILY;COUNT=2||UID:a|RECURRENCE-ID;VALUE=DATE:20260502|STATUS:CANCELLED", &["05-01/05-02"])]
#[case::of_another("UID:a|DTSTART;VALUE=DATE:20260501||UID:b|RECURRENCE-ID;VALUE=DATE:20260501|DTSTART;VALUE=DATE:20260510", &["05-01/05-02", "05-10/05-11"])]
fn events_close_their_days_and_times(#[case] events: &str, #[case] expected: &[&str]) {
    assert_eq!(closed(events), expected);
}

#[rstest]
#[case("SUMMARY:Labor day|UID:a", "line 2 (event \"Labor day\"): the event has no DTSTART")]
#[case("DTSTART;VALUE=DATE:20260501|DTSTART;VALUE=DATE:20260502", "line 4: DTSTART is there twice")]
#[case(
    "DTSTART:2026-05-01",
    "line 3: DTSTART is \"2026-05-01\": write a day such as 20261224 or a time such as 20261224T180000Z"
)]
#[case(
    "DTSTART:",
    "line 3: DTSTART is \"\": write a day such as 20261224 or a time such as 20261224T180000Z"
)]
#[case("DTSTART;VALUE=DATE:20260501T080000", "line 3: DTSTART has VALUE=DATE, and a time")]
#[case("DTSTART;VALUE=DATE-TIME:20260501", "line 3: DTSTART has VALUE=DATE-TIME, and no time")]
#[case("DTSTART;VALUE=PERIOD:20260501", "line 3: DTSTART has VALUE=\"PERIOD\", which is not supported")]
#[case(
    "DTSTART;TZID=W. Europe Standard Time:20260501T080000",
    "line 3: TZID \"W. Europe Standard Time\" is no zone of the IANA database: write one such as Europe/Berlin, or use whole days"
)]
#[case("DTSTART:20260501T080000|DTEND:20260501T070000", "line 4: DTEND is before DTSTART")]
#[case("DTSTART;VALUE=DATE:20260501|DTEND;VALUE=DATE:20260430", "line 4: DTEND is before DTSTART")]
#[case("DTSTART;VALUE=DATE:20260501|DTEND:20260501T070000", "line 4: DTEND has a time, and DTSTART has none")]
#[case("DTSTART:20260501T080000|DTEND:20260502", "line 4: DTEND has no time, and DTSTART has one")]
#[case(
    "DTSTART:20260501T080000|DTEND:20260501T090000|DURATION:PT1H",
    "line 5: DURATION and DTEND are both there"
)]
#[case("DTSTART:20260501T080000|DURATION:1h", "line 4: DURATION is \"1h\": write it as in P2D or PT8H")]
#[case("DTSTART:20260501T080000|DURATION:-PT1H", "line 4: DURATION is \"-PT1H\": write it as in P2D or PT8H")]
#[case(
    "DTSTART:20260501|DURATION:PT24H",
    "line 4: DURATION is \"PT24H\", and DTSTART has no time: write days, as in P2D"
)]
#[case(
    "SUMMARY:A\\, b|DTSTART:20260501|RRULE:FREQ=HOURLY",
    "line 5 (event \"A, b\"): RRULE has FREQ=\"HOURLY\", which is not supported: write DAILY, WEEKLY, MONTHLY or YEARLY"
)]
#[case("DTSTART:20260501|RRULE:FREQ=DAILY|RRULE:FREQ=DAILY", "line 5: RRULE is there twice")]
#[case("DTSTART:20260501|EXRULE:FREQ=DAILY", "line 4: EXRULE is not supported: write EXDATE")]
#[case(
    "DTSTART:20260101|DTEND:20260501|RRULE:FREQ=YEARLY",
    "line 5: an event with RRULE takes 120 days; at most 92 are possible"
)]
#[case(
    "DTSTART:20260101|RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2||DTSTART:00000101|RRULE:FREQ=YEARLY;BYDAY=MO;BYMONTHDAY=31;COUNT=999999",
    "line 8: more than 1000000 days have to be looked at for COUNT: write UNTIL instead"
)]
#[case(
    "DTSTART:20260101|EXDATE:20260101,,20260102",
    "line 4: EXDATE is \"\": write a day such as 20261224 or a time such as 20261224T180000Z"
)]
#[case("DTSTART:20260101|EXDATE:20260101T000000", "line 4: EXDATE has a time, and DTSTART has none")]
#[case("DTSTART:20260101T080000|RDATE:20260101", "line 4: RDATE has no time, and DTSTART has one")]
#[case("DTSTART:20260101|RECURRENCE-ID:20260101", "line 4: RECURRENCE-ID needs a UID")]
#[case(
    "UID:a|DTSTART:20260101|RECURRENCE-ID;RANGE=THISANDFUTURE:20260101",
    "line 5: RECURRENCE-ID has RANGE, which is not supported"
)]
#[case(
    "UID:a|DTSTART:20260101|RECURRENCE-ID:20260101|RRULE:FREQ=DAILY",
    "line 6: RRULE and RECURRENCE-ID are both there"
)]
#[case(
    "UID:a|DTSTART:20260101||UID:a|DTSTART:20260101T000000|RECURRENCE-ID:20260101T000000",
    "line 9: RECURRENCE-ID has a time, and DTSTART has none"
)]
fn one_event_that_is_wrong_makes_the_file_wrong(#[case] events: &str, #[case] expected: &str) {
    assert_eq!(read(events).unwrap_err(), expected);
}

#[test]
fn a_file_may_say_what_its_zones_are_called() {
    let file = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=Tokyo Time:20260501T080000\nDURATION:PT1H\nEND:VEVENT\nBEGIN:VTIMEZONE\n\
        TZID:Tokyo Time\nX-LIC-LOCATION:Asia/Tokyo\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR";
    let file = Holidays::read(file.as_bytes(), &TimeZone::UTC, &mut Left::ALL.clone()).unwrap();
    let range = Span { from: Timestamp::MIN, to: Timestamp::MAX };
    let spans: Vec<String> = file.within(range).map(|(span, _)| span.from.to_string()).collect();
    assert_eq!(spans, ["2026-04-30T23:00:00Z"]);
}

#[test]
fn a_file_has_a_size_and_numbers_of_dates_and_rules() {
    let too_long = vec![b' '; MAX_HOLIDAY_BYTES + 1];
    let found = Holidays::read(&too_long, &TimeZone::UTC, &mut Left::ALL.clone()).unwrap_err();
    assert_eq!(found, "has 1048577 bytes; at most 1048576 are possible");

    let dates = vec!["20260101"; MAX_DATES].join(",");
    assert!(read(&format!("DTSTART:20260101|EXDATE:{dates}")).is_ok());
    let found = read(&format!("DTSTART:20260101|EXDATE:{dates}|RDATE:20260101")).unwrap_err();
    assert_eq!(found, "line 4: there are more than 8192 dates of RDATE, EXDATE and RECURRENCE-ID");

    // Each takes the place of a date of each.
    let (first, instead) = ("UID:a|DTSTART:20260101", "UID:a|RECURRENCE-ID:20260101|DTSTART:20260102");
    let found = read(&[vec![first; 100], vec![instead; 100]].concat().join("||")).unwrap_err();
    assert!(
        found.ends_with(": there are more than 8192 dates of RDATE, EXDATE and RECURRENCE-ID"),
        "{found}"
    );

    let rules = vec!["DTSTART:20260101|RRULE:FREQ=YEARLY"; MAX_RECURRING];
    assert!(read(&rules.join("||")).is_ok());
    let found = read(&[&rules[..], &rules[..1]].concat().join("||")).unwrap_err();
    assert_eq!(found, "line 2052: there are more than 512 events with RRULE");
}

#[test]
fn each_span_has_its_summary() {
    let file = read("SUMMARY:May\\nday|DTSTART:20200501|RRULE:FREQ=YEARLY||DTSTART:20260502").unwrap();
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let range = Span { from: time("2026-05-01T12:00:00Z"), to: time("2026-05-02T12:00:00Z") };
    let found: Vec<(String, &str)> =
        file.within(range).map(|(span, summary)| (span.from.to_string(), summary)).collect();
    let expected = [("2026-05-01T22:00:00Z".to_owned(), ""), ("2026-05-01T12:00:00Z".to_owned(), "May day")];
    assert_eq!(found, expected);
}
