//! Every kind of proof at the real door: the honest sender is let in, and nothing that is damaged, borrowed, late or
//! absurd leaves a row behind. Proofs are made here by hand, from the senders' documentation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use scanhook::keyrings::Beat;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{
    Answer, Issuer, SIEM_SECRET, Site, TENANT, Wish, alert, hmac_hex, hmac_tag, machine, say,
    standard_webhook, until,
};

const HERE: [u8; 4] = [127, 0, 0, 1];
const SECRET: &str = "a-secret-of-this-test-0123456789";
const OLD: &str = "an-old-one-of-this-test-01234567";
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const SOURCES: &str = r#"
[[sources.hex.auth]]
hmac = { header = "X-Sig", prefix = "sha256=", secret_file = ["new.secret", "old.secret"] }
[[sources.timed.auth]]
hmac = { header = "X-Sig", signed = "{timestamp}.{body}", timestamp_header = "X-Time", secret_file = "new.secret" }
[[sources.std.auth]]
standard_webhooks = { secret_file = "whsec.secret" }
[[sources.github.auth]]
github = { secret_file = "new.secret" }
[[sources.grafana.auth]]
grafana = { timestamp_header = "X-Alert-Timestamp", secret_file = "new.secret" }
[[sources.pagerduty.auth]]
pagerduty = { secret_file = "new.secret" }
[[sources.crowdstrike.auth]]
crowdstrike = { secret_file = "new.secret" }
[[sources.bearer.auth]]
bearer = { secret_file = ["new.secret", "old.secret"] }
[[sources.header.auth]]
header = { name = "X-Api-Key", secret_file = "new.secret" }
[[sources.basic.auth]]
basic = { username = "siem", secret_file = "new.secret" }
[[sources.url.auth]]
url_secret = { secret_file = "new.secret" }
[[sources.body.auth]]
body_secret = { pointer = "/clientState", secret_file = "new.secret" }
[[sources.near.auth]]
ip = ["127.0.0.1", "::1"]
bearer = { secret_file = "new.secret" }
"#;

fn wish() -> Wish {
    let names = SOURCES
        .lines()
        .filter_map(|line| line.strip_prefix("[[sources.")?.strip_suffix(".auth]]"));
    let presets: String = names
        .map(|name| format!("[sources.{name}]\npreset = \"generic\"\n"))
        .collect();
    Wish {
        server: "auth_failures = { count = 100000, per = \"60s\" }",
        more: format!("{presets}{SOURCES}"),
        secrets: vec![
            ("new.secret", SECRET),
            ("old.secret", OLD),
            ("whsec.secret", WHSEC),
        ],
        ..Wish::default()
    }
}

/// A request as its sender shows it.
#[derive(Clone)]
struct Shown {
    source: &'static str,
    /// Behind the source, from the slash on.
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Shown {
    fn header(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self
            .headers
            .iter_mut()
            .find(|(known, _)| *known == name)
            .unwrap()
            .1
    }

    fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Shown {
        *self.header(name) = value.into();
        self
    }

    fn twice(mut self, name: &str) -> Shown {
        let again = self
            .headers
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap()
            .clone();
        self.headers.push(again);
        self
    }

    fn without(mut self, name: &str) -> Shown {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let head = format!(
            "POST /webhooks/{}{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
            self.source,
            self.path,
            self.body.len()
        );
        let mut bytes = head.into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn rfc3339(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap().to_string()
}

fn base64_tag(secret: &[u8], message: &[u8]) -> String {
    BASE64.encode(hmac_tag(
        std::str::from_utf8(secret).unwrap_or_default(),
        message,
    ))
}

/// The honest request of a source, proved with this secret, as if sent so many seconds from now.
fn proved(source: &'static str, body: &str, secret: &str, ahead: i64) -> Shown {
    let at = seconds() + ahead;
    let (mut path, mut sent) = (String::new(), body.as_bytes().to_vec());
    let headers: Vec<(&'static str, Vec<u8>)> = match source {
        "hex" => vec![(
            "X-Sig",
            format!("sha256={}", hmac_hex(secret, body.as_bytes())).into(),
        )],
        "timed" => {
            let tag = hmac_hex(secret, format!("{at}.{body}").as_bytes());
            vec![("X-Sig", tag.into()), ("X-Time", at.to_string().into())]
        }
        "std" => standard_webhook(
            secret,
            &format!("msg_{}", hmac_hex("id", body.as_bytes())),
            &at.to_string(),
            body,
        ),
        "github" => vec![(
            "X-Hub-Signature-256",
            format!("sha256={}", hmac_hex(secret, body.as_bytes())).into(),
        )],
        "grafana" => {
            let tag = hmac_hex(secret, format!("{at}:{body}").as_bytes());
            vec![
                ("X-Grafana-Alerting-Signature", tag.into()),
                ("X-Alert-Timestamp", at.to_string().into()),
            ]
        }
        "pagerduty" => vec![(
            "X-PagerDuty-Signature",
            format!("v1={}", hmac_hex(secret, body.as_bytes())).into(),
        )],
        "crowdstrike" => {
            let time = rfc3339(at);
            let tag = base64_tag(secret.as_bytes(), format!("{body}{time}").as_bytes());
            vec![
                ("X-CS-Primary-Signature", tag.into()),
                ("X-CS-Delivery-Timestamp", time.into()),
            ]
        }
        "bearer" | "near" => vec![("Authorization", format!("Bearer {secret}").into())],
        "header" => vec![("X-Api-Key", secret.into())],
        "basic" => vec![(
            "Authorization",
            format!("Basic {}", BASE64.encode(format!("siem:{secret}"))).into(),
        )],
        "url" => {
            path = format!("/{secret}");
            Vec::new()
        }
        "body" => {
            let mut json: Value = serde_json::from_str(body).unwrap();
            json["clientState"] = json!(secret);
            sent = json.to_string().into_bytes();
            Vec::new()
        }
        _ => panic!("no source {source}"),
    };
    Shown {
        source,
        path,
        headers,
        body: sent,
    }
}

fn secret_of(source: &str) -> &'static str {
    if source == "std" { WHSEC } else { SECRET }
}

/// The header that holds each source's proof; empty where it stands elsewhere.
const PROOFS: [(&str, &str); 13] = [
    ("hex", "X-Sig"),
    ("timed", "X-Sig"),
    ("std", "webhook-signature"),
    ("github", "X-Hub-Signature-256"),
    ("grafana", "X-Grafana-Alerting-Signature"),
    ("pagerduty", "X-PagerDuty-Signature"),
    ("crowdstrike", "X-CS-Primary-Signature"),
    ("bearer", "Authorization"),
    ("header", "X-Api-Key"),
    ("basic", "Authorization"),
    ("near", "Authorization"),
    ("url", ""),
    ("body", ""),
];

/// What would be scanned, were it accepted.
fn wicked() -> String {
    alert("3212", "high", &machine(0xbad))
}

/// What happens to a proof on the way, with the answer to it.
fn damages(source: &'static str, header: &str) -> Vec<(String, Shown, u16)> {
    let body = wicked();
    // Once: what was signed in another second would be another request.
    let honest = proved(source, &body, secret_of(source), 0);
    let good = || honest.clone();
    let value = String::from_utf8(good().header(header).clone()).unwrap();
    let other = "whsec_b3RoZXItb3RoZXItb3RoZXItb3RoZXI=";
    let foreign = if source == "std" { other } else { SIEM_SECRET };
    let set = |value: &str| good().with(header, value);
    let mut rows = vec![
        ("no proof", good().without(header), 401),
        ("an empty proof", set(""), 401),
        ("a blank proof", set("  "), 401),
        ("the proof twice", good().twice(header), 400),
        // Not by fewer: the last two characters of base64 may be padding, which senders leave out.
        ("cut by three", set(&value[..value.len() - 3]), 401),
        ("cut to 12", set(&value[..12]), 401),
        ("one more", set(&format!("{value}A")), 401),
        (
            "its prefix alone",
            set(value.split_inclusive(['=', ',', ' ']).next().unwrap()),
            401,
        ),
        (
            "another source's secret",
            proved(source, &body, foreign, 0),
            401,
        ),
        (
            "non-ASCII",
            good().with(header, b"\xff\xfe\xe2\x82\xac".to_vec()),
            401,
        ),
        (
            "digits that only look like digits",
            set(&"\u{ff11}".repeat(64)),
            401,
        ),
        ("the algorithm none", set("none"), 401),
        (
            "another version",
            set(&value
                .replace("v1", "v0")
                .replace("sha256=", "sha1=")
                .replace("Be", "Ba")),
            401,
        ),
    ];
    if matches!(
        source,
        "hex" | "timed" | "std" | "github" | "grafana" | "pagerduty" | "crowdstrike"
    ) {
        let prefix = value
            .rfind(['=', ','])
            .filter(|at| *at < 10)
            .map_or("", |at| &value[..=at]);
        let tag = hmac_tag(secret_of(source), body.as_bytes());
        rows.extend([
            (
                "the wrong encoding: hex",
                set(&format!("{prefix}{}Z", hex::encode(&tag))),
                401,
            ),
            (
                "the wrong encoding: base64url",
                set(&format!(
                    "{prefix}{}",
                    BASE64.encode(&tag).replace('=', "_")
                )),
                401,
            ),
            (
                "a prefix of 0x",
                set(&format!("{prefix}0x{}", &value[prefix.len()..])),
                401,
            ),
            (
                "an altered body",
                Shown {
                    body: body.replace("3212", "3213").into(),
                    ..good()
                },
                401,
            ),
            (
                "a body with a blank more",
                Shown {
                    body: format!("{body} ").into(),
                    ..good()
                },
                401,
            ),
        ]);
        let separator = if source == "std" { " " } else { "," };
        if !matches!(source, "github" | "grafana" | "crowdstrike") {
            rows.push((
                "nine signatures",
                set(&[value.as_str(); 9].join(separator)),
                400,
            ));
        }
    }
    let rows = rows.into_iter().filter(|(_, shown, _)| {
        source == "near" || shown.headers != good().headers || shown.body != good().body
    });
    rows.map(|(what, shown, status)| (format!("{source}: {what}"), shown, status))
        .collect()
}

/// What a clock can do to a proof.
fn times() -> Vec<(String, Shown, u16)> {
    let body = wicked();
    let mut rows = Vec::new();
    for (source, header) in [
        ("timed", "X-Time"),
        ("std", "webhook-timestamp"),
        ("grafana", "X-Alert-Timestamp"),
        ("crowdstrike", "X-CS-Delivery-Timestamp"),
    ] {
        let secret = secret_of(source);
        let good = || proved(source, &body, secret, 0);
        rows.extend([
            (
                format!("{source}: expired"),
                proved(source, &body, secret, -310),
                401,
            ),
            (
                format!("{source}: in the future"),
                proved(source, &body, secret, 310),
                401,
            ),
            (
                format!("{source}: long ago"),
                proved(source, &body, secret, -1_000_000_000),
                401,
            ),
            (format!("{source}: no time"), good().without(header), 401),
            (
                format!("{source}: an empty time"),
                good().with(header, ""),
                401,
            ),
            (
                format!("{source}: the time twice"),
                good().twice(header),
                400,
            ),
            (
                format!("{source}: another time"),
                good().with(header, (seconds() + 1).to_string()),
                401,
            ),
            (
                format!("{source}: a time of no ASCII"),
                good().with(header, b"\xff".to_vec()),
                401,
            ),
        ]);
    }
    // Rightly signed, and absurd.
    for time in [
        "0",
        "-1",
        "1e9",
        "99999999999",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "NaN",
        "18446744073709551616",
        "0x10",
        "now",
        " ",
        "2026-11-02T08:15:42Z",
    ] {
        let headers = standard_webhook(WHSEC, "msg_1", time, &body);
        let shown = Shown {
            source: "std",
            path: String::new(),
            headers,
            body: body.clone().into(),
        };
        rows.push((format!("std: the time {time:?}"), shown, 401));
    }
    let millis = format!("{}000", seconds());
    let headers = standard_webhook(WHSEC, "msg_1", &millis, &body);
    let shown = Shown {
        source: "std",
        path: String::new(),
        headers,
        body: body.clone().into(),
    };
    rows.push(("std: milliseconds".to_owned(), shown, 401));
    for (id, status) in [
        ("", 401),
        ("a.b", 400),
        ("a b", 400),
        ("\u{e9}", 400),
        (&*"x".repeat(129), 400),
    ] {
        let headers = standard_webhook(WHSEC, id, &seconds().to_string(), &body);
        let shown = Shown {
            source: "std",
            path: String::new(),
            headers,
            body: body.clone().into(),
        };
        rows.push((format!("std: the id {id:?}"), shown, status));
    }
    let good = proved("std", &body, WHSEC, 0);
    rows.push((
        "std: a new id".to_owned(),
        good.clone().with("webhook-id", "msg_2"),
        401,
    ));
    rows.push((
        "std: the id twice".to_owned(),
        good.clone().twice("webhook-id"),
        400,
    ));
    rows.push(("std: no id".to_owned(), good.without("webhook-id"), 401));
    rows
}

/// What can be wrong where no header holds the proof, or the header is not all of it.
fn elsewhere() -> Vec<(String, Shown, u16)> {
    let body = wicked();
    let url = |path: &str| Shown {
        path: path.to_owned(),
        ..proved("url", &body, SECRET, 0)
    };
    let inside = |text: String| Shown {
        body: text.into_bytes(),
        ..proved("body", &body, SECRET, 0)
    };
    let state = |value: &str| inside(body.replacen('{', &format!("{{\"clientState\":{value},"), 1));
    let basic = |text: &str| {
        proved("basic", &body, SECRET, 0)
            .with("Authorization", format!("Basic {}", BASE64.encode(text)))
    };
    let rows = [
        ("url: no secret", url(""), 404),
        ("url: an empty secret", url("/"), 404),
        ("url: cut by one", url(&format!("/{}", &SECRET[..31])), 401),
        ("url: one more", url(&format!("/{SECRET}x")), 401),
        (
            "url: another source's secret",
            url(&format!("/{SIEM_SECRET}")),
            401,
        ),
        ("url: no UTF-8", url("/%ff%fe"), 401),
        (
            "url: encoded twice",
            url(&format!("/%2561{}", &SECRET[1..])),
            401,
        ),
        ("url: a segment more", url(&format!("/{SECRET}/x")), 404),
        ("url: in the query", url(&format!("?secret={SECRET}")), 404),
        ("body: none", inside(body.clone()), 401),
        ("body: empty", state("\"\""), 401),
        ("body: null", state("null"), 401),
        ("body: a number", state("1234567890123456"), 401),
        ("body: a list of it", state(&format!("[\"{SECRET}\"]")), 401),
        (
            "body: cut by one",
            state(&format!("\"{}\"", &SECRET[..31])),
            401,
        ),
        (
            "body: another source's secret",
            state(&format!("\"{SIEM_SECRET}\"")),
            401,
        ),
        (
            "body: twice",
            state(&format!("\"{SECRET}\",\"clientState\":\"{SECRET}\"")),
            401,
        ),
        ("body: non-ASCII", state("\"\u{ff41}\""), 401),
        (
            "body: no JSON",
            inside(format!("clientState={SECRET}")),
            401,
        ),
        ("basic: nobody", basic(":"), 401),
        ("basic: no password", basic("siem:"), 401),
        ("basic: another name", basic(&format!("root:{SECRET}")), 401),
        ("basic: no colon", basic(&format!("siem{SECRET}")), 401),
        (
            "basic: no base64",
            proved("basic", &body, SECRET, 0).with("Authorization", format!("Basic siem:{SECRET}")),
            401,
        ),
        (
            "bearer: another scheme",
            proved("bearer", &body, SECRET, 0).with("Authorization", format!("Basic {SECRET}")),
            401,
        ),
        (
            "bearer: no token",
            proved("bearer", &body, SECRET, 0).with("Authorization", "Bearer "),
            401,
        ),
        (
            "bearer: no scheme",
            proved("bearer", &body, SECRET, 0).with("Authorization", SECRET),
            401,
        ),
    ];
    rows.into_iter()
        .map(|(what, shown, status)| (what.to_owned(), shown, status))
        .collect()
}

async fn accepted(site: &Site, shown: &Shown, what: &str) -> Answer {
    let before = site.rows();
    let answer = say(HERE, site.public, &shown.bytes()).await;
    assert_eq!(answer.status, 202, "{what}: {}", answer.text);
    assert_eq!(site.rows().delivery, before.delivery + 1, "{what}");
    answer
}

#[tokio::test]
async fn every_kind_takes_its_honest_sender_and_nothing_else_leaves_a_row() {
    let site = Site::with(wish()).await;
    let mut rows: Vec<_> = PROOFS
        .iter()
        .filter(|(_, header)| !header.is_empty())
        .flat_map(|(source, header)| damages(source, header))
        .collect();
    rows.extend(times());
    rows.extend(elsewhere());
    assert!(rows.len() > 250, "{}", rows.len());
    let before = site.rows();
    for (what, shown, status) in &rows {
        let answer = say(HERE, site.public, &shown.bytes()).await;
        assert_eq!(answer.status, *status, "{what}: {}", answer.text);
        assert_eq!(answer.json()["status"], *status, "{what}");
        assert!(
            !answer.text.contains(SECRET) && !answer.text.contains("3212"),
            "{what}: {}",
            answer.text
        );
        assert_eq!(site.rows(), before, "{what} left rows");
    }
    // And the alert they all carried is still new to every source, whose sender is known by its secret.
    for (source, _) in PROOFS {
        accepted(
            &site,
            &proved(source, &wicked(), secret_of(source), 0),
            source,
        )
        .await;
        let listed = site.get(&format!("/api/v1/alerts?source={source}")).await;
        let credential = match source {
            "std" => "whsec.secret",
            "near" => "ip+new.secret",
            _ => "new.secret",
        };
        assert_eq!(
            (
                &listed["items"][0]["credential"],
                &listed["items"][0]["state"]
            ),
            (&credential.into(), &"decided".into())
        );
    }
}

#[tokio::test]
async fn an_address_that_is_not_on_the_list_is_refused_with_the_right_secret() {
    let site = Site::with(wish()).await;
    let shown = proved("near", &wicked(), SECRET, 0);
    let elsewhere = say([127, 0, 0, 2], site.public, &shown.bytes()).await;
    assert_eq!(elsewhere.status, 401);
    let mut claimed = shown.clone();
    claimed
        .headers
        .push(("X-Forwarded-For", "127.0.0.1".into()));
    assert_eq!(
        say([127, 0, 0, 2], site.public, &claimed.bytes())
            .await
            .status,
        401,
        "nobody vouches for that"
    );
    accepted(&site, &shown, "from here").await;
    let status = site.get("/api/v1/status?source=near").await;
    assert_eq!(
        status["sources"][0]["refusals"][0]["check"],
        "the sender's address is in none of the networks"
    );
}

#[tokio::test]
async fn behind_a_trusted_proxy_the_sender_is_who_it_says() {
    let server =
        "auth_failures = { count = 1000, per = \"60s\" }\ntrusted_proxies = [\"127.0.0.2\"]";
    let site = Site::with(Wish { server, ..wish() }).await;
    let said = async |headers: &[(&'static str, &str)]| {
        let mut shown = proved("near", &wicked(), SECRET, 0);
        shown.headers.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes().to_vec())),
        );
        say([127, 0, 0, 2], site.public, &shown.bytes())
            .await
            .status
    };
    let (usual, standard) = ("X-Forwarded-For", "Forwarded");
    assert_eq!(said(&[(usual, "203.0.113.9")]).await, 401);
    assert_eq!(said(&[(usual, "203.0.113.9, 127.0.0.1")]).await, 202);
    assert_eq!(
        said(&[(
            standard,
            "for=203.0.113.9, for=\"127.0.0.1:4711\";proto=https"
        )])
        .await,
        200
    );
    assert_eq!(
        said(&[(standard, "for=127.0.0.1, for=203.0.113.9")]).await,
        401
    );
    assert_eq!(
        said(&[(usual, "203.0.113.9"), (standard, "for=127.0.0.1")]).await,
        401,
        "they do not agree"
    );
    assert_eq!(
        said(&[(usual, "127.0.0.1"), (standard, "for=127.0.0.1")]).await,
        200
    );
    let warnings = site.get("/api/v1/status").await["warnings"].to_string();
    assert!(!warnings.contains("trusted_proxies"), "{warnings}");
}

#[tokio::test]
async fn the_use_of_an_old_secret_is_counted_by_its_name() {
    let site = Site::with(wish()).await;
    for source in ["hex", "bearer"] {
        accepted(
            &site,
            &proved(source, &alert("1", "low", &machine(1)), OLD, 0),
            source,
        )
        .await;
        accepted(
            &site,
            &proved(source, &alert("2", "low", &machine(1)), SECRET, 0),
            source,
        )
        .await;
    }
    let metrics = site.admin("/metrics").await.text;
    for source in ["hex", "bearer"] {
        let line = format!(
            r#"scanhook_old_secret_deliveries_total{{source="{source}",credential="old.secret"}} 1"#
        );
        assert!(metrics.contains(&line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("new.secret") && !metrics.contains(OLD));
}

#[tokio::test]
async fn a_signed_id_tells_a_retry_from_a_new_delivery() {
    let site = Site::with(wish()).await;
    let post = async |id: &str, ahead: i64, body: &str| {
        let headers = standard_webhook(WHSEC, id, &(seconds() + ahead).to_string(), body);
        let shown = Shown {
            source: "std",
            path: String::new(),
            headers,
            body: body.into(),
        };
        say(HERE, site.public, &shown.bytes()).await
    };
    let first = post("msg_1", 0, &alert("1", "low", &machine(1))).await;
    assert_eq!(first.status, 202, "{}", first.text);
    // A retry is signed anew, and some senders write it anew.
    for body in [
        alert("1", "low", &machine(1)),
        alert("1", "medium", &machine(1)),
    ] {
        let again = post("msg_1", -5, &body).await;
        assert_eq!(again.status, 200);
        assert_eq!(again.json()["delivery"], first.json()["delivery"]);
    }
    let new = post("msg_2", 0, &alert("1", "low", &machine(1))).await;
    assert_eq!(
        (new.status, &new.json()["alerts"][0]["state"]),
        (202, &"duplicate".into()),
        "another delivery, the same alert"
    );
}

#[tokio::test]
async fn the_operator_learns_which_check_failed_and_by_how_much_a_clock_is_off() {
    let site = Site::with(wish()).await;
    let refused = async |shown: Shown| {
        assert_eq!(say(HERE, site.public, &shown.bytes()).await.status, 401);
        site.get(&format!("/api/v1/status?source={}", shown.source))
            .await["sources"][0]["refusals"][0]
            .clone()
    };
    let late = refused(proved("std", &wicked(), WHSEC, -1000)).await;
    assert_eq!(
        late["check"],
        "the signature is right, but its timestamp is too old"
    );
    assert!(
        (-1002..=-1000).contains(&late["clock_ahead_seconds"].as_i64().unwrap()),
        "{late}"
    );
    let early = refused(proved("std", &wicked(), WHSEC, 1000)).await;
    assert!(
        (998..=1000).contains(&early["clock_ahead_seconds"].as_i64().unwrap()),
        "{early}"
    );
    let millis = standard_webhook(WHSEC, "msg_1", &format!("{}000", seconds()), &wicked());
    let millis = refused(Shown {
        source: "std",
        path: String::new(),
        headers: millis,
        body: wicked().into(),
    })
    .await;
    assert!(
        millis["check"].as_str().unwrap().contains("another unit"),
        "{millis}"
    );
    let forged =
        refused(proved("std", &wicked(), WHSEC, -1000).with("webhook-signature", "v1,AAAA")).await;
    assert_eq!(
        forged.get("clock_ahead_seconds"),
        None,
        "a stranger's clock is of no interest"
    );
}

#[tokio::test]
async fn a_secret_in_the_body_is_neither_kept_nor_shown() {
    let site = Site::with(wish()).await;
    let body = json!({ "alert_id": "1", "title": format!("it is {SECRET}"), "severity": "high", "device_id": machine(7) });
    let answer = accepted(&site, &proved("body", &body.to_string(), SECRET, 0), "body").await;
    let shown = site.get("/api/v1/alerts?source=body").await;
    assert_eq!(shown["items"][0]["title"], "it is [removed]");
    let scan = answer.json()["alerts"][0]["decisions"][0]["scan_id"]
        .as_str()
        .unwrap()
        .to_owned();
    site.scan_in(&scan, "finished").await;
    for file in std::fs::read_dir(site.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if file.to_str().unwrap().contains("scanhook.db") {
            let bytes = std::fs::read(&file).unwrap();
            assert!(
                !bytes
                    .windows(SECRET.len())
                    .any(|part| part == SECRET.as_bytes()),
                "{}",
                file.display()
            );
        }
    }
    assert!(
        site.far
            .calls()
            .iter()
            .all(|call| !call.body.contains(SECRET))
    );
}

/// A site that takes tokens of this authority.
async fn entra(authority: &Issuer) -> Site {
    entra_with(authority, wish().server).await
}

async fn entra_with(authority: &Issuer, server: &'static str) -> Site {
    let more = format!(
        "[sources.sentinel2]\npreset = \"generic\"\n[[sources.sentinel2.auth]]\nentra_jwt = {{ tenant_id = \"{TENANT}\", \
         audience = \"api://scanhook\", roles = [\"Alert.Post\"], authority = \"http://{}\" }}\n",
        authority.at
    );
    let millis = Duration::from_millis;
    let beat = Beat {
        fresh: Duration::from_secs(3600),
        again: millis(50),
        most: millis(150),
    };
    Site::with(Wish {
        more,
        beat,
        server,
        ..wish()
    })
    .await
}

fn with_token(token: &str, body: &str) -> Shown {
    let headers = vec![("Authorization", format!("Bearer {token}").into_bytes())];
    Shown {
        source: "sentinel2",
        path: String::new(),
        headers,
        body: body.into(),
    }
}

/// Posts until the keys are there.
async fn in_time(site: &Site, token: &str, id: &str) {
    let shown = with_token(token, &alert(id, "low", &machine(1)));
    until("the token's key is known", async || {
        let answer = say(HERE, site.public, &shown.bytes()).await;
        assert!(matches!(answer.status, 202 | 503), "{}", answer.text);
        if answer.status == 503 {
            assert_eq!(answer.json()["code"], "signing-key-unknown");
            assert!(
                answer
                    .header("retry-after")
                    .unwrap()
                    .parse::<u64>()
                    .unwrap()
                    > 0
            );
        }
        (answer.status == 202).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_token_of_entra_lets_in_once_its_key_is_known_and_keys_come_from_the_authority_alone() {
    let authority = Issuer::open().await;
    let site = entra(&authority).await;
    let token = authority.token(&authority.claims());
    in_time(&site, &token, "1").await;
    let listed = site.get("/api/v1/alerts?source=sentinel2").await;
    assert_eq!(
        listed["items"][0]["credential"],
        format!("entra:{}", crate::harness::CLIENT)
    );
    // A new key is asked for when the first token names it.
    authority.publish("second");
    let token = authority.token(&authority.claims());
    in_time(&site, &token, "2").await;
    // While the authority is down, its keys stay good.
    authority.set_down(true);
    in_time(&site, &token, "3").await;
    let asked = authority.asked();
    assert!(
        asked
            .iter()
            .all(|path| path.ends_with("/discovery/v2.0/keys")),
        "{asked:?}"
    );
    assert!(
        asked.len() < 20,
        "strangers do not set the pace: {}",
        asked.len()
    );
}

#[tokio::test]
async fn a_token_that_is_not_for_us_is_refused_and_leaves_nothing() {
    let authority = Issuer::open().await;
    let site = entra(&authority).await;
    in_time(&site, &authority.token(&authority.claims()), "first").await;
    let before = site.rows();
    let now = seconds();
    let good = authority.token(&authority.claims());
    let mut rows: Vec<(String, Shown, u16)> = Vec::new();
    for (key, value) in [
        ("aud", json!("api://other")),
        ("iss", json!("https://sts.windows.net/other/")),
        ("tid", json!("other")),
        ("exp", json!(now - 400)),
        ("nbf", json!(now + 400)),
        ("exp", json!(-1)),
        ("exp", json!("never")),
        ("roles", json!(["Other.Post"])),
        ("roles", json!([])),
    ] {
        let mut claims = authority.claims();
        claims[key] = value.clone();
        rows.push((
            format!("{key} is {value}"),
            with_token(&authority.token(&claims), &wicked()),
            401,
        ));
    }
    let parts: Vec<&str> = good.split('.').collect();
    let none =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"alg":"none","kid":"first"}"#);
    for (what, token) in [
        ("empty", String::new()),
        ("cut by one", good[..good.len() - 1].to_owned()),
        ("without a signature", format!("{}.{}.", parts[0], parts[1])),
        ("the algorithm none", format!("{none}.{}.", parts[1])),
        ("one part", parts[1].to_owned()),
        ("non-ASCII", "\u{ff41}.\u{ff41}.\u{ff41}".to_owned()),
    ] {
        rows.push((what.to_owned(), with_token(&token, &wicked()), 401));
    }
    rows.push((
        "no token".to_owned(),
        with_token(&good, &wicked()).without("Authorization"),
        401,
    ));
    rows.push((
        "twice".to_owned(),
        with_token(&good, &wicked()).twice("Authorization"),
        400,
    ));
    let another = Issuer::open().await;
    rows.push((
        "another issuer's key of the same id".to_owned(),
        with_token(&another.token(&another.claims()), &wicked()),
        401,
    ));
    authority.publish("unpublished");
    let unknown = authority.token(&authority.claims());
    authority.set_down(true);
    rows.push((
        "an unknown key".to_owned(),
        with_token(&unknown, &wicked()),
        503,
    ));
    for (what, shown, status) in rows {
        let answer = say(HERE, site.public, &shown.bytes()).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        assert_eq!(site.rows(), before, "{what} left rows");
    }
    assert_eq!(
        say(HERE, site.public, &with_token(&good, &wicked()).bytes())
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn a_token_with_an_unknown_key_tells_a_stranger_nothing_and_counts_as_a_failure() {
    let authority = Issuer::open().await;
    let site = entra_with(&authority, "auth_failures = { count = 5, per = \"60s\" }").await;
    until("the keys are known", async || {
        (authority.asked().len() == 1).then_some(())
    })
    .await;
    authority.publish("unpublished");
    authority.set_down(true);
    let mut answers = BTreeSet::new();
    for (key, value) in [
        ("aud", json!("api://scanhook")),
        ("aud", json!("api://other")),
        ("tid", json!("other")),
        ("roles", json!([])),
        ("exp", json!(-1)),
    ] {
        let mut claims = authority.claims();
        claims[key] = value;
        let answer = say(
            HERE,
            site.public,
            &with_token(&authority.token(&claims), &wicked()).bytes(),
        )
        .await;
        answers.insert((
            answer.status,
            answer.text,
            answer
                .headers
                .iter()
                .filter(|(name, _)| name != "date")
                .cloned()
                .collect::<Vec<_>>(),
        ));
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|(status, text, _)| *status == 503 && text.contains("signing-key-unknown")),
        "{answers:?}"
    );
    let next = say(
        HERE,
        site.public,
        &with_token(&authority.token(&authority.claims()), &wicked()).bytes(),
    )
    .await;
    assert_eq!(
        (next.status, next.json()["code"].clone()),
        (503, "failure-budget".into())
    );
    let status = site.get("/api/v1/status?source=sentinel2").await;
    let checks: Vec<_> = status["sources"][0]["refusals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["check"].clone())
        .collect();
    assert!(
        checks.contains(&"the token is for another audience".into()),
        "the operator sees why: {checks:?}"
    );
}

#[tokio::test]
async fn a_key_that_the_authority_withdraws_is_good_no_more() {
    let authority = Issuer::open().await;
    let site = entra(&authority).await;
    let old = authority.token(&authority.claims());
    in_time(&site, &old, "1").await;
    authority.publish("second");
    authority.withdraw();
    in_time(&site, &authority.token(&authority.claims()), "2").await;
    let answer = say(HERE, site.public, &with_token(&old, &wicked()).bytes()).await;
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (503, "signing-key-unknown".into())
    );
}
