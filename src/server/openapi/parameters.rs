//! The keys of queries, with what they take.

use serde_json::{Value, json};

use crate::journal::{GroupBy, LONGEST_PAGE, ListKind, Selector, Wants};
use scanhook_core::alert::Severity;
use scanhook_core::scan::Kind;

/// What a parameter may be, by its key and the list that it narrows.
fn schema(key: &str, list: Option<ListKind>) -> Value {
    let one_of = |codes: Vec<&'static str>| json!({ "type": "string", "enum": codes });
    match (key, list) {
        ("limit", _) => {
            json!({ "type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": LONGEST_PAGE })
        }
        ("state", Some(list)) => one_of(list.states()),
        ("state", None) => one_of(vec!["waiting", "sent", "dead"]),
        ("reason" | "outcome", Some(list)) => one_of(list.reasons()),
        ("reason", None) => one_of(Selector::words(Wants::Held)),
        ("decision_state", _) => one_of(ListKind::Decisions.states()),
        ("severity", _) => one_of(Severity::ALL.iter().map(|one| one.code()).collect()),
        ("kind", _) => one_of(Kind::ALL.iter().map(|one| one.code()).collect()),
        ("group", _) => one_of(GroupBy::ALL.iter().map(|one| one.code()).collect()),
        ("format", _) => one_of(vec!["json", "csv", "ndjson"]),
        ("paused", _) => one_of(vec!["true", "false"]),
        ("machine", _) => json!({ "type": "string", "pattern": "^[0-9a-fA-F]{40}$" }),
        _ => json!({ "type": "string" }),
    }
}

fn meaning(key: &str) -> &'static str {
    match key {
        "device" => "A device by any of its names, or a pattern.",
        "alert" => "The sender's id of an alert.",
        "source" => "The name of a source.",
        "tenant" => "The name of a tenant.",
        "rule" => "The name of a rule.",
        "state" => "The state.",
        "reason" => "The reason; docs/reasons.md explains each.",
        "outcome" => "How it ended.",
        "severity" => "The severity, on the common scale.",
        "since" | "window" => {
            "From here on: an instant as RFC 3339, or how long ago, such as `24h`."
        }
        "until" => "Up to here: an instant as RFC 3339, or how long ago, such as `1h`.",
        "limit" => "Rows of a page.",
        "after" => "The `next` of another page.",
        "decision_state" => "The state of one of its decisions.",
        "title" | "q" => "A part of the headline.",
        "machine" => "The machine's id at Defender.",
        "kind" => "Quick or full.",
        "paused" => "Whether a pause keeps it back.",
        "format" => {
            "A page as JSON, or all rows as CSV or lines of JSON; each export has a row in the audit."
        }
        "group" => "What the decisions of a group have in common.",
        "subject" => "Who did it, as `/api/v1/me` names it.",
        "what" => "What was done.",
        "policy" => "The fingerprint of a policy.",
        "receiver" => "The name of a receiver.",
        "verbose" => "Says more, as JSON; whatever its value.",
        _ => "",
    }
}

/// The parameters of a query, by the keys that it is read by.
pub(super) fn of(keys: &[&str], list: Option<ListKind>) -> Vec<Value> {
    let one = |key: &&str| json!({ "name": key, "in": "query", "description": meaning(key), "schema": schema(key, list) });
    keys.iter().map(one).collect()
}

/// The same, of one that has to be there.
pub(super) fn needed(key: &str) -> Value {
    json!({ "name": key, "in": "query", "required": true, "description": meaning(key), "schema": schema(key, None) })
}
