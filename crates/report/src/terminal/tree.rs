//! Prints a tree of lines, wrapped and colored.

use std::fmt::Display;

use anstyle::{AnsiColor, Color};
use unicode_width::UnicodeWidthChar;
use unicode_width::UnicodeWidthStr;

use crate::mark::Mark;
use crate::options::Style;
use crate::text;

/// The minimum width. Narrower terminals break lines themselves.
const MIN_WIDTH: usize = 40;

/// What a color stands for. There is a word with the same meaning in each colored text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Odd,
    /// Less important.
    Dim,
    /// A heading.
    Strong,
    Plain,
}

impl Tone {
    fn style(self) -> anstyle::Style {
        let color = |color| anstyle::Style::new().fg_color(Some(Color::Ansi(color)));
        match self {
            Self::Good => color(AnsiColor::Green),
            Self::Bad => color(AnsiColor::Red),
            Self::Odd => color(AnsiColor::Yellow),
            Self::Dim => anstyle::Style::new().dimmed(),
            Self::Strong => anstyle::Style::new().bold(),
            Self::Plain => anstyle::Style::new(),
        }
    }
}

/// A line with lines below it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    parts: Vec<(Tone, String)>,
    children: Vec<Self>,
}

impl Node {
    pub(crate) fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self::default().with(tone, text)
    }

    /// Adds a part to the line, after a space.
    pub(crate) fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.parts.push((tone, text.into()));
        self
    }

    /// Adds a part in the color of a mark, with its sign.
    pub(crate) fn marked(self, mark: Mark, text: impl Display) -> Self {
        let tone = match mark {
            Mark::Good => Tone::Good,
            Mark::Bad => Tone::Bad,
            Mark::Odd => Tone::Odd,
        };
        self.with(tone, format!("{} {text}", mark.sign()))
    }

    /// Adds a part if there is one.
    pub(crate) fn with_some(self, tone: Tone, text: Option<String>) -> Self {
        match text {
            Some(text) if !text.is_empty() => self.with(tone, text),
            _ => self,
        }
    }

    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    pub(crate) fn has_children(&self) -> bool {
        !self.children.is_empty()
    }

    /// The lines below this one.
    pub(crate) fn nodes(&self) -> &[Self] {
        &self.children
    }

    /// What the color of the line stands for.
    pub(crate) fn tone(&self) -> Tone {
        self.parts.first().map_or(Tone::Plain, |(tone, _)| *tone)
    }

    /// Returns the line alone, with at most this number of columns and without line breaks.
    pub(crate) fn cut(&self, columns: usize) -> Self {
        let mut left = columns;
        let mut line = Self::default();
        for (tone, part) in &self.parts {
            let part = text::cut(&text::one_line(part), left.max(1));
            left = left.saturating_sub(text::width(&part) + 1);
            line = line.with(*tone, part);
            if left == 0 {
                break;
            }
        }
        line
    }
}

/// Prints a tree. Its root stands at the left margin, and so do its children, without branches.
pub(crate) fn print(root: &Node, style: Style) -> String {
    let mut printer = Printer { width: style.width.max(MIN_WIDTH), color: style.color, text: String::new() };
    printer.line(("", ""), &root.parts);
    for child in &root.children {
        printer.line(("  ", "    "), &child.parts);
        printer.branches("  ", &child.children);
    }
    printer.text
}

struct Printer {
    width: usize,
    color: bool,
    text: String,
}

impl Printer {
    fn branches(&mut self, prefix: &str, nodes: &[Node]) {
        for (at, node) in nodes.iter().enumerate() {
            let is_last = at + 1 == nodes.len();
            let (branch, below) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let below = format!("{prefix}{below}");
            let deeper = if node.has_children() { "│  " } else { "   " };
            self.line((&format!("{prefix}{branch}"), &format!("{below}{deeper}")), &node.parts);
            self.branches(&below, &node.children);
        }
    }

    /// Prints a line with this prefix, and its continuations with the other one.
    fn line(&mut self, (first, other): (&str, &str), parts: &[(Tone, String)]) {
        self.text.push_str(first);
        let (mut column, mut is_empty) = (first.width(), true);
        for (tone, text) in parts {
            for (at, paragraph) in text.split('\n').enumerate() {
                if at > 0 {
                    (column, is_empty) = self.continued(other);
                }
                for word in paragraph.split_whitespace() {
                    for piece in pieces(word, self.width.saturating_sub(other.width()).max(10)) {
                        if !is_empty && column + 1 + piece.width() > self.width {
                            (column, is_empty) = self.continued(other);
                        }
                        if !is_empty {
                            self.text.push(' ');
                            column += 1;
                        }
                        self.piece(*tone, piece);
                        (column, is_empty) = (column + piece.width(), false);
                    }
                }
            }
        }
        self.end();
    }

    fn continued(&mut self, prefix: &str) -> (usize, bool) {
        self.end();
        self.text.push_str(prefix);
        (prefix.width(), true)
    }

    fn end(&mut self) {
        let length = self.text.trim_end_matches(' ').len();
        self.text.truncate(length);
        self.text.push('\n');
    }

    fn piece(&mut self, tone: Tone, piece: &str) {
        if self.color && tone != Tone::Plain {
            let style = tone.style();
            self.text.extend([
                style.render().to_string().as_str(),
                piece,
                style.render_reset().to_string().as_str(),
            ]);
        } else {
            self.text.push_str(piece);
        }
    }
}

/// Breaks a word that is wider than a line.
fn pieces(word: &str, width: usize) -> Vec<&str> {
    let (mut pieces, mut start, mut column) = (Vec::new(), 0, 0);
    for (at, letter) in word.char_indices() {
        let wide = letter.width().unwrap_or_default();
        if column + wide > width && at > start {
            pieces.push(&word[start..at]);
            (start, column) = (at, 0);
        }
        column += wide;
    }
    pieces.push(&word[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_lines_are_wrapped_below_their_beginning() {
        let long = "word ".repeat(20);
        let tree = Node::new(Tone::Strong, "root").children([Node::new(Tone::Plain, "room").children([
            Node::new(Tone::Good, "✔ met").with(Tone::Plain, long).children([Node::new(Tone::Dim, "leaf")]),
            Node::new(Tone::Bad, "x".repeat(60)),
        ])]);
        let text = print(&tree, Style { width: 44, color: false });
        assert_eq!(
            text,
            "root\n  room\n  ├─ ✔ met word word word word word word\n  │  │  word word word word word word word\n  │  │  word word word word word word word\n  │  └─ leaf\n  └─ xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n        xxxxxxxxxxxxxxxxxxxxxxxx\n"
        );
        let colored = print(&tree, Style { width: 44, color: true });
        assert!(colored.contains("\u{1b}[32m✔\u{1b}[0m \u{1b}[32mmet\u{1b}[0m"), "{colored:?}");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(
            texts in prop::collection::vec("\\PC{0,60}", 1..6), width in 40_usize..100,
        ) {
            let children = texts.iter().map(|text| Node::new(Tone::Plain, text).children([Node::new(Tone::Plain, text)]));
            let tree = Node::new(Tone::Plain, "root").children([Node::new(Tone::Plain, "room").children(children)]);
            for line in print(&tree, Style { width, color: false }).lines() {
                prop_assert!(line.width() <= width, "{line:?}");
            }
        }
    }
}
