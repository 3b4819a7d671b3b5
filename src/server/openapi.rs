//! The HTTP API as OpenAPI 3.1: made of the routes with what they take, the keys that queries and orders are read by, the
//! codes of refusals, and the types that are answered with. `docs/openapi.json` is its text, and a test holds the two together.

mod operation;
mod orders;
mod parameters;
mod probes;
mod reads;
mod refused;
mod schemas;

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use operation::ApiOperation;
use schemas::ApiSchemas;

use super::query::{self, Pairs};
use super::refusal::HttpError;

/// What it says of itself.
const ABOUT: &str = "Alerts come in at the public listener; what became of them, and the orders of people, are at the admin listener. Lists are \
    narrowed by keys that are the long flags of the verbs. A key or a value that has no meaning is refused. Refusals are problems \
    (RFC 9457) with a stable `code`; docs/errors.md says what to do about each.";

/// All of it.
fn made() -> Value {
    let mut schemas = ApiSchemas::default();
    let mut paths: Map<String, Value> = Map::new();
    let operations = reads::operations()
        .into_iter()
        .chain(orders::operations())
        .chain(probes::operations());
    for operation in operations {
        let ApiOperation { method, path, .. } = operation;
        let of = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
        if let Value::Object(methods) = of {
            methods.insert(method.to_ascii_lowercase(), operation.json(&mut schemas));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "scanhook",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:9090", "description": "The admin listener, where scanhook.toml names no other." }],
        "tags": [
            { "name": "look", "description": "What there is and what happened." },
            { "name": "order", "description": "What people and programs have done." },
            { "name": "receive", "description": "What senders post." },
            { "name": "probe", "description": "Whether it is there, and its metrics." },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas.json(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `[admin.tokens.x]`, or one of Entra ID for an app that `[admin.entra]` lets in.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "__Host-scanhook",
                    "description": "Whoever has signed in with a browser. An order takes a request that names its page (`Sec-Fetch-Site` or `Origin`).",
                },
            },
        },
    })
}

/// Its text, as it is committed and printed.
#[must_use]
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{:#}\n", made()))
}

/// The answer that is this description.
pub(super) async fn answer(pairs: Pairs) -> Result<Response, HttpError> {
    query::nothing(pairs)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text()).into_response())
}
