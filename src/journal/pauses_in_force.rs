//! What is in force for a tenant at a poll. Pauses whose time is over end here, and what ended ones kept back goes into
//! the queue again. Its marks are taken away 1,000 in a poll, so that an ended pause delays nobody's work.

use super::db::params;
use super::error::JournalError;
use super::held_back::BACK;
use super::keys::TenantId;
use super::pause_row::{Narrow, PAUSE, PauseId, pause_view};
use super::pauses::PauseWords;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::time::Timestamp;

/// Scans that one poll puts back into the queue.
const STEP: u32 = 1_000;

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
                   WHERE NOT settled AND (tenant IS NULL OR tenant = ?) ORDER BY id";
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
            &PauseWords::ended(view.scope(), true),
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
                "UPDATE pause SET settled = TRUE WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM scan WHERE pause = ?1)",
            )?
            .execute([pause])?;
        Ok(step == STEP as usize)
    }
}
