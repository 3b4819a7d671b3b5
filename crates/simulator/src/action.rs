//! A machine action, and what becomes of it as time passes.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::answers::instant;
use super::setup::{Machine, Setup};

table! {
    /// One scan that was really started.
    #[derive(Clone, Debug, Serialize)]
    Action {
        pub id: String, "The machine action's GUID.";
        pub tenant: String, "Whose action it is, as in the token path; empty: every tenant sees it.";
        pub machine: String, "40 hex digits.";
        pub kind: String, "`Quick` or `Full`.";
        pub external_id: Option<String>, "What was sent, whether or not it is echoed.";
        pub comment: String, "What was sent as `Comment`.";
        pub requestor: String, "Name of the app or the person.";
        pub foreign: bool, "Whether somebody else started it, in the portal.";
        #[serde(serialize_with = "super::calls::instant")] pub created: Timestamp, "When, to 100 ns.";
        #[serde(skip)] pub(super) moves: Timestamp, "When it stops being `Pending`.";
        #[serde(skip)] pub(super) ends: Option<Timestamp>, "When it is final; none: its machine was offline.";
        #[serde(skip)] pub(super) outcome: String, "Its status from then on.";
        #[serde(skip)] pub(super) cancelled: Option<(Timestamp, String, String)>, "When, by whom, and the comment.";
    }
}

pub(super) const SOMEBODY: &str = "analyst@corp.example.com";

impl Action {
    /// `Pending`, `InProgress`, or the final status.
    pub fn status(&self, now: Timestamp) -> &str {
        match self.ends {
            _ if self.cancelled.is_some() => "Cancelled",
            Some(ends) if ends <= now => &self.outcome,
            Some(_) if self.moves <= now && self.outcome != "TimeOut" => "InProgress",
            _ => "Pending",
        }
    }

    /// Whether it still occupies its machine.
    pub fn is_open(&self, now: Timestamp) -> bool {
        ["Pending", "InProgress"].contains(&self.status(now))
    }

    pub(super) fn belongs_to(&self, tenant: &str) -> bool {
        [tenant, ""].contains(&self.tenant.as_str())
    }

    /// All 20 fields, as far as the scenario shows them.
    pub(super) fn shown(&self, now: Timestamp, setup: &Setup) -> Value {
        let status = self.status(now);
        let ended = self.ends.filter(|ends| *ends <= now);
        let stopped = ended
            .filter(|_| status.starts_with("Cancel"))
            .map(|at| (at, SOMEBODY.to_owned(), String::new()));
        let (at, by, why) = match self.cancelled.clone().or(stopped) {
            Some((at, by, why)) => (Some(at), Some(by), Some(why)),
            None => (None, None, None),
        };
        let birth = if status == "Pending" {
            self.created + SignedDuration::from_nanos(500)
        } else {
            self.moves
        };
        let listed = setup
            .machines
            .iter()
            .find(|listed| listed.id == self.machine)
            .cloned();
        let machine = listed.unwrap_or_else(|| Machine {
            id: self.machine.clone(),
            ..Machine::default()
        });
        json!({
            "id": self.id, "type": "RunAntiVirusScan", "title": null, "requestor": self.requestor,
            "requestorComment": self.comment, "status": status, "machineId": self.machine, "computerDnsName": machine.name(),
            "creationDateTimeUtc": instant(self.created), "lastUpdateDateTimeUtc": instant(at.or(ended).unwrap_or(birth)),
            "cancellationRequestor": by, "cancellationComment": why, "cancellationDateTimeUtc": at.map(instant),
            "errorHResult": if status == "Failed" { -2_147_023_436 } else { 0 },
            "scope": (!setup.scope_null).then_some(&self.kind),
            "externalId": self.external_id.as_ref().filter(|_| setup.echo_external_id),
            "requestSource": if self.foreign { "Portal" } else { "PublicApi" },
            "relatedFileInfo": null, "commands": [], "troubleshootInfo": null,
        })
    }
}
