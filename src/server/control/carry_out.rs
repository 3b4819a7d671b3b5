//! How an order is carried out: in steps of a hundred things, each with its row of the audit in the same transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::orderer::{Act, Orderer};
use super::outcome::subject;
use super::step::{OrderContext, step_of};
use super::verb::OrderVerb;
use crate::api::ItemView;
use crate::clock;
use crate::journal::{Intended, JournalError, PauseScope, Tx, Word};
use crate::logs::about;
use crate::server::access::AskedBy;
use crate::server::order::OrderBody;
use crate::server::refusal::{AccessError, CommandError, HttpError};
use crate::server::state::Admin;
use scanhook_core::person::By;

/// Ids that one transaction takes along, so that no sender waits for a long order.
const STEP: usize = 100;

impl Admin {
    pub(super) fn scope(
        &self,
        asked: &AskedBy,
        members: &OrderBody<'_>,
    ) -> Result<PauseScope, HttpError> {
        let named = |name: &str| {
            let unknown = || CommandError::BadValue("tenant", "the name of a configured tenant");
            self.tenant_for(asked, name).ok_or_else(unknown)
        };
        let tenant = members.tenant()?.map(named).transpose()?;
        if tenant.is_none() && !asked.sees_all() {
            return Err(AccessError::ForAllTenants.into());
        }
        Ok(PauseScope {
            tenant,
            rule: members.rule()?,
            device: members.device()?,
        })
    }

    pub(super) async fn carry_out(
        &self,
        orderer: &Orderer,
        verb: OrderVerb,
        members: &OrderBody<'_>,
        ids: Vec<Uuid>,
        only: Option<BTreeSet<i64>>,
    ) -> Result<Vec<ItemView>, HttpError> {
        let machine = if verb == OrderVerb::Approve {
            members.machine()?
        } else {
            None
        };
        if machine.is_some() && ids.len() > 1 {
            return Err(CommandError::BadValue(
                "machine",
                "a machine for one decision, not for several",
            )
            .into());
        }
        let now = Arc::new(self.context(orderer, members, only)?);
        let (mut items, mut done) = (Vec::new(), BTreeSet::new());
        let (ids, deliveries) = if verb == OrderVerb::Retry {
            let sorted = self.read(move |reader| reader.sort_out(&ids)).await?;
            (sorted.others, sorted.deliveries)
        } else {
            (ids, Vec::new())
        };
        for step in ids.chunks(STEP) {
            // Those that came along with an earlier one have their line already.
            let step: Vec<Uuid> = step
                .iter()
                .filter(|id| !done.contains(&id.to_string()))
                .copied()
                .collect();
            let (now, machine) = (now.clone(), machine.clone());
            let told = self
                .ordered(orderer, move |tx, by| {
                    let items = step_of(tx, verb, &step, machine, by, &now, clock::now())?;
                    let act = Act::on(verb.name(), &items);
                    Ok((items, act))
                })
                .await?;
            done.extend(told.iter().map(|item| item.id.clone()));
            items.extend(told);
        }
        for row in deliveries {
            items.push(self.read_again(row, orderer).await?);
        }
        self.tell(verb, &orderer.by, &items);
        Ok(items)
    }

    fn context(
        &self,
        orderer: &Orderer,
        members: &OrderBody<'_>,
        only: Option<BTreeSet<i64>>,
    ) -> Result<OrderContext, HttpError> {
        let in_force = self.intake.in_force();
        let tenants = in_force.tenants.iter();
        Ok(OrderContext {
            at_once: members.flag("now")?,
            approver: orderer.approver(),
            only,
            policy: in_force.policy.clone(),
            terms: tenants.map(|tenant| (tenant.id, tenant.terms)).collect(),
        })
    }

    /// What would become of these if the order was given. Nothing is changed.
    pub(super) async fn foreseen(
        &self,
        orderer: &Orderer,
        verb: OrderVerb,
        members: &OrderBody<'_>,
        ids: Vec<Uuid>,
    ) -> Result<Vec<ItemView>, HttpError> {
        let (context, by) = (self.context(orderer, members, None)?, orderer.by.clone());
        let machine = if verb == OrderVerb::Approve {
            members.machine()?
        } else {
            None
        };
        self.read(move |reader| match verb {
            OrderVerb::Approve => {
                let word = Word::Approve {
                    machine,
                    at_once: context.at_once,
                    approver: context.approver.clone(),
                };
                let intended = Intended {
                    word: &word,
                    by: &by,
                    terms: &|tenant, asked| context.wanted(tenant, asked),
                };
                reader.foreseen(&ids, &intended, clock::now())
            }
            OrderVerb::Deny => reader.items(verb.wants(), &ids),
            OrderVerb::Cancel => reader.would_cancel(&ids, &|tenant| context.may_call(tenant)),
            OrderVerb::Retry => {
                reader.would_retry(&ids, &|tenant| context.terms.contains_key(&tenant))
            }
        })
        .await
    }

    fn tell(&self, verb: OrderVerb, by: &By, items: &[ItemView]) {
        let mut results: BTreeMap<&str, usize> = BTreeMap::new();
        for result in items.iter().filter_map(|item| item.result.as_deref()) {
            *results.entry(result).or_default() += 1;
        }
        self.metrics
            .not_scanned("denied", results.get("denied").copied().unwrap_or(0));
        let (who, verb, words) = (&by.who, verb.name(), by.words.as_ref());
        for item in items {
            let ItemView {
                state,
                reason,
                why,
                result,
                ..
            } = item;
            let delivery = (item.kind == "delivery").then_some(&item.id);
            about!(
                info,
                &subject(item),
                who,
                verb,
                words,
                result,
                state,
                reason,
                why,
                delivery,
                "ordered"
            );
        }
        tracing::info!(who, verb, ?results, "an order was carried out");
    }

    pub(super) fn orderer(
        &self,
        asked: &AskedBy,
        members: &OrderBody<'_>,
    ) -> Result<Orderer, HttpError> {
        Orderer::of(asked, members, self.intake.in_force().policy.fingerprint())
    }

    /// Carries out a part of an order, with its row in the audit, in one transaction.
    pub(super) async fn ordered<T: Send + 'static>(
        &self,
        orderer: &Orderer,
        work: impl FnOnce(&mut Tx<'_>, &By) -> Result<(T, Act), JournalError> + Send + 'static,
    ) -> Result<T, HttpError> {
        let whose = orderer.clone();
        let done = self.journal.write(move |tx| {
            let (told, act) = work(tx, &whose.by)?;
            whose.audit(tx, act, clock::now())?;
            Ok(told)
        });
        let told = done.await.map_err(|error| {
            tracing::error!(code = error.code(), %error, "an order could not be stored");
            HttpError::JournalUnavailable
        })?;
        orderer.is_audited();
        Ok(told)
    }
}
