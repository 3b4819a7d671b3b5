//! The tenant's directory of machines: the request of each question, and what the answer means.
//!
//! None found comes as an empty list or as a 404 with Defender's code, and both mean the same; any other 404 says nothing. What cannot be read proves nothing: a list
//! with such a row, or with a next page that leads elsewhere, does not tell whether a machine is the only one.

use core::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use super::Endpoints;
use super::header::pause;
use super::next_page::NextPage;
use super::page::{ListPage, Next};
use super::refusal::DefenderError;
use super::reply::{NOT_DEFENDER, PAUSE};
use super::request::{get, page, seconds};
use super::token::Bearer;
use scanhook_core::alert::MachineId;
use scanhook_core::directory::{Question, Record};
use scanhook_core::percent::encoded;
use scanhook_core::time::Timestamp;

/// Addresses and tags of one record that are kept.
const MOST: usize = 100;

/// Asks the directory, or for the next page of its answer.
#[must_use]
pub fn look(
    e: &Endpoints,
    bearer: &Bearer,
    question: &Question,
    next: Option<&NextPage>,
) -> Request<Bytes> {
    match next {
        Some(next) => page(e, bearer, next),
        None => get(&address(e, question), bearer),
    }
}

/// Where a question is asked.
fn address(e: &Endpoints, question: &Question) -> String {
    let filter =
        |filter: String| format!("{}/api/machines?$filter={}", e.api_base, encoded(&filter));
    match question {
        Question::Machine(id) => format!("{}/api/machines/{id}", e.api_base),
        Question::Name(name) => filter(format!("computerDnsName eq {}", literal(name.as_str()))),
        Question::Label(label) => filter(format!(
            "startswith(computerDnsName,{})",
            literal(&format!("{label}."))
        )),
        // A GUID stands bare; in quotes it is refused.
        Question::Entra(id) => filter(format!("aadDeviceId eq {id}")),
        Question::Address(ip, at) => {
            format!(
                "{}/api/machines/findbyip(ip='{ip}',timestamp={})",
                e.api_base,
                seconds(*at)
            )
        }
    }
}

/// A text literal of OData: a quote inside is doubled. What no query may hold raw is encoded afterwards.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// What the answer to a look-up means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookReply {
    /// One page of rows; only after the last one may *no other* be concluded.
    Page {
        /// The rows that could be read.
        rows: Vec<Record>,
        /// Rows that could not be read.
        unreadable: usize,
        /// The next page, if there is one.
        next: Option<NextPage>,
        /// There is a next page, but nothing can be made of what is said of it.
        foreign_next: bool,
    },
    /// There is no such machine.
    Nobody,
    /// As for the scan call.
    Unauthorized(DefenderError),
    /// Reading machines is not allowed.
    Forbidden(DefenderError),
    /// No call of this tenant for so long.
    Throttled(Duration),
    /// The question itself was refused, and would be again.
    Refused(DefenderError),
    /// Ask again later; a stable code.
    Failed(&'static str),
}

/// Reads the answer to a look-up.
#[must_use]
pub fn read(answer: &Response<Bytes>, question: &Question, e: &Endpoints) -> LookReply {
    let status = answer.status();
    match status.as_u16() {
        200..=299 if answer.body().trim_ascii().is_empty() => LookReply::Failed("empty-answer"),
        200..=299 => match question {
            Question::Machine(id) => entity(answer.body(), id),
            _ => list(answer.body(), &NextPage::at(&address(e, question), e), e),
        },
        300..=399 => LookReply::Failed("redirect"),
        401 => LookReply::Unauthorized(DefenderError::read(answer)),
        403 => LookReply::Forbidden(DefenderError::read(answer)),
        404 if DefenderError::read(answer).says_not_found() => LookReply::Nobody,
        404 => LookReply::Failed(NOT_DEFENDER),
        408 => LookReply::Failed("request-timeout"),
        429 => LookReply::Throttled(pause(answer.headers(), PAUSE)),
        _ if status.is_client_error() => LookReply::Refused(DefenderError::read(answer)),
        500..=599 => LookReply::Failed("server-error"),
        _ => LookReply::Failed("odd-status"),
    }
}

fn entity(body: &[u8], asked: &MachineId) -> LookReply {
    match record(body) {
        Some(row) if row.id == *asked => LookReply::Page {
            rows: vec![row],
            unreadable: 0,
            next: None,
            foreign_next: false,
        },
        Some(_) => LookReply::Failed("another-machine"),
        None => LookReply::Failed("unreadable-answer"),
    }
}

fn list(body: &[u8], asked: &NextPage, e: &Endpoints) -> LookReply {
    let Ok(page) = serde_json::from_slice::<ListPage<'_>>(body) else {
        return LookReply::Failed("unreadable-answer");
    };
    let rows: Vec<_> = page
        .value
        .iter()
        .filter_map(|row| record(row.get().as_bytes()))
        .collect();
    let (next, foreign_next) = match page.next(asked, e, "machines") {
        Next::None => (None, false),
        Next::Page(next) => (Some(next), false),
        Next::Unusable => (None, true),
    };
    LookReply::Page {
        unreadable: page.value.len() - rows.len(),
        rows,
        next,
        foreign_next,
    }
}

/// One row. All but the id may be null or missing.
fn record(bytes: &[u8]) -> Option<Record> {
    let value: Value = serde_json::from_slice(bytes).ok()?;
    let text = |key: &str| text(&value[key]);
    let flag = |key: &str| value[key].as_bool() == Some(true);
    let listed = |key: &str| value[key].as_array().map(|list| list.iter().take(MOST));
    let others = listed("ipAddresses")
        .into_iter()
        .flatten()
        .filter_map(|ip| self::text(&ip["ipAddress"]));
    let mut ips: Vec<String> = text("lastIpAddress").into_iter().chain(others).collect();
    ips.sort();
    ips.dedup();
    Some(Record {
        id: MachineId::parse(value["id"].as_str()?)?,
        name: text("computerDnsName"),
        merged_into: text("mergedIntoMachineId"),
        duplicate: flag("isPotentialDuplication"),
        excluded: flag("isExcluded"),
        onboarding: text("onboardingStatus"),
        health: text("healthStatus"),
        last_seen: value["lastSeen"].as_str().and_then(Timestamp::parse),
        ips,
        external_ip: text("lastExternalIpAddress"),
        aad_id: text("aadDeviceId"),
        tags: listed("machineTags").map(|tags| tags.filter_map(self::text).collect()),
        group: text("rbacGroupName"),
        os: text("osPlatform"),
    })
}

fn text(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::json;

    use super::*;
    use crate::defender::bearer::tests::bearer;
    use scanhook_core::directory::{EntraId, HostName};

    const ID: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

    fn id() -> MachineId {
        MachineId::parse(ID).unwrap()
    }

    fn uri(question: &Question) -> String {
        let request = look(&Endpoints::commercial(), &bearer("t"), question, None);
        assert_eq!(
            (
                request.method().as_str(),
                request.headers()["authorization"].to_str().unwrap()
            ),
            ("GET", "Bearer t")
        );
        request
            .uri()
            .to_string()
            .strip_prefix("https://api.security.microsoft.com")
            .unwrap()
            .to_owned()
    }

    fn answer(status: u16, body: &str) -> Response<Bytes> {
        Response::builder()
            .status(status)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    fn listed(body: &Value) -> LookReply {
        let question = Question::Name(HostName::parse("ws-1").unwrap());
        read(
            &answer(200, &body.to_string()),
            &question,
            &Endpoints::commercial(),
        )
    }

    #[test]
    fn each_question_as_exact_bytes() {
        let name = |text: &str| HostName::parse(text).unwrap();
        assert_eq!(uri(&Question::Machine(id())), format!("/api/machines/{ID}"));
        assert_eq!(
            uri(&Question::Name(name("WS-1.corp.example.com"))),
            "/api/machines?$filter=computerDnsName%20eq%20%27ws-1.corp.example.com%27"
        );
        assert_eq!(
            uri(&Question::Label(name("ws-eng-04"))),
            "/api/machines?$filter=startswith%28computerDnsName%2C%27ws-eng-04.%27%29"
        );
        assert_eq!(
            uri(&Question::Entra(
                EntraId::parse("8D6F1F4E-1B2C-4D3E-8F90-A1B2C3D4E5F6").unwrap()
            )),
            "/api/machines?$filter=aadDeviceId%20eq%208d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6"
        );
        let at = Timestamp::parse("2026-11-23T06:00:00.999Z").unwrap();
        for ip in ["10.0.0.1", "fd00::1"] {
            let expected =
                format!("/api/machines/findbyip(ip='{ip}',timestamp=2026-11-23T06:00:00Z)");
            assert_eq!(uri(&Question::Address(ip.parse().unwrap(), at)), expected);
        }
    }

    #[test]
    fn a_quote_in_a_name_is_doubled_and_nothing_in_it_leaves_the_literal() {
        let name = |text: &str| uri(&Question::Name(HostName::parse(text).unwrap()));
        assert_eq!(
            name("O'Brien"),
            "/api/machines?$filter=computerDnsName%20eq%20%27o%27%27brien%27"
        );
        assert_eq!(
            name("a&b#c%27"),
            "/api/machines?$filter=computerDnsName%20eq%20%27a%26b%23c%2527%27"
        );
        assert_eq!(
            name("ä"),
            "/api/machines?$filter=computerDnsName%20eq%20%27%C3%A4%27"
        );
        for odd in ["x' or 'a' eq 'a", "x\r\nHost: evil", "x?y=z", "../alerts"] {
            assert_eq!(HostName::parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_row_needs_its_id_and_nothing_else() {
        let LookReply::Page {
            rows, unreadable, ..
        } = listed(&json!({ "value": [
            { "id": ID.to_uppercase() },
            { "id": ID, "computerDnsName": null, "machineTags": null, "ipAddresses": null, "isExcluded": null, "lastSeen": null,
              "aadDeviceId": null, "rbacGroupName": "", "new": { "field": 1 } },
            { "id": "ws-1" }, { "computerDnsName": "ws-1" }, 7, null,
        ] }))
        else {
            panic!("no page")
        };
        assert_eq!((rows.len(), unreadable), (2, 4));
        assert_eq!(rows[0], rows[1]);
        let row = &rows[0];
        assert_eq!(
            (&row.id, &row.name, &row.tags, &row.group, row.excluded),
            (&id(), &None, &None, &None, false)
        );
    }

    #[test]
    fn a_row_is_read_as_documented() {
        let body = json!({ "id": ID, "computerDnsName": "ws-1.corp.example.com", "mergedIntoMachineId": "x", "isPotentialDuplication": true,
            "isExcluded": true, "onboardingStatus": "Onboarded", "healthStatus": "Active", "lastSeen": "2026-11-02T08:15:42.6139284Z",
            "lastIpAddress": "10.0.0.2", "lastExternalIpAddress": "198.51.100.7", "aadDeviceId": "g", "machineTags": ["a", null, "b"],
            "ipAddresses": [{ "ipAddress": "10.0.0.1" }, { "ipAddress": null }, { "ipAddress": "10.0.0.2" }, {}],
            "rbacGroupName": "servers", "osPlatform": "Windows11" });
        let question = Question::Machine(id());
        let reply = read(
            &answer(200, &body.to_string()),
            &question,
            &Endpoints::commercial(),
        );
        let LookReply::Page { rows, .. } = reply else {
            panic!("{reply:?}")
        };
        let row = &rows[0];
        assert_eq!(row.ips, ["10.0.0.1", "10.0.0.2"], "never the external one");
        assert_eq!(
            row.tags.as_deref(),
            Some(&["a".to_owned(), "b".to_owned()][..])
        );
        assert_eq!(
            (row.excluded, row.duplicate, row.merged_into.as_deref()),
            (true, true, Some("x"))
        );
        assert_eq!(
            row.last_seen.unwrap().to_string(),
            "2026-11-02T08:15:42.613Z"
        );
        assert_eq!(
            (row.group.as_deref(), row.os.as_deref()),
            (Some("servers"), Some("Windows11"))
        );
    }

    #[test]
    fn another_machine_than_the_one_asked_for_is_no_answer() {
        let body = json!({ "id": "f".repeat(40) }).to_string();
        let reply = read(
            &answer(200, &body),
            &Question::Machine(id()),
            &Endpoints::commercial(),
        );
        assert_eq!(reply, LookReply::Failed("another-machine"));
    }

    #[test]
    fn every_status_means_what_it_says() {
        let e = Endpoints::commercial();
        let question = Question::Name(HostName::parse("ws-1").unwrap());
        let code = |status, body: &str| match read(&answer(status, body), &question, &e) {
            LookReply::Page { rows, .. } => format!("{} rows", rows.len()),
            LookReply::Nobody => "nobody".to_owned(),
            LookReply::Unauthorized(_) => "unauthorized".to_owned(),
            LookReply::Forbidden(_) => "forbidden".to_owned(),
            LookReply::Throttled(span) => format!("throttled {}", span.as_secs()),
            LookReply::Refused(refusal) => format!("refused {}", refusal.status),
            LookReply::Failed(code) => code.to_owned(),
        };
        for (status, body, meaning) in [
            (200, r#"{"value":[]}"#, "0 rows"),
            (200, "", "empty-answer"),
            (200, "<html>", "unreadable-answer"),
            (200, r#"{"value":"#, "unreadable-answer"),
            (302, "", "redirect"),
            (400, r#"{"error":{"code":"ODataError"}}"#, "refused 400"),
            (401, "", "unauthorized"),
            (403, "", "forbidden"),
            (404, "", "not-from-defender"),
            (404, "<html>", "not-from-defender"),
            (404, r#"{"error":{"code":"NotFound"}}"#, "nobody"),
            (408, "", "request-timeout"),
            (429, "", "throttled 60"),
            (500, "", "server-error"),
            (503, "<html>", "server-error"),
        ] {
            assert_eq!(code(status, body), meaning, "{status} {body}");
        }
    }

    #[test]
    fn a_next_page_is_followed_on_the_same_origin_and_of_another_only_its_place_is_taken() {
        let follow = |link: &str| match listed(&json!({ "value": [], "@odata.nextLink": link })) {
            LookReply::Page {
                next, foreign_next, ..
            } => {
                assert_eq!(next.is_none(), foreign_next, "{link}");
                next
            }
            other => panic!("{other:?}"),
        };
        let uri = |next: &NextPage| {
            let question = Question::Name(HostName::parse("ws-1").unwrap());
            look(
                &Endpoints::commercial(),
                &bearer("t"),
                &question,
                Some(next),
            )
            .uri()
            .to_string()
        };
        let page = "https://api.security.microsoft.com/api/machines?$filter=x&$skip=2";
        assert_eq!(uri(&follow(page).unwrap()), page);
        let here = "https://api.security.microsoft.com/api/machines?$filter=computerDnsName%20eq%20%27ws-1%27&$skip=2";
        for elsewhere in [
            "https://evil.example/api/machines?$skip=2",
            "/api/machineactions?$skip=2",
            "/api/xmachines?$skip=2",
        ] {
            assert_eq!(uri(&follow(elsewhere).unwrap()), here, "{elsewhere}");
        }
        assert!(follow("https://evil.example/api/machines").is_none());
    }
}
