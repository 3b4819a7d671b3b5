//! Which call a request is, and the record of every call, from which a test proves what reached the far side.

use http::header;
use serde::Serializer;

use super::grant::Grant;
use super::odata;
use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// A known call: the name it is logged, counted and made to fail under, and what its path speaks of.
pub(super) struct Route {
    pub(super) name: &'static str,
    pub(super) subject: String,
}

impl Route {
    /// Paths are taken in the documented spelling only: nothing says that another one works.
    pub(super) fn of(request: &Request<Bytes>) -> Route {
        let path = odata::decoded(request.uri().path());
        let mut parts: Vec<&str> = path.split('/').skip(1).collect();
        if parts.starts_with(&["api", "v1.0"]) {
            parts.remove(1);
        }
        let (name, subject) = match (request.method().as_str(), parts.as_slice()) {
            ("POST", [tenant, "oauth2", "v2.0", "token"] | [tenant, "oauth2", "token"]) => {
                ("token", *tenant)
            }
            ("POST", [tenant, "oauth2", "v2.0", "devicecode"]) => ("devicecode", *tenant),
            ("GET", [tenant, "oauth2", "v2.0", "authorize"]) => ("authorize", *tenant),
            ("GET", ["metadata", "identity", "oauth2", "token"]) => {
                let query = request.uri().query().unwrap_or_default();
                let agent = query.contains("api-version=2020-06-01");
                (if agent { "arc" } else { "imds" }, "")
            }
            ("GET", ["msi", "token"]) => ("app_service", ""),
            ("POST", ["api", "machines", id, "runAntiVirusScan"]) => ("scan", *id),
            ("GET", ["api", "machineactions"]) => ("list", ""),
            ("GET", ["api", "machineactions", id]) => ("get", *id),
            ("POST", ["api", "machineactions", id, "cancel"]) => ("cancel", *id),
            ("GET", ["api", "alerts", id]) => ("alert", *id),
            ("PATCH", ["api", "alerts", id]) => ("alert_comment", *id),
            ("PUT", ["subscriptions", .., "comments", _]) => ("incident_comment", path.as_str()),
            ("GET", ["api", "machines"]) => ("machines", ""),
            ("GET", ["api", "machines", find]) if find.starts_with("findbyip(") => {
                ("findbyip", *find)
            }
            ("GET", ["api", "machines", id]) => ("machine", *id),
            _ => ("other", ""),
        };
        Route {
            name,
            subject: subject.to_owned(),
        }
    }

    /// App roles of which one suffices. Cancelling takes any role that can act.
    pub(super) fn roles(&self) -> &'static [&'static str] {
        match self.name {
            "scan" => &["Machine.Scan"],
            "cancel" => &[
                "Machine.Scan",
                "Machine.Isolate",
                "Machine.StopAndQuarantine",
                "Machine.LiveResponse",
            ],
            "alert" => &["Alert.Read.All", "Alert.ReadWrite.All"],
            "alert_comment" => &["Alert.ReadWrite.All"],
            _ => &["Machine.Read.All", "Machine.ReadWrite.All"],
        }
    }

    /// Delegated scopes of which one suffices.
    pub(super) fn scopes(&self) -> &'static [&'static str] {
        match self.name {
            "scan" => &["Machine.Scan"],
            "cancel" => self.roles(),
            "alert" => &["Alert.Read", "Alert.ReadWrite"],
            "alert_comment" => &["Alert.ReadWrite"],
            _ => &["Machine.Read", "Machine.ReadWrite"],
        }
    }
}

table! {
    /// One call that arrived, or was lost on order.
    #[derive(Clone, Debug, Serialize)]
    CallRecord {
        #[serde(serialize_with = "instant")] pub at: Timestamp, "When, by the far side's clock.";
        pub route: &'static str, "`token`, `devicecode`, `authorize`, `imds`, `app_service`, `arc`, `scan`, `list`, `get`, `cancel`, `machine`, `machines`, `findbyip`, `alert`, `alert_comment`, `incident_comment` or `other`.";
        pub method: String, "HTTP method.";
        pub path: String, "Path and query as sent.";
        pub tenant: Option<String>, "The tenant, as it stood in the token path.";
        pub app: Option<String>, "The app's client id.";
        pub machine: Option<String>, "The machine named in the path.";
        pub external_id: Option<String>, "`ExternalId` of the body.";
        pub comment: Option<String>, "`Comment` of the body.";
        pub body: String, "The body as text; a token form, which holds a secret, is not kept.";
        pub scope: String, "What a token is asked for; empty in other calls.";
        pub bearer: bool, "Whether an `Authorization` header came with it.";
        pub bearer_valid: bool, "Whether its token was issued here and had not expired.";
        pub status: Option<u16>, "The status answered; none where no answer was given.";
        pub executed: bool, "Whether it took effect; for a scan: whether one was really started.";
        pub refused_by_quota: bool, "Whether the quota refused it; a 429 on order does not count.";
    }
}

impl CallRecord {
    pub(super) fn new(
        at: Timestamp,
        route: &Route,
        request: &Request<Bytes>,
        grant: Option<&Grant>,
    ) -> CallRecord {
        let json: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        let token = ["token", "devicecode", "authorize"].contains(&route.name);
        let fields = match token {
            true => odata::pairs(&String::from_utf8_lossy(request.body())),
            false => Vec::new(),
        };
        let scope = fields.into_iter().find(|(name, _)| name == "scope");
        CallRecord {
            at,
            route: route.name,
            method: request.method().to_string(),
            path: request
                .uri()
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            tenant: if token {
                Some(route.subject.clone())
            } else {
                grant.map(|grant| grant.tenant.clone())
            },
            app: grant.map(|grant| grant.app.clone()),
            machine: ["scan", "machine"]
                .contains(&route.name)
                .then(|| route.subject.clone()),
            external_id: text("ExternalId"),
            comment: text("Comment"),
            body: if token {
                String::new()
            } else {
                String::from_utf8_lossy(request.body()).into_owned()
            },
            scope: scope.map_or_else(String::new, |(_, scope)| scope),
            bearer: request.headers().contains_key(header::AUTHORIZATION),
            bearer_valid: grant.is_some(),
            ..CallRecord::default()
        }
    }

    /// Whether the far side saw it, as far as one can tell.
    pub(super) fn arrived(&self) -> bool {
        self.executed || self.status.is_some()
    }
}

pub(super) fn instant<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&super::answers::instant(*at))
}
