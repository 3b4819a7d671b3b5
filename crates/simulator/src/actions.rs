//! Machine actions: started by the scan call or by somebody else, open for a time, listed, read, cancelled.

use super::action::{Action, SOMEBODY};
use super::answers::{Crafted, Reply, refused, served};
use super::far_side::Simulator;
use super::grant::Grant;
use super::odata;
use super::odata::{ListQuery, Literal};
use super::setup::{Busy, ListOrder};
use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

const FIELDS: [(&str, Literal); 5] = [
    ("status", Literal::Text),
    ("machineId", Literal::Text),
    ("type", Literal::Text),
    ("requestor", Literal::Text),
    ("creationDateTimeUtc", Literal::Time),
];
/// The keys that a body may have, in this very spelling.
const KEYS: [&str; 5] = [
    "Comment",
    "ScanType",
    "ExternalId",
    "RequestSource",
    "Title",
];

/// The JSON body of a POST: the required keys, and no other than the known ones.
fn fields(request: &Request<Bytes>, required: &[&str]) -> Result<Map<String, Value>, Crafted> {
    let body: Option<Map<String, Value>> = serde_json::from_slice(request.body()).ok();
    let body = body
        .filter(|_| odata::is(request, "application/json"))
        .ok_or_else(invalid)?;
    if let Some(key) = required
        .iter()
        .find(|key| text(&body, key).is_none_or(|text| text.is_empty()))
    {
        return Err(refused(
            400,
            "MissingRequiredParameter",
            &format!("The parameter {key} is missing."),
        ));
    }
    if body.keys().all(|key| KEYS.contains(&key.as_str())) {
        Ok(body)
    } else {
        Err(invalid())
    }
}

fn invalid() -> Crafted {
    refused(400, "InvalidRequestBody", "The request body is not valid.")
}

fn text(body: &Map<String, Value>, key: &str) -> Option<String> {
    body.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn later(at: Timestamp, ms: u64) -> Timestamp {
    at.checked_add(SignedDuration::from_millis(
        i64::try_from(ms).unwrap_or(i64::MAX),
    ))
    .unwrap_or(Timestamp::MAX)
}

/// One action as the whole body of an answer.
fn entity(status: u16, mut body: Value, executed: bool) -> Crafted {
    body["@odata.context"] = odata::context("MachineActions/$entity").into();
    served(status, body, executed)
}

impl Simulator {
    /// Somebody else's scan, whether or not the machine is busy; returns its action id.
    pub fn start_foreign(
        &mut self,
        now: Timestamp,
        machine: &str,
        kind: &str,
        comment: &str,
    ) -> String {
        let listed = self
            .setup
            .machines
            .iter()
            .find(|listed| listed.id == machine);
        let tenant = listed
            .and_then(|listed| listed.tenant.clone())
            .unwrap_or_default();
        let (machine, kind, comment) = (machine.to_owned(), kind.to_owned(), comment.to_owned());
        let requestor = SOMEBODY.to_owned();
        self.start(
            now,
            Action {
                tenant,
                machine,
                kind,
                comment,
                requestor,
                foreign: true,
                ..Action::default()
            },
        )
        .id
    }

    fn start(&mut self, now: Timestamp, mut action: Action) -> Action {
        let work = if action.kind == "Full" {
            self.setup.full_ms
        } else {
            self.setup.quick_ms
        };
        action.id = self.ids.draw();
        action.created =
            now - SignedDuration::from_nanos(i64::from(now.subsec_nanosecond()).rem_euclid(100));
        action.moves = later(action.created, self.setup.pending_ms);
        action.ends =
            (!self.setup.offline.contains(&action.machine)).then(|| later(action.moves, work));
        action.outcome = self
            .setup
            .outcomes
            .get(&action.machine)
            .map_or("Succeeded", String::as_str)
            .to_owned();
        self.actions.push(action.clone());
        action
    }

    pub(super) fn scan(
        &mut self,
        now: Timestamp,
        grant: &Grant,
        machine: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        let body = fields(request, &["Comment", "ScanType"])?;
        let (kind, comment) = (
            text(&body, "ScanType").unwrap_or_default(),
            text(&body, "Comment").unwrap_or_default(),
        );
        let external_id = text(&body, "ExternalId");
        if !["Quick", "Full"].contains(&kind.as_str())
            || (external_id.is_some() && !self.setup.accept_external_id)
        {
            return Err(invalid());
        }
        if let Some(code) = self.device(&grant.tenant, machine)?.refuses_scan {
            let status = if ["DisallowedOperation", "DisabledFeature", "Forbidden"]
                .contains(&code.as_str())
            {
                403
            } else {
                400
            };
            return Err(refused(status, &code, "The machine cannot be scanned."));
        }
        let mut here = self
            .actions
            .iter()
            .rev()
            .filter(|action| action.machine == machine && action.belongs_to(&grant.tenant));
        if let Some(open) = here.find(|action| action.is_open(now)) {
            let open = open.shown(now, &self.setup);
            return self.busy(open);
        }
        let (tenant, machine, requestor) = (
            grant.tenant.clone(),
            machine.to_owned(),
            grant.known.requestor.clone(),
        );
        let action = Action {
            tenant,
            machine,
            kind,
            external_id,
            comment,
            requestor,
            ..Action::default()
        };
        Ok(entity(
            201,
            self.start(now, action).shown(now, &self.setup),
            true,
        ))
    }

    fn busy(&mut self, open: Value) -> Reply {
        self.busy_answers += 1;
        let (code, message) = (
            "ActiveRequestAlreadyExists",
            "Action is already in progress",
        );
        match self.setup.busy {
            Busy::Existing201 => Ok(entity(201, open, false)),
            Busy::Existing200 => Ok(entity(200, open, false)),
            Busy::Alternate if self.busy_answers.is_multiple_of(2) => Ok(entity(200, open, false)),
            Busy::Refused400 | Busy::Alternate => Err(refused(400, code, message)),
            Busy::RefusedCodeOnly => Err(refused(400, code, "")),
            Busy::RefusedMessageOnly => Err(refused(400, "BadRequest", message)),
        }
    }

    pub(super) fn list(&self, now: Timestamp, grant: &Grant, request: &Request<Bytes>) -> Reply {
        let query = ListQuery::of(request, &FIELDS)?;
        let listed = |action: &&Action| later(action.created, self.setup.list_lag_ms) <= now;
        let ours = self
            .actions
            .iter()
            .filter(|action| action.belongs_to(&grant.tenant))
            .filter(listed);
        let rows = ours
            .map(|action| action.shown(now, &self.setup))
            .filter(|row| query.matches(row));
        let mut rows: Vec<Value> = self.setup.odd_rows.iter().cloned().chain(rows).collect();
        match self.setup.order {
            ListOrder::OldestFirst => {}
            ListOrder::NewestFirst => rows.reverse(),
            ListOrder::ById => rows.sort_by_key(|row| row["id"].to_string()),
        }
        Ok(served(
            200,
            query.page(request, "MachineActions", &self.setup, rows),
            true,
        ))
    }

    fn action(&mut self, grant: &Grant, id: &str) -> Result<&mut Action, Crafted> {
        let found = self
            .actions
            .iter_mut()
            .find(|action| action.id == id && action.belongs_to(&grant.tenant));
        found.ok_or_else(|| {
            refused(
                404,
                "ResourceNotFound",
                &format!("Machine action {id} was not found"),
            )
        })
    }

    pub(super) fn get(&mut self, now: Timestamp, grant: &Grant, id: &str) -> Reply {
        let action = self.action(grant, id)?.clone();
        if self.setup.unreadable.contains(&action.machine) {
            return Err(refused(
                500,
                "InternalServerError",
                "The action cannot be read.",
            ));
        }
        Ok(entity(200, action.shown(now, &self.setup), true))
    }

    pub(super) fn cancel(
        &mut self,
        now: Timestamp,
        grant: &Grant,
        id: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        let why = text(&fields(request, &["Comment"])?, "Comment").unwrap_or_default();
        let action = self.action(grant, id)?;
        if !action.is_open(now) {
            return Err(refused(
                400,
                "BadRequest",
                "The action has ended and cannot be cancelled.",
            ));
        }
        action.cancelled = Some((now, grant.known.requestor.clone(), why));
        self.get(now, grant, id)
    }
}
