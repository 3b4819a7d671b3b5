//! The admin listener as programs of others use it: errors of one shape, and metrics in the format that was asked for.

use reqwest::{Method, Response};

use crate::harness::{Site, alert, machine};

async fn ask(site: &Site, method: Method, path: &str, accept: Option<&str>) -> Response {
    let mut request = site
        .http
        .request(method, format!("http://{}{path}", site.admin));
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    request.send().await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn every_refusal_is_a_problem_with_a_code_and_a_wrong_method_is_told_before_a_wrong_type() {
    let site = Site::open().await;
    let rows = [
        (
            Method::DELETE,
            "/api/v1/pause",
            405,
            "method-not-allowed",
            "POST",
        ),
        (Method::GET, "/-/reload", 405, "method-not-allowed", "POST"),
        (
            Method::DELETE,
            "/api/v1/decisions",
            405,
            "method-not-allowed",
            "GET, HEAD",
        ),
        (
            Method::POST,
            "/metrics",
            405,
            "method-not-allowed",
            "GET, HEAD",
        ),
        (
            Method::PUT,
            "/livez",
            405,
            "method-not-allowed",
            "GET, HEAD",
        ),
        (
            Method::GET,
            "/api/v1/status?surce=siem",
            400,
            "unknown-parameter",
            "",
        ),
        (
            Method::GET,
            "/api/v1/scans?limit=5000",
            400,
            "bad-value",
            "",
        ),
        (Method::GET, "/nowhere", 404, "not-found", ""),
    ];
    for (method, path, status, code, allow) in rows {
        let answer = ask(&site, method, path, None).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(
            header(&answer, "content-type"),
            "application/problem+json",
            "{path}"
        );
        assert_eq!(header(&answer, "allow"), allow, "{path}");
        assert_eq!(
            answer.headers().get_all("allow").iter().count(),
            usize::from(!allow.is_empty()),
            "{path}"
        );
        let problem: serde_json::Value =
            serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], code, "{path}");
    }
}

#[tokio::test]
async fn an_order_without_a_body_needs_no_content_type() {
    let site = Site::open().await;
    let answer = ask(&site, Method::POST, "/-/reload", None).await;
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    let typed = site
        .http
        .post(format!("http://{}/-/reload", site.admin))
        .body("{}");
    assert_eq!(
        typed.send().await.unwrap().status(),
        415,
        "a body is of a type"
    );
}

#[tokio::test]
async fn a_probe_is_answered_whatever_its_query_says() {
    let site = Site::open().await;
    for query in ["", "?verbose", "?verbose=1", "?x=%zz&verbose"] {
        assert_eq!(
            ask(&site, Method::GET, &format!("/readyz{query}"), None)
                .await
                .status(),
            200,
            "{query}"
        );
    }
}

#[tokio::test]
async fn metrics_are_written_as_the_scraper_asks() {
    let site = Site::open().await;
    site.accepted(alert("1", "low", &machine(1))).await;
    let prometheus =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
    for (accept, kind, open) in [
        (None, "text/plain; version=0.0.4; charset=utf-8", false),
        (
            Some("text/plain"),
            "text/plain; version=0.0.4; charset=utf-8",
            false,
        ),
        (
            Some(prometheus),
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            true,
        ),
    ] {
        let answer = ask(&site, Method::GET, "/metrics", accept).await;
        assert_eq!(header(&answer, "content-type"), kind);
        let text = answer.text().await.unwrap();
        assert_eq!(text.ends_with("# EOF\n"), open, "{accept:?}");
        let name = if open {
            "scanhook_deliveries"
        } else {
            "scanhook_deliveries_total"
        };
        assert!(text.contains(&format!("# TYPE {name} counter\n")), "{text}");
        assert!(text.contains("scanhook_paused 0\n"));
    }
}
