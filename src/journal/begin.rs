//! A scan is begun, or one that exists answers (`join`). This is where a decision becomes work, apart from the row that
//! records it.

use uuid::Uuid;

use super::db::{Row, params};
use super::decision_row::{DecisionRow, held};
use super::error::JournalError;
use super::keys::TenantId;
use super::new_decision::NewDecision;
use super::occasion::Occasion;
use super::reader::Reader;
use super::rows::millis;
use super::scan_row::windows;
use super::tx::Tx;
use scanhook_core::alert::MachineId;
use scanhook_core::message::MessageType;
use scanhook_core::plan::{Plan, plan};
use scanhook_core::scan::{DecisionState, Kind, Mode, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Limit, Wanted};
use scanhook_core::why::Why;

/// A scan begins. Two texts, for no index of those of the same rule is found by one that serves both.
macro_rules! insert_scan {
    ($of_rule:literal) => {
        concat!(
            "INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_before,
                              not_after, max_age, counted, blocked_by, opens_at, windows, of_rule, of_tenant)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,
               CASE WHEN ?12 THEN 1 + coalesce((SELECT max(of_rule) FROM scan WHERE tenant = ?2 AND dry = ?4 AND ",
            $of_rule,
            "    AND of_rule IS NOT NULL), 0) END,
               CASE WHEN ?12 THEN 1 + coalesce((SELECT max(of_tenant) FROM scan WHERE tenant = ?2 AND dry = ?4
                 AND of_tenant IS NOT NULL), 0) END)"
        )
    };
}

impl Tx<'_> {
    pub(super) fn admit_scan(
        &mut self,
        new: &NewDecision<'_>,
        machine: &MachineId,
        begun: NewScan<'_>,
        mut why: Why,
        now: Timestamp,
    ) -> Result<DecisionRow, JournalError> {
        let NewScan { rule, wanted, .. } = begun;
        let history = Reader { db: self.db }.history(new.tenant, machine, rule, wanted, now)?;
        let plan = plan(&history, wanted, now);
        let scan = match plan {
            Plan::Begin { after, start } => {
                why.behind = after.map(|after| self.named(after)).transpose()?.flatten();
                self.begin(new.tenant, machine, begun, after, start, now)?
            }
            Plan::Join(ref joined) => {
                // The earlier start counts.
                why.start = joined.start;
                why.windows = joined
                    .start
                    .map_or_else(Vec::new, |_| joined.openings.names());
                self.join(joined, wanted, now)?;
                joined.scan
            }
            Plan::Answered(scan, reason) => {
                self.rely_on(scan, wanted, now)?;
                if reason == Reason::Cooldown {
                    let past = [history.last_quick, history.last_full];
                    why.cooled_by = past
                        .into_iter()
                        .flatten()
                        .find(|p| p.scan == scan)
                        .map(|p| p.ended);
                }
                scan
            }
            Plan::Hold(reason) => {
                if reason == Reason::Limit {
                    let spent = |limit: Option<Limit>, used| {
                        limit
                            .filter(|limit| used >= limit.scans)
                            .map(|limit| ((used, limit.scans), limit.per))
                    };
                    let of_rule = spent(wanted.limit, history.rule_used);
                    why.limit_of_tenant = of_rule.is_none();
                    let spent = of_rule.or_else(|| spent(wanted.tenant_limit, history.tenant_used));
                    (why.limit, why.limit_per) =
                        spent.map(|(limit, per)| (limit, per.as_secs())).unzip();
                }
                return Ok(held(reason, wanted, why, now));
            }
        };
        Ok(DecisionRow {
            state: DecisionState::Scan,
            reason: plan.reason(),
            scan: Some(scan),
            why,
            look_at: None,
        })
    }

    /// A scan's id and kind, as others see them.
    fn named(&self, scan: ScanId) -> Result<Option<(String, Kind)>, JournalError> {
        let sql = "SELECT uuid, kind FROM scan WHERE id = ?";
        let read =
            |row: &Row<'_>| Ok((row.get::<_, Uuid>(0)?.to_string(), row.get::<_, String>(1)?));
        let (uuid, kind) = self.db.prepare_cached(sql)?.query_row([scan.0], read)?;
        Ok(Kind::of_code(&kind).map(|kind| (uuid, kind)))
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "whom it is for, what is wanted, and what stands in its way"
    )]
    fn begin(
        &mut self,
        tenant: TenantId,
        machine: &MachineId,
        begun: NewScan<'_>,
        after: Option<ScanId>,
        start: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<ScanId, JournalError> {
        let NewScan {
            rule,
            wanted,
            counted,
        } = begun;
        // Scans that count are numbered within their rule and tenant: whether a limit is spent is told by the one so many
        // numbers back (`history`), found in an index, and not by counting them.
        let uuid = self.new_uuid(now);
        let sql = match rule {
            Some(_) => insert_scan!("rule = ?7"),
            None => insert_scan!("rule IS NULL"),
        };
        let scan = ScanId(self.db.insert(
            sql,
            params![
                uuid,
                tenant.0,
                machine.as_str(),
                wanted.mode == Mode::DryRun,
                wanted.kind.code(),
                wanted.priority.get(),
                rule,
                now.millis(),
                // It waits for the end of the weaker scan, an event and not a time.
                after.map_or(start, |_| Some(Timestamp::NEVER)).map(Timestamp::millis),
                not_after(wanted, start, now).millis(),
                millis(wanted.max_age),
                counted,
                after.map(|scan| scan.0.to_string()),
                start.map(Timestamp::millis),
                windows(&wanted.openings),
            ],
        )?);
        let begun = Occasion::new(MessageType::ScanBegun, tenant, "").of_scan(scan);
        self.tell(&begun, now)?;
        Ok(scan)
    }
}

/// How long it may wait to be sent: from receipt, or from the opening of its window.
pub(super) fn not_after(wanted: &Wanted, start: Option<Timestamp>, now: Timestamp) -> Timestamp {
    start.unwrap_or(now).max(now).plus(wanted.max_age)
}

/// What a scan begins with.
#[derive(Clone, Copy)]
pub(super) struct NewScan<'a> {
    pub(super) rule: Option<&'a str>,
    pub(super) wanted: &'a Wanted,
    pub(super) counted: bool,
}
