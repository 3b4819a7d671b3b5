//! Whoever is signed in: whose session it is that a browser keeps. What a session may do is found out at
//! each use, from what proved it and the settings in force: a token that is taken away takes its sessions along, and so does
//! a role that lets nobody in any more.

use core::time::Duration;

use axum::http::HeaderMap;

use super::asked::AskedBy;
use super::cookie::SESSION;
use crate::clock;
use crate::journal::{SessionProof, SessionRow};
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use crate::settings::Settings;
use scanhook_core::access::{AuditEntry, Caller, SessionKey, SignedInBy};
use scanhook_core::time::Timestamp;

/// The use of a session is written down this often.
const SEEN: Duration = Duration::from_secs(60);

/// What the browser keeps of its session.
pub(in crate::server) fn key(headers: &HeaderMap) -> Option<SessionKey> {
    SessionKey::read(SESSION.value(headers)?)
}

impl Admin {
    /// Whose session this request belongs to, if it is not over.
    pub(super) async fn session(
        &self,
        settings: &Settings,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<Caller>, HttpError> {
        let hash = key.hash();
        let found = self.read(move |reader| reader.session(&hash)).await?;
        let Some(row) = found else { return Ok(None) };
        let Some(caller) = caller(&row, settings, now) else {
            return Ok(None);
        };
        if now.since(row.seen) >= SEEN.min(settings.admin.session.idle / 2) {
            let noted = self
                .journal
                .write(move |tx| tx.session_seen(&row.hash, now));
            if let Err(error) = noted.await {
                tracing::error!(code = error.code(), %error, "the use of a session could not be stored");
            }
        }
        Ok(Some(caller))
    }

    /// Begins a session of somebody who proved who they are, in place of the one that their browser had.
    pub(in crate::server) async fn sign_in(
        &self,
        asked: &AskedBy,
        proof: SessionProof,
        before: Option<SessionKey>,
    ) -> Result<SessionKey, HttpError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| HttpError::Internal)?;
        let (key, now) = (SessionKey::from_random(&bytes), clock::now());
        let row = SessionRow {
            hash: key.hash(),
            subject: asked.caller.subject.clone(),
            name: asked.caller.name.clone(),
            proof,
            at: now,
            seen: now,
            ends: now.plus(self.settings().admin.session.longest),
        };
        let entry = self.done(asked, "sign in");
        let begun = self.journal.write(move |tx| {
            if let Some(before) = before {
                tx.sign_out(&before.hash())?;
            }
            tx.sign_in(&row)?;
            tx.audit(entry, now)
        });
        begun.await.map_err(unwritten)?;
        let Caller { name, how, .. } = &*asked.caller;
        tracing::info!(who = name, how = how.shown(), address = %asked.address, "signed in");
        Ok(key)
    }

    /// Ends a session.
    pub(in crate::server) async fn sign_out(
        &self,
        asked: &AskedBy,
        key: &SessionKey,
    ) -> Result<(), HttpError> {
        let (hash, entry) = (key.hash(), self.done(asked, "sign out"));
        let ended = self.journal.write(move |tx| {
            if tx.sign_out(&hash)? {
                tx.audit(entry, clock::now())?;
            }
            Ok(())
        });
        ended.await.map_err(unwritten)
    }

    fn done(&self, asked: &AskedBy, what: &str) -> AuditEntry {
        let policy = self.intake.in_force().policy.fingerprint().to_owned();
        AuditEntry {
            result: "done".to_owned(),
            ..asked.entry(what, &policy)
        }
    }
}

fn unwritten(error: crate::journal::JournalError) -> HttpError {
    tracing::error!(code = error.code(), %error, "a session could not be stored");
    HttpError::JournalUnavailable
}

/// Whoever a session belongs to, with what they may do by now; `None`: it is over.
fn caller(row: &SessionRow, settings: &Settings, now: Timestamp) -> Option<Caller> {
    let limits = settings.admin.session;
    let ends = row.ends.min(row.at.plus(limits.longest));
    if now >= ends || now.since(row.seen) >= limits.idle {
        return None;
    }
    match &row.proof {
        SessionProof::Token(hash) => {
            let tokens = &settings.admin.tokens;
            let token = tokens
                .iter()
                .find(|token| token.hash.to_string() == *hash)?;
            let until = token.until.map_or(ends, |until| until.min(ends));
            (now < until).then(|| Caller {
                subject: row.subject.clone(),
                name: row.name.clone(),
                how: SignedInBy::Token(token.name.clone()),
                grant: token.grant.clone(),
                for_others: token.for_others,
                until: Some(until),
            })
        }
        SessionProof::SignIn { issuer, roles } => {
            let sign_in = settings.admin.sign_in.as_ref();
            let sign_in = sign_in.filter(|sign_in| sign_in.identity() == *issuer)?;
            Some(Caller {
                subject: row.subject.clone(),
                name: row.name.clone(),
                how: SignedInBy::SignIn,
                grant: sign_in.grant(roles)?,
                for_others: false,
                until: Some(ends),
            })
        }
    }
}
