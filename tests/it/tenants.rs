//! Many tenants: files of their own that come, go and break while it runs, and what `check` says of them.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{CLIENT, SOUTH, Site, TENANT, Wish, alert, generic, machine, until};
use crate::verbs::Desk;

/// A file with one tenant and its source.
fn customer(name: &str, id: &str) -> String {
    format!(
        "[tenants.{name}]\ntenant_id = \"{id}\"\nclient_id = \"{CLIENT}\"\ncredential = {{ secret_file = \"../app.secret\" }}\n{}",
        generic(&format!("from-{name}"), name).replace("siem.secret", "../siem.secret")
    )
}

/// A site whose tenants stand in files, the one in force `north`.
async fn site() -> Site {
    let server = "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\ngrace = \"2s\"\n[journal]\nurl = \"sqlite:scanhook.db\"\n";
    let defaults = "[tenant_defaults]\napi_base = \"http://FAR\"\nauthority = \"http://FAR\"\nlimit = { scans = 9 }\n";
    let north = customer("north", TENANT)
        .replace("../", "")
        .replace("from-north", "north");
    let config = format!("include = [\"tenants/*.toml\"]\n{server}{defaults}{north}");
    Site::with(Wish {
        look: Duration::from_millis(25),
        config: Some(config),
        ..Wish::default()
    })
    .await
}

fn file(site: &Site, name: &str) -> PathBuf {
    let folder = site.folder.path().join("tenants");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(name)
}

async fn names(site: &Site) -> Vec<String> {
    let status = site.get("/api/v1/status").await;
    let tenants = status["tenants"].as_array().unwrap();
    tenants
        .iter()
        .map(|tenant| tenant["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn refused(site: &Site) -> Value {
    until("the files are refused", async || {
        let reload = site.get("/api/v1/status").await["reload"].clone();
        (reload["successful"] == false).then_some(reload)
    })
    .await
}

#[tokio::test]
async fn a_new_file_brings_a_tenant_and_its_sender_and_takes_them_along_when_it_goes() {
    let site = site().await;
    assert_eq!(names(&site).await, ["north"]);
    let south = file(&site, "south.toml");
    std::fs::write(&south, customer("south", SOUTH)).unwrap();
    until("the tenant is there", async || {
        (names(&site).await == ["north", "south"]).then_some(())
    })
    .await;
    let answer = site
        .post("from-south", alert("1", "high", &machine(1)))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let id = answer.json()["alerts"][0]["decisions"][0]["scan_id"].clone();
    let scan = site.scan_ended(id.as_str().unwrap()).await;
    assert_eq!(
        (&scan["outcome"], &scan["tenant"]),
        (&json!("succeeded"), &json!("south"))
    );
    std::fs::remove_file(&south).unwrap();
    until("its sender is gone", async || {
        let answer = site.post("from-south", "{}").await;
        (answer.status == 404).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fault_in_a_file_of_a_tenant_names_that_file_and_stops_nobody() {
    let site = site().await;
    let south = file(&site, "south.toml");
    std::fs::write(&south, customer("south", SOUTH) + "[server]\n").unwrap();
    let reload = refused(&site).await;
    let fault = &reload["faults"][0];
    assert!(
        fault["file"]
            .as_str()
            .unwrap()
            .ends_with("tenants/south.toml"),
        "{reload}"
    );
    assert_eq!(
        (&fault["line"], &fault["column"], &fault["code"]),
        (&json!(10), &json!(2), &json!("unknown-key")),
        "{reload}"
    );
    std::fs::write(&south, customer("north", SOUTH)).unwrap();
    until("the name that stands twice is told", async || {
        let reload = site.get("/api/v1/status").await["reload"].clone();
        let told = reload["faults"].to_string();
        (told.contains("scanhook.toml and in") && told.contains("tenants/south.toml")).then_some(())
    })
    .await;
    let answer = site.post("north", alert("1", "high", &machine(1))).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    std::fs::write(&south, customer("south", SOUTH)).unwrap();
    until("both are there", async || {
        (names(&site).await == ["north", "south"]).then_some(())
    })
    .await;
}

#[test]
fn check_names_the_file_the_line_and_the_column_and_warns_of_a_pattern_without_files() {
    let desk = Desk::ready();
    std::fs::create_dir(desk.path("tenants")).unwrap();
    let main = "include = [\"tenants/*.toml\", \"more/*.toml\"]\n";
    desk.file("scanhook.toml", main);
    let tenant = format!(
        "[tenants.a]\ntenant_id = \"{TENANT}\"\nclient_id = \"{CLIENT}\"\ncredential = {{ secret_file = \"s\" }}\n"
    );
    desk.secret("tenants/s");
    desk.file("tenants/a.toml", &tenant);
    let found = desk.run(&["check", "-o", "json"]).ends(0).json();
    let warnings = found["findings"].to_string();
    assert!(
        warnings.contains("include: `more/*.toml` names no file"),
        "{found}"
    );
    desk.file("tenants/a.toml", &format!("{tenant}mode = \"all\"\n"));
    let text = desk.run(&["check"]).ends(1).out;
    assert!(
        text.contains("error: tenants/a.toml:5:8: tenants.a.mode: must be"),
        "{text}"
    );
    let found = desk.run(&["check", "-o", "json"]).ends(1).json();
    let fault = &found["findings"][0];
    assert_eq!(
        (&fault["file"], &fault["line"]),
        (&json!("tenants/a.toml"), &json!(5)),
        "{found}"
    );
}
