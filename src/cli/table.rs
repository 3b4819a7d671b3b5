//! Aligned columns, with lines below a row for what does not fit one.

use crate::api::WaitView;
use crate::domain::plain::one_line;
use crate::domain::time::Timestamp;

/// Characters of a cell; what is longer is cut.
const WIDEST: usize = 48;

/// Rows under their heads; under none where all heads are empty.
pub(super) struct Table {
    heads: &'static [&'static str],
    rows: Vec<Row>,
}

struct Row {
    cells: Vec<String>,
    below: Vec<String>,
}

impl Table {
    pub(super) fn new(heads: &'static [&'static str]) -> Table {
        Table { heads, rows: Vec::new() }
    }

    /// Adds a row, and the lines below it.
    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>, below: Vec<String>) {
        let cells = cells.into_iter().map(cell).collect();
        self.rows.push(Row { cells, below: below.iter().map(|line| one_line(line, 400)).collect() });
    }

    /// The whole, or nothing where there are no rows.
    pub(super) fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let width = |n: usize| {
            let cells = self.rows.iter().filter_map(|row| row.cells.get(n)).map(|cell| cell.chars().count());
            cells.chain(self.heads.get(n).map(|head| head.len())).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.heads.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let headless = self.heads.iter().all(|head| head.is_empty());
        let mut text = if headless { String::new() } else { line(&mut self.heads.iter().copied()) };
        for row in &self.rows {
            text.push_str(&line(&mut row.cells.iter().map(String::as_str)));
            for below in &row.below {
                text.push_str(&format!("    {below}\n"));
            }
        }
        text
    }
}

fn cell(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        text => one_line(text, WIDEST),
    }
}

/// An instant as a cell: UTC, to the second.
pub(super) fn time(text: &str) -> String {
    match Timestamp::parse(text) {
        Some(time) => time.to_string().chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect(),
        None => text.to_owned(),
    }
}

/// An instant that may not have come yet.
pub(super) fn time_of(text: Option<&String>) -> String {
    text.map_or_else(String::new, |text| time(text))
}

/// What is waited for, a line each.
pub(super) fn waiting(waits: &[WaitView]) -> impl Iterator<Item = String> {
    waits.iter().map(|wait| format!("waits: {}", wait.why))
}

/// "1 scan", "2 scans".
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_from_elsewhere_moves_the_cursor() {
        let mut table = Table::new(&["AT", "DEVICE", "WHY"]);
        table.row(["1", "lt-042\u{1b}[2J", ""], vec!["because\r\nof it".to_owned()]);
        table.row(["22", "ä", "x"], Vec::new());
        assert_eq!(table.text(), "AT  DEVICE      WHY\n1   lt-042 [2J  -\n    because  of it\n22  ä           x\n");
        assert_eq!(Table::new(&["AT"]).text(), "");
    }

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(time("2026-11-02T09:15:42.613+01:00"), "2026-11-02 08:15:42");
        assert_eq!(time("never"), "never");
    }
}
