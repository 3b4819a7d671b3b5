//! Aligned columns, with lines below a row for what does not fit one.

use crate::api::WaitView;
use crate::domain::plain::one_line;
use crate::domain::time::Timestamp;

/// Characters of a cell; what is longer is cut.
const WIDEST: usize = 48;

/// Rows under their heads; under none where all heads are empty.
pub(super) struct Table {
    heads: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    cells: Vec<String>,
    below: Vec<String>,
}

impl Table {
    pub(super) fn new(heads: &[&'static str]) -> Table {
        Table { heads: heads.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, and the lines below it.
    pub(super) fn row<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>, below: Vec<String>) {
        let cells = cells.into_iter().map(cell).collect();
        self.rows.push(Row { cells, below: below.iter().map(|line| one_line(line, 400)).collect() });
    }

    /// Leaves out a column that says the same in every row.
    pub(super) fn without_if_same(mut self, head: &str) -> Table {
        let Some(at) = self.heads.iter().position(|known| *known == head) else { return self };
        let values = self.rows.iter().map(|row| row.cells.get(at)).collect::<std::collections::BTreeSet<_>>();
        if values.len() < 2 {
            self.heads.remove(at);
            self.rows.iter_mut().filter(|row| row.cells.len() > at).for_each(|row| drop(row.cells.remove(at)));
        }
        self
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

/// How long ago it was, in its two largest units.
pub(super) fn age(text: &str, now: Timestamp) -> String {
    let Some(at) = Timestamp::parse(text) else { return text.to_owned() };
    let seconds = now.since(at).as_secs();
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let Some(largest) = units.iter().position(|(_, size)| seconds >= *size) else { return "0s".to_owned() };
    let mut left = seconds;
    let parts = units.iter().skip(largest).take(2).map(|(unit, size)| {
        let number = left / size;
        left %= size;
        (number, unit)
    });
    parts
        .filter(|(number, _)| *number > 0)
        .map(|(number, unit)| format!("{number}{unit}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A device: its name, and the beginning of its machine's id; the whole id where it has no name.
pub(super) fn device(name: Option<&str>, label: &str, machine: Option<&str>) -> String {
    let name = name.filter(|name| !name.is_empty()).unwrap_or(label);
    match machine {
        Some(machine) if machine != name => format!("{name} ({}…)", machine.chars().take(8).collect::<String>()),
        _ => name.to_owned(),
    }
}

/// 1,000,000.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut out = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && n % 3 == first {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 scan", "2 scans".
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(number), if number == 1 { "" } else { "s" })
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
    fn a_column_that_says_the_same_everywhere_is_left_out() {
        let table = |tenants: [&str; 2]| {
            let mut table = Table::new(&["AT", "TENANT", "X"]);
            tenants.into_iter().for_each(|tenant| table.row(["1", tenant, "x"], Vec::new()));
            table.without_if_same("TENANT").text()
        };
        assert_eq!(table(["a", "a"]), "AT  X\n1   x\n1   x\n");
        assert_eq!(table(["a", "b"]), "AT  TENANT  X\n1   a       x\n1   b       x\n");
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
        for (number, said) in [(0, "0"), (999, "999"), (1_000, "1,000"), (27_008, "27,008"), (1_234_567, "1,234,567")] {
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
