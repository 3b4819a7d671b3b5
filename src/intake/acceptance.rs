//! Reads and decides a delivery. It is pure, so that the same delivery is decided alike wherever that is done.

use super::outcome::{NotAccepted, NotRead};
use crate::in_force::{SourceBinding, TenantBinding};
use crate::journal::{Acceptance, AcceptedAlert, Decided, PackedBody, PolicyId};
use crate::policy::{Policy, PolicyQuestion};
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::mapping::{self, Delivered, Headers, Item};
use scanhook_core::rules::{Facts, Memo};
use scanhook_core::strict_json;

/// Reads and decides a delivery of which only the body is at hand: pure.
///
/// # Errors
/// [`NotAccepted::NotStrict`].
pub fn accept(
    binding: &SourceBinding,
    policy: &Policy,
    id: PolicyId,
    delivery: VerifiedDelivery,
) -> Result<Acceptance, NotAccepted> {
    accept_with_headers(binding, policy, id, delivery, &Headers::new())
}

/// Reads and decides a delivery with the headers that the source's map reads: pure.
///
/// # Errors
/// [`NotAccepted::NotStrict`].
pub fn accept_with_headers(
    binding: &SourceBinding,
    policy: &Policy,
    id: PolicyId,
    delivery: VerifiedDelivery,
    headers: &Headers,
) -> Result<Acceptance, NotAccepted> {
    let json = match strict_json::read(delivery.body()) {
        Ok(json) => json,
        Err(fault) => {
            return Err(NotAccepted::NotStrict(Box::new(NotRead {
                fault,
                delivery,
            })));
        }
    };
    let (source, at) = (&binding.source, delivery.received());
    let hash = delivery.body_hash();
    let delivered = Delivered {
        body: &json,
        hash: &hash,
        headers,
    };
    let memo = Memo::default();
    let items = mapping::read_delivered(&source.mapping, source.caps, delivered);
    let alerts = items.into_iter().map(|item| {
        memo.next_alert();
        let acts_for = source
            .tenant_of(item.alert())
            .and_then(|name| binding.tenants.get_key_value(name));
        let decided = match (&item, acts_for) {
            (Item::Alert(alert), Some((name, &TenantBinding { tenant, terms }))) => {
                let verdict = |device| {
                    let (body, facts, memo) = (Some(&json), Facts::NotAsked, Some(&memo));
                    policy.decide(PolicyQuestion {
                        source,
                        tenant: name,
                        terms,
                        alert,
                        device,
                        facts,
                        body,
                        at,
                        memo,
                    })
                };
                Some(Decided {
                    tenant,
                    verdicts: alert.devices.iter().map(verdict).collect(),
                })
            }
            _ => None,
        };
        AcceptedAlert { item, decided }
    });
    let alerts = alerts.collect();
    let left_out = mapping::left_out(&source.mapping, &json);
    Ok(Acceptance {
        remember: source.remember,
        policy: id,
        alerts,
        left_out,
        body: PackedBody::of(delivery.body()),
        delivery,
    })
}
