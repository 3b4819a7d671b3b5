//! What becomes of an order that a person gives: for each thing it names, done or not, and why not.

use uuid::Uuid;

use super::db::{Connection, params};
use super::error::JournalError;
use super::item::item;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::thing::Thing;
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::message::MessageType;
use scanhook_core::person::{By, PeopleNeeded};
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Wanted};

/// The terms on which a scan that a person asks for begins. `None`: the tenant is not configured any more.
pub type OnTerms<'t> = dyn Fn(TenantId, AskedFor<'_>) -> Option<Wanted> + 't;

scanhook_core::codes! {
    /// What was done, or what stands in the way; the codes of the latter are those of the problem answers.
    pub enum Done {
        /// The held decision was approved.
        Approved = "approved",
        /// The held decision was approved, and another person has to approve it as well.
        ApprovedOnce = "approved_once",
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
        UnknownId = "unknown-id",
        /// Several things have an id that begins so.
        AmbiguousId = "ambiguous-id",
        /// Another person has to approve it: this one has, or may be the one who has.
        SecondPersonNeeded = "second-person-needed",
        /// The decision is not held.
        NotHeld = "not-held",
        /// The alert does not say which machine it is, and neither does the order.
        MachineNeeded = "machine-needed",
        /// The alert says which machine it is, and the order names another.
        MachineKnown = "machine-known",
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
                | Done::ApprovedOnce
                | Done::Denied
                | Done::Cancelled
                | Done::Cancelling
                | Done::Retried
                | Done::Already
        )
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
    let item = item(db, thing)?;
    let people = item.people.as_ref().filter(|_| done == Done::ApprovedOnce);
    Ok(ItemView {
        result: Some(done.code().to_owned()),
        needs: people.map(PeopleNeeded::missing),
        ..item
    })
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
        let word = match what {
            "approved" => Some(MessageType::DecisionApproved),
            "denied" => Some(MessageType::DecisionDenied),
            _ => None,
        };
        if let (Some(word), Some(decision)) = (word, decision) {
            let said = Occasion::new(word, tenant, "").of_decision(decision);
            self.tell(&said.by(Some(&by.who)), now)?;
        }
        Ok(())
    }
}
