//! The two ways out. Whoever reads may go away at any time (`scanhook scans | head`): that ends the verb quietly.

use std::io::{self, IsTerminal as _, Write as _};

use super::surroundings;
use super::trouble::{Exit, Trouble};
use crate::domain::plain::one_line;

/// Prints a part of the result.
pub(super) fn print(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Trouble::new(Exit::Io, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a line of the result.
pub(super) fn line(text: &str) -> Result<(), Trouble> {
    print(&format!("{text}\n"))
}

/// Prints a diagnostic. Nothing can be done where stderr is gone.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
}

/// Whether what goes to stdout may be coloured.
pub(super) fn colour() -> bool {
    io::stdout().is_terminal() && surroundings().colour()
}

/// Whether what goes to stderr may be coloured.
pub(super) fn colour_of_errors() -> bool {
    io::stderr().is_terminal() && surroundings().colour()
}

/// Text from elsewhere, as one line without control characters.
pub(super) fn plain(text: &str) -> String {
    one_line(text, 1_000)
}
