//! Which columns of a table stand side by side, and how wide each is.

use core::iter::once;

use crate::cli::fit::{padded, width};

/// Which columns stand side by side, and how wide each is.
pub(super) struct Layout {
    pub(super) beside: Vec<(usize, usize)>,
    pub(super) moved: Vec<usize>,
}

impl Layout {
    /// The cells of one row, each with where it goes on if it is too long.
    pub(super) fn lines(&self, cells: &[&str]) -> Vec<(String, usize)> {
        let hang = self
            .beside
            .iter()
            .rev()
            .skip(1)
            .map(|(_, wide)| wide + 2)
            .sum();
        let first = self
            .beside
            .first()
            .and_then(|(n, wide)| Some((cells.get(*n)?, *wide)));
        match first {
            Some((first, wide)) if width(first) > wide && self.beside.len() > 1 => {
                let rest: Vec<&str> = once("").chain(cells.iter().skip(1).copied()).collect();
                vec![((*first).to_owned(), 2), (self.line(&rest), hang)]
            }
            _ => vec![(self.line(cells), hang)],
        }
    }

    pub(super) fn line(&self, cells: &[&str]) -> String {
        let cells = self
            .beside
            .iter()
            .filter_map(|(n, wide)| Some(padded(cells.get(*n)?, *wide)));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}
