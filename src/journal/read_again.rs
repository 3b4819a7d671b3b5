//! A delivery is read again from its body, because it could not be read before. Only its parked alerts are replaced:
//! where as many are read as before, those at their places; otherwise all that have not the id of one that stays.

use uuid::Uuid;

use super::acceptance::Acceptance;
use super::comes_to::retry_of_delivery;
use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::outcome::{Done, told};
use super::packed::Body;
use super::reader::Reader;
use super::rows::all;
use super::thing::{Thing, thing};
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::alert::Alert;
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::person::By;
use scanhook_core::time::Timestamp;

/// A delivery that is to be read again.
pub struct Recalled {
    pub row: i64,
    /// The source it came from.
    pub source: String,
    /// The request as it was authenticated; `None`: its body is past retention.
    pub delivery: Option<VerifiedDelivery>,
}

/// What stands behind the ids of an order.
#[derive(Default)]
pub struct Sorted {
    /// Scans, decisions, and ids of nothing.
    pub others: Vec<Uuid>,
    pub deliveries: Vec<i64>,
}

impl Reader<'_> {
    /// Tells deliveries from the other ids.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn sort_out(&self, ids: &[Uuid]) -> Result<Sorted, JournalError> {
        let mut sorted = Sorted::default();
        for id in ids {
            match thing(self.db, *id)? {
                Some(Thing::Delivery(row)) => sorted.deliveries.push(row),
                _ => sorted.others.push(*id),
            }
        }
        Ok(sorted)
    }

    /// A delivery with its body.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn recall(&self, row: i64) -> Result<Recalled, JournalError> {
        let sql = "SELECT source, received_at, body FROM delivery WHERE id = ?";
        Ok(self.db.prepare_cached(sql)?.query_row([row], |found| {
            let source: String = found.get(0)?;
            let received = Timestamp::from_millis(found.get(1)?);
            let body: Option<Body> = found.get(2)?;
            let delivery =
                body.map(|body| VerifiedDelivery::recalled(&source, body.0.into(), received));
            Ok(Recalled {
                row,
                source,
                delivery,
            })
        })?)
    }

    /// A delivery that is not read again, with what stands in the way.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn not_read_again(&self, row: i64, why: Done) -> Result<ItemView, JournalError> {
        told(self.db, Thing::Delivery(row), why)
    }
}

/// What tells an alert from the others of its delivery. Of an id that was derived that is the number behind the hash:
/// earlier versions took another hash.
fn known_by(id: &str, derived: bool) -> String {
    let number = id.split_once('.').map_or("", |(_, number)| number);
    if derived {
        format!("derived.{number}")
    } else {
        id.to_owned()
    }
}

impl Tx<'_> {
    /// Takes in what a delivery reads as now. Only alerts that were parked are replaced: where as many are read as
    /// before, those at their places; otherwise all that have not the id of one that stays.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn read_again(
        &mut self,
        row: i64,
        acceptance: &Acceptance,
        by: &By,
        now: Timestamp,
    ) -> Result<ItemView, JournalError> {
        let stored = all(
            self.db,
            "SELECT n, alert_id, state, fields FROM alert WHERE delivery = ? ORDER BY n",
            [row],
            |found| {
                let n = usize::try_from(found.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                let alert = serde_json::from_str(&found.get::<_, String>(3)?)
                    .unwrap_or_else(|_| Alert::default());
                let id = known_by(&found.get::<_, String>(1)?, alert.id_derived);
                Ok((n, id, found.get::<_, String>(2)? == "parked"))
            },
        )?;
        if !stored.iter().any(|(_, _, parked)| *parked) {
            return told(
                self.db,
                Thing::Delivery(row),
                retry_of_delivery(self.db, row)?,
            );
        }
        self.db
            .prepare_cached("DELETE FROM alert WHERE delivery = ? AND state = 'parked'")?
            .execute([row])?;
        let same = stored.len() == acceptance.alerts.len();
        let kept: Vec<&str> = stored
            .iter()
            .filter(|(.., parked)| !parked)
            .map(|(_, id, _)| id.as_str())
            .collect();
        let mut free = stored
            .iter()
            .map(|(n, ..)| *n)
            .max()
            .map_or(0, |most| most + 1);
        let mut places = stored
            .iter()
            .filter(|(.., parked)| *parked)
            .map(|(n, ..)| *n);
        let since = now.minus(acceptance.remember);
        for (n, alert) in acceptance.alerts.iter().enumerate() {
            let place = if same {
                stored
                    .get(n)
                    .filter(|(.., parked)| *parked)
                    .map(|(n, ..)| *n)
            } else if kept
                .contains(&known_by(&alert.item.alert().id, alert.item.alert().id_derived).as_str())
            {
                None
            } else {
                places.next().or_else(|| {
                    free += 1;
                    Some(free - 1)
                })
            };
            if let Some(place) = place {
                self.accept_alert(acceptance, row, place, alert, since, now)?;
            }
        }
        let made = "SELECT id, tenant FROM decision WHERE delivery = ? AND at = ? ORDER BY id";
        let made: Vec<(i64, TenantId)> = all(self.db, made, params![row, now.millis()], |found| {
            Ok((found.get(0)?, TenantId(found.get(1)?)))
        })?;
        for (decision, tenant) in &made {
            self.person_did("retried", by, (*tenant, None, Some(*decision)), None, now)?;
        }
        if made.is_empty() {
            self.person_did("retried", by, (None, None, None), Some("a delivery"), now)?;
        }
        told(self.db, Thing::Delivery(row), Done::Retried)
    }
}
