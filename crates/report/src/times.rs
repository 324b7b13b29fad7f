//! Times and durations as people read them.

use std::time::Duration;

use jiff::Timestamp;

/// Returns a duration in seconds that was measured, such as `0.004 s`, `12.3 s`, `4 min 5 s` or `2 h 3 min`.
#[must_use]
pub fn duration(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "both are checked")]
    let whole = |seconds: f64| seconds.round().clamp(0.0, 1e12) as u64;
    match seconds {
        _ if !seconds.is_finite() || seconds < 0.0 => "?".to_owned(),
        ..0.0995 => format!("{seconds:.3} s"),
        ..9.995 => format!("{seconds:.2} s"),
        ..59.95 => format!("{seconds:.1} s"),
        ..3_599.5 => {
            let seconds = whole(seconds);
            format!("{} min {} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = whole(seconds / 60.0);
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// Returns an offset such as `+0.00 s` or `+4 min 5 s`. An offset before the start is negative.
#[must_use]
pub fn offset(seconds: f64) -> String {
    let sign = if seconds < 0.0 { '-' } else { '+' };
    format!("{sign}{}", duration(seconds.abs()))
}

/// Returns a duration in seconds as `kubectl` prints ages: `5s`, `3m10s`, `2h5m`, `4d`.
#[must_use]
pub fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let both = |big: i64, unit: &str, small: i64, smaller: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{smaller}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => both(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => both(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => both(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

/// Returns how long something took or will take, as `kubectl` prints ages.
#[must_use]
pub fn took(duration: Duration) -> String {
    age(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

/// Returns how long ago a time was, as `kubectl` prints ages.
#[must_use]
pub fn since(then: Timestamp, now: Timestamp) -> String {
    age(now.as_second().saturating_sub(then.as_second()))
}

/// Returns a time such as `2026-11-21 08:35:14 UTC`.
#[must_use]
pub fn time(time: Timestamp) -> String {
    format!("{} UTC", date_time(time))
}

/// Returns a time in UTC such as `2026-11-21 08:35:14`, for tables that name the zone elsewhere.
#[must_use]
pub fn date_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0.0, "0.000 s")]
    #[case(0.004_4, "0.004 s")]
    #[case(0.0999, "0.10 s")]
    #[case(9.999, "10.0 s")]
    #[case(59.99, "1 min 0 s")]
    #[case(245.0, "4 min 5 s")]
    #[case(3_599.9, "1 h 0 min")]
    #[case(7_400.0, "2 h 3 min")]
    #[case(f64::NAN, "?")]
    #[case(-1.0, "?")]
    fn durations(#[case] seconds: f64, #[case] expected: &str) {
        assert_eq!(duration(seconds), expected);
    }

    #[rstest]
    #[case(0, "0s")]
    #[case(119, "119s")]
    #[case(120, "2m")]
    #[case(190, "3m10s")]
    #[case(700, "11m")]
    #[case(3 * 3600 + 60, "3h1m")]
    #[case(9 * 3600, "9h")]
    #[case(2 * 86400 + 3600, "2d1h")]
    #[case(400 * 86400, "400d")]
    #[case(-5, "0s")]
    fn ages(#[case] seconds: i64, #[case] expected: &str) {
        assert_eq!(age(seconds), expected);
    }
}
