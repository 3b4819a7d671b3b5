//! The agent of Azure Arc: it challenges, and the key lies in a file of its folder. Only here the folder is another one.

use std::path::Path;
use std::sync::Arc;

use scanhook::defender::credential::{AzurePlatform, Credential, IdentityName, ManagedIdentity};
use scanhook::settings::Settings;
use scanhook_simulator::{Setup, Tenant};
use serde_json::json;

use super::{app, identity, put};
use crate::harness::{Site, Wish, alert, machine, scan_id};

const KEY: &str = "the-key-that-the-agent-wrote";

/// A site whose tenant asks the agent, which names this key file.
async fn site(keys: &Path, key_file: &Path) -> Site {
    let setup = Setup {
        arc_key: KEY.to_owned(),
        arc_key_file: key_file.display().to_string(),
        ..app(Tenant {
            identities: vec![identity()],
            ..Tenant::default()
        })
    };
    let keys = keys.to_owned();
    let by_the_agent = move |settings: &mut Settings| {
        let endpoint = format!(
            "{}/metadata/identity/oauth2/token",
            settings.tenants[0].endpoints.authority
        );
        let platform = AzurePlatform::Arc {
            endpoint,
            keys: keys.clone(),
        };
        let which = IdentityName::System;
        let credential = Credential::ManagedIdentity(ManagedIdentity { which, platform });
        settings.tenants[0].credential = Ok(Arc::new(credential));
    };
    Site::with(Wish {
        setup,
        adapt: Some(Box::new(by_the_agent)),
        ..Wish::default()
    })
    .await
}

#[tokio::test]
async fn the_key_of_its_challenge_is_read_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "1.key", KEY);
    let site = site(folder.path(), &folder.path().join("1.key")).await;
    let receipt = site.accepted(alert("a-1", "high", &machine(1))).await;
    site.scan_in(&scan_id(&receipt), "finished").await;
    let status = site.get("/api/v1/status").await;
    assert_eq!(
        status["tenants"][0]["lane"]["credential"],
        json!({ "kind": "managed_identity", "platform": "arc" })
    );
    let asked: Vec<_> = site
        .far
        .calls_of("arc")
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(asked, [Some(401), Some(200)]);
}

#[tokio::test]
async fn a_file_elsewhere_of_another_name_or_too_large_is_not_shown_to_anybody() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(elsewhere.path(), "1.key", KEY);
    put(folder.path(), "1.txt", KEY);
    put(folder.path(), "large.key", &"k".repeat(4097));
    std::fs::create_dir(folder.path().join("below")).unwrap();
    put(&folder.path().join("below"), "1.key", KEY);
    for file in [
        elsewhere.path().join("1.key"),
        folder.path().join("1.txt"),
        folder.path().join("below/1.key"),
        folder.path().join("below/../1.key"),
    ] {
        let site = site(folder.path(), &file).await;
        let why = site.stopped().await;
        assert!(why.contains("arc-key-file"), "{}: {why}", file.display());
        assert_eq!(site.far.calls_of("arc").len(), 1, "nobody is shown the key");
    }
    let site = site(folder.path(), &folder.path().join("large.key")).await;
    let noted = crate::harness::until("the note", async || {
        let status = site.get("/api/v1/status").await;
        let notes = status["tenants"][0]["lane"]["notes"].to_string();
        notes.contains("too long").then_some(notes)
    })
    .await;
    assert!(noted.contains("large.key"), "{noted}");
    assert_eq!(site.far.calls_of("arc").len(), 1);
}
