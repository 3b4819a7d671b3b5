//! Comma-separated values (RFC 4180) for spreadsheets. Cells hold what senders write, and a spreadsheet takes a cell that
//! begins with one of a few characters for a formula: such a cell gets an apostrophe before it.

use scanhook_core::plain::shown;

/// What can stand in a spreadsheet as a row.
pub trait CsvRow {
    /// The names of the columns.
    const HEADS: &'static [&'static str];

    /// The cells, one for each column.
    fn cells(self) -> Vec<String>;
}

/// The line above the rows.
#[must_use]
pub fn heads<T: CsvRow>() -> String {
    line(T::HEADS.iter().copied())
}

/// A row as a line, without its end.
#[must_use]
pub fn row<T: CsvRow>(row: T) -> String {
    line(row.cells().iter().map(String::as_str))
}

fn line<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    cells.map(cell).collect::<Vec<_>>().join(",")
}

/// A cell as one line of text.
fn cell(text: &str) -> String {
    let plain: String = text.chars().map(shown).collect();
    // Spreadsheets take some of these also behind spaces, and full-width ones for their plain forms.
    let begins = [
        '=', '+', '-', '@', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ];
    let safe = if plain.trim_start().starts_with(begins) {
        format!("'{plain}")
    } else {
        plain
    };
    if safe.contains(['"', ',', ';', '\'']) || safe.trim() != safe {
        return format!("\"{}\"", safe.replace('"', "\"\""));
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_cell_is_one_line() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=cmd|' /C calc'!A0", "\"' =cmd|' /C calc'!A0\""),
            ("\r\n=1", "\"'  =1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("a\nb\u{1b}[2J", "a b [2J"),
        ] {
            assert_eq!(line([text].into_iter()), written, "{text:?}");
        }
        assert_eq!(line(["a", "", "b"].into_iter()), "a,,b");
    }
}
