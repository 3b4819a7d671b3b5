//! What senders post, and what load balancers and Prometheus ask.

use serde_json::json;

use super::operation::{ApiContent, ApiOperation};
use super::parameters::of;
use super::schemas::ApiSchemas;
use crate::api::Receipt;

/// What a sender may be refused with.
const SENDERS: &[&str] = &[
    "unknown-source",
    "method-not-allowed",
    "media-type",
    "content-encoding",
    "body-too-large",
    "body-timeout",
    "body-unreadable",
    "body-not-gzip",
    "form-without-payload",
    "missing-host",
    "repeated-host",
    "credential-repeated",
    "credential-too-many-signatures",
    "credential-id",
    "credential-certificate",
    "unauthenticated",
    "signing-key-unknown",
    "overloaded",
    "journal-unavailable",
    "shutting-down",
    "failure-budget",
    "internal",
];
/// As what metrics are written.
const METRICS: &[&str] = &["text/plain", "application/openmetrics-text"];

fn of_receipt() -> Vec<ApiContent> {
    vec![ApiContent::Json(ApiSchemas::of::<Receipt>)]
}

/// A delivery. Which type, size and credential it takes is the source's matter.
fn webhook(path: &'static str, id: &'static str, summary: &'static str) -> ApiOperation {
    let body = json!({
        "required": true,
        "description": "As the sender writes it. A source may take other types, and forms and gzip besides.",
        "content": { "application/json": { "schema": {} } },
    });
    ApiOperation::new(("POST", path), id, summary)
        .open("receive")
        .body(body)
        .refuses(SENDERS)
        .answers_with(
            202,
            "Stored, and decided as far as that is possible at once.",
            of_receipt(),
        )
        .answers_with(
            200,
            "It was stored before: the receipt of then.",
            of_receipt(),
        )
}

/// All of them.
pub(super) fn operations() -> Vec<ApiOperation> {
    let probe = |path, id, summary| ApiOperation::new(("GET", path), id, summary);
    vec![
        webhook(
            "/webhooks/{source}",
            "receive",
            "Take alerts of a source; at the public listener",
        ),
        webhook(
            "/webhooks/{source}/{secret}",
            "receive_by_url",
            "The same, of a source that proves itself by its url",
        ),
        probe(
            "/livez",
            "livez",
            "Whether the process is there; at both listeners",
        )
        .open("probe")
        .answers_with(200, "It is.", Vec::new()),
        probe(
            "/readyz",
            "readyz",
            "Whether it takes alerts; at both listeners",
        )
        .tagged("probe")
        .takes(of(&["verbose"], None))
        .answers_with(
            200,
            "It does. `verbose` is answered with an object, at the admin listener alone.",
            Vec::new(),
        ),
        probe("/metrics", "metrics", "Metrics for Prometheus")
            .tagged("probe")
            .answers_with(
                200,
                "As `Accept` asks for it.",
                vec![ApiContent::Other(METRICS)],
            ),
    ]
}
