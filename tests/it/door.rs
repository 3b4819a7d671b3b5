//! The door as senders speak to it: what a body may be wrapped in, and what operators learn of requests that come no
//! further.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::harness::{
    Answer, Far, RULES, SIEM_SECRET, Served, Site, Wish, add, alert, client, hmac_hex, install,
    machine, say, until,
};

const HERE: [u8; 4] = [127, 0, 0, 1];
const FORM: &str = "application/x-www-form-urlencoded";
const BODY_SECRET: &str = "state-of-this-test-0123456789012";

/// A source that takes everything that can be switched on, and one whose secret is inside the body.
const SOURCES: &str = r#"
[sources.chat]
preset = "generic"
content_types = ["application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded"]
content_encodings = ["gzip"]
[[sources.chat.auth]]
hmac = { header = "X-Signature-256", prefix = "sha256=", secret_file = "siem.secret" }

[sources.inside]
preset = "generic"
content_types = "application/x-www-form-urlencoded"
content_encodings = "gzip"
[[sources.inside.auth]]
body_secret = { pointer = "/state", secret_file = "state.secret" }
"#;

async fn site(server: &'static str) -> Site {
    let secrets = vec![("state.secret", BODY_SECRET)];
    Site::with(Wish {
        server,
        more: SOURCES.to_owned(),
        secrets,
        ..Wish::default()
    })
    .await
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A request with these headers, signed over these bytes.
fn signed(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("POST /webhooks/{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    head += &format!(
        "Content-Length: {}\r\nX-Signature-256: sha256={}\r\n",
        body.len(),
        hmac_hex(SIEM_SECRET, body)
    );
    head.extend(
        headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n")),
    );
    [head.as_bytes(), b"\r\n", body].concat()
}

async fn said(site: &Site, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    say(HERE, site.public, &signed(path, headers, body)).await
}

fn form(json: &str) -> String {
    let encoded: String = json.bytes().map(|b| format!("%{b:02x}")).collect();
    format!("token=x&payload={encoded}&y=")
}

#[tokio::test]
async fn one_alert_is_the_same_in_whatever_it_is_wrapped_and_signed_as_it_was_sent() {
    let site = site("").await;
    let body = alert("wrapped", "low", &machine(1));
    let (in_form, packed) = (form(&body), gzip(body.as_bytes()));
    let typed = |value: &'static str| ("Content-Type", value);
    let gz = ("Content-Encoding", "gzip");
    let first = said(&site, "chat", &[typed(FORM)], in_form.as_bytes()).await;
    assert_eq!(first.status, 202, "{}", first.text);
    for (headers, bytes) in [
        (&[typed("application/json")][..], body.as_bytes()),
        (&[typed("text/plain")], body.as_bytes()),
        (&[typed("text/plain; charset=utf8")], body.as_bytes()),
        (&[typed(FORM)], body.as_bytes()),
        (&[typed("application/json"), gz], &packed),
        (
            &[
                typed("application/json"),
                ("Content-Encoding", "identity, X-GZIP"),
            ],
            &packed,
        ),
        (&[typed(FORM), gz], &gzip(in_form.as_bytes())),
        (
            &[typed("application/json"), ("Content-Encoding", "utf-8")],
            body.as_bytes(),
        ),
    ] {
        let again = said(&site, "chat", headers, bytes).await;
        assert_eq!(again.status, 200, "{headers:?}: {}", again.text);
        assert_eq!(
            again.json()["delivery"],
            first.json()["delivery"],
            "{headers:?}"
        );
    }
    // A signature over what was unpacked is over other bytes than those that were sent.
    let over_json = format!("sha256={}", hmac_hex(SIEM_SECRET, body.as_bytes()));
    let mut forged =
        String::from_utf8_lossy(&signed("chat", &[typed(FORM)], in_form.as_bytes())).into_owned();
    forged = forged.replace(
        &format!("sha256={}", hmac_hex(SIEM_SECRET, in_form.as_bytes())),
        &over_json,
    );
    assert_eq!(say(HERE, site.public, forged.as_bytes()).await.status, 401);
    assert_eq!(site.rows().delivery, 1);
}

#[tokio::test]
async fn a_secret_in_the_json_is_found_in_whatever_that_is_wrapped() {
    let site = site("").await;
    let body = alert("inside", "low", &machine(1)).replacen(
        '{',
        &format!("{{\"state\":\"{BODY_SECRET}\","),
        1,
    );
    let headers = [("Content-Type", FORM), ("Content-Encoding", "gzip")];
    let answer = said(&site, "inside", &headers, &gzip(form(&body).as_bytes())).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    for wrong in [body.replace(BODY_SECRET, "another"), "x".to_owned()] {
        let answer = said(&site, "inside", &headers, &gzip(form(&wrong).as_bytes())).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
    }
    assert_eq!(
        said(&site, "inside", &headers, b"no gzip").await.status,
        401
    );
}

#[tokio::test]
async fn a_parked_alert_of_a_form_is_read_again_as_json_by_a_retry() {
    let site = site("").await;
    let body = json!({ "alert_id": "parked", "severity": "low" }).to_string();
    let answer = said(
        &site,
        "chat",
        &[("Content-Type", FORM)],
        form(&body).as_bytes(),
    )
    .await;
    assert_eq!(
        (answer.status, &answer.json()["alerts"][0]["state"]),
        (202, &"parked".into()),
        "{}",
        answer.text
    );
    let delivery = answer.json()["delivery"].clone();
    let retried = site
        .ordered("/api/v1/retry", json!({ "ids": [delivery] }))
        .await;
    let text = retried.to_string();
    assert!(
        text.contains("parked") && !text.contains("body-gone"),
        "{text}"
    );
    let reason = answer.json()["alerts"][0]["reason"].clone();
    let listed = site.get("/api/v1/alerts?source=chat").await;
    assert_eq!(
        listed["items"][0]["reason"], reason,
        "the same JSON, the same reason"
    );
}

#[tokio::test]
async fn what_cannot_be_unwrapped_is_refused_with_its_code_and_costs_a_bounded_memory() {
    let site = site("").await;
    let json = ("Content-Type", "application/json");
    let gz = ("Content-Encoding", "gzip");
    let body = alert("1", "low", &machine(1));
    let packed = gzip(body.as_bytes());
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let mut lies = bomb.clone();
    let end = lies.len() - 4;
    lies[end..].copy_from_slice(&1000_u32.to_le_bytes());
    for (what, headers, bytes, status, code) in [
        ("a bomb", &[json, gz][..], &bomb[..], 413, "body-too-large"),
        (
            "a bomb that says it is small",
            &[json, gz],
            &lies,
            400,
            "body-not-gzip",
        ),
        (
            "cut off",
            &[json, gz],
            &packed[..packed.len() - 9],
            400,
            "body-not-gzip",
        ),
        (
            "two streams",
            &[json, gz],
            &[&packed[..], &packed[..]].concat(),
            400,
            "body-not-gzip",
        ),
        ("plain", &[json, gz], body.as_bytes(), 400, "body-not-gzip"),
        ("empty", &[json, gz], b"", 400, "body-not-gzip"),
        (
            "a form without it",
            &[("Content-Type", FORM)],
            b"a=1&b=2",
            400,
            "form-without-payload",
        ),
        (
            "a form with two",
            &[("Content-Type", FORM)],
            b"payload={}&payload={}",
            400,
            "form-without-payload",
        ),
        (
            "another encoding",
            &[json, ("Content-Encoding", "br")],
            body.as_bytes(),
            415,
            "content-encoding",
        ),
    ] {
        let answer = said(&site, "chat", headers, bytes).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &code.into()),
            "{what}: {}",
            answer.text
        );
        assert_eq!(site.rows().delivery, 0, "{what}");
    }
    let checks = site.get("/api/v1/status?source=chat").await["sources"][0]["refusals"].to_string();
    assert!(
        checks.contains("not one gzip stream") && checks.contains("field `payload`"),
        "{checks}"
    );
    assert_eq!(said(&site, "chat", &[json, gz], &packed).await.status, 202);
}

/// The traces of one source, or of those that belong to none.
async fn door(site: &Site, source: Option<&str>) -> Vec<Value> {
    let status = match source {
        Some(source) => {
            site.get(&format!("/api/v1/status?source={source}")).await["sources"][0]["door"].clone()
        }
        None => site.get("/api/v1/status").await["door"].clone(),
    };
    serde_json::from_value(status).unwrap_or_default()
}

#[tokio::test]
async fn what_comes_no_further_than_the_door_leaves_a_trace_for_the_operator() {
    let site = site("").await;
    let json = ("Content-Type", "application/json");
    let body = alert("1", "low", &machine(1));
    for _ in 0..3 {
        assert_eq!(
            said(&site, "splunkk", &[json], body.as_bytes())
                .await
                .status,
            404
        );
    }
    assert_eq!(
        said(&site, "siem/extra/parts", &[json], body.as_bytes())
            .await
            .status,
        404
    );
    assert_eq!(
        said(
            &site,
            "5e884898da28047151d0e56f8dc62927",
            &[json],
            body.as_bytes()
        )
        .await
        .status,
        404
    );
    assert_eq!(
        said(
            &site,
            "siem",
            &[("Content-Type", "text/csv")],
            body.as_bytes()
        )
        .await
        .status,
        415
    );
    assert_eq!(
        said(
            &site,
            "siem",
            &[json, ("Content-Encoding", "br")],
            body.as_bytes()
        )
        .await
        .status,
        415
    );
    assert_eq!(
        said(&site, "siem", &[json], &[b' '; (1 << 20) + 1])
            .await
            .status,
        413
    );
    let put = String::from_utf8(signed("siem", &[json], body.as_bytes()))
        .unwrap()
        .replacen("POST", "PUT", 1);
    assert_eq!(say(HERE, site.public, put.as_bytes()).await.status, 405);
    assert_eq!(
        say(
            HERE,
            site.public,
            b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .await
        .status,
        404
    );

    let nowhere = door(&site, None).await;
    let of = |name: &str| {
        nowhere
            .iter()
            .find(|one| one["name"] == name)
            .unwrap_or_else(|| panic!("{name}: {nowhere:?}"))
    };
    let splunkk = of("splunkk");
    assert_eq!(
        (&splunkk["count"], &splunkk["code"], &splunkk["address"]),
        (&3.into(), &"unknown-source".into(), &"127.0.0.1".into())
    );
    assert_eq!(of("(not the name of a source)")["count"], 1);
    assert!(
        !nowhere
            .iter()
            .any(|one| one.to_string().contains("5e884898")),
        "it may be a secret in the wrong place"
    );
    assert_eq!(
        nowhere.len(),
        3,
        "nobody meant a webhook with /favicon.ico: {nowhere:?}"
    );

    let siem = door(&site, Some("siem")).await;
    let codes: Vec<_> = siem
        .iter()
        .map(|one| one["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "method-not-allowed",
            "body-too-large",
            "content-encoding",
            "media-type"
        ]
    );
    assert!(
        siem[3]["detail"].as_str().unwrap().contains("`text/csv`"),
        "{siem:?}"
    );
    assert_eq!(door(&site, Some("other")).await, Vec::<Value>::new());

    let metrics = site.admin("/metrics").await.text;
    for line in [
        r#"scanhook_refused_requests_total{code="unknown-source"} 4"#,
        r#"scanhook_refused_requests_total{code="not-found"} 2"#,
        r#"scanhook_refused_requests_total{code="media-type"} 1"#,
        r#"scanhook_deliveries_total{source="siem",status="405"} 1"#,
    ] {
        assert!(
            metrics.lines().any(|known| known == line),
            "{line}\n{metrics}"
        );
    }
    assert!(
        !metrics.contains("splunkk"),
        "no text of strangers is a label"
    );
}

#[tokio::test]
async fn a_body_that_never_comes_whole_leaves_a_trace_too() {
    let site = site("").await;
    let mut half = signed(
        "siem",
        &[("Content-Type", "application/json")],
        &[b'1'; 100],
    );
    half.truncate(half.len() - 5);
    let mut stream = TcpStream::connect(site.public).await.unwrap();
    stream.write_all(&half).await.unwrap();
    stream.shutdown().await.unwrap();
    let trace = until("a trace", async || {
        door(&site, Some("siem")).await.first().cloned()
    })
    .await;
    assert_eq!(trace["code"], "body-unreadable");
    assert_eq!(site.rows().delivery, 0);
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_named_before_one_stranger_shuts_everybody_out() {
    let body = alert("1", "low", &machine(1));
    let json = ("Content-Type", "application/json");
    let forwarded = |site: &Site, sender: &'static str| {
        let (public, body) = (site.public, body.clone());
        async move {
            say(
                HERE,
                public,
                &signed(
                    "siem",
                    &[json, ("X-Forwarded-For", sender)],
                    body.as_bytes(),
                ),
            )
            .await
        }
    };
    let plain = site("").await;
    assert!(
        !plain.get("/api/v1/status").await["warnings"]
            .to_string()
            .contains("127.0.0.1")
    );
    assert_eq!(forwarded(&plain, "203.0.113.66").await.status, 202);
    let warnings = plain.get("/api/v1/status").await["warnings"].to_string();
    assert!(
        warnings.contains("127.0.0.1") && warnings.contains("trusted_proxies"),
        "{warnings}"
    );

    // As README says it: a stranger's failures are the stranger's own.
    let behind = site(
        "trusted_proxies = [\"127.0.0.1\", \"::1\"]\nauth_failures = { count = 5, per = \"60s\" }",
    )
    .await;
    for n in 0..7 {
        let forged = signed(
            "siem",
            &[json, ("X-Forwarded-For", "203.0.113.66")],
            body.as_bytes(),
        );
        let forged = String::from_utf8(forged)
            .unwrap()
            .replace("sha256=", "sha256=00");
        let answer = say(HERE, behind.public, forged.as_bytes()).await;
        assert_eq!(
            answer.status,
            if n < 5 { 401 } else { 503 },
            "{}",
            answer.text
        );
    }
    for sender in [
        "198.51.100.7",
        "[2001:db8::7]",
        "2001:db8:1::7",
        "\"[2001:db8:2::7]:4711\"",
    ] {
        assert!(
            matches!(forwarded(&behind, sender).await.status, 200 | 202),
            "{sender}"
        );
    }
    assert!(
        !behind.get("/api/v1/status").await["warnings"]
            .to_string()
            .contains("trusted_proxies")
    );
}

#[tokio::test]
async fn a_missing_proof_is_asked_for_in_the_words_of_http_the_same_for_every_source() {
    let site = site("").await;
    let bare = |source: &str| {
        format!(
            "POST /webhooks/{source} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
        )
    };
    for source in ["siem", "sentinel"] {
        let answer = say(HERE, site.public, bare(source).as_bytes()).await;
        let challenge = "Bearer realm=\"scanhook\", Basic realm=\"scanhook\"";
        assert_eq!(
            (answer.status, answer.header("www-authenticate")),
            (401, Some(challenge)),
            "{source}"
        );
    }
    let delete = format!(
        "DELETE /api/v1/status HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        site.admin
    );
    let delete = say(HERE, site.admin, delete.as_bytes()).await;
    assert_eq!(delete.status, 405, "{}", delete.text);
}

/// One honest request on a connection of its own.
async fn honest(to: SocketAddr, id: &str) -> Answer {
    let body = alert(id, "low", &machine(1));
    say(
        HERE,
        to,
        &signed(
            "siem",
            &[("Content-Type", "application/json")],
            body.as_bytes(),
        ),
    )
    .await
}

#[tokio::test]
async fn fewer_connections_are_granted_where_fewer_files_may_be_open_and_status_says_so() {
    let far = Far::open(Default::default()).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    add(folder.path(), "", &[]);
    std::fs::write(folder.path().join("rules.toml"), RULES).unwrap();
    for (limits, granted) in [("ulimit -n 1024", Some(512)), ("ulimit -Sn 256", None)] {
        let own = Served::command(folder.path());
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")])
            .arg(own.get_program())
            .args(own.get_args());
        command
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin");
        command.stdout(std::process::Stdio::null());
        let served = Served::run(command).await;
        assert_eq!(honest(served.public, limits).await.status, 202);
        let warnings = served.get(&client(), "/api/v1/status").await["warnings"].to_string();
        match granted {
            Some(granted) => assert!(
                warnings.contains(&format!("{granted} connections at once")),
                "{warnings}"
            ),
            None => assert!(
                !warnings.contains("connections at once"),
                "the limit was raised: {warnings}"
            ),
        }
    }
}
