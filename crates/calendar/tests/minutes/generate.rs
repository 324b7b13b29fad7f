//! Random calendars, mostly around the nights on which clocks change.

use chrono::{Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::case::{Case, End, Event, Frequency, Kind, Length, Moment, Rule, Window};
use super::second::takes;

/// Zones, and days around which their clocks change.
const NIGHTS: [(Tz, (i32, u32, u32)); 16] = [
    (Tz::UTC, (2026, 6, 15)),
    (Tz::Asia__Kathmandu, (2026, 12, 31)),
    (Tz::Europe__Berlin, (2026, 3, 29)),
    (Tz::Europe__Berlin, (2026, 10, 25)),
    (Tz::America__New_York, (2026, 3, 8)),
    (Tz::America__New_York, (2026, 11, 1)),
    (Tz::Australia__Lord_Howe, (2026, 4, 5)),
    (Tz::Australia__Lord_Howe, (2026, 10, 4)),
    (Tz::Africa__Cairo, (2026, 4, 24)),
    (Tz::Africa__Cairo, (2026, 10, 30)),
    (Tz::America__Sao_Paulo, (2018, 2, 18)),
    (Tz::America__Sao_Paulo, (2018, 11, 4)),
    (Tz::America__Havana, (2026, 3, 8)),
    (Tz::America__Havana, (2026, 11, 1)),
    (Tz::America__St_Johns, (2010, 11, 7)),
    (Tz::Pacific__Apia, (2011, 12, 30)),
];

pub fn case() -> impl Strategy<Value = Case> {
    let night = prop::sample::select(NIGHTS.to_vec());
    night.prop_flat_map(|(zone, (year, month, day))| {
        let center = NaiveDate::from_ymd_opt(year, month, day).unwrap();
        let windows = prop::collection::vec(window(), 0..4);
        let exclusions = prop::collection::vec(exclusion(center), 0..3);
        let events = prop::collection::vec(event(center), 0..4);
        (windows, exclusions, events).prop_map(move |(windows, exclusions, events)| Case {
            zone,
            center,
            windows,
            exclusions,
            events,
        })
    })
}

/// A calendar that has one event of whole days, which recurs by a rule that takes its first day.
pub fn recurring() -> impl Strategy<Value = Case> {
    let center = NaiveDate::from_ymd_opt(2026, 6, 15).unwrap();
    (rule(), -600..600_i64, prop::collection::vec(0..40_i64, 0..3)).prop_filter_map(
        "the rule takes the first day",
        move |(mut rule, offset, except)| {
            // calcard refuses -5MO, and finds no day at all where weekdays with and without a number are together.
            rule.weekdays.retain(|(number, _)| *number != -5);
            if rule.weekdays.iter().any(|(number, _)| *number != 0) {
                rule.weekdays.retain(|(number, _)| *number != 0);
            }
            // It counts positions from the first day on in the first week, and from the first of the month or year otherwise.
            if rule.frequency == Frequency::Weekly {
                rule.positions.clear();
            }
            let near = center + TimeDelta::days(offset);
            let first = near.iter_days().take(800).find(|day| takes(&rule, *day, *day))?;
            let start = at(first, 0);
            let event = Event {
                start,
                kind: Kind::Days,
                length: Length::None,
                rule: Some(rule),
                further: Vec::new(),
                except: except.into_iter().map(|days| start + TimeDelta::days(days)).collect(),
                moved: None,
            };
            Some(Case {
                zone: Tz::UTC,
                center: first,
                windows: Vec::new(),
                exclusions: Vec::new(),
                events: vec![event],
            })
        },
    )
}

/// A minute of the day. Most are in the hours in which clocks change.
fn minute() -> impl Strategy<Value = u32> {
    prop_oneof![
        4 => (0..16_u32).prop_map(|quarter| quarter * 15),
        2 => (88..96_u32).prop_map(|quarter| quarter * 15),
        2 => 0..1440_u32,
    ]
}

fn window() -> impl Strategy<Value = Window> {
    let days = prop_oneof![Just(Vec::new()), prop::sample::subsequence((0..7).collect::<Vec<u32>>(), 1..6)];
    let to = prop_oneof![5 => minute(), 1 => Just(1440)];
    (days, minute(), to).prop_map(|(days, from, to)| Window { days, from, to })
}

fn at(day: NaiveDate, minute: u32) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute.into())
}

fn exclusion(center: NaiveDate) -> impl Strategy<Value = (Moment, Moment)> {
    let moments = (-6..6_i64, any::<bool>(), minute(), 0..3_i64, any::<bool>(), minute());
    moments.prop_filter_map(
        "it ends after its beginning",
        move |(offset, has_time, from, days, has_end, to)| {
            let day = center + TimeDelta::days(offset);
            let last = day + TimeDelta::days(days);
            let from = if has_time { Moment::Time(at(day, from)) } else { Moment::Day(day) };
            let to = if has_end { Moment::Time(at(last, to)) } else { Moment::Day(last) };
            let is_empty = match (from, to) {
                (Moment::Time(from), Moment::Time(to)) => to <= from,
                (Moment::Day(from), Moment::Time(to)) => to <= at(from, 0),
                (_, Moment::Day(_)) => false,
            };
            (!is_empty).then_some((from, to))
        },
    )
}

fn event(center: NaiveDate) -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        3 => Just(Kind::Days),
        2 => Just(Kind::Floating),
        1 => Just(Kind::Zoned(Tz::UTC)),
        1 => Just(Kind::Zoned(Tz::America__New_York)),
        1 => Just(Kind::Zoned(Tz::Europe__Berlin)),
    ];
    let length = prop_oneof![
        Just(Length::None),
        (1..4_i64).prop_map(Length::End),
        (1..4_i64, prop_oneof![Just(0), 1..600_i64])
            .prop_map(|(days, minutes)| Length::Lasting(days, minutes)),
    ];
    let begins = (-6..6_i64, 0..5_u32, minute());
    let rule = prop_oneof![1 => Just(None), 2 => rule().prop_map(Some)];
    let offsets = || prop::collection::vec(prop_oneof![0..4_i64, Just(7), Just(14), 0..800_i64], 0..3);
    let moved = prop::option::weighted(0.3, (0..8_i64, prop::option::of(0..20_i64)));
    (kind, length, begins, rule, offsets(), offsets(), moved).prop_map(
        move |(kind, length, (offset, years, minute), rule, further, except, moved)| {
            let years = if rule.is_some() { years } else { 0 };
            let day = center.checked_sub_months(Months::new(12 * years)).unwrap() + TimeDelta::days(offset);
            let is_days = matches!(kind, Kind::Days);
            let start = at(day, if is_days { 0 } else { minute });
            let later = |days: i64| start + TimeDelta::days(days);
            let length = match length {
                Length::Lasting(days, _) if is_days => Length::Lasting(days, 0),
                // Minutes, since this is no number of days.
                Length::End(count) if !is_days => Length::End(count * 317),
                length => length,
            };
            Event {
                start,
                kind,
                length,
                rule,
                further: further.into_iter().map(later).collect(),
                except: except.into_iter().map(later).collect(),
                moved: moved.map(|(of, to)| (later(of), to.map(later))),
            }
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    let frequency = prop::sample::select(vec![
        Frequency::Daily,
        Frequency::Weekly,
        Frequency::Monthly,
        Frequency::Yearly,
    ]);
    let end =
        prop_oneof![Just(End::Never), (1..200_u32).prop_map(End::Count), (0..2000_i64).prop_map(End::Until),];
    let months = || maybe(prop::collection::btree_set(1..=12_u32, 1..8));
    let signed = |most: i32| (1..=most, any::<bool>()).prop_map(|(n, back)| if back { -n } else { n });
    let month_days = maybe(prop::collection::btree_set(signed(31), 1..12));
    let year_days = maybe(prop::collection::btree_set(signed(366), 1..60));
    let number = prop_oneof![3 => Just(0), 1 => signed(5)];
    let weekdays = maybe(prop::collection::btree_set((number, 0..7_u32), 1..6));
    let positions = maybe(prop::collection::btree_set(signed(6), 1..3));
    (frequency, 1..4_i32, months(), month_days, year_days, weekdays, positions, any::<bool>(), end).prop_map(
        |(
            frequency,
            interval,
            months,
            month_days,
            year_days,
            mut weekdays,
            positions,
            starts_on_sunday,
            end,
        )| {
            let is_short = matches!(frequency, Frequency::Daily | Frequency::Weekly);
            if is_short {
                for (number, _) in &mut weekdays {
                    *number = 0;
                }
            }
            let month_days = if frequency == Frequency::Weekly { Vec::new() } else { month_days };
            let year_days = if frequency == Frequency::Yearly { year_days } else { Vec::new() };
            let has_others =
                !(months.is_empty() && month_days.is_empty() && year_days.is_empty() && weekdays.is_empty());
            let positions = if has_others { positions } else { Vec::new() };
            Rule {
                frequency,
                interval,
                months,
                month_days,
                year_days,
                weekdays,
                positions,
                starts_on_sunday,
                end,
            }
        },
    )
}

/// A list, which is empty most times.
fn maybe<T: Clone + std::fmt::Debug>(
    items: impl Strategy<Value = std::collections::BTreeSet<T>>,
) -> impl Strategy<Value = Vec<T>> {
    prop::option::weighted(0.35, items).prop_map(|items| items.into_iter().flatten().collect())
}
