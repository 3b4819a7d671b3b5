//! A person signs in, by a code or in a browser, and the program goes on with that person's rights; what is renewed, refused
//! and signed in again.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use scanhook_simulator::{Person, Setup, Tenant};
use serde_json::json;

use super::{Stand, app, put, scanhook_toml};
use crate::harness::{CLIENT, Far, SOUTH, fault, machine, until, until_in};

const CREDENTIAL: &str = "{ user = { token_file = \"person.refresh\" } }";
const SOON: Duration = Duration::from_secs(20);

/// A far side in which this person signs in.
fn knows(person: Person) -> Setup {
    let mut setup = app(Tenant {
        client_id: CLIENT.to_owned(),
        people: vec![person],
        ..Tenant::default()
    });
    setup.device_interval_s = 1;
    setup
}

/// What a command said and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(arguments)
        .args(["--config", "scanhook.toml"])
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null());
    command
}

async fn said(mut command: Command) -> Said {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

async fn login(folder: &Path) -> Said {
    said(command(folder, &["login", "--tenant", "default"])).await
}

/// A folder with a scanhook.toml alone: neither rules nor a secret.
fn folder(far: &Far) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let toml = scanhook_toml(&far.at.to_string(), CREDENTIAL);
    let toml = &toml[..toml.find("[sources").unwrap()];
    put(folder.path(), "scanhook.toml", toml);
    folder
}

fn token(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join("person.refresh")).ok()
}

/// Nothing of the sign-in lies in the folder.
fn nothing_was_written(folder: &Path) {
    let names = std::fs::read_dir(folder).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["scanhook.toml"]);
}

#[tokio::test]
async fn a_tenant_waits_for_a_person_who_signs_in_by_a_code() {
    let far = Far::open(knows(Person {
        takes_polls: 2,
        ..Person::default()
    }));
    let mut stand = Stand::open(far.await, CREDENTIAL, &[], &[]).await;
    let why = stand.stopped().await;
    assert!(
        why.starts_with("sign in first: scanhook login --tenant default"),
        "{why}"
    );
    let waiting = stand.alerted().await;
    let check = said(command(stand.folder.path(), &["check"])).await;
    assert_ne!(check.code, Some(0));
    assert!(
        check.out.contains("sign in first: scanhook login"),
        "{}",
        check.out
    );

    let login = login(stand.folder.path()).await;
    assert_eq!(login.code, Some(0), "{}", login.err);
    for part in [
        "Open https://microsoft.com/devicelogin in any browser and enter the code ",
        "as anna@corp.example",
        "Machine.Scan, Machine.Read",
        "person.refresh",
    ] {
        assert!(login.out.contains(part), "{part} in {}", login.out);
    }
    let file = stand.folder.path().join("person.refresh");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = token(stand.folder.path()).unwrap();

    let path = format!("/api/v1/scans/{waiting}");
    until_in(SOON, "what waited is sent", async || {
        let scan = stand.served.get(&stand.http, &path).await;
        let state = scan["state"].as_str()?;
        ["running", "finished"].contains(&state).then_some(())
    })
    .await;
    stand.scans().await;
    let lane = stand.lane().await;
    let credential = &lane["credential"];
    assert_eq!(credential["kind"], "user");
    assert_eq!(credential["account"], "anna@corp.example");
    assert!(credential["renewed_at"].is_string(), "{credential}");
    assert_eq!(lane["roles"], json!(["Machine.Scan", "Machine.Read"]));

    let second = token(stand.folder.path()).unwrap();
    assert_ne!(first, second, "each renewal brings another one");
    let check = said(command(stand.folder.path(), &["check"])).await;
    assert_eq!(check.code, Some(0), "{}{}", check.out, check.err);
    assert!(check.out.contains("second choice"), "{}", check.out);
    assert!(!login.out.contains(&first) && !login.err.contains(&first));
    stand.keeps_to_itself(&[first, second]).await;
}

#[tokio::test]
async fn a_browser_comes_back_with_a_code_that_only_this_sign_in_can_redeem() {
    let far = Far::open(knows(Person::default())).await;
    let folder = folder(&far);
    let mut command = command(
        folder.path(),
        &["login", "--browser", "--tenant", "default"],
    );
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (page, out) = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        while !line.starts_with("http") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it ended");
        }
        (line.trim().to_owned(), out)
    })
    .await
    .unwrap();
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let sent_back = http.get(&page).send().await.unwrap();
    assert_eq!(sent_back.status(), 302);
    let back = sent_back.headers()["location"].to_str().unwrap().to_owned();
    assert!(back.starts_with("http://localhost:"), "{back}");
    let back = back.replace("localhost", "127.0.0.1");
    let stranger = back.split("&state=").next().unwrap();
    let refused = http
        .get(format!("{stranger}&state=another"))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 400, "it belongs to another sign-in");
    let taken = http.get(&back).send().await.unwrap();
    assert_eq!(taken.status(), 200);
    assert!(taken.text().await.unwrap().contains("You have signed in"));
    let (ended, rest, err) = tokio::task::spawn_blocking(move || {
        let (mut rest, mut err) = (String::new(), String::new());
        let mut out = out;
        out.read_to_string(&mut rest).unwrap();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        (child.wait().unwrap(), rest, err)
    })
    .await
    .unwrap();
    assert!(ended.success(), "{rest}{err}");
    assert!(rest.contains("as anna@corp.example"), "{rest}");
    assert!(token(folder.path()).is_some());
    let asked: Vec<_> = far
        .calls_of("token")
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(asked, [Some(200)]);
}

#[tokio::test]
async fn a_sign_in_that_comes_to_nothing_writes_nothing_and_says_why() {
    let elsewhere = Person {
        tenant: Some(SOUTH.to_owned()),
        ..Person::default()
    };
    let declines = Person {
        declines: true,
        ..Person::default()
    };
    let late = Person {
        takes_polls: 1000,
        ..Person::default()
    };
    let unable = Person {
        scopes: vec!["Machine.Read".to_owned()],
        ..Person::default()
    };
    for (person, words) in [
        (elsewhere, format!("signed in to tenant {SOUTH}")),
        (declines, "declined".to_owned()),
        (late, "before the code expired".to_owned()),
        (unable, "delegated permission Machine.Scan".to_owned()),
    ] {
        let mut setup = knows(person);
        setup.device_code_life_s = 4;
        let far = Far::open(setup).await;
        let folder = folder(&far);
        let login = login(folder.path()).await;
        assert!(login.code.is_some_and(|code| code >= 64), "{}", login.out);
        assert!(login.err.contains(&words), "{words} in {}", login.err);
        assert!(login.err.contains("Nothing was written"), "{}", login.err);
        nothing_was_written(folder.path());
    }
    let mut setup = knows(Person::default());
    setup.tenants[0].public_client = false;
    let far = Far::open(setup).await;
    let folder = folder(&far);
    let login = login(folder.path()).await;
    for part in ["AADSTS7000218", "Allow public client flows"] {
        assert!(login.err.contains(part), "{part} in {}", login.err);
    }
    nothing_was_written(folder.path());
    let nobody = said(command(folder.path(), &["login", "--tenant", "berlin"])).await;
    assert_eq!(nobody.code, Some(78));
    assert!(
        nobody.err.contains("a person can sign in for default"),
        "{}",
        nobody.err
    );
}

/// A stand whose person has signed in.
async fn signed_in(person: Person) -> Stand {
    let far = Far::open(knows(person)).await;
    let before = folder(&far);
    let login = login(before.path()).await;
    assert_eq!(login.code, Some(0), "{}", login.err);
    let token = token(before.path()).unwrap();
    Stand::open(far, CREDENTIAL, &[("person.refresh", &token)], &[]).await
}

#[tokio::test]
async fn each_renewal_is_on_the_disk_and_a_kill_after_it_loses_no_sign_in() {
    let mut stand = signed_in(Person::default()).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        stand
            .far
            .fault("scan", 1, 1, fault(401, "Unauthorized", None));
        stand.scans().await;
        let held = token(stand.folder.path()).unwrap();
        assert!(!seen.contains(&held), "each one is used once");
        seen.push(held);
        stand.far.mend();
        let pid = stand.served.pid().to_string();
        let kill = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(kill.unwrap().success());
        stand.served = crate::harness::Served::start(stand.folder.path()).await;
    }
    stand.scans().await;
    let previous = stand.folder.path().join("person.refresh.previous");
    until("the one before is gone", async || {
        (!previous.exists()).then_some(())
    })
    .await;
    stand.keeps_to_itself(&seen).await;
}

#[tokio::test]
async fn a_refused_renewal_stops_the_tenant_until_somebody_signs_in_again() {
    let mut stand = signed_in(Person::default()).await;
    stand.scans().await;
    let revokes = |stand: &Stand, code: &str| {
        stand
            .far
            .shared
            .with(|far| far.setup().tenants[0].people[0].refuses = code.to_owned());
    };
    revokes(&stand, "50173");
    stand
        .far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    let waiting = stand.alerted().await;
    let why = stand.stopped().await;
    for part in [
        "AADSTS50173",
        "was revoked",
        "sign in again: scanhook login --tenant default",
    ] {
        assert!(why.contains(part), "{part} in {why}");
    }
    let path = format!("/api/v1/scans/{waiting}");
    assert_eq!(
        stand.served.get(&stand.http, &path).await["state"],
        "waiting"
    );
    let credential = stand.lane().await["credential"].clone();
    assert_eq!(
        credential["account"], "anna@corp.example",
        "it shows whose it was"
    );
    let asked = stand.far.calls_of("token").len();

    revokes(&stand, "");
    let login = login(stand.folder.path()).await;
    assert_eq!(login.code, Some(0), "{}", login.err);
    until_in(SOON, "the tenant goes on", async || {
        stand.lane().await["stopped"].is_null().then_some(())
    })
    .await;
    until("what waited is sent", async || {
        let scan = stand.served.get(&stand.http, &path).await;
        let state = scan["state"].as_str()?;
        ["running", "finished"].contains(&state).then_some(())
    })
    .await;
    let since = stand.far.calls_of("token").len() - asked;
    assert!(
        since <= 3,
        "a refused token is not sent over and over: {since}"
    );
}

#[tokio::test]
async fn a_file_that_everyone_can_read_is_not_used() {
    let stand = signed_in(Person::default()).await;
    let file = stand.folder.path().join("person.refresh");
    until("it runs", async || {
        stand.lane().await["audience"].as_str().map(|_| ())
    })
    .await;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    stand
        .far
        .fault("scan", 1, 1, fault(401, "Unauthorized", None));
    let mut stand = stand;
    stand.alerted().await;
    let note = stand.noted("chmod 600").await;
    assert!(note.contains("person.refresh"), "{note}");
}

#[tokio::test]
async fn a_device_outside_of_the_persons_groups_is_refused_and_others_are_scanned() {
    use crate::harness::{Site, Wish, alert, scan_id};
    use scanhook::defender::credential::Credential;
    use scanhook::defender::delegated::{ReadScope, UserSignIn};

    let person = Person {
        outside: [machine(1)].into(),
        ..Person::default()
    };
    let far = Far::open(knows(person.clone())).await;
    let before = folder(&far);
    let signed_in = login(before.path()).await;
    assert_eq!(signed_in.code, Some(0), "{}", signed_in.err);
    let user = UserSignIn {
        token_file: before.path().join("person.refresh"),
        reads: ReadScope::Read,
        tenant: "default".to_owned(),
    };
    let at = far.at;
    let by_person = move |settings: &mut scanhook::settings::Settings| {
        settings.tenants[0].credential = Ok(Credential::User(user.clone()).into());
        let endpoints = &mut settings.tenants[0].endpoints;
        endpoints.api_base = format!("http://{at}");
        endpoints.authority = format!("http://{at}");
    };
    let site = Site::with(Wish {
        adapt: Some(Box::new(by_person)),
        ..Wish::default()
    })
    .await;
    let inside = site.accepted(alert("a-2", "high", &machine(2))).await;
    site.scan_in(&scan_id(&inside), "finished").await;
    let outside = scan_id(&site.accepted(alert("a-1", "high", &machine(1))).await);
    let scan = site.scan_ended(&outside).await;
    assert_eq!(scan["outcome"], "refused", "{scan}");
    assert!(
        scan.to_string().contains("device groups of the person"),
        "{scan}"
    );
    let other = site.accepted(alert("a-3", "high", &machine(3))).await;
    site.scan_in(&scan_id(&other), "finished").await;
}
