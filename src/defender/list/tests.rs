#![allow(clippy::unwrap_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::defender::reply::tests::{
    MACHINE, OTHER, TAIL, UUID, action, answer, error, text, with,
};
use crate::defender::request::first_page;
use scanhook_core::time::Timestamp;

fn asked() -> NextPage {
    first_page(&Endpoints::commercial(), Timestamp::from_millis(0), 10_000)
}

fn page(status: u16, body: &str) -> ListReply {
    read(&answer(status, body), &asked(), &Endpoints::commercial())
}

fn listed(body: &str) -> ActionPage {
    match page(200, body) {
        ListReply::Page(listed) => *listed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_bad_row_does_not_hide_the_others() {
    let isolate = action(&[("type", text("Isolate"))]);
    let body = format!(
        r#"{{"@odata.context":"x","value":[{},{{"status":"Pending"}},17,null,{isolate},{}]}}"#,
        action(&[]),
        action(&[("machineId", text("??"))])
    );
    let listed = listed(&body);
    assert_eq!(
        (
            listed.actions.len(),
            listed.odd.len(),
            listed.rows(),
            &listed.next
        ),
        (2, 4, 6, &Next::None)
    );
    assert!(listed.actions[0].is_scan());
    assert!(!listed.actions[1].is_scan());
}

#[test]
fn an_odd_row_is_held_against_those_only_whose_it_may_be() {
    let may_be = |row: &str| {
        let listed = listed(&format!(r#"{{"value":[{row}]}}"#));
        let [odd] = &listed.odd[..] else {
            panic!("{listed:?}")
        };
        (with(Some(UUID), |sent| odd.may_be(sent)), odd.is_anybodys())
    };
    let without_status = |changes: &[(&str, Value)]| {
        let mut row: Value = serde_json::from_str(&action(changes)).unwrap();
        row.as_object_mut().unwrap().remove("status");
        row.to_string()
    };
    assert_eq!(may_be(&without_status(&[])), (true, false));
    assert_eq!(
        may_be(&without_status(&[(
            "externalId",
            text(&UUID.to_uppercase())
        )])),
        (true, false)
    );
    assert_eq!(
        may_be(&without_status(&[(
            "externalId",
            text("0198f0aa-3b10-7c44-9e02-000000000000")
        )])),
        (false, false)
    );
    assert_eq!(
        may_be(&without_status(&[("externalId", text("ticket 17"))])),
        (false, false)
    );
    assert_eq!(
        may_be(&without_status(&[("externalId", Value::Null)])),
        (true, false),
        "the comment has our token"
    );
    let nameless = [
        ("externalId", Value::Null),
        ("requestorComment", Value::Null),
    ];
    assert_eq!(
        may_be(&without_status(&nameless)),
        (true, false),
        "the machine is the same"
    );
    let other = [&nameless[..], &[("machineId", text(OTHER))]].concat();
    assert_eq!(may_be(&without_status(&other)), (false, false));
    for row in ["17", "null", "[]", "{}", r#"{"externalId":7}"#] {
        assert_eq!(may_be(row), (true, true), "{row}");
    }
}

#[test]
fn our_action_is_found_by_its_id_or_by_the_token_of_its_comment_and_a_busy_machine_by_its_newest_open_scan()
 {
    let rows = [
        action(&[
            ("id", text("theirs")),
            ("externalId", Value::Null),
            ("requestorComment", text("manual")),
        ]),
        action(&[
            ("id", text("over")),
            ("status", text("Succeeded")),
            ("externalId", Value::Null),
            ("requestorComment", text("x")),
        ]),
        action(&[("id", text("ours"))]),
    ];
    let listed = listed(&format!(r#"{{"value":[{}]}}"#, rows.join(",")));
    assert_eq!(
        with(Some(UUID), |sent| listed.ours(sent).map(|a| a.id.clone())).as_deref(),
        Some("ours")
    );
    let other = "0198f0aa-3b10-7c44-9e02-000000000000";
    assert_eq!(
        with(Some(other), |sent| listed
            .ours(&SentScan {
                tail: "000000000000",
                ..*sent
            })
            .map(|a| a.id.clone())),
        None
    );
    let machine = MachineId::parse(MACHINE).unwrap();
    assert!(["theirs", "ours"].contains(&listed.open_of(&machine).unwrap().id.as_str()));
    assert_eq!(listed.open_of(&MachineId::parse(OTHER).unwrap()), None);
    assert_eq!(TAIL.len(), 12);
}

#[test]
fn an_empty_list_is_a_list() {
    for body in [
        r#"{"value":[]}"#,
        r#"{"value":[],"@odata.nextLink":null}"#,
        r#"{"value":[],"@odata.nextLink":""}"#,
    ] {
        assert_eq!(listed(body), ActionPage::default(), "{body}");
    }
}

#[test]
fn of_a_next_page_elsewhere_only_the_place_in_the_list_is_taken() {
    let link = |link: &str| {
        listed(&serde_json::json!({"value": [], "@odata.nextLink": link}).to_string()).next
    };
    let Next::Page(next) =
        link("https://api.security.microsoft.com/api/machineactions?$skip=10000")
    else {
        panic!("followed")
    };
    assert_eq!(next.as_str(), "/api/machineactions?$skip=10000");
    let here = asked();
    for elsewhere in [
        "https://evil.example/api/machineactions?$skip=7",
        "https://evil.example/x?a=b&%24skip=7#c",
        "http://api.security.microsoft.com/api/machineactions?$skip=7&$filter=none",
    ] {
        let Next::Page(next) = link(elsewhere) else {
            panic!("{elsewhere}")
        };
        assert_eq!(
            next.as_str(),
            format!("{}&$skip=7", here.as_str()),
            "{elsewhere}"
        );
    }
    for unusable in [
        "::",
        "https://evil.example/api/machineactions?$skip=a/../b",
        "https://evil.example/",
    ] {
        assert_eq!(link(unusable), Next::Unusable, "{unusable}");
    }
    assert_eq!(
        listed(r#"{"value":[],"@odata.nextLink":17}"#).next,
        Next::Unusable
    );
}

#[test]
fn a_list_that_failed_is_not_an_empty_list() {
    for (status, body, code) in [
        (200, "", "empty-answer"),
        (200, "<html></html>", "unreadable-answer"),
        (200, "{}", "unreadable-answer"),
        (200, r#"{"value":null}"#, "unreadable-answer"),
        (200, r#"{"value":[{"id":"#, "unreadable-answer"),
        (302, "", "redirect"),
        (400, &*error("ODataError"), "odata-error"),
        (400, &*error("BadRequest"), "list-refused"),
        (404, "", "list-refused"),
        (500, "", "server-error"),
        (503, "<html></html>", "server-error"),
    ] {
        assert_eq!(
            page(status, body),
            ListReply::Failed(code),
            "{status} {body}"
        );
    }
    assert!(
        matches!(page(401, &error("Unauthorized")), ListReply::Unauthorized(r) if r.status == 401)
    );
    assert!(matches!(page(403, ""), ListReply::Forbidden(r) if r.status == 403));
}

proptest! {
    #[test]
    fn no_answer_can_break_the_reader(status in 100u16..1000, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        let listed = read(&answer, &asked(), &Endpoints::commercial());
        prop_assert!(!matches!(listed, ListReply::Page(_)), "nothing random is a list");
    }
}
