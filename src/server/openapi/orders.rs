//! What people and programs order. An order is a JSON object; no body is an order without any key.

use serde_json::{Map, Value, json};

use super::operation::ApiOperation;
use crate::api::{MessageView, OrderView, PausesView, ReloadView, RevivedView};
use crate::journal::{Selector, Wants};
use crate::server::control::OrderVerb;
use crate::server::order::MOST;

/// What the body of any order may be refused for.
const BODY: &[&str] = &[
    "unknown-key",
    "json-syntax",
    "media-type",
    "content-encoding",
    "body-too-large",
    "body-timeout",
    "body-unreadable",
];
/// What stands in the way of an order about one thing.
const ONE: &[&str] = &[
    "unknown-id",
    "ambiguous-id",
    "not-held",
    "second-person-needed",
    "machine-needed",
    "machine-known",
    "already-over",
    "foreign-action",
    "dry-run",
    "not-configured",
    "not-retryable",
    "body-gone",
];
/// The same of one about several, whose items tell of each.
const SEVERAL: &[&str] = &["nothing-selected", "changed-since"];

fn post(path: &'static str, id: &'static str, summary: &'static str) -> ApiOperation {
    ApiOperation::new(("POST", path), id, summary).refuses(BODY)
}

/// All of them.
pub(super) fn operations() -> Vec<ApiOperation> {
    [about_things(), about_itself()]
        .into_iter()
        .flatten()
        .collect()
}

/// Those about decisions and scans.
fn about_things() -> Vec<ApiOperation> {
    use OrderVerb::{Approve, Cancel, Deny, Retry};
    vec![
        one(
            "/api/v1/decisions/{id}/approve",
            "approve_one",
            Approve,
            "Approve a held decision: its scan begins",
        ),
        one(
            "/api/v1/decisions/{id}/deny",
            "deny_one",
            Deny,
            "Deny a held decision: it is dropped",
        ),
        one(
            "/api/v1/scans/{id}/cancel",
            "cancel_one",
            Cancel,
            "Call a scan off",
        ),
        several(
            "/api/v1/decisions/approve",
            "approve",
            Approve,
            "Approve held decisions: their scans begin",
        ),
        several(
            "/api/v1/decisions/deny",
            "deny",
            Deny,
            "Deny held decisions: they are dropped",
        ),
        several("/api/v1/scans/cancel", "cancel", Cancel, "Call scans off"),
        several(
            "/api/v1/retry",
            "retry",
            Retry,
            "Try again what came to nothing",
        ),
    ]
}

/// Those about what scanhook does.
fn about_itself() -> Vec<ApiOperation> {
    vec![
        post("/api/v1/pause", "pause", "Keep scans from being sent")
            .body(body(
                &["tenant", "rule", "device", "until", "reason", "by"],
                None,
            ))
            .answers::<PausesView>(),
        post(
            "/api/v1/resume",
            "resume",
            "Send again what a pause keeps back",
        )
        .body(body(&["tenant", "rule", "device", "reason", "by"], None))
        .answers::<PausesView>(),
        post(
            "/api/v1/outbox/retry",
            "outbox_retry",
            "Send messages again that were given up",
        )
        .body(body(&["receiver", "reason", "by"], None))
        .refuses(&["unknown-receiver"])
        .answers::<RevivedView>(),
        post(
            "/api/v1/receivers/{name}/test",
            "receiver_test",
            "Send a receiver a message that says nothing",
        )
        .body(body(&["reason", "by"], None))
        .refuses(&["unknown-receiver", "not-found"])
        .answers::<MessageView>(),
        post(
            "/-/reload",
            "reload",
            "Read scanhook.toml and rules.toml now",
        )
        .body(body(&[], None))
        .refuses(&["not-reloaded", "not-found"])
        .answers::<ReloadView>(),
    ]
}

fn one(
    path: &'static str,
    id: &'static str,
    verb: OrderVerb,
    summary: &'static str,
) -> ApiOperation {
    post(path, id, summary)
        .body(body(verb.keys(), Some(verb)))
        .refuses(ONE)
        .answers::<OrderView>()
}

fn several(
    path: &'static str,
    id: &'static str,
    verb: OrderVerb,
    summary: &'static str,
) -> ApiOperation {
    let keys = [verb.keys(), verb.selecting(), &["after"]].concat();
    post(path, id, summary)
        .body(body(&keys, Some(verb)))
        .refuses(SEVERAL)
        .answers::<OrderView>()
}

/// The body of an order with these keys.
fn body(keys: &[&str], verb: Option<OrderVerb>) -> Value {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), key_of(key, verb)))
        .collect();
    let object =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    json!({ "required": false, "content": { "application/json": { "schema": object } } })
}

fn key_of(key: &str, verb: Option<OrderVerb>) -> Value {
    let wants = verb.map_or(Wants::Held, OrderVerb::wants);
    let text = |meaning: &str| json!({ "type": ["string", "null"], "description": meaning });
    let flag = |meaning: &str| json!({ "type": ["boolean", "null"], "description": meaning });
    let words = |meaning: &str| {
        let mut codes: Vec<Value> = Selector::words(wants)
            .into_iter()
            .map(Value::from)
            .collect();
        codes.push(Value::Null);
        json!({ "enum": codes, "description": meaning })
    };
    match key {
        "ids" => json!({
            "type": ["array", "null"],
            "items": { "type": "string", "pattern": "^[0-9a-fA-F-]{6,36}$" },
            "minItems": 1,
            "maxItems": MOST,
            "description": "Ids, or how they begin: six hex digits at least.",
        }),
        "expect" => json!({
            "type": ["object", "null"],
            "properties": {
                "machines": { "type": "integer", "minimum": 0 },
                "decisions": { "type": "integer", "minimum": 0 },
                "digest": { "type": "string" },
            },
            "additionalProperties": false,
            "description": "What a preview said that it means; if it means something else by now, nothing is changed.",
        }),
        "machine" => json!({
            "type": ["string", "null"],
            "pattern": "^[0-9a-fA-F]{40}$",
            "description": "The machine that the device is, where the alert does not say it.",
        }),
        "preview" => flag("Changes nothing, and says what would be done."),
        "now" => flag("Does not wait for the window that the rule or protection names."),
        "group" => text("The key of a group of what is held."),
        "rule" => text("The name of a rule."),
        "tenant" => text("The name of a tenant."),
        "device" => text("A device by any of its names, or a pattern."),
        "since" => text("From here on: an instant as RFC 3339, or how long ago, such as `1h`."),
        "until" => text(
            "When it ends by itself: an instant ahead as RFC 3339, or how long from now, such as `2h`.",
        ),
        "held" => words("What they are held for."),
        "state" => words("The state, or how it ended."),
        "receiver" => text("The name of a receiver; without it, all of them."),
        "reason" => text("Why, for the record."),
        "by" => text("For whom a program acts, or how a person on this computer calls themselves."),
        "after" => text("The `next` of an earlier answer."),
        _ => json!({}),
    }
}
