//! What is looked at.

use serde_json::{Value, json};

use super::operation::{ApiContent, ApiOperation};
use super::parameters::{needed, of};
use super::schemas::ApiSchemas;
use crate::api::{
    AlertView, AuditHeadView, AuditView, DecisionView, HeldMembersView, HeldView, LiveView,
    MachineName, MachineView, MeView, MessageView, PolicyView, RulesView, ScanView, StatusView,
    SummaryView,
};
use crate::explain::Judgement;
use crate::journal::ListKind;
use crate::server::{events, messages, query};

/// As what all rows of a list are written.
const ROWS: &[&str] = &["application/x-ndjson", "text/csv"];
/// The refusals of one thing that is named by its id.
const ONE: &[&str] = &["unknown-id", "ambiguous-id"];

fn get(path: &'static str, id: &'static str, summary: &'static str) -> ApiOperation {
    ApiOperation::new(("GET", path), id, summary)
}

/// A list: a page of JSON, or all of its rows.
fn paged<T: utoipa::ToSchema>(operation: ApiOperation) -> ApiOperation {
    list(operation, ApiSchemas::page_of::<T>)
}

/// The same of one whose page is a type of its own.
fn whole<T: utoipa::ToSchema>(operation: ApiOperation) -> ApiOperation {
    list(operation, ApiSchemas::of::<T>)
}

fn list(operation: ApiOperation, page: fn(&mut ApiSchemas) -> Value) -> ApiOperation {
    operation.answers_with(
        200,
        "A page of it as JSON, or all of it as rows.",
        vec![ApiContent::Json(page), ApiContent::Other(ROWS)],
    )
}

/// All of them.
pub(super) fn operations() -> Vec<ApiOperation> {
    [lists(), single(), about()].into_iter().flatten().collect()
}

fn lists() -> Vec<ApiOperation> {
    vec![
        paged::<AlertView>(
            get("/api/v1/alerts", "alerts", "The alerts that came in, newest first")
                .takes(of(query::ALERTS, Some(ListKind::Alerts))),
        ),
        paged::<DecisionView>(
            get("/api/v1/decisions", "decisions", "What was decided, newest first")
                .takes(of(query::DECISIONS, Some(ListKind::Decisions))),
        ),
        paged::<ScanView>(
            get("/api/v1/scans", "scans", "Scans, newest first")
                .takes(of(query::SCANS, Some(ListKind::Scans))),
        ),
        whole::<HeldView>(
            get("/api/v1/held", "held", "What waits for a person, in groups that are answered at once")
                .takes(of(query::HELD, None))
                .refuses(&["unknown-id"]),
        ),
        paged::<MessageView>(
            get("/api/v1/outbox", "outbox", "Messages to receivers")
                .takes(of(messages::KEYS, None))
                .refuses(&["unknown-receiver"]),
        ),
        whole::<AuditView>(
            get("/api/v1/audit", "audit", "Who did what, newest first; as lines of JSON the oldest first")
                .takes(of(query::AUDIT, None)),
        ),
        get("/api/v1/events", "events", "What happened: a page as lines of JSON, or followed as server-sent events")
            .takes(of(events::KEYS, None))
            .refuses(&["events-gone", "too-many-listeners"])
            .answers_with(
                200,
                "Each event is an object. With `Accept: text/event-stream` it goes on, after `Last-Event-ID` if that is sent.",
                vec![ApiContent::Other(&["application/x-ndjson", "text/event-stream"])],
            ),
    ]
}

fn single() -> Vec<ApiOperation> {
    vec![
        get("/api/v1/alerts/{delivery}/{n}", "alert", "One alert")
            .refuses(&["unknown-id"])
            .answers::<AlertView>(),
        get(
            "/api/v1/decisions/{id}",
            "decision",
            "One decision with its history",
        )
        .refuses(ONE)
        .answers::<DecisionView>(),
        get(
            "/api/v1/decisions/{id}/explain",
            "explain",
            "Why it was decided so, rule by rule",
        )
        .refuses(ONE)
        .refuses(&["body-gone"])
        .answers::<Judgement>(),
        get("/api/v1/scans/{id}", "scan", "One scan with its history")
            .refuses(ONE)
            .refuses(&["not-found"])
            .answers::<ScanView>(),
        get(
            "/api/v1/held/{key}",
            "held_members",
            "A group of what waits, device by device",
        )
        .takes(of(&["limit", "after"], None))
        .refuses(&["unknown-id"])
        .answers::<HeldMembersView>(),
        get(
            "/api/v1/machines",
            "machines",
            "The machines that a name or a pattern means",
        )
        .takes([needed("device")])
        .answers_with(
            200,
            "Done.",
            vec![ApiContent::Json(ApiSchemas::list_of::<MachineName>)],
        ),
        get(
            "/api/v1/machines/{tenant}/{id}",
            "machine",
            "A machine with all that is known of it",
        )
        .refuses(&["unknown-id"])
        .answers::<MachineView>(),
        get(
            "/api/v1/policies/{hash}",
            "policy",
            "A policy with its text",
        )
        .refuses(&["unknown-id"])
        .answers::<PolicyView>(),
        get(
            "/api/v1/deliveries/{id}/body",
            "delivery_body",
            "The body of a delivery, as it was sent; has a row in the audit",
        )
        .refuses(&["unknown-id", "body-gone"])
        .answers_with(
            200,
            "The bytes.",
            vec![ApiContent::Other(&["application/octet-stream"])],
        ),
    ]
}

fn about() -> Vec<ApiOperation> {
    vec![
        get("/api/v1/me", "me", "Who asks, and what they may do").answers::<MeView>(),
        get(
            "/api/v1/status",
            "status",
            "How it is: tenants, sources, files, what is wrong",
        )
        .takes(of(&["source"], None))
        .refuses(&["unknown-source", "not-found"])
        .answers::<StatusView>(),
        get(
            "/api/v1/summary",
            "summary",
            "A span of time in numbers, and what is to be known now",
        )
        .takes(of(query::SUMMARY, None))
        .refuses(&["unknown-id"])
        .answers::<SummaryView>(),
        get(
            "/api/v1/live",
            "live",
            "A number that grows with each change",
        )
        .answers::<LiveView>(),
        get(
            "/api/v1/rules",
            "rules",
            "What each rule and protection came to",
        )
        .takes(of(query::WINDOW, None))
        .refuses(&["unknown-id"])
        .answers::<RulesView>(),
        get(
            "/api/v1/policies",
            "policies",
            "The policies that were in force",
        )
        .answers_with(
            200,
            "Done.",
            vec![ApiContent::Json(ApiSchemas::list_of::<PolicyView>)],
        ),
        get(
            "/api/v1/audit/head",
            "audit_head",
            "The hash of the newest row of the audit",
        )
        .answers::<AuditHeadView>(),
        get("/api/v1/openapi.json", "openapi", "This description").answers_with(
            200,
            "Done.",
            vec![ApiContent::Json(|_| json!({ "type": "object" }))],
        ),
    ]
}
