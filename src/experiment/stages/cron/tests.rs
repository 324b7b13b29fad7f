use super::*;

/// The table that the library made. Each row has a zone, a time, a schedule, and the three times that follow.
const TABLE: &str = include_str!("../../../../tests/cron/table.tsv");

fn found(zone: &str, from: Timestamp, schedule: &str) -> String {
    let read = parse(schedule);
    let zone = if zone.is_empty() { Ok(TimeZone::UTC) } else { TimeZone::get(zone) };
    let (Ok(zone), Some(schedule)) = (zone, read) else { return "invalid".to_owned() };
    let next = |time: &Timestamp| match &schedule {
        Schedule::Fields(fields) => fields.next(*time, &zone),
        Schedule::Every(delay) => time.checked_add(*delay).ok(),
    };
    let times: Vec<String> =
        std::iter::successors(next(&from), next).take(3).map(|time| time.to_string()).collect();
    times.join(" ")
}

#[test]
fn schedules_are_read_as_the_controller_reads_them() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in TABLE.lines() {
        let [zone, from, schedule, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("not a row: {line}");
        };
        rows += 1;
        let found = found(zone, from.parse().unwrap(), schedule);
        if found != expected {
            wrong.push(format!("{zone} {from} {schedule:?}: {found}, and not {expected}"));
        }
    }
    assert!(rows > 800, "{rows}");
    assert!(wrong.is_empty(), "{} of {rows}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_search_ends_even_in_a_zone_that_leaves_out_a_day() {
    let Some(Schedule::Fields(fields)) = parse("0 0 31 * *") else { panic!("it is a schedule") };
    let zone = TimeZone::get("Pacific/Apia").unwrap();
    let _ = fields.next("2011-12-29T12:00:00Z".parse().unwrap(), &zone);
}
