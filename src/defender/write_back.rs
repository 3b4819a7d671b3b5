//! The calls that write back: a comment on an incident of Microsoft Sentinel, whose id is ours, so that a repeated call writes
//! the same comment; and one on an alert of Defender, where only reading the alert tells whether it is there.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Endpoints;
use super::request::{get, to_address};
use super::token::Bearer;
use scanhook_core::message::{Workspace, words_before_mark};
use scanhook_core::percent::encoded;
use scanhook_core::time::Timestamp;

/// Bytes of an alert that are read: one with hundreds of comments and pieces of evidence.
pub const LONGEST_ALERT: usize = 4 << 20;

/// The version of Sentinel's API.
const SENTINEL: &str = "2025-09-01";

/// Writes a comment on an incident of a workspace, or what it says now. `base`: of Azure's resource manager.
#[must_use]
pub fn incident_comment(
    (base, workspace): (&str, &Workspace),
    (incident, comment): (&str, Uuid),
    bearer: &Bearer,
    message: &str,
) -> Request<Bytes> {
    let to = format!(
        "{base}{}/providers/Microsoft.SecurityInsights/incidents/{}/comments/{comment}?api-version={SENTINEL}",
        workspace.as_str(),
        encoded(incident)
    );
    let body = json!({ "properties": { "message": message } });
    written(Method::PUT, &to, bearer, &body)
}

/// Writes a comment on an alert of Defender.
#[must_use]
pub fn alert_comment(e: &Endpoints, bearer: &Bearer, alert: &str, comment: &str) -> Request<Bytes> {
    let body = json!({ "comment": comment });
    written(Method::PATCH, &alert_address(e, alert), bearer, &body)
}

/// Reads an alert of Defender.
#[must_use]
pub fn alert(e: &Endpoints, bearer: &Bearer, alert: &str) -> Request<Bytes> {
    get(&alert_address(e, alert), bearer)
}

/// Whether an alert has a comment: one ends with its mark, or the newest of ours says the same words. `None`: the answer does
/// not tell, as where it is not JSON, or is an alert without its comments.
#[must_use]
pub fn has_comment(alert: &Response<Bytes>, mark: &str, words: &str) -> Option<bool> {
    let alert: Value = serde_json::from_slice(alert.body()).ok()?;
    let comments = match alert.get("comments")? {
        Value::Array(comments) => comments.as_slice(),
        Value::Null => &[],
        _ => return None,
    };
    let texts = comments
        .iter()
        .filter_map(|comment| Some((comment, comment.get("comment")?.as_str()?)));
    let ours = texts.clone().filter_map(|(comment, text)| {
        let at = comment.get("createdTime").and_then(Value::as_str);
        Some((at.and_then(Timestamp::parse), words_before_mark(text)?))
    });
    // Of those that tell no time the last counts.
    let newest = ours.max_by_key(|(at, _)| *at);
    let is_same =
        newest.is_some_and(|(_, said)| said.split_whitespace().eq(words.split_whitespace()));
    let mut texts = texts.map(|(_, text)| text.trim_end());
    Some(is_same || texts.any(|text| text.ends_with(mark)))
}

fn alert_address(e: &Endpoints, alert: &str) -> String {
    format!("{}/api/alerts/{}", e.api_base, encoded(alert))
}

fn written(method: Method, to: &str, bearer: &Bearer, body: &Value) -> Request<Bytes> {
    let mut request = to_address(method, to, Bytes::from(body.to_string()));
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(AUTHORIZATION, bearer.header());
    request
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::defender::bearer::tests::bearer;

    const SOC: &str = "/subscriptions/0b8f7d7e-2f53-4a53-9d0a-6f6c6f1a2b3c/resourceGroups/rg-soc/providers/\
                       Microsoft.OperationalInsights/workspaces/log-soc";

    #[test]
    fn a_comment_on_an_incident_as_exact_bytes() {
        let soc = Workspace::parse(SOC).unwrap();
        let id = "4f1c2a9e-7b30-4d5e-9c61-0a8f52d7e3b4".parse().unwrap();
        let azure = ("https://management.azure.com", &soc);
        let request = incident_comment(azure, ("9e0c6a52", id), &bearer("t"), "a &lt;b&gt; \"c\"");
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(
            request.uri().to_string(),
            format!(
                "https://management.azure.com{SOC}/providers/Microsoft.SecurityInsights/incidents/9e0c6a52/comments/\
                 4f1c2a9e-7b30-4d5e-9c61-0a8f52d7e3b4?api-version=2025-09-01"
            )
        );
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer t");
        assert_eq!(
            request.body(),
            r#"{"properties":{"message":"a &lt;b&gt; \"c\""}}"#
        );
    }

    #[test]
    fn a_comment_on_an_alert_changes_nothing_else_and_is_found_by_its_mark() {
        let (e, id) = (Endpoints::commercial(), "da637308392288907382_-880718168");
        let request = alert_comment(&e, &bearer("t"), id, "over [sh-0123456789ab]");
        assert_eq!(request.method(), Method::PATCH);
        assert_eq!(request.body(), r#"{"comment":"over [sh-0123456789ab]"}"#);
        assert_eq!(
            request.uri().to_string(),
            format!("https://api.security.microsoft.com/api/alerts/{id}")
        );
        assert_eq!(
            alert(&e, &bearer("t"), "../x").uri().path(),
            "/api/alerts/..%2Fx"
        );
        let found = |body: &str| {
            has_comment(
                &Response::new(Bytes::copy_from_slice(body.as_bytes())),
                "[sh-0123456789ab]",
                "it\nis over",
            )
        };
        let there = r#"{"comments":[{"comment":"a"},{"comment":"over [sh-0123456789ab]"}]}"#;
        assert_eq!(found(there), Some(true));
        let same = r#"{"comments":[{"comment":"a [sh-0000000000aa]"},{"comment":"it is  over [sh-0000000000ab]"},{"comment":"b"}]}"#;
        assert_eq!(found(same), Some(true), "the last of ours");
        let newest = r#"{"comments":[{"comment":"it is over [sh-0000000000aa]","createdTime":"2026-11-30T05:00:01Z"},
                         {"comment":"held [sh-0000000000ab]","createdTime":"2026-11-30T05:00:00Z"}]}"#;
        assert_eq!(found(newest), Some(true));
        let fraction = newest.replace(":01Z", ":00.5Z");
        assert_eq!(found(&fraction), Some(true), "times are no texts");
        for not_there in [
            r#"{"comments":[{"comment":"it is over [sh-0000000000aa]"},{"comment":"held [sh-0000000000ab]"}]}"#,
            r#"{"comments":[{"comment":"it is over"}]}"#,
            r#"{"comments":[{"comment":"over [sh-0123456789ab] no"},{}]}"#,
            r#"{"comments":[]}"#,
            r#"{"comments":null}"#,
        ] {
            assert_eq!(found(not_there), Some(false), "{not_there}");
        }
        for unclear in [
            "",
            "<html>",
            r#"{"title":"[sh-0123456789ab]"}"#,
            r#"{"comments":"none"}"#,
            &there[..there.len() - 1],
        ] {
            assert_eq!(found(unclear), None, "{unclear}");
        }
    }
}
