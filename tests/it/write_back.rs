//! What goes back to where alerts came from: comments on incidents of Microsoft Sentinel and on alerts of Defender, both
//! played by the simulator over real HTTP. Whatever becomes of a comment, the machine is scanned.

use serde_json::{Value, json};

use scanhook_simulator::{How, IncidentComment, Setup, Tenant};

use crate::harness::{ASKING, Site, TENANT, Wish, fault, machine, until};

mod beside;
mod once;

const WORKSPACE: &str = "/subscriptions/0b8f7d7e-2f53-4a53-9d0a-6f6c6f1a2b3c/resourceGroups/rg-soc/providers/\
                         Microsoft.OperationalInsights/workspaces/log-soc";
const INCIDENT: &str = "9e0c6a52-1d3b-4f6a-8a86-4d2d5e0f7c11";
const ALERT: &str = "da637308392288907382_-880718168";

/// A configuration whose sources write back; `when`: a line of the tables.
fn config(when: &str) -> String {
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
grace = "2s"

[admin]
public_url = "https://scanhook.corp.example"

[journal]
url = "sqlite:scanhook.db"

[tenants.default]
tenant_id = "{TENANT}"
client_id = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"
credential = {{ secret_file = "app.secret" }}
api_base = "http://FAR"
authority = "http://FAR"

[sources.sentinel]
preset = "sentinel-incident"
auth = [{{ bearer = {{ secret_file = "sentinel.secret" }} }}]
[sources.sentinel.write_back]
sentinel = {{ workspace = "{WORKSPACE}" }}
arm_base = "http://FAR"
{when}

[sources.defender]
preset = "defender-alert"
auth = [{{ bearer = {{ secret_file = "defender.secret" }} }}]
[sources.defender.write_back]
defender_alert = {{}}
{when}
"#
    )
}

fn setup() -> Setup {
    let roles = ["Machine.Scan", "Machine.Read.All", "Alert.ReadWrite.All"];
    let tenant = Tenant {
        id: TENANT.to_owned(),
        roles: roles.map(str::to_owned).to_vec(),
        ..Tenant::default()
    };
    Setup {
        tenants: vec![tenant],
        ..Wish::default().setup
    }
}

async fn site(when: &str, setup: Setup) -> Site {
    Site::with(Wish {
        rules: ASKING.to_owned(),
        config: Some(config(when)),
        setup,
        ..Wish::default()
    })
    .await
}

/// An incident that names these machines.
fn incident(arm: &str, severity: &str, machines: &[String]) -> String {
    let hosts: Vec<Value> = machines
        .iter()
        .map(|id| {
            let properties =
                json!({ "hostName": "lt-042", "additionalData": { "MdatpDeviceId": id } });
            json!({ "kind": "Host", "properties": properties })
        })
        .collect();
    json!({
        "objectSchemaType": "Incident", "objectEventType": "Create", "workspaceId": "w",
        "object": {
            "id": arm, "name": arm.rsplit('/').next(),
            "properties": { "title": "canary-title", "severity": severity, "status": "New",
                            "incidentNumber": 3212, "relatedEntities": hosts }
        }
    })
    .to_string()
}

fn ours(name: &str) -> String {
    format!(
        "{}/providers/Microsoft.SecurityInsights/Incidents/{name}",
        WORKSPACE.to_uppercase()
    )
}

fn alert(id: &str, severity: &str, machine: &str) -> String {
    json!({ "id": id, "title": "canary-title", "severity": severity, "status": "New", "machineId": machine }).to_string()
}

async fn accepted(site: &Site, source: &str, body: &str) {
    let answer = site.post(source, body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
}

fn comments(site: &Site) -> Vec<IncidentComment> {
    site.far.shared.with(|far| far.incident_comments().to_vec())
}

fn alert_comments(site: &Site, id: &str) -> Vec<String> {
    site.far.shared.with(|far| far.alert_comments(id).to_vec())
}

/// Waits until the first comment says this.
async fn said(site: &Site, what: &str) -> IncidentComment {
    until("the incident is commented", async || {
        let first = comments(site).into_iter().next();
        first.filter(|comment| comment.message.contains(what))
    })
    .await
}

async fn scans_succeed(site: &Site, count: usize) {
    until("the scans end", async || {
        let scans = site.get("/api/v1/scans").await;
        let over = scans["items"].as_array()?.iter();
        (over.filter(|scan| scan["outcome"] == "succeeded").count() == count).then_some(())
    })
    .await;
}

/// The rows of the outbox in this state.
async fn outbox(site: &Site, state: &str) -> Vec<Value> {
    let rows = site.get(&format!("/api/v1/outbox?state={state}")).await;
    rows["items"].as_array().unwrap().clone()
}

/// What status says of what a source writes back.
async fn receiver(site: &Site, name: &str) -> Value {
    let status = site.get("/api/v1/status").await;
    let mut all = status["receivers"].as_array().unwrap().iter();
    all.find(|receiver| receiver["name"] == name)
        .expect("it is shown")
        .clone()
}

#[tokio::test]
async fn an_incident_has_one_comment_for_a_machine_that_is_changed_from_held_to_its_end() {
    let site = site("when = [\"held\", \"begun\", \"ended\"]", setup()).await;
    accepted(
        &site,
        "sentinel",
        &incident(&ours(INCIDENT), "Medium", &[machine(1)]),
    )
    .await;
    let held = said(&site, "is held for a person").await;
    assert!(
        held.message.contains("https://scanhook.corp.example/held/"),
        "{held:?}"
    );
    let decisions = site.get("/api/v1/decisions?state=held").await;
    let id = decisions["items"][0]["id"].as_str().unwrap();
    let answer = site
        .order(&format!("/api/v1/decisions/{id}/approve"), &json!({}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let ended = said(&site, "succeeded: the device carried out the command").await;
    assert!(
        ended.message.contains("Quick scan of lt-042 succeeded"),
        "{ended:?}"
    );
    assert!(
        ended
            .message
            .contains("https://scanhook.corp.example/scans/"),
        "{ended:?}"
    );
    assert!(
        !ended.message.contains(['<', '>']) && !ended.message.contains("canary"),
        "{ended:?}"
    );
    assert_eq!(ended.id, held.id);
    assert_eq!(comments(&site).len(), 1);
    assert_eq!(ended.incident, ours(INCIDENT).to_lowercase());
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_comment() {
    let site = site("", setup()).await;
    site.far.fault("incident_comment", 1, 1, How::LostAnswer);
    site.far.fault("alert_comment", 1, 1, How::LostAnswer);
    accepted(
        &site,
        "sentinel",
        &incident(&ours(INCIDENT), "High", &[machine(1)]),
    )
    .await;
    accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
    until("both are sent", async || {
        (outbox(&site, "sent").await.len() == 2).then_some(())
    })
    .await;
    let written = comments(&site);
    assert_eq!((written.len(), written[0].writes), (1, 2));
    let told = alert_comments(&site, ALERT);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("Full scan of") && told[0].ends_with(']'),
        "{told:?}"
    );
    assert_eq!(site.far.calls_of("alert_comment").len(), 1);
    assert_eq!(site.far.calls_of("alert").len(), 1, "it was looked for");
}

#[tokio::test]
async fn a_comment_on_an_alert_that_never_arrived_is_written_again() {
    let site = site("", setup()).await;
    site.far.fault("alert_comment", 1, 1, How::LostRequest);
    accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
    until("it is there", async || {
        (alert_comments(&site, ALERT).len() == 1).then_some(())
    })
    .await;
    assert_eq!(site.far.calls_of("alert").len(), 1, "it was looked for");
}

#[tokio::test]
async fn an_incident_of_another_workspace_is_not_written_to_and_its_machine_is_scanned() {
    let site = site("", setup()).await;
    let other = ours(INCIDENT).replace("LOG-SOC", "LOG-OTHER");
    accepted(&site, "sentinel", &incident(&other, "High", &[machine(1)])).await;
    accepted(
        &site,
        "sentinel",
        &incident("../../x", "High", &[machine(2)]),
    )
    .await;
    scans_succeed(&site, 2).await;
    let dead = until("it is noted", async || {
        Some(outbox(&site, "dead").await).filter(|dead| dead.len() == 2)
    })
    .await;
    for row in &dead {
        assert_eq!(row["receiver"], "sentinel write_back");
        let answer = row["answer"].as_str().unwrap();
        assert!(
            answer.contains("no incident of the configured workspace"),
            "{answer}"
        );
    }
    assert_eq!(site.far.calls_of("incident_comment").len(), 0);
    assert_eq!(
        site.far.calls_of("token").len(),
        1,
        "no token for Azure is asked for"
    );
    assert_eq!(
        receiver(&site, "sentinel write_back").await["failing_since"],
        Value::Null
    );
}

#[tokio::test]
async fn a_missing_role_is_said_in_status_and_scans_go_on() {
    let mut without = setup();
    without.tenants[0].sentinel_responder = false;
    without.tenants[0].roles.pop();
    let site = site("", without).await;
    accepted(
        &site,
        "sentinel",
        &incident(&ours(INCIDENT), "High", &[machine(1)]),
    )
    .await;
    accepted(&site, "defender", &alert(ALERT, "High", &machine(2))).await;
    scans_succeed(&site, 2).await;
    until("both are given up", async || {
        (outbox(&site, "dead").await.len() == 2).then_some(())
    })
    .await;
    for (name, role) in [
        ("sentinel write_back", "Microsoft Sentinel Responder"),
        ("defender write_back", "Alert.ReadWrite.All"),
    ] {
        let told = receiver(&site, name).await;
        let answer = told["answer"].as_str().unwrap();
        assert!(
            answer.starts_with("403: ") && answer.contains(role),
            "{answer}"
        );
        assert_ne!(told["failing_since"], Value::Null);
    }
    let status = site.get("/api/v1/status").await;
    let lane = &status["tenants"][0]["lane"];
    assert_eq!(lane["stopped"], Value::Null);
    assert!(
        lane["notes"].to_string().contains("Alert.ReadWrite.All"),
        "{lane}"
    );
    let text = site.admin("/metrics").await.text;
    let counted = "scanhook_write_backs_total{target=\"sentinel\",result=\"dead\"} 1";
    assert!(text.contains(counted), "{text}");

    site.far
        .shared
        .with(|far| far.setup().tenants[0].sentinel_responder = true);
    let revived = site
        .order(
            "/api/v1/outbox/retry",
            &json!({ "receiver": "sentinel write_back" }),
        )
        .await;
    assert_eq!(revived.status, 200, "{}", revived.text);
    said(&site, "Full scan of").await;
}

#[tokio::test]
async fn an_incident_that_takes_no_more_comments_is_given_up_and_the_next_one_is_written_to() {
    let site = site(
        "",
        Setup {
            foreign_comments: 100,
            ..setup()
        },
    )
    .await;
    accepted(
        &site,
        "sentinel",
        &incident(&ours(INCIDENT), "High", &[machine(1)]),
    )
    .await;
    let dead = until("it is given up", async || outbox(&site, "dead").await.pop()).await;
    assert!(
        dead["answer"].as_str().unwrap().starts_with("400"),
        "{dead}"
    );
    assert_eq!(
        receiver(&site, "sentinel write_back").await["failing_since"],
        Value::Null
    );
    site.far
        .shared
        .with(|far| far.setup().foreign_comments = 99);
    accepted(
        &site,
        "sentinel",
        &incident(&ours("another"), "High", &[machine(2)]),
    )
    .await;
    said(&site, "succeeded").await;
}

#[tokio::test]
async fn from_the_21st_machine_on_an_incident_has_one_comment_for_all_others() {
    let site = site("", setup()).await;
    let machines: Vec<String> = (1..=23).map(machine).collect();
    accepted(
        &site,
        "sentinel",
        &incident(&ours(INCIDENT), "High", &machines),
    )
    .await;
    scans_succeed(&site, 23).await;
    let shared = until("all are told", async || {
        let all = comments(&site);
        let shared = all
            .iter()
            .find(|comment| comment.message.contains("3 further machines"))?;
        let done = shared.message.matches(" succeeded: ").count() == 3;
        (all.len() == 21 && done).then(|| shared.clone())
    })
    .await;
    assert!(shared.message.chars().count() <= 30_000);
}

#[tokio::test]
async fn a_429_to_a_comment_holds_up_comments_and_no_scan() {
    let site = site("", setup()).await;
    site.far.fault(
        "alert_comment",
        1,
        1,
        fault(429, "TooManyRequests", Some("3")),
    );
    accepted(&site, "defender", &alert(ALERT, "High", &machine(1))).await;
    until("it is refused", async || {
        (site.far.calls_of("alert_comment").len() == 1).then_some(())
    })
    .await;
    accepted(&site, "defender", &alert("da2", "High", &machine(2))).await;
    scans_succeed(&site, 2).await;
    until("both alerts are commented", async || {
        let both = alert_comments(&site, ALERT).len() + alert_comments(&site, "da2").len();
        (both == 2).then_some(())
    })
    .await;
    let calls = site.far.calls();
    let of = |route: &str| {
        calls
            .iter()
            .filter(|call| call.route == route)
            .map(|call| call.at)
            .collect::<Vec<_>>()
    };
    let (scans, written) = (of("scan"), of("alert_comment"));
    assert!(scans[1] < written[1], "the scan did not wait");
    let waited = written[1].duration_since(written[0]).as_secs_f64();
    assert!(waited >= 3.0, "{waited}");
}
