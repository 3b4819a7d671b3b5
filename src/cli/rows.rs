//! All rows of a list, each as a line: as lines of JSON they come from the responder, and a spreadsheet is made of those
//! here, so that it has every row.

use core::time::Duration;

use serde::de::DeserializeOwned;

use super::output;
use super::responder::{ListPairs, Responder};
use super::trouble::CliError;
use crate::api::csv::{CsvRow, heads, row};

/// How long nothing may come. A page of rare things takes the responder a while.
const PATIENCE: Duration = Duration::from_secs(60);

/// A list that is written row by row.
pub(super) struct RowLines<'r> {
    pub(super) responder: &'r Responder,
    pub(super) path: &'r str,
    pub(super) query: &'r ListPairs<'r>,
    pub(super) is_csv: bool,
}

impl RowLines<'_> {
    /// Writes at most so many. Returns how many there were, and whether there are more.
    pub(super) async fn write<T: DeserializeOwned + CsvRow>(
        &self,
        limit: usize,
    ) -> Result<(usize, bool), CliError> {
        let query = [self.query, &[("format", Some("ndjson"))]].concat();
        let mut lines = self.responder.lines(self.path, &query, &[]).await?;
        if self.is_csv {
            output::line(&heads::<T>())?;
        }
        let mut count = 0;
        while !output::reader_left() {
            let next = lines.next(PATIENCE).await;
            let Some(line) = next.map_err(|why| self.responder.broken(&why))? else {
                return Ok((count, false));
            };
            if count == limit {
                return Ok((count, true));
            }
            count += 1;
            if self.is_csv {
                output::line(&row::<T>(self.responder.read(&line)?))?;
            } else {
                output::json(&line)?;
            }
        }
        Ok((count, false))
    }
}
