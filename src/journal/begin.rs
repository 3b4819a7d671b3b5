//! A scan is begun, or one that exists answers (`join`). This is where a decision becomes work, apart from the row that
//! records it.

use uuid::Uuid;

use super::db::{Row, params};
use super::decision_row::{DecisionRow, FreshScan, held};
use super::error::JournalError;
use super::history::{scans_of, series};
use super::keys::TenantId;
use super::new_decision::NewDecision;
use super::occasion::Occasion;
use super::places::Series;
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
use scanhook_core::wait::{ScanStanding, Wait};
use scanhook_core::why::Why;

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
        let reader = Reader { db: self.db };
        let history = reader.history(new.tenant, machine, rule, wanted, self.places, now)?;
        let plan = plan(&history, wanted, now);
        let of_machine = scans_of(new.tenant, machine);
        let mut fresh = None;
        let scan = match plan {
            Plan::Begin { after, start } => {
                why.behind = after.map(|after| self.named(after)).transpose()?.flatten();
                let (scan, uuid) = self.begin(new.tenant, machine, begun, after, start, now)?;
                fresh = Some(FreshScan {
                    uuid,
                    standing: standing(wanted, why.behind.clone(), start),
                });
                scan
            }
            Plan::Join(ref joined) => {
                // The earlier start counts.
                why.start = joined.start;
                why.windows = joined
                    .start
                    .map_or_else(Vec::new, |_| joined.openings.names());
                let earlier = history.waiting.as_ref().and_then(|waiting| waiting.start);
                self.join(joined, earlier, wanted, &of_machine, now)?;
                joined.scan
            }
            Plan::Answered(scan, reason) => {
                self.rely_on(scan, wanted, &of_machine, now)?;
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
            fresh,
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
    ) -> Result<(ScanId, Uuid), JournalError> {
        let NewScan {
            rule,
            wanted,
            counted,
        } = begun;
        let uuid = self.new_uuid(now);
        let [of_rule, of_tenant] = series(tenant, rule, wanted);
        let mut place = |series: &Series<'_>| {
            counted
                .then(|| self.places.next(self.db, series, now))
                .transpose()
        };
        let places = (place(&of_rule)?, place(&of_tenant)?);
        self.db.differs(&scans_of(tenant, machine));
        let scan = ScanId(self.db.insert(
            "INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_before,
                              not_after, max_age, counted, blocked_by, opens_at, windows, of_rule, of_tenant)
             VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                places.0,
                places.1,
            ],
        )?);
        let begun = Occasion::new(MessageType::ScanBegun, tenant, "").of_scan(scan);
        self.tell(&begun, now)?;
        Ok((scan, uuid))
    }
}

/// How a scan stands that is begun now, apart from what keeps others back as well.
fn standing(
    wanted: &Wanted,
    behind: Option<(String, Kind)>,
    start: Option<Timestamp>,
) -> ScanStanding {
    let own = match behind {
        Some((scan, kind)) => Some(Wait::Behind(scan, kind)),
        None => start.map(|start| Wait::Window(wanted.openings.names(), Some(start))),
    };
    ScanStanding {
        dry: wanted.mode == Mode::DryRun,
        pause: None,
        own,
        priority: wanted.priority,
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
