//! Aligned columns, with lines below a row for what does not fit one. Nothing is cut: where the terminal has no room for
//! all columns, the widest move below their rows, each cell with its head.

mod cells;
mod layout;

pub(super) use cells::{age, count, device, grouped, time, time_of, waiting};

use core::iter::once;

use super::fit::{hung, width};
use super::output::plain;
use layout::Layout;

/// Columns of a cell that others are aligned with where the width is not known: a longer one stands out of line.
const WIDEST: usize = 48;
/// Blanks before a line below a row.
const BELOW: usize = 4;

/// Rows under their heads; under none where all heads are empty.
pub(super) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<TableRow>,
}

struct TableRow {
    cells: Vec<String>,
    below: Vec<String>,
}

impl Table {
    pub(super) fn new(heads: &[&'static str]) -> Table {
        Table {
            heads: heads.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row, and the lines below it.
    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>, below: Vec<String>) {
        let cells = cells.into_iter().map(cell).collect();
        self.rows.push(TableRow {
            cells,
            below: below.iter().map(|line| plain(line)).collect(),
        });
    }

    /// Leaves out a column that says the same in every row.
    pub(super) fn without_if_same(mut self, head: &str) -> Table {
        let Some(at) = self.heads.iter().position(|known| *known == head) else {
            return self;
        };
        let values = self
            .rows
            .iter()
            .map(|row| row.cells.get(at))
            .collect::<std::collections::BTreeSet<_>>();
        if values.len() < 2 {
            self.heads.remove(at);
            self.rows
                .iter_mut()
                .filter(|row| row.cells.len() > at)
                .for_each(|row| drop(row.cells.remove(at)));
        }
        self
    }

    /// The whole, or nothing where there are no rows. Where the columns of the terminal are known, no line is longer.
    pub(super) fn text(&self, columns: Option<usize>) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let layout = self.layout(columns);
        let mut lines = Vec::new();
        if self.heads.iter().any(|head| !head.is_empty()) {
            lines.push((layout.line(&self.heads), 0));
        }
        for row in &self.rows {
            let cells: Vec<&str> = row.cells.iter().map(String::as_str).collect();
            lines.extend(layout.lines(&cells));
            lines.extend(
                self.moved(&layout, &cells, columns)
                    .into_iter()
                    .map(|line| (line, BELOW + 2)),
            );
            lines.extend(
                row.below
                    .iter()
                    .map(|line| (format!("{:BELOW$}{line}", ""), BELOW + 2)),
            );
        }
        let fit =
            |(line, hang): &(String, usize)| columns.map(|columns| hung(line, columns, *hang));
        lines
            .iter()
            .map(|line| fit(line).unwrap_or_else(|| line.0.clone()) + "\n")
            .collect()
    }

    fn layout(&self, columns: Option<usize>) -> Layout {
        let count = self.heads.len();
        let cells = |n: usize| {
            self.rows
                .iter()
                .filter_map(move |row| row.cells.get(n))
                .map(|cell| width(cell))
        };
        let widest = |n: usize, most: usize| {
            cells(n)
                .filter(|wide| *wide <= most)
                .chain(once(width(self.heads[n])))
                .max()
                .unwrap_or(0)
        };
        let Some(columns) = columns else {
            let beside = (0..count).map(|n| (n, widest(n, WIDEST))).collect();
            return Layout {
                beside,
                moved: Vec::new(),
            };
        };
        let mut beside: Vec<(usize, usize)> =
            (0..count).map(|n| (n, widest(n, usize::MAX))).collect();
        // What has no head says nothing below a row: it is folded where it stands.
        if let Some((_, last)) = beside.last_mut().filter(|(n, _)| self.heads[*n].is_empty()) {
            *last = (*last).min(columns / 3);
        }
        let too_wide = |beside: &[(usize, usize)]| {
            beside.iter().map(|(_, wide)| wide + 2).sum::<usize>() > columns + 2
        };
        // The first says what the row is about: where it is long in some rows, it stands there alone.
        let most = columns * 2 / 5;
        if too_wide(&beside) && count > 2 && beside.first().is_some_and(|(_, wide)| *wide > most) {
            beside[0].1 = widest(0, most);
        }
        let movable = |(n, _): &(usize, usize)| *n > 0 && !self.heads[*n].is_empty();
        let mut moved = Vec::new();
        while too_wide(&beside) {
            // Of those that take much room the one at the right, which is an id as a rule; else the widest.
            let wide = beside
                .iter()
                .rposition(|one| movable(one) && one.1 > columns / 4);
            let widest = || {
                beside
                    .iter()
                    .enumerate()
                    .filter(|(_, one)| movable(one))
                    .max_by_key(|(_, one)| one.1)
            };
            let Some(at) = wide.or_else(|| widest().map(|(at, _)| at)) else {
                break;
            };
            moved.push(beside.remove(at).0);
        }
        moved.sort_unstable();
        Layout { beside, moved }
    }

    /// What stands below a row for want of room, as many cells to a line as fit.
    fn moved(&self, layout: &Layout, cells: &[&str], columns: Option<usize>) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for n in &layout.moved {
            let Some(cell) = cells.get(*n).filter(|cell| **cell != NOTHING) else {
                continue;
            };
            let said = format!(
                "{}: {cell}",
                self.heads[*n].to_lowercase().replace("utc", "UTC")
            );
            match lines.last_mut() {
                Some(line)
                    if columns.is_some_and(|columns| width(line) + 2 + width(&said) <= columns) =>
                {
                    line.push_str(&format!("  {said}"));
                }
                _ => lines.push(format!("{:BELOW$}{said}", "")),
            }
        }
        lines
    }
}

/// A cell in which nothing is said.
const NOTHING: &str = "-";

fn cell(text: &str) -> String {
    match text {
        "" => NOTHING.to_owned(),
        text => plain(text),
    }
}

#[cfg(test)]
mod tests {
    use scanhook_core::time::Timestamp;

    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_from_elsewhere_moves_the_cursor() {
        let mut table = Table::new(&["AT", "DEVICE", "WHY"]);
        table.row(
            ["1", "lt-042\u{1b}[2J", ""],
            vec!["because\r\nof it".to_owned()],
        );
        table.row(["22", "ä", "x"], Vec::new());
        assert_eq!(
            table.text(None),
            "AT  DEVICE      WHY\n1   lt-042 [2J  -\n    because  of it\n22  ä           x\n"
        );
        assert_eq!(Table::new(&["AT"]).text(None), "");
    }

    #[test]
    fn wide_characters_stand_in_line() {
        let mut table = Table::new(&["DEVICE", "STATE"]);
        for name in ["lt-042", "端末-1", "cafe\u{301}", "🖥️-7"] {
            table.row([name, "held"], Vec::new());
        }
        let text = table.text(Some(80));
        for line in text.lines().skip(1) {
            assert_eq!(
                line.find("held").map(|at| width(&line[..at])),
                Some(8),
                "{text}"
            );
        }
    }

    #[test]
    fn columns_without_room_move_below_their_rows_and_nothing_is_cut() {
        let id = "01a19b54-1b98-7d81-9d81-f5ce7f4a7c14";
        let mut table = Table::new(&["AT (UTC)", "TITLE", "STATE", "ENDS (UTC)", "ID"]);
        table.row(
            [
                "08:00",
                "a title of more than half of the line",
                "held",
                "",
                id,
            ],
            vec!["why it is so".to_owned()],
        );
        table.row(["09:00", "short", "scan", "10:00", id], Vec::new());
        assert_eq!(
            table.text(Some(44)),
            format!(
                "AT (UTC)  STATE  ENDS (UTC)\n\
                 08:00     held   -\n    title: a title of more than half of the\n      line\n    id: {id}\n    why it is so\n\
                 09:00     scan   10:00\n    title: short\n    id: {id}\n"
            )
        );
        assert!(
            table
                .text(Some(120))
                .lines()
                .all(|line| width(line) <= 120 && !line.contains("title:"))
        );
        assert_eq!(table.text(None).lines().count(), 4, "a row stays a line");
    }

    #[test]
    fn a_row_that_is_about_something_with_a_long_name_begins_with_a_line_for_it() {
        let mut table = Table::new(&["RULE", "FULL", "QUICK"]);
        table.row(["a rule with a rather long name", "1", "2"], Vec::new());
        table.row(["short", "3", "4"], Vec::new());
        let text =
            "RULE   FULL  QUICK\na rule with a rather long name\n       1     2\nshort  3     4\n";
        assert_eq!(table.text(Some(40)), text);
    }

    #[test]
    fn a_value_without_a_head_goes_on_below_itself() {
        let mut table = Table::new(&["", ""]);
        table.row(["rule", "one two three four five six seven"], Vec::new());
        table.row(["called off", "x"], Vec::new());
        let text = "rule        one two three\n            four five six\n            seven\ncalled off  x\n";
        assert_eq!(table.text(Some(28)), text);
    }

    #[test]
    fn a_column_that_says_the_same_everywhere_is_left_out() {
        let table = |tenants: [&str; 2]| {
            let mut table = Table::new(&["AT", "TENANT", "X"]);
            tenants
                .into_iter()
                .for_each(|tenant| table.row(["1", tenant, "x"], Vec::new()));
            table.without_if_same("TENANT").text(None)
        };
        assert_eq!(table(["a", "a"]), "AT  X\n1   x\n1   x\n");
        assert_eq!(
            table(["a", "b"]),
            "AT  TENANT  X\n1   a       x\n1   b       x\n"
        );
    }

    #[test]
    fn ages_and_numbers_are_short_and_devices_are_called_by_their_names() {
        let now = Timestamp::parse("2026-11-02T08:00:00Z").unwrap_or(Timestamp::NEVER);
        for (at, said) in [
            ("2026-11-02T07:59:18Z", "42s"),
            ("2026-11-02T05:55:00Z", "2h 5m"),
            ("2026-11-02T05:00:00Z", "3h"),
            ("2026-10-30T04:00:10Z", "3d 3h"),
            ("2026-11-02T09:00:00Z", "0s"),
        ] {
            assert_eq!(age(at, now), said, "{at}");
        }
        for (number, said) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (27_008, "27,008"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), said);
        }
        let id = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
        assert_eq!(device(Some("lt-042"), id, Some(id)), "lt-042 (1e5bc9d7…)");
        assert_eq!(device(None, id, Some(id)), id);
        assert_eq!(device(None, "lt-042", None), "lt-042");
    }

    #[test]
    fn times_are_utc_to_the_second() {
        assert_eq!(time("2026-11-02T09:15:42.613+01:00"), "2026-11-02 08:15:42");
        assert_eq!(time("never"), "never");
    }
}
