//! What was heard of a source: how much, when last, and what of it could not be read.

use super::db::OptionalExtension;
use super::error::JournalError;
use super::reader::Reader;
use super::rows::time;
use crate::api::{SourceView, UnreadView};
use scanhook_core::time::Timestamp;

impl Reader<'_> {
    /// Deliveries of one source.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn source(&self, name: &str) -> Result<SourceView, JournalError> {
        let sql = "SELECT deliveries, heard_at FROM source WHERE name = ?";
        let heard: Option<(u32, i64)> = self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (deliveries, last) = heard.unzip();
        let (deliveries, last_delivery_at) = (deliveries.unwrap_or_default(), last.map(time));
        Ok(SourceView {
            name: name.to_owned(),
            deliveries,
            last_delivery_at,
            ..SourceView::default()
        })
    }

    /// The last bodies of a source that could not be read, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unread(&self, source: &str) -> Result<Vec<UnreadView>, JournalError> {
        super::refused::of_source(self.db, source)
    }

    /// When a source last delivered something new.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_heard(&self, name: &str) -> Result<Option<Timestamp>, JournalError> {
        let sql = "SELECT heard_at FROM source WHERE name = ?";
        let last: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| row.get(0))
            .optional()?;
        Ok(last.map(Timestamp::from_millis))
    }
}
