//! Messages that wait for their receivers. A row says what about; it is written when it is sent (`notice`).
//!
//! Events of one group that wait are one row: its count grows until its first try. Rows of one subject leave one after
//! the other, in the order in which they were made. What happened in between closes the row before, so that "stopped,
//! recovered, stopped" is never told as "stopped twice, recovered".

use core::time::Duration;

use uuid::Uuid;

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::message::{MessageType, Topic};
use scanhook_core::time::Timestamp;

/// An event for one receiver.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    pub receiver: &'a str,
    pub what: MessageType,
    pub topic: &'a Topic,
    /// Its row; `None`: of none, as a digest is.
    pub occasion: Option<i64>,
    /// How many things it tells.
    pub count: u32,
    /// A person has to hear of it.
    pub for_person: bool,
    /// How long its group is left alone after a message.
    pub repeat: Duration,
}

/// A message that waits.
#[derive(Clone, Debug)]
pub struct MessageRow {
    pub id: i64,
    pub uuid: Uuid,
    pub what: MessageType,
    pub subject: String,
    /// The first and the last of its events.
    pub events: Option<(i64, i64)>,
    /// Further things that it tells.
    pub more: u32,
    pub at: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// When it was tried first.
    pub tried_at: Option<Timestamp>,
}

impl Tx<'_> {
    /// Makes a message of an event, or has one that waits tell it as well.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn enqueue(&mut self, new: &NewMessage<'_>, now: Timestamp) -> Result<(), JournalError> {
        let merged = self
            .db
            .prepare_cached(
                "UPDATE outbox SET more = more + ?3, occasion = ?4
                 WHERE receiver = ?1 AND grp = ?2 AND state = 'waiting' AND tries = 0 AND open",
            )?
            .execute(params![
                new.receiver,
                new.topic.group,
                new.count,
                new.occasion
            ])?;
        if merged > 0 {
            return Ok(());
        }
        self.db
            .prepare_cached(
                "UPDATE outbox SET open = FALSE WHERE receiver = ? AND subject = ? AND state = 'waiting' AND open",
            )?
            .execute(params![new.receiver, new.topic.subject])?;
        let since = if new.topic.repeats {
            self.told_last(new)?
                .map_or(now, |last| last.plus(new.repeat).max(now))
        } else {
            now
        };
        let uuid = self.new_uuid(now);
        self.db
            .prepare_cached(
                "INSERT INTO outbox(uuid, receiver, grp, subject, what, occasion, first, more, for_person, at, since, due, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9, ?10, ?10, 'waiting')",
            )?
            .execute(params![
                uuid,
                new.receiver,
                new.topic.group,
                new.topic.subject,
                new.what.code(),
                new.occasion,
                new.count.saturating_sub(1),
                new.for_person,
                now.millis(),
                since.millis()
            ])?;
        Ok(())
    }

    /// When the last message of its group was due.
    fn told_last(&self, new: &NewMessage<'_>) -> Result<Option<Timestamp>, JournalError> {
        let sql = "SELECT since FROM outbox INDEXED BY outbox_told WHERE receiver = ? AND grp = ? ORDER BY id DESC LIMIT 1";
        let last: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row(params![new.receiver, new.topic.group], |row| row.get(0))
            .optional()?;
        Ok(last.map(Timestamp::from_millis))
    }

    /// A message by which a person tries a receiver; its id.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn enqueue_test(&mut self, receiver: &str, now: Timestamp) -> Result<Uuid, JournalError> {
        let uuid = self.new_uuid(now);
        let subject = format!("test/{uuid}");
        self.db
            .prepare_cached(
                "INSERT INTO outbox(uuid, receiver, grp, subject, what, for_person, at, since, due, state)
                 VALUES (?1, ?2, ?3, ?3, 'test', TRUE, ?4, ?4, ?4, 'waiting')",
            )?
            .execute(params![uuid, receiver, subject, now.millis()])?;
        self.touch(super::keys::MESSAGES);
        Ok(uuid)
    }

    /// Lets the oldest messages go that nobody has to hear of, or else the oldest of all, until `most` wait. Returns how
    /// many went.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn bound_messages(
        &mut self,
        receiver: &str,
        under_way: &[i64],
        most: u32,
    ) -> Result<u32, JournalError> {
        let sql = "SELECT count(*) FROM outbox INDEXED BY outbox_person WHERE receiver = ? AND state = 'waiting'";
        let waiting: u32 = self
            .db
            .prepare_cached(sql)?
            .query_row([receiver], |row| row.get(0))?;
        let over = waiting.saturating_sub(most);
        if over == 0 {
            return Ok(0);
        }
        let sql =
            "SELECT id FROM outbox INDEXED BY outbox_person WHERE receiver = ? AND state = 'waiting'
                   ORDER BY for_person, id LIMIT ?";
        let limit = over.saturating_add(u32::try_from(under_way.len()).unwrap_or(u32::MAX));
        let oldest: Vec<i64> = all(self.db, sql, params![receiver, limit], |row| row.get(0))?;
        let mut gone = 0;
        for id in oldest
            .into_iter()
            .filter(|id| !under_way.contains(id))
            .take(over as usize)
        {
            self.db
                .prepare_cached("DELETE FROM outbox WHERE id = ?")?
                .execute([id])?;
            gone += 1;
        }
        Ok(gone)
    }

    /// Dead messages wait once more, of one receiver or of all; how many.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn revive_messages(
        &mut self,
        receiver: Option<&str>,
        now: Timestamp,
    ) -> Result<usize, JournalError> {
        let revived = self
            .db
            .prepare_cached(
                "UPDATE outbox SET state = 'waiting', ended_at = NULL, due = ?2, tries = 1, tried_at = ?2
                 WHERE state = 'dead' AND what <> 'test' AND (?1 IS NULL OR receiver = ?1)",
            )?
            .execute(params![receiver, now.millis()])?;
        self.touch(super::keys::MESSAGES);
        Ok(revived)
    }
}
