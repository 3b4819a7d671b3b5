//! Headers that prove who sends. The input is lines: header, time, id, template; what is behind them is the body. Nobody
//! knows the key, so nothing may hold; but the times of a right signature are read as well.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use scanhook_core::signature::{
    Algorithm, Authentication, Check, Encoding, TimeFormat, KNOWN, Key, KeyEncoding, Moment, ProvenRequest,
    StampPlace, Scheme, SignedTime, SignedTemplate, authenticate,
};
use scanhook_core::time::Timestamp;

const SIGNATURE: HeaderName = HeaderName::from_static("x-signature");
const TIME: HeaderName = HeaderName::from_static("x-time");
const ID: HeaderName = HeaderName::from_static("x-id");
const NOW: Timestamp = Timestamp::from_millis(1_793_607_342_000);

fn key() -> Key {
    Key::new("key", b"a secret of the fuzz targets").expect("it is long enough")
}

/// Every named scheme with its time and id in headers of ours, and with the time in the header of the signatures.
fn schemes() -> Vec<Scheme> {
    let of = |place: Option<StampPlace>, n: usize| {
        let known = KNOWN[n];
        let formats = TimeFormat::ALL.to_vec();
        Scheme {
            header: SIGNATURE,
            prefix: known.prefix.to_owned(),
            separator: known.separator,
            encoding: known.encoding,
            algorithm: Algorithm::ALL[n % Algorithm::ALL.len()],
            signed: SignedTemplate::parse(known.signed).expect("a template"),
            stamp: place.map(|place| SignedTime {
                place,
                formats,
                tolerance: Duration::from_secs(300),
            }),
            id_header: Some(ID),
            key_encoding: KeyEncoding::Raw,
            keys: vec![key()],
        }
    };
    (0..KNOWN.len())
        .flat_map(|n| {
            [
                None,
                Some(StampPlace::Header(TIME)),
                Some(StampPlace::Entry("t=".to_owned())),
            ]
            .map(|place| of(place, n))
        })
        .collect()
}

static SCHEMES: OnceLock<Vec<Authentication>> = OnceLock::new();

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(5, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (signature, time, id, template, body) = (next(), next(), next(), next(), next());
    if let Some(template) = core::str::from_utf8(template)
        .ok()
        .and_then(|text| SignedTemplate::parse(text).ok())
    {
        assert_eq!(SignedTemplate::parse(&template.to_string()), Ok(template));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [(SIGNATURE, signature), (TIME, time), (ID, id)] {
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return;
        };
        headers.insert(name, value);
    }
    let of = |scheme| Authentication {
        alternatives: vec![vec![Check::Hmac(Box::new(scheme))]],
    };
    let body = Bytes::copy_from_slice(body);
    for auth in SCHEMES.get_or_init(|| schemes().into_iter().map(of).collect()) {
        assert!(
            authenticate(auth, "s", &headers, body.clone(), NOW).is_err(),
            "forged"
        );
    }
    signed_time(time, &body);
});

/// A right signature over any text in the place of the time.
fn signed_time(time: &[u8], body: &Bytes) {
    let both: Bytes = [time, body].concat().into();
    let over = Check::hmac(SIGNATURE, "", Encoding::Hex, vec![key()]);
    let Ok(sent) = ProvenRequest::prove([&over], both, Moment::at(NOW)) else {
        return;
    };
    let Check::Hmac(mut scheme) = over else {
        return;
    };
    scheme.signed = SignedTemplate::parse("{timestamp}{body}").expect("a template");
    scheme.stamp = Some(SignedTime {
        place: StampPlace::Header(TIME),
        formats: TimeFormat::ALL.to_vec(),
        tolerance: Duration::from_secs(300),
    });
    let mut headers = sent.headers;
    let Ok(value) = HeaderValue::from_bytes(time) else {
        return;
    };
    headers.insert(TIME, value);
    let auth = Authentication {
        alternatives: vec![vec![Check::Hmac(scheme)]],
    };
    let _ = authenticate(&auth, "s", &headers, body.clone(), NOW);
}
