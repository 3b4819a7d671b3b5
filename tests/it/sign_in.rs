//! People who sign in at an issuer of OpenID Connect, played by the test: what is believed of it, and what nobody gets in by.

mod issuer;

use std::time::Duration;

use reqwest::Method;
use reqwest::header::COOKIE;
use scanhook::keyrings::Beat;
use scanhook::settings::{Inputs, Settings};
use serde_json::{Value, json};

use crate::access::{roles, token};
use crate::harness::{Answer, Site, Wish};
use crate::sessions::{BROWSER, get, origin, send};
use issuer::{APP, PlayedIssuer, SECRET, Signing, p256, rsa};

/// The table of the issuer.
fn table(issuer: &PlayedIssuer, lines: &str) -> String {
    format!(
        "[admin.sign_in]\nissuer = \"{}\"\nclient_id = \"{APP}\"\ncredential = {{ secret_file = \"issuer.secret\" }}\n{lines}\n\
         [admin.sign_in.grants]\n\"scanhook.operator\" = {{ role = \"operator\" }}\n\
         \"scanhook.default\" = {{ role = \"approver\", tenants = [\"default\"] }}\n\
         \"/teams/view ers\" = {{ role = \"viewer\" }}\n",
        issuer.url()
    )
}

async fn site(more: String, beat: Beat) -> Site {
    Site::with(Wish {
        more: format!("{}{more}", roles()),
        secrets: vec![("issuer.secret", SECRET)],
        beat,
        ..Wish::default()
    })
    .await
}

async fn opened() -> (PlayedIssuer, Site) {
    let issuer = PlayedIssuer::open().await;
    let site = site(table(&issuer, ""), Beat::default()).await;
    (issuer, site)
}

/// A cookie that an answer has the browser keep.
fn kept(answer: &Answer, name: &str) -> Option<String> {
    let set = answer
        .headers
        .iter()
        .filter(|(known, _)| known == "set-cookie");
    let mut set = set.map(|(_, value)| value.as_str());
    let line =
        set.find(|line| line.starts_with(&format!("{name}=")) && !line.contains("Max-Age=0"))?;
    Some(line.split(';').next().unwrap().to_owned())
}

fn session(answer: &Answer) -> Option<String> {
    kept(answer, "__Host-scanhook")
}

/// What the browser has when it comes back: the path with the code, and the cookie of the sign-in that was begun.
struct CameBack {
    path: String,
    cookie: String,
}

/// Goes to the issuer and signs in there; the address may be changed on the way.
async fn there(site: &Site, next: &str, change: impl Fn(String) -> String) -> CameBack {
    let path = format!("/sign-in/start?next={next}");
    let begun = send(site, Method::GET, &path, &[], String::new()).await;
    assert_eq!(begun.status, 303, "{}", begun.text);
    let address = change(begun.header("location").unwrap().to_owned());
    let signed = Answer::of(BROWSER.get(address).send().await.unwrap()).await;
    assert_eq!(signed.status, 302, "{}", signed.text);
    let back = signed.header("location").unwrap();
    CameBack {
        path: back.strip_prefix(&origin(site)).unwrap().to_owned(),
        cookie: kept(&begun, "__Host-scanhook-sign-in").unwrap(),
    }
}

/// Comes back from the issuer's page.
async fn back(site: &Site, path: &str, cookie: &str) -> Answer {
    let headers = [
        (COOKIE.as_str(), cookie),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("accept", "text/html"),
    ];
    send(site, Method::GET, path, &headers, String::new()).await
}

/// The whole way there and back.
async fn through(site: &Site, next: &str) -> Answer {
    let came = there(site, next, |address| address).await;
    back(site, &came.path, &came.cookie).await
}

async fn refused(site: &Site, why: &str, code: &str) {
    let answer = through(site, "/").await;
    assert!(
        answer.text.contains(code),
        "{why}: {} {}",
        answer.status,
        answer.text
    );
    assert_eq!(session(&answer), None, "{why}");
}

/// The rows of the audit about this.
async fn rows(site: &Site, what: &str) -> Vec<[String; 3]> {
    let bearer = format!("Bearer {}", token(3));
    let path = format!("/api/v1/audit?what={what}");
    let headers = [("authorization", bearer.as_str())];
    let audit = send(site, Method::GET, &path, &headers, String::new()).await;
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    let items = audit.json()["items"].as_array().unwrap().clone();
    items
        .iter()
        .map(|link| ["subject", "how", "result"].map(|key| text(&link["entry"], key)))
        .collect()
}

#[tokio::test]
async fn a_person_signs_in_at_the_issuer_and_comes_back_to_the_page() {
    let (issuer, mut site) = opened().await;
    let form = send(
        &site,
        Method::GET,
        "/sign-in?next=/held",
        &[],
        String::new(),
    )
    .await;
    let button = "href=\"/sign-in/start?next=/held\">Sign in with 127.0.0.1</a>";
    assert!(form.text.contains(button), "{}", form.text);

    let begun = send(
        &site,
        Method::GET,
        "/sign-in/start?next=/held%3Fa=b",
        &[],
        String::new(),
    )
    .await;
    let trip = begun.header("set-cookie").unwrap();
    for attribute in [
        "Path=/",
        "Secure",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=600",
    ] {
        assert!(trip.split("; ").any(|part| part == attribute), "{trip}");
    }
    let answer = through(&site, "/held%3Fa=b").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(
        answer.text.contains("content=\"0;url=/held?a=b\""),
        "{}",
        answer.text
    );
    let set = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "set-cookie");
    let set: Vec<_> = set.map(|(_, value)| value.as_str()).collect();
    assert!(
        set.iter().any(|line| line.ends_with("SameSite=Strict")),
        "{set:?}"
    );
    assert!(
        set.iter()
            .any(|line| line.ends_with("SameSite=Lax; Max-Age=0")),
        "{set:?}"
    );
    let anna = session(&answer).unwrap();
    let me = get(&site, "/api/v1/me", &anna).await.json();
    let subject = format!("{}#AAAA-anna", issuer.url());
    assert_eq!(
        [&me["name"], &me["subject"], &me["how"], &me["role"]],
        [
            &json!("anna@corp.example"),
            &json!(subject),
            &json!("sign-in"),
            &json!("operator")
        ]
    );
    assert!(
        me["until"].is_string() && me.get("tenants").is_none(),
        "{me}"
    );

    let row = [subject, "sign-in".to_owned(), "done".to_owned()];
    assert_eq!(rows(&site, "sign%20in").await, [row]);
    let metrics = get(&site, "/metrics", &anna).await.text;
    let line = "scanhook_sign_ins_total{how=\"sign-in\",result=\"done\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    site.restart().await;
    assert_eq!(
        get(&site, "/api/v1/me", &anna).await.json()["name"],
        "anna@corp.example"
    );
    assert_eq!(issuer.shown(), ["client_secret_post"]);
}

#[tokio::test]
async fn the_secret_is_shown_as_the_issuer_wants_it_and_a_new_one_may_stand_beside_the_old() {
    for (methods, by) in [
        (None, "client_secret_basic"),
        (
            Some(vec!["private_key_jwt", "client_secret_basic"]),
            "client_secret_basic",
        ),
        (Some(vec!["client_secret_post"]), "client_secret_post"),
    ] {
        let issuer = PlayedIssuer::open().await;
        issuer.takes_secret_by(methods);
        let two = table(&issuer, "")
            .replace("\"issuer.secret\"", "[\"other.secret\", \"issuer.secret\"]");
        let site = site(two, Beat::default()).await;
        assert!(session(&through(&site, "/").await).is_some());
        assert_eq!(issuer.shown(), [by, by]);
    }
}

#[tokio::test]
async fn a_token_that_says_anything_else_or_is_signed_otherwise_signs_nobody_in() {
    let (issuer, site) = opened().await;
    let now = jiff::Timestamp::now().as_second();
    for (why, says) in [
        ("another audience", json!({ "aud": "another-app" })),
        (
            "another issuer",
            json!({ "iss": "https://login.microsoftonline.com/other/v2.0" }),
        ),
        (
            "the issuer's name with a slash",
            json!({ "iss": format!("{}/", issuer.url()) }),
        ),
        ("expired", json!({ "exp": now - 301 })),
        ("no end", json!({ "exp": null })),
        ("not yet", json!({ "nbf": now + 3600 })),
        ("another nonce", json!({ "nonce": "n".repeat(64) })),
        ("no nonce", json!({ "nonce": null })),
        ("issued to another app", json!({ "azp": "another-app" })),
        (
            "several audiences and no party",
            json!({ "aud": [APP, "another-app"] }),
        ),
        ("nobody", json!({ "sub": null })),
        ("an id that is none", json!({ "sub": "a\nb" })),
    ] {
        issuer.says(says);
        refused(&site, why, "sign-in-failed").await;
    }
    issuer.says(json!({}));
    for signing in [Signing::Forged, Signing::Not, Signing::Shared] {
        issuer.signs(signing);
        refused(&site, "a signature", "sign-in-failed").await;
    }
    issuer.signs(Signing::Honest);
    issuer.says(json!({ "aud": [APP, "another-app"], "azp": APP }));
    let anna = session(&through(&site, "/").await);
    assert!(anna.is_some(), "several audiences, issued to this one");
    let refusals = rows(&site, "refused").await;
    assert_eq!(
        refusals,
        [["unknown", "refused", "sign-in-failed"].map(str::to_owned)]
    );
    let metrics = get(&site, "/metrics", &anna.unwrap()).await.text;
    let line = "scanhook_sign_ins_total{how=\"sign-in\",result=\"sign-in-failed\"} 15";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_code_counts_once_and_in_the_browser_that_asked_for_it() {
    let (issuer, site) = opened().await;
    let came = there(&site, "/", |address| address).await;
    let other = there(&site, "/", |address| address).await;
    let code = |path: &str| {
        path.split_once("code=")
            .unwrap()
            .1
            .split('&')
            .next()
            .unwrap()
            .to_owned()
    };
    let state = |path: &str| path.split_once("state=").unwrap().1.to_owned();
    let asked = issuer.asked("/token");
    for (why, path, cookie) in [
        ("another browser", came.path.clone(), String::new()),
        (
            "the sign-in of somebody else",
            came.path.clone(),
            other.cookie.clone(),
        ),
        (
            "another state",
            came.path.replace(&state(&came.path), "x"),
            came.cookie.clone(),
        ),
        (
            "no state",
            format!("/sign-in/callback?code={}", code(&came.path)),
            came.cookie.clone(),
        ),
        (
            "no code",
            format!("/sign-in/callback?state={}", state(&came.path)),
            came.cookie.clone(),
        ),
        (
            "an error",
            format!("{}&error=access_denied", came.path),
            came.cookie.clone(),
        ),
        (
            "another issuer",
            format!("{}&iss=https://evil.example", came.path),
            came.cookie.clone(),
        ),
        (
            "two codes",
            came.path.replacen('?', "?code=x&", 1),
            came.cookie.clone(),
        ),
        (
            "two states",
            came.path.replacen('?', "?state=x&", 1),
            came.cookie.clone(),
        ),
        (
            "the same state twice",
            format!("{}&state={}", came.path, state(&came.path)),
            came.cookie.clone(),
        ),
    ] {
        let answer = back(&site, &path, &cookie).await;
        assert_eq!(answer.status, 401, "{why}: {}", answer.text);
        assert!(
            answer.text.contains("sign-in-failed"),
            "{why}: {}",
            answer.text
        );
        assert_eq!(session(&answer), None, "{why}");
    }
    assert_eq!(
        issuer.asked("/token"),
        asked,
        "nobody's code is shown to the issuer"
    );
    // A code of somebody else, pushed into a sign-in that this browser has begun: the verifier does not fit it.
    let pushed = came.path.replace(&code(&came.path), &code(&other.path));
    assert_eq!(session(&back(&site, &pushed, &came.cookie).await), None);
    let changed = |address: String| {
        let (before, behind) = address.split_once("code_challenge=").unwrap();
        format!("{before}code_challenge={}{}", "A".repeat(43), &behind[43..])
    };
    let foreign = there(&site, "/", changed).await;
    assert_eq!(
        session(&back(&site, &foreign.path, &foreign.cookie).await),
        None
    );
    // And the honest one, once.
    assert!(session(&back(&site, &came.path, &came.cookie).await).is_some());
    assert_eq!(
        session(&back(&site, &came.path, &came.cookie).await),
        None,
        "replayed"
    );
}

#[tokio::test]
async fn nobody_without_a_role_that_is_let_in_comes_in() {
    let (issuer, site) = opened().await;
    for roles in [
        json!(null),
        json!([]),
        json!(["scanhook.Operator", "admin"]),
        json!("x"),
        json!({}),
    ] {
        issuer.says(json!({ "roles": roles }));
        let answer = through(&site, "/held").await;
        assert_eq!(answer.status, 403, "{roles}: {}", answer.text);
        assert!(answer.text.contains("no-role"), "{}", answer.text);
        assert_eq!(session(&answer), None, "{roles}");
    }
    let subject = format!("{}#AAAA-anna", issuer.url());
    let row = [subject, "refused".to_owned(), "no-role".to_owned()];
    assert_eq!(rows(&site, "refused").await, [row]);
}

#[tokio::test]
async fn of_several_roles_the_strongest_counts_and_their_tenants_add_up() {
    let (issuer, site) = opened().await;
    let (default, all) = (json!(["default"]), Value::Null);
    for (roles, role, tenants) in [
        (json!(["scanhook.default"]), "approver", &default),
        (json!("scanhook.default"), "approver", &default),
        (
            json!(["scanhook.default", "scanhook.operator"]),
            "operator",
            &all,
        ),
        (
            json!(["/teams/view ers", "scanhook.default"]),
            "approver",
            &all,
        ),
        (json!(["/teams/view ers", "unknown", 7]), "viewer", &all),
    ] {
        issuer.says(json!({ "roles": roles }));
        let anna = session(&through(&site, "/").await).unwrap();
        let me = get(&site, "/api/v1/me", &anna).await.json();
        assert_eq!(
            (me["role"].as_str(), &me["tenants"]),
            (Some(role), tenants),
            "{roles}"
        );
    }
}

#[tokio::test]
async fn roles_may_stand_in_another_claim_and_a_person_without_a_name_is_shown_by_the_issuers_id() {
    for (lines, says) in [
        (
            "roles = \"groups\"",
            json!({ "roles": null, "groups": ["scanhook.operator"] }),
        ),
        (
            "roles = \"/realm_access/roles\"",
            json!({ "roles": null, "realm_access": { "roles": ["scanhook.operator"] } }),
        ),
        (
            "roles = \"https://corp.example/roles\"",
            json!({ "https://corp.example/roles": "scanhook.operator", "roles": [] }),
        ),
    ] {
        let issuer = PlayedIssuer::open().await;
        let site = site(table(&issuer, lines), Beat::default()).await;
        let mut says = says;
        says["preferred_username"] = Value::Null;
        issuer.says(says);
        let anna = session(&through(&site, "/").await).unwrap_or_else(|| panic!("{lines}"));
        let me = get(&site, "/api/v1/me", &anna).await.json();
        assert_eq!(
            (&me["name"], &me["role"]),
            (&json!("AAAA-anna"), &json!("operator")),
            "{lines}"
        );
    }
}

#[tokio::test]
async fn a_role_that_a_reload_takes_away_and_another_app_end_the_sessions() {
    let (_issuer, site) = opened().await;
    let anna = session(&through(&site, "/").await).unwrap();
    let file = site.folder.path().join("scanhook.toml");
    let whole = std::fs::read_to_string(&file).unwrap();
    let reload = async |text: String| {
        std::fs::write(&file, text).unwrap();
        let bearer = format!("Bearer {}", token(3));
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let done = send(&site, Method::POST, "/-/reload", &headers, "{}".to_owned()).await;
        assert_eq!(done.status, 200, "{}", done.text);
    };
    for (from, to, status) in [
        ("\"scanhook.operator\"", "\"scanhook.others\"", 401),
        (APP, "another-app", 401),
        ("role = \"operator\"", "role = \"viewer\"", 200),
    ] {
        reload(whole.replace(from, to)).await;
        let me = get(&site, "/api/v1/me", &anna).await;
        assert_eq!(me.status, status, "{to}: {}", me.text);
    }
    assert_eq!(
        get(&site, "/api/v1/me", &anna).await.json()["role"],
        "viewer",
        "at once"
    );
}

#[tokio::test]
async fn keys_that_the_issuer_changed_are_fetched_and_strangers_do_not_set_the_pace() {
    let issuer = PlayedIssuer::open().await;
    let eager = Beat {
        again: Duration::ZERO,
        most: Duration::ZERO,
        ..Beat::default()
    };
    let site_of = site(table(&issuer, ""), eager).await;
    assert!(session(&through(&site_of, "/").await).is_some());
    issuer.rotates("second", rsa());
    assert!(
        session(&through(&site_of, "/").await).is_some(),
        "a new RSA key"
    );
    issuer.rotates("third", p256());
    assert!(
        session(&through(&site_of, "/").await).is_some(),
        "a P-256 key"
    );

    let slow = site(table(&issuer, ""), Beat::default()).await;
    let before = issuer.asked("/keys");
    assert!(session(&through(&slow, "/").await).is_some());
    issuer.rotates("fourth", rsa());
    for _ in 0..3 {
        refused(&slow, "the key is not known yet", "sign-in-failed").await;
    }
    assert_eq!(issuer.asked("/keys") - before, 1, "once a minute");
}

#[tokio::test]
async fn a_signed_token_of_the_issuer_is_taken_in_the_header_that_is_configured() {
    for name in ["Authorization", "Cf-Access-Jwt-Assertion"] {
        let issuer = PlayedIssuer::open().await;
        let lines = format!("header = \"{name}\"");
        // Without a credential nobody is sent to the issuer: a proxy does that.
        let only = table(&issuer, &lines).replace("credential", "# credential");
        let site = site(only, Beat::default()).await;
        let form = send(&site, Method::GET, "/sign-in", &[], String::new()).await;
        assert!(!form.text.contains("Sign in with"), "{}", form.text);
        let start = send(&site, Method::GET, "/sign-in/start", &[], String::new()).await;
        assert_eq!(start.status, 404);
        let shown = async |path: &str, token: String| {
            let value = match name {
                "Authorization" => format!("Bearer {token}"),
                _ => token,
            };
            send(&site, Method::GET, path, &[(name, &value)], String::new()).await
        };
        let me = shown("/api/v1/me", issuer.token()).await;
        assert_eq!(
            [&me.json()["name"], &me.json()["how"], &me.json()["role"]],
            [
                &json!("anna@corp.example"),
                &json!("jwt"),
                &json!("operator")
            ],
            "{}",
            me.text
        );
        assert!(me.json()["until"].is_string());
        assert_eq!(
            shown("/api/v1/audit", issuer.token()).await.json()["code"],
            "role-too-small"
        );
        // An app of its own, as Entra ID makes tokens for programs.
        issuer.says(json!({ "azp": "a-program", "preferred_username": null, "sub": "program" }));
        assert_eq!(
            shown("/api/v1/me", issuer.token()).await.json()["name"],
            "program"
        );
        issuer.says(json!({ "roles": ["others"] }));
        let none = shown("/api/v1/me", issuer.token()).await;
        assert_eq!(
            (none.status, &none.json()["code"]),
            (403, &json!("no-role"))
        );
        let now = jiff::Timestamp::now().as_second();
        for says in [
            json!({ "aud": "another-app" }),
            json!({ "iss": "https://evil.example" }),
            json!({ "exp": now - 3600 }),
        ] {
            issuer.says(says);
            let wrong = shown("/api/v1/me", issuer.token()).await;
            assert_eq!(
                (wrong.status, &wrong.json()["code"]),
                (401, &json!("token-refused"))
            );
        }
        issuer.says(json!({}));
        for signing in [Signing::Forged, Signing::Not, Signing::Shared] {
            issuer.signs(signing);
            let wrong = shown("/api/v1/me", issuer.token()).await;
            assert_eq!(
                (wrong.status, &wrong.json()["code"]),
                (401, &json!("token-refused"))
            );
        }
        // A token of scanhook counts beside it.
        let bearer = format!("Bearer {}", token(0));
        let headers = [("authorization", bearer.as_str())];
        let viewer = send(&site, Method::GET, "/api/v1/me", &headers, String::new()).await;
        assert_eq!(viewer.json()["name"], "viewer");
    }
}

#[tokio::test]
async fn a_proxy_that_signs_tokens_and_publishes_no_metadata_is_known_by_its_keys() {
    let issuer = PlayedIssuer::open().await;
    issuer.rotates("of the proxy", p256());
    let lines = format!(
        "header = \"X-Pomerium-Jwt-Assertion\"\nkeys = \"http://{}/keys\"",
        issuer.at
    );
    let of_proxy = table(&issuer, &lines)
        .replace("credential", "# credential")
        .replace(&issuer.url(), "scanhook.corp.example");
    let site = site(of_proxy, Beat::default()).await;
    issuer.says(json!({
        "iss": "scanhook.corp.example", "preferred_username": null, "email": "anna@corp.example",
    }));
    let headers = [("x-pomerium-jwt-assertion", issuer.token())];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let me = send(&site, Method::GET, "/api/v1/me", &headers, String::new()).await;
    assert_eq!(me.json()["name"], "anna@corp.example", "{}", me.text);
    assert_eq!(issuer.asked("/v2.0/.well-known/openid-configuration"), 0);
}

#[tokio::test]
async fn a_plain_header_makes_nobody_somebody() {
    let (_issuer, site) = opened().await;
    for name in [
        "x-forwarded-user",
        "remote-user",
        "x-ms-client-principal-name",
        "cf-access-authenticated-user-email",
    ] {
        let headers = [(name, "anna@corp.example")];
        let answer = send(&site, Method::GET, "/api/v1/me", &headers, String::new()).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (401, &json!("sign-in-required")),
            "{name}"
        );
    }
    // Nor does a signed token where no header is configured for one.
    let bearer = format!("Bearer {}", _issuer.token());
    let headers = [("authorization", bearer.as_str())];
    let answer = send(&site, Method::GET, "/api/v1/me", &headers, String::new()).await;
    assert_eq!(answer.json()["code"], "token-refused");
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_or_names_another_keeps_people_out_and_nobody_else() {
    let issuer = PlayedIssuer::open().await;
    let eager = Beat {
        again: Duration::ZERO,
        ..Beat::default()
    };
    let site = site(table(&issuer, ""), eager).await;
    let start = async || send(&site, Method::GET, "/sign-in/start", &[], String::new()).await;
    let unavailable = async |why: &str| {
        let answer = start().await;
        assert_eq!(answer.status, 503, "{why}: {}", answer.text);
        assert!(answer.header("retry-after").is_some(), "{why}");
        assert!(
            answer.text.contains("issuer-unavailable"),
            "{why}: {}",
            answer.text
        );
        assert!(
            answer.text.contains("Token</label>"),
            "a token works meanwhile"
        );
    };
    issuer.set_down(true);
    unavailable("down").await;
    issuer.set_down(false);
    for metadata in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "jwks_uri": "http://evil.example/keys" }),
        json!({ "token_endpoint": "http://evil.example/token" }),
        json!({ "jwks_uri": format!("http://{}/nothing", issuer.at) }),
        json!({ "authorization_endpoint": "javascript:alert(1)" }),
    ] {
        issuer.publishes(metadata.clone());
        unavailable(&metadata.to_string()).await;
    }
    issuer.publishes(json!({}));
    let admin = send(
        &site,
        Method::GET,
        "/api/v1/me",
        &[("authorization", &format!("Bearer {}", token(3)))],
        String::new(),
    )
    .await;
    assert_eq!(admin.status, 200);
    assert!(
        session(&through(&site, "/").await).is_some(),
        "it answers again"
    );
    issuer.set_down(true);
    assert_eq!(start().await.status, 303, "what is known of it is kept");
}

#[tokio::test]
async fn nobody_is_led_to_another_place_by_a_sign_in() {
    let (_issuer, site) = opened().await;
    for hostile in [
        "//evil.example",
        "https://evil.example",
        "%2F%5Cevil.example",
        "/sign-in",
        "javascript:x",
    ] {
        let answer = through(&site, hostile).await;
        assert!(
            answer.text.contains("content=\"0;url=/\""),
            "{hostile}: {}",
            answer.text
        );
    }
    // A cookie that was tampered with leads nowhere else either.
    let came = there(&site, "/", |address| address).await;
    let (key, _) = came.cookie.split_once('.').unwrap();
    let answer = back(&site, &came.path, &format!("{key}.//evil.example")).await;
    assert!(
        answer.text.contains("content=\"0;url=/\""),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn people_who_fail_too_often_wait_like_everybody() {
    let issuer = PlayedIssuer::open().await;
    let site = Site::with(Wish {
        server: "auth_failures = { count = 2, per = \"1h\" }",
        more: format!("{}{}", roles(), table(&issuer, "")),
        secrets: vec![("issuer.secret", SECRET)],
        ..Wish::default()
    })
    .await;
    let came = there(&site, "/", |address| address).await;
    for _ in 0..2 {
        assert_eq!(
            back(&site, "/sign-in/callback?code=x&state=y", &came.cookie)
                .await
                .status,
            401
        );
    }
    let waits = back(&site, &came.path, &came.cookie).await;
    assert_eq!((waits.status, session(&waits)), (503, None));
    assert_eq!(
        send(&site, Method::GET, "/sign-in/start", &[], String::new())
            .await
            .status,
        503
    );
    assert_eq!(issuer.asked("/token"), 0);
}

/// What a file with these lines is told.
fn faults(lines: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = "127.0.0.1:9".parse().unwrap();
    crate::harness::install(folder.path(), nowhere, "", "");
    crate::harness::add(folder.path(), lines, &[("issuer.secret", SECRET)]);
    let inputs = Inputs {
        file: Some(folder.path().join("scanhook.toml")),
        ..Inputs::default()
    };
    let faults = Settings::load(&inputs).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sign_in_that_could_not_work_or_could_be_read_along_is_refused() {
    let whole = |public_url: &str, lines: &str| {
        format!(
            "[admin]\n{public_url}\n[admin.sign_in]\nissuer = \"https://login.example/v2.0\"\nclient_id = \"app\"\n\
             credential = {{ secret_file = \"issuer.secret\" }}\n{lines}\n[admin.sign_in.grants]\n\"r\" = {{ role = \"viewer\" }}\n"
        )
    };
    let named = "public_url = \"https://scanhook.example\"";
    for right in [named, "public_url = \"http://127.0.0.1:9090\""] {
        assert_eq!(faults(&whole(right, "")), Vec::<String>::new());
    }
    let right = whole(named, "");
    for (wrong, says) in [
        (whole("", ""), "admin.public_url"),
        (
            whole("public_url = \"http://scanhook.example\"", ""),
            "admin.public_url",
        ),
        (
            right.replace("https://login.example", "http://login.example"),
            "admin.sign_in.issuer",
        ),
        (
            right.replace(
                "login.example/v2.0",
                "login.microsoftonline.com/common/v2.0",
            ),
            "admin.sign_in.issuer",
        ),
        (
            right.replace("https://login.example", "https://a@login.example"),
            "admin.sign_in.issuer",
        ),
        (right.replace("issuer =", "isuer ="), "admin.sign_in.isuer"),
        (
            right.replace("client_id = \"app\"", ""),
            "admin.sign_in.client_id",
        ),
        (
            right.replace("credential", "# credential"),
            "admin.sign_in.credential",
        ),
        (
            right.replace("issuer.secret", "nothing.secret"),
            "admin.sign_in.credential.secret_file",
        ),
        (
            right.replace("\"viewer\"", "\"root\""),
            "admin.sign_in.grants",
        ),
        (
            right.replace("role = \"viewer\"", "role = \"viewer\", tenants = []"),
            "admin.sign_in.grants",
        ),
        (
            right.replace(
                "role = \"viewer\"",
                "role = \"viewer\", tenants = [\"paris\"]",
            ),
            "admin.sign_in.grants",
        ),
        (
            right.replace("role = \"viewer\"", "rol = \"viewer\""),
            "admin.sign_in.grants",
        ),
        (
            right
                .split("[admin.sign_in.grants]")
                .next()
                .unwrap()
                .to_owned(),
            "admin.sign_in.grants",
        ),
        (whole(named, "header = \"Cookie\""), "admin.sign_in.header"),
        (whole(named, "header = \"a b\""), "admin.sign_in.header"),
        (
            whole(named, "keys = \"https://login.example/keys\""),
            "admin.sign_in.keys",
        ),
        (
            whole(named, "keys = \"http://login.example/keys\""),
            "admin.sign_in.keys",
        ),
        (whole(named, "session = 1"), "admin.sign_in.session"),
        (
            format!(
                "[admin.session]\nidle = \"2h\"\nlongest = \"1h\"\n{}",
                right.replace("[admin]", "").replace(named, "")
            ),
            "admin.session.idle",
        ),
    ] {
        let told = faults(&wrong);
        assert!(
            told.iter().any(|fault| fault.contains(says)),
            "{says}: {told:?}\n{wrong}"
        );
        assert!(!told.iter().any(|fault| fault.contains(SECRET)), "{told:?}");
    }
}
