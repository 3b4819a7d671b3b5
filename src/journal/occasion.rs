//! What receivers may be told of is written in the transaction of what it tells: a crash between loses neither. One row,
//! whoever listens; `notify` makes messages of it for each receiver, and the stream of events reads it as it is.
//!
//! What goes on until something ends it (a tenant that is stopped, a source that is silent) stands in `lasting` for as
//! long, so that a restart tells neither its beginning nor its end twice. One that is worth a message only after a while
//! is told by [`Tx::tell_overdue`].

use core::time::Duration;

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::{MESSAGES, TenantId};
use super::rows::{all, millis};
use super::tx::Tx;
use scanhook_core::message::{MessageType, Particulars};
use scanhook_core::scan::{Outcome, ScanId};
use scanhook_core::time::Timestamp;

/// Something that somebody may have to hear of.
#[derive(Clone, Debug)]
pub struct Occasion<'a> {
    what: MessageType,
    tenant: Option<TenantId>,
    key: &'a str,
    scan: Option<ScanId>,
    decision: Option<i64>,
    said: Particulars,
}

impl<'a> Occasion<'a> {
    /// Of a tenant, or of none, and what else it is about: a source, a file, a rule.
    #[must_use]
    pub fn new(
        what: MessageType,
        tenant: impl Into<Option<TenantId>>,
        key: &'a str,
    ) -> Occasion<'a> {
        Occasion {
            what,
            tenant: tenant.into(),
            key,
            scan: None,
            decision: None,
            said: Particulars::default(),
        }
    }

    #[must_use]
    pub const fn of_scan(mut self, scan: ScanId) -> Self {
        self.scan = Some(scan);
        self
    }

    #[must_use]
    pub const fn of_decision(mut self, decision: i64) -> Self {
        self.decision = Some(decision);
        self
    }

    /// Why, in words that hold nothing of an alert.
    #[must_use]
    pub fn because(mut self, detail: impl Into<String>) -> Self {
        self.said.detail = Some(detail.into());
        self
    }

    #[must_use]
    pub fn by(mut self, who: Option<&str>) -> Self {
        self.said.who = who.map(str::to_owned);
        self
    }

    #[must_use]
    pub fn until(mut self, at: Option<Timestamp>) -> Self {
        self.said.until = at;
        self
    }

    #[must_use]
    pub fn since(mut self, at: Option<Timestamp>) -> Self {
        self.said.since = at;
        self
    }

    /// It stands for so many things.
    #[must_use]
    pub fn counting(mut self, count: usize) -> Self {
        self.said.count = Some(u32::try_from(count).unwrap_or(u32::MAX));
        self
    }

    #[must_use]
    pub const fn ended(mut self, outcome: Outcome) -> Self {
        self.said.outcome = Some(outcome);
        self
    }

    /// What was told by the same type is over.
    #[must_use]
    pub const fn resolved(mut self) -> Self {
        self.said.resolved = true;
        self
    }

    pub(super) fn said(&self) -> Result<String, JournalError> {
        serde_json::to_string(&self.said)
            .map_err(|_| JournalError::Conflict("an occasion is not JSON"))
    }
}

impl Tx<'_> {
    /// Writes it down; whoever sends messages is woken after COMMIT.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tell(&mut self, occasion: &Occasion<'_>, now: Timestamp) -> Result<(), JournalError> {
        self.db.later(
            "INSERT INTO occasion(at, what, tenant, key, scan, decision, said) VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                now.millis(),
                occasion.what.code(),
                occasion.tenant.map(|tenant| tenant.0),
                occasion.key,
                occasion.scan.map(|scan| scan.0),
                occasion.decision,
                occasion.said()?,
            ],
        )?;
        self.touch(MESSAGES);
        Ok(())
    }

    /// Something begins that goes on; told now, or after `patience` should it still go on. Nothing comes of it while it
    /// goes on already. Returns whether it begins.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn begins(
        &mut self,
        occasion: &Occasion<'_>,
        patience: Duration,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let due = (!patience.is_zero()).then(|| now.plus(patience).millis());
        let begun = self
            .db
            .prepare_cached(
                "INSERT INTO lasting(what, tenant, key, since, due, said) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                occasion.what.code(),
                occasion.tenant.map_or(0, |tenant| tenant.0),
                occasion.key,
                now.millis(),
                due,
                occasion.said()?
            ])?;
        match (begun == 1, due) {
            (true, None) => self.tell(occasion, now)?,
            (true, Some(_)) => self.touch(MESSAGES),
            (false, _) => {}
        }
        Ok(begun == 1)
    }

    /// What `began` with these is over, and `end` tells so, if the beginning was told. Returns whether it went on.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn ends(
        &mut self,
        began: MessageType,
        end: &Occasion<'_>,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let told = self.forget_lasting(began, end.tenant, end.key)?;
        if told == Some(true) {
            self.tell(end, now)?;
        }
        Ok(told.is_some())
    }

    /// It goes on no more; whether its beginning was told, if it went on.
    pub(super) fn forget_lasting(
        &mut self,
        what: MessageType,
        tenant: Option<TenantId>,
        key: &str,
    ) -> Result<Option<bool>, JournalError> {
        let sql =
            "DELETE FROM lasting WHERE what = ? AND tenant = ? AND key = ? RETURNING due IS NULL";
        let tenant = tenant.map_or(0, |tenant| tenant.0);
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![what.code(), tenant, key], |row| row.get(0))
            .optional()?)
    }

    /// Tells what has gone on for long enough; when the next of them is due.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tell_overdue(&mut self, now: Timestamp) -> Result<Timestamp, JournalError> {
        let sql = "SELECT what, tenant, key, since, said FROM lasting
                   WHERE due IS NOT NULL AND due <= ? ORDER BY due, what, tenant, key LIMIT 100";
        let due = all(self.db, sql, [now.millis()], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
                row.get::<_, String>(4)?,
            ))
        })?;
        for (code, tenant, key, since, said) in due {
            self.db
                .prepare_cached(
                    "UPDATE lasting SET due = NULL WHERE what = ? AND tenant = ? AND key = ?",
                )?
                .execute(params![code, tenant, key])?;
            let Some(what) = MessageType::of_code(&code) else {
                continue;
            };
            let mut said: Particulars = serde_json::from_str(&said).unwrap_or_default();
            said.since = Some(Timestamp::from_millis(since));
            let tenant = Some(TenantId(tenant)).filter(|tenant| tenant.0 > 0);
            let occasion = Occasion {
                said,
                ..Occasion::new(what, tenant, &key)
            };
            self.tell(&occasion, now)?;
        }
        let next: Option<i64> = self
            .db
            .prepare_cached("SELECT min(due) FROM lasting WHERE due IS NOT NULL")?
            .query_row([], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }

    /// Tells holds that end within `ahead`, each once, one occasion for all of a tenant; when to look again. One that never
    /// lasted longer than that was told with its end when it began.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tell_ending_holds(
        &mut self,
        ahead: Duration,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        let mut again = Timestamp::NEVER;
        let until = now.plus(ahead).millis();
        for tenant in all(self.db, "SELECT id FROM tenant ORDER BY id", [], |row| {
            row.get::<_, i64>(0)
        })? {
            let from: i64 = self
                .db
                .prepare_cached("SELECT at FROM told_until WHERE tenant = ?")?
                .query_row([tenant], |row| row.get(0))
                .optional()?
                .unwrap_or_else(|| now.millis());
            let sql = "SELECT count(*), min(look_at) FROM decision INDEXED BY decision_expires
                       WHERE tenant = ?1 AND state = 'held' AND look_at > ?2 AND look_at <= ?3 AND look_at - at > ?4";
            let (count, first): (u32, Option<i64>) = self
                .db
                .prepare_cached(sql)?
                .query_row(params![tenant, from, until, millis(ahead)], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            if let Some(first) = first {
                let sql = "SELECT id FROM decision INDEXED BY decision_expires
                           WHERE tenant = ? AND state = 'held' AND look_at = ? AND look_at - at > ? LIMIT 1";
                let decision = self
                    .db
                    .prepare_cached(sql)?
                    .query_row(params![tenant, first, millis(ahead)], |row| row.get(0))?;
                let occasion = Occasion::new(MessageType::HoldEnding, TenantId(tenant), "")
                    .of_decision(decision)
                    .counting(count as usize)
                    .until(Some(Timestamp::from_millis(first)));
                self.tell(&occasion, now)?;
                self.db
                    .prepare_cached("INSERT INTO told_until(tenant, at) VALUES (?, ?) ON CONFLICT(tenant) DO UPDATE SET at = excluded.at")?
                    .execute(params![tenant, until])?;
            }
            let sql = "SELECT min(look_at) FROM decision INDEXED BY decision_expires
                       WHERE tenant = ? AND state = 'held' AND look_at > ?";
            let next: Option<i64> = self
                .db
                .prepare_cached(sql)?
                .query_row(params![tenant, until], |row| row.get(0))?;
            if let Some(next) = next {
                again = again.min(Timestamp::from_millis(next - millis(ahead)));
            }
        }
        Ok(again)
    }
}
