//! Pauses: they keep matching scans from being sent, whatever else goes on. The rows are what is in force; a scan
//! that a pause of a rule or a device keeps back is taken out of the queue when its turn comes, so that it costs
//! nothing while it waits, and put back when the pause is over. What a whole tenant waits for needs no such mark.
//!
//! Pauses are looked up at the beginning of each poll (`worker::paused`, with `pauses_in_force`), so none can be missed.
//! One of a whole tenant ends `poll_scans` at once. One of a rule or of devices is asked about each scan whose turn
//! comes, at most 256 in a poll (`held_back`). Here is what people do: pause and resume.

use core::time::Duration;

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::pause_row::{PAUSE, PauseScope, pause_view};
use super::rows::all;
use super::tx::Tx;
use crate::api::PauseView;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::message::MessageType;
use scanhook_core::person::By;
use scanhook_core::time::Timestamp;

/// How long a pause lasts that is told once more.
const A_DAY: Duration = Duration::from_secs(86_400);

/// What is told of a pause that was set or is over.
pub(super) struct PauseWords {
    scope: String,
    /// When it ends by itself, while it is in force.
    until: Option<Timestamp>,
    over: bool,
    /// It ended because its time was over.
    by_time: bool,
}

impl PauseWords {
    const fn set(scope: String, until: Option<Timestamp>) -> PauseWords {
        PauseWords {
            scope,
            until,
            over: false,
            by_time: false,
        }
    }

    pub(super) const fn ended(scope: String, by_time: bool) -> PauseWords {
        PauseWords {
            scope,
            until: None,
            over: true,
            by_time,
        }
    }

    const fn aside(&self) -> &'static str {
        if self.by_time {
            "; its time is over"
        } else {
            ""
        }
    }
}

impl Tx<'_> {
    /// Keeps scans from being sent from now on. One of the same scope that is in force is changed instead.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn pause(
        &mut self,
        scope: &PauseScope,
        by: &By,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<PauseView, JournalError> {
        let (tenant, device) = (
            scope.tenant.map(|tenant| tenant.0),
            scope.device.as_ref().map(DeviceGlob::as_str),
        );
        let (ends, until) = (until, until.map(Timestamp::millis));
        let same: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT id FROM pause WHERE NOT settled AND ended_at IS NULL AND (until IS NULL OR until > ?4)
                   AND tenant IS NOT DISTINCT FROM ?1 AND rule IS NOT DISTINCT FROM ?2
                   AND device IS NOT DISTINCT FROM ?3",
            )?
            .query_row(params![tenant, scope.rule, device, now.millis()], |row| row.get(0))
            .optional()?;
        let id = match same {
            Some(id) => {
                self.db
                    .prepare_cached(
                        "UPDATE pause SET who = ?2, reason = ?3, until = ?4 WHERE id = ?1",
                    )?
                    .execute(params![id, by.who, by.words, until])?;
                id
            }
            None => self.db.insert(
                "INSERT INTO pause(tenant, rule, device, at, who, reason, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![tenant, scope.rule, device, now.millis(), by.who, by.words, until],
            )?,
        };
        let view = self
            .db
            .prepare_cached(&format!("{PAUSE} WHERE p.id = ?"))?
            .query_row([id], pause_view)?;
        let words = PauseWords::set(view.scope(), ends);
        self.pause_changed("paused", Some(by), tenant, &words, now)?;
        Ok(view)
    }

    /// Everything is paused from the start, until somebody resumes. A pause of everything that was there stays.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn pause_from_the_start(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let there: bool = self
            .db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM pause WHERE NOT settled AND ended_at IS NULL AND until IS NULL
                   AND tenant IS NULL AND rule IS NULL AND device IS NULL)",
            )?
            .query_row([], |row| row.get(0))?;
        if there {
            return Ok(());
        }
        // One that ends by itself would let things go before anybody has resumed; it is not changed, but outlasted.
        self.db
            .prepare_cached(
                "INSERT INTO pause(at, who, reason) VALUES (?, 'start', 'started with --paused')",
            )?
            .execute([now.millis()])?;
        self.pause_changed(
            "paused",
            Some(&By::new("start", None)),
            None,
            &PauseWords::set("everything".to_owned(), None),
            now,
        )
    }

    /// Ends the pauses that have every part which is given here; none is given: all. Returns those it ended.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn resume(
        &mut self,
        which: &PauseScope,
        by: &By,
        now: Timestamp,
    ) -> Result<Vec<PauseView>, JournalError> {
        let (tenant, device) = (
            which.tenant.map(|tenant| tenant.0),
            which.device.as_ref().map(DeviceGlob::as_str),
        );
        let sql = format!(
            "{PAUSE} WHERE NOT p.settled AND p.ended_at IS NULL AND (?1 IS NULL OR p.tenant = ?1)
               AND (?2 IS NULL OR p.rule = ?2) AND (?3 IS NULL OR p.device = ?3) ORDER BY p.id"
        );
        let found = all(self.db, &sql, params![tenant, which.rule, device], |row| {
            Ok((
                row.get::<_, i64>("id")?,
                row.get("tenant_id")?,
                pause_view(row)?,
            ))
        })?;
        let mut ended = Vec::new();
        for (id, tenant, view) in found {
            self.db
                .prepare_cached("UPDATE pause SET ended_at = ?2, ended_by = ?3 WHERE id = ?1 AND ended_at IS NULL")?
                .execute(params![id, now.millis(), by.to_string()])?;
            let words = PauseWords::ended(view.scope(), false);
            self.pause_changed("resumed", Some(by), tenant, &words, now)?;
            ended.push(view);
        }
        Ok(ended)
    }

    pub(super) fn pause_changed(
        &mut self,
        what: &str,
        by: Option<&By>,
        tenant: Option<i64>,
        pause: &PauseWords,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let words = by
            .and_then(|by| by.words.as_ref())
            .map_or_else(String::new, |words| format!(": {words}"));
        self.db
            .prepare_cached(
                "INSERT INTO event(at, what, tenant, who, data) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                now.millis(),
                what,
                tenant,
                by.map(|by| &by.who),
                format!("{}{}{words}", pause.scope, pause.aside())
            ])?;
        self.tell_pause(by, tenant.map(TenantId), pause, now)?;
        let concerned = "SELECT id FROM tenant WHERE ?1 IS NULL OR id = ?1";
        for tenant in all(self.db, concerned, [tenant], |row| row.get(0))? {
            self.touch(TenantId(tenant));
        }
        Ok(())
    }

    fn tell_pause(
        &mut self,
        by: Option<&By>,
        tenant: Option<TenantId>,
        pause: &PauseWords,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.forget_lasting(MessageType::PauseSet, tenant, &pause.scope)?;
        let what = if pause.over {
            MessageType::PauseEnded
        } else {
            MessageType::PauseSet
        };
        let mut told = Occasion::new(what, tenant, &pause.scope)
            .by(by.map(|by| by.who.as_str()))
            .until(pause.until);
        if let Some(words) = by.and_then(|by| by.words.as_ref()) {
            told = told.because(words);
        } else if pause.by_time {
            told = told.because("Its time is over.");
        }
        self.tell(&told, now)?;
        if !pause.over {
            let still = told.because("It is still in force after a day.");
            self.begins(&still, A_DAY, now)?;
        }
        Ok(())
    }
}
