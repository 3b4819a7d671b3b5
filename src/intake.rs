//! Raw request to receipt: authenticate, read, decide, and one transaction that is cancel-safe. One screen.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::api::Receipt;
use crate::domain::delivery::VerifiedDelivery;
use crate::domain::mapping::{self, Item};
use crate::domain::rules::Facts;
use crate::domain::signature::{self, Presented, Refused};
use crate::domain::strict_json::{self, NotStrict};
use crate::domain::time::Timestamp;
use crate::journal::{Acceptance, AcceptedAlert, Journal, JournalError, PolicyId, TenantId};
use crate::keyrings::Ring;
use crate::policy::{Policy, Question, Terms};
use crate::settings::Source;

/// What a source is allowed and whom it acts for.
pub struct Desk {
    /// The configured source.
    pub source: Source,
    /// The tenant's row.
    pub tenant: TenantId,
    /// What the tenant allows.
    pub terms: Terms,
}

/// What every source is allowed, by its name.
pub type Desks = BTreeMap<String, Desk>;

/// The policy in force with its row.
pub type Current = watch::Receiver<(Arc<Policy>, PolicyId)>;

/// Everything intake needs.
pub struct Intake {
    /// By source name.
    pub desks: Arc<Desks>,
    /// The policy in force.
    pub policy: Current,
    /// The durable record.
    pub journal: Journal,
    /// The keys of token issuers.
    pub keys: Ring,
}

/// Why a request became no delivery.
#[derive(Debug, thiserror::Error)]
pub enum NotAccepted {
    /// No such source.
    #[error("unknown source")]
    UnknownSource,
    /// The credential is malformed or wrong.
    #[error("not authenticated")]
    Credential(Refused),
    /// Authenticated, but no strict JSON; the key that matched and the body's hash are for the log.
    #[error("the body is not strict JSON")]
    NotStrict {
        /// What is wrong.
        fault: NotStrict,
        /// The credential's id.
        credential: String,
        /// The delivery's key, as hex.
        body: String,
    },
    /// The journal could not take it.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A delivery that is on disk.
pub struct Accepted {
    /// What the sender is told.
    pub receipt: Receipt,
    /// The names of the keys that matched.
    pub credential: String,
    /// A key that is on its way out was among them.
    pub by_old_secret: bool,
}

impl Intake {
    /// Accepts one request, or says why not. A 2xx may be answered exactly when this is `Ok`.
    ///
    /// # Errors
    /// [`NotAccepted`]; then nothing is stored.
    pub async fn receive(
        &self,
        source: &str,
        presented: Presented<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Accepted, NotAccepted> {
        let desk = self.desks.get(source).ok_or(NotAccepted::UnknownSource)?;
        let keys = self.keys.known();
        let presented = Presented { keyrings: Some(&keys), ..presented };
        let delivery = signature::authenticate(&desk.source.auth, source, presented, body, now).map_err(|refused| {
            if refused == Refused::KeyUnknown {
                self.keys.want();
            }
            NotAccepted::Credential(refused)
        })?;
        let (credential, by_old_secret) = (delivery.credential().to_owned(), delivery.is_by_old_secret());
        let (policy, id) = self.policy.borrow().clone();
        let bytes = delivery.body().len();
        let acceptance = accept(desk, &policy, id, delivery)?;
        let receipt = self.journal.write_soon(bytes, move |tx| tx.accept(&acceptance, now)).await?;
        Ok(Accepted { receipt, credential, by_old_secret })
    }
}

/// Reads and decides a delivery: pure.
///
/// # Errors
/// [`NotAccepted::NotStrict`].
pub fn accept(
    desk: &Desk,
    policy: &Policy,
    id: PolicyId,
    delivery: VerifiedDelivery,
) -> Result<Acceptance, NotAccepted> {
    let json = strict_json::read(delivery.body()).map_err(|fault| NotAccepted::NotStrict {
        fault,
        credential: delivery.credential().to_owned(),
        body: hex::encode(delivery.key().as_bytes()),
    })?;
    let (source, at) = (&desk.source, delivery.received());
    let items = mapping::read(&source.mapping, source.caps, &json, delivery.key().as_bytes().as_slice());
    let alerts = items.into_iter().map(|item| {
        let verdicts = match &item {
            Item::Alert(alert) => alert
                .devices
                .iter()
                .map(|device| {
                    let (terms, body, facts) = (desk.terms, Some(&json), Facts::NotAsked);
                    policy.decide(Question { source, terms, alert, device, facts, body, at })
                })
                .collect(),
            Item::Ignored { .. } | Item::Parked { .. } => Vec::new(),
        };
        AcceptedAlert { item, verdicts }
    });
    let alerts = alerts.collect();
    Ok(Acceptance { remember: source.remember, tenant: desk.tenant, policy: id, alerts, delivery })
}
