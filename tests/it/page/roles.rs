//! Who sees and may do what on pages: the same as at the API.

use reqwest::Method;
use scanhook_core::access::AdminRole;

use super::{ask, read};
use crate::access::{roles, table, token};
use crate::harness::{Answer, HELD, Site, Wish, alert, machine, scan_id, until};

const OF_A_TENANT: u8 = 9;

async fn site() -> Site {
    site_with(Wish {
        rules: HELD.to_owned(),
        ..Wish::default()
    })
    .await
}

/// A token for each role by its number, and one that is for one tenant alone.
async fn site_with(wish: Wish) -> Site {
    let lines = "role = \"operator\"\ntenants = [\"default\"]";
    Site::with(Wish {
        more: roles() + &table("tenant", OF_A_TENANT, lines),
        ..wish
    })
    .await
}

async fn as_role(site: &Site, n: u8, method: Method, path: &str) -> Answer {
    let (bearer, origin) = (
        format!("Bearer {}", token(n)),
        format!("http://{}", site.admin),
    );
    let lines = [
        ("authorization", bearer.as_str()),
        ("origin", origin.as_str()),
    ];
    let form = (method == Method::POST).then_some(&[("verb", "approve")][..]);
    ask(site, method, path, &lines, form).await
}

#[tokio::test]
async fn a_page_offers_what_the_role_may_do_and_nothing_else() {
    let site = site().await;
    site.accepted(alert("1", "high", &machine(1))).await;
    for (n, role) in AdminRole::ALL.iter().enumerate() {
        let n = u8::try_from(n).unwrap();
        let list = until("it is held", async || {
            let answer = as_role(&site, n, Method::GET, "/held").await;
            answer.text.contains("1 decision").then_some(answer.text)
        })
        .await;
        let text = read(&list);
        assert!(text.contains(&format!("{role} ({role})")), "{text}");
        assert!(text.contains("Sign out"), "{text}");
        let may_answer = *role >= AdminRole::Approver;
        assert_eq!(text.contains("Approve…"), may_answer, "{role}: {text}");
        assert_eq!(text.contains("Pause…"), may_answer, "{role}: {text}");
        for path in ["/held/confirm", "/held/approve", "/held/deny"] {
            let answer = as_role(&site, n, Method::POST, path).await;
            assert_eq!(answer.status == 403, !may_answer, "{role} {path}");
        }
        let resume = as_role(&site, n, Method::GET, "/resume").await;
        let may_resume = *role >= AdminRole::Operator;
        assert_eq!(resume.status == 200, may_resume, "{role}");
        if !may_resume {
            let text = read(&resume.text);
            assert!(
                text.contains("role-too-small") && text.contains("needs operator"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn whoever_is_not_known_is_asked_to_sign_in() {
    let site = site().await;
    let answer = ask(&site, Method::GET, "/held?rule=all", &[], None).await;
    assert_eq!(answer.status, 401);
    let text = read(&answer.text);
    assert!(text.contains("Token") && text.contains("Sign in"), "{text}");
    assert!(!text.contains("Approve…") && !text.contains("(viewer)"));
    assert!(answer.header("content-security-policy").is_some());
}

#[tokio::test]
async fn scans_are_cancelled_and_retried_and_messages_tried_by_those_who_operate_alone() {
    let mut wish = Wish::default();
    wish.setup.full_ms = 3_600_000;
    let site = site_with(wish).await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    let (one, tries) = (format!("/scans/{scan}"), "/system/receivers/x/test");
    for (n, role) in AdminRole::ALL.iter().enumerate() {
        let n = u8::try_from(n).unwrap();
        let operates = *role >= AdminRole::Operator;
        for path in ["/scans", one.as_str()] {
            let shown = as_role(&site, n, Method::GET, path).await;
            let text = read(&shown.text);
            assert!(text.contains("full"), "{path}: {text}");
            assert_eq!(text.contains("Cancel…"), operates, "{role} {path}: {text}");
            let picks = shown.text.contains("name=\"pick\"");
            assert_eq!(picks, operates, "{role} {path}: {text}");
        }
        let orders = [
            "/scans/confirm",
            "/scans/cancel",
            "/scans/retry",
            "/system/outbox/retry",
        ];
        for path in orders {
            let answer = as_role(&site, n, Method::POST, path).await;
            assert_eq!(answer.status == 403, !operates, "{role} {path}");
        }
        for method in [Method::GET, Method::POST] {
            let answer = as_role(&site, n, method, tries).await;
            let expected = if *role == AdminRole::Admin { 404 } else { 403 };
            assert_eq!(answer.status, expected, "{role}: {}", answer.text);
        }
    }
    assert!(site.far.calls_of("cancel").is_empty(), "nobody was obeyed");
}

#[tokio::test]
async fn a_grant_for_some_tenants_leads_to_no_page_that_it_is_refused() {
    let site = site().await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let delivery = receipt["delivery"].as_str().unwrap().to_owned();
    let one = format!("/alerts/{delivery}/0");
    for path in ["/", "/held", "/alerts", "/scans", "/system", &one] {
        let page = as_role(&site, OF_A_TENANT, Method::GET, path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        for refused in ["href=\"/rules", "href=\"/policies", "href=\"/audit"] {
            assert!(!page.text.contains(refused), "{path}: {}", page.text);
        }
    }
    let rules = as_role(&site, OF_A_TENANT, Method::GET, "/rules").await;
    assert_eq!(rules.status, 403);
    let whole = as_role(&site, 0, Method::GET, "/alerts").await;
    assert!(whole.text.contains("href=\"/rules"), "{}", whole.text);
}
