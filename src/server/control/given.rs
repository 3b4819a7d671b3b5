//! How an order is given: about one thing, where what stands in the way is the answer's status, or about several, by their
//! ids or by what they have in common.

use axum::Json;
use axum::body::Body;

use super::OrderReply;
use super::outcome::told;
use super::verb::OrderVerb;
use crate::api::ItemView;
use crate::clock;
use crate::journal::{Done, IdPrefix, Reader, TenantId};
use crate::server::order::received;
use crate::server::order::{self, MOST};
use crate::server::refusal::CommandError;
use crate::server::state::Admin;

impl Admin {
    /// An order about one thing: what stands in the way is the answer's status.
    pub(super) async fn order_one(&self, verb: OrderVerb, id: &str, body: Body) -> OrderReply {
        let body = received(body).await?;
        let members = order::read(&body, verb.keys())?;
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
            Ok(id) => id,
            Err(item) => {
                let why = item
                    .result
                    .as_deref()
                    .and_then(Done::of_code)
                    .unwrap_or(Done::UnknownId);
                return Err(CommandError::NotDone(why, Box::new(item)).into());
            }
        };
        let items = self.carry_out(verb, &members, vec![id]).await?;
        let objection = items.iter().find_map(|item| {
            let done = item
                .result
                .as_deref()
                .and_then(Done::of_code)
                .filter(|done| !done.is_done())?;
            Some(CommandError::NotDone(done, Box::new(item.clone())))
        });
        match objection {
            Some(objection) => Err(objection.into()),
            None => Ok(Json(told(false, items))),
        }
    }

    /// An order about several things, by their ids or by what they have in common.
    pub(super) async fn order(&self, verb: OrderVerb, body: Body) -> OrderReply {
        let body = received(body).await?;
        let members = order::read(&body, &[verb.keys(), verb.selecting(), &["after"]].concat())?;
        let wants = verb.wants();
        let selector = members.selector(wants, |name| self.tenant_called(name), clock::now())?;
        let (preview, after) = (members.flag("preview")?, members.after()?);
        let (ids, mut items, selected) = match (members.ids()?, selector) {
            (Some(named), None) if after.is_none() => {
                let found = self.read(move |reader| {
                    named
                        .iter()
                        .map(|named| reader.identify(wants, named))
                        .collect::<Result<Vec<_>, _>>()
                });
                let (found, not): (Vec<_>, Vec<_>) =
                    found.await?.into_iter().partition(Result::is_ok);
                (
                    found.into_iter().flatten().collect(),
                    not.into_iter().filter_map(Result::err).collect(),
                    None,
                )
            }
            (None, Some(selector)) => {
                let look = move |reader: &Reader<'_>| {
                    reader.select(wants, &selector, MOST, after.as_deref())
                };
                let mut selected = self.read(look).await?;
                (
                    core::mem::take(&mut selected.ids),
                    Vec::new(),
                    Some(selected),
                )
            }
            _ => return Err(CommandError::NothingSelected.into()),
        };
        items.extend(if preview {
            self.read(move |reader| reader.items(wants, &ids)).await?
        } else {
            self.carry_out(verb, &members, ids).await?
        });
        let mut view = told(preview, items);
        if let Some(selected) = selected {
            view.next = selected.next;
            // What a preview counts is all of the selection; what is done is what this answer is about.
            if preview {
                (view.count, view.machines) = (selected.count, selected.machines);
            }
        }
        Ok(Json(view))
    }

    pub(super) fn tenant_called(&self, name: &str) -> Option<TenantId> {
        self.intake
            .in_force()
            .tenants
            .iter()
            .find(|tenant| tenant.name == name)
            .map(|tenant| tenant.id)
    }
}
