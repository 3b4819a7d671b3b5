//! Who is signed in. The journal keeps a hash of what the browser has, so that a session lasts beyond a restart and nobody
//! who reads the journal can take one over.

use super::db::{DbError, DbResult, OptionalExtension, Row, params};
use super::error::JournalError;
use super::reader::Reader;
use super::sweep::STEP;
use super::tx::Tx;
use scanhook_core::time::Timestamp;

/// Sessions of one subject at a time; the oldest gives way, so that nobody can fill the journal by signing in.
const SESSIONS: u32 = 50;

/// A session as it stands in the journal. What it may do is found out at each use, from what proved it and the settings in
/// force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The hash of what the browser keeps.
    pub hash: String,
    pub subject: String,
    pub name: String,
    pub proof: SessionProof,
    pub at: Timestamp,
    /// When it was used last, to the minute.
    pub seen: Timestamp,
    /// From here on it is over, whatever it is used for.
    pub ends: Timestamp,
}

/// What a session was begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionProof {
    /// A configured token, by its hash.
    Token(String),
    /// An issuer, with the values that it gave of the claim with the roles.
    SignIn { issuer: String, roles: Vec<String> },
}

impl Tx<'_> {
    /// Begins a session.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn sign_in(&mut self, session: &SessionRow) -> Result<(), JournalError> {
        let (how, proof, roles) = match &session.proof {
            SessionProof::Token(hash) => ("token", hash, &Vec::new()),
            SessionProof::SignIn { issuer, roles } => ("sign-in", issuer, roles),
        };
        let roles = serde_json::to_string(roles)
            .map_err(|_| JournalError::Conflict("roles are not JSON"))?;
        self.changed(
            "DELETE FROM session WHERE hash IN
               (SELECT hash FROM session WHERE subject = ? ORDER BY at DESC, hash LIMIT 1000000 OFFSET ?)",
            params![session.subject, SESSIONS - 1],
        )?;
        self.changed(
            "INSERT INTO session(hash, subject, name, how, proof, grants, at, seen, ends) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                session.hash,
                session.subject,
                session.name,
                how,
                proof,
                roles,
                session.at.millis(),
                session.seen.millis(),
                session.ends.millis()
            ],
        )?;
        Ok(())
    }

    /// Notes that a session is used.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn session_seen(&mut self, hash: &str, now: Timestamp) -> Result<(), JournalError> {
        self.changed(
            "UPDATE session SET seen = ? WHERE hash = ?",
            params![now.millis(), hash],
        )?;
        Ok(())
    }

    /// Ends a session; whether there was one.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn sign_out(&mut self, hash: &str) -> Result<bool, JournalError> {
        Ok(self.changed("DELETE FROM session WHERE hash = ?", [hash])? > 0)
    }

    /// Forgets sessions that are over, and those that nobody has used since `unused`.
    pub(super) fn forget_sessions(
        &mut self,
        unused: Timestamp,
        now: Timestamp,
    ) -> Result<u32, JournalError> {
        let over = self.changed(
            "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE ends <= ? LIMIT ?)",
            params![now.millis(), STEP],
        )?;
        let idle = self.changed(
            "DELETE FROM session WHERE hash IN (SELECT hash FROM session WHERE seen <= ? LIMIT ?)",
            params![unused.millis(), STEP],
        )?;
        Ok(over.max(idle))
    }
}

impl Reader<'_> {
    /// The session with this hash, whether or not it is over.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn session(&self, hash: &str) -> Result<Option<SessionRow>, JournalError> {
        Ok(self
            .db
            .prepare_cached(
                "SELECT hash, subject, name, how, proof, grants, at, seen, ends FROM session WHERE hash = ?",
            )?
            .query_row([hash], session)
            .optional()?)
    }

    /// How many sessions there are that are not over, and were used since `unused`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn sessions(&self, unused: Timestamp, now: Timestamp) -> Result<u32, JournalError> {
        Ok(self
            .db
            .prepare_cached("SELECT count(*) FROM session WHERE seen > ? AND ends > ?")?
            .query_row(params![unused.millis(), now.millis()], |row| row.get(0))?)
    }
}

fn session(row: &Row<'_>) -> DbResult<SessionRow> {
    let time = |at| Ok::<_, DbError>(Timestamp::from_millis(row.get(at)?));
    let (how, proof, roles): (String, String, String) = (row.get(3)?, row.get(4)?, row.get(5)?);
    Ok(SessionRow {
        hash: row.get(0)?,
        subject: row.get(1)?,
        name: row.get(2)?,
        proof: match how.as_str() {
            "token" => SessionProof::Token(proof),
            _ => SessionProof::SignIn {
                issuer: proof,
                roles: serde_json::from_str(&roles).unwrap_or_default(),
            },
        },
        at: time(6)?,
        seen: time(7)?,
        ends: time(8)?,
    })
}
