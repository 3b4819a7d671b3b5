//! What the answer to a list of machine actions means. Reading ten thousand rows takes a while, so it is done before the
//! journal's transaction, and what the transaction looks up in them is indexed here.

use core::time::Duration;
use std::collections::HashMap;

use bytes::Bytes;
use http::Response;
use uuid::Uuid;

use super::Endpoints;
use super::action::ActionView;
use super::header::pause;
use super::next_page::NextPage;
use super::ours::{SentScan, is_ours, tail_of};
use super::page::{ListPage, Next};
use super::refusal::DefenderError;
use super::reply::PAUSE;
use scanhook_core::alert::MachineId;

pub use super::odd_row::OddRow;

/// What the answer to a list call means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListReply {
    /// One page. Only after the last one may "not there" be concluded.
    Page(Box<ActionPage>),
    /// The token, or the tenant's licence.
    Unauthorized(DefenderError),
    /// Reading is not allowed: the read role is missing, or the audience is wrong.
    Forbidden(DefenderError),
    /// No call of this tenant for so long.
    Throttled(Duration),
    /// More bytes than are read: fewer rows must be asked for.
    TooLong,
    /// Ask again later; a stable code.
    Failed(&'static str),
}

/// One page of machine actions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionPage {
    /// The rows that could be read, in the far side's order, which means nothing.
    pub actions: Vec<ActionView>,
    /// The rows that could not be read as a machine action.
    pub odd: Vec<OddRow>,
    /// The next page, if the answer names one.
    pub next: Next,
    by_external_id: HashMap<Uuid, Vec<usize>>,
    by_tail: HashMap<String, Vec<usize>>,
    /// The newest open scan of a machine.
    open: HashMap<MachineId, usize>,
}

impl ActionPage {
    /// How many rows the page has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.actions.len() + self.odd.len()
    }

    /// The action that came from what was sent.
    #[must_use]
    pub fn ours(&self, sent: &SentScan<'_>) -> Option<&ActionView> {
        let by_id = sent.external_id.and_then(|id| self.by_external_id.get(&id));
        let rows = by_id
            .into_iter()
            .chain(self.by_tail.get(sent.tail))
            .flatten();
        rows.map(|row| &self.actions[*row])
            .find(|action| is_ours(action, sent))
    }

    /// The newest scan of a machine that is not over.
    #[must_use]
    pub fn open_of(&self, machine: &MachineId) -> Option<&ActionView> {
        self.open.get(machine).map(|row| &self.actions[*row])
    }

    fn of(page: &ListPage<'_>, next: Next) -> ActionPage {
        let mut listed = ActionPage {
            next,
            ..ActionPage::default()
        };
        for row in &page.value {
            match ActionView::read(row.get().as_bytes()) {
                Ok(action) => listed.add(action),
                Err(_) => listed.odd.push(OddRow::read(row.get().as_bytes())),
            }
        }
        listed
    }

    fn add(&mut self, action: ActionView) {
        let row = self.actions.len();
        if let Some(id) = action
            .external_id
            .as_deref()
            .and_then(|id| id.trim().parse().ok())
        {
            self.by_external_id.entry(id).or_default().push(row);
        }
        if let Some(tail) = action.comment.as_deref().and_then(tail_of) {
            self.by_tail.entry(tail.to_owned()).or_default().push(row);
        }
        if let Some(machine) = action
            .machine
            .clone()
            .filter(|_| action.is_scan() && action.status.outcome().is_none())
        {
            let newest = self.open.entry(machine).or_insert(row);
            if self
                .actions
                .get(*newest)
                .is_some_and(|other| other.created < action.created)
            {
                *newest = row;
            }
        }
        self.actions.push(action);
    }
}

/// Reads the answer to a list call. `asked` is the page that was asked for.
#[must_use]
pub fn read(answer: &Response<Bytes>, asked: &NextPage, e: &Endpoints) -> ListReply {
    let status = answer.status();
    match status.as_u16() {
        200..=299 => page(answer.body(), asked, e),
        300..=399 => ListReply::Failed("redirect"),
        401 => ListReply::Unauthorized(DefenderError::read(answer)),
        403 => ListReply::Forbidden(DefenderError::read(answer)),
        429 => ListReply::Throttled(pause(answer.headers(), PAUSE)),
        400 if DefenderError::read(answer).is("ODataError") => ListReply::Failed("odata-error"),
        _ if status.is_client_error() => ListReply::Failed("list-refused"),
        500..=599 => ListReply::Failed("server-error"),
        _ => ListReply::Failed("odd-status"),
    }
}

fn page(body: &[u8], asked: &NextPage, e: &Endpoints) -> ListReply {
    if body.trim_ascii().is_empty() {
        return ListReply::Failed("empty-answer");
    }
    let Ok(page) = serde_json::from_slice::<ListPage<'_>>(body) else {
        return ListReply::Failed("unreadable-answer");
    };
    ListReply::Page(Box::new(ActionPage::of(
        &page,
        page.next(asked, e, "machineactions"),
    )))
}

#[cfg(test)]
mod tests;
