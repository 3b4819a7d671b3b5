//! Old deliveries and scans are forgotten where nothing open or held needs them. What has to stay is passed over once a
//! round (`sweep`), and not looked at again and again while there is more behind it.

use super::db::{OptionalExtension, Params, params};
use super::error::JournalError;
use super::rows::all;
use super::tx::Tx;

/// Rows that a step looks at or touches in each table: with all of them due, the writer is held for some milliseconds.
pub(super) const STEP: u32 = 100;

/// How many there are, as steps count.
pub(super) fn rows<T>(of: &[T]) -> u32 {
    u32::try_from(of.len()).unwrap_or(u32::MAX)
}

impl Tx<'_> {
    /// Old deliveries with their alerts and decisions; what is open or held stays.
    pub(super) fn forget_deliveries(&mut self, before: i64) -> Result<u32, JournalError> {
        const DUE: &str = "SELECT received_at, id,
              EXISTS (SELECT 1 FROM decision d LEFT JOIN scan s ON s.id = d.scan WHERE d.delivery = delivery.id
                      AND (d.state IN ('held', 'resolving') OR s.state NOT IN ('finished', 'dropped')))
            FROM delivery INDEXED BY delivery_by_age
            WHERE (received_at, id) > (?1, ?2) AND received_at <= ?3 ORDER BY received_at, id LIMIT ?4";
        let due = self.due("delivery", DUE, before)?;
        let mut left = STEP;
        for (at, delivery, open) in &due {
            if !open && !self.forget_delivery(*delivery, &mut left)? {
                // The next step goes on with this one.
                self.swept("delivery", *at, delivery - 1)?;
                return Ok(STEP);
            }
        }
        Ok(rows(&due))
    }

    /// A delivery may have thousands of decisions: as many rows as are `left`. Returns whether all of it is gone.
    fn forget_delivery(&mut self, delivery: i64, left: &mut u32) -> Result<bool, JournalError> {
        for sql in [
            "DELETE FROM approval WHERE (decision, subject) IN
               (SELECT a.decision, a.subject FROM decision d JOIN approval a ON a.decision = d.id WHERE d.delivery = ?1 LIMIT ?2)",
            "DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE delivery = ?1 LIMIT ?2)",
            "DELETE FROM alert WHERE delivery = ?1 AND n IN (SELECT n FROM alert WHERE delivery = ?1 LIMIT ?2)",
            "DELETE FROM delivery WHERE id = ?1 AND ?2 > 0",
        ] {
            *left -= self.changed(sql, params![delivery, *left])?;
            if *left == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Old scans that are over and answer for no decision any more, with what happened to them.
    pub(super) fn forget_scans(&mut self, before: i64) -> Result<u32, JournalError> {
        // By their end: a cool-down counts from there.
        const DUE: &str =
            "SELECT coalesce(ended_at, created_at), id, EXISTS (SELECT 1 FROM decision d WHERE d.scan = scan.id)
            FROM scan INDEXED BY scan_over WHERE state IN ('finished', 'dropped')
              AND (coalesce(ended_at, created_at), id) > (?1, ?2) AND coalesce(ended_at, created_at) <= ?3
            ORDER BY coalesce(ended_at, created_at), id LIMIT ?4";
        let due = self.due("scan", DUE, before)?;
        for (_, scan, needed) in &due {
            if !needed {
                self.db
                    .prepare_cached("DELETE FROM event WHERE scan = ?")?
                    .execute([scan])?;
                self.db
                    .prepare_cached("DELETE FROM scan WHERE id = ?")?
                    .execute([scan])?;
            }
        }
        Ok(rows(&due))
    }

    /// The next rows of a table that are old enough, behind those that were looked at before: what has to stay is not
    /// looked at again and again while there is more behind it. At the end it begins anew.
    fn due(
        &mut self,
        of: &str,
        sql: &str,
        before: i64,
    ) -> Result<Vec<(i64, i64, bool)>, JournalError> {
        let behind: Option<(i64, i64)> = self
            .db
            .prepare_cached("SELECT at, id FROM sweep WHERE of = ?")?
            .query_row([of], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (at, id) = behind.unwrap_or((i64::MIN, i64::MIN));
        let due = all(self.db, sql, params![at, id, before, STEP], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        match due.last() {
            Some((at, id, _)) if rows(&due) == STEP => self.swept(of, *at, *id)?,
            _ if behind.is_some() => {
                self.db
                    .prepare_cached("DELETE FROM sweep WHERE of = ?")?
                    .execute([of])?;
            }
            _ => {}
        }
        Ok(due)
    }

    fn swept(&mut self, of: &str, at: i64, id: i64) -> Result<(), JournalError> {
        self.db
            .prepare_cached("INSERT INTO sweep(of, at, id) VALUES (?, ?, ?) ON CONFLICT(of) DO UPDATE SET at = excluded.at, id = excluded.id")?
            .execute(params![of, at, id])?;
        Ok(())
    }

    pub(super) fn changed(&mut self, sql: &str, values: impl Params) -> Result<u32, JournalError> {
        let rows = self.db.prepare_cached(sql)?.execute(values)?;
        Ok(u32::try_from(rows).unwrap_or(u32::MAX))
    }
}
