//! What people can do to a running responder, through its admin listener: hold back, let go, approve, deny, call off,
//! try again. The far side's own record says what was sent.

mod cancel;
mod devices;
mod held;
mod order;
mod pause;
mod retry;

use std::sync::LazyLock;

use scanhook_simulator::CallRecord;
use serde_json::Value;

use crate::harness::{self, Site, Wish, alert, scan_id, until};

/// High is scanned, medium is held, low has a limit of one.
static ASKING: LazyLock<String> = LazyLock::new(|| {
    let few = r#"
[[rule]]
name = "few"
scan = "quick"
limit = { scans = 1, per = "1h" }
when = { severity = "low" }
"#;
    format!("{}{few}", harness::ASKING)
});

async fn asking() -> Site {
    Site::with(Wish {
        rules: ASKING.to_owned(),
        ..Wish::default()
    })
    .await
}

async fn begun(site: &Site, id: &str, severity: &str, machine: &str) -> String {
    scan_id(&site.accepted(alert(id, severity, machine)).await)
}

/// The id of the first decision of a receipt, which is in this state for this reason once the directory has answered.
async fn decided(site: &Site, body: impl AsRef<[u8]>, state: &str, reason: &str) -> String {
    let receipt = site.accepted(body).await;
    let id = receipt["alerts"][0]["decisions"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    site.resolved().await;
    let decision = decision(site, &id).await;
    assert_eq!(
        (&decision["state"], &decision["reason"]),
        (&state.into(), &reason.into()),
        "{decision}"
    );
    id
}

async fn decision(site: &Site, id: &str) -> Value {
    let all = site.get("/api/v1/decisions").await;
    all["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["id"] == id)
        .expect("it is listed")
        .clone()
}

async fn approve(site: &Site, id: &str, body: Value) -> Value {
    site.ordered(&format!("/api/v1/decisions/{id}/approve"), body)
        .await
}

async fn cancel(site: &Site, id: &str, body: Value) -> Value {
    site.ordered(&format!("/api/v1/scans/{id}/cancel"), body)
        .await
}

/// What an order says became of each thing.
fn results(told: &Value) -> Vec<&str> {
    told["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["result"].as_str().unwrap())
        .collect()
}

/// A line of the history of a scan or decision.
fn line<'v>(of: &'v Value, what: &str) -> &'v Value {
    let events = of["events"]
        .as_array()
        .unwrap_or_else(|| panic!("no history in {of}"));
    events
        .iter()
        .find(|event| event["what"] == what)
        .unwrap_or_else(|| panic!("no {what} in {of}"))
}

/// Waits until the lane has said what it is for.
async fn token(site: &Site) {
    until("a token is there", async || {
        site.get("/api/v1/status").await["tenants"][0]["lane"]["token_expires_at"]
            .is_string()
            .then_some(())
    })
    .await;
}

fn cancels(site: &Site) -> Vec<CallRecord> {
    site.far.calls_of("cancel")
}

/// Another configuration, from the next start on.
fn configure(site: &Site, from: &str, to: &str) {
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from));
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
}

const SIEM: &str = "[sources.siem]\npreset = \"generic\"";
