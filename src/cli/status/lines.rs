//! Lines of text, each a key and what is to be said about it.

use crate::cli::output::{self, plain};
use crate::cli::table::Table;

/// Lines, each a key and what is to be said about it.
#[derive(Default)]
pub(super) struct StatusLines(pub(super) String);

impl StatusLines {
    pub(super) fn head(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(&format!("{}\n", plain(text)));
    }

    pub(super) fn say(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.0.push_str(&format!("  {key:<9}  {}\n", plain(text)));
        }
    }

    pub(super) fn table(&mut self, table: &Table) {
        self.0
            .push_str(&format!("\n{}", table.text(output::columns())));
    }
}
