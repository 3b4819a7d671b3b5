//! What changes while it runs: secrets in turn, a pair of files one after the other, tokens that come and go, and a tenant
//! whose secret comes later than it does.

use std::process::Command;
use std::time::{Duration, Instant};

use scanhook_simulator::Tenant;

use super::{Keys, SUBJECT, Stand, app, issuer, put};
use crate::harness::{Far, SOUTH, fault, until, until_in};

const NEW: &str = "the-new-secret-of-the-app";
const OLD: &str = "the-old-secret-of-the-app";

fn knows(secret: &str, expired: &str) -> Tenant {
    Tenant {
        client_secret: secret.to_owned(),
        expired_secrets: vec![expired.to_owned()],
        ..Tenant::default()
    }
}

#[tokio::test]
async fn of_two_secrets_the_second_is_tried_at_once_and_status_names_the_one_in_use() {
    let far = Far::open(app(knows(OLD, "-"))).await;
    let files = [("new.secret", NEW), ("old.secret", OLD)];
    let credential = "{ secret_file = [\"new.secret\", \"old.secret\"] }";
    let mut stand = Stand::open(far, credential, &files, &[]).await;
    stand.scans().await;
    assert_eq!(stand.lane().await["credential"]["uses"], "old.secret");
    let calls = stand.far.calls_of("token");
    let statuses: Vec<_> = calls.iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(401), Some(200)]);
    assert!(calls[1].at.duration_since(calls[0].at).as_secs() < 2);

    stand
        .far
        .shared
        .with(|far| far.setup().tenants = app(knows(NEW, OLD)).tenants);
    stand
        .far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    stand.scans().await;
    assert_eq!(stand.lane().await["credential"]["uses"], "new.secret");

    stand
        .far
        .shared
        .with(|far| far.setup().tenants = app(knows("-", OLD)).tenants);
    stand
        .far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    stand.alerted().await;
    let why = stand.stopped().await;
    assert!(
        why.contains("new.secret: AADSTS7000215") && why.contains("old.secret: AADSTS7000222"),
        "{why}"
    );
    stand
        .keeps_to_itself(&[NEW.to_owned(), OLD.to_owned()])
        .await;
}

#[tokio::test]
async fn the_old_pair_signs_until_both_files_of_the_new_one_are_there() {
    let (old, new) = (Keys::new(), Keys::new());
    let certificates = [old.certificate(2035), new.certificate(2036)];
    let knows = |of: &[&String]| {
        app(Tenant {
            certificates: of.iter().map(|pem| (*pem).clone()).collect(),
            ..Tenant::default()
        })
    };
    let far = Far::open(knows(&[&certificates[0]])).await;
    let key = old.private_pem();
    let files = [
        ("app.pem", certificates[0].as_str()),
        ("app.key", key.as_str()),
    ];
    let credential = "{ certificate_file = \"app.pem\", key_file = \"app.key\" }";
    let mut stand = Stand::open(far, credential, &files, &[]).await;
    stand.scans().await;

    let folder = stand.folder.path().to_owned();
    put(&folder, "app.pem", &certificates[1]);
    let fault_of = until("the half pair is refused", async || {
        let status = stand.served.get(&stand.http, "/api/v1/status").await;
        status["reload"]["faults"][0]["message"]
            .as_str()
            .map(str::to_owned)
    })
    .await;
    assert!(
        fault_of.contains("does not belong to the certificate"),
        "{fault_of}"
    );
    stand
        .far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    stand.scans().await;
    assert_eq!(
        stand.lane().await["credential"]["ends"],
        "2035-12-31",
        "the old one signs"
    );

    stand
        .far
        .shared
        .with(|far| *far.setup() = knows(&[&certificates[1]]));
    let begun = Instant::now();
    let before = stand.far.calls_of("token").len();
    put(&folder, "app.key", &new.private_pem());
    until("the new pair is in use", async || {
        (stand.lane().await["credential"]["ends"] == "2036-12-31").then_some(())
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(10));
    stand.scans().await;
    // The far side knows the new certificate alone by now.
    let calls = stand.far.calls_of("token");
    let since: Vec<_> = calls[before..].iter().map(|call| call.status).collect();
    assert!(since.contains(&Some(200)), "{since:?}");
}

#[tokio::test]
async fn a_federated_token_is_read_again_at_each_token_and_may_be_empty_for_a_moment() {
    let keys = Keys::new();
    let setup = app(Tenant {
        federated: vec![issuer(&keys)],
        ..Tenant::default()
    });
    let credential = "{ federated_token_file = \"identity-token\" }";
    let far = Far::open(setup).await;
    let mut stand = Stand::open(far, credential, &[("identity-token", "\n")], &[]).await;
    let note = stand.noted("is empty").await;
    assert!(note.contains("identity-token"), "{note}");
    let id = stand.alerted().await;
    let scan = stand
        .served
        .get(&stand.http, &format!("/api/v1/scans/{id}"))
        .await;
    assert!(
        scan.to_string().contains("identity-token is empty"),
        "{scan}"
    );
    assert_eq!(
        stand.far.calls_of("token").len(),
        0,
        "nothing was sent without it"
    );

    put(
        stand.folder.path(),
        "identity-token",
        &keys.assertion(SUBJECT),
    );
    stand.scans().await;
    put(
        stand.folder.path(),
        "identity-token",
        &keys.assertion("somebody-else"),
    );
    stand
        .far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    stand.alerted().await;
    let why = stand.stopped().await;
    assert!(
        why.contains("AADSTS700213") && why.contains("issuer, subject and audience"),
        "{why}"
    );
}

#[tokio::test]
async fn a_tenant_without_its_secret_waits_alone_and_goes_on_once_it_is_there() {
    let mut setup = app(Tenant::default());
    setup.tenants.push(Tenant {
        id: SOUTH.to_owned(),
        ..Tenant::default()
    });
    let far = Far::open(setup).await;
    let at = far.at;
    let first = super::scanhook_toml(&at.to_string(), "{ secret_file = \"late.secret\" }");
    let first = first.replace(
        "preset = \"generic\"\n",
        "preset = \"generic\"\ntenants = \"default\"\n",
    );
    let toml = format!(
        "{first}\n[tenants.south]\ntenant_id = \"{SOUTH}\"\nclient_id = \"south-app\"\n\
         credential = {{ secret_file = \"siem.secret\" }}\napi_base = \"http://{at}\"\nauthority = \"http://{at}\"\n"
    );
    let mut stand = Stand::of(far, &toml, &[], &[]).await;
    let why = stand.stopped().await;
    assert!(
        why.contains("late.secret") && why.contains("goes on by itself"),
        "{why}"
    );
    let status = stand.served.get(&stand.http, "/api/v1/status").await;
    let south = &status["tenants"][1];
    assert_eq!(
        (&south["name"], south["lane"]["stopped"].is_null()),
        (&"south".into(), true)
    );
    let check = Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(["check", "--config", "scanhook.toml"])
        .current_dir(stand.folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&check.stdout).into_owned()
        + &String::from_utf8_lossy(&check.stderr);
    assert!(
        !check.status.success() && said.contains("late.secret"),
        "{said}"
    );

    put(
        stand.folder.path(),
        "late.secret",
        "a secret that came later",
    );
    until_in(Duration::from_secs(20), "the tenant goes on", async || {
        stand.lane().await["stopped"].is_null().then_some(())
    })
    .await;
    stand.scans().await;
    std::fs::remove_file(stand.folder.path().join("late.secret")).unwrap();
    until("the loss is a fault of the reload", async || {
        let status = stand.served.get(&stand.http, "/api/v1/status").await;
        (status["reload"]["successful"] == false).then_some(())
    })
    .await;
    stand.scans().await;
    assert!(
        stand.lane().await["stopped"].is_null(),
        "it goes on with what it had"
    );
}
