//! Refusals by their statuses, with the codes that each may have.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::schemas::ApiSchemas;
use crate::api::refusals::{self, Code};
use crate::server::refusal::{AccessError, CommandError};

/// What any request to the admin listener may be refused with.
pub(super) const REFUSED_TO_ALL: &[&str] = &[
    "missing-host",
    "repeated-host",
    "unknown-parameter",
    "bad-value",
    "sign-in-required",
    "token-refused",
    "role-too-small",
    "for-all-tenants",
    "plain-http",
    "foreign-origin",
    "foreign-host",
    "failure-budget",
    "issuer-unavailable",
    "journal-unavailable",
    "view-too-slow",
    "shutting-down",
    "internal",
];

/// A refusal, as RFC 9457 writes it.
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[allow(
    dead_code,
    reason = "its fields are the schema; the answer itself is made in `refusal`"
)]
pub(super) struct ProblemShape {
    /// Always `about:blank`.
    #[schema(rename = "type")]
    kind: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// The stable code; docs/errors.md says what to do about each.
    code: String,
    /// What happened, in a sentence. Of a failed authentication of a sender nothing is said.
    detail: Option<String>,
    /// The key or parameter that is meant.
    key: Option<String>,
    /// What it takes.
    takes: Option<String>,
}

/// Every code there is.
fn all() -> impl Iterator<Item = &'static Code> {
    let of_senders = refusals::ALL.iter();
    of_senders.chain(CommandError::ALL).chain(AccessError::ALL)
}

/// Refusals by status.
#[derive(Default)]
pub(super) struct Problems(BTreeMap<u16, Vec<&'static Code>>);

impl Problems {
    pub(super) fn of(codes: &[&str]) -> Problems {
        let mut problems = Problems::default();
        for code in all().filter(|code| codes.contains(&code.code)) {
            problems
                .0
                .entry(code.status.as_u16())
                .or_default()
                .push(code);
        }
        problems
    }

    pub(super) fn add_to(&self, responses: &mut Map<String, Value>, schemas: &mut ApiSchemas) {
        for (status, codes) in &self.0 {
            let told = codes
                .iter()
                .map(|code| format!("- `{}`: {}", code.code, code.meaning));
            let told = told.collect::<Vec<_>>().join("\n");
            let problem = schemas.of::<ProblemShape>();
            let content = json!({ "application/problem+json": { "schema": problem } });
            let known = responses
                .entry(status.to_string())
                .or_insert_with(|| json!({ "description": "" }));
            let before = known["description"].as_str().unwrap_or_default();
            known["description"] = format!("{before}\n{told}").trim().into();
            known["content"] = content;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_that_all_may_get_is_one() {
        for code in REFUSED_TO_ALL {
            assert!(all().any(|known| known.code == *code), "{code}");
        }
    }
}
