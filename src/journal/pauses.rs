//! Pauses: they keep matching scans from being sent, whatever else goes on. The rows are what is in force; a scan
//! that a pause of a rule or a device keeps back is taken out of the queue when its turn comes, so that it costs
//! nothing while it waits, and put back when the pause is over. What a whole tenant waits for needs no such mark.
//!
//! Pauses are looked up at the beginning of each poll (`worker::paused`), so none can be missed. One of a whole tenant
//! ends `poll_scans` at once. One of a rule or of devices is asked about each scan whose turn comes, at most 256 in a
//! poll: a scan it is for gets its mark (`pause`) and `not_before` = never. A scan that takes another alert along loses
//! the mark and is asked about anew. When a pause is over its marks are taken away, 1,000 in a poll. `max_age` counts
//! anew from the end of a pause without a row being written: [`Tx::too_old`] looks for the pauses that a scan has
//! waited in.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::JournalError;
use super::keys::TenantId;
use super::names::means_scan;
use super::rows::{all, time};
use super::scans::ScanRow;
use super::store::Tx;
use crate::api::{EventView, PauseView};
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::person::By;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// Scans that one poll puts back into the queue.
const STEP: u32 = 1_000;

/// A pause's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PauseId(pub i64);

/// What a pause is for; what is `None` narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseScope {
    /// One tenant.
    pub tenant: Option<TenantId>,
    /// Scans that only decisions of this rule ask for.
    pub rule: Option<String>,
    /// Machines of which an alert, or their id, is matched.
    pub device: Option<DeviceGlob>,
}

/// A pause of a rule or of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrow {
    /// Its row.
    pub id: PauseId,
    rule: Option<String>,
    device: Option<DeviceGlob>,
}

/// What is in force for one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivePauses {
    /// Nothing of the tenant is sent.
    pub whole: bool,
    /// These are not sent.
    pub narrow: Vec<Narrow>,
    /// When the next of them ends by itself; [`Timestamp::NEVER`]: none does.
    pub ends: Timestamp,
    /// Scans of an ended pause are still to be put back into the queue.
    pub more: bool,
}

struct Unsettled {
    id: i64,
    narrow: Option<Narrow>,
    until: Option<i64>,
    ended: bool,
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
        let until = until.map(Timestamp::millis);
        let same: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT id FROM pause WHERE settled = 0 AND ended_at IS NULL AND (until IS NULL OR until > ?4)
                   AND tenant IS ?1 AND rule IS ?2 AND device IS ?3",
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
            None => {
                self.db
                    .prepare_cached(
                        "INSERT INTO pause(tenant, rule, device, at, who, reason, until) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    )?
                    .execute(params![tenant, scope.rule, device, now.millis(), by.who, by.words, until])?;
                self.db.last_insert_rowid()
            }
        };
        let view = self
            .db
            .prepare_cached(&format!("{PAUSE} WHERE p.id = ?"))?
            .query_row([id], pause_view)?;
        self.pause_changed("paused", Some(by), tenant, &view.scope(), now)?;
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
                "SELECT EXISTS (SELECT 1 FROM pause WHERE settled = 0 AND ended_at IS NULL AND until IS NULL
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
            "everything",
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
            "{PAUSE} WHERE p.settled = 0 AND p.ended_at IS NULL AND (?1 IS NULL OR p.tenant = ?1)
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
            self.pause_changed("resumed", Some(by), tenant, &view.scope(), now)?;
            ended.push(view);
        }
        Ok(ended)
    }

    fn pause_changed(
        &mut self,
        what: &str,
        by: Option<&By>,
        tenant: Option<i64>,
        scope: &str,
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
                format!("{scope}{words}")
            ])?;
        let concerned = "SELECT id FROM tenant WHERE ?1 IS NULL OR id = ?1";
        for tenant in all(self.db, concerned, [tenant], |row| row.get(0))? {
            self.touch(TenantId(tenant));
        }
        Ok(())
    }

    /// What is in force for this tenant now. Pauses whose time is over end here, and what ended ones kept back goes
    /// into the queue again, some at a time and the most urgent first. `known` are those of the last time: their
    /// patterns need not be read again.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn pauses_in_force(
        &mut self,
        tenant: TenantId,
        mut known: Vec<Narrow>,
        now: Timestamp,
    ) -> Result<ActivePauses, JournalError> {
        let sql = "SELECT id, rule, device, until, ended_at IS NOT NULL FROM pause
                   WHERE settled = 0 AND (tenant IS NULL OR tenant = ?) ORDER BY id";
        let rows = all(self.db, sql, [tenant.0], |row| {
            let (id, rule): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
            let device: Option<String> = row.get(2)?;
            let place = known.iter().position(|narrow| narrow.id == PauseId(id));
            let narrow = (rule.is_some() || device.is_some()).then(|| match place {
                Some(place) => known.swap_remove(place),
                // It was checked when it was set. Should it not be readable all the same, nothing is let through.
                None => {
                    let device = device.and_then(|text| DeviceGlob::parse(&text).ok());
                    Narrow {
                        id: PauseId(id),
                        rule,
                        device,
                    }
                }
            });
            Ok(Unsettled {
                id,
                narrow,
                until: row.get(3)?,
                ended: row.get(4)?,
            })
        })?;
        let mut in_force = ActivePauses {
            ends: Timestamp::NEVER,
            ..ActivePauses::default()
        };
        for row in rows {
            let over = row.until.is_some_and(|until| until <= now.millis());
            if over && !row.ended {
                self.end_pause(row.id, now)?;
            }
            if over || row.ended {
                in_force.more |= self.let_go(tenant, row.id)?;
                continue;
            }
            in_force.ends = in_force
                .ends
                .min(row.until.map_or(Timestamp::NEVER, Timestamp::from_millis));
            match row.narrow {
                Some(narrow) => in_force.narrow.push(narrow),
                None => in_force.whole = true,
            }
        }
        Ok(in_force)
    }

    /// It ends when it was to end, even if nobody looked at that moment.
    fn end_pause(&mut self, pause: i64, now: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE pause SET ended_at = until WHERE id = ? AND ended_at IS NULL")?
            .execute([pause])?;
        let sql = format!("{PAUSE} WHERE p.id = ?");
        let (tenant, view) = self
            .db
            .prepare_cached(&sql)?
            .query_row([pause], |row| Ok((row.get("tenant_id")?, pause_view(row)?)))?;
        self.pause_changed(
            "resumed",
            None,
            tenant,
            &format!("{}; its time is over", view.scope()),
            now,
        )
    }

    /// Returns whether it kept back more than a step's worth of this tenant's.
    fn let_go(&mut self, tenant: TenantId, pause: i64) -> Result<bool, JournalError> {
        let step = self
            .db
            .prepare_cached(&format!(
                "UPDATE scan SET {BACK} WHERE id IN
                   (SELECT id FROM scan WHERE pause = ? AND tenant = ? ORDER BY priority DESC, id LIMIT ?)"
            ))?
            .execute(params![pause, tenant.0, STEP])?;
        self.db
            .prepare_cached(
                "UPDATE pause SET settled = 1 WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM scan WHERE pause = ?1)",
            )?
            .execute([pause])?;
        Ok(step == STEP as usize)
    }

    /// Takes a scan whose turn has come out of the queue until this pause is over.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was not to be sent.
    pub fn hold_back(&mut self, scan: ScanId, pause: PauseId) -> Result<(), JournalError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE scan SET pause = ?2, not_before = CASE state WHEN 'waiting' THEN ?3 ELSE not_before END
                 WHERE id = ?1 AND state IN ('waiting', 'unknown')",
            )?
            .execute(params![scan.0, pause.0, Timestamp::NEVER.millis()])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(JournalError::Conflict(
                "only what is to be sent can be held back",
            ))
        }
    }

    /// A scan that took another alert along is looked at anew: the pause may not be for that one.
    pub(super) fn reconsider_pause(&mut self, scan: ScanId) -> Result<(), JournalError> {
        let sql = format!("UPDATE scan SET {BACK} WHERE id = ? AND pause IS NOT NULL");
        self.db.prepare_cached(&sql)?.execute([scan.0])?;
        Ok(())
    }

    /// The first of these pauses that is for this scan.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn held_back_by(
        &self,
        pauses: &[Narrow],
        scan: &ScanRow,
    ) -> Result<Option<PauseId>, JournalError> {
        for pause in pauses {
            if concerns(self.db, pause, scan.id.0, scan.machine.as_str())? {
                return Ok(Some(pause.id));
            }
        }
        Ok(None)
    }

    /// Whether the scan has waited for longer than it may.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn too_old(
        &self,
        tenant: TenantId,
        scan: &ScanRow,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        Ok(self.good_until(tenant, scan, now)? < now)
    }

    /// Until when the scan may be sent, as far as that matters now. Its age counts anew from the end of a pause it waited
    /// in.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn good_until(
        &self,
        tenant: TenantId,
        scan: &ScanRow,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        if scan.not_after >= now {
            return Ok(scan.not_after);
        }
        let (created, max_age): (i64, i64) = self
            .db
            .prepare_cached("SELECT created_at, coalesce(max_age, not_after - created_at) FROM scan WHERE id = ?")?
            .query_row([scan.id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        // Those that ended too long ago would not help; of the others one is enough.
        let since = created.max(now.millis().saturating_sub(max_age).saturating_sub(1));
        let sql = "SELECT id, rule, device, ended_at FROM pause WHERE ended_at > ? AND (tenant IS NULL OR tenant = ?)
                   ORDER BY ended_at DESC";
        let ended = all(self.db, sql, params![since, tenant.0], |row| {
            let device = row
                .get::<_, Option<String>>(2)?
                .and_then(|text| DeviceGlob::parse(&text).ok());
            Ok((
                Narrow {
                    id: PauseId(row.get(0)?),
                    rule: row.get(1)?,
                    device,
                },
                row.get::<_, i64>(3)?,
            ))
        })?;
        for (pause, ended) in ended {
            if concerns(self.db, &pause, scan.id.0, scan.machine.as_str())? {
                return Ok(Timestamp::from_millis(ended.saturating_add(max_age)));
            }
        }
        Ok(scan.not_after)
    }
}

/// Back into the queue.
const BACK: &str =
    "pause = NULL, not_before = CASE state WHEN 'waiting' THEN NULL ELSE not_before END";

const PAUSE: &str = "SELECT p.*, p.tenant AS tenant_id, t.name AS tenant_name FROM pause p LEFT JOIN tenant t ON t.id = p.tenant";

fn pause_view(row: &Row<'_>) -> rusqlite::Result<PauseView> {
    Ok(PauseView {
        tenant: row.get("tenant_name")?,
        rule: row.get("rule")?,
        device: row.get("device")?,
        at: time(row.get("at")?),
        by: row.get("who")?,
        reason: row.get("reason")?,
        until: row.get::<_, Option<i64>>("until")?.map(time),
        note: None,
    })
}

/// Whether a pause is for a scan: each part of it that says something must be true. A rule's pause keeps back what
/// only that rule asks for, for it must not silence another one; a device's pause keeps back every scan of a machine
/// that any alert names so.
fn concerns(
    db: &Connection,
    pause: &Narrow,
    scan: i64,
    machine: &str,
) -> Result<bool, JournalError> {
    if let Some(rule) = &pause.rule {
        let others: bool = db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM decision WHERE scan = ?1 AND rule IS NOT ?2)",
            )?
            .query_row(params![scan, rule], |row| row.get(0))?;
        if others {
            return Ok(false);
        }
    }
    pause
        .device
        .as_ref()
        .map_or(Ok(true), |glob| means_scan(db, glob, scan, machine))
}

/// Every pause in force, oldest first.
pub(super) fn in_force(db: &Connection) -> Result<Vec<PauseView>, JournalError> {
    all(
        db,
        &format!("{PAUSE} WHERE p.settled = 0 AND p.ended_at IS NULL ORDER BY p.id"),
        [],
        pause_view,
    )
}

/// The pause in force that keeps this waiting scan from being sent.
pub(super) fn of_scan(db: &Connection, scan: i64) -> Result<Option<PauseView>, JournalError> {
    let sql = format!(
        "{PAUSE} JOIN scan s ON s.id = ? WHERE p.settled = 0 AND p.ended_at IS NULL
           AND (p.tenant IS NULL OR p.tenant = s.tenant) ORDER BY p.id"
    );
    let found = concerning(db, &sql, scan)?;
    Ok(found.into_iter().next().map(|(_, view)| view))
}

/// What pauses did to a scan while it waited, each line with its time.
pub(super) fn history(db: &Connection, scan: i64) -> Result<Vec<(i64, EventView)>, JournalError> {
    let sql = format!(
        "{PAUSE} JOIN scan s ON s.id = ? WHERE (p.tenant IS NULL OR p.tenant = s.tenant) AND NOT s.dry
           AND p.at <= coalesce(s.sent_at, s.ended_at, p.at) AND (p.ended_at IS NULL OR p.ended_at > s.created_at)
         ORDER BY p.id"
    );
    let mut lines = Vec::new();
    for ((at, ended), view) in concerning(db, &sql, scan)? {
        let line = |at: i64, what: &str, who: Option<String>, detail: Option<String>| {
            (
                at,
                EventView {
                    at: time(at),
                    what: what.to_owned(),
                    detail,
                    who,
                },
            )
        };
        let reason = view
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        lines.push(line(
            at,
            "paused",
            Some(view.by.clone()),
            Some(format!("{}{reason}", view.scope())),
        ));
        if let Some((ended, by)) = ended {
            let who = by.unwrap_or_else(|| "its time was over".to_owned());
            lines.push(line(
                ended,
                "resumed",
                None,
                Some(format!("{}, {who}", view.scope())),
            ));
        }
    }
    Ok(lines)
}

/// When a pause began, and when it ended by whom.
type Span = (i64, Option<(i64, Option<String>)>);

fn concerning(
    db: &Connection,
    sql: &str,
    scan: i64,
) -> Result<Vec<(Span, PauseView)>, JournalError> {
    let machine: String = db
        .prepare_cached("SELECT machine FROM scan WHERE id = ?")?
        .query_row([scan], |row| row.get(0))?;
    let rows = all(db, sql, [scan], |row| {
        let ended = row.get::<_, Option<i64>>("ended_at")?;
        let by: Option<String> = row.get("ended_by")?;
        Ok((
            row.get::<_, i64>("id")?,
            (row.get("at")?, ended.map(|ended| (ended, by))),
            pause_view(row)?,
        ))
    })?;
    let mut found = Vec::new();
    for (id, span, view) in rows {
        let device = view
            .device
            .as_ref()
            .and_then(|text| DeviceGlob::parse(text).ok());
        let narrow = Narrow {
            id: PauseId(id),
            rule: view.rule.clone(),
            device,
        };
        if concerns(db, &narrow, scan, &machine)? {
            found.push((span, view));
        }
    }
    Ok(found)
}
