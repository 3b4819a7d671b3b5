//! Who may do what at the admin listener: credentials, roles, and the audit that goes with every order.

mod people;

use std::collections::BTreeSet;

use regex::Regex;
use reqwest::Method;
use scanhook::server::access::{OPEN_ROUTES, ROUTES};
use scanhook_core::access::{AccessTokenHash, AdminRole, Permission, from_random, verify};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::{
    Answer, HELD, SIEM_SECRET, Site, Wish, alert, generic, machine, two_customers,
};

/// The token with this number.
pub fn token(n: u8) -> String {
    from_random(&[n; 39]).expose_secret().to_owned()
}

/// The table that lets a token in.
pub fn table(name: &str, n: u8, lines: &str) -> String {
    let hash = AccessTokenHash::of(&token(n));
    format!("[admin.tokens.{name}]\nhash = \"{hash}\"\n{lines}\n")
}

/// A token for each role, numbered by its place.
pub fn roles() -> String {
    let tables = AdminRole::ALL.iter().enumerate().map(|(n, role)| {
        table(
            role.code(),
            u8::try_from(n).unwrap(),
            &format!("role = \"{role}\""),
        )
    });
    tables.collect()
}

async fn site(more: String) -> Site {
    Site::with(Wish {
        rules: HELD.to_owned(),
        more,
        ..Wish::default()
    })
    .await
}

pub async fn ask(
    site: &Site,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Option<Value>,
) -> Answer {
    let mut request = site
        .http
        .request(method, format!("http://{}{path}", site.admin));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    Answer::of(request.send().await.unwrap()).await
}

fn code(answer: &Answer) -> String {
    answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn this_computer_is_let_in_until_somebody_is_given_a_token() {
    let alone = site(String::new()).await;
    let me = ask(&alone, Method::GET, "/api/v1/me", None, None)
        .await
        .json();
    assert_eq!(
        (&me["how"], &me["role"]),
        (&json!("loopback"), &json!("admin"))
    );
    assert_eq!(me.get("tenants"), None);

    let shared = site(roles()).await;
    let refused = ask(&shared, Method::GET, "/api/v1/me", None, None).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (401, "sign-in-required")
    );
    let me = ask(&shared, Method::GET, "/api/v1/me", Some(&token(0)), None)
        .await
        .json();
    assert_eq!(
        (&me["name"], &me["how"], &me["role"]),
        (&json!("viewer"), &json!("token viewer"), &json!("viewer"))
    );

    let both = site(format!("[admin]\nloopback = \"viewer\"\n{}", roles())).await;
    let me = ask(&both, Method::GET, "/api/v1/me", None, None)
        .await
        .json();
    assert_eq!(me["role"], "viewer");
}

#[tokio::test]
async fn probes_are_answered_to_everybody_and_tell_nothing() {
    let site = site(roles()).await;
    for path in ["/livez", "/readyz"] {
        let answer = ask(&site, Method::GET, path, None, None).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
    }
    assert_eq!(
        ask(&site, Method::GET, "/readyz?verbose", None, None)
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn what_a_proxy_passed_on_is_not_this_computer() {
    let site = site(String::new()).await;
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "via",
        "x-real-ip",
    ] {
        let answer = site
            .http
            .get(format!("http://{}/api/v1/status", site.admin))
            .header(name, "for=10.0.0.7")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), 401, "{name}");
    }
}

#[tokio::test]
async fn a_token_that_is_wrong_or_over_is_refused_in_one_way_and_goes_into_the_audit() {
    let lines = "role = \"admin\"\nuntil = 2020-01-31";
    let site = site(format!("{}{}", roles(), table("old", 200, lines))).await;
    for presented in [token(99), token(200), "shk_".to_owned(), "x".to_owned()] {
        let refused = ask(&site, Method::GET, "/api/v1/status", Some(&presented), None).await;
        assert_eq!(
            (refused.status, code(&refused).as_str()),
            (401, "token-refused")
        );
    }
    let audit = ask(
        &site,
        Method::GET,
        "/api/v1/audit?what=refused",
        Some(&token(3)),
        None,
    )
    .await;
    let items = audit.json()["items"].as_array().unwrap().len();
    assert_eq!(items, 1, "one row a minute and address: {}", audit.text);
}

#[tokio::test]
async fn an_address_that_fails_too_often_has_to_wait() {
    let site = Site::with(Wish {
        server: "auth_failures = { count = 3, per = \"1h\" }",
        more: roles(),
        ..Wish::default()
    })
    .await;
    for _ in 0..3 {
        assert_eq!(
            ask(&site, Method::GET, "/api/v1/me", Some("wrong"), None)
                .await
                .status,
            401
        );
    }
    let waits = ask(&site, Method::GET, "/api/v1/me", Some(&token(3)), None).await;
    assert_eq!(waits.status, 503);
    assert!(waits.header("retry-after").is_some());
}

#[tokio::test]
async fn each_role_reaches_its_routes_and_no_others() {
    let site = site(roles()).await;
    for route in ROUTES {
        let path = route
            .path
            .replace("{id}", "00000000-0000-7000-8000-000000000000");
        let path = if path == "/readyz" {
            "/readyz?verbose".to_owned()
        } else {
            path
        };
        let method: Method = route.method.parse().unwrap();
        // An order that names a key which nobody takes is refused for that, once the role is good enough.
        let body = (method == Method::POST).then(|| json!({ "no such key": 1 }));
        let nobody = ask(&site, method.clone(), &path, None, body.clone()).await;
        assert_eq!(
            (nobody.status, code(&nobody).as_str()),
            (401, "sign-in-required"),
            "{path}"
        );
        for (n, role) in AdminRole::ALL.iter().enumerate() {
            let who = token(u8::try_from(n).unwrap());
            let answer = ask(&site, method.clone(), &path, Some(&who), body.clone()).await;
            if *role < route.takes.least() {
                assert_eq!(
                    (answer.status, code(&answer).as_str()),
                    (403, "role-too-small"),
                    "{role} {path}"
                );
                assert_eq!(answer.json()["needs"], route.takes.least().code());
            } else {
                assert!(
                    ![401, 403, 405].contains(&answer.status),
                    "{role} {path}: {}",
                    answer.text
                );
            }
        }
    }
}

/// All files of code below a folder.
fn sources_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                sources_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn every_route_of_the_admin_listener_is_in_the_table() {
    let mut served = BTreeSet::new();
    let route = Regex::new(r#"\.route\(\s*"([^"]+)",\s*(get|post)"#).unwrap();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server");
    // The public listener has a router of its own.
    let mut files: Vec<_> = sources_below(&root);
    files.retain(|file| !file.ends_with("webhook.rs"));
    for file in files {
        let text = std::fs::read_to_string(file).unwrap();
        for found in route.captures_iter(&text) {
            served.insert((found[2].to_uppercase(), found[1].to_owned()));
        }
    }
    assert!(served.len() > 15, "{served:?}");
    served.retain(|(_, path)| path != "/livez" && path != "/assets/{file}");
    let known: BTreeSet<_> = ROUTES
        .iter()
        .map(|route| (route.method, route.path))
        .chain(OPEN_ROUTES.iter().copied())
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();
    assert_eq!(served, known);
}

#[tokio::test]
async fn a_grant_for_some_tenants_reaches_nothing_that_belongs_to_all() {
    let lines = "role = \"admin\"\ntenants = [\"default\"]";
    let site = site(table("berlin", 50, lines)).await;
    for route in ROUTES
        .iter()
        .filter(|route| route.takes.is_for_all_tenants())
    {
        let path = if route.path == "/readyz" {
            "/readyz?verbose"
        } else {
            route.path
        };
        let method: Method = route.method.parse().unwrap();
        let body = (method == Method::POST).then(|| json!({}));
        let answer = ask(&site, method, path, Some(&token(50)), body).await;
        assert_eq!(
            (answer.status, code(&answer).as_str()),
            (403, "for-all-tenants"),
            "{path}"
        );
    }
    assert!(
        ROUTES
            .iter()
            .any(|route| route.takes == Permission::ReadAll)
    );
}

#[tokio::test]
async fn a_grant_for_some_tenants_sees_no_receiver_and_brings_no_message_back() {
    let receiver = "[receivers.soar]\nwebhook = { url = \"http://127.0.0.1:9/in\" }\n";
    let some = table("berlin", 50, "role = \"admin\"\ntenants = [\"default\"]");
    let all = table("everywhere", 51, "role = \"operator\"");
    let site = site(format!("{some}{all}{receiver}")).await;
    for (n, shown, status) in [(50, None, 403), (51, Some("soar"), 200)] {
        let token = token(n);
        let told = ask(&site, Method::GET, "/api/v1/status", Some(&token), None).await;
        assert_eq!(told.json()["receivers"][0]["name"].as_str(), shown);
        let path = "/api/v1/outbox/retry";
        let answer = ask(&site, Method::POST, path, Some(&token), Some(json!({}))).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        if status == 403 {
            assert_eq!(code(&answer), "for-all-tenants");
        }
    }
}

/// A held decision; its id.
async fn held(site: &Site, n: u32) -> String {
    let receipt = site
        .accepted(alert(&format!("a-{n}"), "high", &machine(n)))
        .await;
    receipt["alerts"][0]["decisions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_order_says_who_gave_it_by_the_credential_and_not_by_a_field() {
    let other = table("xsoar", 60, "role = \"approver\"\nfor_others = true");
    let site = site(format!("{}{other}", roles())).await;
    let (one, two) = (held(&site, 1).await, held(&site, 2).await);
    let path = format!("/api/v1/decisions/{one}/deny");
    let named = json!({ "by": "the chief", "reason": "drill" });
    let refused = ask(&site, Method::POST, &path, Some(&token(1)), Some(named)).await;
    assert_eq!(
        (refused.status, refused.json()["key"].clone()),
        (400, json!("by"))
    );
    let done = ask(
        &site,
        Method::POST,
        &path,
        Some(&token(1)),
        Some(json!({ "reason": "drill" })),
    )
    .await;
    assert_eq!(done.status, 200, "{}", done.text);
    let path = format!("/api/v1/decisions/{two}/deny");
    let done = ask(
        &site,
        Method::POST,
        &path,
        Some(&token(60)),
        Some(json!({ "by": "anna" })),
    )
    .await;
    assert_eq!(done.status, 200, "{}", done.text);
    let list = ask(
        &site,
        Method::GET,
        "/api/v1/decisions",
        Some(&token(0)),
        None,
    )
    .await
    .text;
    assert!(list.contains("xsoar, for anna (as it says)"), "{list}");
    assert!(!list.contains("the chief"), "{list}");

    let audit = ask(&site, Method::GET, "/api/v1/audit", Some(&token(3)), None)
        .await
        .json();
    let rows: Vec<[&Value; 5]> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| &link["entry"])
        .filter(|entry| entry["what"] == "deny")
        .map(|entry| ["subject", "for", "reason", "result", "ids"].map(|key| &entry[key]))
        .collect();
    assert_eq!(
        rows,
        [
            [
                &json!("token:xsoar"),
                &json!("anna"),
                &Value::Null,
                &json!("denied"),
                &json!([two])
            ],
            [
                &json!("token:approver"),
                &Value::Null,
                &json!("drill"),
                &json!("denied"),
                &json!([one])
            ],
            [
                &json!("token:approver"),
                &Value::Null,
                &Value::Null,
                &json!("unknown-key"),
                &Value::Null
            ],
        ]
    );
}

#[tokio::test]
async fn the_audit_is_one_chain_whose_head_can_be_known_elsewhere() {
    let site = site(roles()).await;
    let admin = token(3);
    for n in 1..=3 {
        let id = held(&site, n).await;
        let path = format!("/api/v1/decisions/{id}/approve");
        assert_eq!(
            ask(&site, Method::POST, &path, Some(&admin), Some(json!({})))
                .await
                .status,
            200
        );
    }
    let paused = ask(
        &site,
        Method::POST,
        "/api/v1/pause",
        Some(&admin),
        Some(json!({ "reason": "change" })),
    )
    .await;
    assert_eq!(paused.status, 200);
    let mut links = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/v1/audit?limit=2{after}");
        let page = ask(&site, Method::GET, &path, Some(&admin), None)
            .await
            .json();
        links.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_i64() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let links: Vec<scanhook_core::access::AuditLink> = links
        .into_iter()
        .rev()
        .map(|link| serde_json::from_value(link).unwrap())
        .collect();
    let head = ask(&site, Method::GET, "/api/v1/audit/head", Some(&admin), None)
        .await
        .json();
    assert_eq!(verify(&links, head["hash"].as_str()), Ok(links.len()));
    let whats: Vec<&str> = links.iter().map(|link| link.entry.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "token used for the first time",
            "approve",
            "approve",
            "approve",
            "pause"
        ]
    );
}

/// Two customers, a held decision of each, and a token for the first one.
async fn north_and_south() -> (Site, [String; 2]) {
    let sources = format!("{}{}", generic("n", "north"), generic("s", "south"));
    let lines = "role = \"operator\"\ntenants = [\"north\"]";
    let tokens = format!("{}{}", roles(), table("north", 70, lines));
    let site = Site::with(Wish {
        rules: HELD.to_owned(),
        config: Some(format!("{}{tokens}", two_customers("south", &sources))),
        ..Wish::default()
    })
    .await;
    let mut ids = Vec::new();
    for (n, source) in ["n", "s"].into_iter().enumerate() {
        let n = u32::try_from(n).unwrap() + 1;
        let canary = format!("canary-{source}");
        let body = json!({ "alert_id": canary, "title": canary, "severity": "high",
                           "devices": [{ "mde_id": machine(n), "name": "lt-042" }] });
        let request = site
            .http
            .post(format!("http://{}/webhooks/{source}", site.public))
            .bearer_auth(SIEM_SECRET)
            .header("content-type", "application/json")
            .body(body.to_string());
        let receipt = Answer::of(request.send().await.unwrap()).await.json();
        let id = &receipt["alerts"][0]["decisions"][0]["id"];
        ids.push(id.as_str().unwrap().to_owned());
    }
    (site, ids.try_into().unwrap())
}

#[tokio::test]
async fn a_grant_for_one_tenant_changes_nothing_of_another() {
    let (site, [ours, theirs]) = north_and_south().await;
    let north = token(70);
    // What is selected is ours alone, and nothing that belongs to nobody.
    let parked = json!({ "alert_id": "canary-south", "title": "canary-south", "severity": "high", "devices": [] });
    let request = site
        .http
        .post(format!("http://{}/webhooks/s", site.public))
        .bearer_auth(SIEM_SECRET)
        .header("content-type", "application/json")
        .body(parked.to_string());
    assert_eq!(request.send().await.unwrap().status().as_u16(), 202);
    for (path, order) in [
        (
            "/api/v1/retry",
            json!({ "state": "parked", "preview": true }),
        ),
        ("/api/v1/retry", json!({ "since": "1h", "preview": true })),
        (
            "/api/v1/decisions/deny",
            json!({ "since": "1h", "preview": true }),
        ),
        (
            "/api/v1/scans/cancel",
            json!({ "since": "1h", "preview": true }),
        ),
    ] {
        let seen = ask(&site, Method::POST, path, Some(&north), Some(order.clone())).await;
        assert_eq!(seen.status, 200, "{path} {order}: {}", seen.text);
        assert!(
            !seen.text.contains("canary-s"),
            "{path} {order}: {}",
            seen.text
        );
        let whole = ask(&site, Method::POST, path, Some(&token(3)), Some(order)).await;
        assert!(whole.json()["count"].as_u64() >= seen.json()["count"].as_u64());
        if path == "/api/v1/retry" {
            assert_eq!(seen.json()["count"], 0);
            assert_ne!(whole.json()["count"], 0);
        }
    }
    let short = json!({ "ids": [&theirs[..13]] });
    let unknown = ask(
        &site,
        Method::POST,
        "/api/v1/decisions/deny",
        Some(&north),
        Some(short),
    )
    .await;
    assert!(!unknown.text.contains(&theirs), "{}", unknown.text);

    let one = format!("/api/v1/decisions/{theirs}/deny");
    let refused = ask(&site, Method::POST, &one, Some(&north), Some(json!({}))).await;
    assert_eq!(
        (refused.status, code(&refused).as_str()),
        (404, "unknown-id")
    );
    let several = json!({ "ids": [ours, theirs] });
    let done = ask(
        &site,
        Method::POST,
        "/api/v1/decisions/deny",
        Some(&north),
        Some(several),
    )
    .await;
    let results: Vec<_> = done.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["id"].clone(), item["result"].clone()))
        .collect();
    assert!(
        results.contains(&(json!(theirs), json!("unknown-id"))),
        "{results:?}"
    );
    assert!(
        results.contains(&(json!(ours), json!("denied"))),
        "{results:?}"
    );
    for body in [json!({}), json!({ "device": "dc-*" })] {
        let paused = ask(
            &site,
            Method::POST,
            "/api/v1/pause",
            Some(&north),
            Some(body),
        )
        .await;
        assert_eq!(
            (paused.status, code(&paused).as_str()),
            (403, "for-all-tenants")
        );
    }
    let paused = ask(
        &site,
        Method::POST,
        "/api/v1/pause",
        Some(&north),
        Some(json!({ "tenant": "south" })),
    )
    .await;
    assert_eq!((paused.status, code(&paused).as_str()), (400, "bad-value"));
    let paused = ask(
        &site,
        Method::POST,
        "/api/v1/pause",
        Some(&north),
        Some(json!({ "tenant": "north" })),
    )
    .await;
    assert_eq!(paused.status, 200, "{}", paused.text);
}

#[test]
fn a_verb_sends_no_token_over_plain_http_to_another_computer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, token(1)).unwrap();
    let asked = |admin: &str| {
        let ran = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"))
            .args(["whoami", "--admin", admin, "--token-file"])
            .arg(&file)
            .env_clear()
            .output()
            .unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!said.contains(&token(1)), "{said}");
        (ran.status.code(), said)
    };
    let (code, said) = asked("http://scanhook.invalid:9090");
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("plain http"), "{said}");
    // Here it is let out; nobody listens at this port.
    let (code, said) = asked("http://127.0.0.1:1");
    assert_eq!(code, Some(69), "{said}");
}
