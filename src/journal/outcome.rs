//! What becomes of an order that a person gives: for each thing it names, done or not, and why not.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::error::JournalError;
use super::ids::{decision_row, decision_uuid};
use super::keys::TenantId;
use super::rows::{all, time};
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::alert::Alert;
use scanhook_core::person::By;
use scanhook_core::scan::{DecisionState, Kind, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Wanted};
use scanhook_core::why::Why;

/// The terms on which a scan that a person asks for begins. `None`: the tenant is not configured any more.
pub type OnTerms<'t> = dyn Fn(TenantId, AskedFor<'_>) -> Option<Wanted> + 't;

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    /// A decision's row.
    Decision(i64),
    /// A scan's row.
    Scan(i64),
    /// A delivery's row.
    Delivery(i64),
}

scanhook_core::codes! {
    /// What was done, or what stands in the way; the codes of the latter are those of the problem answers.
    pub enum Done {
        /// The held decision was approved.
        Approved = "approved",
        /// The held decision was denied.
        Denied = "denied",
        /// The scan had not begun and never will.
        Cancelled = "cancelled",
        /// Defender is asked, or will be once it is known whether the scan was begun there.
        Cancelling = "cancelling",
        /// Decided, or read, once more.
        Retried = "retried",
        /// That had been done before.
        Already = "already",
        /// Nothing has this id.
        UnknownId = "unknown-id",
        /// Several things have an id that begins so.
        AmbiguousId = "ambiguous-id",
        /// The decision is not held.
        NotHeld = "not-held",
        /// The alert does not say which machine it is, and neither does the order.
        MachineNeeded = "machine-needed",
        /// The alert says which machine it is, and the order names another.
        MachineKnown = "machine-known",
        /// The scan is over.
        AlreadyOver = "already-over",
        /// The machine action is somebody else's.
        ForeignAction = "foreign-action",
        /// Nothing may be sent for this tenant.
        DryRun = "dry-run",
        /// Its tenant or source is not configured any more.
        NotConfigured = "not-configured",
        /// It is not of a kind, or not in a state, that is tried again.
        NotRetryable = "not-retryable",
        /// The body of the delivery is past its retention.
        BodyGone = "body-gone",
    }
}

impl Done {
    /// Whether the order was carried out, now or before.
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(
            self,
            Done::Approved
                | Done::Denied
                | Done::Cancelled
                | Done::Cancelling
                | Done::Retried
                | Done::Already
        )
    }
}

/// Makes an item's view: `None` for an id that stands for nothing.
pub(super) fn item(db: &Connection, thing: Thing) -> Result<ItemView, JournalError> {
    match thing {
        Thing::Decision(row) => decision_item(db, row),
        Thing::Scan(row) => scan_item(db, row),
        Thing::Delivery(row) => delivery_item(db, row),
    }
}

pub(super) fn unknown(id: Uuid) -> ItemView {
    ItemView {
        id: id.to_string(),
        result: Some(Done::UnknownId.code().to_owned()),
        ..ItemView::default()
    }
}

/// The same with what was done.
pub(super) fn told(db: &Connection, thing: Thing, done: Done) -> Result<ItemView, JournalError> {
    Ok(ItemView {
        result: Some(done.code().to_owned()),
        ..item(db, thing)?
    })
}

fn decision_item(db: &Connection, row: i64) -> Result<ItemView, JournalError> {
    let sql = "SELECT d.*, t.name AS tenant_name, a.alert_id, a.fields, s.uuid AS scan_uuid, m.name AS known
               FROM decision d JOIN tenant t ON t.id = d.tenant JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
               LEFT JOIN scan s ON s.id = d.scan LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant
               WHERE d.id = ?";
    let read = |found: &Row<'_>| {
        let (reason, device): (String, String) = (found.get("reason")?, found.get("device")?);
        let (rule, kind): (Option<String>, Option<String>) =
            (found.get("rule")?, found.get("kind")?);
        let why: Why = serde_json::from_str(&found.get::<_, String>("why")?).unwrap_or_default();
        let kind = kind.as_deref().and_then(Kind::of_code);
        let sentence = Reason::of_code(&reason)
            .map(|reason| why.sentence(reason, rule.as_deref(), kind, &device));
        let alert: Alert =
            serde_json::from_str(&found.get::<_, String>("fields")?).unwrap_or_default();
        let said = alert
            .devices
            .iter()
            .find(|one| one.label() == device)
            .and_then(|one| one.name.clone());
        let state: String = found.get("state")?;
        let held = state == DecisionState::Held.code();
        Ok(ItemView {
            kind: "decision".to_owned(),
            id: decision_uuid(Timestamp::from_millis(found.get("at")?), row).to_string(),
            tenant: found.get("tenant_name")?,
            device: Some(device),
            machine: found.get("machine")?,
            name: found.get::<_, Option<String>>("known")?.or(said),
            title: alert.title,
            severity: alert.severity.map(|severity| severity.code().to_owned()),
            hold_ends: if held {
                found.get::<_, Option<i64>>("look_at")?.map(time)
            } else {
                None
            },
            rule,
            scan: Some(kind.map_or("none", Kind::code).to_owned()),
            state: Some(state),
            reason: Some(reason),
            scan_id: found
                .get::<_, Option<Uuid>>("scan_uuid")?
                .map(|uuid| uuid.to_string()),
            alerts: vec![found.get("alert_id")?],
            why: sentence,
            ..ItemView::default()
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([row], read)?)
}

fn scan_item(db: &Connection, row: i64) -> Result<ItemView, JournalError> {
    let sql = "SELECT s.*, t.name AS tenant_name, m.name AS known FROM scan s JOIN tenant t ON t.id = s.tenant
               LEFT JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant WHERE s.id = ?";
    let mut view = db.prepare_cached(sql)?.query_row([row], |found| {
        let id = found.get::<_, Uuid>("uuid")?.to_string();
        Ok(ItemView {
            kind: "scan".to_owned(),
            id: id.clone(),
            tenant: found.get("tenant_name")?,
            device: found.get("machine")?,
            machine: found.get("machine")?,
            name: found.get("known")?,
            rule: found.get("rule")?,
            scan: found.get("kind")?,
            state: found.get("state")?,
            reason: found.get("outcome")?,
            scan_id: Some(id),
            why: found.get("detail")?,
            ..ItemView::default()
        })
    })?;
    let alerts = "SELECT DISTINCT a.alert_id FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                  WHERE d.scan = ? ORDER BY 1 LIMIT 20";
    view.alerts = all(db, alerts, [row], |found| found.get(0))?;
    Ok(view)
}

fn delivery_item(db: &Connection, row: i64) -> Result<ItemView, JournalError> {
    let uuid: Uuid = db
        .prepare_cached("SELECT uuid FROM delivery WHERE id = ?")?
        .query_row([row], |found| found.get(0))?;
    let sql = "SELECT alert_id, state, reason, detail FROM alert WHERE delivery = ? ORDER BY state <> 'parked', n LIMIT 20";
    let alerts = all(db, sql, [row], |found| {
        Ok((
            found.get::<_, String>(0)?,
            found.get(1)?,
            found.get(2)?,
            found.get::<_, Option<String>>(3)?,
        ))
    })?;
    let first = alerts.first().cloned();
    let (state, reason, why) = first.map_or((None, None, None), |(_, state, reason, detail)| {
        (Some(state), reason, detail)
    });
    let alerts = alerts.into_iter().map(|(id, ..)| id).collect();
    let id = uuid.to_string();
    Ok(ItemView {
        kind: "delivery".to_owned(),
        id,
        state,
        reason,
        why,
        alerts,
        ..ItemView::default()
    })
}

/// What an id stands for.
pub(super) fn thing(db: &Connection, id: Uuid) -> Result<Option<Thing>, JournalError> {
    let scan: Option<i64> = db
        .prepare_cached("SELECT id FROM scan WHERE uuid = ?")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if let Some(row) = scan {
        return Ok(Some(Thing::Scan(row)));
    }
    if let Some(row) = decision(db, id)? {
        return Ok(Some(Thing::Decision(row)));
    }
    // A delivery's id holds the time it was accepted, which has an index where the id has none.
    let (high, _) = id.as_u64_pair();
    let at = i64::try_from(high >> 16).unwrap_or(i64::MAX);
    let about = (at.saturating_sub(60_000), at.saturating_add(60_000));
    let delivery: Option<i64> = db
        .prepare_cached("SELECT id FROM delivery WHERE received_at BETWEEN ? AND ? AND uuid = ?")?
        .query_row(params![about.0, about.1, id], |row| row.get(0))
        .optional()?;
    Ok(delivery.map(Thing::Delivery))
}

/// The decision of this id: it holds its row and its time, and both must agree.
pub(super) fn decision(db: &Connection, id: Uuid) -> Result<Option<i64>, JournalError> {
    let row = decision_row(id);
    let at: Option<i64> = db
        .prepare_cached("SELECT at FROM decision WHERE id = ?")?
        .query_row([row], |found| found.get(0))
        .optional()?;
    Ok(at
        .filter(|at| decision_uuid(Timestamp::from_millis(*at), row) == id)
        .map(|_| row))
}

/// Whether this happened to the decision before.
pub(super) fn happened_to(
    db: &Connection,
    what: &str,
    decision: i64,
) -> Result<bool, JournalError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM event WHERE decision = ? AND what = ?)";
    Ok(db
        .prepare_cached(sql)?
        .query_row(params![decision, what], |row| row.get(0))?)
}

impl Tx<'_> {
    /// Notes what a person did to a decision, a scan or both.
    pub(super) fn person_did(
        &mut self,
        what: &str,
        by: &By,
        place: (impl Into<Option<TenantId>>, Option<ScanId>, Option<i64>),
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (tenant, scan, decision) = place;
        let tenant: Option<TenantId> = tenant.into();
        let data = match (detail, by.words.as_deref()) {
            (Some(detail), Some(words)) => Some(format!("{detail}: {words}")),
            (one, other) => one.or(other).map(str::to_owned),
        };
        self.db
            .prepare_cached(
                "INSERT INTO event(at, what, tenant, scan, decision, who, data) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                now.millis(),
                what,
                tenant.map(|tenant| tenant.0),
                scan.map(|scan| scan.0),
                decision,
                by.who,
                data
            ])?;
        Ok(())
    }
}
