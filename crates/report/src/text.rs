//! Texts, times and durations as people read them.

use jiff::Timestamp;

/// Replaces control characters by visible ones, but for line breaks and tabs. A terminal would obey them, and XML does not
/// allow them. Characters that change the direction of a text are replaced, too.
pub(crate) fn plain(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.chars().filter_map(visible).collect()
}

fn visible(letter: char) -> Option<char> {
    match letter {
        '\n' | '\u{2028}' | '\u{2029}' => Some('\n'),
        '\t' => Some(' '),
        // The symbols for control characters.
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(letter)),
        '\x7f' => Some('␡'),
        '\u{80}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => Some('\u{fffd}'),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        letter => Some(letter),
    }
}

/// Puts a text on one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Shortens a text to at most `max` characters. A shortened text ends with `…`.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// A duration such as `0.004 s`, `12.3 s`, `4 min 5 s` or `2 h 3 min`.
pub(crate) fn duration(seconds: f64) -> String {
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

/// An offset such as `+0.00 s` or `+4 min 5 s`. An offset before the start is negative.
pub(crate) fn offset(seconds: f64) -> String {
    let sign = if seconds < 0.0 { '-' } else { '+' };
    format!("{sign}{}", duration(seconds.abs()))
}

/// A time such as `2026-11-21 08:35:14 UTC`.
pub(crate) fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `1 probe`, `2 probes`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 {
        ""
    } else if noun.ends_with('y') {
        "ies"
    } else {
        "s"
    };
    let stem = if plural == "ies" { noun.trim_end_matches('y') } else { noun };
    format!("{number} {stem}{plural}")
}

/// A CamelCase word as several words: `BaselineNotMet` is `baseline not met`.
pub(crate) fn words(camel: &str) -> String {
    let mut words = String::new();
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("a\tb\r\nc", "a b\nc")]
    #[case("\u{1b}[31mred\u{1b}[0m", "␛[31mred␛[0m")]
    #[case("a\u{202e}b\u{9b}c\0", "ab\u{fffd}c␀")]
    fn control_characters_are_visible(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

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
    #[case(1, "activity", "1 activity")]
    #[case(2, "activity", "2 activities")]
    #[case(0, "probe", "0 probes")]
    fn counts(#[case] number: usize, #[case] noun: &str, #[case] expected: &str) {
        assert_eq!(count(number, noun), expected);
    }
}
