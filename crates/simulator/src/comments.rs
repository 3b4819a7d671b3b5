//! Comments on alerts of Defender, each of which is another one, and on incidents of Microsoft Sentinel, which have the ids
//! that their writers choose.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::answers::{Reply, refused, served};
use super::far_side::Simulator;
use super::grant::Grant;
use super::incident_comment::IncidentComment;
use super::odata;

/// Comments that an incident takes.
const MOST_COMMENTS: usize = 100;
/// Characters of one.
const LONGEST: usize = 30_000;

/// What stands in the path of a comment; `*`: anything.
const COMMENT: [&str; 15] = [
    "",
    "subscriptions",
    "*",
    "resourceGroups",
    "*",
    "providers",
    "Microsoft.OperationalInsights",
    "workspaces",
    "*",
    "providers",
    "Microsoft.SecurityInsights",
    "incidents",
    "*",
    "comments",
    "*",
];

fn is_comment(parts: &[&str]) -> bool {
    let fits = |(part, form): (&&str, &&str)| *form == "*" || part.eq_ignore_ascii_case(form);
    parts.len() == COMMENT.len() && parts.iter().zip(&COMMENT).all(fits)
}

impl Simulator {
    /// Every comment on an incident that was written here, oldest first.
    pub fn incident_comments(&self) -> &[IncidentComment] {
        &self.incident_comments
    }

    /// The comments on an alert, oldest first.
    pub fn alert_comments(&self, alert: &str) -> &[String] {
        let known = self.alert_comments.get(&alert.to_ascii_lowercase());
        known.map_or(&[], Vec::as_slice)
    }

    /// `PUT …/incidents/{incident}/comments/{comment}`.
    pub(super) fn incident_comment(
        &mut self,
        grant: &Grant,
        path: &str,
        request: &Request<Bytes>,
    ) -> Reply {
        let parts: Vec<&str> = path.split('/').collect();
        if !is_comment(&parts) {
            return Err(refused(
                404,
                "InvalidResourceType",
                "No such resource type.",
            ));
        }
        let query = request.uri().query().unwrap_or_default();
        if !query.contains("api-version=") {
            let text = "The api-version query parameter is required.";
            return Err(refused(400, "MissingApiVersionParameter", text));
        }
        if !grant.for_azure {
            let text = "The audience is wrong.";
            return Err(refused(401, "InvalidAuthenticationToken", text));
        }
        // Roles in Azure do not stand in the token.
        let responds = |known: super::setup::Tenant| known.sentinel_responder;
        if !self
            .registered(&grant.tenant, &grant.app)
            .is_ok_and(responds)
        {
            let text = "The client does not have authorization to perform action \
                        'Microsoft.SecurityInsights/incidents/comments/write'.";
            return Err(refused(403, "AuthorizationFailed", text));
        }
        if self.setup.unknown_incidents.contains(parts[12]) {
            return Err(refused(404, "NotFound", "The incident does not exist."));
        }
        let incident = parts[..13].join("/").to_ascii_lowercase();
        self.write_comment(incident, parts[14], request)
    }

    fn write_comment(&mut self, incident: String, id: &str, request: &Request<Bytes>) -> Reply {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let message = body.pointer("/properties/message").and_then(Value::as_str);
        let Some(message) = message.filter(|_| odata::is(request, "application/json")) else {
            return Err(refused(400, "BadRequest", "The message is missing."));
        };
        if message.chars().count() > LONGEST {
            return Err(refused(400, "BadRequest", "The message is too long."));
        }
        let answer = json!({ "name": id, "properties": { "message": message } });
        let known = self
            .incident_comments
            .iter_mut()
            .find(|known| known.incident == incident && known.id == id);
        if let Some(known) = known {
            known.message = message.to_owned();
            known.writes += 1;
            return Ok(served(200, answer, true));
        }
        let of_it = self.incident_comments.iter();
        let of_it = of_it.filter(|known| known.incident == incident).count();
        if of_it + self.setup.foreign_comments >= MOST_COMMENTS {
            let text = "The maximum number of comments for this incident has been reached.";
            return Err(refused(400, "BadRequest", text));
        }
        self.incident_comments.push(IncidentComment {
            incident,
            id: id.to_owned(),
            message: message.to_owned(),
            writes: 1,
        });
        Ok(served(201, answer, true))
    }

    /// `GET /api/alerts/{id}`.
    pub(super) fn alert(&self, id: &str) -> Reply {
        if self.setup.unknown_alerts.contains(id) {
            return Err(refused(404, "NotFound", "The alert does not exist."));
        }
        let comments: Vec<Value> = self
            .alert_comments(id)
            .iter()
            .map(|comment| json!({ "comment": comment, "createdBy": "scanhook-simulated" }))
            .collect();
        let alert = json!({ "id": id, "status": "New", "severity": "High", "comments": comments });
        Ok(served(200, alert, false))
    }

    /// `PATCH /api/alerts/{id}`.
    pub(super) fn alert_comment(&mut self, id: &str, request: &Request<Bytes>) -> Reply {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let comment = body.get("comment").and_then(Value::as_str);
        let Some(comment) = comment.filter(|_| odata::is(request, "application/json")) else {
            return Err(refused(
                400,
                "InvalidRequestBody",
                "The comment is missing.",
            ));
        };
        if self.setup.unknown_alerts.contains(id) {
            return Err(refused(404, "NotFound", "The alert does not exist."));
        }
        let comments = self.alert_comments.entry(id.to_owned()).or_default();
        comments.push(comment.to_owned());
        let mut answer = self.alert(id)?;
        answer.executed = true;
        Ok(answer)
    }
}
