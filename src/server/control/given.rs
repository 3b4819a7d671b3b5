//! How an order is given: about one thing, where what stands in the way is the answer's status, or about several, by their
//! ids or by what they have in common.

use axum::Json;
use axum::body::Body;

use super::OrderReply;
use super::expect::Expectation;
use super::outcome::told;
use super::verb::OrderVerb;
use crate::api::ItemView;
use crate::clock;
use crate::journal::{Done, IdPrefix, Reader, Selected, Wants};
use crate::server::order::received;
use crate::server::order::{self, MOST};
use crate::server::refusal::{CommandError, HttpError};
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
        let items = self.carry_out(verb, &members, vec![id], None).await?;
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
        // What comes after the first step of a long order is less than all that was expected.
        let expect = Expectation::of(&members)?.filter(|_| after.is_none());
        let (mut selected, mut items) = match (members.ids()?, selector) {
            (Some(named), None) if after.is_none() => self.named(wants, named).await?,
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
            self.read(move |reader| reader.items(wants, &ids)).await?
        } else {
            self.carry_out(verb, &members, ids, only).await?
        });
        let mut view = told(preview, items);
        view.next = selected.next;
        // What a preview counts is all of the selection; what is done is what this answer is about.
        if preview {
            (view.count, view.machines) = (selected.count + unknown, selected.machines);
            (view.decisions, view.digest) = (selected.count, Some(selected.digest));
        }
        Ok(Json(view))
    }

    /// What these ids mean, and those that mean nothing.
    async fn named(
        &self,
        wants: Wants,
        named: Vec<IdPrefix>,
    ) -> Result<(Selected, Vec<ItemView>), HttpError> {
        self.read(move |reader| {
            let (mut ids, mut not) = (Vec::new(), Vec::new());
            for named in &named {
                match reader.identify(wants, named)? {
                    Ok(id) => ids.push(id),
                    Err(item) => not.push(item),
                }
            }
            let selected = reader.meant_by(wants, &ids)?;
            Ok((Selected { ids, ..selected }, not))
        })
        .await
    }
}
