//! The published list of hostile inputs, held against the running program: each row by its id, here or in the test
//! that is named for it. The effect is read from the journal and from the far side's own record, never from the answer
//! alone, and after every row an honest request is accepted.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::{Connection, OpenFlags};
use scanhook_simulator::Setup;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::harness::{
    Binary, Far, RULES, add, hmac_hex, hmac_tag, install, machine, say, standard_webhook,
};

const HERE: [u8; 4] = [127, 0, 0, 1];
const STD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_STD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OLD_STD: &str = "whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQh";
const SECRET: &str = "a-secret-of-this-test-0123456789";

/// The list's own sources: `std` signs id, time and body; `hex` the body; `b` is as `std` with another secret.
const SOURCES: &str = r#"
[sources.std]
preset = "generic"
[[sources.std.auth]]
standard_webhooks = { secret_file = "std.secret" }
[sources.rotating]
preset = "generic"
[[sources.rotating.auth]]
standard_webhooks = { secret_file = ["std2.secret", "old.secret"] }
[sources.b]
preset = "generic"
[[sources.b.auth]]
standard_webhooks = { secret_file = "b.secret" }
[sources.hex]
preset = "generic"
[[sources.hex.auth]]
hmac = { header = "X-Sig", prefix = "sha256=", secret_file = "hex.secret" }
[sources.bearer]
preset = "generic"
[[sources.bearer.auth]]
bearer = { secret_file = "bearer.secret" }
[sources.basic]
preset = "generic"
[[sources.basic.auth]]
basic = { username = "siem", secret_file = "basic.secret" }
"#;

const SECRETS: [(&str, &str); 7] = [
    ("std.secret", STD),
    ("std2.secret", "whsec_bmV3LW5ldy1uZXctbmV3LW5ldy1uZXchISE="),
    ("old.secret", OLD_STD),
    ("b.secret", OTHER_STD),
    ("hex.secret", SECRET),
    ("bearer.secret", "the-secret-of-the-bearer-source!"),
    ("basic.secret", "the-secret-of-the-basic-source!!"),
];

/// What a row may leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// No row, no call. A refused body leaves a line in the log beside that.
    None,
    /// So many alerts, decided.
    Store(u32),
    /// One alert where the answer was 202, else nothing.
    StoreIfTaken,
    /// One alert with a reason, and no decision.
    Park(&'static str),
    /// The first of its requests is stored, and nothing of the others.
    Once,
}

/// A row of the list.
struct Row {
    id: &'static str,
    what: &'static str,
    /// Each request on a connection of its own, with the statuses that are right.
    says: Vec<(Vec<u8>, &'static [u16])>,
    effect: Effect,
}

fn row(
    id: &'static str,
    what: &'static str,
    request: Vec<u8>,
    statuses: &'static [u16],
    effect: Effect,
) -> Row {
    Row {
        id,
        what,
        says: vec![(request, statuses)],
        effect,
    }
}

type Headers = Vec<(&'static str, Vec<u8>)>;

fn request(line: &str, headers: &Headers, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{line} HTTP/1.1\r\nHost: x\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// A whole request to a source, with these credential headers.
fn post(source: &str, credentials: Headers, body: &str) -> Vec<u8> {
    let mut headers: Headers = vec![
        ("Connection", b"close".to_vec()),
        ("Content-Type", b"application/json".to_vec()),
        ("Content-Length", body.len().to_string().into_bytes()),
    ];
    headers.extend(credentials);
    request(
        &format!("POST /webhooks/{source}"),
        &headers,
        body.as_bytes(),
    )
}

fn seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// The credential headers of `std`, so many seconds from now.
fn std_at(secret: &str, ahead: i64, body: &str) -> Headers {
    let id = format!(
        "msg_{}",
        &hmac_hex("id", format!("{ahead}{body}").as_bytes())[..24]
    );
    standard_webhook(secret, &id, &(seconds() + ahead).to_string(), body)
}

/// Rightly signed for `std`.
fn signed(body: &str) -> Vec<u8> {
    post("std", std_at(STD, 0, body), body)
}

fn with(mut headers: Headers, name: &str, value: impl Into<Vec<u8>>) -> Headers {
    headers
        .iter_mut()
        .find(|(known, _)| *known == name)
        .unwrap()
        .1 = value.into();
    headers
}

fn without(mut headers: Headers, name: &str) -> Headers {
    headers.retain(|(known, _)| *known != name);
    headers
}

fn of<'h>(headers: &'h Headers, name: &str) -> &'h str {
    std::str::from_utf8(&headers.iter().find(|(known, _)| *known == name).unwrap().1).unwrap()
}

/// The list's honest alert, low so that nothing is scanned; `id` makes it one of its own.
fn honest(id: &str) -> String {
    json!({ "alertId": id, "title": "t", "severity": "low", "deviceId": machine(0x900d) })
        .to_string()
}

/// What would be scanned, were it accepted.
fn wicked(id: &str) -> String {
    json!({ "alertId": id, "title": "t", "severity": "high", "deviceId": machine(0xbad) })
        .to_string()
}

/// Requests whose framing is odd, at the real intake.
fn framing() -> Vec<Row> {
    let line = "POST /webhooks/std";
    let body = honest("framing");
    let chunked = |id: &str, tail: &[u8], more: Headers| {
        let body = honest(id);
        let mut headers = std_at(STD, 0, &body);
        headers.push(("Content-Type", b"application/json".to_vec()));
        headers.push(("Transfer-Encoding", b"chunked".to_vec()));
        headers.extend(more);
        let mut bytes = request(
            line,
            &headers,
            format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).as_bytes(),
        );
        bytes.extend_from_slice(tail);
        bytes
    };
    let smuggled = request(
        line,
        &vec![
            ("Content-Type", b"application/json".to_vec()),
            (
                "Content-Length",
                wicked("smuggled").len().to_string().into_bytes(),
            ),
            ("Connection", b"close".to_vec()),
        ],
        wicked("smuggled").as_bytes(),
    );
    let twice = |id: &str| {
        let body = honest(id);
        let mut headers = std_at(STD, 0, &body);
        for (name, value) in [
            ("Content-Length", body.len().to_string()),
            ("Content-Length", body.len().to_string()),
        ] {
            headers.push((name, value.into_bytes()));
        }
        headers.extend([
            ("Content-Type", b"application/json".to_vec()),
            ("Connection", b"close".to_vec()),
        ]);
        request(line, &headers, body.as_bytes())
    };
    let upgrade = |id: &str, to: &str| {
        let body = honest(id);
        let mut headers = std_at(STD, 0, &body);
        headers.extend([
            ("Connection", b"Upgrade, close".to_vec()),
            ("Upgrade", to.as_bytes().to_vec()),
        ]);
        headers.push(("Content-Type", b"application/json".to_vec()));
        headers.push(("Content-Length", body.len().to_string().into_bytes()));
        request(line, &headers, body.as_bytes())
    };
    let padded = format!(
        "{}{}",
        honest("drops"),
        " ".repeat((1 << 20) - honest("drops").len())
    );
    let drops = {
        let mut headers = std_at(STD, 0, &padded);
        headers.extend([
            ("Content-Type", b"application/json".to_vec()),
            ("Transfer-Encoding", b"chunked".to_vec()),
        ]);
        headers.push(("Connection", b"close".to_vec()));
        let body: Vec<u8> = padded
            .bytes()
            .flat_map(|b| [b'1', b'\r', b'\n', b, b'\r', b'\n'])
            .collect();
        let mut bytes = request(line, &headers, &body);
        bytes.extend_from_slice(b"0\r\n\r\n");
        bytes
    };
    let pipelined: Vec<u8> = (0..1_000)
        .flat_map(|n| {
            let body = honest(&format!("pipe-{n}"));
            let last = if n == 999 { "close" } else { "keep-alive" };
            let request = post("std", std_at(STD, 0, &body), &body);
            String::from_utf8(request)
                .unwrap()
                .replace("Connection: close", &format!("Connection: {last}"))
                .into_bytes()
        })
        .collect();
    let bare = String::from_utf8(signed(&honest("bare")))
        .unwrap()
        .replace("\r\n", "\n")
        .into_bytes();
    let length = ("Content-Length", b"4".to_vec());
    vec![
        row(
            "H011",
            "two framings, one more behind",
            chunked("both", &smuggled, vec![length]),
            &[202],
            Effect::Store(1),
        ),
        row(
            "H013",
            "the same length twice",
            twice("length"),
            &[202],
            Effect::Store(1),
        ),
        row(
            "H018",
            "1 MiB in 1-byte chunks",
            drops,
            &[202, 408, 413],
            Effect::StoreIfTaken,
        ),
        row("H021", "bare line ends", bare, &[202], Effect::Store(1)),
        row(
            "H026",
            "3 MB, signed",
            signed(&" ".repeat(3_000_000)),
            &[413],
            Effect::None,
        ),
        row(
            "H030",
            "1,000 pipelined",
            pipelined,
            &[202],
            Effect::Store(1_000),
        ),
        row(
            "H033a",
            "an upgrade to h2c",
            upgrade("h2c", "h2c"),
            &[202],
            Effect::Store(1),
        ),
        row(
            "H033b",
            "an upgrade to websocket",
            upgrade("websocket", "websocket"),
            &[202],
            Effect::Store(1),
        ),
        row(
            "H053b",
            "a forged sender's address, signed",
            {
                let mut headers = std_at(STD, 0, &body);
                headers.push(("X-Forwarded-For", b"203.0.113.9".to_vec()));
                post("std", headers, &body)
            },
            &[202],
            Effect::Store(1),
        ),
    ]
}

/// Proofs that are not as they should be, and some that look so.
fn proofs() -> Vec<Row> {
    let body = wicked("3212");
    let good = || std_at(STD, 0, &body);
    let tag = of(&good(), "webhook-signature").to_owned();
    let std = |headers: Headers| post("std", headers, &body);
    let signature = |value: &str| std(with(good(), "webhook-signature", value));
    let hex_tag = hmac_hex(SECRET, body.as_bytes());
    let hex = |value: String| post("hex", vec![("X-Sig", value.into_bytes())], &body);
    let twice = |first: &str, second: &str| {
        let mut headers = with(good(), "webhook-signature", first);
        headers.push(("webhook-signature", second.as_bytes().to_vec()));
        std(headers)
    };
    let list = |bad: usize| format!("{}{tag}", "v1,AAAA ".repeat(bad));
    let authorization = |source: &str, value: &str| {
        post(
            source,
            vec![("Authorization", value.as_bytes().to_vec())],
            &body,
        )
    };
    let none = |id, what, request| row(id, what, request, &[401], Effect::None);
    let malformed = |id, what, request| row(id, what, request, &[400], Effect::None);
    vec![
        none(
            "H034",
            "no signature header",
            std(without(good(), "webhook-signature")),
        ),
        none("H035a", "an empty signature header", signature("")),
        none(
            "H035b",
            "sha256= and nothing behind it",
            hex("sha256=".to_owned()),
        ),
        none("H035c", "v1, and nothing behind it", signature("v1,")),
        none(
            "H036b",
            "a blank inside the hex",
            hex(format!("sha256={} {}", &hex_tag[..32], &hex_tag[32..])),
        ),
        none(
            "H036c",
            "a prefix of 0x",
            hex(format!("sha256=0x{hex_tag}")),
        ),
        none(
            "H037",
            "base64 for hex",
            hex(format!(
                "sha256={}",
                BASE64.encode(hmac_tag(SECRET, body.as_bytes()))
            )),
        ),
        none(
            "H038a",
            "SHA-1 named, and made",
            hex(format!("sha1={}", other_hash::<sha1::Sha1>(&body))),
        ),
        none(
            "H038b",
            "SHA-512 named, and made",
            hex(format!("sha512={}", other_hash::<sha2::Sha512>(&body))),
        ),
        none("H038c", "the scheme none", signature("none")),
        none("H038d", "version v0", signature(&tag.replace("v1,", "v0,"))),
        none(
            "H039a",
            "an empty key",
            hex(format!("sha256={}", hmac_hex("", body.as_bytes()))),
        ),
        none(
            "H041",
            "signed for another source",
            post("b", good(), &body),
        ),
        malformed("H042a", "two signatures: bad, good", twice("v1,AAAA", &tag)),
        malformed("H042b", "two signatures: good, bad", twice(&tag, "v1,AAAA")),
        malformed("H043b", "nine in one header", signature(&list(8))),
        row(
            "H043c",
            "10,000 in one header",
            signature(&list(9_999)),
            &[400, 431],
            Effect::None,
        ),
        none(
            "H044",
            "non-ASCII",
            std(with(good(), "webhook-signature", b"v1,\xff\xfe".to_vec())),
        ),
        none("H045a", "301 s in the past", std(std_at(STD, -301, &body))),
        // One more, so that a slow machine does not bring it back inside.
        none("H045b", "310 s in the future", std(std_at(STD, 310, &body))),
        none(
            "H046",
            "milliseconds",
            std(standard_webhook(
                STD,
                "msg_1",
                &format!("{}000", seconds()),
                &body,
            )),
        ),
        none(
            "H048",
            "a replay after the window",
            std(std_at(STD, -86_400, &body)),
        ),
        none(
            "H049",
            "an old signature under a new id",
            std(with(good(), "webhook-id", "msg_new")),
        ),
        none(
            "H051b",
            "an old secret after the window",
            std(std_at(OLD_STD, 0, &body)),
        ),
        none("H053a", "a forged sender's address, unsigned", {
            post(
                "std",
                vec![("X-Forwarded-For", b"203.0.113.9".to_vec())],
                &body,
            )
        }),
        none(
            "H055a",
            "another scheme for a bearer",
            authorization("bearer", "Basic the-secret-of-the-bearer-source!"),
        ),
        none(
            "H055b",
            "an empty token",
            authorization("bearer", "Bearer "),
        ),
        none(
            "H055c",
            "an empty user and password",
            authorization("basic", &format!("Basic {}", BASE64.encode(":"))),
        ),
    ]
}

fn other_hash<D>(body: &str) -> String
where
    hmac::Hmac<D>: hmac::KeyInit + hmac::Mac,
    D: hmac::EagerHash,
{
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<D>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Proofs that are right.
fn accepted() -> Vec<Row> {
    let body = |id: &str| honest(id);
    let hex = |id: &str, secret: &str, upper: bool| {
        let tag = hmac_hex(secret, body(id).as_bytes());
        let tag = if upper { tag.to_uppercase() } else { tag };
        post(
            "hex",
            vec![("X-Sig", format!("sha256={tag}").into_bytes())],
            &body(id),
        )
    };
    let eight = {
        let headers = std_at(STD, 0, &body("eight"));
        let list = format!(
            "{}{}",
            "v1,AAAA ".repeat(7),
            of(&headers, "webhook-signature")
        );
        post(
            "std",
            with(headers, "webhook-signature", list),
            &body("eight"),
        )
    };
    let replayed = signed(&body("replayed"));
    let store = |id, what, request| row(id, what, request, &[202], Effect::Store(1));
    vec![
        store("H036a", "the tag in upper case", hex("upper", SECRET, true)),
        store(
            "H040a",
            "the secret with a zero byte more",
            hex("padded", &format!("{SECRET}\0"), false),
        ),
        store("H043a", "eight, the last one right", eight),
        store(
            "H045c",
            "just inside the tolerance, in the past",
            post("std", std_at(STD, -295, &body("past")), &body("past")),
        ),
        store(
            "H045d",
            "299 s in the future",
            post("std", std_at(STD, 299, &body("future")), &body("future")),
        ),
        Row {
            id: "H047",
            what: "an exact replay inside the window",
            says: vec![(replayed.clone(), &[202]), (replayed, &[200])],
            effect: Effect::Once,
        },
        Row {
            id: "H050a H050b",
            what: "a forged request with the id of the real one, then the real one",
            says: vec![
                (
                    post(
                        "std",
                        with(
                            std_at(STD, 0, &body("real")),
                            "webhook-signature",
                            "v1,AAAA",
                        ),
                        &body("real"),
                    ),
                    &[401],
                ),
                (signed(&body("real")), &[202]),
            ],
            effect: Effect::Store(1),
        },
        store(
            "H051a",
            "the old secret inside the window",
            post(
                "rotating",
                std_at(OLD_STD, 0, &body("rotating")),
                &body("rotating"),
            ),
        ),
    ]
}

/// Bodies that are too much of something.
fn shapes() -> Vec<Row> {
    let many: String = (0..1_000_000).map(|n| format!(",\"k{n}\":1")).collect();
    // Names that a weak hash would put into one place.
    let colliding: String = (0..25_000)
        .map(|n: u32| {
            let name: String = (0..16)
                .map(|bit| if n >> bit & 1 == 0 { "Aa" } else { "BB" })
                .collect();
            format!(",\"{name}\":1")
        })
        .collect();
    let alert = |id: &str, more: &str| {
        honest(id)
            .replacen('{', "{\"x\":0", 1)
            .replacen('}', &format!("{more}}}"), 1)
    };
    let alert = |id: &str, more: &str| alert(id, more).replacen("{\"x\":0", "{\"x\":0,", 1);
    let short: Vec<Value> = (0..10_000)
        .map(|n| json!({ "alertId": n, "deviceId": machine(n) }))
        .collect();
    vec![
        row(
            "H068a",
            "1,000,000 keys",
            signed(&alert("keys", &many)),
            &[413],
            Effect::None,
        ),
        row(
            "H071",
            "25,000 colliding keys",
            signed(&alert("colliding", &colliding)),
            &[202],
            Effect::Store(1),
        ),
        row(
            "H072a",
            "10,000 alerts",
            signed(&json!({ "alerts": short }).to_string()),
            &[202],
            Effect::Park("too-many-alerts"),
        ),
    ]
}

/// Rows that another test holds: `file::test`.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "H001 H002 H003",
        "listener::a_connection_that_never_finishes_its_head_is_closed_at_the_deadline",
    ),
    (
        "H004",
        "listener::a_head_in_drips_does_not_move_its_deadline",
    ),
    (
        "H005",
        "listener::a_body_in_drips_is_answered_408_within_its_one_deadline",
    ),
    (
        "H006",
        "hostile::a_flood_of_slow_connections_shuts_no_honest_sender_out_for_longer_than_their_deadline",
    ),
    (
        "H007 H008",
        "listener::other_protocols_are_turned_away_at_once",
    ),
    (
        "H012 H014 H015 H016 H017 H019 H020",
        "listener::a_body_is_framed_in_one_way_only",
    ),
    ("H022 H023", "listener::a_request_names_one_host"),
    (
        "H024 H025",
        "listener::too_many_or_too_large_headers_are_answered_431",
    ),
    (
        "H027",
        "listener::a_body_over_the_cap_is_answered_413_and_not_read_further",
    ),
    ("H028", "refusals::a_body_that_breaks_off_is_no_delivery"),
    (
        "H029a H029b",
        "listener::a_request_that_will_be_refused_is_not_encouraged_to_send_its_body",
    ),
    (
        "H031a H031b H031c H031d H032a H032b",
        "listener::the_public_port_has_webhooks_and_probes_and_nothing_else",
    ),
    (
        "H052a H052b",
        "refusals::an_address_that_spent_its_failures_waits_and_others_do_not",
    ),
    (
        "H056 H060a H060b H061b H061c H061d H067a",
        "refusals::a_signed_body_that_is_not_strict_json_leaves_nothing_behind",
    ),
    (
        "H058 H065b",
        "bytes::a_byte_that_is_no_character_costs_no_alert_its_scan",
    ),
    (
        "H059",
        "bytes::marks_nuls_and_utf_16_around_an_alert_are_passed_over",
    ),
    (
        "H062 H063",
        "bytes::a_key_twice_parks_the_alert_where_the_map_reads_it_and_changes_nothing_elsewhere",
    ),
    (
        "H065a",
        "bytes::what_identifies_is_unusable_with_a_byte_that_was_replaced_and_nothing_else_stands_in_for_it",
    ),
    ("H061a", "refusals::the_limits_themselves_are_allowed"),
    (
        "H057a H057b H057c H057d H064a H064b H068c H068d",
        "intake::what_cannot_be_acted_on_is_parked_with_its_reason_and_accepted_all_the_same",
    ),
    (
        "H075a H075b H075c H075d H075e H075f H075g H075h H075i H082b",
        "intake::what_cannot_be_acted_on_is_parked_with_its_reason_and_accepted_all_the_same",
    ),
    ("H066 H067b", "intake::ids_are_kept_to_the_last_digit"),
    (
        "H068b",
        "hostile::a_million_keys_are_read_in_bounded_time_and_memory",
    ),
    (
        "H069a H069b H069c H069d H070",
        "refusals::a_request_at_the_wrong_door_leaves_nothing_behind",
    ),
    (
        "H072b",
        "kill::kills_under_load_lose_nothing_acknowledged_and_scan_nothing_twice",
    ),
    (
        "H073a H083a H083b H083c H083d H085a H085b",
        "intake::keys_named_like_our_own_change_nothing_and_links_are_not_followed",
    ),
    (
        "H073b",
        "shapes::a_format_that_is_not_known_is_parked_and_never_guessed",
    ),
    (
        "H074a H074b H074c H074d",
        "intake::no_form_of_time_keeps_an_alert_from_being_decided",
    ),
    (
        "H077a H077b H077c H077d H078a H078b H078c H078d H079a H079b H080 H089",
        "intake::a_hostile_title_is_literal_text_on_one_line",
    ),
    ("H082a", "intake::text_meant_for_a_database_is_only_text"),
    (
        "H084a H084b H084c H084d H084e",
        "intake::a_severity_off_the_scale_never_scans_by_itself",
    ),
    (
        "H086",
        "intake::a_worse_alert_is_never_swallowed_by_a_milder_one",
    ),
    (
        "H087",
        "intake::many_alerts_in_one_delivery_are_decided_each_and_the_excess_is_held_not_sent",
    ),
];

/// Rows that are not of requests to this program, or of parts it does not have.
const NOT_HERE: &[(&str, &str)] = &[
    ("H009 H010", "TLS is the work of a proxy in front"),
    (
        "H039b H039c H040b H040c",
        "about the start: src/settings/tests.rs",
    ),
    ("H054", "about time: benches/timing.rs"),
    ("H076", "about the device directory"),
    ("H081a H081b", "about rules: crates/core/src/rules"),
    ("H088", "about protections of rules.toml"),
];

/// What an alert can leave something in: rows of deliveries, alerts and decisions, and the reason of the last alert.
fn left(db: &Connection) -> (u32, u32, u32, Option<String>) {
    let count = |table: &str| {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
    };
    let reason = db.query_row(
        "SELECT reason FROM alert ORDER BY delivery DESC, n DESC LIMIT 1",
        [],
        |row| row.get(0),
    );
    (
        count("delivery"),
        count("alert"),
        count("decision"),
        reason.ok().flatten(),
    )
}

struct Field {
    folder: tempfile::TempDir,
    far: Far,
    program: Binary,
    db: Connection,
    honest: u32,
}

impl Field {
    async fn open(server: &str) -> Field {
        let far = Far::open(Setup::default()).await;
        let folder = tempfile::tempdir().unwrap();
        let server = format!("auth_failures = {{ count = 100000, per = \"60s\" }}\n{server}");
        install(folder.path(), far.at, &server, "");
        add(folder.path(), SOURCES, &SECRETS);
        fs::write(folder.path().join("rules.toml"), RULES).unwrap();
        let program = Binary::serve(folder.path()).await;
        let db = Connection::open_with_flags(
            folder.path().join("scanhook.db"),
            OpenFlags::SQLITE_OPEN_READ_ONLY,
        )
        .unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        Field {
            folder,
            far,
            program,
            db,
            honest: 0,
        }
    }

    async fn an_honest_request_is_accepted(&mut self, after: &str) {
        self.honest += 1;
        let before = left(&self.db);
        let answer = say(
            HERE,
            self.program.public,
            &signed(&honest(&format!("honest-{}", self.honest))),
        )
        .await;
        assert_eq!(answer.status, 202, "after {after}: {}", answer.text);
        assert_eq!(left(&self.db).1, before.1 + 1, "after {after}");
        assert!(self.program.is_alive(), "{after}");
        // The body's cap times the connections that may read at once is far more; leaks would show here.
        assert!(
            self.program.resident() < 400 << 10,
            "{after}: {} KiB",
            self.program.resident()
        );
    }

    async fn hold(&mut self, row: &Row) {
        let name = format!("{} {}", row.id, row.what);
        let before = left(&self.db);
        let mut last = 0;
        for (request, statuses) in &row.says {
            let answer = say(HERE, self.program.public, request).await;
            assert!(
                statuses.contains(&answer.status),
                "{name}: {} {}",
                answer.status,
                answer.text
            );
            last = answer.status;
        }
        let after = left(&self.db);
        let grown = (after.0 - before.0, after.1 - before.1, after.2 - before.2);
        match row.effect {
            Effect::None => assert_eq!(grown, (0, 0, 0), "{name}"),
            Effect::Store(count) => assert_eq!((grown.1, grown.2), (count, count), "{name}"),
            Effect::StoreIfTaken => assert_eq!(grown.1, u32::from(last == 202), "{name}"),
            Effect::Once => assert_eq!(grown, (1, 1, 1), "{name}"),
            Effect::Park(reason) => {
                assert_eq!(
                    (grown, after.3.as_deref()),
                    ((1, 1, 0), Some(reason)),
                    "{name}"
                );
            }
        }
        self.an_honest_request_is_accepted(&name).await;
    }
}

/// The rows by subject; each is made when its turn has come, because signatures grow old.
const TABLES: [fn() -> Vec<Row>; 4] = [framing, proofs, accepted, shapes];

#[tokio::test]
async fn every_row_of_the_list_has_its_answer_and_its_effect() {
    let mut field = Field::open("").await;
    for table in TABLES {
        for row in table() {
            field.hold(&row).await;
        }
    }
    assert!(
        field.far.calls_of("scan").is_empty(),
        "nothing hostile was scanned"
    );
    let metrics = crate::harness::Answer::of(
        reqwest::get(format!("http://{}/metrics", field.program.admin))
            .await
            .unwrap(),
    )
    .await;
    assert!(metrics.text.contains(
        r#"scanhook_old_secret_deliveries_total{source="rotating",credential="old.secret"} 1"#
    ));
    assert!(field.folder.path().exists());
}

#[tokio::test]
async fn a_million_keys_are_read_in_bounded_time_and_memory() {
    let mut field = Field::open("max_body = \"64MiB\"").await;
    let keys: String = (0..1_000_000).map(|n| format!(",\"k{n}\":1")).collect();
    let body = honest("keys").replace('}', &format!("{keys}}}"));
    let answer = say(HERE, field.program.public, &signed(&body)).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    field.an_honest_request_is_accepted("a million keys").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_of_strangers_take_a_bounded_memory_in_all() {
    let mut field = Field::open("").await;
    let to = field.program.public;
    field.an_honest_request_is_accepted("nothing").await;
    let before = field.program.resident();
    let body = "1".repeat((1 << 20) - 1);
    // Signed, but not for this body; and without the last byte, so that each is held until its deadline.
    let mut request = post("std", std_at(STD, 0, &honest("other")), &body);
    request.pop();
    let request: Arc<[u8]> = request.into();
    let mut slow = tokio::task::JoinSet::new();
    for n in 0..512_u32 {
        let request = Arc::clone(&request);
        let from = [127, 0, 5, u8::try_from(n % 2).unwrap()];
        slow.spawn(async move {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
            let (mut read, mut write) = socket.connect(to).await.unwrap().into_split();
            let mut heard = Vec::new();
            // Writing may fail half way, and so may reading after it.
            let _ = tokio::join!(write.write_all(&request), read.read_to_end(&mut heard));
            String::from_utf8(heard).unwrap()
        });
    }
    let (mut most, mut turned_away) = (0, 0);
    for n in 0..20 {
        field
            .an_honest_request_is_accepted(&format!("{n} looks at large bodies"))
            .await;
        most = most.max(field.program.resident());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    while let Some(answer) = slow.join_next().await {
        let answer = answer.unwrap();
        most = most.max(field.program.resident());
        turned_away +=
            usize::from(answer.contains("\"overloaded\"") && answer.contains("retry-after"));
        assert!(
            answer.is_empty()
                || answer.starts_with("HTTP/1.1 503")
                || answer.starts_with("HTTP/1.1 408"),
            "{answer}"
        );
    }
    assert!(turned_away > 0, "not all of them fit");
    assert!(most < before + (100 << 10), "{before} to {most} KiB");
    field.an_honest_request_is_accepted("large bodies").await;
}

/// Half a head, then a byte a second until the other end has had enough; how long that took.
async fn drip(from: [u8; 4], to: SocketAddr) -> Duration {
    let begun = Instant::now();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
    let Ok(mut stream) = socket.connect(to).await else {
        return begun.elapsed();
    };
    let mut ok = stream
        .write_all(b"POST /webhooks/std HTTP/1.1\r\nHost: x\r\nX-Half: ")
        .await
        .is_ok();
    while ok {
        let heard = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut [0; 64])).await;
        ok = heard.is_err() && stream.write_all(b"x").await.is_ok();
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_slow_connections_shuts_no_honest_sender_out_for_longer_than_their_deadline() {
    let field = Field::open("connections = { per_address = 16, total = 200 }").await;
    let to = field.program.public;
    // Twice as many as there are seats, from a hundred addresses.
    let slow: Vec<_> = (0..400_u32)
        .map(|n| tokio::spawn(drip([127, 0, 1, u8::try_from(n % 100).unwrap()], to)))
        .collect();
    // Like every sender it has a limit of its own: a connection that is closed early may leave the client waiting.
    let http = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(3))
        .build()
        .unwrap();
    for n in 0..8 {
        let begun = Instant::now();
        let body = honest(&format!("during-{n}"));
        loop {
            let mut request = http
                .post(format!("http://{to}/webhooks/std"))
                .header("content-type", "application/json");
            for (name, value) in std_at(STD, 0, &body) {
                request = request.header(name, value);
            }
            // A connection without a seat is closed without an answer, and an honest sender tries again.
            if let Ok(answer) = request.body(body.clone()).send().await {
                assert_eq!(answer.status(), 202);
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(8), "shut out");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    for slow in slow {
        assert!(
            slow.await.unwrap() < Duration::from_secs(10),
            "a slow connection outlived its deadline"
        );
    }
    assert_eq!(left(&field.db).1, 8);
}

/// The ids of a text, single or several.
fn ids(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(' ').map(str::to_owned)
}

#[test]
fn no_row_of_the_list_is_forgotten() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut known = BTreeSet::new();
    for (row, test) in ELSEWHERE {
        let (file, function) = test.split_once("::").unwrap();
        let text = fs::read_to_string(root.join(format!("tests/it/{file}.rs"))).unwrap();
        assert!(
            text.contains(&format!("fn {function}()")),
            "{row}: there is no {test}"
        );
        known.extend(ids(row));
    }
    known.extend(
        TABLES
            .iter()
            .flat_map(|table| table())
            .flat_map(|row| ids(row.id).collect::<Vec<_>>()),
    );
    known.extend(NOT_HERE.iter().flat_map(|(row, _)| ids(row)));
    // The list itself may lie beside the repository.
    for place in ["../shared", "../../shared"] {
        let Ok(list) = fs::read_to_string(root.join(place).join("reference/hostile-inputs.md"))
        else {
            continue;
        };
        let published = list.lines().filter_map(|line| {
            line.strip_prefix("| H")?
                .split_once(" |")
                .map(|(id, _)| format!("H{id}"))
        });
        let published: BTreeSet<String> = published.filter(|id| id.as_str() < "H090").collect();
        assert_eq!(
            published.difference(&known).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
        assert_eq!(
            known.difference(&published).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
    }
    let numbers: BTreeSet<u32> = known.iter().map(|id| id[1..4].parse().unwrap()).collect();
    assert_eq!(numbers, (1..=89).collect());
}
