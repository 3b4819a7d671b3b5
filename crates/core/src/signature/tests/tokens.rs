use http::header::AUTHORIZATION;

use super::*;

fn bearer(secret: &[u8]) -> Check {
    Check::Bearer {
        keys: keys(&[secret]),
    }
}

#[test]
fn a_bearer_token_is_compared_whole() {
    let auth = only(bearer(SECRET));
    for (value, expected) in [
        (&b"Bearer a secret of 24 bytes, ok"[..], 202),
        (b"bEARER  a secret of 24 bytes, ok", 202),
        (b"Bearer a secret of 24 bytes, o", 401),
        (b"Bearer a secret of 24 bytes, okk", 401),
        (b"Bearer ", 401),
        (b"Bearer", 401),
        (b"", 401),
        (b"Basic a secret of 24 bytes, ok", 401),
        (b"a secret of 24 bytes, ok", 401),
    ] {
        assert_eq!(
            status(&auth, &headers(&[(&AUTHORIZATION, value)]), b""),
            expected,
            "{value:?}"
        );
    }
    let sent = sent(&bearer(SECRET), b"");
    assert_eq!(status(&auth, &sent, b""), 202);
    let value = sent[AUTHORIZATION].as_bytes();
    assert_eq!(
        status(
            &auth,
            &headers(&[(&AUTHORIZATION, value), (&AUTHORIZATION, value)]),
            b""
        ),
        400
    );
}

#[test]
fn a_header_is_the_secret_or_it_is_nothing() {
    let name = HeaderName::from_static("x-api-key");
    let check = Check::Header {
        name: name.clone(),
        keys: keys(&[SECRET]),
    };
    let auth = only(check.clone());
    assert_eq!(status(&auth, &sent(&check, b""), b""), 202);
    for value in [
        &b""[..],
        b"a secret of 24 bytes, o",
        b"a secret of 24 bytes, okk",
        b"A SECRET of 24 bytes, ok",
        b"\xff",
    ] {
        assert_eq!(
            status(&auth, &headers(&[(&name, value)]), b""),
            401,
            "{value:?}"
        );
    }
    assert_eq!(
        status(&auth, &headers(&[(&name, SECRET), (&name, SECRET)]), b""),
        400
    );
    assert_eq!(
        status(&auth, &headers(&[(&AUTHORIZATION, SECRET)]), b""),
        401
    );
}

#[test]
fn basic_wants_the_right_name_and_the_right_password() {
    let check = Check::Basic {
        username: "siem".to_owned(),
        keys: keys(&[SECRET]),
    };
    let auth = only(check.clone());
    assert_eq!(status(&auth, &sent(&check, b""), b""), 202);
    let basic = |text: &str| format!("Basic {}", BASE64.encode(text));
    for value in [
        basic(":"),
        basic("siem:"),
        basic("siem"),
        basic("siema secret of 24 bytes, ok"),
        basic("other:a secret of 24 bytes, ok"),
        basic("SIEM:a secret of 24 bytes, ok"),
        basic(":a secret of 24 bytes, ok"),
        basic("siem:a secret of 24 bytes, okk"),
        basic("siem::a secret of 24 bytes, ok"),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic siem:a secret of 24 bytes, ok".to_owned(),
        format!("Bearer {}", BASE64.encode("siem:a secret of 24 bytes, ok")),
        basic("siem:a secret of 24 bytes, ok")
            .trim_end_matches('=')
            .to_owned()
            + "*",
    ] {
        assert_eq!(
            status(&auth, &headers(&[(&AUTHORIZATION, value.as_bytes())]), b""),
            401,
            "{value}"
        );
    }
}

#[test]
fn the_secret_at_the_end_of_a_url_is_compared_whole() {
    let auth = only(Check::UrlSecret {
        keys: keys(&[SECRET]),
    });
    let empty = HeaderMap::new();
    let status = |secret: Option<&str>| {
        let secret = secret.map(SecretString::from);
        let presented = Presented {
            url_secret: secret.as_ref(),
            ..Presented::from(&empty)
        };
        authenticate(&auth, "s", presented, Bytes::new(), NOW).is_ok()
    };
    assert!(status(Some("a secret of 24 bytes, ok")));
    for other in [
        None,
        Some(""),
        Some("a secret of 24 bytes, o"),
        Some("a secret of 24 bytes, okk"),
        Some("\u{ff41}"),
    ] {
        assert!(!status(other), "{other:?}");
    }
}

#[test]
fn an_address_is_a_proof_where_it_is_asked_for_and_only_there() {
    let networks = vec![
        "203.0.113.0/24".parse().unwrap(),
        "2001:db8::/32".parse().unwrap(),
    ];
    let both = Authentication {
        alternatives: vec![vec![Check::Address { networks }, bearer(SECRET)]],
    };
    let (right, wrong) = (sent(&bearer(SECRET), b""), HeaderMap::new());
    let accepted = |address: Option<&str>, headers: &HeaderMap| {
        let presented = Presented {
            address: address.map(|ip| ip.parse().unwrap()),
            ..Presented::from(headers)
        };
        authenticate(&both, "s", presented, Bytes::new(), NOW).is_ok()
    };
    for (address, expected) in [
        (Some("203.0.113.9"), true),
        (Some("::ffff:203.0.113.9"), true),
        (Some("2001:db8::1"), true),
        (Some("203.0.114.9"), false),
        (Some("::1"), false),
        (None, false),
    ] {
        assert_eq!(accepted(address, &right), expected, "{address:?}");
        assert!(!accepted(address, &wrong), "{address:?}");
    }
}

#[test]
fn a_secret_in_the_body_is_not_kept_whichever_way_the_sender_proved_itself() {
    let in_body = Check::BodySecret {
        pointer: Pointer::parse("/clientState").unwrap(),
        keys: keys(&[SECRET]),
    };
    let body = Bytes::from_static(br#"{ "id": 1.0 }"#);
    let shown = ProvenRequest::prove([&in_body], body.clone(), Moment::at(NOW))
        .unwrap()
        .body;
    assert_eq!(
        shown,
        r#"{"id":1.0,"clientState":"a secret of 24 bytes, ok"}"#
    );
    let auth = Authentication {
        alternatives: vec![
            vec![in_body.clone()],
            vec![bearer(b"another secret, 24 bytes")],
        ],
    };
    let accepted = |headers: &HeaderMap, body: &Bytes| {
        authenticate(&auth, "s", headers, body.clone(), NOW).ok()
    };
    let by_body = accepted(&HeaderMap::new(), &shown).unwrap();
    let by_token = accepted(&sent(&bearer(b"another secret, 24 bytes"), b""), &shown).unwrap();
    for delivery in [&by_body, &by_token] {
        assert_eq!(
            delivery.body(),
            r#"{"id":1.0,"clientState":"[removed]"}"#.as_bytes()
        );
    }
    assert_eq!(
        by_body.key(),
        by_token.key(),
        "and the same delivery, whichever secret was in it"
    );
    assert!(accepted(&HeaderMap::new(), &body).is_none());
    for unfit in [&b"not json"[..], b"[]", b"1"] {
        let refused =
            ProvenRequest::prove([&in_body], Bytes::copy_from_slice(unfit), Moment::at(NOW)).err();
        assert_eq!(refused, Some(Unsendable::NoPlace));
    }
}
