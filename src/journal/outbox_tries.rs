//! Which messages may leave, and what becomes of each try.

use super::db::{DbResult, Row, params};
use super::error::JournalError;
use super::outbox::MessageRow;
use super::rows::{all, at_most};
use super::tx::Tx;
use scanhook_core::message::{MessageType, PLAIN_ANSWER};
use scanhook_core::plain::one_line;
use scanhook_core::time::Timestamp;

const COLUMNS: &str = "id, uuid, what, subject, first, occasion, more, at, tries, tried_at";

fn message(row: &Row<'_>) -> DbResult<MessageRow> {
    let what: String = row.get("what")?;
    let events: (Option<i64>, Option<i64>) = (row.get("first")?, row.get("occasion")?);
    Ok(MessageRow {
        id: row.get("id")?,
        uuid: row.get("uuid")?,
        what: MessageType::of_code(&what).unwrap_or(MessageType::Test),
        subject: row.get("subject")?,
        events: events.0.zip(events.1),
        more: row.get("more")?,
        at: Timestamp::from_millis(row.get("at")?),
        tries: row.get("tries")?,
        tried_at: row
            .get::<_, Option<i64>>("tried_at")?
            .map(Timestamp::from_millis),
    })
}

/// Whatever waits for a receiver and has nothing of its subject before it.
const FIRST_OF_ITS_SUBJECT: &str = "receiver = ?1 AND state = 'waiting'
    AND NOT EXISTS (SELECT 1 FROM outbox AS before INDEXED BY outbox_subject
                    WHERE before.receiver = ?1 AND before.subject = outbox.subject AND before.state = 'waiting'
                      AND before.id < outbox.id)";

impl Tx<'_> {
    /// What may leave for a receiver by `now`, but for the messages that are under way; at most `most`. The second tells
    /// when the next one may.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn due_messages(
        &self,
        receiver: &str,
        under_way: &[i64],
        most: usize,
        now: Timestamp,
    ) -> Result<(Vec<MessageRow>, Timestamp), JournalError> {
        // One more tells when the next may; a few numbers make few statements.
        let looked_at = most.saturating_add(under_way.len() + 1);
        let looked_at = at_most(looked_at.checked_next_multiple_of(64).unwrap_or(usize::MAX));
        let sql = format!(
            "SELECT {COLUMNS}, due FROM outbox INDEXED BY outbox_due WHERE {FIRST_OF_ITS_SUBJECT} ORDER BY due, id
             LIMIT {looked_at}"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query([receiver])?;
        let mut due = Vec::new();
        while let Some(row) = rows.next()? {
            let (found, at) = (message(&row)?, Timestamp::from_millis(row.get("due")?));
            if under_way.contains(&found.id) {
                continue;
            }
            if at > now || due.len() == most {
                return Ok((due, at.max(now)));
            }
            due.push(found);
        }
        Ok((due, Timestamp::NEVER))
    }

    /// Whether any other message about a target left, whatever became of it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn is_target_tried(
        &self,
        receiver: &str,
        target: &str,
        message: i64,
    ) -> Result<bool, JournalError> {
        // Groups of a target begin with its name and a slash, after which the digit zero comes.
        let sql = "SELECT EXISTS (SELECT 1 FROM outbox INDEXED BY outbox_told
                   WHERE receiver = ?1 AND grp >= ?2 || '/' AND grp < ?2 || '0' AND id <> ?3 AND tries > 0)";
        let values = params![receiver, target, message];
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_row(values, |row| row.get(0))?)
    }

    /// The message that is tried to find out whether a receiver works, due or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn probing_message(
        &self,
        receiver: &str,
        under_way: &[i64],
    ) -> Result<Option<MessageRow>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM outbox WHERE {FIRST_OF_ITS_SUBJECT} ORDER BY id LIMIT 8"
        );
        let rows = all(self.db, &sql, [receiver], message)?;
        Ok(rows.into_iter().find(|row| !under_way.contains(&row.id)))
    }

    /// A message is about to leave: it takes no further event along.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn message_leaves(&mut self, message: i64, now: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET tries = tries + 1, tried_at = coalesce(tried_at, ?2) WHERE id = ?1",
            )?
            .execute(params![message, now.millis()])?;
        Ok(())
    }

    /// A message was taken, or never will be.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn message_ends(
        &mut self,
        message: i64,
        sent: bool,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let state = if sent { "sent" } else { "dead" };
        self.db
            .prepare_cached(
                "UPDATE outbox SET state = ?2, answer = ?3, ended_at = ?4 WHERE id = ?1 AND state = 'waiting'",
            )?
            .execute(params![message, state, one_line(answer, PLAIN_ANSWER), now.millis()])?;
        Ok(())
    }

    /// A message is tried again then.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn message_waits(
        &mut self,
        message: i64,
        answer: &str,
        due: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET due = ?2, answer = ?3 WHERE id = ?1 AND state = 'waiting'",
            )?
            .execute(params![
                message,
                due.millis(),
                one_line(answer, PLAIN_ANSWER)
            ])?;
        Ok(())
    }

    /// A message is not tried before this, whatever becomes of the try that is under way.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn message_settles(&mut self, message: i64, until: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE outbox SET due = ?2 WHERE id = ?1")?
            .execute(params![message, until.millis()])?;
        Ok(())
    }

    /// A receiver works again: what waited for that is due.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn messages_are_due(&mut self, receiver: &str, now: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE outbox SET due = ?2 WHERE receiver = ?1 AND state = 'waiting' AND tries > 0 AND due > ?2",
            )?
            .execute(params![receiver, now.millis()])?;
        Ok(())
    }
}
