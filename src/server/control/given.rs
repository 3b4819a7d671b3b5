//! How an order is given: about one thing, where what stands in the way is the answer's status, or about several, by their
//! ids or by what they have in common.

use axum::Json;
use axum::body::Body;
use uuid::Uuid;

use super::OrderReply;
use super::expect::Expectation;
use super::orderer::objection;
use super::outcome::told;
use super::verb::OrderVerb;
use crate::api::{ItemView, OrderView};
use crate::clock;
use crate::journal::{Done, IdPrefix, JournalError, Reader, Selected, TenantId, Wants};
use crate::server::access::AskedBy;
use crate::server::order::received;
use crate::server::order::{self, MOST};
use crate::server::refusal::{CommandError, HttpError};
use crate::server::state::Admin;
use scanhook_core::access::TenantScope;

impl Admin {
    /// An order about one thing: what stands in the way is the answer's status.
    pub(super) async fn order_one(
        &self,
        asked: &AskedBy,
        verb: OrderVerb,
        id: &str,
        body: Body,
    ) -> OrderReply {
        let body = received(body).await?;
        let members = order::read(&body, verb.keys())?;
        let orderer = self.orderer(asked, &members)?;
        let unknown = || ItemView {
            id: scanhook_core::plain::one_line(id, 80),
            ..ItemView::default()
        };
        let Some(named) = IdPrefix::parse(id) else {
            return Err(CommandError::NotDone(Done::UnknownId, Box::new(unknown())).into());
        };
        let wants = verb.wants();
        let id = match self
            .read(move |reader| reader.identify(wants, &named))
            .await?
        {
            Ok(id) if self.is_within(asked, wants, id).await? => id,
            Ok(_) => {
                return Err(CommandError::NotDone(Done::UnknownId, Box::new(unknown())).into());
            }
            Err(_) if !asked.sees_all() => {
                return Err(CommandError::NotDone(Done::UnknownId, Box::new(unknown())).into());
            }
            Err(item) => {
                let why = item
                    .result
                    .as_deref()
                    .and_then(Done::of_code)
                    .unwrap_or(Done::UnknownId);
                return Err(CommandError::NotDone(why, Box::new(item)).into());
            }
        };
        let items = self
            .carry_out(&orderer, verb, &members, vec![id], None)
            .await?;
        match objection(&items) {
            Some(objection) => Err(objection.into()),
            None => Ok(Json(told(false, items))),
        }
    }

    /// An order about several things, by their ids or by what they have in common.
    pub(in crate::server) async fn order(
        &self,
        asked: &AskedBy,
        verb: OrderVerb,
        body: &[u8],
    ) -> Result<OrderView, HttpError> {
        let members = order::read(body, &[verb.keys(), verb.selecting(), &["after"]].concat())?;
        let orderer = self.orderer(asked, &members)?;
        let wants = verb.wants();
        let mut selector =
            members.selector(wants, |name| self.tenant_for(asked, name), clock::now())?;
        if let Some(selector) = &mut selector {
            selector.tenants = asked.tenants(&self.intake.in_force());
        }
        let (preview, after) = (members.flag("preview")?, members.after()?);
        // What comes after the first step of a long order is less than all that was expected.
        let expect = Expectation::of(&members)?.filter(|_| after.is_none());
        let (mut selected, mut items) = match (members.ids()?, selector) {
            (Some(named), None) if after.is_none() => self.named(asked, wants, named).await?,
            (None, Some(selector)) => {
                let look = move |reader: &Reader<'_>| {
                    reader.select(wants, &selector, MOST, after.as_deref())
                };
                (self.read(look).await?, Vec::new())
            }
            _ => return Err(CommandError::NothingSelected.into()),
        };
        let mut only = None;
        if let Some(expect) = &expect {
            expect.compare(&selected)?;
            only = Some(core::mem::take(&mut selected.decisions));
        }
        let ids = core::mem::take(&mut selected.ids);
        let unknown = items.len();
        items.extend(if preview {
            self.foreseen(&orderer, verb, &members, ids).await?
        } else {
            self.carry_out(&orderer, verb, &members, ids, only).await?
        });
        let mut view = told(preview, items);
        view.next = selected.next;
        // What a preview counts is all of the selection; what is done is what this answer is about.
        if preview {
            (view.count, view.machines) = (selected.count + unknown, selected.machines);
            (view.decisions, view.digest) = (selected.count, Some(selected.digest));
            // One denial is enough.
            let approves = verb == OrderVerb::Approve;
            view.second_person =
                Some(selected.second_person).filter(|number| *number > 0 && approves);
        }
        Ok(view)
    }

    /// What these ids mean, and those that mean nothing.
    async fn named(
        &self,
        asked: &AskedBy,
        wants: Wants,
        named: Vec<IdPrefix>,
    ) -> Result<(Selected, Vec<ItemView>), HttpError> {
        let scope = asked.caller.grant.tenants.clone();
        self.read(move |reader| {
            let (mut ids, mut not) = (Vec::new(), Vec::new());
            for named in &named {
                match reader.identify(wants, named)? {
                    Ok(id) if is_in(&scope, reader, wants, id)? => ids.push(id),
                    Err(item) if scope == TenantScope::All => not.push(item),
                    // It may be there, in another tenant: nothing is told of it.
                    _ => not.push(ItemView {
                        id: named.written().to_owned(),
                        result: Some(Done::UnknownId.code().to_owned()),
                        ..ItemView::default()
                    }),
                }
            }
            let selected = reader.meant_by(wants, &ids)?;
            Ok((Selected { ids, ..selected }, not))
        })
        .await
    }

    async fn is_within(&self, asked: &AskedBy, wants: Wants, id: Uuid) -> Result<bool, HttpError> {
        let scope = asked.caller.grant.tenants.clone();
        self.read(move |reader| is_in(&scope, reader, wants, id))
            .await
    }

    /// The tenant with this name, if it is within the grant.
    pub(in crate::server) fn tenant_for(&self, asked: &AskedBy, name: &str) -> Option<TenantId> {
        self.tenant_called(name).filter(|_| asked.sees(name))
    }
}

/// Whether one thing belongs to a tenant of the grant. What belongs to none, such as a parked delivery, is for those alone
/// who see everything.
fn is_in(
    scope: &TenantScope,
    reader: &Reader<'_>,
    wants: Wants,
    id: Uuid,
) -> Result<bool, JournalError> {
    if *scope == TenantScope::All {
        return Ok(true);
    }
    let items = reader.items(wants, &[id])?;
    let within = |item: &ItemView| {
        item.tenant
            .as_deref()
            .is_some_and(|tenant| scope.includes(tenant))
    };
    Ok(!items.is_empty() && items.iter().all(within))
}
