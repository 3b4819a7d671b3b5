//! The two ways out. Whoever reads may go away at any time (`scanhook scans | head`): that ends the verb quietly.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io::{self, IsTerminal as _, Write as _};

use super::fit;
use super::surroundings::surroundings;
use super::trouble::{CliError, Exit};
use scanhook_core::plain::{one_line, spelled_out};

/// Characters of one text from elsewhere: more than any name, reason or title has.
const LONGEST: usize = 4_000;

static LEFT: AtomicBool = AtomicBool::new(false);

/// Prints a part of the result.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            LEFT.store(true, Ordering::Relaxed);
            Ok(())
        }
        written => {
            written.map_err(|error| CliError::new(Exit::Io, format!("standard output: {error}")))
        }
    }
}

/// Whether whoever read the result has gone away, so that nothing more of it is needed.
pub(super) fn reader_left() -> bool {
    LEFT.load(Ordering::Relaxed)
}

/// Prints a line of the result.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    print(&format!("{text}\n"))
}

/// Prints a part of the result that is read by a person: where the terminal's width is known, no line is longer.
pub(super) fn tell(text: &str) -> Result<(), CliError> {
    print(&fit::folded(text, columns()))
}

/// The width that results are laid out for: `COLUMNS`, else that of the terminal they go to. What goes into a pipe or a
/// file has none, so that a row stays a line.
pub(super) fn columns() -> Option<usize> {
    surroundings()
        .columns()
        .or_else(|| size().map(|(columns, _)| columns))
}

/// The same for diagnostics.
pub(super) fn columns_of_errors() -> Option<usize> {
    surroundings()
        .columns()
        .or_else(|| size_of(&io::stderr()).map(|(columns, _)| columns))
}

/// Columns and lines of the terminal that stdout is, as far as it is one.
pub(super) fn size() -> Option<(usize, usize)> {
    size_of(&io::stdout())
}

#[cfg(unix)]
fn size_of(stream: &impl std::os::fd::AsFd) -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    let (columns, lines) = (usize::from(size.ws_col), usize::from(size.ws_row));
    (columns > 0).then_some((columns, lines))
}

#[cfg(not(unix))]
fn size_of<S>(_: &S) -> Option<(usize, usize)> {
    None
}

/// Prints JSON, in which nothing from elsewhere moves the cursor or the direction of writing: whoever reads may be a
/// terminal. What it says stays the same.
pub(super) fn json(text: &str) -> Result<(), CliError> {
    line(&spelled_out(text.trim_end()))
}

/// Whether what goes to stdout may be written over, and what goes to stderr as well.
pub(super) fn moves_cursor() -> bool {
    surroundings().moves_cursor()
}

/// Whether what goes to stdout may be coloured.
pub(super) fn colour() -> bool {
    io::stdout().is_terminal() && surroundings().colour()
}

/// Whether what goes to stderr may be coloured.
pub(super) fn colour_of_errors() -> bool {
    io::stderr().is_terminal() && surroundings().colour()
}

/// Text from elsewhere, as one line without control characters. The end of it is left out only where nobody would
/// read on.
pub(super) fn plain(text: &str) -> String {
    one_line(text, LONGEST)
}

/// Prints a diagnostic. Nothing can be done where stderr is gone.
pub(super) fn complain(text: &str) {
    let _ = writeln!(
        io::stderr().lock(),
        "{}",
        fit::folded(text.trim_end(), columns_of_errors())
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_without_a_character_that_nobody_sees() {
        let said = serde_json::json!({ "a": "\u{9b}2J\u{7f}\u{202e}b\u{200b}\u{feff}\u{2028}\u{e0041}", "ä": "ü😀\r\n\u{1b}" });
        let written = spelled_out(&serde_json::to_string_pretty(&said).unwrap());
        let hidden = [
            "\\u009b",
            "\\u007f",
            "\\u202e",
            "\\u200b",
            "\\ufeff",
            "\\u2028",
            "\\udb40\\udc41",
            "ü😀",
        ];
        hidden
            .iter()
            .for_each(|part| assert!(written.contains(part), "{part} in {written}"));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written).unwrap(),
            said
        );
    }

    #[test]
    fn what_is_no_json_moves_no_cursor_either() {
        assert_eq!(spelled_out("<p>\u{1b}[2J"), "<p>\\u001b[2J");
    }

    #[test]
    fn every_control_and_format_character_of_unicode_is_escaped() {
        let class = regex::Regex::new(r"^[\p{Cc}\p{Cf}\p{Zl}\p{Zp}--\t\n\r]$").unwrap();
        for c in ('\0'..=char::MAX).filter(|c| class.is_match(c.encode_utf8(&mut [0; 4]))) {
            assert!(
                spelled_out(&format!("{c}.")).starts_with("\\u"),
                "U+{:04X}",
                u32::from(c)
            );
        }
    }
}
