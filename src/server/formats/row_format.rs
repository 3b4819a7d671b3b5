//! As what the rows of a list can be written, and what asks for which.

use axum::http::{HeaderMap, header};

/// Rows of the longest CSV: what a spreadsheet is still pleasant with.
const MOST_CSV: usize = 10_000;

/// As what the rows of a list are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum RowFormat {
    Csv,
    Ndjson,
}

impl RowFormat {
    /// The words of `format` in a query.
    pub(super) const WORDS: &'static [&'static str] = &["json", "csv", "ndjson"];

    pub(super) const fn word(self) -> &'static str {
        match self {
            RowFormat::Csv => "csv",
            RowFormat::Ndjson => "ndjson",
        }
    }

    pub(super) const fn media_type(self) -> &'static str {
        match self {
            RowFormat::Csv => "text/csv; charset=utf-8; header=present",
            RowFormat::Ndjson => "application/x-ndjson",
        }
    }

    pub(super) const fn most(self) -> usize {
        match self {
            RowFormat::Csv => MOST_CSV,
            RowFormat::Ndjson => usize::MAX,
        }
    }

    /// The first of those that `Accept` names; `None`: JSON.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<RowFormat> {
        let lines = headers.get_all(header::ACCEPT).iter();
        let ranges = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','));
        for range in ranges {
            let kind = range.split(';').next().unwrap_or_default().trim();
            match kind.to_ascii_lowercase().as_str() {
                "text/csv" => return Some(RowFormat::Csv),
                "application/x-ndjson" => return Some(RowFormat::Ndjson),
                "application/json" | "text/html" => return None,
                _ => {}
            }
        }
        None
    }
}
