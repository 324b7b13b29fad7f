//! The texts of a calendar.

use std::fmt::Write;

use chrono::NaiveDateTime;

use super::case::{Case, End, Event, Frequency, Kind, Length, Moment, Rule};
use super::second::instant;

pub struct Texts {
    pub windows: Vec<(Vec<String>, String, String)>,
    pub exclusions: Vec<(String, String, String)>,
}

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Case {
    pub fn texts(&self) -> Texts {
        let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let word = |day: &u32| {
            ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][usize::try_from(*day).unwrap()].to_owned()
        };
        let moment = |moment: &Moment| match moment {
            Moment::Day(day) => day.to_string(),
            Moment::Time(time) => time.format("%Y-%m-%dT%H:%M").to_string(),
        };
        let windows = self
            .windows
            .iter()
            .map(|window| (window.days.iter().map(word).collect(), clock(window.from), clock(window.to)));
        let exclusions = self.exclusions.iter().enumerate();
        let exclusions =
            exclusions.map(|(index, (from, to))| (moment(from), moment(to), format!("reason {index}")));
        Texts { windows: windows.collect(), exclusions: exclusions.collect() }
    }

    pub fn holidays(&self) -> String {
        let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n".to_owned();
        for (index, event) in self.events.iter().enumerate() {
            self.event(&mut text, index, event);
        }
        text + "END:VCALENDAR\r\n"
    }

    fn event(&self, text: &mut String, index: usize, event: &Event) {
        let values = |times: &[NaiveDateTime]| {
            times.iter().map(|time| value(event.kind, *time)).collect::<Vec<_>>().join(",")
        };
        let parameters = parameters(event.kind);
        let length = match (event.length, event.kind) {
            (Length::None, _) => String::new(),
            (Length::End(days), Kind::Days) => {
                let end = event.start + chrono::TimeDelta::days(days);
                format!("DTEND;VALUE=DATE:{}\r\n", end.format("%Y%m%d"))
            }
            (Length::End(minutes), _) => {
                let end = instant(self, event.kind, event.start) + chrono::TimeDelta::minutes(minutes);
                format!("DTEND:{}\r\n", end.format("%Y%m%dT%H%M%SZ"))
            }
            (Length::Lasting(days, 0), _) => format!("DURATION:P{days}D\r\n"),
            (Length::Lasting(days, minutes), _) => {
                format!("DURATION:P{days}DT{}H{}M\r\n", minutes / 60, minutes % 60)
            }
        };
        write!(text, "BEGIN:VEVENT\r\nUID:{index}\r\nSUMMARY:event {index}\r\n").unwrap();
        write!(text, "DTSTART{parameters}:{}\r\n{length}", value(event.kind, event.start)).unwrap();
        if let Some(rule) = &event.rule {
            write!(text, "RRULE:{}\r\n", self.rule(event, rule)).unwrap();
        }
        for (name, times) in [("RDATE", &event.further), ("EXDATE", &event.except)] {
            if !times.is_empty() {
                write!(text, "{name}{parameters}:{}\r\n", values(times)).unwrap();
            }
        }
        text.push_str("END:VEVENT\r\n");
        if let Some((of, to)) = event.moved {
            write!(text, "BEGIN:VEVENT\r\nUID:{index}\r\nSUMMARY:moved {index}\r\n").unwrap();
            write!(text, "RECURRENCE-ID{parameters}:{}\r\n", value(event.kind, of)).unwrap();
            match to {
                Some(to) => write!(
                    text,
                    "DTSTART{parameters}:{}\r\nDURATION:P1D\r\nEND:VEVENT\r\n",
                    value(event.kind, to)
                ),
                None => write!(text, "STATUS:CANCELLED\r\nEND:VEVENT\r\n"),
            }
            .unwrap();
        }
    }

    fn rule(&self, event: &Event, rule: &Rule) -> String {
        fn list<T>(name: &str, items: &[T], shown: impl Fn(&T) -> String) -> String {
            if items.is_empty() {
                return String::new();
            }
            format!(";{name}={}", items.iter().map(shown).collect::<Vec<_>>().join(","))
        }
        let frequency = match rule.frequency {
            Frequency::Daily => "DAILY",
            Frequency::Weekly => "WEEKLY",
            Frequency::Monthly => "MONTHLY",
            Frequency::Yearly => "YEARLY",
        };
        let end = match rule.end {
            End::Never => String::new(),
            End::Count(count) => format!(";COUNT={count}"),
            End::Until(days) => {
                let last = event.start + chrono::TimeDelta::days(days);
                match event.kind {
                    Kind::Days => format!(";UNTIL={}", last.format("%Y%m%d")),
                    kind => format!(";UNTIL={}", instant(self, kind, last).format("%Y%m%dT%H%M%SZ")),
                }
            }
        };
        let weekday = |(number, day): &(i32, u32)| {
            let number = if *number == 0 { String::new() } else { number.to_string() };
            number + DAYS[usize::try_from(*day).unwrap()]
        };
        format!("FREQ={frequency};INTERVAL={}", rule.interval)
            + &list("BYMONTH", &rule.months, ToString::to_string)
            + &list("BYMONTHDAY", &rule.month_days, ToString::to_string)
            + &list("BYYEARDAY", &rule.year_days, ToString::to_string)
            + &list("BYDAY", &rule.weekdays, weekday)
            + &list("BYSETPOS", &rule.positions, ToString::to_string)
            + if rule.starts_on_sunday { ";WKST=SU" } else { "" }
            + &end
    }
}

fn parameters(kind: Kind) -> String {
    match kind {
        Kind::Days => ";VALUE=DATE".to_owned(),
        Kind::Zoned(zone) if zone != chrono_tz::UTC => format!(";TZID={}", zone.name()),
        Kind::Floating | Kind::Zoned(_) => String::new(),
    }
}

fn value(kind: Kind, time: NaiveDateTime) -> String {
    match kind {
        Kind::Days => time.format("%Y%m%d").to_string(),
        Kind::Zoned(zone) if zone == chrono_tz::UTC => time.format("%Y%m%dT%H%M%SZ").to_string(),
        Kind::Floating | Kind::Zoned(_) => time.format("%Y%m%dT%H%M%S").to_string(),
    }
}
