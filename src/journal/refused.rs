//! Bodies that were authenticated and could not be read: the last of each source, for whoever mends the sender.

use super::db::{Connection, params};
use super::error::JournalError;
use super::rows::{all, time};
use super::tx::Tx;
use crate::api::UnreadView;
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::plain::shown;
use scanhook_core::strict_json::NotStrict;
use scanhook_core::time::Timestamp;

/// Bytes that are kept of a body.
pub const HEAD: usize = 1024;
/// Bodies that are kept of a source.
const KEPT: u32 = 50;

/// What is kept of a body that could not be read.
pub struct RefusedBody {
    source: String,
    at: Timestamp,
    credential: String,
    fault: NotStrict,
    bytes: usize,
    hash: [u8; 32],
    head: Vec<u8>,
}

impl RefusedBody {
    /// Of an authenticated delivery; of one in which a secret may stand no byte.
    #[must_use]
    pub fn of(delivery: &VerifiedDelivery, fault: NotStrict) -> RefusedBody {
        let head = if delivery.may_hold_secret() { 0 } else { HEAD };
        RefusedBody {
            source: delivery.source().to_owned(),
            at: delivery.received(),
            credential: delivery.credential().to_owned(),
            fault,
            bytes: delivery.body().len(),
            hash: delivery.body_hash(),
            head: delivery.body().iter().copied().take(head).collect(),
        }
    }
}

impl Tx<'_> {
    /// Keeps it in the place of the oldest of its source.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn keep_refused(&mut self, refused: &RefusedBody) -> Result<(), JournalError> {
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        self.db
            .prepare_cached(
                "INSERT INTO refused(source, at, credential, code, line, col, bytes, hash, head)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                refused.source,
                refused.at.millis(),
                refused.credential,
                refused.fault.fault.code(),
                number(refused.fault.line),
                number(refused.fault.column),
                number(refused.bytes),
                refused.hash.as_slice(),
                refused.head
            ])?;
        let sql = "DELETE FROM refused WHERE source = ?1 AND id <=
                     (SELECT id FROM refused WHERE source = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
        self.db
            .prepare_cached(sql)?
            .execute(params![refused.source, KEPT])?;
        Ok(())
    }
}

/// Those of one source, newest first.
pub(super) fn of_source(db: &Connection, source: &str) -> Result<Vec<UnreadView>, JournalError> {
    let sql = "SELECT at, credential, code, line, col, bytes, hash, head FROM refused WHERE source = ? ORDER BY id DESC";
    all(db, sql, [source], |row| {
        Ok(UnreadView {
            at: time(row.get(0)?),
            credential: row.get(1)?,
            code: row.get(2)?,
            line: row.get(3)?,
            column: row.get(4)?,
            bytes: row.get(5)?,
            sha256: hex::encode(row.get::<_, Vec<u8>>(6)?),
            head: readable(&row.get::<_, Vec<u8>>(7)?),
        })
    })
}

/// Bytes as a person can read them and still tell each from all others.
fn readable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\\' || shown(c) != c {
                text.extend(c.escape_default());
            } else {
                text.push(c);
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_can_be_told_and_none_moves_the_cursor() {
        let readable = readable(b"{\"a\":\"\xf3\x1b[2J\xc3\xa4\\u0041\0\r\n\xe2\x80\xae");
        assert_eq!(readable, r#"{"a":"\xf3\u{1b}[2Jä\\u0041\u{0}\r\n\u{202e}"#);
    }
}
