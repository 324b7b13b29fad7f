//! Rules by which events recur: `RRULE`.

use jiff::civil::{Date, Weekday};

use crate::error::quoted;
use crate::ical::values::{Bare, bare};

/// A rule as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// How long a period is.
    pub frequency: Frequency,
    /// Each how many periods the event recurs. At least 1.
    pub interval: i64,
    /// How often it happens.
    pub count: Option<u32>,
    /// When it ends.
    pub until: Option<Bare>,
    /// On which days.
    pub filters: Filters,
    /// The first day of the week.
    pub week_start: Weekday,
}

/// How long a period of a rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frequency {
    /// A day.
    Daily,
    /// A week.
    Weekly,
    /// A month.
    Monthly,
    /// A year.
    Yearly,
}

/// The days of a period on which an event recurs. Each list is sorted, and takes all days if it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// `BYMONTH`: 1 to 12.
    pub months: Vec<i16>,
    /// `BYMONTHDAY`: 1 to 31, or -1 to -31 from the end of the month.
    pub month_days: Vec<i16>,
    /// `BYYEARDAY`: 1 to 366, or -1 to -366 from the end of the year.
    pub year_days: Vec<i16>,
    /// `BYDAY`: the number is that of the day in the month or year, from its end if it is negative, and 0 for each.
    /// Weekdays are counted from Monday on, from 0.
    pub weekdays: Vec<(i16, i8)>,
    /// `BYSETPOS`: which of the days that are left.
    pub positions: Vec<i16>,
}

impl RuleText {
    /// Reads a rule. What is not known is an error.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut parts = Parts::read(text)?;
        let frequency = match parts.take("FREQ") {
            Some("DAILY") => Frequency::Daily,
            Some("WEEKLY") => Frequency::Weekly,
            Some("MONTHLY") => Frequency::Monthly,
            Some("YEARLY") => Frequency::Yearly,
            Some(other) => {
                let other = quoted(other);
                return Err(format!(
                    "RRULE has FREQ={other}, which is not supported: write DAILY, WEEKLY, MONTHLY or YEARLY"
                ));
            }
            None => return Err("RRULE has no FREQ".to_owned()),
        };
        let rule = Self {
            frequency,
            interval: parts.number("INTERVAL")?.unwrap_or(1).into(),
            count: parts.number("COUNT")?,
            until: parts.until()?,
            filters: Filters {
                months: parts.numbers("BYMONTH", 1, 12, false)?,
                month_days: parts.numbers("BYMONTHDAY", 1, 31, true)?,
                year_days: parts.numbers("BYYEARDAY", 1, 366, true)?,
                weekdays: parts.weekdays()?,
                positions: parts.numbers("BYSETPOS", 1, 366, true)?,
            },
            week_start: parts.week_start()?,
        };
        if let Some((name, _)) = parts.0.first() {
            return Err(format!("RRULE has {}, which is not supported", quoted(name)));
        }
        rule.check()?;
        Ok(rule)
    }

    /// Checks what must not be together.
    fn check(&self) -> Result<(), String> {
        let Filters { months, month_days, year_days, weekdays, positions } = &self.filters;
        let is_long = matches!(self.frequency, Frequency::Monthly | Frequency::Yearly);
        let has_days = [months, month_days, year_days].into_iter().any(|list| !list.is_empty());
        let problem = if self.count.is_some() && self.until.is_some() {
            "both COUNT and UNTIL"
        } else if !month_days.is_empty() && self.frequency == Frequency::Weekly {
            "BYMONTHDAY with FREQ=WEEKLY"
        } else if !year_days.is_empty() && self.frequency != Frequency::Yearly {
            "BYYEARDAY without FREQ=YEARLY"
        } else if weekdays.iter().any(|(number, _)| *number != 0) && !is_long {
            "a numbered BYDAY without FREQ=MONTHLY or FREQ=YEARLY"
        } else if !positions.is_empty() && weekdays.is_empty() && !has_days {
            "BYSETPOS without another BY part"
        } else {
            return Ok(());
        };
        Err(format!("RRULE has {problem}"))
    }
}

impl Filters {
    /// Takes from the first day what a rule leaves open.
    pub fn complete(&mut self, frequency: Frequency, first: Date) {
        if !(self.month_days.is_empty() && self.year_days.is_empty() && self.weekdays.is_empty()) {
            return;
        }
        match frequency {
            Frequency::Daily => {}
            Frequency::Weekly => self.weekdays.push((0, first.weekday().to_monday_zero_offset())),
            Frequency::Monthly => self.month_days.push(first.day().into()),
            Frequency::Yearly => {
                self.month_days.push(first.day().into());
                if self.months.is_empty() {
                    self.months.push(first.month().into());
                }
            }
        }
    }
}

/// The parts of a rule that are not read yet, by their names.
struct Parts<'a>(Vec<(String, &'a str)>);

/// More parts than a rule has.
const MAX_PARTS: usize = 20;

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Result<Self, String> {
        let mut parts: Vec<(String, &str)> = Vec::new();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("RRULE has {}, without a value", quoted(part)))?;
            let name = name.to_ascii_uppercase();
            if parts.iter().any(|(known, _)| *known == name) || parts.len() >= MAX_PARTS {
                return Err(format!("RRULE has {} twice", quoted(&name)));
            }
            parts.push((name, value));
        }
        Ok(Self(parts))
    }

    fn take(&mut self, name: &str) -> Option<&'a str> {
        let place = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(place).1)
    }

    /// Takes a number of at least 1.
    fn number(&mut self, name: &str) -> Result<Option<u32>, String> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = number(text).and_then(|number| u32::try_from(number).ok()).filter(|number| *number > 0);
        number.map(Some).ok_or_else(|| format!("RRULE has {name}={}, which is not 1 or more", quoted(text)))
    }

    /// Takes a list of numbers from `least` to `most`, or the same below zero.
    fn numbers(&mut self, name: &str, least: i32, most: i32, negative: bool) -> Result<Vec<i16>, String> {
        let Some(text) = self.take(name) else { return Ok(Vec::new()) };
        let read = |text: &str| {
            let number = number(text)?;
            let range = least..=most;
            let is_known = range.contains(&number) || (negative && range.contains(&-number));
            is_known.then(|| i16::try_from(number).ok())?
        };
        let mut numbers = Vec::new();
        for part in text.split(',') {
            numbers.push(read(part).ok_or_else(|| {
                let also = if negative { ", or as much below 0" } else { "" };
                format!("RRULE has {name}={}, which is not {least} to {most}{also}", quoted(part))
            })?);
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn weekdays(&mut self) -> Result<Vec<(i16, i8)>, String> {
        let Some(text) = self.take("BYDAY") else { return Ok(Vec::new()) };
        let read = |text: &str| {
            let (before, word) = text.split_at_checked(text.len().checked_sub(2)?)?;
            let number = if before.is_empty() {
                0
            } else {
                number(before).filter(|number| (1..=53).contains(&number.abs()))?
            };
            Some((i16::try_from(number).ok()?, weekday(word)?.to_monday_zero_offset()))
        };
        let mut days = Vec::new();
        for part in text.split(',') {
            let day = read(part);
            days.push(day.ok_or_else(|| {
                format!("RRULE has BYDAY={}, which is no day such as MO, 1MO or -1FR", quoted(part))
            })?);
        }
        days.sort_unstable();
        days.dedup();
        Ok(days)
    }

    fn week_start(&mut self) -> Result<Weekday, String> {
        let Some(text) = self.take("WKST") else { return Ok(Weekday::Monday) };
        weekday(text).ok_or_else(|| format!("RRULE has WKST={}, which is no day such as MO", quoted(text)))
    }

    fn until(&mut self) -> Result<Option<Bare>, String> {
        let Some(text) = self.take("UNTIL") else { return Ok(None) };
        let until = bare(text);
        until.map(Some).ok_or_else(|| {
            let text = quoted(text);
            format!("RRULE has UNTIL={text}: write a day such as 20261224 or a time such as 20261224T180000Z")
        })
    }
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    })
}

/// Reads a number of at most six digits, which may have a sign.
fn number(text: &str) -> Option<i32> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_rule_is_read_with_all_its_parts() {
        let text = "FREQ=YEARLY;INTERVAL=2;UNTIL=20301231;BYMONTH=11,1;BYMONTHDAY=-1,1;BYYEARDAY=+1;BYDAY=MO,-1FR,+2SU;BYSETPOS=-1;WKST=SU;";
        let rule = RuleText::read(text).unwrap();
        let filters = Filters {
            months: vec![1, 11],
            month_days: vec![-1, 1],
            year_days: vec![1],
            weekdays: vec![(-1, 4), (0, 0), (2, 6)],
            positions: vec![-1],
        };
        let until = Some(Bare::Day(Date::constant(2030, 12, 31)));
        let (frequency, week_start) = (Frequency::Yearly, Weekday::Sunday);
        assert_eq!(rule, RuleText { frequency, interval: 2, count: None, until, filters, week_start });
    }

    #[rstest]
    #[case("", "RRULE has no FREQ")]
    #[case(
        "FREQ=HOURLY",
        "RRULE has FREQ=\"HOURLY\", which is not supported: write DAILY, WEEKLY, MONTHLY or YEARLY"
    )]
    #[case("FREQ", "RRULE has \"FREQ\", without a value")]
    #[case("FREQ=DAILY;FREQ=DAILY", "RRULE has \"FREQ\" twice")]
    #[case("FREQ=DAILY;INTERVAL=0", "RRULE has INTERVAL=\"0\", which is not 1 or more")]
    #[case("FREQ=DAILY;COUNT=-1", "RRULE has COUNT=\"-1\", which is not 1 or more")]
    #[case("FREQ=DAILY;COUNT=1000000", "RRULE has COUNT=\"1000000\", which is not 1 or more")]
    #[case("FREQ=DAILY;COUNT=2;UNTIL=20260101", "RRULE has both COUNT and UNTIL")]
    #[case(
        "FREQ=DAILY;UNTIL=20260231",
        "RRULE has UNTIL=\"20260231\": write a day such as 20261224 or a time such as 20261224T180000Z"
    )]
    #[case("FREQ=DAILY;BYHOUR=1", "RRULE has \"BYHOUR\", which is not supported")]
    #[case("FREQ=YEARLY;BYWEEKNO=1", "RRULE has \"BYWEEKNO\", which is not supported")]
    #[case("FREQ=YEARLY;RSCALE=HEBREW", "RRULE has \"RSCALE\", which is not supported")]
    #[case("FREQ=YEARLY;BYMONTH=13", "RRULE has BYMONTH=\"13\", which is not 1 to 12")]
    #[case("FREQ=YEARLY;BYMONTH=-1", "RRULE has BYMONTH=\"-1\", which is not 1 to 12")]
    #[case("FREQ=YEARLY;BYMONTH=", "RRULE has BYMONTH=\"\", which is not 1 to 12")]
    #[case(
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "RRULE has BYMONTHDAY=\"0\", which is not 1 to 31, or as much below 0"
    )]
    #[case("FREQ=MONTHLY;BYDAY=54MO", "RRULE has BYDAY=\"54MO\", which is no day such as MO, 1MO or -1FR")]
    #[case("FREQ=MONTHLY;BYDAY=0MO", "RRULE has BYDAY=\"0MO\", which is no day such as MO, 1MO or -1FR")]
    #[case("FREQ=MONTHLY;BYDAY=é", "RRULE has BYDAY=\"é\", which is no day such as MO, 1MO or -1FR")]
    #[case("FREQ=MONTHLY;BYDAY=Aé", "RRULE has BYDAY=\"Aé\", which is no day such as MO, 1MO or -1FR")]
    #[case("FREQ=WEEKLY;WKST=XX", "RRULE has WKST=\"XX\", which is no day such as MO")]
    #[case("FREQ=WEEKLY;BYMONTHDAY=1", "RRULE has BYMONTHDAY with FREQ=WEEKLY")]
    #[case("FREQ=MONTHLY;BYYEARDAY=1", "RRULE has BYYEARDAY without FREQ=YEARLY")]
    #[case("FREQ=WEEKLY;BYDAY=1MO", "RRULE has a numbered BYDAY without FREQ=MONTHLY or FREQ=YEARLY")]
    #[case("FREQ=WEEKLY;BYSETPOS=1", "RRULE has BYSETPOS without another BY part")]
    fn what_is_not_understood_is_an_error(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(RuleText::read(text).unwrap_err(), expected);
    }
}
