//! Columns of text. Rows are printed as they come, so a table may be of any length.

use chaostoolkit_report::text::width;

use crate::output::style;

/// The least width of columns, by which rows stand below each other.
pub struct Table {
    widths: Vec<usize>,
}

/// The space between two columns.
const GAP: usize = 3;

impl Table {
    /// Takes the widths of a header and of the first rows.
    #[must_use]
    pub fn fitting<'a>(rows: impl IntoIterator<Item = &'a Vec<String>>) -> Self {
        let mut widths: Vec<usize> = Vec::new();
        for row in rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width_of, cell) in widths.iter_mut().zip(row) {
                *width_of = (*width_of).max(width(cell));
            }
        }
        Self { widths }
    }

    /// Returns a line, without trailing spaces. Words that have a color get it.
    #[must_use]
    pub fn line(&self, cells: &[String], is_colored: bool) -> String {
        let mut line = String::new();
        let mut pending = 0;
        for (at, cell) in cells.iter().enumerate() {
            line.push_str(&" ".repeat(pending));
            line.push_str(&if is_colored { style::word(cell) } else { cell.clone() });
            let least = self.widths.get(at).copied().unwrap_or_default();
            pending = least.saturating_sub(width(cell)) + GAP;
            if cell.is_empty() {
                line.push_str(&" ".repeat(pending));
                pending = 0;
            }
        }
        line.truncate(line.trim_end_matches(' ').len());
        line
    }
}

/// Returns a header and rows as lines.
#[must_use]
pub fn lines(header: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let header: Vec<String> = header.iter().map(|&cell| cell.to_owned()).collect();
    let table = Table::fitting(std::iter::once(&header).chain(rows));
    let head = table.line(&header, false);
    std::iter::once(head).chain(rows.iter().map(|row| table.line(row, true))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_with_and_without_colors() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        let rows =
            [row(&["pod-kill", "Passed", "é日"]), row(&["a", "", "x"]), row(&["b", "Inconclusive", ""])];
        let found: Vec<String> = lines(&["NAME", "RESULT", "MESSAGE"], &rows)
            .iter()
            .map(|line| anstream::adapter::strip_str(line).to_string())
            .collect();
        let expected = [
            "NAME       RESULT         MESSAGE",
            "pod-kill   Passed         é日",
            "a                         x",
            "b          Inconclusive",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_later_row_may_be_wider() {
        let table = Table::fitting([&vec!["a".to_owned(), "b".to_owned()]]);
        assert_eq!(table.line(&["longer".to_owned(), "x".to_owned()], false), "longer   x");
    }
}
