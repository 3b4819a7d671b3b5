//! Browsers that are signed in: how a session begins, how long it lasts, and that no page of others uses it.

use std::sync::LazyLock;

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, ORIGIN};
use rusqlite::Connection;
use scanhook::server::access::ROUTES;
use scanhook_core::access::AdminRole;
use serde_json::{Value, json};

use crate::access::{roles, table, token};
use crate::harness::{Answer, HELD, Site, Wish, alert, machine};

const FORM: &str = "application/x-www-form-urlencoded";

type HeaderLines<'h> = &'h [(&'h str, &'h str)];

/// A site with a token for each role, and more of scanhook.toml.
async fn site(more: &str) -> Site {
    Site::with(Wish {
        rules: HELD.to_owned(),
        more: format!("{}{more}", roles()),
        ..Wish::default()
    })
    .await
}

/// Follows no redirect. It keeps no connection, because each test has a runtime of its own.
pub static BROWSER: LazyLock<reqwest::Client> = LazyLock::new(|| {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .build()
        .unwrap()
});

/// A request as it is, without a redirect being followed.
pub async fn send(
    site: &Site,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Answer {
    let url = format!("http://{}{path}", site.admin);
    let mut request = BROWSER.request(method, url).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

pub fn origin(site: &Site) -> String {
    format!("http://{}", site.admin)
}

/// Sends the form of the page.
async fn form(site: &Site, token: &str, next: &str) -> Answer {
    let body = format!("token={token}&next={next}");
    let origin = origin(site);
    let headers = [
        (CONTENT_TYPE.as_str(), FORM),
        (ORIGIN.as_str(), origin.as_str()),
    ];
    send(site, Method::POST, "/sign-in", &headers, body).await
}

/// What the browser sends back of the first cookie that is set.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").expect("a cookie is set");
    set.split(';').next().unwrap().to_owned()
}

/// Signs in with the token of this role.
async fn signed_in(site: &Site, role: AdminRole) -> String {
    let n = AdminRole::ALL.iter().position(|one| *one == role).unwrap();
    let answer = form(site, &token(u8::try_from(n).unwrap()), "/").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    cookie(&answer)
}

pub async fn get(site: &Site, path: &str, cookie: &str) -> Answer {
    let headers = [(COOKIE.as_str(), cookie)];
    send(site, Method::GET, path, &headers, String::new()).await
}

async fn post(site: &Site, path: &str, cookie: &str, body: Value) -> Answer {
    let origin = origin(site);
    let headers = [
        (COOKIE.as_str(), cookie),
        (ORIGIN.as_str(), origin.as_str()),
        (CONTENT_TYPE.as_str(), "application/json"),
    ];
    send(site, Method::POST, path, &headers, body.to_string()).await
}

/// The rows of the audit about this, newest first: who, how and with what result.
async fn audited(site: &Site, admin: &str, what: &str) -> Vec<[String; 3]> {
    let path = format!("/api/v1/audit?what={what}");
    let audit = get(site, &path, admin).await.json();
    let items = audit["items"].as_array().unwrap().iter();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    items
        .map(|link| ["subject", "how", "result"].map(|key| text(&link["entry"], key)))
        .collect()
}

async fn metric(site: &Site, cookie: &str, line: &str) -> bool {
    get(site, "/metrics", cookie).await.text.contains(line)
}

#[tokio::test]
async fn a_token_signs_a_browser_in_and_the_session_counts_at_the_api() {
    let site = site("").await;
    let answer = form(&site, &token(2), "%2Fheld%3Fgroup%3Drule").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/held?group=rule"))
    );
    let set = answer.header("set-cookie").unwrap();
    assert!(set.starts_with("__Host-scanhook="), "{set}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(set.split("; ").any(|part| part == attribute), "{set}");
    }
    assert!(!set.contains("Domain") && !set.contains(&token(2)), "{set}");

    let operator = cookie(&answer);
    let me = get(&site, "/api/v1/me", &operator).await.json();
    assert_eq!(
        [&me["subject"], &me["how"], &me["role"]],
        [
            &json!("token:operator"),
            &json!("token operator"),
            &json!("operator")
        ]
    );
    assert!(
        me["until"]
            .as_str()
            .is_some_and(|until| until.ends_with('Z')),
        "{me}"
    );
    let receipt = site.accepted(alert("a", "high", &machine(1))).await;
    let id = receipt["alerts"][0]["decisions"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/decisions/{id}/deny");
    let denied = post(&site, &path, &operator, json!({ "reason": "drill" })).await;
    assert_eq!(denied.status, 200, "{}", denied.text);
    let reload = post(&site, "/-/reload", &operator, json!({})).await;
    assert_eq!(
        (reload.status, &reload.json()["code"]),
        (403, &json!("role-too-small"))
    );

    let admin = signed_in(&site, AdminRole::Admin).await;
    let row = |who: &str, result: &str| {
        [
            format!("token:{who}"),
            format!("token {who}"),
            result.to_owned(),
        ]
    };
    assert_eq!(
        audited(&site, &admin, "deny").await,
        [row("operator", "denied")]
    );
    assert_eq!(
        audited(&site, &admin, "sign").await,
        [row("admin", "done"), row("operator", "done")]
    );
    for line in [
        "scanhook_sign_ins_total{how=\"token\",result=\"done\"} 2",
        "scanhook_sessions 2",
        "scanhook_orders_total{verb=\"deny\",result=\"done\"} 1",
        "scanhook_orders_total{verb=\"reload\",result=\"role-too-small\"} 1",
        "scanhook_admin_requests_total{route=\"/api/v1/decisions/{id}/deny\",status=\"200\"} 1",
    ] {
        assert!(metric(&site, &admin, line).await, "{line}");
    }
}

#[tokio::test]
async fn a_session_outlives_a_restart_and_ends_when_somebody_signs_out() {
    let mut site = site("").await;
    let viewer = signed_in(&site, AdminRole::Viewer).await;
    site.restart().await;
    assert_eq!(
        get(&site, "/api/v1/me", &viewer).await.json()["name"],
        "viewer"
    );
    let journal = std::fs::read(site.journal()).unwrap();
    let key = viewer.split_once('=').unwrap().1.as_bytes();
    assert!(
        !journal.windows(key.len()).any(|bytes| bytes == key),
        "the journal has a hash"
    );

    let out = post(&site, "/sign-out", &viewer, json!({})).await;
    assert_eq!(
        (out.status, out.header("location")),
        (303, Some("/sign-in"))
    );
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    let over = get(&site, "/api/v1/me", &viewer).await;
    assert_eq!(
        (over.status, &over.json()["code"]),
        (401, &json!("sign-in-required"))
    );
    let admin = signed_in(&site, AdminRole::Admin).await;
    assert_eq!(audited(&site, &admin, "sign%20out").await.len(), 1);
    assert!(metric(&site, &admin, "scanhook_sessions 1").await);
}

/// Changes the one session there is while nobody has the journal open.
fn aged(site: &Site, sql: &str) {
    let db = Connection::open(site.journal()).unwrap();
    assert_eq!(db.execute(sql, []).unwrap(), 1);
}

#[tokio::test]
async fn a_session_that_is_not_used_or_too_old_is_over() {
    for (sql, status) in [
        ("UPDATE session SET seen = seen - 1740000", 200),
        ("UPDATE session SET seen = seen - 1800000", 401),
        (
            "UPDATE session SET at = at - 35400000, ends = ends - 35400000",
            200,
        ),
        (
            "UPDATE session SET at = at - 36000000, ends = ends - 36000000",
            401,
        ),
        // The file allows less now than when it began.
        ("UPDATE session SET at = at - 36000000", 401),
    ] {
        let mut site = site("").await;
        let viewer = signed_in(&site, AdminRole::Viewer).await;
        site.stop().await;
        aged(&site, sql);
        site.restart().await;
        let answer = get(&site, "/api/v1/me", &viewer).await;
        assert_eq!(answer.status, status, "{sql}: {}", answer.text);
        if status == 200 {
            site.stop().await;
            // It was used now, so that it lasts on.
            aged(&site, "UPDATE session SET seen = seen - 1740000");
            site.restart().await;
            assert_eq!(get(&site, "/api/v1/me", &viewer).await.status, 200, "{sql}");
        }
    }
}

#[tokio::test]
async fn how_long_a_session_lasts_is_configured() {
    let mut site = site("[admin.session]\nidle = \"2m\"\nlongest = \"1h\"\n").await;
    let viewer = signed_in(&site, AdminRole::Viewer).await;
    site.stop().await;
    aged(&site, "UPDATE session SET seen = seen - 121000");
    site.restart().await;
    assert_eq!(get(&site, "/api/v1/me", &viewer).await.status, 401);
}

#[tokio::test]
async fn a_token_that_a_reload_takes_away_takes_its_sessions_along_and_a_role_counts_at_once() {
    let site = site(&table("xsoar", 70, "role = \"admin\"")).await;
    let xsoar = cookie(&form(&site, &token(70), "/").await);
    assert_eq!(
        get(&site, "/api/v1/me", &xsoar).await.json()["role"],
        "admin"
    );
    let file = site.folder.path().join("scanhook.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    let reload = async |text: &str| {
        std::fs::write(&file, text).unwrap();
        let admin = signed_in(&site, AdminRole::Admin).await;
        let done = post(&site, "/-/reload", &admin, json!({})).await;
        assert_eq!(done.status, 200, "{}", done.text);
    };
    let with = table("xsoar", 70, "role = \"admin\"");
    reload(&whole.replace(&with, &table("xsoar", 70, "role = \"viewer\""))).await;
    assert_eq!(
        get(&site, "/api/v1/me", &xsoar).await.json()["role"],
        "viewer"
    );
    let ended = table("xsoar", 70, "role = \"admin\"\nuntil = 2020-01-31");
    reload(&whole.replace(&with, &ended)).await;
    assert_eq!(get(&site, "/api/v1/me", &xsoar).await.status, 401);
    reload(&whole.replace(&with, "")).await;
    assert_eq!(get(&site, "/api/v1/me", &xsoar).await.status, 401);
    reload(&whole).await;
    assert_eq!(get(&site, "/api/v1/me", &xsoar).await.status, 200);
}

#[tokio::test]
async fn no_page_of_another_origin_orders_anything_with_a_session() {
    let site = site("").await;
    let admin = signed_in(&site, AdminRole::Admin).await;
    let own = origin(&site);
    let own = own.as_str();
    let bearer = format!("Bearer {}", token(3));
    let json = (CONTENT_TYPE.as_str(), "application/json");
    let form = (CONTENT_TYPE.as_str(), FORM);
    let with = (COOKIE.as_str(), admin.as_str());
    let by_token = ("authorization", bearer.as_str());
    let from = |origin| (ORIGIN.as_str(), origin);
    let site_of = |site| ("sec-fetch-site", site);
    let sent = async |path: &str, headers: &[(&str, &str)]| {
        let body = match headers.contains(&form) {
            true => String::new(),
            false => "{}".to_owned(),
        };
        let answer = send(&site, Method::POST, path, headers, body).await;
        (answer.status, answer)
    };
    // Who sends it with what, from where; and whether it is carried out.
    let cases: &[(&str, HeaderLines<'_>, u16)] = &[
        (
            "a page of ours",
            &[with, json, from(own), site_of("same-origin")],
            200,
        ),
        ("an old browser", &[with, json, from(own)], 200),
        ("a program with a token", &[by_token, json], 200),
        (
            "another origin",
            &[with, json, from("https://evil.example")],
            403,
        ),
        (
            "another port",
            &[with, json, from("http://127.0.0.1:1")],
            403,
        ),
        ("a sandboxed frame", &[with, json, from("null")], 403),
        ("nobody says from where", &[with, json], 403),
        ("a token beside a session", &[with, by_token, json], 403),
        (
            "another site",
            &[with, json, from(own), site_of("cross-site")],
            403,
        ),
        (
            "the same site",
            &[with, json, from(own), site_of("same-site")],
            403,
        ),
    ];
    for (who, headers, status) in cases {
        let (seen, answer) = sent("/api/v1/pause", headers).await;
        assert_eq!(seen, *status, "{who}: {}", answer.text);
        if *status == 403 {
            assert_eq!(answer.json()["code"], "foreign-origin", "{who}");
        } else {
            let resumed = post(&site, "/api/v1/resume", &admin, json!({})).await;
            assert_eq!(resumed.status, 200, "{who}: {}", resumed.text);
        }
        let status = get(&site, "/api/v1/status", &admin).await.json();
        assert_eq!(status["pauses"], json!([]), "{who}: nothing was changed");
    }
    // A form is what any page can send without asking: never an order of the API, and nowhere without an origin.
    let (status, answer) = sent("/api/v1/pause", &[with, form, from(own)]).await;
    assert_eq!(
        (status, &answer.json()["code"]),
        (415, &json!("media-type"))
    );
    for headers in [
        &[form][..],
        &[with, form],
        &[with, form, from("null")],
        &[with, form, from("https://evil.example")],
        &[with, form, from(own), site_of("cross-site")],
    ] {
        for path in ["/sign-in", "/sign-out"] {
            let (status, answer) = sent(path, headers).await;
            let code = &answer.json()["code"];
            assert_eq!((status, code), (403, &json!("foreign-origin")), "{path}");
        }
        let (status, answer) = sent("/api/v1/pause", headers).await;
        assert!([401, 403, 415].contains(&status), "{}", answer.text);
    }
    assert_eq!(
        get(&site, "/api/v1/me", &admin).await.status,
        200,
        "nobody was signed out"
    );
}

#[tokio::test]
async fn a_link_on_a_page_of_others_leads_to_the_page_once_the_browser_asks_from_here() {
    let site = site("").await;
    let viewer = signed_in(&site, AdminRole::Viewer).await;
    let html = (ACCEPT.as_str(), "text/html,application/xhtml+xml");
    let led = ("sec-fetch-site", "cross-site");
    let navigates = ("sec-fetch-mode", "navigate");
    let ask = async |headers: &[(&str, &str)]| {
        send(&site, Method::GET, "/metrics", headers, String::new()).await
    };
    // The browser keeps the cookie back, because a page of others led it here.
    let first = ask(&[html, led, navigates]).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert!(
        first.text.contains("http-equiv=\"refresh\" content=\"0\""),
        "{}",
        first.text
    );
    assert!(!first.text.contains("Token"), "{}", first.text);
    assert_eq!(first.header("cache-control"), Some("no-store"));
    // That page is ours, so now it is sent.
    let second = ask(&[
        html,
        ("sec-fetch-site", "same-origin"),
        navigates,
        (COOKIE.as_str(), &viewer),
    ])
    .await;
    assert!(second.text.contains("# TYPE"), "{}", second.text);
    // Without a session there is a form and no further refresh: nothing goes round in circles.
    let without = ask(&[html, ("sec-fetch-site", "same-origin"), navigates]).await;
    assert_eq!(without.status, 401);
    assert!(!without.text.contains("http-equiv"), "{}", without.text);
    let lost = ask(&[
        html,
        led,
        navigates,
        (
            COOKIE.as_str(),
            "__Host-scanhook=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ),
    ])
    .await;
    assert_eq!(lost.status, 401, "{}", lost.text);
}

#[tokio::test]
async fn a_page_without_a_session_is_the_form_which_comes_back_to_it() {
    let site = site("").await;
    let html = [(ACCEPT.as_str(), "text/html")];
    let page = send(
        &site,
        Method::GET,
        "/metrics?a=%22b&c=d",
        &html,
        String::new(),
    )
    .await;
    assert_eq!(page.status, 401);
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/html")
    );
    assert!(
        page.header("content-security-policy")
            .unwrap()
            .contains("form-action 'self'")
    );
    assert!(
        page.header("www-authenticate")
            .unwrap()
            .starts_with("Bearer")
    );
    for part in [
        "<label for=\"token\">Token</label>",
        "Sign in</button>",
        "value=\"/metrics?a=%22b",
    ] {
        assert!(page.text.contains(part), "{part}: {}", page.text);
    }
    // A program is told in its own words.
    let api = send(&site, Method::GET, "/api/v1/me", &html, String::new()).await;
    assert_eq!(
        (api.status, &api.json()["code"]),
        (401, &json!("sign-in-required"))
    );
    let form = send(
        &site,
        Method::GET,
        "/sign-in?next=/held",
        &[],
        String::new(),
    )
    .await;
    assert_eq!(form.status, 200);
    assert!(form.text.contains("value=\"/held\""), "{}", form.text);
    // Whoever is signed in goes on.
    let viewer = signed_in(&site, AdminRole::Viewer).await;
    let on = get(&site, "/sign-in?next=%2Fheld", &viewer).await;
    assert_eq!((on.status, on.header("location")), (303, Some("/held")));
}

#[tokio::test]
async fn nobody_is_led_to_another_place_after_signing_in() {
    let site = site("").await;
    for hostile in [
        "//evil.example/",
        "https://evil.example/",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2F%09%2Fevil.example",
        "javascript:alert(1)",
        "/held%0d%0aSet-Cookie:%20a=b",
        "%2Fsign-in",
    ] {
        let answer = form(&site, &token(0), hostile).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/")),
            "{hostile}"
        );
        let page = send(
            &site,
            Method::GET,
            &format!("/sign-in?next={hostile}"),
            &[],
            String::new(),
        )
        .await;
        assert!(
            page.text.contains("name=\"next\" value=\"/\""),
            "{hostile}: {}",
            page.text
        );
    }
    let markup = send(
        &site,
        Method::GET,
        "/sign-in?next=/a%22%3E%3Cscript%3E",
        &[],
        String::new(),
    )
    .await;
    assert!(!markup.text.contains("<script>"), "{}", markup.text);
}

#[tokio::test]
async fn a_token_that_is_refused_by_the_form_counts_as_everywhere() {
    let site = Site::with(Wish {
        server: "auth_failures = { count = 3, per = \"1h\" }",
        more: format!(
            "{}{}",
            roles(),
            table("old", 200, "role = \"admin\"\nuntil = 2020-01-31")
        ),
        ..Wish::default()
    })
    .await;
    let admin = signed_in(&site, AdminRole::Admin).await;
    for wrong in [token(99), token(200), String::new()] {
        let refused = form(&site, &wrong, "/held").await;
        assert_eq!(refused.status, 401, "{}", refused.text);
        assert!(refused.text.contains("token-refused"), "{}", refused.text);
        assert!(refused.text.contains("value=\"/held\""), "{}", refused.text);
        assert_eq!(refused.header("set-cookie"), None);
        assert!(
            wrong.is_empty() || !refused.text.contains(&wrong),
            "{}",
            refused.text
        );
    }
    let waits = form(&site, &token(3), "/").await;
    assert_eq!(waits.status, 503);
    assert!(waits.header("retry-after").is_some());
    assert_eq!(
        get(&site, "/api/v1/me", &admin).await.status,
        503,
        "it is one budget"
    );
    let db = Connection::open(site.journal()).unwrap();
    let rows: u32 = db
        .query_row(
            "SELECT count(*) FROM audit WHERE what = 'credential refused'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(rows, 1, "one row a minute and address");
}

#[tokio::test]
async fn somebody_who_signs_in_again_and_again_keeps_a_bounded_number_of_sessions() {
    let site = site("").await;
    let first = signed_in(&site, AdminRole::Viewer).await;
    for _ in 0..50 {
        signed_in(&site, AdminRole::Viewer).await;
    }
    assert_eq!(get(&site, "/api/v1/me", &first).await.status, 401);
    let admin = signed_in(&site, AdminRole::Admin).await;
    assert!(metric(&site, &admin, "scanhook_sessions 51").await);
}

#[tokio::test]
async fn this_computer_is_let_in_as_before_where_a_session_is_over() {
    let site = site("[admin]\nloopback = \"viewer\"\n").await;
    let admin = signed_in(&site, AdminRole::Admin).await;
    assert_eq!(
        get(&site, "/api/v1/me", &admin).await.json()["role"],
        "admin"
    );
    post(&site, "/sign-out", &admin, json!({})).await;
    let me = get(&site, "/api/v1/me", &admin).await.json();
    assert_eq!(
        (&me["how"], &me["role"]),
        (&json!("loopback"), &json!("viewer"))
    );
}

#[tokio::test]
async fn a_program_with_a_token_that_ends_is_told_when() {
    let site = site(&table("xsoar", 70, "role = \"viewer\"\nuntil = 2099-06-30")).await;
    let bearer = format!("Bearer {}", token(70));
    let headers = [("authorization", bearer.as_str())];
    let me = send(&site, Method::GET, "/api/v1/me", &headers, String::new()).await;
    assert_eq!(me.json()["until"], "2099-07-01T00:00:00.000Z");
    let metrics = send(&site, Method::GET, "/metrics", &headers, String::new())
        .await
        .text;
    let line = "scanhook_token_until_timestamp_seconds{token=\"xsoar\"} 4086547200";
    assert!(metrics.contains(line), "{metrics}");
    assert!(
        !metrics.contains("scanhook_audit_head_timestamp_seconds 0"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_session_reaches_what_its_token_reaches_and_nothing_by_another_method() {
    let site = site("").await;
    for role in AdminRole::ALL {
        let cookie = signed_in(&site, *role).await;
        for route in ROUTES {
            let path = route
                .path
                .replace("{id}", "00000000-0000-7000-8000-000000000000");
            let path = match path.as_str() {
                "/readyz" => "/readyz?verbose".to_owned(),
                _ => path,
            };
            let body = json!({ "no such key": 1 });
            let answer = match route.method {
                "POST" => post(&site, &path, &cookie, body).await,
                _ => get(&site, &path, &cookie).await,
            };
            if *role < route.takes.least() {
                let code = &answer.json()["code"];
                assert_eq!(
                    (answer.status, code),
                    (403, &json!("role-too-small")),
                    "{role} {path}"
                );
            } else {
                assert!(
                    ![401, 403, 405].contains(&answer.status),
                    "{role} {path}: {}",
                    answer.text
                );
            }
            let own = origin(&site);
            let headers = [
                (COOKIE.as_str(), cookie.as_str()),
                (ORIGIN.as_str(), own.as_str()),
            ];
            for method in [Method::PUT, Method::PATCH, Method::DELETE] {
                let other = send(&site, method, &path, &headers, String::new()).await;
                assert_eq!(other.status, 405, "{path}");
            }
        }
    }
}
