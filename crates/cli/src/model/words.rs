//! Texts from objects and logs as they may go to a terminal, and times as people read them.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

/// Returns a text on one line, without escape sequences and control characters. What an experiment or a pod says must not
/// change the terminal, nor pretend to be a line of this command.
#[must_use]
pub fn plain(text: &str) -> String {
    let stripped = anstream::adapter::strip_str(text).to_string();
    stripped.chars().filter_map(shown).collect()
}

/// Returns what stands for a character.
fn shown(letter: char) -> Option<char> {
    match letter {
        '\n' | '\t' => Some(' '),
        // Marks that turn the direction of the text around, and those that nobody sees.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        letter if letter.is_control() => None,
        letter => Some(letter),
    }
}

/// How many columns a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

/// Cuts a text to this many columns.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut taken = 0;
    let fits = |letter: &char| {
        taken += letter.width().unwrap_or(0);
        taken < columns
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{kept}…")
}

/// Returns a text with an indefinite number of things: `1 run`, `2 runs`.
#[must_use]
pub fn count(number: impl Into<i64>, noun: &str) -> String {
    let number = number.into();
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns a time as `kubectl` prints ages: `5s`, `3m10s`, `2h5m`, `4d`.
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

/// Returns how long something took or will take.
#[must_use]
pub fn duration(duration: Duration) -> String {
    age(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}

/// Returns a time to the second, in UTC.
#[must_use]
pub fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Returns how long ago a time was.
#[must_use]
pub fn since(then: Timestamp, now: Timestamp) -> String {
    age(now.as_second().saturating_sub(then.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

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

    #[rstest]
    #[case("\u{1b}[31mred\u{1b}[0m", "red")]
    #[case("\u{1b}]0;title\u{7}a", "a")]
    #[case("one\ntwo\tthree\r", "one two three")]
    #[case("a\u{202e}b\u{200b}c\u{9b}31m", "abc31m")]
    fn nothing_moves_the_terminal(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

    proptest! {
        #[test]
        fn a_plain_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(char::is_control));
        }

        #[test]
        fn a_cut_text_fits(text in "\\PC{0,40}", columns in 1_usize..30) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}
