//! One method of one path.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::refused::{Problems, REFUSED_TO_ALL};
use super::schemas::ApiSchemas;
use crate::server::access::ROUTES;

/// What an answer holds, and as what.
pub(super) enum ApiContent {
    /// A value of a type, as JSON.
    Json(fn(&mut ApiSchemas) -> Value),
    /// Something else of these types.
    Other(&'static [&'static str]),
}

/// One method of one path.
pub(super) struct ApiOperation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Vec<(u16, &'static str, Vec<ApiContent>)>,
    refused: Vec<&'static str>,
    /// Whoever asks has to be known.
    is_guarded: bool,
}

impl ApiOperation {
    /// One of the admin listener.
    pub(super) fn new(
        (method, path): (&'static str, &'static str),
        id: &'static str,
        summary: &'static str,
    ) -> ApiOperation {
        let parameters = path.split('/').filter_map(in_path).collect();
        ApiOperation {
            method,
            path,
            tag: if method == "POST" { "order" } else { "look" },
            id,
            summary,
            parameters,
            body: None,
            answers: Vec::new(),
            refused: REFUSED_TO_ALL.to_vec(),
            is_guarded: true,
        }
    }

    /// One that answers whoever asks.
    pub(super) fn open(self, tag: &'static str) -> ApiOperation {
        ApiOperation {
            is_guarded: false,
            refused: Vec::new(),
            tag,
            ..self
        }
    }

    pub(super) fn tagged(self, tag: &'static str) -> ApiOperation {
        ApiOperation { tag, ..self }
    }

    pub(super) fn takes(mut self, parameters: impl IntoIterator<Item = Value>) -> ApiOperation {
        self.parameters.extend(parameters);
        self
    }

    pub(super) fn body(self, body: Value) -> ApiOperation {
        ApiOperation {
            body: Some(body),
            ..self
        }
    }

    /// Answers 200 with a value of this type.
    pub(super) fn answers<T: ToSchema>(self) -> ApiOperation {
        self.answers_with(200, "Done.", vec![ApiContent::Json(ApiSchemas::of::<T>)])
    }

    pub(super) fn answers_with(
        mut self,
        status: u16,
        meaning: &'static str,
        content: Vec<ApiContent>,
    ) -> ApiOperation {
        self.answers.push((status, meaning, content));
        self
    }

    /// Refuses with these codes besides those that all may be refused with.
    pub(super) fn refuses(mut self, codes: &[&'static str]) -> ApiOperation {
        self.refused.extend(codes);
        self
    }

    pub(super) fn json(&self, schemas: &mut ApiSchemas) -> Value {
        let mut responses = Map::new();
        for (status, meaning, content) in &self.answers {
            let mut types = Map::new();
            for one in content {
                match one {
                    ApiContent::Json(schema) => {
                        types.insert(
                            "application/json".into(),
                            json!({ "schema": schema(schemas) }),
                        );
                    }
                    ApiContent::Other(names) => types.extend(names.iter().map(|name| {
                        (
                            (*name).to_owned(),
                            json!({ "schema": { "type": "string" } }),
                        )
                    })),
                }
            }
            let mut response = json!({ "description": meaning });
            if !types.is_empty() {
                response["content"] = types.into();
            }
            responses.insert(status.to_string(), response);
        }
        Problems::of(&self.refused).add_to(&mut responses, schemas);
        let mut operation = json!({
            "tags": [self.tag],
            "operationId": self.id,
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": responses,
        });
        if let Some(body) = &self.body {
            operation["requestBody"] = body.clone();
        }
        self.say_who_may(&mut operation);
        operation
    }

    fn say_who_may(&self, operation: &mut Value) {
        if !self.is_guarded {
            operation["security"] = json!([]);
            if self.tag == "receive" {
                operation["servers"] = public_listener();
            }
            return;
        }
        // The last: nothing, from this computer, while neither a token nor a sign-in is configured.
        operation["security"] = json!([{ "token": [] }, { "session": [] }, {}]);
        let route = ROUTES
            .iter()
            .find(|route| (route.method, route.path) == (self.method, self.path));
        if let Some(route) = route {
            let all = if route.takes.is_for_all_tenants() {
                ", for all tenants"
            } else {
                ""
            };
            operation["description"] =
                format!("Takes the role `{}`{all}.", route.takes.least().code()).into();
        }
    }
}

/// The parameter that a part of a path is.
fn in_path(part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    let meaning = match name {
        "id" => "An id, or how it begins: six hex digits at least. Of a machine all 40 digits.",
        "delivery" => "The id of a delivery.",
        "n" => "The place of the alert in its delivery, from 0.",
        "tenant" => "The name of a tenant.",
        "key" => "The key of a group.",
        "hash" => "The fingerprint of a policy.",
        "source" => "The name of a source.",
        "secret" => "The secret of a source that has it in its url.",
        _ => "A name.",
    };
    Some(json!({
        "name": name, "in": "path", "required": true, "description": meaning, "schema": { "type": "string", "minLength": 1 },
    }))
}

fn public_listener() -> Value {
    json!([{ "url": "http://127.0.0.1:8080", "description": "The public listener, where scanhook.toml names no other." }])
}
