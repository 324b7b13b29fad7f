//! Puts texts into Markdown as GitHub and GitLab read it.

/// Returns a text that is shown as it is, in a paragraph or in a cell of a table. It makes no link and mentions nobody.
pub(crate) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    let line = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    let mut letters = line.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // GitHub links users, issues and URLs in whatever text, escaped or not. An empty character keeps it from that.
            '@' if links_at(before, letters.clone()) => escaped.push_str("@&#8203;"),
            '#' if letters.peek().is_some_and(char::is_ascii_digit) => escaped.push_str("#&#8203;"),
            '#' => escaped.push_str("\\#"),
            ':' if letters.peek() == Some(&'/') => escaped.push_str("&#58;"),
            '.' if ends_with_www(&escaped) => escaped.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
        before = letter;
    }
    // What begins a list or a line at the beginning of a paragraph.
    let unnumbered = escaped.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_numbered = unnumbered.len() < escaped.len() && unnumbered.starts_with(['.', ')']);
    let is_list = ["- ", "+ ", "--", "=="].into_iter().any(|mark| escaped.starts_with(mark));
    if is_list || is_numbered && unnumbered[1..].starts_with(' ') {
        escaped.insert_str(0, "&#8203;");
    }
    escaped
}

/// Returns whether an `@` between these makes a link: to a user, or to an address of mail.
fn links_at(before: char, after: impl Iterator<Item = char>) -> bool {
    /// The length of the longest host name.
    const MAX_HOST: usize = 253;
    let mut word = after.take(MAX_HOST).take_while(|letter| *letter != ' ');
    !before.is_alphanumeric() || word.any(|letter| letter == '.')
}

fn ends_with_www(text: &str) -> bool {
    text.len().checked_sub(3).and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// Returns a text as code on one line. In a table, a `|` would end the cell even there.
pub(crate) fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<&str>>().join(" ").replace('|', "\\|");
    if line.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(&line) + 1);
    // A space keeps a backtick of the text apart from the fence, and Markdown removes it.
    if line.contains('`') { format!("{fence} {line} {fence}") } else { format!("{fence}{line}{fence}") }
}

/// Returns a text as a block of code.
pub(crate) fn block(text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// The length of the longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("plain words", "plain words")]
    #[case("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    #[case("a|b `c` *d* _e_", "a\\|b \\`c\\` \\*d\\* \\_e\\_")]
    #[case("[x](http://h)", "\\[x\\](http&#58;//h)")]
    #[case("@user #12 www.h", "@&#8203;user #&#8203;12 www&#46;h")]
    #[case("shop@3 me@mail.example c#", "shop@3 me@&#8203;mail.example c\\#")]
    #[case("- item\n# heading", "&#8203;- item \\# heading")]
    #[case("1. item", "&#8203;1. item")]
    #[case("![i](x)", "!\\[i\\](x)")]
    fn texts_are_shown_as_they_are(#[case] from: &str, #[case] expected: &str) {
        assert_eq!(text(from), expected);
    }

    #[rstest]
    #[case("a", "`a`")]
    #[case("a`b``c", "``` a`b``c ```")]
    #[case("a|b\nc", "`a\\|b c`")]
    #[case("", "")]
    fn code_ends_where_its_text_ends(#[case] from: &str, #[case] expected: &str) {
        assert_eq!(code(from), expected);
    }

    #[test]
    fn a_block_has_a_longer_fence_than_its_text() {
        assert_eq!(block("a\n````\nb\n"), "`````text\na\n````\nb\n`````\n");
        assert_eq!(block("a"), "```text\na\n```\n");
    }
}
