//! Every route of the admin listener, and what it takes. A route that is missing here answers nobody, and a test holds this
//! table against the routers.

use axum::http::Method;

use crate::server::fields::FormValues;
use scanhook_core::access::Permission;

/// One method of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteAccess {
    pub method: &'static str,
    pub path: &'static str,
    pub takes: Permission,
    /// The word for it in the audit.
    pub what: &'static str,
}

/// Routes by which somebody comes in or leaves, so that they are answered whoever asks.
pub const OPEN_ROUTES: &[(&str, &str)] = &[
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/start"),
    ("GET", "/sign-in/callback"),
    ("POST", "/sign-out"),
];

/// What a request takes.
pub(super) enum RouteNeeds {
    /// Probes of load balancers: they tell nothing but whether this process answers.
    Nothing,
    /// To come from no page of others.
    SameSite,
    Permission(&'static RouteAccess),
}

const fn at(
    method: &'static str,
    path: &'static str,
    takes: Permission,
    what: &'static str,
) -> RouteAccess {
    RouteAccess {
        method,
        path,
        takes,
        what,
    }
}

/// The routes with what they take.
pub const ROUTES: &[RouteAccess] = &[
    at("GET", "/", Permission::Read, "page"),
    at("GET", "/held", Permission::Read, "page"),
    at("GET", "/held/{id}", Permission::Read, "page"),
    at(
        "POST",
        "/held/confirm",
        Permission::Answer,
        "look at an answer",
    ),
    at("POST", "/held/approve", Permission::Answer, "approve"),
    at("POST", "/held/deny", Permission::Answer, "deny"),
    at("GET", "/pause", Permission::Pause, "page"),
    at("GET", "/pause/confirm", Permission::Pause, "page"),
    at("POST", "/pause", Permission::Pause, "pause"),
    at("GET", "/resume", Permission::Operate, "page"),
    at("POST", "/resume", Permission::Operate, "resume"),
    at("GET", "/alerts", Permission::Read, "page"),
    at("GET", "/alerts/{delivery}/{n}", Permission::Read, "page"),
    at("GET", "/scans", Permission::Read, "page"),
    at("GET", "/scans/{id}", Permission::Read, "page"),
    at(
        "POST",
        "/scans/confirm",
        Permission::Operate,
        "look at an order",
    ),
    at("POST", "/scans/cancel", Permission::Operate, "cancel"),
    at("POST", "/scans/retry", Permission::Operate, "retry"),
    at("GET", "/machines/{tenant}/{id}", Permission::Read, "page"),
    at("GET", "/rules", Permission::ReadAll, "page"),
    at("GET", "/rules/{name}", Permission::ReadAll, "page"),
    at("GET", "/policies/{hash}", Permission::ReadAll, "page"),
    at("GET", "/system", Permission::Read, "page"),
    at("GET", "/system/outbox/retry", Permission::Operate, "page"),
    at(
        "POST",
        "/system/outbox/retry",
        Permission::Operate,
        "outbox retry",
    ),
    at(
        "GET",
        "/system/receivers/{name}/test",
        Permission::Administer,
        "page",
    ),
    at(
        "POST",
        "/system/receivers/{name}/test",
        Permission::Administer,
        "receiver test",
    ),
    at("GET", "/audit", Permission::Administer, "page"),
    at("GET", "/api/v1/me", Permission::Read, "whoami"),
    at("GET", "/api/v1/openapi.json", Permission::Read, "openapi"),
    at("GET", "/api/v1/status", Permission::Read, "status"),
    at("GET", "/api/v1/alerts", Permission::Read, "alerts"),
    at("GET", "/api/v1/decisions", Permission::Read, "decisions"),
    at("GET", "/api/v1/scans", Permission::Read, "scans"),
    at("GET", "/api/v1/scans/{id}", Permission::Read, "scans"),
    at("GET", "/api/v1/summary", Permission::Read, "summary"),
    at("GET", "/api/v1/live", Permission::Read, "live"),
    at("GET", "/api/v1/held", Permission::Read, "held"),
    at("GET", "/api/v1/held/{key}", Permission::Read, "held"),
    at(
        "GET",
        "/api/v1/decisions/{id}",
        Permission::Read,
        "decisions",
    ),
    at("GET", "/api/v1/machines", Permission::Read, "machines"),
    at(
        "GET",
        "/api/v1/machines/{tenant}/{id}",
        Permission::Read,
        "machines",
    ),
    at(
        "GET",
        "/api/v1/alerts/{delivery}/{n}",
        Permission::Read,
        "alerts",
    ),
    at(
        "GET",
        "/api/v1/decisions/{id}/explain",
        Permission::Read,
        "explain",
    ),
    at("GET", "/api/v1/events", Permission::Read, "events"),
    at(
        "GET",
        "/api/v1/deliveries/{id}/body",
        Permission::Operate,
        "body",
    ),
    // The policy tells of several tenants.
    at("GET", "/api/v1/rules", Permission::ReadAll, "rules"),
    at("GET", "/api/v1/policies", Permission::ReadAll, "policies"),
    at(
        "GET",
        "/api/v1/policies/{hash}",
        Permission::ReadAll,
        "policies",
    ),
    // Receivers are told of several tenants, too.
    at("GET", "/api/v1/outbox", Permission::ReadAll, "outbox"),
    at("GET", "/api/v1/audit", Permission::Administer, "audit"),
    at("GET", "/api/v1/audit/head", Permission::Administer, "audit"),
    at("GET", "/metrics", Permission::ReadAll, "metrics"),
    at("GET", "/readyz", Permission::ReadAll, "readyz"),
    at(
        "POST",
        "/api/v1/decisions/{id}/approve",
        Permission::Answer,
        "approve",
    ),
    at(
        "POST",
        "/api/v1/decisions/{id}/deny",
        Permission::Answer,
        "deny",
    ),
    at(
        "POST",
        "/api/v1/decisions/approve",
        Permission::Answer,
        "approve",
    ),
    at("POST", "/api/v1/decisions/deny", Permission::Answer, "deny"),
    at(
        "POST",
        "/api/v1/scans/{id}/cancel",
        Permission::Operate,
        "cancel",
    ),
    at(
        "POST",
        "/api/v1/scans/cancel",
        Permission::Operate,
        "cancel",
    ),
    at("POST", "/api/v1/retry", Permission::Operate, "retry"),
    at("POST", "/api/v1/pause", Permission::Pause, "pause"),
    at("POST", "/api/v1/resume", Permission::Operate, "resume"),
    at(
        "POST",
        "/api/v1/outbox/retry",
        Permission::Operate,
        "outbox retry",
    ),
    at(
        "POST",
        "/api/v1/receivers/{name}/test",
        Permission::Administer,
        "receiver test",
    ),
    at("POST", "/-/reload", Permission::Administer, "reload"),
];

/// What this request takes; `None`: no route of ours.
pub(super) fn route(method: &Method, path: &str, query: Option<&str>) -> Option<RouteNeeds> {
    let method = if *method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    // What pages look like tells nothing, and the form for signing in looks like them.
    if method == "GET" && path == "/assets/{file}" {
        return Some(RouteNeeds::Nothing);
    }
    if method == "GET" && (path == "/livez" || (path == "/readyz" && !is_verbose(query))) {
        return Some(RouteNeeds::Nothing);
    }
    if OPEN_ROUTES.contains(&(method, path)) {
        return Some(RouteNeeds::SameSite);
    }
    ROUTES
        .iter()
        .find(|route| route.method == method && route.path == path)
        .map(RouteNeeds::Permission)
}

/// Whether a probe is asked for more than a status, which takes a permission.
pub(in crate::server) fn is_verbose(query: Option<&str>) -> bool {
    FormValues::of_query(query).is_ok_and(|query| query.get("verbose").is_some())
}

/// The methods that a path takes, as `Allow` lists them.
pub(super) fn methods_of(path: &str) -> Option<String> {
    let routes = ROUTES.iter().map(|route| (route.method, route.path));
    let mut methods: Vec<&str> = routes
        .chain(OPEN_ROUTES.iter().copied())
        .filter(|(_, of)| *of == path)
        .map(|(method, _)| method)
        .collect();
    if path == "/livez" {
        methods.push("GET");
    }
    if let Some(place) = methods.iter().position(|method| *method == "GET") {
        methods.insert(place + 1, "HEAD");
    }
    (!methods.is_empty()).then(|| methods.join(", "))
}
