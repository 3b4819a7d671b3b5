//! What is turned away leaves nothing behind: no row, no call, no entry that could swallow the honest request after
//! it. Each row of the table is followed by an honest one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{
    Answer, OTHER_SECRET, SENTINEL_SECRET, SIEM_SECRET, Site, Wish, alert, hmac_hex, hmac_tag,
    machine, say, scan_id,
};

const HERE: [u8; 4] = [127, 0, 0, 1];

/// What would be scanned, were it accepted.
fn wicked() -> String {
    alert("3212", "high", &machine(0xbad))
}

/// One hostile request and its answer.
struct Row {
    name: String,
    request: Vec<u8>,
    status: u16,
    /// `None`: the request is not ours to answer with a problem.
    code: Option<&'static str>,
}

fn row(
    name: impl Into<String>,
    request: impl Into<Vec<u8>>,
    status: u16,
    code: &'static str,
) -> Row {
    Row {
        name: name.into(),
        request: request.into(),
        status,
        code: Some(code),
    }
}

/// A request as written: head lines, then the body.
fn request(line: &str, headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("{line} HTTP/1.1\r\nHost: receiver\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: ").as_bytes());
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

const JSON: (&str, &[u8]) = ("Content-Type", b"application/json");

/// A POST to a source with these credential headers.
fn posted(source: &str, credentials: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let mut headers = vec![JSON, ("Content-Length", length.as_bytes())];
    headers.extend_from_slice(credentials);
    request(&format!("POST /webhooks/{source}"), &headers, body)
}

fn signature(body: &[u8]) -> String {
    format!("sha256={}", hmac_hex(SIEM_SECRET, body))
}

/// Rightly signed for `siem`, whatever the body is.
fn signed(body: &[u8]) -> Vec<u8> {
    posted(
        "siem",
        &[("X-Signature-256", signature(body).as_bytes())],
        body,
    )
}

fn credentials() -> Vec<Row> {
    let body = wicked();
    let body = body.as_bytes();
    let tag = hmac_hex(SIEM_SECRET, body);
    let base64 = base64::engine::general_purpose::STANDARD.encode(hmac_tag(SIEM_SECRET, body));
    let unicode = "\u{ff11}".repeat(64);
    let signatures: [(&str, String); 16] = [
        ("a wrong signature", format!("sha256={}", "0".repeat(64))),
        (
            "a signature over other bytes",
            format!("sha256={}", hmac_hex(SIEM_SECRET, b"{}")),
        ),
        (
            "another source's signature",
            format!("sha256={}", hmac_hex(OTHER_SECRET, body)),
        ),
        (
            "a signature with an empty secret",
            format!("sha256={}", hmac_hex("", body)),
        ),
        ("an empty value", String::new()),
        ("an empty signature", "sha256=".to_owned()),
        ("a signature of 4 bytes", format!("sha256={}", &tag[..8])),
        ("a signature of 31 bytes", format!("sha256={}", &tag[..62])),
        ("a signature of 33 bytes", format!("sha256={tag}00")),
        ("half a digit too few", format!("sha256={}", &tag[..63])),
        ("base64 in place of hex", format!("sha256={base64}")),
        ("a signature with 0x", format!("sha256=0x{tag}")),
        ("a signature without its prefix", tag.clone()),
        ("a named algorithm", format!("sha1={tag}")),
        ("the algorithm none", "none".to_owned()),
        (
            "digits that only look like digits",
            format!("sha256={unicode}"),
        ),
    ];
    let mut rows: Vec<Row> = signatures
        .iter()
        .map(|(name, value)| {
            let request = posted("siem", &[("X-Signature-256", value.as_bytes())], body);
            row(*name, request, 401, "unauthenticated")
        })
        .collect();
    let good = signature(body);
    let good = good.as_bytes();
    let nine = ["sha256=00"; 9].join(",");
    let token = format!("Bearer {SENTINEL_SECRET}");
    let token = token.as_bytes();
    let basic = format!("Basic {SENTINEL_SECRET}");
    let longer = format!("Bearer {SENTINEL_SECRET}x");
    let shorter = &token[..token.len() - 1];
    rows.extend([
        row(
            "no signature",
            posted("siem", &[], body),
            401,
            "unauthenticated",
        ),
        row(
            "non-ASCII signature",
            posted("siem", &[("X-Signature-256", b"sha256=\xff\xfe")], body),
            401,
            "unauthenticated",
        ),
        row(
            "a signature in the query",
            request(
                &format!("POST /webhooks/siem?X-Signature-256=sha256={tag}"),
                &[JSON, ("Content-Length", body.len().to_string().as_bytes())],
                body,
            ),
            401,
            "unauthenticated",
        ),
        row(
            "two signature headers, both right",
            posted(
                "siem",
                &[("X-Signature-256", good), ("x-signature-256", good)],
                body,
            ),
            400,
            "credential-repeated",
        ),
        row(
            "two signature headers, one right",
            posted(
                "siem",
                &[("X-Signature-256", b"sha256=00"), ("X-Signature-256", good)],
                body,
            ),
            400,
            "credential-repeated",
        ),
        row(
            "nine signatures",
            posted("siem", &[("X-Signature-256", nine.as_bytes())], body),
            400,
            "credential-too-many-signatures",
        ),
        row(
            "siem's request sent to another source",
            posted("other", &[("X-Signature-256", good)], body),
            401,
            "unauthenticated",
        ),
        row(
            "siem's request sent to a bearer source",
            posted("sentinel", &[("X-Signature-256", good)], body),
            401,
            "unauthenticated",
        ),
        row(
            "no token",
            posted("sentinel", &[], body),
            401,
            "unauthenticated",
        ),
        row(
            "another scheme",
            posted("sentinel", &[("Authorization", basic.as_bytes())], body),
            401,
            "unauthenticated",
        ),
        row(
            "a token without a scheme",
            posted(
                "sentinel",
                &[("Authorization", SENTINEL_SECRET.as_bytes())],
                body,
            ),
            401,
            "unauthenticated",
        ),
        row(
            "an empty token",
            posted("sentinel", &[("Authorization", b"Bearer ")], body),
            401,
            "unauthenticated",
        ),
        row(
            "the scheme alone",
            posted("sentinel", &[("Authorization", b"Bearer")], body),
            401,
            "unauthenticated",
        ),
        row(
            "a longer token",
            posted("sentinel", &[("Authorization", longer.as_bytes())], body),
            401,
            "unauthenticated",
        ),
        row(
            "a shorter token",
            posted("sentinel", &[("Authorization", shorter)], body),
            401,
            "unauthenticated",
        ),
        row(
            "another source's token",
            posted("defender", &[("Authorization", token)], body),
            401,
            "unauthenticated",
        ),
        row(
            "two tokens",
            posted(
                "sentinel",
                &[("Authorization", token), ("Authorization", token)],
                body,
            ),
            400,
            "credential-repeated",
        ),
        row(
            "a token in the query",
            request(
                &format!("POST /webhooks/sentinel?access_token={SENTINEL_SECRET}"),
                &[JSON, ("Content-Length", body.len().to_string().as_bytes())],
                body,
            ),
            401,
            "unauthenticated",
        ),
    ]);
    rows
}

/// Rightly signed bodies that are not strict JSON.
fn bodies() -> Vec<Row> {
    let machine = machine(0xbad);
    let alert = |tail: &str| {
        format!(r#"{{"alertId":"3212","severity":"high","deviceId":"{machine}"{tail}"#)
    };
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let rows: Vec<(&str, Vec<u8>, &'static str)> = vec![
        ("an empty body", Vec::new(), "empty-body"),
        ("blanks", b" \r\n\t ".to_vec(), "empty-body"),
        ("cut short", alert("").into_bytes(), "json-syntax"),
        ("no JSON", b"alertId=3212".to_vec(), "json-syntax"),
        ("a comment", alert("} // x").into_bytes(), "json-trailing"),
        (
            "single quotes",
            b"{'alertId':'3212'}".to_vec(),
            "json-syntax",
        ),
        ("a comma too many", alert(",}").into_bytes(), "json-syntax"),
        ("NaN", alert(r#","x":NaN}"#).into_bytes(), "json-syntax"),
        (
            "a raw line break in a text",
            alert(",\"title\":\"a\nb\"}").into_bytes(),
            "json-syntax",
        ),
        (
            "something behind it",
            alert("} x").into_bytes(),
            "json-trailing",
        ),
        (
            "two values",
            alert(r#"}{"alertId":"1"}"#).into_bytes(),
            "json-trailing",
        ),
        (
            "UTF-32",
            alert("}")
                .chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect(),
            "not-utf8",
        ),
        ("a NUL inside it", alert("\0}").into_bytes(), "json-syntax"),
        (
            "a byte that is not a character, outside of a text",
            [alert("").as_bytes(), b"\xff}"].concat(),
            "json-syntax",
        ),
        ("128 deep", nested(128).into_bytes(), "json-too-deep"),
        (
            "128 deep where nobody looks",
            alert(&format!(",\"x\":{}}}", nested(127))).into_bytes(),
            "json-too-deep",
        ),
        (
            "100,000 deep",
            "[".repeat(100_000).into_bytes(),
            "json-too-deep",
        ),
        (
            "a number beyond all readers",
            alert(r#","x":1e400}"#).into_bytes(),
            "json-number-range",
        ),
    ];
    rows.into_iter()
        .map(|(name, body, code)| row(name, signed(&body), 400, code))
        .collect()
}

/// Requests that are wrong before anybody asks who sent them.
fn doors() -> Vec<Row> {
    let body = wicked();
    let body = body.as_bytes();
    let length = body.len().to_string();
    let good = signature(body);
    let credential = ("X-Signature-256", good.as_bytes());
    let typed = |value: &'static str| {
        let headers = [
            ("Content-Type", value.as_bytes()),
            ("Content-Length", length.as_bytes()),
            credential,
        ];
        row(
            format!("content type {value}"),
            request("POST /webhooks/siem", &headers, body),
            415,
            "media-type",
        )
    };
    let to = |line: &str| {
        request(
            line,
            &[JSON, ("Content-Length", length.as_bytes()), credential],
            body,
        )
    };
    let large = vec![b' '; (1 << 20) + 1];
    let mut rows: Vec<Row> = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=files",
        "application/json; charset=utf-16",
        "application/jsonx",
        "application/json, text/plain",
    ]
    .into_iter()
    .map(typed)
    .collect();
    let untyped = request(
        "POST /webhooks/siem",
        &[("Content-Length", length.as_bytes()), credential],
        body,
    );
    let packed = [
        JSON,
        ("Content-Length", length.as_bytes()),
        credential,
        ("Content-Encoding", b"gzip"),
    ];
    let chunked = [
        request(
            "POST /webhooks/siem",
            &[JSON, ("Transfer-Encoding", b"chunked"), credential],
            b"",
        ),
        b"80000\r\n".to_vec(),
        vec![b' '; 0x80000],
        b"\r\n80001\r\n".to_vec(),
        vec![b' '; 0x80001],
        b"\r\n0\r\n\r\n".to_vec(),
    ];
    let mut two_hosts = to("POST /webhooks/siem");
    let at = two_hosts
        .windows(2)
        .position(|pair| pair == b"\r\n")
        .unwrap()
        + 2;
    two_hosts.splice(at..at, b"Host: elsewhere\r\n".iter().copied());
    rows.extend([
        row("no content type", untyped, 415, "media-type"),
        row(
            "a packed body",
            request("POST /webhooks/siem", &packed, body),
            415,
            "content-encoding",
        ),
        row(
            "an unknown source",
            to("POST /webhooks/nobody"),
            404,
            "unknown-source",
        ),
        row(
            "a source in other letters",
            to("POST /webhooks/SIEM"),
            404,
            "unknown-source",
        ),
        row(
            "an encoded source",
            to("POST /webhooks/%73iem"),
            404,
            "unknown-source",
        ),
        row(
            "a secret where none belongs",
            to("POST /webhooks/siem/secret"),
            404,
            "unknown-source",
        ),
        row("no source", to("POST /webhooks"), 404, "not-found"),
        row(
            "the admin's paths",
            to("POST /api/v1/status"),
            404,
            "not-found",
        ),
        row("metrics", to("GET /metrics"), 404, "not-found"),
        row(
            "reading a webhook",
            request("GET /webhooks/siem", &[credential], b""),
            405,
            "method-not-allowed",
        ),
        row(
            "another method",
            to("PUT /webhooks/siem"),
            405,
            "method-not-allowed",
        ),
        row(
            "deleting",
            to("DELETE /webhooks/siem"),
            405,
            "method-not-allowed",
        ),
        row(
            "too large, as declared",
            signed(&large),
            413,
            "body-too-large",
        ),
        row(
            "too large, in chunks",
            chunked.concat(),
            413,
            "body-too-large",
        ),
        row("two hosts", two_hosts, 400, "repeated-host"),
    ]);
    rows
}

/// Low: accepted and stored, and no rule wants a scan, so that every scan the far side sees would be a row's.
async fn an_honest_request_is_accepted(site: &Site, id: &str, after: &str) {
    let before = site.rows();
    let answer = site.post("siem", alert(id, "low", &machine(0x900d))).await;
    assert_eq!(answer.status, 202, "after {after}: {}", answer.text);
    assert_eq!(site.rows().alert, before.alert + 1, "after {after}");
}

fn is_problem(answer: &Answer, row: &Row) {
    assert_eq!(answer.status, row.status, "{}: {}", row.name, answer.text);
    let Some(code) = row.code else { return };
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{}",
        row.name
    );
    let problem = answer.json();
    assert_eq!(
        (&problem["code"], &problem["status"]),
        (&code.into(), &row.status.into()),
        "{}",
        row.name
    );
    let hidden = [SIEM_SECRET, SENTINEL_SECRET, "alertId", "3212"];
    assert!(
        !hidden.iter().any(|text| answer.text.contains(text)),
        "{}: {}",
        row.name,
        answer.text
    );
    if row.status == 401 {
        let keys: Vec<_> = problem
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            ["code", "status", "title", "type"],
            "{}: a reason",
            row.name
        );
    }
}

async fn each_leaves_nothing_behind(rows: Vec<Row>) {
    let site = Site::open().await;
    for (n, row) in rows.iter().enumerate() {
        let before = site.rows();
        let answer = say(HERE, site.public, &row.request).await;
        is_problem(&answer, row);
        assert_eq!(site.rows(), before, "{} left rows", row.name);
        an_honest_request_is_accepted(&site, &format!("honest-{n}"), &row.name).await;
    }
    // The last honest one is scanned, so a scan of any row before it would have been seen.
    let receipt = site
        .accepted(alert("last", "critical", &machine(0x900d)))
        .await;
    site.scan_in(&scan_id(&receipt), "finished").await;
    let scanned: Vec<_> = site
        .far
        .calls_of("scan")
        .into_iter()
        .filter_map(|call| call.machine)
        .collect();
    assert_eq!(scanned, [machine(0x900d)]);
    // And the alert they all carried is still new.
    let receipt = site.accepted(wicked()).await;
    assert_eq!(receipt["alerts"][0]["state"], "decided");
}

#[tokio::test]
async fn a_request_that_proves_nothing_leaves_nothing_behind() {
    each_leaves_nothing_behind(credentials()).await;
}

#[tokio::test]
async fn a_signed_body_that_is_not_strict_json_leaves_nothing_behind() {
    each_leaves_nothing_behind(bodies()).await;
}

#[tokio::test]
async fn a_request_at_the_wrong_door_leaves_nothing_behind() {
    each_leaves_nothing_behind(doors()).await;
}

#[tokio::test]
async fn the_limits_themselves_are_allowed() {
    let site = Site::open().await;
    let inside = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let alert = format!(
        r#"{{"alertId":"deep","severity":"low","x":{}}}"#,
        inside(126)
    );
    let padded = format!(
        "{}{}",
        crate::harness::alert("large", "low", &machine(1)),
        " ".repeat(1 << 20)
    );
    for body in [
        alert,
        inside(127),
        padded[..1 << 20].to_owned(),
        r#"{"alertId":"n","x":1e308}"#.to_owned(),
    ] {
        assert_eq!(site.post("siem", &body).await.status, 202, "{:.60}", body);
    }
    let body = wicked().replace("high", "low");
    let good = signature(body.as_bytes())
        .to_uppercase()
        .replace("SHA256", "sha256");
    let seven = format!("{}{good}", "sha256=00,".repeat(7));
    let answer = say(
        HERE,
        site.public,
        &posted(
            "siem",
            &[("X-Signature-256", seven.as_bytes())],
            body.as_bytes(),
        ),
    )
    .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

#[tokio::test]
async fn a_refused_request_does_not_swallow_the_honest_one_with_the_same_bytes() {
    let site = Site::open().await;
    let body = wicked();
    for _ in 0..3 {
        let forged = posted(
            "siem",
            &[("X-Signature-256", b"sha256=00")],
            body.as_bytes(),
        );
        assert_eq!(say(HERE, site.public, &forged).await.status, 401);
    }
    let receipt = site.accepted(&body).await;
    assert_eq!(
        (&receipt["duplicate"], &receipt["alerts"][0]["state"]),
        (&false.into(), &"decided".into())
    );
}

#[tokio::test]
async fn the_operator_sees_what_the_sender_is_not_told() {
    let site = Site::open().await;
    let body = wicked();
    for n in 0..60 {
        let forged = format!("sha256={n:064x}");
        let request = posted(
            "siem",
            &[("X-Signature-256", forged.as_bytes())],
            body.as_bytes(),
        );
        assert_eq!(say(HERE, site.public, &request).await.status, 401);
    }
    assert_eq!(
        say(HERE, site.public, &posted("siem", &[], body.as_bytes()))
            .await
            .status,
        401
    );
    let status = site.get("/api/v1/status?source=siem").await;
    let refusals = status["sources"][0]["refusals"].as_array().unwrap();
    assert_eq!(refusals.len(), 50, "the last fifty");
    assert_eq!(refusals[0]["check"], "the credential header is missing");
    assert_eq!(
        refusals[1]["check"],
        "no signature fits: other secret or other bytes"
    );
    assert!(
        refusals
            .iter()
            .all(|refusal| refusal["address"] == "127.0.0.1" && refusal["at"].is_string())
    );
    let elsewhere = site.get("/api/v1/status?source=other").await;
    assert_eq!(elsewhere["sources"][0].get("refusals"), None);
    assert_eq!(site.admin("/api/v1/status?source=nobody").await.status, 404);
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains(r#"scanhook_deliveries_total{source="siem",status="401"} 61"#),
        "{metrics}"
    );
}

#[tokio::test]
async fn an_address_that_spent_its_failures_waits_and_others_do_not() {
    let site = Site::with(Wish {
        server: "auth_failures = { count = 3, per = \"60s\" }",
        ..Wish::default()
    })
    .await;
    let body = wicked();
    let forged = posted(
        "siem",
        &[("X-Signature-256", b"sha256=00")],
        body.as_bytes(),
    );
    let honest = |id: &str| signed(alert(id, "low", &machine(1)).as_bytes());
    // What is accepted spends nothing, and neither does what is refused for another reason.
    assert_eq!(say(HERE, site.public, &honest("first")).await.status, 202);
    for _ in 0..5 {
        assert_eq!(say(HERE, site.public, &signed(b"{")).await.status, 400);
    }
    for _ in 0..3 {
        assert_eq!(say(HERE, site.public, &forged).await.status, 401);
    }
    let rows = site.rows();
    for request in [&forged, &honest("second")] {
        let answer = say(HERE, site.public, request).await;
        assert_eq!(
            (answer.status, answer.json()["code"].clone()),
            (503, "failure-budget".into())
        );
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
    assert_eq!(site.rows(), rows);
    // A forwarded address that no trusted proxy vouches for changes nothing.
    let mut claimed = honest("third");
    let at = claimed.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
    claimed.splice(at..at, b"X-Forwarded-For: 198.51.100.7\r\n".iter().copied());
    assert_eq!(say(HERE, site.public, &claimed).await.status, 503);
    assert_eq!(
        say([127, 0, 0, 2], site.public, &honest("elsewhere"))
            .await
            .status,
        202
    );
}

async fn silence(to: SocketAddr, start: &[u8]) -> (Vec<u8>, Duration) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let begun = Instant::now();
    stream.write_all(start).await.unwrap();
    let mut heard = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(15), stream.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "still open");
    (heard, begun.elapsed())
}

#[tokio::test]
async fn whoever_does_not_go_on_is_shut_out_in_time_and_keeps_nobody_waiting() {
    let site = Site::open().await;
    let body = wicked();
    let mut half = signed(body.as_bytes());
    half.truncate(half.len() - 5);
    let waits = async {
        tokio::join!(
            silence(site.public, b""),
            silence(site.public, b"P"),
            silence(
                site.public,
                b"POST /webhooks/siem HTTP/1.1\r\nHost: x\r\nX-Half: "
            ),
            silence(site.public, &half),
        )
    };
    let honest = async {
        for n in 0..20 {
            let begun = Instant::now();
            an_honest_request_is_accepted(&site, &format!("honest-{n}"), "the silent ones").await;
            assert!(begun.elapsed() < Duration::from_secs(3));
        }
    };
    let ((nothing, letter, head, half), ()) = tokio::join!(waits, honest);
    for (heard, took) in [nothing, letter, head] {
        assert!(
            heard.is_empty() && took < Duration::from_secs(8),
            "{took:?}"
        );
    }
    let (heard, took) = half;
    assert!(
        heard.starts_with(b"HTTP/1.1 408") && took < Duration::from_secs(13),
        "{took:?}"
    );
    assert!(
        String::from_utf8(heard)
            .unwrap()
            .contains("\"body-timeout\"")
    );
    assert_eq!(site.rows().alert, 20);
    an_honest_request_is_accepted(&site, "after", "them").await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_delivery() {
    let site = Site::open().await;
    let body = wicked();
    let mut half = signed(body.as_bytes());
    half.truncate(half.len() - 5);
    for _ in 0..5 {
        let mut stream = TcpStream::connect(site.public).await.unwrap();
        stream.write_all(&half).await.unwrap();
        drop(stream);
    }
    an_honest_request_is_accepted(&site, "after", "broken bodies").await;
    assert_eq!(site.rows().alert, 1);
    assert_eq!(site.accepted(&body).await["duplicate"], Value::Bool(false));
}
