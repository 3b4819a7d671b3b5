//! The outbox as others see it: messages newest first, and how each receiver is.

use uuid::Uuid;

use super::db::{DbResult, OptionalExtension, Row, params};
use super::error::JournalError;
use super::page::{LONGEST_PAGE, page};
use super::reader::Reader;
use super::rows::{all, time};
use crate::api::{MessageView, Page, ReceiverView};

/// Dead messages that are counted.
const DEAD: u32 = 10_000;

/// Which messages are asked for.
#[derive(Clone, Debug, Default)]
pub struct OutboxFilter {
    pub receiver: Option<String>,
    /// waiting, sent or dead.
    pub state: Option<String>,
    pub limit: Option<u16>,
    /// The `next` of another page.
    pub after: Option<i64>,
}

/// The columns of a message as others see it.
const SHOWN: &str =
    "id, uuid, receiver, what, subject, state, more, at, tries, due, ended_at, answer";

fn view(row: &Row<'_>) -> DbResult<MessageView> {
    let state: String = row.get("state")?;
    let due = Some(row.get("due")?).filter(|_| state == "waiting");
    Ok(MessageView {
        id: row.get::<_, Uuid>("uuid")?.to_string(),
        receiver: row.get("receiver")?,
        kind: row.get("what")?,
        subject: row.get("subject")?,
        state,
        more: row.get("more")?,
        at: time(row.get("at")?),
        tries: row.get("tries")?,
        due: due.map(time),
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(time),
        answer: row.get("answer")?,
    })
}

impl Reader<'_> {
    /// A page of messages.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn outbox(&self, filter: &OutboxFilter) -> Result<Page<MessageView>, JournalError> {
        let most = filter.limit.unwrap_or(LONGEST_PAGE).clamp(1, LONGEST_PAGE);
        let sql = format!(
            "SELECT {SHOWN} FROM outbox WHERE id < ?1 AND (?2 IS NULL OR receiver = ?2) AND (?3 IS NULL OR state = ?3)
               ORDER BY id DESC LIMIT ?4"
        );
        let before = filter.after.unwrap_or(i64::MAX);
        let rows = all(
            self.db,
            &sql,
            params![before, filter.receiver, filter.state, most + 1],
            |row| Ok((row.get::<_, i64>("id")?, view(row)?)),
        )?;
        Ok(page(rows, usize::from(most), None))
    }

    /// One message.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn message(&self, id: Uuid) -> Result<Option<MessageView>, JournalError> {
        Ok(self
            .db
            .prepare_cached(&format!("SELECT {SHOWN} FROM outbox WHERE uuid = ?"))?
            .query_row([id], view)
            .optional()?)
    }

    /// How a receiver is.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn receiver_view(&self, name: &str, kind: &str) -> Result<ReceiverView, JournalError> {
        let mut told = ReceiverView {
            name: name.to_owned(),
            kind: kind.to_owned(),
            ..ReceiverView::default()
        };
        let sql = "SELECT count(*), min(at) FROM outbox WHERE receiver = ? AND state = 'waiting'";
        let (waiting, oldest): (u32, Option<i64>) = self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        (told.waiting, told.oldest) = (waiting, oldest.map(time));
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE receiver = ? AND state = 'dead' AND what <> 'test' LIMIT {DEAD}) AS found"
        );
        told.dead = self
            .db
            .prepare_cached(&sql)?
            .query_row([name], |row| row.get(0))?;
        let sql = "SELECT failures, failing, dropped, answer, sent_at FROM receiver WHERE name = ?";
        let row = self.db.prepare_cached(sql)?.query_row([name], |row| {
            Ok((
                row.get::<_, u32>(0)?,
                row.get::<_, Option<i64>>(1)?,
                row.get::<_, u32>(2)?,
                row.get::<_, Option<String>>(3)?,
                row.get::<_, Option<i64>>(4)?,
            ))
        });
        if let Some((failures, failing, dropped, answer, sent)) = row.optional()? {
            (told.failures, told.dropped) = (failures, dropped);
            (told.failing_since, told.last_sent_at) = (failing.map(time), sent.map(time));
            told.answer = answer;
        }
        Ok(told)
    }
}
