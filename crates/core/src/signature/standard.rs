//! Signs a message of ours as Standard Webhooks asks: by every key at once, so that a receiver may hold either while the
//! secret is changed.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::check::Check;
use super::hash::Algorithm;
use super::key::Key;
use super::known::KnownScheme;
use super::outgoing::{Moment, ProvenRequest};
use super::scheme::Scheme;
use super::stamp::{SignedTime, StampPlace, TOLERANCE};
use super::template::SignedTemplate;
use crate::time::Timestamp;

/// The scheme of Standard Webhooks.
const KIND: &str = "standard_webhooks";
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The headers of a message: its id, the time, and a signature by each key. Without a key there is no signature.
#[must_use]
pub fn standard_webhook(keys: &[Key], id: &str, at: Timestamp, body: &Bytes) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut signatures: Vec<String> = Vec::new();
    for key in keys {
        let moment = Moment {
            at,
            id,
            token: None,
        };
        let Some(check) = scheme(key).map(|scheme| Check::Hmac(Box::new(scheme))) else {
            continue;
        };
        let Ok(proven) = ProvenRequest::prove([&check], body.clone(), moment) else {
            continue;
        };
        let signature = proven.headers.get(SIGNATURE);
        signatures.extend(
            signature
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
        );
    }
    let seconds = at.millis().div_euclid(1000).to_string();
    let all = [
        (ID, id.to_owned()),
        (TIMESTAMP, seconds),
        (SIGNATURE, signatures.join(" ")),
    ];
    for (name, value) in all {
        if let Ok(value) = HeaderValue::from_str(&value)
            && !value.is_empty()
        {
            headers.insert(name, value);
        }
    }
    headers
}

fn scheme(key: &Key) -> Option<Scheme> {
    let known = KnownScheme::named(KIND)?;
    let place = StampPlace::Header(known.timestamp_header?.parse().ok()?);
    Some(Scheme {
        header: known.header?.parse().ok()?,
        prefix: known.prefix.to_owned(),
        separator: known.separator,
        encoding: known.encoding,
        algorithm: Algorithm::Sha256,
        signed: SignedTemplate::parse(known.signed).ok()?,
        stamp: Some(SignedTime {
            place,
            formats: known.timestamp_formats.to_vec(),
            tolerance: TOLERANCE,
        }),
        id_header: known.id_header.and_then(|name| name.parse().ok()),
        key_encoding: known.key_encoding,
        keys: vec![key.clone()],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::KeyEncoding;

    #[test]
    fn the_vector_of_the_specification_is_signed_by_every_key() {
        // From the examples of standard-webhooks: secret, id, time and body with their signature.
        let key = |text: &[u8]| Key::encoded("key", text, KeyEncoding::Whsec).unwrap();
        let first = key(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let second = key(b"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
        let body = Bytes::from_static(br#"{"test": 2432232314}"#);
        let at = Timestamp::from_millis(1_614_265_330_999);
        let headers = standard_webhook(&[first, second], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, &body);
        assert_eq!(headers["webhook-timestamp"], "1614265330");
        assert_eq!(headers["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
        let signatures = headers["webhook-signature"].to_str().unwrap();
        let (one, other) = signatures.split_once(' ').unwrap();
        assert_eq!(one, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(other.starts_with("v1,") && other != one);
        let unsigned = standard_webhook(&[], "id", at, &body);
        assert!(!unsigned.contains_key("webhook-signature"));
    }
}
