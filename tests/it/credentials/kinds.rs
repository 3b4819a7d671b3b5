//! Each kind once: the proof is verified, the scan is carried out, status names what was used, and nothing leaks.

use scanhook_simulator::{FederatedIssuer, How, Setup, Tenant};
use serde_json::json;

use super::{Keys, SUBJECT, Stand, app, identity, issuer};
use crate::harness::{CLIENT, Far, fault};

/// A line of a secret file in the middle, as something to look for.
fn canaries(secrets: &[&str]) -> Vec<String> {
    secrets
        .iter()
        .map(|secret| secret.lines().nth(1).unwrap_or(secret).to_owned())
        .collect()
}

#[tokio::test]
async fn a_certificate_proves_the_app_with_and_without_its_chain() {
    for chain in ["", ", chain = true"] {
        let keys = Keys::new();
        let (certificate, key) = (keys.certificate(2035), keys.private_pem());
        let setup = app(Tenant {
            certificates: vec![certificate.clone()],
            ..Tenant::default()
        });
        let credential =
            format!("{{ certificate_file = \"app.pem\", key_file = \"app.key\"{chain} }}");
        let files = [("app.pem", certificate.as_str()), ("app.key", key.as_str())];
        let mut stand = Stand::open(Far::open(setup).await, &credential, &files, &[]).await;
        stand.scans().await;
        assert_eq!(
            stand.lane().await["credential"],
            json!({ "kind": "certificate", "uses": "app.pem", "ends": "2035-12-31" })
        );
        let metrics = format!("http://{}/metrics", stand.served.admin);
        let metrics = stand.http.get(metrics).send().await.unwrap();
        let metrics = metrics.text().await.unwrap();
        let gauge = "scanhook_certificate_expiry_timestamp_seconds{where=\"tenant/default\"} 2082";
        assert!(metrics.contains(gauge), "{metrics}");
        stand.keeps_to_itself(&canaries(&[&key])).await;
    }
}

#[tokio::test]
async fn the_token_of_a_federated_issuer_is_read_from_its_file() {
    let keys = Keys::new();
    let setup = app(Tenant {
        federated: vec![issuer(&keys)],
        ..Tenant::default()
    });
    let token = keys.assertion(SUBJECT);
    let credential = "{ federated_token_file = \"identity-token\" }";
    let files = [("identity-token", &*format!("{token}\n"))];
    let mut stand = Stand::open(Far::open(setup).await, credential, &files, &[]).await;
    stand.scans().await;
    assert_eq!(stand.lane().await["credential"]["kind"], "federated_token");
    stand.keeps_to_itself(&[token]).await;
}

fn of_this_computer() -> Setup {
    app(Tenant {
        identities: vec![identity()],
        ..Tenant::default()
    })
}

#[tokio::test]
async fn the_identity_of_a_virtual_machine_needs_no_client_id_and_no_secret() {
    for which in [
        "\"system\"",
        "{ client_id = \"identity-app\" }",
        "{ object_id = \"identity-object\" }",
        "{ resource_id = \"/subscriptions/s/identity\" }",
    ] {
        let far = Far::open(of_this_computer()).await;
        let credential = format!("{{ managed_identity = {which} }}");
        let env = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://FAR")];
        let mut stand = Stand::open(far, &credential, &[], &env).await;
        stand.scans().await;
        assert_eq!(
            stand.lane().await["credential"],
            json!({ "kind": "managed_identity", "platform": "vm" })
        );
        assert_eq!(stand.far.calls_of("token").len(), 0, "Entra is not asked");
        stand.keeps_to_itself(&[]).await;
    }
}

#[tokio::test]
async fn the_metadata_service_is_asked_again_while_it_is_being_updated() {
    let far = Far::open(of_this_computer()).await;
    far.fault("imds", 1, 2, fault(410, "gone", None));
    far.fault("imds", 3, 1, fault(404, "not_found", None));
    let env = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://FAR")];
    let mut stand = Stand::open(far, "{ managed_identity = \"system\" }", &[], &env).await;
    stand.scans().await;
    let asked = stand.far.calls_of("imds");
    let waits: Vec<_> = asked
        .windows(2)
        .map(|two| two[1].at.duration_since(two[0].at).as_secs())
        .collect();
    assert_eq!(waits, [0, 2, 6]);
}

#[tokio::test]
async fn app_service_is_known_by_its_variables_and_sees_its_header() {
    let header = "a-header-that-only-the-platform-knows";
    let mut setup = of_this_computer();
    setup.identity_header = header.to_owned();
    let env = [
        ("IDENTITY_ENDPOINT", "http://FAR/msi/token"),
        ("IDENTITY_HEADER", header),
    ];
    let far = Far::open(setup).await;
    let mut stand = Stand::open(far, "{ managed_identity = \"system\" }", &[], &env).await;
    stand.scans().await;
    assert_eq!(stand.lane().await["credential"]["platform"], "app-service");
    stand.keeps_to_itself(&[header.to_owned()]).await;
}

#[tokio::test]
async fn a_managed_identity_stands_for_an_app_in_another_tenant() {
    let home = Tenant {
        id: "4e3c2f9d-7b55-4a1e-8d62-8f9bac1d2e3f".to_owned(),
        identities: vec![identity()],
        ..Tenant::default()
    };
    let mut setup = app(Tenant {
        client_id: CLIENT.to_owned(),
        federated: vec![FederatedIssuer {
            issuer: format!("https://login.microsoftonline.com/{}/v2.0", home.id),
            subject: "identity-object".to_owned(),
            ..FederatedIssuer::default()
        }],
        ..Tenant::default()
    });
    setup.tenants.push(home);
    let far = Far::open(setup).await;
    let credential = "{ federated_identity = { managed_identity = \"system\" } }";
    let env = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://FAR")];
    let mut stand = Stand::open(far, credential, &[], &env).await;
    stand.scans().await;
    assert_eq!(
        stand.lane().await["credential"]["kind"],
        "federated_identity"
    );
    let asked = &stand.far.calls_of("imds")[0].path;
    assert!(
        asked.contains("resource=api%3A%2F%2FAzureADTokenExchange"),
        "{asked}"
    );
    stand.keeps_to_itself(&[]).await;
}

#[tokio::test]
async fn a_refusal_says_its_cause_in_status() {
    let keys = Keys::new();
    let (certificate, key) = (keys.certificate(2035), keys.private_pem());
    let files = [("app.pem", certificate.as_str()), ("app.key", key.as_str())];
    let credential = "{ certificate_file = \"app.pem\", key_file = \"app.key\" }";
    let unknown = Far::open(app(Tenant::default())).await;
    let stand = Stand::open(unknown, credential, &files, &[]).await;
    let why = stand.stopped().await;
    assert!(
        why.contains("AADSTS700027") && why.contains("registered for the app"),
        "{why}"
    );

    let setup = app(Tenant {
        certificates: vec![certificate.clone()],
        ..Tenant::default()
    });
    let ahead = Far::with_clock(setup, || {
        jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)
    });
    let stand = Stand::open(ahead.await, credential, &files, &[]).await;
    let why = stand.stopped().await;
    assert!(why.contains("AADSTS700024"), "{why}");
    assert!(why.contains("behind Entra's: set it"), "{why}");

    let env = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://FAR")];
    let nobody = Far::open(app(Tenant::default())).await;
    let stand = Stand::open(nobody, "{ managed_identity = \"system\" }", &[], &env).await;
    let why = stand.stopped().await;
    assert!(
        why.contains("The platform refuses a token (identity-http-400)"),
        "{why}"
    );

    let far = Far::open(of_this_computer()).await;
    far.fault("imds", 1, 1000, How::LostRequest);
    let stand = Stand::open(far, "{ managed_identity = \"system\" }", &[], &env).await;
    let note = stand.noted("gives no token").await;
    assert!(note.contains("(vm, http://127.0.0.1"), "{note}");
    let lane = stand.lane().await;
    assert!(lane["unreachable"].is_null(), "nobody asked Entra: {lane}");
}

#[tokio::test]
async fn a_token_of_another_tenant_sends_nothing() {
    let mut setup = of_this_computer();
    setup.tenants[0].id = "4e3c2f9d-7b55-4a1e-8d62-8f9bac1d2e3f".to_owned();
    let env = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://FAR")];
    let far = Far::open(setup).await;
    let mut stand = Stand::open(far, "{ managed_identity = \"system\" }", &[], &env).await;
    stand.alerted().await;
    let why = stand.stopped().await;
    assert!(
        why.contains("the token belongs to tenant 4e3c2f9d"),
        "{why}"
    );
    assert!(stand.far.scans().is_empty());
}
