//! What is known of a machine, for the planner: what waits, what is open, what cools, and which limits are spent.

use super::db::{AskedAbout, KnownQuestion, OptionalExtension, Value};
use super::error::JournalError;
use super::keys::TenantId;
use super::places::{Counting, Places, Series};
use super::reader::Reader;
use super::scan_row::openings;
use scanhook_core::alert::MachineId;
use scanhook_core::plan::{AHEAD, History, Open, Past, Waiting};
use scanhook_core::scan::{Kind, Mode, Priority, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Wanted;

/// What answers about the scans of a machine depend on.
pub(super) fn scans_of(tenant: TenantId, machine: &MachineId) -> AskedAbout {
    AskedAbout::Machine(tenant.0, machine.as_str().to_owned())
}

/// What is asked about the scans of a machine, of which each question has its own text.
fn of_machine(
    sql: &'static str,
    tenant: TenantId,
    machine: &MachineId,
    more: impl IntoIterator<Item = Value>,
) -> KnownQuestion {
    let name = machine.as_str().to_owned();
    let mut values = vec![Value::Int(tenant.0), Value::Text(name)];
    values.extend(more);
    KnownQuestion {
        sql,
        values,
        about: scans_of(tenant, machine),
    }
}

/// The scan that waits to be sent.
fn waiting(tenant: TenantId, machine: &MachineId, dry: bool) -> KnownQuestion {
    let sql = "SELECT id, kind, priority, opens_at, windows FROM scan
               WHERE tenant = ? AND machine = ? AND dry = ? AND state = 'waiting' AND NOT unanswered";
    of_machine(sql, tenant, machine, [Value::Bool(dry)])
}

/// The scan that may be at Defender, and one that goes back to the queue, though an earlier call of it may have been carried
/// out.
fn open(tenant: TenantId, machine: &MachineId) -> [KnownQuestion; 2] {
    [
        "SELECT id, kind, ours, cancel_by IS NOT NULL AS called_off FROM scan
         WHERE tenant = ? AND machine = ? AND state IN ('sending', 'unknown', 'running')",
        "SELECT id, kind, ours, cancel_by IS NOT NULL AS called_off FROM scan
         WHERE tenant = ? AND machine = ? AND state = 'waiting' AND unanswered",
    ]
    .map(|sql| of_machine(sql, tenant, machine, []))
}

/// The scans that ended in a time, the latest first.
fn past(tenant: TenantId, machine: &MachineId, since: Timestamp, now: Timestamp) -> KnownQuestion {
    let sql = "SELECT id, kind, ended_at, outcome FROM scan WHERE tenant = ? AND machine = ? AND state = 'finished'
                 AND ended_at > ? AND ended_at <= ? ORDER BY ended_at DESC, id DESC";
    let until = now.plus(AHEAD);
    let time = [since, until].map(|at| Value::Int(at.millis()));
    of_machine(sql, tenant, machine, time)
}

/// Since when a scan that has ended may cool this one.
fn cools_since(wanted: &Wanted, now: Timestamp) -> Timestamp {
    now.minus(wanted.cooldown.of(wanted.kind))
}

/// The scans that count together with this one: of its rule, and of its tenant.
pub(super) fn series<'r>(
    tenant: TenantId,
    rule: Option<&'r str>,
    wanted: &Wanted,
) -> [Series<'r>; 2] {
    let dry = matches!(wanted.mode, Mode::DryRun);
    let of = |of| Series { tenant, dry, of };
    [of(Counting::Rule(rule)), of(Counting::Tenant)]
}

/// All that `history` asks.
pub(super) fn questions(
    tenant: TenantId,
    machine: &MachineId,
    rule: Option<&str>,
    wanted: &Wanted,
    now: Timestamp,
) -> Vec<KnownQuestion> {
    let mut all = open(tenant, machine).to_vec();
    all.push(past(tenant, machine, cools_since(wanted, now), now));
    all.push(waiting(tenant, machine, wanted.mode == Mode::DryRun));
    all.extend(series(tenant, rule, wanted).map(|series| series.highest()));
    all
}

impl Reader<'_> {
    /// What is known of a machine, for the planner.
    pub(super) fn history(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        rule: Option<&str>,
        wanted: &Wanted,
        places: &mut Places,
        now: Timestamp,
    ) -> Result<History, JournalError> {
        let dry = wanted.mode == Mode::DryRun;
        let (last_quick, last_full) = self.past(tenant, machine, wanted, now)?;
        let [of_rule, of_tenant] = series(tenant, rule, wanted);
        let rule_used = places.used(self.db, &of_rule, wanted.limit, now)?;
        let tenant_used = places.used(self.db, &of_tenant, wanted.tenant_limit, now)?;
        Ok(History {
            waiting: self.waiting(tenant, machine, dry)?,
            open: self.open(tenant, machine)?,
            last_quick,
            last_full,
            rule_used,
            tenant_used,
        })
    }

    fn waiting(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        dry: bool,
    ) -> Result<Option<Waiting>, JournalError> {
        let asked = waiting(tenant, machine, dry);
        let row = self
            .db
            .query_row(asked.sql, &asked, |row| {
                Ok((
                    ScanId(row.get(0)?),
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                    row.get::<_, Option<i64>>(3)?,
                    openings(row.get::<_, Option<String>>(4)?.as_deref()),
                ))
            })
            .optional()?;
        Ok(row.and_then(|(scan, kind, priority, start, openings)| {
            let start = start.map(Timestamp::from_millis);
            Some(Waiting {
                scan,
                kind: Kind::of_code(&kind)?,
                priority: Priority::new(priority)?,
                start,
                openings,
            })
        }))
    }

    fn open(&self, tenant: TenantId, machine: &MachineId) -> Result<Option<Open>, JournalError> {
        let find = |asked: &KnownQuestion| {
            let found = self.db.query_row(asked.sql, asked, |row| {
                Ok((
                    ScanId(row.get(0)?),
                    row.get::<_, String>(1)?,
                    row.get(2)?,
                    row.get(3)?,
                ))
            });
            found.optional()
        };
        let [at_defender, goes_back] = open(tenant, machine);
        let mut row = find(&at_defender)?;
        if row.is_none() {
            row = find(&goes_back)?;
        }
        Ok(row.and_then(|(scan, kind, ours, called_off)| {
            Some(Open {
                scan,
                kind: Kind::of_code(&kind)?,
                ours,
                called_off,
            })
        }))
    }

    /// The latest Quick and Full that cool. Only what succeeded does; a dry scan cools dry decisions only.
    fn past(
        &self,
        tenant: TenantId,
        machine: &MachineId,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<(Option<Past>, Option<Past>), JournalError> {
        let dry = wanted.mode == Mode::DryRun;
        let mut latest = (None, None);
        let asked = past(tenant, machine, cools_since(wanted, now), now);
        let mut statement = self.db.prepare_cached(asked.sql)?;
        let mut rows = statement.query(&asked)?;
        while let Some(row) = rows.next()? {
            let (kind, outcome): (String, String) = (row.get(1)?, row.get(3)?);
            if outcome != "succeeded" && !(dry && outcome == "dry_run") {
                continue;
            }
            let past = Past {
                scan: ScanId(row.get(0)?),
                ended: Timestamp::from_millis(row.get(2)?),
            };
            let place = if kind == Kind::Full.code() {
                &mut latest.1
            } else {
                &mut latest.0
            };
            place.get_or_insert(past);
            if latest.1.is_some() {
                // An older Quick can only matter less than this Full: it cools a shorter time or as long.
                break;
            }
        }
        Ok(latest)
    }
}
