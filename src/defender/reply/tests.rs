#![allow(clippy::unwrap_used, clippy::panic)]

use http::header::{DATE, HeaderValue, RETRY_AFTER};
use proptest::prelude::*;

use scanhook_core::alert::MachineId;
use scanhook_core::scan::{Kind, Outcome};
use scanhook_core::time::Timestamp;
use serde_json::Value;

use super::*;

pub(crate) const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
pub(crate) const OTHER: &str = "7c0f4e2b91d65a3e8f1427bd60c9a5e3d8b1f604";
pub(crate) const UUID: &str = "0198f0aa-3b10-7c44-9e02-5d81c7a40b3f";
pub(crate) const TAIL: &str = "5d81c7a40b3f";
const SENT_AT: &str = "2026-11-02T08:15:42Z";

pub(crate) fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

pub(crate) fn with<T>(external_id: Option<&str>, then: impl FnOnce(&SentScan<'_>) -> T) -> T {
    let machine = MachineId::parse(MACHINE).unwrap();
    then(&SentScan {
        machine: &machine,
        external_id: external_id.map(|id| id.parse().unwrap()),
        tail: TAIL,
        since: Timestamp::parse(SENT_AT)
            .unwrap()
            .minus(Duration::from_secs(300)),
    })
}

/// The meaning of an answer to a scan that was sent with `ExternalId`.
fn meaning(status: u16, body: &str) -> ScanReply {
    with(Some(UUID), |sent| scan(&answer(status, body), sent))
}

pub(crate) fn error(code: &str) -> String {
    format!(r#"{{"error":{{"code":"{code}","message":"said so","target":"9b1f"}}}}"#)
}

/// A full machine action of ours, with some members replaced; `null` for nothing.
pub(crate) fn action(changes: &[(&str, Value)]) -> String {
    let mut action = serde_json::json!({
        "@odata.context": "https://api-eu.securitycenter.windows.com/api/$metadata#MachineActions/$entity",
        "id": "5be1a7c0-2f44-4d1a-8a3c-6f0e9d27b815",
        "type": "RunAntiVirusScan",
        "title": null,
        "requestor": "scanhook",
        "requestorComment": format!("Full scan due to alert 3212 [sh-{TAIL}]"),
        "status": "Pending",
        "machineId": MACHINE,
        "computerDnsName": "lab-07.corp.example",
        "creationDateTimeUtc": "2026-11-02T08:15:43.1204417Z",
        "lastUpdateDateTimeUtc": "2026-11-02T08:15:43.1204418Z",
        "cancellationRequestor": null,
        "cancellationComment": null,
        "cancellationDateTimeUtc": null,
        "errorHResult": 0,
        "scope": "Full",
        "externalId": UUID,
        "requestSource": "PublicApi",
        "relatedFileInfo": null,
        "commands": [],
        "troubleshootInfo": null
    });
    for (key, value) in changes {
        action[*key] = value.clone();
    }
    action.to_string()
}

fn view(changes: &[(&str, Value)]) -> ActionView {
    ActionView::read(action(changes).as_bytes()).unwrap()
}

fn unknown(code: &'static str, alarm: bool) -> ScanReply {
    ScanReply::Unknown { code, alarm }
}

pub(crate) fn text(value: &str) -> Value {
    Value::from(value)
}

/// The name of the row an answer fell into, and whether it counts as our fault.
fn row(reply: &ScanReply) -> (&'static str, bool) {
    match reply {
        ScanReply::Ours(_) => ("ours", false),
        ScanReply::Foreign(_) => ("foreign", false),
        ScanReply::Busy => ("busy", false),
        ScanReply::ExternalIdRefused => ("without external id", false),
        ScanReply::NoSuchMachine(r) => ("no such machine", r.ours),
        ScanReply::Unsupported(r) => ("unsupported", r.ours),
        ScanReply::Refused(r) => ("refused", r.ours),
        ScanReply::Unauthorized(r) => ("unauthorized", r.ours),
        ScanReply::Forbidden(r) => ("forbidden", r.ours),
        ScanReply::Throttled(_) => ("throttled", false),
        ScanReply::Unknown { .. } => ("unknown", false),
    }
}

#[test]
fn every_documented_error_code_has_its_handling() {
    for (status, code, expected, ours) in [
        (400, "BadRequest", "refused", false),
        (400, "ODataError", "refused", true),
        (400, "InvalidInput", "refused", false),
        (400, "InvalidRequestBody", "without external id", false),
        (400, "MissingRequiredParameter", "refused", true),
        (400, "InvalidHashValue", "refused", false),
        (400, "InvalidDomainName", "refused", false),
        (400, "InvalidIpAddress", "refused", false),
        (400, "InvalidUrl", "refused", false),
        (400, "MaximumBatchSizeExceeded", "refused", false),
        (400, "OsPlatformNotSupported", "unsupported", false),
        (400, "ClientVersionNotSupported", "unsupported", false),
        (400, "ActiveRequestAlreadyExists", "busy", false),
        (400, "NeverHeardOf", "refused", false),
        (401, "Unauthorized", "unauthorized", false),
        (403, "Forbidden", "forbidden", false),
        (403, "DisabledFeature", "forbidden", false),
        (403, "DisallowedOperation", "refused", false),
        (403, "NeverHeardOf", "forbidden", false),
        (404, "NotFound", "no such machine", false),
        (404, "ResourceNotFound", "no such machine", false),
        (409, "ActiveRequestAlreadyExists", "busy", false),
        (409, "NeverHeardOf", "unknown", false),
        (429, "TooManyRequests", "throttled", false),
        (500, "InternalServerError", "unknown", false),
    ] {
        assert_eq!(
            row(&meaning(status, &error(code))),
            (expected, ours),
            "{status} {code}"
        );
    }
}

#[test]
fn a_refused_body_without_external_id_is_our_fault() {
    let reply = with(None, |sent| {
        scan(&answer(400, &error("InvalidRequestBody")), sent)
    });
    assert_eq!(row(&reply), ("refused", true));
}

#[test]
fn an_open_scan_is_seen_in_any_subset_of_code_and_message() {
    for body in [
        r#"{"error":{"code":"ActiveRequestAlreadyExists","message":"Action is already in progress","target":"9b1f"}}"#,
        r#"{"error":{"code":"ActiveRequestAlreadyExists","message":"Action is already in progress"}}"#,
        r#"{"error":{"code":"ActiveRequestAlreadyExists"}}"#,
        r#"{"error":{"code":"BadRequest","message":"Action is already in progress"}}"#,
        r#"{"error":{"message":"action is already in progress."}}"#,
    ] {
        assert_eq!(meaning(400, body), ScanReply::Busy, "{body}");
    }
    let html = format!("<p>{}</p>Action is already in progress", "x".repeat(900));
    let deep = serde_json::json!({"error": {"code": "BadRequest", "message": html}}).to_string();
    assert_eq!(meaning(400, &deep), ScanReply::Busy);
}

#[test]
fn a_code_that_says_more_outweighs_the_message() {
    let body =
        r#"{"error":{"code":"OsPlatformNotSupported","message":"Action is already in progress"}}"#;
    assert_eq!(row(&meaning(400, body)).0, "unsupported");
}

#[test]
fn answers_outside_the_table() {
    for status in [301, 302, 304, 307, 308] {
        assert_eq!(meaning(status, ""), unknown("redirect", true), "{status}");
    }
    for status in [500, 502, 503, 504, 520, 599] {
        assert_eq!(
            meaning(status, "<html>bad gateway</html>"),
            unknown("server-error", false),
            "{status}"
        );
    }
    for status in [405, 411, 413, 415] {
        assert_eq!(row(&meaning(status, "")), ("refused", true), "{status}");
    }
    for status in [402, 406, 410, 418, 422, 451] {
        assert_eq!(
            row(&meaning(status, "<html>no</html>")),
            ("refused", false),
            "{status}"
        );
    }
    assert_eq!(meaning(408, ""), unknown("request-timeout", false));
    assert_eq!(meaning(409, ""), unknown("conflict", false));
    assert_eq!(meaning(600, ""), unknown("odd-status", false));
}

#[test]
fn the_status_alone_decides_where_the_body_is_no_envelope() {
    let cut = error("DisallowedOperation");
    for body in [
        "",
        "<html><h1>No</h1></html>",
        "[]",
        "null",
        "42",
        r#"{"error":"text"}"#,
        r#"{"error":null}"#,
        &cut[..30],
    ] {
        for (status, expected) in [
            (400, "refused"),
            (401, "unauthorized"),
            (403, "forbidden"),
            (404, "unknown"),
            (429, "throttled"),
        ] {
            assert_eq!(row(&meaning(status, body)).0, expected, "{status} {body}");
        }
    }
}

#[test]
fn a_404_without_defenders_code_says_nothing_about_the_machine_or_the_action() {
    for body in [
        "",
        "<html><h1>404 Not Found</h1></html>",
        "{}",
        r#"{"error":{"code":"404"}}"#,
        r#"{"code":"NotFound"}"#,
    ] {
        assert_eq!(
            meaning(404, body),
            unknown("not-from-defender", true),
            "{body}"
        );
        assert_eq!(
            super::action(&answer(404, body)),
            ActionReply::Failed("not-from-defender"),
            "{body}"
        );
        assert_eq!(
            cancel(&answer(404, body), "a-1"),
            CancelReply::Unknown("not-from-defender"),
            "{body}"
        );
    }
    for code in ["NotFound", "ResourceNotFound"] {
        assert_eq!(
            super::action(&answer(404, &error(code))),
            ActionReply::Gone,
            "{code}"
        );
    }
}

#[test]
fn a_success_nobody_can_read_is_unknown() {
    let cut = action(&[]);
    for status in [200, 201, 202, 204] {
        for body in ["", " \r\n"] {
            assert_eq!(
                meaning(status, body),
                unknown("empty-answer", false),
                "{status}"
            );
        }
        for body in [
            "<html>welcome</html>",
            "[]",
            "null",
            "\"id\"",
            &cut[..cut.len() / 2],
        ] {
            assert_eq!(
                meaning(status, body),
                unknown("unreadable-answer", false),
                "{status} {body}"
            );
        }
    }
    for id in [
        Value::Null,
        text(""),
        text("../../alerts/1"),
        text("a b"),
        text(&"9".repeat(129)),
        Value::from(7),
    ] {
        assert_eq!(
            meaning(201, &action(&[("id", id.clone())])),
            unknown("no-action-id", true),
            "{id}"
        );
    }
    assert_eq!(
        meaning(201, &action(&[("status", Value::Null)])),
        unknown("no-action-status", false)
    );
}

#[test]
fn a_success_for_something_else_raises_an_alarm() {
    for machine in [OTHER, "not-an-id"] {
        assert_eq!(
            meaning(201, &action(&[("machineId", text(machine))])),
            unknown("another-machine", true)
        );
    }
    assert_eq!(
        meaning(201, &action(&[("type", text("Isolate"))])),
        unknown("not-a-scan", true)
    );
}

#[test]
fn a_fresh_action_is_read_whole() {
    let reply = meaning(201, &action(&[]));
    let ScanReply::Ours(seen) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        seen,
        ActionView {
            id: "5be1a7c0-2f44-4d1a-8a3c-6f0e9d27b815".into(),
            kind: Some(Kind::Full),
            status: Status::Pending,
            machine: MachineId::parse(MACHINE),
            machine_name: Some("lab-07.corp.example".into()),
            external_id: Some(UUID.into()),
            comment: Some(format!("Full scan due to alert 3212 [sh-{TAIL}]")),
            requestor: Some("scanhook".into()),
            request_source: Some("PublicApi".into()),
            created: Timestamp::parse("2026-11-02T08:15:43.120Z"),
            updated: Timestamp::parse("2026-11-02T08:15:43.120Z"),
            hresult: 0,
            cancellation_requestor: None,
            cancellation_comment: None,
            action_type: Some("RunAntiVirusScan".into()),
        }
    );
}

#[test]
fn id_and_status_are_all_an_action_needs() {
    let sparse = ActionView::read(br#"{"id":"a-1","status":"InProgress","new":{"x":1}}"#).unwrap();
    assert_eq!(
        (sparse.status, sparse.kind, sparse.machine),
        (Status::InProgress, None, None)
    );
    for key in [
        "scope",
        "machineId",
        "computerDnsName",
        "externalId",
        "requestor",
        "creationDateTimeUtc",
        "commands",
    ] {
        let seen = view(&[(key, Value::Null)]);
        assert_eq!(seen.status, Status::Pending, "{key}");
    }
}

#[test]
fn both_names_and_all_precisions_of_the_times_are_read() {
    let old = view(&[
        ("lastUpdateDateTimeUtc", Value::Null),
        ("lastUpdateTimeUtc", text("2026-11-02T09:00:00Z")),
    ]);
    assert_eq!(old.updated, Timestamp::parse("2026-11-02T09:00:00Z"));
    for (written, read) in [
        ("2026-11-02T07:58:18.330819Z", "2026-11-02T07:58:18.330Z"),
        ("2026-11-02T07:59:02Z", "2026-11-02T07:59:02.000Z"),
        ("2026-11-02T08:21:07.2041Z", "2026-11-02T08:21:07.204Z"),
    ] {
        let seen = view(&[("creationDateTimeUtc", text(written))]);
        assert_eq!(seen.created.map(|t| t.to_string()).as_deref(), Some(read));
    }
    assert_eq!(view(&[("creationDateTimeUtc", text("soon"))]).created, None);
}

#[test]
fn a_failure_code_is_signed() {
    assert_eq!(
        view(&[("errorHResult", Value::from(-2_147_023_436))]).hresult,
        -2_147_023_436
    );
}

#[test]
fn an_unknown_scope_is_not_full() {
    for scope in [Value::Null, text(""), text("Everything"), Value::from(1)] {
        assert_eq!(view(&[("scope", scope.clone())]).kind, None, "{scope}");
    }
    assert_eq!(view(&[("scope", text("quick"))]).kind, Some(Kind::Quick));
}

#[test]
fn only_a_known_final_word_ends_a_scan() {
    for (word, outcome) in [
        ("Pending", None),
        ("InProgress", None),
        ("INPROGRESS", None),
        ("Exploded", None),
        ("Succeeded", Some(Outcome::Succeeded)),
        ("succeeded", Some(Outcome::Succeeded)),
        ("Failed", Some(Outcome::Failed)),
        ("TimeOut", Some(Outcome::Timeout)),
        ("Timeout", Some(Outcome::Timeout)),
        ("Cancelled", Some(Outcome::Cancelled)),
        ("Canceled", Some(Outcome::Cancelled)),
    ] {
        assert_eq!(Status::read(word).outcome(), outcome, "{word}");
    }
    assert_eq!(Status::read("Exploded").as_str(), "Exploded");
}

#[test]
fn a_success_may_carry_somebody_elses_scan() {
    let early = text("2026-11-02T07:00:00Z");
    let theirs = text("manual check");
    let ours: &[&[(&str, Value)]] = &[
        &[],
        // The correlation id is of this scan alone: an earlier try of it is ours, whatever the comment became.
        &[("creationDateTimeUtc", early.clone())],
        &[("requestorComment", theirs.clone())],
        &[("externalId", text(&UUID.to_uppercase()))],
        // Not echoed: the comment's token tells.
        &[("externalId", Value::Null)],
        &[
            ("externalId", Value::Null),
            ("machineId", Value::Null),
            ("creationDateTimeUtc", Value::Null),
        ],
        &[("machineId", text(&MACHINE.to_uppercase()))],
        // Neither is echoed: the time tells.
        &[
            ("externalId", Value::Null),
            ("requestorComment", Value::Null),
        ],
    ];
    for changes in ours {
        for status in [200, 201] {
            assert_eq!(
                row(&meaning(status, &action(changes))).0,
                "ours",
                "{changes:?}"
            );
        }
    }
    let foreign: &[&[(&str, Value)]] = &[
        &[("externalId", text("0198f0aa-3b10-7c44-9e02-000000000000"))],
        &[("externalId", text("ticket 17"))],
        &[
            ("externalId", Value::Null),
            ("requestorComment", theirs.clone()),
        ],
        // Our token, but not at the end, or on an action from before we sent anything.
        &[
            ("externalId", Value::Null),
            ("requestorComment", text(&format!("[sh-{TAIL}] and more"))),
        ],
        &[
            ("externalId", Value::Null),
            ("requestorComment", text(&format!("x{TAIL}]"))),
        ],
        &[
            ("externalId", Value::Null),
            ("creationDateTimeUtc", early.clone()),
        ],
        &[
            ("externalId", Value::Null),
            ("requestorComment", Value::Null),
            ("creationDateTimeUtc", early),
        ],
        &[
            ("externalId", Value::Null),
            ("requestorComment", Value::Null),
            ("creationDateTimeUtc", Value::Null),
        ],
    ];
    for changes in foreign {
        for status in [200, 201] {
            assert_eq!(
                row(&meaning(status, &action(changes))).0,
                "foreign",
                "{changes:?}"
            );
        }
    }
}

#[test]
fn with_external_id_switched_off_the_comment_decides() {
    with(None, |sent| {
        assert!(is_ours(&view(&[("externalId", Value::Null)]), sent));
        assert!(
            !is_ours(&view(&[("externalId", text(UUID))]), sent),
            "somebody else set a correlation id"
        );
    });
}

#[test]
fn a_listed_action_is_ours_by_proof_only() {
    with(Some(UUID), |sent| {
        assert!(is_ours(&view(&[]), sent));
        assert!(is_ours(&view(&[("machineId", Value::Null)]), sent));
        assert!(!is_ours(&view(&[("machineId", text(OTHER))]), sent));
        assert!(!is_ours(&view(&[("type", text("Offboard"))]), sent));
        assert!(!is_ours(
            &view(&[
                ("externalId", Value::Null),
                ("requestorComment", Value::Null)
            ]),
            sent
        ));
        let blank = SentScan { tail: "", ..*sent };
        assert!(!is_ours(
            &view(&[
                ("externalId", Value::Null),
                ("requestorComment", text("x [sh-]"))
            ]),
            &blank
        ));
    });
}

#[test]
fn a_refusal_can_be_shown() {
    let long = format!(
        "line one\r\nline \u{1b}[31mtwo \u{202e}three {}",
        "x".repeat(400)
    );
    let body =
        serde_json::json!({"error": {"code": "InvalidInput", "message": long, "target": "9b1f"}})
            .to_string();
    let reply = meaning(400, &body);
    let ScanReply::Refused(refusal) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        (
            refusal.status,
            refusal.code.as_deref(),
            refusal.target.as_deref()
        ),
        (400, Some("InvalidInput"), Some("9b1f"))
    );
    let message = refusal.message.clone().unwrap();
    assert!(
        message.starts_with("line one  line  [31mtwo  three x"),
        "{message}"
    );
    assert_eq!(message.chars().count(), 300);
    assert!(message.ends_with('…'));
    let shown = DefenderError {
        message: Some("no".into()),
        ..refusal
    }
    .to_string();
    assert_eq!(shown, "HTTP 400 InvalidInput: no (target 9b1f)");
}

#[test]
fn an_envelope_may_lack_anything() {
    for (body, code, message) in [
        (r#"{"error":{"code":"Forbidden"}}"#, Some("Forbidden"), None),
        (
            r#"{"error":{"message":"Missing application roles."}}"#,
            None,
            Some("Missing application roles."),
        ),
        (
            r#"{"error":{"code":7,"message":["x"],"target":null}}"#,
            None,
            None,
        ),
        ("", None, None),
    ] {
        let reply = meaning(403, body);
        let ScanReply::Forbidden(refusal) = reply else {
            panic!("{reply:?}")
        };
        assert_eq!(
            (
                refusal.code.as_deref(),
                refusal.message.as_deref(),
                refusal.target
            ),
            (code, message, None)
        );
    }
}

#[test]
fn retry_after_in_every_form() {
    let now = "Mon, 02 Nov 2026 08:15:42 GMT";
    for (date, value, seconds) in [
        (None, None, 60),
        (None, Some("17"), 17),
        (None, Some(" 17 "), 17),
        (None, Some("1"), 1),
        (None, Some("0"), 1),
        (None, Some("000"), 1),
        (None, Some("-1"), 60),
        (None, Some("1.5"), 60),
        (None, Some(""), 60),
        (None, Some("soon"), 60),
        (None, Some("99999999"), 3600),
        (None, Some("99999999999999999999999999"), 3600),
        (Some(now), Some("Mon, 02 Nov 2026 08:16:12 GMT"), 30),
        (Some(now), Some("Mon, 02 Nov 2026 20:00:00 GMT"), 3600),
        (Some(now), Some("Mon, 02 Nov 2026 08:00:00 GMT"), 1),
        (Some(now), Some(now), 1),
        (None, Some("Mon, 02 Nov 2026 08:16:12 GMT"), 60),
        (Some("yesterday"), Some("Mon, 02 Nov 2026 08:16:12 GMT"), 60),
    ] {
        let mut throttled = answer(429, "<html>slow down</html>");
        let headers = throttled.headers_mut();
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        if let Some(value) = value {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        let expected = Duration::from_secs(seconds);
        let got = with(None, |sent| scan(&throttled, sent));
        assert_eq!(got, ScanReply::Throttled(expected), "{value:?}");
    }
}

#[test]
fn calling_off_is_taken_refused_or_left_to_the_list() {
    const ACTION: &str = "5be1a7c0-2f44-4d1a-8a3c-6f0e9d27b815";
    let reply = |status, body: &str| cancel(&answer(status, body), ACTION);
    let open = action(&[("status", text("InProgress"))]);
    let CancelReply::Taken(view) = reply(200, &open) else {
        panic!("taken")
    };
    assert_eq!(view.status.outcome(), None, "it may still be open");
    let CancelReply::Taken(view) = reply(201, &action(&[("status", text("Cancelled"))])) else {
        panic!("taken")
    };
    assert_eq!(view.status.outcome(), Some(Outcome::Cancelled));
    // What an action that is over answers is not documented: whatever it is, the list will tell.
    for status in [400, 403, 404, 405, 409, 410, 422] {
        let code = if status == 404 {
            "ResourceNotFound"
        } else {
            "BadRequest"
        };
        let CancelReply::Refused(refusal) = reply(status, &error(code)) else {
            panic!("{status}")
        };
        assert_eq!(refusal.status, status);
    }
    assert!(matches!(reply(401, ""), CancelReply::Unauthorized(_)));
    assert_eq!(reply(429, ""), CancelReply::Throttled(PAUSE));
    for (status, body, code) in [
        (200, "", "unreadable-answer"),
        (
            200,
            r#"{"id":"another","status":"Cancelled"}"#,
            "another-action",
        ),
        (302, "", "redirect"),
        (408, "", "request-timeout"),
        (500, "", "server-error"),
        (503, "", "server-error"),
    ] {
        assert_eq!(
            reply(status, body),
            CancelReply::Unknown(code),
            "{status} {body}"
        );
    }
}

proptest! {
    #[test]
    fn no_answer_can_break_the_reader(status in 100u16..1000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        let reply = with(Some(UUID), |sent| scan(&answer, sent));
        prop_assert!(!matches!(reply, ScanReply::Ours(_)), "nothing random is ours");
    }

    #[test]
    fn one_changed_byte_cannot_break_the_reader(at in 0usize..900, byte in any::<u8>(), keep in 0usize..1200) {
        let mut body = action(&[]).into_bytes();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(keep);
        let whole = keep >= body.len() && serde_json::from_slice::<Value>(&body).is_ok();
        let answer = Response::builder().status(201).body(Bytes::from(body)).unwrap();
        let reply = with(Some(UUID), |sent| scan(&answer, sent));
        let read = matches!(reply, ScanReply::Ours(_) | ScanReply::Foreign(_));
        prop_assert!(whole || !read, "an action out of half an answer");
    }
}
