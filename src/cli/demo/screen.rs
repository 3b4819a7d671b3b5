//! What the demo looks like: headings, a table that is redrawn in place on a terminal and told change by change
//! anywhere else, and one sentence at the end of each act.

use std::collections::BTreeMap;
use std::io::{self, Write};

/// A row of a table, known by its first cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// What stays the same while the row changes.
    pub(super) key: String,
    /// What is shown.
    pub(super) cells: Vec<String>,
}

/// Where the demo is shown.
pub(super) struct Screen<W> {
    out: W,
    /// Lines may be written over.
    live: bool,
    colour: bool,
    acts: u32,
    /// Lines of the table that stands there.
    drawn: usize,
    /// The rows as they were last told.
    told: BTreeMap<String, Vec<String>>,
}

const PLAIN: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
/// A line that is too long is cut by the terminal instead of broken, so that lines can be counted.
const NO_WRAP: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

impl<W: Write> Screen<W> {
    /// `live`: `out` is a terminal.
    pub(super) fn new(out: W, live: bool, colour: bool) -> Screen<W> {
        Screen { out, live, colour, acts: 0, drawn: 0, told: BTreeMap::new() }
    }

    /// Begins an act: its heading, and a sentence on what will happen.
    pub(super) fn act(&mut self, title: &str, about: &str) -> io::Result<()> {
        self.acts += 1;
        let title = self.painted(BOLD, &format!("{}. {title}", self.acts));
        writeln!(self.out, "\n{title}")?;
        self.say(about)
    }

    /// A line by itself in front of everything.
    pub(super) fn heading(&mut self, title: &str) -> io::Result<()> {
        let title = self.painted(BOLD, title);
        writeln!(self.out, "\n{title}")?;
        self.out.flush()
    }

    /// A line of explanation.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "   {text}")?;
        self.out.flush()
    }

    /// A line of evidence.
    pub(super) fn quote(&mut self, text: &str) -> io::Result<()> {
        let text = self.painted(DIM, text);
        writeln!(self.out, "     {text}")?;
        self.out.flush()
    }

    /// The table as it is now.
    pub(super) fn table(&mut self, rows: &[Row]) -> io::Result<()> {
        if self.live { self.redraw(rows) } else { self.tell(rows) }?;
        self.out.flush()
    }

    /// Ends an act, or the demo, with what can be said for certain.
    pub(super) fn sum(&mut self, good: bool, text: &str) -> io::Result<()> {
        self.drawn = 0;
        self.told.clear();
        let mark = if good { self.painted(GREEN, "\u{2713}") } else { self.painted(RED, "\u{2717}") };
        writeln!(self.out, " {mark} {text}")?;
        self.out.flush()
    }

    fn redraw(&mut self, rows: &[Row]) -> io::Result<()> {
        if self.told.len() == rows.len() && rows.iter().all(|row| self.told.get(&row.key) == Some(&row.cells)) {
            return Ok(());
        }
        let widths = widths(rows);
        let mut text = NO_WRAP.to_owned();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        for row in rows {
            text.push_str(&format!("\x1b[2K{}\n", self.line(row, &widths)));
        }
        text.push_str(WRAP);
        self.drawn = rows.len();
        self.told = rows.iter().map(|row| (row.key.clone(), row.cells.clone())).collect();
        self.out.write_all(text.as_bytes())
    }

    fn tell(&mut self, rows: &[Row]) -> io::Result<()> {
        let widths = widths(rows);
        for row in rows {
            if self.told.get(&row.key) != Some(&row.cells) {
                writeln!(self.out, "{}", self.line(row, &widths))?;
                self.told.insert(row.key.clone(), row.cells.clone());
            }
        }
        Ok(())
    }

    fn line(&self, row: &Row, widths: &[usize]) -> String {
        let cells = row.cells.iter().zip(widths).map(|(cell, width)| {
            let padding = " ".repeat(width - cell.chars().count());
            format!("{}{padding}", colour_of(cell).map_or_else(|| cell.clone(), |colour| self.painted(colour, cell)))
        });
        format!("     {}", cells.collect::<Vec<_>>().join("  ").trim_end())
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("{colour}{text}{PLAIN}") } else { text.to_owned() }
    }
}

fn widths(rows: &[Row]) -> Vec<usize> {
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(move |row| Some(row.cells.get(column)?.chars().count()));
    (0..columns).map(|column| width(column).max().unwrap_or(0)).collect()
}

/// States and outcomes have colours; everything else has none.
fn colour_of(cell: &str) -> Option<&'static str> {
    match cell.split_whitespace().next()? {
        "succeeded" | "\u{2713}" => Some(GREEN),
        "failed" | "timeout" | "cancelled" | "lost" | "dropped" | "\u{2717}" => Some(RED),
        "waiting" | "sending" | "unknown" | "held" => Some(YELLOW),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(device: &str, state: &str) -> Row {
        Row { key: device.to_owned(), cells: vec![device.to_owned(), state.to_owned()] }
    }

    fn shown(live: bool, colour: bool) -> String {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, live, colour);
        screen.table(&[row("lt-042", "running"), row("lt-7", "waiting")]).unwrap();
        screen.table(&[row("lt-042", "running"), row("lt-7", "waiting")]).unwrap();
        screen.table(&[row("lt-042", "succeeded"), row("lt-7", "waiting")]).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn away_from_a_terminal_a_line_tells_a_change_and_nothing_is_told_twice() {
        assert_eq!(shown(false, false), "     lt-042  running\n     lt-7    waiting\n     lt-042  succeeded\n");
    }

    #[test]
    fn on_a_terminal_the_table_is_written_over_and_only_when_it_changed() {
        let text = shown(true, false);
        assert_eq!(text.matches("\x1b[2A").count(), 1, "{text:?}");
        assert_eq!(text.matches("lt-7").count(), 2, "{text:?}");
        assert!(text.ends_with(WRAP), "lines are broken again: {text:?}");
    }

    #[test]
    fn there_is_no_colour_where_none_is_wanted() {
        assert!(!shown(true, false).contains(GREEN));
        assert!(shown(true, true).contains(&format!("{GREEN}succeeded{PLAIN}")));
    }
}
