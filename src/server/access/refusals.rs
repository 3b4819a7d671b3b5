//! Credentials that were refused are counted against the sender's address, and told in the audit at most once a minute and
//! address, so that strangers cannot fill the journal. Refused orders and the first use of a token are told there as well.

use core::net::IpAddr;

use super::asked::AskedBy;
use super::routes::RouteAccess;
use crate::clock;
use crate::server::refusal::{AccessError, HttpError};
use crate::server::state::Admin;
use crate::settings::Settings;
use scanhook_core::access::{AuditEntry, KnownPerson, SignedInBy};
use scanhook_core::time::Timestamp;

/// Somebody who was not let in.
pub(in crate::server) struct RefusedAttempt<'a> {
    pub(in crate::server) address: IpAddr,
    /// By what they tried: `token`, `sign-in` or `jwt`.
    pub(in crate::server) how: &'static str,
    /// Who it was, if that was proved.
    pub(in crate::server) person: Option<&'a KnownPerson>,
    pub(in crate::server) refused: AccessError,
}

impl Admin {
    /// Counts a refused credential, and writes it down if it is the first of this address in a minute.
    pub(in crate::server) async fn attempt_refused(&self, attempt: &RefusedAttempt<'_>) {
        let (address, refused) = (attempt.address, attempt.refused);
        let code = HttpError::from(refused).code();
        self.metrics.access.signed_in(attempt.how, code);
        // Nobody tried anything that could be wrong.
        if refused == AccessError::IssuerUnavailable {
            return;
        }
        let Some(count) = self.credentials.refused(address, clock::mono()) else {
            return;
        };
        tracing::warn!(%address, code, count, "a credential was refused at the admin listener");
        let (subject, name) = attempt.person.map_or(("unknown", "unknown"), |person| {
            (&person.subject, &person.name)
        });
        let entry = AuditEntry {
            subject: subject.to_owned(),
            name: name.to_owned(),
            how: "refused".to_owned(),
            address: address.to_string(),
            what: "credential refused".to_owned(),
            count,
            result: code.to_owned(),
            ..AuditEntry::default()
        };
        self.store(entry).await;
    }

    /// Writes down that a token was used, once a minute; its first use goes into the audit.
    pub(in crate::server) async fn note_use(
        &self,
        asked: &AskedBy,
        settings: &Settings,
        now: Timestamp,
    ) {
        let SignedInBy::Token(name) = &asked.caller.how else {
            return;
        };
        let Some(token) = settings
            .admin
            .tokens
            .iter()
            .find(|token| token.name == *name)
        else {
            return;
        };
        let hash = token.hash.to_string();
        if !self.credentials.is_use_due(&hash, clock::mono()) {
            return;
        }
        let policy = self.intake.in_force().policy.fingerprint().to_owned();
        let entry = AuditEntry {
            result: "done".to_owned(),
            ..asked.entry("token used for the first time", &policy)
        };
        let noted = self.journal.write(move |tx| {
            if tx.token_used(&hash, now)? {
                tx.audit(entry, now)?;
            }
            Ok(())
        });
        if let Err(error) = noted.await {
            tracing::error!(code = error.code(), %error, "the use of a token could not be stored");
        }
    }

    /// Records an order that was refused, unless its own transaction did.
    pub(super) async fn audit_refused(&self, asked: &AskedBy, route: &RouteAccess, code: &str) {
        if asked.was_audited() {
            return;
        }
        let policy = self.intake.in_force().policy.fingerprint().to_owned();
        self.store(AuditEntry {
            result: code.to_owned(),
            ..asked.entry(route.what, &policy)
        })
        .await;
    }

    async fn store(&self, entry: AuditEntry) {
        let stored = self.journal.write(move |tx| tx.audit(entry, clock::now()));
        if let Err(error) = stored.await {
            tracing::error!(code = error.code(), %error, "the audit could not be written");
        }
    }
}
