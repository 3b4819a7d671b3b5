//! Access tokens: reading Entra's answer, and when to ask again. What a token says of itself is compared with the tenant
//! in `claims`, and what Entra's codes mean stands in `token_error`.

use core::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use super::header;
use super::token_error::{Handling, of_clock, of_number, of_word};
use scanhook_core::time::Timestamp;

pub use super::bearer::Bearer;
pub use super::claims::{ClaimFault, TokenClaims, check, check_comments};
pub use super::token_error::{TokenRefusal, Whose};

/// The pause after a transient refusal that names none (defender-api, token errors).
const PAUSE: Duration = Duration::from_secs(5);
/// After "too many identical requests": only a long silence helps.
const LOOP_PAUSE: Duration = Duration::from_secs(15 * 60);
/// No token is believed to live longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a token without a sensible lifetime is used: for the calls at hand.
const ONCE: Duration = Duration::from_secs(60);

/// A token and its times, by our clock.
#[derive(Clone)]
pub struct Token {
    pub bearer: Bearer,
    /// Not to be used from here on.
    pub expires: Timestamp,
    /// From here on a new one is to be asked for, while this one stays in use until it expires. May be at once: the
    /// one who asks keeps the distance between two requests.
    pub refresh: Timestamp,
    /// What it says of itself.
    pub claims: TokenClaims,
}

/// What the token endpoint's answer means.
#[derive(Clone)]
pub enum TokenReply {
    Granted(Token),
    /// No token until somebody changes something; asked again at most once a minute.
    Refused(TokenRefusal),
    /// Not now: the least wait, and a stable code. While it goes on failing, the one who asks waits longer.
    Later(Duration, String),
}

/// Reads the token endpoint's answer. `now` is when it came, by our clock.
#[must_use]
pub fn read(answer: &Response<Bytes>, now: Timestamp) -> TokenReply {
    let status = answer.status();
    let wait = header::pause(answer.headers(), PAUSE);
    let later = |code: &str| TokenReply::Later(wait, code.to_owned());
    // Such an answer speaks of time, not of the credential.
    if status.is_server_error() || matches!(status.as_u16(), 408 | 429) {
        return TokenReply::Later(wait, format!("http-{}", status.as_u16()));
    }
    let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    if status.is_client_error() {
        let far = header::date(answer.headers());
        let ahead = far.map(|far| far.millis().saturating_sub(now.millis()));
        return refused(status.as_u16(), &body, wait, ahead);
    }
    if !status.is_success() {
        return later("redirect");
    }
    let Some(token) = body.get("access_token").and_then(Value::as_str) else {
        return later("token-unreadable");
    };
    let Some(bearer) = Bearer::read(token) else {
        return later("token-unreadable");
    };
    let (expires, refresh) = times(
        life(&body, header::date(answer.headers()).unwrap_or(now)),
        seconds(body.get("refresh_in")),
        now,
    );
    TokenReply::Granted(Token {
        bearer,
        expires,
        refresh,
        claims: TokenClaims::read(token),
    })
}

/// How long a token lives; some platforms say only when it ends, by their clock, which says `now`.
fn life(body: &Value, now: Timestamp) -> Option<Duration> {
    let until = || {
        let ends = body.get("expires_on")?;
        let ends = ends
            .as_f64()
            .or_else(|| ends.as_str()?.trim().parse().ok())?;
        sensible(ends - now.to_jiff().as_second() as f64)
    };
    body.get("expires_in")
        .map_or_else(until, |value| seconds(Some(value)))
}

/// A lifetime: a number or a string of one, above zero and at most [`LONGEST`].
fn seconds(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    sensible(seconds)
}

/// NaN compares as false and infinity is cut like any other absurd length.
fn sensible(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| Duration::from_secs_f64(seconds.clamp(1.0, LONGEST.as_secs_f64())))
}

/// When a token ends and when to ask for the next: the earliest of Entra's own wish, 80 % of its life and 5 minutes
/// before its end; of a life under 10 minutes, the half.
fn times(life: Option<Duration>, wish: Option<Duration>, now: Timestamp) -> (Timestamp, Timestamp) {
    let Some(life) = life else {
        return (now.plus(ONCE), now);
    };
    let due = if life < Duration::from_secs(600) {
        life / 2
    } else {
        (life * 4 / 5).min(life - Duration::from_secs(300))
    };
    (
        now.plus(life),
        now.plus(wish.map_or(due, |wish| due.min(wish))),
    )
}

/// `ahead`: by how many milliseconds Entra's clock is ahead of ours.
fn refused(status: u16, body: &Value, wait: Duration, ahead: Option<i64>) -> TokenReply {
    let numbers = body
        .get("error_codes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let numbers: Vec<u64> = numbers
        .filter_map(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok()))
        .collect();
    let word = body
        .get("error")
        .and_then(Value::as_str)
        .filter(|w| !w.is_empty());
    let known = numbers
        .iter()
        .find_map(|n| of_number(*n).map(|handling| (*n, handling)));
    let (code, handling) = match (known, numbers.first(), word) {
        (Some((number, handling)), ..) => (format!("AADSTS{number}"), handling),
        (None, Some(number), word) => (format!("AADSTS{number}"), of_word(word.unwrap_or(""))),
        (None, None, Some(word)) => (header::shown(word, 64), of_word(word)),
        (None, None, None) => (format!("http-{status}"), of_word("")),
    };
    match handling {
        Handling::Retry => TokenReply::Later(wait, code),
        Handling::Loop => TokenReply::Later(wait.max(LOOP_PAUSE), code),
        Handling::Stop(whose, meaning) => {
            let trace = body
                .get("trace_id")
                .and_then(Value::as_str)
                .map(|t| header::shown(t, 64));
            TokenReply::Refused(TokenRefusal {
                more: of_clock(&code, ahead),
                code,
                whose,
                meaning,
                trace,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use http::header::{HeaderValue, RETRY_AFTER};

    use super::*;
    use crate::defender::Endpoints;

    const TENANT: &str = "0d7e5a31-44c2-4b0e-9a6f-2b1c8e90f7d3";
    const NOW: Timestamp = Timestamp::from_millis(1_793_600_000_000);

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder()
            .status(status)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    fn jwt(claims: &Value) -> String {
        format!(
            "eyJhbGciOiJub25lIn0.{}.c2ln",
            URL_SAFE_NO_PAD.encode(claims.to_string())
        )
    }

    fn granted(extra: &str) -> Token {
        let body = format!(r#"{{"token_type":"Bearer","access_token":"a.b.c"{extra}}}"#);
        match read(&answer(200, &body), NOW) {
            TokenReply::Granted(token) => token,
            TokenReply::Refused(refusal) => panic!("{refusal}"),
            TokenReply::Later(_, code) => panic!("{code}"),
        }
    }

    fn refusal(status: u16, body: &str) -> TokenRefusal {
        match read(&answer(status, body), NOW) {
            TokenReply::Refused(refusal) => refusal,
            TokenReply::Granted(_) => panic!("granted"),
            TokenReply::Later(_, code) => panic!("later: {code}"),
        }
    }

    fn later(answer: &Response<Bytes>) -> (u64, String) {
        match read(answer, NOW) {
            TokenReply::Later(wait, code) => (wait.as_secs(), code),
            TokenReply::Granted(_) => panic!("granted"),
            TokenReply::Refused(refusal) => panic!("{refusal}"),
        }
    }

    fn error(code: u64) -> String {
        format!(
            r#"{{"error":"invalid_client","error_description":"AADSTS7000222: misleading\r\nTrace ID: x","error_codes":[{code}],"trace_id":"t-1","correlation_id":"c-1"}}"#
        )
    }

    #[test]
    fn the_next_token_is_asked_for_early() {
        for (life, refresh) in [
            ("3599", 2_879_200),
            (r#""3599""#, 2_879_200),
            (r#"" 3599 ""#, 2_879_200),
            ("3599.0", 2_879_200),
            ("1799", 1_439_200),
            ("600", 300_000),
            ("599", 299_500),
            ("60", 30_000),
            ("1", 500),
        ] {
            let token = granted(&format!(r#","expires_in":{life}"#));
            let seconds: f64 = life.trim_matches('"').trim().parse().unwrap();
            assert_eq!(
                token.expires.millis() - NOW.millis(),
                (seconds * 1000.0) as i64,
                "{life}"
            );
            assert_eq!(token.refresh.millis() - NOW.millis(), refresh, "{life}");
        }
    }

    #[test]
    fn an_absurd_lifetime_is_cut_to_a_day() {
        for life in ["86401", "1000000000000", "1e300", r#""1e12""#, r#""inf""#] {
            let token = granted(&format!(r#","expires_in":{life}"#));
            assert_eq!(
                token.expires.since(NOW),
                Duration::from_secs(86_400),
                "{life}"
            );
            assert!(token.refresh < token.expires);
        }
    }

    #[test]
    fn a_useless_lifetime_gives_a_token_for_now_and_a_new_one_next() {
        for life in [
            "",
            r#","expires_in":0"#,
            r#","expires_in":-1"#,
            r#","expires_in":"soon""#,
            r#","expires_in":"NaN""#,
        ]
        .into_iter()
        .chain([r#","expires_in":null"#, r#","expires_in":[]"#])
        {
            let token = granted(life);
            assert_eq!(token.refresh, NOW, "{life}");
            assert!(token.expires > NOW, "{life}");
        }
    }

    #[test]
    fn entras_own_wish_for_a_refresh_is_heard() {
        assert_eq!(
            granted(r#","expires_in":3600,"refresh_in":1800"#)
                .refresh
                .since(NOW)
                .as_secs(),
            1800
        );
        assert_eq!(
            granted(r#","expires_in":3600,"refresh_in":"86400""#)
                .refresh
                .since(NOW)
                .as_secs(),
            2880
        );
    }

    #[test]
    fn every_published_code_has_its_handling() {
        use Whose::{Configuration, Operator, Ours};
        for (code, whose) in [
            (7_000_215, Operator),
            (7_000_222, Operator),
            (7_000_218, Ours),
            (700_016, Operator),
            (90_002, Operator),
            (500_011, Operator),
            (70_011, Configuration),
            (28_002, Configuration),
            (700_022, Ours),
            (700_027, Operator),
            (50_012, Operator),
            (50_013, Operator),
            (500_133, Operator),
            (700_024, Operator),
            (700_011, Operator),
            (7_000_112, Operator),
            (70_001, Operator),
            (53_003, Operator),
            (90_038, Configuration),
            (900_382, Configuration),
            (9_001_023, Configuration),
            (50_194, Configuration),
            (70_021, Operator),
            (700_211, Operator),
            (700_212, Operator),
            (700_213, Operator),
            (123_456, Operator),
        ] {
            for status in [400, 401, 403] {
                let refusal = refusal(status, &error(code));
                let says = |words: &[&str]| words.iter().any(|word| refusal.meaning.contains(word));
                assert!(match whose {
                    Ours => says(&["please report it"]),
                    Configuration => says(&["token_scope", "cloud", "tenant_id"]),
                    Operator => !says(&["report it"]),
                });
                assert_eq!(
                    (refusal.code, refusal.whose),
                    (format!("AADSTS{code}"), whose)
                );
                assert_eq!(refusal.trace.as_deref(), Some("t-1"));
            }
        }
        for code in [90_055, 90_006, 90_012, 90_024, 90_033] {
            assert_eq!(
                later(&answer(400, &error(code))),
                (5, format!("AADSTS{code}"))
            );
        }
        assert_eq!(
            later(&answer(400, &error(50_196))),
            (900, "AADSTS50196".into())
        );
    }

    #[test]
    fn a_clock_that_is_off_is_named_where_it_can_be_the_reason() {
        let dated = |code: u64, ahead: i64| {
            let mut answer = answer(401, &error(code));
            let date = NOW.moved(ahead * 1000).to_jiff();
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            answer
                .headers_mut()
                .insert(http::header::DATE, HeaderValue::from_str(&date).unwrap());
            match read(&answer, NOW) {
                TokenReply::Refused(refusal) => refusal.words(),
                _ => panic!("{code}"),
            }
        };
        for code in [50_012, 50_013, 500_133, 700_024] {
            for (ahead, words) in [
                (
                    600,
                    "the clock of this computer is 600 s behind Entra's: set it",
                ),
                (
                    -3600,
                    "the clock of this computer is 3600 s ahead of Entra's: set it",
                ),
            ] {
                let said = dated(code, ahead);
                assert!(said.ends_with(words), "{said}");
            }
            assert!(!dated(code, 30).contains("Entra's"), "it is near enough");
        }
        assert!(!dated(7_000_215, 600).contains("clock"));
    }

    #[test]
    fn the_known_code_among_several_counts_and_the_description_never() {
        let several =
            r#"{"error":"x","error_codes":[1,"7000222"],"error_description":"AADSTS7000215"}"#;
        assert_eq!(refusal(400, several).code, "AADSTS7000222");
        let none = r#"{"error":"unauthorized_client","error_description":"AADSTS7000215"}"#;
        assert_eq!(refusal(400, none).code, "unauthorized_client");
        assert_eq!(
            refusal(400, r#"{"error":"invalid_scope"}"#).whose,
            Whose::Configuration
        );
        assert_eq!(
            later(&answer(400, r#"{"error":"temporarily_unavailable"}"#)).1,
            "temporarily_unavailable"
        );
    }

    #[test]
    fn a_refusal_nobody_can_read_is_the_operators() {
        for body in ["", "<html>proxy</html>", "[]", r#"{"error":{}}"#] {
            let refusal = refusal(407, body);
            assert_eq!(
                (refusal.code.as_str(), refusal.whose),
                ("http-407", Whose::Operator),
                "{body}"
            );
        }
    }

    #[test]
    fn an_outage_says_nothing_of_the_credential() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(
                later(&answer(status, &error(7_000_215))),
                (5, format!("http-{status}"))
            );
        }
        for (value, seconds) in [("17", 17), ("0", 1), ("garbage", 5), ("99999", 3600)] {
            let mut throttled = answer(429, "");
            throttled
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static(value));
            assert_eq!(later(&throttled).0, seconds, "{value}");
        }
        assert_eq!(later(&answer(302, "")).1, "redirect");
    }

    #[test]
    fn a_success_without_a_usable_token_is_no_token() {
        for body in [
            "",
            "<html></html>",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a b"}"#,
            r#"{"access_token":"a\r\nX-Evil: 1"}"#,
        ] {
            assert_eq!(later(&answer(200, body)).1, "token-unreadable", "{body}");
        }
    }

    fn faults(claims: &Value, tenant: &str) -> Vec<&'static str> {
        let body = serde_json::json!({"access_token": jwt(claims), "expires_in": 3599}).to_string();
        let TokenReply::Granted(token) = read(&answer(200, &body), NOW) else {
            panic!("no token")
        };
        check(&token.claims, &Endpoints::commercial(), tenant)
            .iter()
            .map(ClaimFault::code)
            .collect()
    }

    fn claims(changes: &[(&str, Value)]) -> Value {
        let mut claims = serde_json::json!({
            "aud": "https://api.securitycenter.microsoft.com",
            "tid": TENANT,
            "roles": ["Machine.Scan", "Machine.Read.All"],
            "exp": 1_793_603_599
        });
        for (key, value) in changes {
            claims[*key] = value.clone();
        }
        claims
    }

    #[test]
    fn a_fitting_token_has_no_fault() {
        let tidy: [&[(&str, Value)]; 6] = [
            &[],
            &[("aud", "https://api.securitycenter.microsoft.com/".into())],
            &[("aud", "5c1d8f7e-0a29-4e63-b1f4-7d90a2c6e835".into())],
            &[("tid", TENANT.to_uppercase().into())],
            &[(
                "roles",
                serde_json::json!(["Machine.ReadWrite.All", "Machine.Scan"]),
            )],
            &[
                ("roles", Value::Null),
                ("scp", "Machine.Scan Machine.Read".into()),
            ],
        ];
        for changes in tidy {
            assert_eq!(
                faults(&claims(changes), TENANT),
                Vec::<&str>::new(),
                "{changes:?}"
            );
        }
        assert_eq!(
            faults(&claims(&[("tid", "x".into())]), "contoso.example"),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn a_token_that_does_not_fit_is_named() {
        let table: [(&str, Value, &[&str]); 8] = [
            (
                "aud",
                "https://api.security.microsoft.com".into(),
                &["wrong-audience"],
            ),
            ("aud", Value::Null, &["wrong-audience"]),
            (
                "tid",
                "8e2b90c4-1f6d-4a57-93be-c07d5a1e4f28".into(),
                &["wrong-tenant"],
            ),
            ("tid", Value::Null, &["wrong-tenant"]),
            ("roles", Value::Null, &["no-scan-role", "no-read-role"]),
            (
                "roles",
                serde_json::json!([]),
                &["no-scan-role", "no-read-role"],
            ),
            (
                "roles",
                serde_json::json!(["Machine.Scan"]),
                &["no-read-role"],
            ),
            (
                "roles",
                serde_json::json!(["Machine.Read.All", 7]),
                &["no-scan-role"],
            ),
        ];
        for (key, value, expected) in table {
            assert_eq!(faults(&claims(&[(key, value)]), TENANT), expected, "{key}");
        }
    }

    #[test]
    fn a_token_that_tells_nothing_is_a_warning() {
        for token in ["opaque", "a.b.c", "a.e30.c", "a.bnVsbA.c"] {
            let faults = check(&TokenClaims::read(token), &Endpoints::commercial(), TENANT);
            assert_eq!(faults, [ClaimFault::Unreadable], "{token}");
            assert!(!faults[0].stops());
        }
    }

    #[test]
    fn a_fault_says_what_to_do() {
        let faults = check(
            &TokenClaims {
                aud: Some("https://graph.microsoft.com".into()),
                tid: Some(TENANT.into()),
                ..TokenClaims::default()
            },
            &Endpoints::commercial(),
            TENANT,
        );
        assert!(
            faults[0]
                .to_string()
                .contains("check cloud and token_scope")
        );
        assert!(faults[1].to_string().contains("Machine.Scan"));
        assert!(faults[2].to_string().contains("Machine.Read.All"));
        assert_eq!(
            faults.iter().map(ClaimFault::stops).collect::<Vec<_>>(),
            [true, true, false]
        );
    }
}
