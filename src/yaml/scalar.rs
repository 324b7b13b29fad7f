//! The meaning of words, by the resolver and the constructors of `PyYAML` for scalars.

use k8s_openapi::jiff::civil;
use serde_json::{Number, Value};

use crate::yaml::shown::shown;

/// The meaning of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    /// A value that JSON can represent.
    Plain(Value),
    /// A date or a time in the format of ISO 8601. It can be a value, but not a key.
    Time(String),
    /// The key `<<`.
    Merge,
    /// The key `=`.
    Default,
}

/// Returns the meaning of a plain word.
pub(super) fn resolve(text: &str) -> Result<Scalar, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Ok(Scalar::Plain(Value::Null)),
        "<<" => Ok(Scalar::Merge),
        "=" => Ok(Scalar::Default),
        _ if is_int(text) => int(text),
        _ if is_float(text) => float(text),
        _ => match (bool(text), Time::scan(text)) {
            (Some(value), _) => Ok(Scalar::Plain(value.into())),
            (None, Some(time)) if time.is_implicit => time.iso(text),
            _ => Ok(Scalar::Plain(text.into())),
        },
    }
}

/// Returns the meaning of a word with a tag. Returns `None` if the tag is not for words.
pub(super) fn tagged(tag: &str, text: &str) -> Option<Result<Scalar, String>> {
    Some(match tag {
        "str" => Ok(Scalar::Plain(text.into())),
        "null" => Ok(Scalar::Plain(Value::Null)),
        "int" => int(text),
        "float" => float(text),
        // With a tag, any case is allowed, such as `TrUe`.
        "bool" => bool_of_any_case(text)
            .map(|value| Scalar::Plain(value.into()))
            .ok_or_else(|| format!("{} is not a boolean", shown(text))),
        "timestamp" => match Time::scan(text) {
            Some(time) => time.iso(text),
            None => Err(format!("{} is not a time", shown(text))),
        },
        "merge" => Ok(Scalar::Merge),
        _ => return None,
    })
}

/// Returns a number as Python writes it. Python writes `1e+16` and `1e-07`, but Rust writes `1e16` and `1e-7`.
pub(super) fn number_text(number: &Number) -> String {
    let float = number.as_f64().filter(|_| number.is_f64());
    let exponential = float.map(|float| format!("{float:e}"));
    let parts = exponential.as_deref().and_then(|text| text.split_once('e'));
    match parts.map(|(digits, exponent)| (digits, exponent.parse::<i32>().unwrap_or_default())) {
        Some((digits, exponent)) if !(-4..16).contains(&exponent) => format!("{digits}e{exponent:+03}"),
        _ => number.to_string(),
    }
}

fn bool_of_any_case(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => Some(true),
        "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn bool(text: &str) -> Option<bool> {
    let tail = text.get(1..)?;
    let one_case = text.chars().all(char::is_uppercase) || tail.chars().all(char::is_lowercase);
    bool_of_any_case(text).filter(|_| one_case)
}

/// Splits off the sign. Returns whether it is a minus, and the rest.
fn sign(text: &str) -> (bool, &str) {
    (text.starts_with('-'), text.strip_prefix(['-', '+']).unwrap_or(text))
}

/// Returns whether a text has only digits and underscores, such as `1_000`, `1__`, `_`, or an empty text.
fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
}

/// Returns whether a text is a number from 0 to 59 with one or two digits, as after a colon.
fn is_sixtieth(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
}

fn is_int(text: &str) -> bool {
    let (_, text) = sign(text);
    let all = |digits: &str, is: fn(&u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || is(&byte))
    };
    if let Some(digits) = text.strip_prefix("0b") {
        return all(digits, |byte| matches!(byte, b'0' | b'1'));
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return all(digits, u8::is_ascii_hexdigit);
    }
    if text.starts_with('0') {
        return all(text, |byte| matches!(byte, b'0'..=b'7'));
    }
    let mut parts = text.split(':');
    parts.next().is_some_and(|first| starts_with_digit(first) && is_digits(first)) && parts.all(is_sixtieth)
}

fn is_float(text: &str) -> bool {
    let (_, unsigned) = sign(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let Some((whole, fraction)) = unsigned.split_once('.') else { return false };
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    if whole.contains(':') {
        // There is no exponent after minutes and seconds.
        return starts_with_digit(first) && is_digits(first) && parts.all(is_sixtieth) && is_digits(fraction);
    }
    let (digits, exponent) = match fraction.find(['e', 'E']) {
        Some(at) => (&fraction[..at], Some(&fraction[at + 1..])),
        None => (fraction, None),
    };
    // An exponent must have a sign. Therefore `1e3` and `1.0e3` are text.
    let good_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or_default();
        starts_with_digit(digits) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    // Without a whole part, neither a sign nor a leading underscore is allowed.
    let good_start = if whole.is_empty() {
        text.starts_with('.') && starts_with_digit(digits)
    } else {
        starts_with_digit(whole) && is_digits(whole)
    };
    good_start && is_digits(digits) && good_exponent
}

fn number(value: impl Into<Number>) -> Scalar {
    Scalar::Plain(Value::Number(value.into()))
}

fn int(text: &str) -> Result<Scalar, String> {
    let plain = text.trim().replace('_', "");
    let (negative, digits) = sign(&plain);
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        i128::from_str_radix(binary, 2).ok()
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        i128::from_str_radix(hexadecimal, 16).ok()
    } else if digits.starts_with('0') {
        i128::from_str_radix(digits, 8).ok()
    } else {
        digits.split(':').try_fold(0_i128, |sum, part| sum.checked_mul(60)?.checked_add(part.parse().ok()?))
    };
    let value = if negative { magnitude.and_then(i128::checked_neg) } else { magnitude };
    value
        .and_then(|value| i64::try_from(value).map(number).or_else(|_| u64::try_from(value).map(number)).ok())
        .ok_or_else(|| format!("{} is not an integer of 64 bits", shown(text)))
}

fn float(text: &str) -> Result<Scalar, String> {
    let plain = text.trim().replace('_', "").to_lowercase();
    let (negative, digits) = sign(&plain);
    // Add from the last part to the first, as PyYAML does, so that the rounding is the same.
    let (mut magnitude, mut base) = (Some(0.0), 1.0);
    if digits.contains(':') {
        for part in digits.rsplit(':') {
            magnitude = magnitude.zip(part.parse::<f64>().ok()).map(|(sum, part)| sum + part * base);
            base *= 60.0;
        }
    } else {
        magnitude = digits.parse::<f64>().ok();
    }
    magnitude
        .and_then(|magnitude| Number::from_f64(if negative { -magnitude } else { magnitude }))
        .map(number)
        .ok_or_else(|| format!("{} is not a number that JSON has", shown(text)))
}

/// The parts of a date, optionally with a time of day and an offset.
struct Time<'text> {
    year: i16,
    month: i8,
    day: i8,
    clock: Option<Clock<'text>>,
    /// Whether this is a time without a tag too. A date without a time of day needs all its digits then.
    is_implicit: bool,
}

struct Clock<'text> {
    hour: i8,
    minute: i8,
    second: i8,
    fraction: &'text str,
    /// The offset in minutes to the east.
    offset: Option<i32>,
}

impl<'text> Time<'text> {
    fn scan(text: &'text str) -> Option<Self> {
        let mut rest = text;
        let year = digits(&mut rest, 4..=4)?;
        let month = after(&mut rest, "-").and_then(|rest| digits(rest, 1..=2))?;
        let day = after(&mut rest, "-").and_then(|rest| digits(rest, 1..=2))?;
        let is_short = rest.is_empty();
        let clock = if is_short { None } else { Some(Clock::scan(rest)?) };
        Some(Self { year, month, day, clock, is_implicit: !is_short || text.len() == "2001-12-14".len() })
    }

    fn iso(&self, text: &str) -> Result<Scalar, String> {
        let Self { year, month, day, .. } = *self;
        // The calendar of Python starts with the year 1.
        let is_date = year > 0 && civil::Date::new(year, month, day).is_ok();
        let clock = self.clock.as_ref().map_or_else(|| Some(String::new()), Clock::iso);
        match clock.filter(|_| is_date) {
            Some(clock) => Ok(Scalar::Time(format!("{year:04}-{month:02}-{day:02}{clock}"))),
            None => Err(format!("{} is not in the calendar", shown(text))),
        }
    }
}

impl<'text> Clock<'text> {
    /// Parses the part after a date.
    fn scan(text: &'text str) -> Option<Self> {
        let mut rest = text.strip_prefix(['T', 't', ' ', '\t'])?;
        if text.starts_with([' ', '\t']) {
            rest = rest.trim_start_matches([' ', '\t']);
        }
        let hour = digits(&mut rest, 1..=2)?;
        let minute = after(&mut rest, ":").and_then(|rest| digits(rest, 2..=2))?;
        let second = after(&mut rest, ":").and_then(|rest| digits(rest, 2..=2))?;
        let mut fraction = "";
        if let Some(tail) = rest.strip_prefix('.') {
            rest = tail.trim_start_matches(|digit: char| digit.is_ascii_digit());
            fraction = &tail[..tail.len() - rest.len()];
        }
        let offset = match rest.trim_start_matches([' ', '\t']) {
            _ if rest.is_empty() => None,
            "Z" => Some(0),
            zone => {
                let mut rest = zone.strip_prefix(['-', '+'])?;
                let mut minutes = 60 * digits::<i32>(&mut rest, 1..=2)?;
                if !rest.is_empty() {
                    minutes += after(&mut rest, ":").and_then(|rest| digits::<i32>(rest, 2..=2))?;
                }
                if !rest.is_empty() {
                    return None;
                }
                Some(if zone.starts_with('-') { -minutes } else { minutes })
            }
        };
        Some(Self { hour, minute, second, fraction, offset })
    }

    /// Returns the part after the date. Returns `None` if the time of day does not exist.
    fn iso(&self) -> Option<String> {
        let Self { hour, minute, second, fraction, offset } = *self;
        civil::Time::new(hour, minute, second, 0).ok()?;
        // Python has microseconds. It writes all six digits or none.
        let micros =
            Some(format!(".{fraction:0<6.6}")).filter(|micros| micros != ".000000").unwrap_or_default();
        let zone = match offset {
            Some(offset) if offset.abs() >= 24 * 60 => return None,
            Some(offset) => {
                let sign = if offset < 0 { '-' } else { '+' };
                format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
            }
            None => String::new(),
        };
        Some(format!("T{hour:02}:{minute:02}:{second:02}{micros}{zone}"))
    }
}

/// Removes a prefix.
fn after<'rest, 'text>(rest: &'rest mut &'text str, mark: &str) -> Option<&'rest mut &'text str> {
    *rest = rest.strip_prefix(mark)?;
    Some(rest)
}

/// Removes a number from the front, which must have one of the given numbers of digits.
fn digits<N: std::str::FromStr>(rest: &mut &str, count: std::ops::RangeInclusive<usize>) -> Option<N> {
    let found = rest.bytes().take(*count.end()).take_while(u8::is_ascii_digit).count();
    let (digits, tail) = rest.split_at(found);
    *rest = tail;
    digits.parse().ok().filter(|_| count.contains(&found))
}
