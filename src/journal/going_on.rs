//! What goes on, as others see it: everything that began and was told, and has not ended.

use super::error::JournalError;
use super::reader::Reader;
use super::rows::all;
use scanhook_core::message::{MessageType, Notice, Particulars};
use scanhook_core::time::Timestamp;

impl Reader<'_> {
    /// What goes on of this type, oldest first, each with when it began: of these tenants, or all of it and what belongs to none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn going_on(
        &self,
        what: MessageType,
        tenants: Option<&[String]>,
    ) -> Result<Vec<Notice>, JournalError> {
        let sql = "SELECT l.key, t.name, l.since, l.said FROM lasting l LEFT JOIN tenant t ON t.id = l.tenant
                   WHERE l.what = ? AND l.due IS NULL ORDER BY l.since, l.key";
        let mut found = all(self.db, sql, [what.code()], |row| {
            let said: String = row.get(3)?;
            let said: Particulars = serde_json::from_str(&said).unwrap_or_default();
            let begun = Timestamp::from_millis(row.get(2)?);
            Ok(Notice {
                key: row.get(0)?,
                tenant: row.get(1)?,
                said,
                ..Notice::new(what, begun)
            })
        })?;
        found.retain(|notice| {
            let of = |tenants: &[String]| {
                notice
                    .tenant
                    .as_ref()
                    .is_some_and(|one| tenants.contains(one))
            };
            tenants.is_none_or(of)
        });
        Ok(found)
    }
}
