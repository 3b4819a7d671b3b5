//! The numbers of the first screen, from counters and from indexes of the few: nothing here walks a table.

use std::collections::BTreeMap;

use rusqlite::types::FromSql;

use super::counts::MINUTE;
use super::db::{Params, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::reader::Reader;
use super::retryable::AGAIN;
use super::rows::{all, time};
use super::selector::listed;
use super::views::LISTED_DECISIONS;
use crate::api::{FlowView, MinuteView, PersonView};
use scanhook_core::forecast::Awaiting;
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;

const HOUR: i64 = 3_600_000;
/// Decisions of the last minutes whose devices are counted.
const LOOKED_AT: u32 = 20_000;
/// Decisions that end within so many milliseconds of each other are taken together.
const TOGETHER: i64 = 5_000;

/// What the journal knows of now.
#[derive(Clone, Debug, Default)]
pub struct NowNumbers {
    pub person: PersonView,
    pub flow: FlowView,
    pub minutes: Vec<MinuteView>,
    /// By tenant.
    pub tenants: BTreeMap<TenantId, TenantNumbers>,
}

/// What waits of one tenant.
#[derive(Clone, Debug, Default)]
pub struct TenantNumbers {
    /// Scans that wait to be sent.
    pub waiting: u64,
    /// Decisions that wait for the directory, by the API that is asked.
    pub awaiting: BTreeMap<String, Vec<Awaiting>>,
}

impl Reader<'_> {
    /// What is to be known now of these tenants, or of all and of what belongs to none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn numbers(
        &self,
        tenants: Option<&[TenantId]>,
        now: Timestamp,
    ) -> Result<NowNumbers, JournalError> {
        let of = |column: &str| match tenants {
            Some(tenants) => format!(" AND {column} IN ({})", listed(tenants)),
            None => String::new(),
        };
        let mut numbers = NowNumbers {
            person: self.waits_for_people(&of, tenants.is_none(), now)?,
            flow: self.flows(&of, now)?,
            minutes: self.minutes(&of("tenant"), now)?,
            tenants: BTreeMap::new(),
        };
        self.add_waiting(&mut numbers, &of)?;
        Ok(numbers)
    }

    /// What waits of each tenant, and nothing else.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn waiting_by_tenant(&self) -> Result<NowNumbers, JournalError> {
        let mut numbers = NowNumbers::default();
        self.add_waiting(&mut numbers, &|_| String::new())?;
        Ok(numbers)
    }

    fn add_waiting(
        &self,
        numbers: &mut NowNumbers,
        of: &dyn Fn(&str) -> String,
    ) -> Result<(), JournalError> {
        let waiting = format!(
            "SELECT tenant, scans FROM scan_count WHERE state = 'waiting'{}",
            of("tenant")
        );
        for (tenant, waiting) in self.pairs::<i64>(&waiting, [])? {
            numbers.tenants.entry(TenantId(tenant)).or_default().waiting = waiting;
        }
        let resolving = format!(
            "SELECT tenant, decisions FROM decision_count WHERE state = 'resolving' AND decisions > 0{}",
            of("tenant")
        );
        for (tenant, _) in self.pairs::<i64>(&resolving, [])? {
            let tenant = TenantId(tenant);
            numbers.tenants.entry(tenant).or_default().awaiting = self.awaiting(tenant)?;
        }
        Ok(())
    }

    /// Held decisions that are dropped within the hour if nobody answers, by the name of their tenant; by the index of those
    /// that end, so that what is held for longer costs nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn holds_ending(&self, now: Timestamp) -> Result<BTreeMap<String, u32>, JournalError> {
        let sql = "SELECT tenant.name, count(*) FROM tenant CROSS JOIN decision
                   WHERE decision.tenant = tenant.id AND decision.state = 'held' AND decision.look_at <= ? GROUP BY 1";
        all(self.db, sql, [now.millis() + HOUR], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map(|rows| rows.into_iter().collect())
    }

    fn waits_for_people(
        &self,
        of: &dyn Fn(&str) -> String,
        all_of_it: bool,
        now: Timestamp,
    ) -> Result<PersonView, JournalError> {
        let held = format!(
            "SELECT reason, sum(decisions) FROM decision_count WHERE state = 'held' AND decisions > 0{} GROUP BY 1",
            of("tenant")
        );
        let ending = format!(
            "SELECT count(*) FROM decision WHERE state = 'held' AND tenant IN (SELECT id FROM tenant)
               AND look_at <= ?{}",
            of("+tenant")
        );
        let oldest = format!(
            "SELECT min(at) FROM (SELECT at FROM decision
               WHERE state = 'held' AND state IN ({LISTED_DECISIONS}){} ORDER BY id LIMIT 1) AS oldest",
            of("+tenant")
        );
        let failed = AGAIN
            .iter()
            .map(|outcome| format!("'{}'", outcome.code()))
            .collect::<Vec<_>>()
            .join(", ");
        // Called off is as somebody wanted it.
        let failed = format!(
            "SELECT outcome, count(*) FROM scan INDEXED BY scan_failed_at
             WHERE outcome IN ({failed}) AND ended_at >= ? AND outcome <> '{}'{} GROUP BY 1",
            Outcome::Cancelled.code(),
            of("tenant")
        );
        let parked = "SELECT coalesce(sum(alerts), 0) FROM parked";
        Ok(PersonView {
            held: self.pairs(&held, [])?.into_iter().collect(),
            ending_1h: self.number(&ending, [now.millis() + HOUR])?,
            oldest: self
                .db
                .prepare_cached(&oldest)?
                .query_row([], |row| row.get::<_, Option<i64>>(0))?
                .map(time),
            parked: if all_of_it {
                self.number(parked, [])?
            } else {
                0
            },
            failed_24h: self
                .pairs(&failed, [now.millis() - 24 * HOUR])?
                .into_iter()
                .collect(),
        })
    }

    fn flows(&self, of: &dyn Fn(&str) -> String, now: Timestamp) -> Result<FlowView, JournalError> {
        let since = now.millis() - 5 * MINUTE;
        let alerts = format!(
            "SELECT coalesce(sum(alerts), 0) FROM minute WHERE at > ?{}",
            of("tenant")
        );
        let machines = format!(
            "SELECT count(DISTINCT about) FROM (SELECT coalesce(machine, device) AS about
               FROM decision INDEXED BY decision_at WHERE at >= ?{} LIMIT {LOOKED_AT}) AS latest",
            of("tenant")
        );
        let scans = |states: &str| {
            let sql = format!(
                "SELECT coalesce(sum(scans), 0) FROM scan_count WHERE state IN ({states}){}",
                of("tenant")
            );
            self.number(&sql, [])
        };
        Ok(FlowView {
            alerts_5m: self.number(&alerts, [since])?,
            machines_5m: self.number(&machines, [since])?,
            waiting: scans("'waiting'")?,
            running: scans("'sending', 'unknown', 'running'")?,
            last_leaves_at: None,
        })
    }

    /// The last hour, each minute of it.
    fn minutes(&self, of_tenants: &str, now: Timestamp) -> Result<Vec<MinuteView>, JournalError> {
        let last = now.millis() / MINUTE * MINUTE;
        let sql = format!(
            "SELECT at, sum(alerts), sum(scan_calls), sum(held) FROM minute WHERE at > ?{of_tenants} GROUP BY at"
        );
        let rows = all(self.db, &sql, [last - HOUR], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            Ok((row.get::<_, i64>(0)?, [number(1)?, number(2)?, number(3)?]))
        })?;
        let counted: BTreeMap<i64, [u64; 3]> = rows.into_iter().collect();
        let minutes = (0..60).rev().map(|back| last - back * MINUTE);
        Ok(minutes
            .map(|at| {
                let [alerts, scan_calls, held] = counted.get(&at).copied().unwrap_or_default();
                MinuteView {
                    at: time(at),
                    alerts,
                    scan_calls,
                    held,
                }
            })
            .collect())
    }

    /// What waits for the directory, by the API that is asked and by when it ends. What has not opened a question yet will
    /// ask for its device.
    pub(super) fn awaiting(
        &self,
        tenant: TenantId,
    ) -> Result<BTreeMap<String, Vec<Awaiting>>, JournalError> {
        let sql = "SELECT coalesce(q.api, 'machines'), d.look_at / ?2 * ?2, count(*), count(DISTINCT coalesce(d.asks, d.device))
                   FROM decision d LEFT JOIN device q ON q.tenant = d.tenant AND q.asked = d.asks
                   WHERE d.tenant = ?1 AND d.state = 'resolving' AND d.look_at IS NOT NULL GROUP BY 1, 2";
        let rows = all(self.db, sql, params![tenant.0, TOGETHER], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            Ok((
                row.get::<_, String>(0)?,
                Awaiting {
                    until: Timestamp::from_millis(row.get(1)?),
                    decisions: number(2)?,
                    questions: number(3)?,
                },
            ))
        })?;
        let mut awaiting: BTreeMap<String, Vec<Awaiting>> = BTreeMap::new();
        for (api, one) in rows {
            awaiting.entry(api).or_default().push(one);
        }
        Ok(awaiting)
    }

    pub(super) fn number(&self, sql: &str, values: impl Params) -> Result<u64, JournalError> {
        let number: i64 = self
            .db
            .prepare_cached(sql)?
            .query_row(values, |row| row.get(0))?;
        Ok(number.unsigned_abs())
    }

    fn pairs<K: FromSql>(
        &self,
        sql: &str,
        values: impl Params,
    ) -> Result<Vec<(K, u64)>, JournalError> {
        all(self.db, sql, values, |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })
    }
}
