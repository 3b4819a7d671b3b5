//! What the demo looks like: headings, a table that is redrawn in place on a terminal and told change by change
//! anywhere else, and one sentence at the end of each act. No line is longer than the terminal is wide.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::cli::fit::{command, folded, hung, padded, width};

/// A row of a table, known by its first cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScreenRow {
    /// What stays the same while the row changes.
    pub(super) key: String,
    /// What is shown.
    pub(super) cells: Vec<String>,
}

/// How much room there is, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ScreenRoom {
    /// Columns of a line.
    pub(super) columns: Option<usize>,
    /// Lines of a terminal on which they may be written over; none anywhere else.
    pub(super) lines: Option<usize>,
}

/// Where the demo is shown.
pub(super) struct Screen<W> {
    out: W,
    room: ScreenRoom,
    colour: bool,
    acts: u32,
    /// Lines of the table that stands right above the cursor.
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
/// Blanks before a row.
const MARGIN: usize = 3;

impl<W: Write> Screen<W> {
    pub(super) fn new(out: W, room: ScreenRoom, colour: bool) -> Screen<W> {
        Screen {
            out,
            room,
            colour,
            acts: 0,
            drawn: 0,
            told: BTreeMap::new(),
        }
    }

    /// Begins an act: its heading, and a sentence on what will happen.
    pub(super) fn act(&mut self, title: &str, about: &str) -> io::Result<()> {
        self.acts += 1;
        self.heading(&format!("{}. {title}", self.acts))?;
        self.say(about)
    }

    /// A line by itself in front of everything.
    pub(super) fn heading(&mut self, title: &str) -> io::Result<()> {
        let title = self.painted(BOLD, &folded(title, self.room.columns));
        self.put(&format!("\n{title}"))
    }

    /// A line of explanation.
    pub(super) fn say(&mut self, text: &str) -> io::Result<()> {
        self.put(&folded(&format!("   {text}"), self.room.columns))
    }

    /// A line of evidence.
    pub(super) fn quote(&mut self, text: &str) -> io::Result<()> {
        let text = self.painted(DIM, &folded(&format!("     {text}"), self.room.columns));
        self.put(&text)
    }

    /// A command, to be copied.
    pub(super) fn command(&mut self, text: &str) -> io::Result<()> {
        self.put(&command(text, MARGIN, self.room.columns))
    }

    /// A table that does not change.
    pub(super) fn list(&mut self, rows: &[ScreenRow]) -> io::Result<()> {
        let lines: Vec<String> = self.lines(rows).into_iter().flatten().collect();
        self.put(&lines.join("\n"))
    }

    /// The table as it is now.
    pub(super) fn table(&mut self, rows: &[ScreenRow]) -> io::Result<()> {
        let lines = self.lines(rows);
        let height = lines.iter().flatten().map(|line| self.height(line)).sum();
        // One line is left for the cursor.
        match self.room.lines {
            Some(room) if height < room => self.redraw(rows, &lines, height),
            _ => self.tell(rows, &lines),
        }?;
        self.out.flush()
    }

    /// Ends an act, or the demo, with what can be said for certain.
    pub(super) fn sum(&mut self, good: bool, text: &str) -> io::Result<()> {
        self.told.clear();
        let mark = if good {
            self.painted(GREEN, "\u{2713}")
        } else {
            self.painted(RED, "\u{2717}")
        };
        let text = format!(" {mark} {text}");
        self.put(
            &self
                .room
                .columns
                .map_or_else(|| text.clone(), |columns| hung(&text, columns, 3)),
        )
    }

    /// Lines that stay. A table that is above them is not drawn over any more.
    fn put(&mut self, text: &str) -> io::Result<()> {
        self.drawn = 0;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    fn redraw(
        &mut self,
        rows: &[ScreenRow],
        lines: &[Vec<String>],
        height: usize,
    ) -> io::Result<()> {
        let same = self.told.len() == rows.len()
            && rows
                .iter()
                .all(|row| self.told.get(&row.key) == Some(&row.cells));
        if same && self.drawn > 0 {
            return Ok(());
        }
        let mut text = if self.drawn > 0 {
            format!("\x1b[{}A", self.drawn)
        } else {
            String::new()
        };
        lines
            .iter()
            .flatten()
            .for_each(|line| text.push_str(&format!("\x1b[2K{line}\n")));
        // What stood there may have been longer.
        text.push_str("\x1b[J");
        self.drawn = height;
        self.told = rows
            .iter()
            .map(|row| (row.key.clone(), row.cells.clone()))
            .collect();
        self.out.write_all(text.as_bytes())
    }

    fn tell(&mut self, rows: &[ScreenRow], lines: &[Vec<String>]) -> io::Result<()> {
        self.drawn = 0;
        for (row, lines) in rows.iter().zip(lines) {
            if self.told.get(&row.key) != Some(&row.cells) {
                writeln!(self.out, "{}", lines.join("\n"))?;
                self.told.insert(row.key.clone(), row.cells.clone());
            }
        }
        Ok(())
    }

    /// Lines of the terminal that a line takes.
    fn height(&self, line: &str) -> usize {
        self.room
            .columns
            .map_or(1, |columns| width(line).div_ceil(columns).max(1))
    }

    /// The rows in columns. Cells at the right that have no room stand in a line of their own below.
    fn lines(&self, rows: &[ScreenRow]) -> Vec<Vec<String>> {
        let widths = widths(rows);
        let mut beside = widths.len();
        while beside > 1
            && self
                .room
                .columns
                .is_some_and(|columns| taken(&widths[..beside]) > columns)
        {
            beside -= 1;
        }
        rows.iter()
            .map(|row| self.row(row, &widths, beside))
            .collect()
    }

    fn row(&self, row: &ScreenRow, widths: &[usize], beside: usize) -> Vec<String> {
        let (first, rest) = row.cells.split_at(beside.min(row.cells.len()));
        let cells = first
            .iter()
            .zip(widths)
            .map(|(cell, width)| self.cell(cell, *width))
            .collect::<Vec<_>>();
        let mut text = format!("{:MARGIN$}{}", "", cells.join("  ").trim_end());
        for cell in rest {
            let line = format!("{:MARGIN$}    {}", "", self.cell(cell, 0));
            text.push_str(&format!("\n{}", folded(&line, self.room.columns)));
        }
        text.lines().map(str::to_owned).collect()
    }

    fn cell(&self, cell: &str, width: usize) -> String {
        padded(
            &colour_of(cell).map_or_else(|| cell.to_owned(), |colour| self.painted(colour, cell)),
            width,
        )
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colour {
            format!("{colour}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }
}

/// Columns of a line with cells of these widths.
fn taken(widths: &[usize]) -> usize {
    MARGIN + widths.iter().map(|wide| wide + 2).sum::<usize>() - 2
}

fn widths(rows: &[ScreenRow]) -> Vec<usize> {
    let columns = rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
    let of = |column: usize| {
        rows.iter()
            .filter_map(move |row| row.cells.get(column))
            .map(|cell| width(cell))
    };
    (0..columns)
        .map(|column| of(column).max().unwrap_or(0))
        .collect()
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

    fn row(device: &str, state: &str) -> ScreenRow {
        ScreenRow {
            key: device.to_owned(),
            cells: vec![device.to_owned(), state.to_owned()],
        }
    }

    const LIVE: ScreenRoom = ScreenRoom {
        columns: Some(80),
        lines: Some(24),
    };

    fn shown(room: ScreenRoom, colour: bool) -> String {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, room, colour);
        screen
            .table(&[row("lt-042", "running"), row("lt-7", "waiting")])
            .unwrap();
        screen
            .table(&[row("lt-042", "running"), row("lt-7", "waiting")])
            .unwrap();
        screen
            .table(&[row("lt-042", "succeeded"), row("lt-7", "waiting")])
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn away_from_a_terminal_a_line_tells_a_change_and_nothing_is_told_twice() {
        assert_eq!(
            shown(ScreenRoom::default(), false),
            "   lt-042  running\n   lt-7    waiting\n   lt-042  succeeded\n"
        );
    }

    #[test]
    fn on_a_terminal_the_table_is_written_over_and_only_when_it_changed() {
        let text = shown(LIVE, false);
        assert_eq!(text.matches("\x1b[2A").count(), 1, "{text:?}");
        assert_eq!(text.matches("lt-7").count(), 2, "{text:?}");
    }

    #[test]
    fn a_table_that_is_higher_than_the_terminal_is_told_change_by_change() {
        for lines in [1, 2] {
            let text = shown(
                ScreenRoom {
                    lines: Some(lines),
                    ..LIVE
                },
                false,
            );
            assert!(
                !text.contains('\x1b') && text.matches("lt-7").count() == 1,
                "{text:?}"
            );
        }
    }

    #[test]
    fn cells_without_room_stand_below_their_rows_and_are_counted_when_it_is_drawn_over() {
        let mut out = Vec::new();
        let mut screen = Screen::new(
            &mut out,
            ScreenRoom {
                columns: Some(20),
                lines: Some(24),
            },
            false,
        );
        screen
            .table(&[row("lt-042", "a rule with a long name")])
            .unwrap();
        screen
            .table(&[row("lt-042", "short"), row("端末-7", "succeeded")])
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains(
                "\x1b[2K   lt-042\n\x1b[2K       a rule with a\n\x1b[2K       long name\n"
            ),
            "{text:?}"
        );
        assert!(
            text.contains("\x1b[3A\x1b[2K   lt-042  short\n\x1b[2K   端末-7  succeeded\n\x1b[J"),
            "{text:?}"
        );
    }

    #[test]
    fn what_is_said_after_a_table_is_not_drawn_over() {
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, LIVE, false);
        screen.table(&[row("lt-042", "running")]).unwrap();
        screen.quote("killed").unwrap();
        screen.table(&[row("lt-042", "running")]).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            !text.contains("A\x1b") && text.matches("lt-042").count() == 2,
            "{text:?}"
        );
    }

    #[test]
    fn sentences_are_broken_at_blanks_and_commands_where_a_shell_goes_on() {
        let mut out = Vec::new();
        let mut screen = Screen::new(
            &mut out,
            ScreenRoom {
                columns: Some(40),
                lines: None,
            },
            false,
        );
        screen
            .say("one sentence that is longer than the terminal is wide")
            .unwrap();
        screen
            .command("scanhook scans --admin http://127.0.0.1:40000")
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "   one sentence that is longer than the\n     terminal is wide\n   scanhook scans \\\n     --admin http://127.0.0.1:40000\n"
        );
    }

    #[test]
    fn there_is_no_colour_where_none_is_wanted() {
        assert!(!shown(LIVE, false).contains(GREEN));
        assert!(shown(LIVE, true).contains(&format!("{GREEN}succeeded{PLAIN}")));
    }
}
