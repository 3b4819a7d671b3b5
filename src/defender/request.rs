//! The requests that leave, as exact bytes.
//!
//! A request is never logged: the token request's body holds the secret.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::Endpoints;
use super::token::Bearer;
use scanhook_core::alert::MachineId;
use scanhook_core::percent::encoded;
use scanhook_core::scan::Kind;
use scanhook_core::time::Timestamp;

pub use super::next_page::NextPage;

/// What proves the app to Entra ID.
pub enum Proof<'a> {
    Secret(&'a SecretString),
    Assertion(&'a SecretString),
    /// An assertion that is added at the end of the form as the request leaves.
    AssertionToCome,
}

/// Where a tenant's tokens are asked for (v2 endpoint).
#[must_use]
pub fn token_endpoint(e: &Endpoints, tenant_id: &str) -> String {
    format!("{}/{}/oauth2/v2.0/token", e.authority, encoded(tenant_id))
}

/// Asks Entra ID for a token (client credentials).
#[must_use]
pub fn token(e: &Endpoints, tenant_id: &str, client_id: &str, proof: &Proof<'_>) -> Request<Bytes> {
    let assertion_type =
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let proof = match proof {
        Proof::Secret(secret) => format!("client_secret={}", encoded(secret.expose_secret())),
        Proof::Assertion(jwt) => format!(
            "{assertion_type}&client_assertion={}",
            encoded(jwt.expose_secret())
        ),
        Proof::AssertionToCome => assertion_type.to_owned(),
    };
    let form = format!(
        "grant_type=client_credentials&client_id={}&{proof}&scope={}",
        encoded(client_id),
        encoded(&e.token_scope),
    );
    posted_form(&token_endpoint(e, tenant_id), form)
}

/// Asks Entra ID for a token with a person's refresh token, which is added at the end of the form as the request leaves.
#[must_use]
pub fn renewal(e: &Endpoints, tenant_id: &str, client_id: &str, scopes: &str) -> Request<Bytes> {
    let form = format!(
        "grant_type=refresh_token&client_id={}&scope={}",
        encoded(client_id),
        encoded(scopes)
    );
    posted_form(&token_endpoint(e, tenant_id), form)
}

/// A form, as a browser would send it.
pub(super) fn posted_form(to: &str, form: String) -> Request<Bytes> {
    let mut request = to_address(Method::POST, to, Bytes::from(form));
    request.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-www-form-urlencoded"),
    );
    request
}

/// One scan of one machine, as it is asked for. Machine and comment travel together.
#[derive(Clone, Debug)]
pub struct ScanOrder<'a> {
    pub machine: &'a MachineId,
    pub kind: Kind,
    /// Cites the alert and ends with our `[sh-…]` token.
    pub comment: &'a str,
    /// The scan's uuid, the same on every try; `None` where the API refuses the field.
    pub external_id: Option<uuid::Uuid>,
}

/// The body of the scan call. The keys are case-sensitive at the far side, and this order is the published one.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ScanBody<'a> {
    comment: &'a str,
    scan_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<uuid::Uuid>,
}

/// Starts a scan.
#[must_use]
pub fn scan(e: &Endpoints, bearer: &Bearer, order: &ScanOrder<'_>) -> Request<Bytes> {
    let body = ScanBody {
        comment: order.comment,
        scan_type: order.kind.wire(),
        external_id: order.external_id,
    };
    // Strings and a uuid always serialise; an empty body would be refused as our fault.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let to = format!(
        "{}/api/machines/{}/runAntiVirusScan",
        e.api_base, order.machine
    );
    let mut request = to_address(Method::POST, &to, Bytes::from(body));
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers_mut().insert(AUTHORIZATION, bearer.header());
    request
}

/// Calls a machine action off. `action` is an id as [`super::reply::ActionView`] reads it, which fits into a path.
#[must_use]
pub fn cancel(e: &Endpoints, bearer: &Bearer, action: &str, comment: &str) -> Request<Bytes> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct CancelBody<'a> {
        comment: &'a str,
    }
    let body = serde_json::to_vec(&CancelBody { comment }).unwrap_or_default();
    let to = format!(
        "{}/api/machineactions/{}/cancel",
        e.api_base,
        encoded(action)
    );
    let mut request = to_address(Method::POST, &to, Bytes::from(body));
    request
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    request.headers_mut().insert(AUTHORIZATION, bearer.header());
    request
}

/// The first page of a list of machine actions: every scan of the tenant created at `since` (sent as whole seconds,
/// rounded down) or later, whoever asked for it. `$top` is the most rows that may come for one question, not the size of
/// a page: as many rows without a next page do not end the list, which goes on with [`NextPage::after`].
#[must_use]
pub fn first_page(e: &Endpoints, since: Timestamp, top: usize) -> NextPage {
    let filter = format!(
        "type eq 'RunAntiVirusScan' and creationDateTimeUtc ge {}",
        seconds(since)
    );
    let to = format!(
        "{}/api/machineactions?$filter={}&$top={top}",
        e.api_base,
        encoded(&filter)
    );
    NextPage::at(&to, e)
}

/// An instant as a literal: whole seconds, rounded down.
pub(super) fn seconds(at: Timestamp) -> jiff::Timestamp {
    Timestamp::from_millis(at.to_jiff().as_second().saturating_mul(1000)).to_jiff()
}

/// A call that reads.
pub(super) fn get(to: &str, bearer: &Bearer) -> Request<Bytes> {
    let mut request = to_address(Method::GET, to, Bytes::new());
    request.headers_mut().insert(AUTHORIZATION, bearer.header());
    request
}

/// Reads one machine action by its id.
#[must_use]
pub fn action(e: &Endpoints, bearer: &Bearer, id: &str) -> Request<Bytes> {
    get(
        &format!("{}/api/machineactions/{}", e.api_base, encoded(id)),
        bearer,
    )
}

/// Asks for a page of a list. One call serves every open scan of the tenant.
#[must_use]
pub fn page(e: &Endpoints, bearer: &Bearer, page: &NextPage) -> Request<Bytes> {
    get(&format!("{}{}", e.api_parts().0, page.as_str()), bearer)
}

/// A request to an address made of checked parts. Should it be none after all, the request stays without a host and
/// the client refuses to send it.
pub(super) fn to_address(method: Method, to: &str, body: Bytes) -> Request<Bytes> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = to.parse().unwrap_or_default();
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    request
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::defender::bearer::tests::bearer;

    const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

    fn machine() -> MachineId {
        MachineId::parse(MACHINE).unwrap()
    }

    #[test]
    fn the_documented_example_as_exact_bytes() {
        let order = ScanOrder {
            machine: &machine(),
            kind: Kind::Full,
            comment: "Full antivirus scan due to alert 3212 (sentinel, rule high) [sh-0a8f52d7e3b4]",
            external_id: Some("4F1C2A9E-7B30-4D5E-9C61-0A8F52D7E3B4".parse().unwrap()),
        };
        let request = scan(&Endpoints::commercial(), &bearer("abc.def.ghi"), &order);
        assert_eq!(request.method(), Method::POST);
        assert_eq!(
            request.uri().to_string(),
            "https://api.security.microsoft.com/api/machines/1e5bc9d7e413ddd7902c2932e418702b84d0cc07/runAntiVirusScan"
        );
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer abc.def.ghi");
        assert_eq!(
            request.body(),
            concat!(
                r#"{"Comment":"Full antivirus scan due to alert 3212 (sentinel, rule high) [sh-0a8f52d7e3b4]","#,
                r#""ScanType":"Full","ExternalId":"4f1c2a9e-7b30-4d5e-9c61-0a8f52d7e3b4"}"#
            )
        );
    }

    #[test]
    fn external_id_is_left_out_when_switched_off() {
        let order = ScanOrder {
            machine: &machine(),
            kind: Kind::Quick,
            comment: "a \"b\"\u{7f}",
            external_id: None,
        };
        let request = scan(&Endpoints::commercial(), &bearer("t"), &order);
        assert_eq!(
            request.body(),
            "{\"Comment\":\"a \\\"b\\\"\u{7f}\",\"ScanType\":\"Quick\"}"
        );
    }

    #[test]
    fn calling_off_names_the_action_and_who_asked() {
        let e = Endpoints::commercial();
        let request = cancel(
            &e,
            &bearer("t"),
            "5382f7ea-7557-4ab7-9782-d50480024a4e",
            "called off by anna: \"no\"",
        );
        assert_eq!(request.method(), Method::POST);
        assert_eq!(
            request.uri().to_string(),
            "https://api.security.microsoft.com/api/machineactions/5382f7ea-7557-4ab7-9782-d50480024a4e/cancel"
        );
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer t");
        assert_eq!(
            request.body(),
            r#"{"Comment":"called off by anna: \"no\""}"#
        );
        assert_eq!(
            cancel(&e, &bearer("t"), "../x", "c").uri().path(),
            "/api/machineactions/..%2Fx/cancel"
        );
    }

    #[test]
    fn a_printed_request_does_not_show_the_token() {
        let order = ScanOrder {
            machine: &machine(),
            kind: Kind::Quick,
            comment: "c",
            external_id: None,
        };
        let e = Endpoints::commercial();
        let first = first_page(&e, Timestamp::from_millis(0), 10_000);
        for request in [
            scan(&e, &bearer("s3cr3t"), &order),
            page(&e, &bearer("s3cr3t"), &first),
        ] {
            assert!(!format!("{request:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn the_token_form_encodes_what_a_secret_may_hold() {
        let secret = SecretString::from("a+b&c=d e~%/é");
        let request = token(
            &Endpoints::commercial(),
            "contoso.example",
            "11112222-aaaa-bbbb-cccc-333344445555",
            &Proof::Secret(&secret),
        );
        assert_eq!(
            request.uri().to_string(),
            "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
        );
        assert_eq!(
            request.headers()[CONTENT_TYPE],
            "application/x-www-form-urlencoded"
        );
        assert_eq!(
            request.body(),
            concat!(
                "grant_type=client_credentials&client_id=11112222-aaaa-bbbb-cccc-333344445555",
                "&client_secret=a%2Bb%26c%3Dd%20e~%25%2F%C3%A9",
                "&scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default"
            )
        );
    }

    #[test]
    fn a_tenant_id_stays_one_path_segment() {
        let request = token(
            &Endpoints::gcc_high(),
            "a/b?c#d",
            "id",
            &Proof::Secret(&SecretString::from("s")),
        );
        assert_eq!(request.uri().path(), "/a%2Fb%3Fc%23d/oauth2/v2.0/token");
    }

    #[test]
    fn the_list_filter_is_encoded_exactly() {
        let since = Timestamp::parse("2026-11-02T08:00:00.999Z").unwrap();
        let e = Endpoints::commercial();
        let first = first_page(&e, since, 10_000);
        let request = page(&e, &bearer("t"), &first);
        assert_eq!(
            request.uri().to_string(),
            concat!(
                "https://api.security.microsoft.com/api/machineactions?$filter=",
                "type%20eq%20%27RunAntiVirusScan%27%20and%20creationDateTimeUtc%20ge%202026-11-02T08%3A00%3A00Z&$top=10000"
            )
        );
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer t");
        assert!(request.body().is_empty());
    }

    #[test]
    fn a_list_goes_on_with_the_same_filter_after_the_rows_it_had() {
        let first = first_page(&Endpoints::commercial(), Timestamp::from_millis(0), 2);
        let next = first.after(2);
        assert_eq!(next.as_str(), format!("{}&$skip=2", first.as_str()));
        assert_eq!(
            next.after(4).as_str(),
            format!("{}&$skip=4", first.as_str())
        );
    }

    #[test]
    fn a_next_link_is_followed_on_the_same_origin_only() {
        let e = Endpoints::commercial();
        let asked = first_page(&e, Timestamp::from_millis(0), 10_000);
        let read = |link: &str| NextPage::of(link, &asked, &e, "machineactions");
        let next = "/api/machineactions?$filter=type%20eq%20%27RunAntiVirusScan%27&$skip=10000";
        for same in [
            format!("https://api.security.microsoft.com{next}"),
            format!("https://API.security.microsoft.com:443{next}"),
            "https://api.security.microsoft.com/api/machineactions?$filter=type eq 'RunAntiVirusScan'&$skip=10000"
                .into(),
            next.into(),
        ] {
            let read = read(&same);
            assert_eq!(read.as_ref().map(NextPage::as_str), Some(next), "{same}");
            let request = page(&e, &bearer("t"), &read.unwrap());
            assert_eq!(request.uri().to_string(), format!("https://api.security.microsoft.com{next}"));
        }
        let pinned =
            read("https://api.security.microsoft.com/api/v1.0/MachineActions?$skip=1").unwrap();
        assert_eq!(pinned.as_str(), "/api/v1.0/MachineActions?$skip=1");
        // Of these only the place in the list is taken: the call goes where the first one went.
        for foreign in [
            "https://api.securitycenter.microsoft.com/api/machineactions?$skip=1",
            "http://api.security.microsoft.com/api/machineactions?$skip=1",
            "https://api.security.microsoft.com:8443/api/machineactions?$skip=1",
            "https://api.security.microsoft.com@evil.example/api/machineactions?$skip=1",
            "https://u@api.security.microsoft.com/api/machineactions?$skip=1",
            "//evil.example/api/machineactions?$skip=1",
            "/\\evil.example/api/machineactions?$skip=1",
            "https://api.security.microsoft.com/api/alerts?$skip=1",
            "https://api.security.microsoft.com.evil.example/api/machineactions?$top=5&%24Skip=1#x",
            "machineactions?$skip=1",
        ] {
            let read = read(foreign);
            assert_eq!(
                read.as_ref().map(NextPage::as_str),
                Some(asked.after(1).as_str()),
                "{foreign}"
            );
        }
        let token = read("https://other.example/?$skiptoken=a%2Fb%26$top=1").unwrap();
        assert_eq!(
            token.as_str(),
            format!("{}&$skiptoken=a%2Fb%26%24top%3D1", asked.as_str()),
            "it stays one value"
        );
        for nowhere in [
            "/api/machineactions\r\nX: y?$skip=1",
            "",
            "https://other.example/?$skip=x",
            "https://other.example/",
        ] {
            assert_eq!(read(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_path_below_the_host_is_kept() {
        let e = Endpoints::custom(
            "http://127.0.0.1:9/gate",
            "http://127.0.0.1:9",
            "s/.default",
            false,
        )
        .unwrap();
        let asked = first_page(&e, Timestamp::from_millis(0), 10_000);
        assert!(
            page(&e, &bearer("t"), &asked)
                .uri()
                .to_string()
                .starts_with("http://127.0.0.1:9/gate/api/machineactions?")
        );
        let link = "http://127.0.0.1:9/gate/api/machineactions?$skip=1";
        let next = NextPage::of(link, &asked, &e, "machineactions").unwrap();
        assert_eq!(page(&e, &bearer("t"), &next).uri().to_string(), link);
        let elsewhere = NextPage::of(
            "http://127.0.0.1:9/api/machineactions?$skip=1",
            &asked,
            &e,
            "machineactions",
        )
        .unwrap();
        assert_eq!(elsewhere, asked.after(1));
    }
}
