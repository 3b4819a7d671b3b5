//! How far each receiver has come, and how it is. A row is there while the receiver is configured: one that is new is
//! told of what happens from then on.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::occasion::Occasion;
use super::rows::{all, at_most};
use super::tx::Tx;
use scanhook_core::message::{MessageType, Particulars};
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// A receiver's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverRow {
    pub name: String,
    /// The last occasion that was looked at for it.
    pub seen: i64,
    /// Failures in a row.
    pub failures: u32,
    /// When it is tried next, after many failures.
    pub probe_at: Option<Timestamp>,
    /// Since when it has been told that it fails.
    pub failing: Option<Timestamp>,
    /// Messages that found no room.
    pub dropped: u32,
    /// When its next digest is due.
    pub digest_at: Option<Timestamp>,
    /// Its last answer to a message that it did not take.
    pub answer: Option<String>,
    /// When it last took one.
    pub sent_at: Option<Timestamp>,
    /// Until when nothing is sent to it, as it asked.
    pub paused_until: Option<Timestamp>,
}

/// An event, as receivers are told of it.
#[derive(Clone, Debug)]
pub struct OccasionRow {
    pub id: i64,
    pub what: MessageType,
    /// The tenant by its configured name.
    pub tenant: Option<String>,
    pub key: String,
    /// The scan by its id.
    pub scan: Option<ScanId>,
    /// The decision by its row.
    pub decision: Option<i64>,
    pub said: Particulars,
}

impl Tx<'_> {
    /// The receiver's row, made where it is new.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn receiver(&mut self, name: &str) -> Result<ReceiverRow, JournalError> {
        let sql = "SELECT seen, failures, probe_at, failing, dropped, digest_at, answer, sent_at, paused_until
                   FROM receiver WHERE name = ?";
        let found = self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| {
                let time = |at: Option<i64>| at.map(Timestamp::from_millis);
                Ok(ReceiverRow {
                    name: name.to_owned(),
                    seen: row.get("seen")?,
                    failures: row.get("failures")?,
                    probe_at: time(row.get("probe_at")?),
                    failing: time(row.get("failing")?),
                    dropped: row.get("dropped")?,
                    digest_at: time(row.get("digest_at")?),
                    answer: row.get("answer")?,
                    sent_at: time(row.get("sent_at")?),
                    paused_until: time(row.get("paused_until")?),
                })
            })
            .optional()?;
        if let Some(found) = found {
            return Ok(found);
        }
        // The last number that was given, also where its occasion is forgotten.
        let seen: Option<i64> = self
            .db
            .prepare_cached("SELECT seq FROM numbered WHERE name = 'occasion'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        let new = ReceiverRow {
            name: name.to_owned(),
            seen: seen.unwrap_or(0),
            failures: 0,
            probe_at: None,
            failing: None,
            dropped: 0,
            digest_at: None,
            answer: None,
            sent_at: None,
            paused_until: None,
        };
        self.db
            .prepare_cached("INSERT INTO receiver(name, seen) VALUES (?, ?)")?
            .execute(params![new.name, new.seen])?;
        Ok(new)
    }

    /// Keeps what changed of it.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn keep_receiver(&mut self, row: &ReceiverRow) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE receiver SET seen = ?2, failures = ?3, probe_at = ?4, failing = ?5, dropped = ?6, digest_at = ?7,
                        answer = ?8, sent_at = ?9, paused_until = ?10
                 WHERE name = ?1",
            )?
            .execute(params![
                row.name,
                row.seen,
                row.failures,
                row.probe_at.map(Timestamp::millis),
                row.failing.map(Timestamp::millis),
                row.dropped,
                row.digest_at.map(Timestamp::millis),
                row.answer,
                row.sent_at.map(Timestamp::millis),
                row.paused_until.map(Timestamp::millis)
            ])?;
        Ok(())
    }

    /// These receivers are configured, and no others. What waits for others stays for the time that records of messages are kept:
    /// a name that comes back takes it up. That one of them fails is over.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn register_receivers(
        &mut self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        for name in names {
            self.receiver(name)?;
        }
        for known in all(self.db, "SELECT name FROM receiver", [], |row| {
            row.get::<_, String>(0)
        })? {
            if !names.contains(&known) {
                self.db
                    .prepare_cached("DELETE FROM receiver WHERE name = ?")?
                    .execute([&known])?;
                let failing = MessageType::ReceiverFailing;
                let gone = Occasion::new(failing, None, &known)
                    .because("It is not configured any more.")
                    .resolved();
                self.ends(failing, &gone, now)?;
            }
        }
        Ok(())
    }

    /// What happened after this, in order, at most `most`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn occasions_after(
        &self,
        seen: i64,
        most: usize,
    ) -> Result<Vec<OccasionRow>, JournalError> {
        let most = at_most(most);
        let sql = format!(
            "SELECT o.id, o.what, t.name, o.key, o.scan, o.said, o.decision FROM occasion o
             LEFT JOIN tenant t ON t.id = o.tenant WHERE o.id > ? ORDER BY o.id LIMIT {most}"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map([seen], |row| {
            let said: String = row.get(5)?;
            Ok((
                row.get::<_, String>(1)?,
                OccasionRow {
                    id: row.get(0)?,
                    what: MessageType::Test,
                    tenant: row.get(2)?,
                    key: row.get(3)?,
                    scan: row.get::<_, Option<i64>>(4)?.map(ScanId),
                    decision: row.get(6)?,
                    said: serde_json::from_str(&said).unwrap_or_default(),
                },
            ))
        })?;
        let mut read = Vec::new();
        for row in rows {
            let (code, row) = row?;
            // One of a later version is passed over, and counts as seen.
            let what = MessageType::of_code(&code).unwrap_or(MessageType::Test);
            read.push(OccasionRow { what, ..row });
        }
        Ok(read)
    }
}
