//! Entra ID, played with keys of our own.

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::*;

const TENANT: &str = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e";
const APP: &str = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60";
const URL: &str = "https://login.example/keys";

struct Issuer {
    pair: KeyPair,
    kid: &'static str,
}

impl Issuer {
    fn new(kid: &'static str) -> Issuer {
        Issuer {
            pair: KeyPair::generate(KeySize::Rsa2048).unwrap(),
            kid,
        }
    }

    fn jwk(&self) -> Value {
        let public = self.pair.public_key();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (n, e) = (
            public.modulus().big_endian_without_leading_zero(),
            public.exponent(),
        );
        json!({ "kty": "RSA", "use": "sig", "kid": self.kid, "n": part(n), "e": part(e.big_endian_without_leading_zero()),
                "x5c": ["MIIC"], "issuer": "https://login.example/{tenantid}/v2.0" })
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                message.as_bytes(),
                &mut signature,
            )
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn header(&self) -> Value {
        json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid, "x5t": self.kid })
    }
}

/// What a managed identity's token says.
fn claims() -> Value {
    let now = NOW.millis() / 1000;
    json!({
        "aud": "api://scanhook", "iss": format!("https://sts.windows.net/{TENANT}/"), "iat": now, "nbf": now,
        "exp": now + 86_400, "appid": APP, "idtyp": "app", "oid": "0f5d1c11-0000-4000-8000-000000000001", "sub": "x",
        "roles": ["Alert.Post"], "tid": TENANT, "ver": "1.0"
    })
}

fn check() -> Entra {
    Entra {
        keys: URL.to_owned(),
        issuers: vec![
            format!("https://sts.windows.net/{TENANT}/"),
            format!("https://login.example/{TENANT}/v2.0"),
        ],
        audiences: vec!["api://scanhook".to_owned()],
        tenant_id: TENANT.to_owned(),
        roles: vec!["Alert.Post".to_owned()],
        apps: vec![APP.to_owned()],
        objects: Vec::new(),
    }
}

fn rings(issuers: &[&Issuer]) -> Keyrings {
    let set = json!({ "keys": issuers.iter().map(|issuer| issuer.jwk()).collect::<Vec<_>>() });
    [(
        URL.to_owned(),
        Keyring::read(set.to_string().as_bytes()).unwrap(),
    )]
    .into()
}

fn judged(rings: &Keyrings, entra: Entra, token: &str) -> Result<String, Refused> {
    let headers = headers(&[(&AUTHORIZATION, format!("Bearer {token}").as_bytes())]);
    let presented = Presented {
        keyrings: Some(rings),
        ..Presented::from(&headers)
    };
    let auth = only(Check::Entra(Box::new(entra)));
    authenticate(&auth, "s", presented, Bytes::new(), NOW)
        .map(|delivery| delivery.credential().to_owned())
}

#[test]
fn a_managed_identitys_token_is_accepted_and_its_app_noted() {
    let issuer = Issuer::new("k1");
    let rings = rings(&[&issuer]);
    let token = issuer.token(&issuer.header(), &claims());
    assert_eq!(judged(&rings, check(), &token), Ok(format!("entra:{APP}")));
    let mut second = claims();
    second["iss"] = json!(format!("https://login.example/{TENANT}/v2.0"));
    second.as_object_mut().unwrap().remove("appid");
    second["azp"] = json!(APP.to_uppercase());
    second["aud"] = json!(["other", "api://scanhook"]);
    let token = issuer.token(&issuer.header(), &second);
    assert_eq!(
        judged(&rings, check(), &token),
        Ok(format!("entra:{APP}")),
        "version 2 of the tokens"
    );
    let objects = vec!["0f5d1c11-0000-4000-8000-000000000001".to_owned()];
    let by_object = Entra {
        objects,
        roles: Vec::new(),
        apps: Vec::new(),
        ..check()
    };
    assert!(judged(&rings, by_object, &token).is_ok());
}

#[test]
fn a_token_that_says_anything_else_is_refused_with_what_it_was() {
    let issuer = Issuer::new("k1");
    let rings = rings(&[&issuer]);
    let now = NOW.millis() / 1000;
    for (key, value, why) in [
        (
            "iss",
            json!("https://sts.windows.net/other/"),
            "the token is of another issuer",
        ),
        (
            "iss",
            json!(format!("https://sts.windows.net/{TENANT}")),
            "the token is of another issuer",
        ),
        (
            "tid",
            json!("4d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e"),
            "the token is of another tenant",
        ),
        (
            "aud",
            json!("api://other"),
            "the token is for another audience",
        ),
        (
            "aud",
            json!("API://scanhook"),
            "the token is for another audience",
        ),
        ("aud", json!([]), "the token is for another audience"),
        ("exp", json!(now - 301), "the token has expired"),
        ("exp", json!(i64::MIN), "the token has expired"),
        ("nbf", json!(now + 301), "the token is not valid yet"),
        ("nbf", json!(i64::MAX), "the token is not valid yet"),
        (
            "roles",
            json!([]),
            "the token has none of the roles asked for",
        ),
        (
            "roles",
            json!(["alert.post"]),
            "the token has none of the roles asked for",
        ),
        (
            "roles",
            Value::Null,
            "the token is not a JSON Web Token of Entra ID",
        ),
        (
            "exp",
            json!("tomorrow"),
            "the token is not a JSON Web Token of Entra ID",
        ),
        (
            "exp",
            Value::Null,
            "the token is not a JSON Web Token of Entra ID",
        ),
        (
            "exp",
            json!(1e300),
            "the token is not a JSON Web Token of Entra ID",
        ),
        (
            "appid",
            json!("c7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"),
            "the token is of another app",
        ),
    ] {
        let mut altered = claims();
        altered[key] = value.clone();
        let token = issuer.token(&issuer.header(), &altered);
        let refused = judged(&rings, check(), &token).unwrap_err();
        assert_eq!(refused.failure().check, why, "{key}: {value}");
        assert!(matches!(refused, Refused::Failed(_)));
    }
    let mut expired = claims();
    expired["exp"] = json!(now - 1000);
    let token = issuer.token(&issuer.header(), &expired);
    assert_eq!(
        judged(&rings, check(), &token).unwrap_err().failure().ahead,
        Some(-1000)
    );
    let objects = vec!["1f5d1c11-0000-4000-8000-000000000001".to_owned()];
    let token = issuer.token(&issuer.header(), &claims());
    let refused = judged(&rings, Entra { objects, ..check() }, &token).unwrap_err();
    assert_eq!(refused.failure().check, "the token is of another identity");
}

#[test]
fn neither_algorithm_nor_key_is_taken_from_the_token() {
    let (issuer, stranger) = (Issuer::new("k1"), Issuer::new("k1"));
    let rings = rings(&[&issuer]);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let good = issuer.token(&issuer.header(), &claims());
    let refused = |token: &str| match judged(&rings, check(), token) {
        Err(Refused::Failed(failure)) => failure.check,
        other => panic!("{token}: {other:?}"),
    };
    assert_eq!(
        refused(&stranger.token(&issuer.header(), &claims())),
        "the token's signature does not fit its key"
    );
    for alg in ["HS256", "RS384", "RS512", "PS256", "ES256"] {
        let header = json!({ "alg": alg, "kid": "k1" });
        assert_eq!(
            refused(&issuer.token(&header, &claims())),
            "the token is not signed with RS256",
            "{alg}"
        );
    }
    // An HMAC whose key is the public one, a token without a signature, and one that brings its own key.
    let public = issuer.pair.public_key();
    let message = format!(
        "{}.{}",
        part(&json!({ "alg": "HS256", "kid": "k1" })),
        part(&claims())
    );
    let tagged = sent(
        &Check::Hmac(Box::new(Scheme {
            encoding: Encoding::Base64,
            ..scheme("hmac", public.as_ref())
        })),
        message.as_bytes(),
    );
    let tag = tagged["x-signature"]
        .to_str()
        .unwrap()
        .replace('+', "-")
        .replace('/', "_");
    refused(&format!("{message}.{}", tag.trim_end_matches('=')));
    for alg in ["none", "None", ""] {
        refused(&format!(
            "{}.{}.",
            part(&json!({ "alg": alg, "kid": "k1" })),
            part(&claims())
        ));
    }
    let own = json!({ "alg": "RS256", "kid": "k1", "jwk": stranger.jwk(), "jku": "https://evil.example/keys" });
    refused(&stranger.token(&own, &claims()));
    let critical = json!({ "alg": "RS256", "kid": "k1", "crit": ["exp"] });
    refused(&issuer.token(&critical, &claims()));
    assert_eq!(
        refused(&issuer.token(&json!({ "alg": "RS256" }), &claims())),
        "the token names no key"
    );
    for text in [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "..",
        "\u{ff11}.b.c",
        &good[..good.len() - 1],
        &good[..60],
    ] {
        refused_or_empty(&rings, text);
    }
}

fn refused_or_empty(rings: &Keyrings, token: &str) {
    assert!(
        matches!(judged(rings, check(), token), Err(Refused::Failed(_))),
        "{token}"
    );
}

#[test]
fn a_key_that_is_not_known_yet_is_told_apart_whatever_the_token_says_and_asked_for_only_if_it_may_be_right()
 {
    let (old, new) = (Issuer::new("k1"), Issuer::new("k2"));
    let rings_before = rings(&[&old]);
    let token = new.token(&new.header(), &claims());
    assert_eq!(
        judged(&rings_before, check(), &token),
        Err(Refused::KeyUnknown(None))
    );
    assert_eq!(
        judged(&Keyrings::new(), check(), &token),
        Err(Refused::KeyUnknown(None)),
        "at the start there are none"
    );
    assert!(judged(&rings(&[&old, &new]), check(), &token).is_ok());
    let mut strange = claims();
    strange["aud"] = json!("api://other");
    let refused = judged(&rings_before, check(), &new.token(&new.header(), &strange));
    let Err(Refused::KeyUnknown(Some(why))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        why.check, "the token is for another audience",
        "for the operator"
    );
}

#[test]
fn no_flipped_bit_of_a_token_is_accepted() {
    let issuer = Issuer::new("k1");
    let rings = rings(&[&issuer]);
    let token = issuer.token(&issuer.header(), &claims()).into_bytes();
    // Each flip costs an RSA verification at most; every third bit reaches every byte.
    for bit in (0..token.len() * 8).step_by(3) {
        let mut altered = token.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        if let Ok(text) = core::str::from_utf8(&altered)
            && HeaderValue::from_str(text).is_ok()
        {
            assert!(judged(&rings, check(), text).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn only_keys_that_can_verify_are_taken_from_an_answer() {
    let issuer = Issuer::new("k1");
    let with = |key: &str, value: Value| {
        let mut jwk = issuer.jwk();
        jwk[key] = value;
        json!({ "keys": [jwk] }).to_string()
    };
    for (answer, expected) in [
        (with("alg", json!("RS256")), None),
        (with("alg", json!("RS512")), Some(BadKeyring::NoKey)),
        (with("use", json!("enc")), Some(BadKeyring::NoKey)),
        (with("kid", Value::Null), Some(BadKeyring::NoKey)),
        (with("kty", json!("EC")), Some(BadKeyring::NoKey)),
        (with("kty", json!("future")), Some(BadKeyring::NoKey)),
        (with("n", json!("AQAB")), Some(BadKeyring::NoKey)),
        (r#"{"keys":[]}"#.to_owned(), Some(BadKeyring::NoKey)),
        ("{}".to_owned(), Some(BadKeyring::Unreadable)),
        ("<html>".to_owned(), Some(BadKeyring::Unreadable)),
        (String::new(), Some(BadKeyring::Unreadable)),
    ] {
        assert_eq!(Keyring::read(answer.as_bytes()).err(), expected, "{answer}");
    }
    let mixed = json!({ "keys": [{ "kty": "future" }, 7, issuer.jwk()] }).to_string();
    assert!(
        Keyring::read(mixed.as_bytes()).is_ok(),
        "one that is not known hides no other"
    );
}
