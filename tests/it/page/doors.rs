//! What keeps a page to itself: headers, the files it loads, and a problem told as a page.

use reqwest::Method;
use scanhook::server::access::ROUTES;

use super::{ask, page, read};
use crate::harness::Site;

/// The pages that take no id.
fn paths() -> impl Iterator<Item = &'static str> {
    ROUTES
        .iter()
        .filter(|route| route.method == "GET" && !route.path.contains('{'))
        .map(|route| route.path)
        .filter(|path| !path.starts_with("/api/") && !["/metrics", "/readyz"].contains(path))
}

#[tokio::test]
async fn every_page_says_what_it_may_load_and_is_kept_nowhere() {
    let site = Site::open().await;
    assert!(paths().count() >= 1);
    for path in paths().chain(["/nothing-here", "/held/nothing-here"]) {
        let answer = page(&site, path).await;
        let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(
            header("content-security-policy"),
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
             trusted-types scanhook",
            "{path}"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
            ("content-type", "text/html; charset=utf-8"),
        ] {
            assert_eq!(header(name), value, "{path}: {name}");
        }
        assert!(header("permissions-policy").contains("camera=()"));
        assert_eq!(
            answer.header("strict-transport-security"),
            None,
            "nothing of ours speaks TLS here"
        );
        assert!(answer.text.starts_with("<!doctype html>"), "{path}");
    }
}

#[tokio::test]
async fn the_files_of_a_page_are_named_by_what_they_hold_and_kept_for_ever() {
    let site = Site::open().await;
    let text = page(&site, "/").await.text;
    let named = regex::Regex::new(r#""(/assets/app-[0-9a-f]{16}\.(css|js|svg))""#).unwrap();
    let files: Vec<_> = named
        .captures_iter(&text)
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect();
    assert_eq!(files.len(), 3, "{text}");
    for (path, ending) in files {
        let answer = site.admin(&path).await;
        let kind = answer.header("content-type").unwrap_or_default();
        assert_eq!(answer.status, 200);
        assert!(kind.starts_with(match ending.as_str() {
            "css" => "text/css",
            "js" => "text/javascript",
            _ => "image/svg+xml",
        }));
        assert_eq!(
            answer.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    let other = page(&site, "/assets/app-0000000000000000.js").await;
    assert_eq!(other.status, 404);
}

#[tokio::test]
async fn a_problem_is_told_with_its_code_its_sentence_and_what_to_do() {
    let site = Site::open().await;
    let answer = page(&site, "/?tennant=x").await;
    let text = read(&answer.text);
    assert_eq!(answer.status, 400);
    for expected in [
        "The query has a parameter that has no meaning here",
        "What to do: Take one of those that `takes` names",
        "unknown-parameter",
        "key tennant",
        "somebody on this computer",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // A program is told as before.
    let answer = site.admin("/?tennant=x").await;
    assert_eq!(answer.json()["code"], "unknown-parameter");
}

#[tokio::test]
async fn a_page_is_not_sent_twice_while_nothing_has_changed() {
    let site = Site::open().await;
    let mut tag = String::new();
    // It changes with the minute as well, and what is to be known now may be a second old.
    crate::harness::until("the page is as it was", async || {
        let answer = ask(&site, Method::GET, "/", &[("if-none-match", &tag)], None).await;
        tag = answer.header("etag").unwrap().to_owned();
        (answer.status == 304 && answer.text.is_empty()).then_some(())
    })
    .await;
    site.accepted(crate::harness::alert(
        "1",
        "low",
        &crate::harness::machine(1),
    ))
    .await;
    let changed = ask(&site, Method::GET, "/", &[("if-none-match", &tag)], None).await;
    assert_eq!(changed.status, 200);
}
