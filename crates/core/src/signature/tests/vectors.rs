//! Signatures that others have published, and some computed apart from this program. Their secrets are often shorter
//! than we accept, so the keys are made without that check.

use super::*;

/// One request and whether its signature is right.
struct Vector {
    kind: &'static str,
    algorithm: Algorithm,
    secret: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    /// By our clock, in seconds.
    now: i64,
    accepted: bool,
}

const fn plain(
    algorithm: Algorithm,
    secret: &'static str,
    signature: &'static [(&str, &str)],
    body: &'static str,
) -> Vector {
    Vector {
        kind: "hmac",
        algorithm,
        secret,
        headers: signature,
        body,
        now: 0,
        accepted: true,
    }
}

const JSON: &str = r#"{"a": "z"}"#;

/// The first: GitHub's documentation of webhooks. Those of `hmac`: adnanh/webhook's own tests. Standard Webhooks: its
/// libraries' tests. Grafana, PagerDuty, CrowdStrike: computed by the documented algorithm with Python's `hmac`.
const VECTORS: &[Vector] = &[
    Vector {
        kind: "github",
        algorithm: Algorithm::Sha256,
        secret: "It's a Secret to Everybody",
        headers: &[(
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        )],
        body: "Hello, World!",
        now: 0,
        accepted: true,
    },
    plain(
        Algorithm::Sha1,
        "secret",
        &[("x-signature", "b17e04cbb22afa8ffbff8796fc1894ed27badd9e")],
        JSON,
    ),
    plain(
        Algorithm::Sha1,
        "secret",
        &[("x-signature", "25af6174a0fcecc4d346680a72b7ce644b9a88e8")],
        "",
    ),
    plain(
        Algorithm::Sha256,
        "secret",
        &[(
            "x-signature",
            "f417af3a21bd70379b5796d5f013915e7029f62c580fb0f500f59a35a6f04c89",
        )],
        JSON,
    ),
    plain(
        Algorithm::Sha256,
        "secret",
        &[(
            "x-signature",
            "f9e66e179b6747ae54108f82f8ade8b3c25d76fd30afde6c395822c530196169",
        )],
        "",
    ),
    plain(
        Algorithm::Sha256,
        "secret",
        // The first is no hex: it is skipped.
        &[(
            "x-signature",
            "XXX7af3a21bd70379b5796d5f013915e7029f62c580fb0f500f59a35a6f04c89,f417af3a21bd70379b5796d5f013915e7029f62c580fb0f500f59a35a6f04c89",
        )],
        JSON,
    ),
    plain(
        Algorithm::Sha512,
        "secret",
        &[(
            "x-signature",
            "4ab17cc8ec668ead8bf498f87f8f32848c04d5ca3c9bcfcd3db9363f0deb44e580b329502a7fdff633d4d8fca301cc5c94a55a2fec458c675fb0ff2655898324",
        )],
        JSON,
    ),
    Vector {
        accepted: false,
        ..plain(
            Algorithm::Sha1,
            "secreX",
            &[("x-signature", "b17e04cbb22afa8ffbff8796fc1894ed27badd9e")],
            JSON,
        )
    },
    Vector {
        accepted: false,
        ..plain(
            Algorithm::Sha1,
            "secret",
            &[("x-signature", "XXXe04cbb22afa8ffbff8796fc1894ed27badd9e")],
            JSON,
        )
    },
    Vector {
        accepted: false,
        ..plain(
            Algorithm::Sha512,
            "secret",
            &[(
                "x-signature",
                "74a0081f5b5988f4f3e8b8dd34dadc6291611f2e6260635a7e1535f8e95edb97ff520ba8b152e8ca5760ac42639854f3242e29efc81be73a8bf52d474d31ffea",
            )],
            JSON,
        )
    },
    Vector {
        kind: "standard_webhooks",
        algorithm: Algorithm::Sha256,
        secret: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        headers: &[
            ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk"),
            ("webhook-timestamp", "1649367553"),
            (
                "webhook-signature",
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ],
        body: r#"{"email":"test@example.com","username":"test_user"}"#,
        now: 1_649_367_553,
        accepted: true,
    },
    Vector {
        kind: "standard_webhooks",
        algorithm: Algorithm::Sha256,
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ],
        body: r#"{"test": 2432232314}"#,
        now: 1_614_265_330,
        accepted: true,
    },
    Vector {
        kind: "standard_webhooks",
        algorithm: Algorithm::Sha256,
        secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        headers: &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            (
                "webhook-signature",
                "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
        ],
        body: r#"{"test": 2432232314}"#,
        now: 1_614_265_330,
        accepted: false,
    },
    Vector {
        kind: "pagerduty",
        algorithm: Algorithm::Sha256,
        secret: "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK",
        headers: &[(
            "x-pagerduty-signature",
            "v1=00,v1=39ac66036508be669d3a008b23b3840e7cea7c2d86274fe280850ed31cf95e20",
        )],
        body: r#"{"event":{"id":"01EXAMPLE","event_type":"incident.triggered","data":{"id":"PEXAMPLE","title":"A little bump"}}}"#,
        now: 0,
        accepted: true,
    },
    Vector {
        kind: "grafana",
        algorithm: Algorithm::Sha256,
        secret: "secret",
        headers: &[(
            "x-grafana-alerting-signature",
            "3bcebf43c85d20bba6e3b6ba278af1d2ba3ab0d57de271b0ad30b833e851c5a6",
        )],
        body: "test message",
        now: 0,
        accepted: true,
    },
    Vector {
        kind: "crowdstrike",
        algorithm: Algorithm::Sha256,
        secret: "a secret of 32 bytes for crowdst",
        headers: &[
            ("x-cs-delivery-timestamp", "2026-11-02T08:15:42Z"),
            (
                "x-cs-primary-signature",
                "8jJPGrgxp+DVwvUq0CsNHe52+/jHkxZ+lnrXNq66jGQ=",
            ),
        ],
        body: r#"{"detect":"x"}"#,
        now: 1_793_607_342,
        accepted: true,
    },
];

fn key(secret: &str, encoding: KeyEncoding) -> Key {
    Key::encoded("k", secret.as_bytes(), encoding)
        .unwrap_or_else(|_| Key::unchecked(secret.as_bytes()))
}

#[test]
fn published_signatures_are_judged_as_published() {
    for (n, vector) in VECTORS.iter().enumerate() {
        let scheme = scheme(vector.kind, b"");
        let keys = vec![key(vector.secret, scheme.key_encoding)];
        let check = Check::Hmac(Box::new(Scheme {
            algorithm: vector.algorithm,
            keys,
            ..scheme
        }));
        let headers: HeaderMap = vector
            .headers
            .iter()
            .map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_str(v).unwrap()))
            .collect();
        let now = Timestamp::from_millis(vector.now * 1000);
        let body = Bytes::from_static(vector.body.as_bytes());
        let accepted = authenticate(&only(check), "s", &headers, body, now).is_ok();
        assert_eq!(accepted, vector.accepted, "{n}: {}", vector.kind);
    }
}

#[test]
fn grafana_signs_the_time_before_the_body_where_its_user_names_a_header_for_it() {
    let known = KnownScheme::named("grafana").unwrap();
    let header = HeaderName::from_static("x-alert-timestamp");
    let stamp = SignedTime {
        place: StampPlace::Header(header),
        formats: vec![TimeFormat::Unix],
        tolerance: stamp::TOLERANCE,
    };
    let signed = SignedTemplate::parse(known.signed_with_timestamp.unwrap()).unwrap();
    let keys = vec![Key::unchecked(b"secret")];
    let check = Check::Hmac(Box::new(Scheme {
        signed,
        stamp: Some(stamp),
        keys,
        ..scheme("grafana", b"")
    }));
    let tag = "36fa366a807205a13fc507ea4413374566ad5808c7ca7653f94d121fe5e64c2d";
    let headers: HeaderMap = [
        ("x-grafana-alerting-signature", tag),
        ("x-alert-timestamp", "1700000000"),
    ]
    .iter()
    .map(|(n, v)| (n.parse().unwrap(), HeaderValue::from_static(v)))
    .collect();
    let at = Timestamp::from_millis(1_700_000_000_000);
    assert!(
        authenticate(
            &only(check),
            "s",
            &headers,
            Bytes::from_static(b"test message"),
            at
        )
        .is_ok()
    );
}
