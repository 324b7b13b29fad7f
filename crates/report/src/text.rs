//! Texts as people read them, in reports and at a terminal.

use std::fmt::Display;

use unicode_width::UnicodeWidthChar;

/// Returns a text without escape sequences and control characters. A terminal would obey them, and XML does not allow
/// them. Line breaks stay, and tabs become spaces. Characters that change the direction of a text and those that nobody sees are
/// removed, too.
///
/// An escape sequence that does not end takes the rest of its line.
#[must_use]
pub fn plain(text: &str) -> String {
    let lines =
        text.split(['\n', '\u{2028}', '\u{2029}']).map(|line| line.strip_suffix('\r').unwrap_or(line));
    let lines = lines.map(|line| -> String {
        if !line.contains(char::is_control) {
            return line.chars().filter_map(visible).collect();
        }
        anstream::adapter::strip_str(line).to_string().chars().filter_map(visible).collect()
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// Returns what stands for a character.
fn visible(letter: char) -> Option<char> {
    match letter {
        // What is behind it would be written over the line.
        '\r' | '\u{85}' => Some('\n'),
        '\t' | '\u{b}' | '\u{c}' => Some(' '),
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => None,
        // The last two are no characters, and XML does not allow them.
        letter => {
            Some(letter).filter(|letter| !letter.is_control() && !matches!(letter, '\u{fffe}' | '\u{ffff}'))
        }
    }
}

/// Puts a text on one line, without control characters. White space becomes one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<&str>>().join(" ")
}

/// Returns how many columns of a terminal a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

/// Shortens a text to at most `max` columns, and to as many characters. A shortened text ends with `…`.
#[must_use]
pub fn cut(text: &str, max: usize) -> String {
    // A character without a width of its own counts, too, so that the text is short in any case.
    let columns = |letter: char| letter.width().unwrap_or(0).max(1);
    let (mut taken, mut end) = (0, 0);
    for (at, letter) in text.char_indices() {
        taken += columns(letter);
        if taken > max {
            return format!("{}…", &text[..end]);
        }
        if taken < max {
            end = at + letter.len_utf8();
        }
    }
    text.to_owned()
}

/// Returns a number of things, such as `1 probe`, `2 probes`, `2 activities` or `2 series`.
#[must_use]
pub fn count(number: impl Display, noun: &str) -> String {
    let number = number.to_string();
    match noun.strip_suffix('y') {
        _ if number == "1" || noun.ends_with('s') => format!("{number} {noun}"),
        Some(stem) => format!("{number} {stem}ies"),
        None => format!("{number} {noun}s"),
    }
}

/// Returns a CamelCase word as several words: `BaselineNotMet` is `baseline not met`.
#[must_use]
pub fn words(camel: &str) -> String {
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
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("a\tb\r\nc\n", "a b\nc\n")]
    #[case("10%\r20%", "10%\n20%")]
    #[case("\u{1b}[31mred\u{1b}[0m", "red")]
    #[case("\u{1b}]0;title\u{7}a", "a")]
    #[case("a \u{1b}]0;title\nb", "a \nb")]
    #[case("a\u{202e}b\u{200b}c\u{9b}d\0e\u{ffff}f", "abcdef")]
    #[case("one\u{2028}two", "one\ntwo")]
    fn nothing_moves_the_terminal(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(plain(text), expected);
    }

    #[rstest]
    #[case("abc", 3, "abc")]
    #[case("abcd", 3, "ab…")]
    #[case("日本", 4, "日本")]
    #[case("日本語", 4, "日…")]
    #[case("日本語", 5, "日本…")]
    #[case("", 0, "")]
    fn a_text_is_cut_to_columns(#[case] text: &str, #[case] max: usize, #[case] expected: &str) {
        assert_eq!(cut(text, max), expected);
    }

    #[rstest]
    #[case(1, "activity", "1 activity")]
    #[case(2, "activity", "2 activities")]
    #[case(0, "probe", "0 probes")]
    #[case(3, "series", "3 series")]
    fn counts(#[case] number: usize, #[case] noun: &str, #[case] expected: &str) {
        assert_eq!(count(number, noun), expected);
    }

    proptest! {
        #[test]
        fn a_plain_text_has_no_control_characters(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(|letter| letter.is_control() && letter != '\n'));
            prop_assert!(!one_line(&text).chars().any(char::is_control));
            prop_assert_eq!(plain(&plain(&text)), plain(&text));
        }

        #[test]
        fn a_cut_text_fits(text in "\\PC{0,40}|\u{301}{0,40}", max in 1_usize..30) {
            prop_assert!(width(&cut(&text, max)) <= max);
            prop_assert!(cut(&text, max).chars().count() <= max);
        }
    }
}
