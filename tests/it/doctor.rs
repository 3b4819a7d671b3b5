//! `scanhook doctor`: a set-up that works, and set-ups that do not, each of which names the step that fails and what to do.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use scanhook_simulator::{How, Setup, Tenant};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Authority, CLIENT, Certificate, Far, RULES, SOUTH, Secured, Served, TENANT, fault, install,
    machine, post,
};

/// A folder with a configuration, and a far side.
struct Office {
    folder: TempDir,
    far: Far,
}

/// What a run said.
struct Said {
    status: i32,
    text: String,
    errors: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.text, self.errors))
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Office {
    async fn of(setup: Setup, tenant: &str) -> Office {
        let office = Office {
            folder: tempfile::tempdir().unwrap(),
            far: Far::open(setup).await,
        };
        install(office.folder.path(), office.far.at, "", tenant);
        let listen = format!("listen = \"127.0.0.1:{}\"", free_port());
        office.edit("listen = \"127.0.0.1:0\"", &listen);
        let admin = format!("admin_listen = \"127.0.0.1:{}\"", free_port());
        office.edit("admin_listen = \"127.0.0.1:0\"", &admin);
        office
    }

    async fn open() -> Office {
        Office::of(Setup::default(), "").await
    }

    /// Writes the first of something over in scanhook.toml.
    fn edit(&self, old: &str, new: &str) {
        let file = self.folder.path().join("scanhook.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{old} in {text}");
        std::fs::write(file, text.replacen(old, new, 1)).unwrap();
    }

    async fn run(&self, args: &[&str], env: &[(&str, &Path)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .arg("doctor")
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(env.iter().copied());
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        Said {
            status: ran.status.code().unwrap(),
            text: String::from_utf8(ran.stdout).unwrap(),
            errors: String::from_utf8(ran.stderr).unwrap(),
        }
    }

    async fn json(&self) -> (i32, Value) {
        let said = self.run(&["-o", "json"], &[]).await;
        assert_eq!(said.errors, "", "only JSON, and on stdout");
        (said.status, said.json())
    }

    /// The step that fails, with what is said of it; no other does, and it is marked in the text as well.
    async fn fails_at(&self, step: &str, detail: &str, remedy: &str) -> Value {
        let (status, report) = self.json().await;
        assert_eq!(status, 1, "{report:#}");
        let failed: Vec<&Value> = steps(&report).filter(|step| step["ok"] == false).collect();
        assert_eq!(failed.len(), 1, "{failed:#?}");
        let found = failed[0];
        assert_eq!(found["step"], step, "{found}");
        let said = |key: &str| found[key].as_str().unwrap().to_owned();
        assert!(said("detail").contains(detail), "{detail}: {found}");
        assert!(said("remedy").contains(remedy), "{remedy}: {found}");
        let text = self.run(&[], &[]).await;
        assert_eq!(text.status, 1);
        let line = text.text.lines().find(|line| line.starts_with('✗'));
        let line = line.unwrap_or_else(|| panic!("no failed line: {}", text.text));
        assert!(line.contains(step) && !line.contains('✓'), "{line}");
        assert!(self.far.scans().is_empty(), "it scans nothing");
        report
    }
}

fn steps(report: &Value) -> impl Iterator<Item = &Value> {
    report["steps"].as_array().unwrap().iter()
}

/// How each of these steps is.
fn are(report: &Value, names: &[&str]) -> Vec<Value> {
    let of = |name: &&str| {
        let found: Vec<_> = steps(report)
            .filter(|step| step["step"] == **name)
            .collect();
        assert!(!found.is_empty(), "{name} is missing: {report:#}");
        found[0]["ok"].clone()
    };
    names.iter().map(of).collect()
}

fn app(secret: &str, roles: &[&str]) -> Setup {
    Setup {
        tenants: vec![Tenant {
            id: TENANT.to_owned(),
            client_id: CLIENT.to_owned(),
            client_secret: secret.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..Tenant::default()
        }],
        ..Setup::default()
    }
}

const STEPS: [&str; 12] = [
    "configuration",
    "dns",
    "tcp",
    "proxy",
    "tls",
    "clock",
    "token",
    "audience",
    "tenant",
    "roles",
    "machine-list",
    "action-list",
];

#[tokio::test]
async fn a_set_up_that_works_has_no_step_that_fails_and_nothing_is_scanned() {
    let office = Office::open().await;
    let (status, report) = office.json().await;
    assert_eq!(status, 0, "{report:#}");
    assert_eq!(are(&report, &STEPS), vec![json!(true); STEPS.len()]);
    assert_eq!(
        are(
            &report,
            &["journal", "disk", "listener", "quota", "sources"]
        ),
        [
            json!(true),
            json!(true),
            json!(true),
            Value::Null,
            Value::Null
        ]
    );
    let base = format!("http://{}", office.far.at);
    assert_eq!(
        report["tenants"]["default"],
        json!({
            "api_base": base, "authority": base,
            "token_scope": "https://api.securitycenter.microsoft.com/.default",
        })
    );
    let text = office.run(&[], &[]).await;
    assert_eq!(text.status, 0);
    assert!(
        text.text.contains("✓ token") && !text.text.contains('✗'),
        "{}",
        text.text
    );
    for secret in ["client-secret", "siem-secret"] {
        assert!(!text.text.contains(secret) && !report.to_string().contains(secret));
    }
    let routes: Vec<_> = office.far.calls().iter().map(|call| call.route).collect();
    assert!(!routes.contains(&"scan"), "{routes:?}");
    assert!(
        !office.folder.path().join("scanhook.db").exists(),
        "nothing is made"
    );
}

#[tokio::test]
async fn a_host_without_a_name_or_a_port_without_a_listener_ends_the_way_there() {
    let office = Office::of(Setup::default(), "cloud = \"custom\"").await;
    let far = format!("http://{}", office.far.at);
    office.edit(
        "[sources.siem]",
        "token_scope = \"https://api.securitycenter.microsoft.com/.default\"\n\n[sources.siem]",
    );
    office.edit(
        &format!("authority = \"{far}\""),
        "authority = \"https://login.invalid\"",
    );
    let report = office
        .fails_at("dns", "login.invalid", "name servers")
        .await;
    let skipped = ["token", "audience", "roles", "machine-list"];
    assert_eq!(are(&report, &skipped), vec![Value::Null; 4], "{report:#}");
    assert_eq!(
        report["tenants"]["default"]["authority"],
        "https://login.invalid"
    );

    let office = Office::open().await;
    let port = free_port();
    office.edit(
        &format!("api_base = \"{far}\"").replace(&far, &format!("http://{}", office.far.at)),
        &format!("api_base = \"http://127.0.0.1:{port}\""),
    );
    let report = office
        .fails_at(
            "tcp",
            &format!("127.0.0.1:{port}"),
            "let this computer open connections",
        )
        .await;
    assert_eq!(
        are(&report, &["token", "roles", "machine-list"]),
        [json!(true), json!(true), Value::Null]
    );
}

#[tokio::test]
async fn a_proxy_that_is_not_reached_or_does_not_open_the_way_is_told() {
    let office = Office::of(
        Setup::default(),
        "cloud = \"custom\"\ntoken_scope = \"https://api.invalid/.default\"",
    )
    .await;
    let far = format!("http://{}", office.far.at);
    office.edit(
        &format!("api_base = \"{far}\""),
        "api_base = \"https://api.invalid\"",
    );
    office.edit(
        &format!("authority = \"{far}\""),
        "authority = \"https://api.invalid\"",
    );
    let proxy = format!("http://127.0.0.1:{}", free_port());
    office.edit(
        "[journal]",
        &format!("[network]\nproxy = {{ url = \"{proxy}\" }}\n\n[journal]"),
    );
    let report = office
        .fails_at("tcp", &proxy["http://".len()..], "open connections")
        .await;
    assert_eq!(
        are(&report, &["proxy", "tls", "token"]),
        vec![Value::Null; 3]
    );
    // The far side is a web server, and no proxy.
    office.edit(&proxy, &far);
    let report = office.fails_at("proxy", "proxy-refused", "CONNECT").await;
    assert_eq!(
        are(&report, &["dns", "tcp", "tls"]),
        [json!(true), json!(true), Value::Null]
    );
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_names_who_signed_it() {
    let office = Office::open().await;
    let (trusted, other) = (Authority::new(), Authority::new());
    let file = office.folder.path().join("ca.pem");
    std::fs::write(&file, trusted.pem()).unwrap();
    let secured = Secured::open(office.far.shared.clone(), &trusted, Certificate::Right).await;
    let far = format!("http://{}", office.far.at);
    for key in ["api_base", "authority"] {
        office.edit(
            &format!("{key} = \"{far}\""),
            &format!("{key} = \"{}\"", secured.url()),
        );
    }
    let env = [("SSL_CERT_FILE", file.as_path())];
    let said = office.run(&["-o", "json"], &env).await;
    assert_eq!(said.status, 0, "{}", said.text);
    let report = said.json();
    let tls = steps(&report).find(|step| step["step"] == "tls").unwrap();
    assert!(
        tls["detail"]
            .as_str()
            .unwrap()
            .contains("signed by `CN=rcgen"),
        "{tls}"
    );

    for (authority, certificate, remedy) in [
        (&other, Certificate::Right, "ca_file"),
        (&trusted, Certificate::SignedByItself, "ca_file"),
        (&trusted, Certificate::Expired, "has expired"),
        (&trusted, Certificate::OfAnotherName, "of another host"),
    ] {
        secured.shows(authority, certificate);
        let said = office.run(&["-o", "json"], &env).await;
        let report = said.json();
        let failed: Vec<_> = steps(&report).filter(|step| step["ok"] == false).collect();
        assert_eq!((said.status, failed.len()), (1, 1), "{report:#}");
        assert_eq!(failed[0]["step"], "tls", "{failed:?}");
        assert!(
            failed[0]["detail"]
                .as_str()
                .unwrap()
                .contains("signed by `CN=rcgen"),
            "{failed:?}"
        );
        assert!(
            failed[0]["remedy"].as_str().unwrap().contains(remedy),
            "{remedy}: {failed:?}"
        );
        assert_eq!(
            are(&report, &["token"]),
            [Value::Null],
            "no secret goes to it"
        );
    }
}

#[tokio::test]
async fn a_clock_that_is_off_by_more_than_five_minutes_is_told_with_the_side() {
    let office = Office::open().await;
    for (ahead_s, side) in [(1000, "16 minutes behind"), (-400, "6 minutes ahead of")] {
        office.far.mend();
        office.far.fault("*", 1, 100, How::Dated { ahead_s });
        office.fails_at("clock", side, "timedatectl").await;
    }
    office.far.mend();
    office.far.fault("*", 1, 100, How::Dated { ahead_s: 200 });
    assert_eq!(office.json().await.0, 0);
}

#[tokio::test]
async fn a_credential_that_entra_refuses_is_told_by_its_code_and_what_helps() {
    let office = Office::of(app("another", &["Machine.Scan", "Machine.Read.All"]), "").await;
    let report = office
        .fails_at("token", "AADSTS7000215", "the client secret is wrong")
        .await;
    assert_eq!(
        are(&report, &["audience", "tenant", "roles", "action-list"]),
        vec![Value::Null; 4]
    );

    let office = Office::open().await;
    office
        .far
        .fault("token", 1, 100, fault(401, "AADSTS7000222", None));
    office
        .fails_at("token", "AADSTS7000222", "has expired; create a new one")
        .await;

    let other = Tenant {
        id: TENANT.to_owned(),
        client_id: "another".to_owned(),
        ..Tenant::default()
    };
    let office = Office::of(
        Setup {
            tenants: vec![other],
            ..Setup::default()
        },
        "",
    )
    .await;
    office
        .fails_at("token", "AADSTS700016", "no consent was given")
        .await;

    let other = Tenant {
        id: SOUTH.to_owned(),
        ..Tenant::default()
    };
    let office = Office::of(
        Setup {
            tenants: vec![other],
            ..Setup::default()
        },
        "",
    )
    .await;
    office
        .fails_at("token", "AADSTS90002", "check tenant_id")
        .await;
}

#[tokio::test]
async fn a_token_for_another_resource_is_told_at_the_audience() {
    let office = Office::of(
        Setup::default(),
        "token_scope = \"https://graph.microsoft.com/.default\"",
    )
    .await;
    let (status, report) = office.json().await;
    assert_eq!(status, 1);
    assert_eq!(
        are(&report, &["token", "audience", "tenant", "machine-list"]),
        [json!(true), json!(false), json!(true), json!(false)]
    );
    let audience = steps(&report)
        .find(|step| step["step"] == "audience")
        .unwrap();
    assert!(
        audience["remedy"].as_str().unwrap().contains("token_scope"),
        "{audience}"
    );
}

#[tokio::test]
async fn a_role_that_lacks_is_named_with_the_way_to_give_it() {
    let office = Office::of(app("", &["Machine.Read.All"]), "").await;
    office
        .fails_at(
            "roles",
            "Machine.Read.All",
            "permission Machine.Scan of WindowsDefenderATP",
        )
        .await;

    let office = Office::of(app("", &[]), "").await;
    let (status, report) = office.json().await;
    assert_eq!(
        (status, are(&report, &["token", "roles"])),
        (1, vec![json!(true), json!(false)])
    );

    let office = Office::of(app("", &["Machine.Scan"]), "").await;
    let (status, report) = office.json().await;
    assert_eq!(status, 1);
    assert_eq!(
        are(&report, &["roles", "machine-list", "action-list"]),
        vec![json!(false); 3]
    );
    for step in ["roles", "machine-list"] {
        let found = steps(&report).find(|found| found["step"] == step).unwrap();
        assert!(
            found["remedy"]
                .as_str()
                .unwrap()
                .contains("Machine.Read.All"),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_licence_that_refuses_and_a_quota_that_is_spent_are_told_apart() {
    let office = Office::open().await;
    let message = "Unauthorized request - reason of failure: Account mode is inactive";
    let how = How::Status {
        status: 401,
        code: "Unauthorized".to_owned(),
        message: Some(message.to_owned()),
        retry_after: None,
    };
    office.far.fault("machines", 1, 100, how.clone());
    let report = office
        .fails_at("machine-list", "Account mode is inactive", "licence")
        .await;
    assert_eq!(
        are(&report, &["token", "audience", "roles"]),
        vec![json!(true); 3]
    );

    let office = Office::open().await;
    office.far.fault(
        "machines",
        1,
        100,
        fault(429, "TooManyRequests", Some("30")),
    );
    let report = office
        .fails_at("quota", "429", "registration of its own")
        .await;
    assert_eq!(
        are(&report, &["machine-list", "action-list"]),
        [Value::Null, json!(true)]
    );
}

#[tokio::test]
async fn a_journal_that_cannot_lie_there_and_one_of_somebody_else_are_told() {
    let office = Office::open().await;
    office.edit("sqlite:scanhook.db", "sqlite:scanhook.toml/scanhook.db");
    office.fails_at("journal", "not a folder", "chown").await;
    let office = Office::open().await;
    let path = office.folder.path().join("scanhook.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    drop(db);
    office
        .fails_at("journal", "not a scanhook journal", "[journal] url")
        .await;
}

#[tokio::test]
async fn a_port_that_another_program_has_is_told_with_the_key_that_moves_it() {
    let office = Office::open().await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = other.local_addr().unwrap().to_string();
    let file = office.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let listen = text
        .lines()
        .find(|line| line.starts_with("listen"))
        .unwrap()
        .to_owned();
    let admin = text
        .lines()
        .find(|line| line.starts_with("admin_listen"))
        .unwrap()
        .to_owned();
    office.edit(&listen, &format!("listen = \"{at}\""));
    office.fails_at("listener", &at, "`[server] listen`").await;
    office.edit(&format!("listen = \"{at}\""), &listen);
    office.edit(&admin, &format!("admin_listen = \"{at}\""));
    office.fails_at("listener", &at, "`[admin] listen`").await;
}

#[tokio::test]
async fn a_tenant_without_its_secret_says_so_and_the_others_are_looked_at() {
    let office = Office::open().await;
    let far = office.far.at;
    let south = format!(
        "[tenants.south]\ntenant_id = \"{SOUTH}\"\nclient_id = \"{CLIENT}\"\napi_base = \"http://{far}\"\n\
         authority = \"http://{far}\"\ncredential = {{ secret_file = \"gone.secret\" }}\n\n[sources.siem]\ntenants = \"default\""
    );
    office.edit("[sources.siem]", &south);
    for source in ["other", "sentinel", "defender"] {
        office.edit(
            &format!("[sources.{source}]"),
            &format!("[sources.{source}]\ntenants = \"default\""),
        );
    }
    let (status, report) = office.json().await;
    assert_eq!(status, 1, "{report:#}");
    let of = |tenant: &str, step: &str| {
        let found = steps(&report).find(|found| found["tenant"] == tenant && found["step"] == step);
        found
            .unwrap_or_else(|| panic!("{tenant} {step}: {report:#}"))
            .clone()
    };
    assert_eq!(of("default", "machine-list")["ok"], true);
    let token = of("south", "token");
    assert_eq!(token["ok"], false);
    assert!(
        token["remedy"].as_str().unwrap().contains("gone.secret"),
        "{token}"
    );
    assert_eq!(of("south", "roles")["ok"], Value::Null);
    assert_eq!(report["tenants"].as_object().unwrap().len(), 2);
    assert_eq!(are(&report, &["configuration"]), [json!(false)]);

    let said = office
        .run(&["--tenant", "default", "-o", "json"], &[])
        .await;
    let one = said.json();
    assert_eq!(one["tenants"].as_object().unwrap().len(), 1);
    assert!(steps(&one).all(|step| step["tenant"] != "south"), "{one:#}");
    let said = office.run(&["--tenant", "nobody"], &[]).await;
    assert_eq!(said.status, 66, "{}{}", said.text, said.errors);
}

#[tokio::test]
async fn a_managed_identity_names_who_is_asked() {
    let office = Office::open().await;
    let platform: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    office.edit(
        "credential = { secret_file = \"app.secret\" }",
        "credential = { managed_identity = \"system\" }",
    );
    let endpoint = format!("http://{platform}/msi/token");
    let env = [
        ("IDENTITY_ENDPOINT", Path::new(&endpoint)),
        ("IDENTITY_HEADER", Path::new("h")),
    ];
    let said = office.run(&["-o", "json"], &env).await;
    let report = said.json();
    let token = steps(&report).find(|step| step["step"] == "token").unwrap();
    assert_eq!(
        (said.status, &token["ok"]),
        (1, &json!(false)),
        "{report:#}"
    );
    assert!(
        token["remedy"]
            .as_str()
            .unwrap()
            .contains(&platform.to_string()),
        "{token}"
    );
}

#[tokio::test]
async fn without_a_configuration_or_with_a_broken_one_it_says_what_is_to_be_done() {
    let office = Office::open().await;
    std::fs::write(office.folder.path().join("scanhook.toml"), "[tenants").unwrap();
    let (status, report) = office.json().await;
    assert_eq!(
        (status, are(&report, &["configuration"])),
        (1, vec![json!(false)])
    );
    let step = &report["steps"][0];
    assert!(
        step["detail"]
            .as_str()
            .unwrap()
            .starts_with("scanhook.toml:1:"),
        "{step}"
    );
    std::fs::remove_file(office.folder.path().join("scanhook.toml")).unwrap();
    let (status, report) = office.json().await;
    assert_eq!(status, 1);
    assert!(
        report["steps"][0]["remedy"]
            .as_str()
            .unwrap()
            .contains("scanhook init"),
        "{report:#}"
    );
}

#[tokio::test]
async fn beside_a_running_scanhook_it_reads_the_journal_and_asks_how_it_is() {
    let office = Office::open().await;
    std::fs::write(office.folder.path().join("rules.toml"), RULES).unwrap();
    let served = Served::start(office.folder.path()).await;
    let http = crate::harness::client();
    let body = json!({ "alert_id": "1", "title": "t", "severity": "low", "devices": [{ "mde_id": machine(1) }] });
    assert_eq!(
        post(&http, served.public, &body.to_string())
            .await
            .unwrap()
            .status,
        202
    );
    let (status, report) = office.json().await;
    assert_eq!(status, 0, "{report:#}");
    let detail = |step: &str| {
        let found = steps(&report).find(|found| found["step"] == step).unwrap();
        found["detail"].as_str().unwrap().to_owned()
    };
    assert!(detail("listener").starts_with("scanhook "), "{report:#}");
    let siem = steps(&report)
        .filter(|step| step["step"] == "sources")
        .find(|step| step["detail"].as_str().unwrap().contains("`siem`"))
        .unwrap();
    assert!(
        siem["detail"].as_str().unwrap().contains("delivered at"),
        "{siem}"
    );
    assert_eq!(are(&report, &["quota", "journal"]), vec![json!(true); 2]);
    served.kill();
    let (status, report) = office.json().await;
    assert_eq!(status, 0, "{report:#}");
    assert!(
        report.to_string().contains("`siem` delivered at"),
        "the journal tells: {report:#}"
    );
    assert!(office.far.scans().is_empty());
}

#[tokio::test]
async fn where_the_calls_of_each_cloud_go_shows_also_where_nothing_can_be_reached() {
    let office = Office::open().await;
    let tenant = |name: &str, n: u32, lines: &str| {
        format!(
            "[tenants.{name}]\ntenant_id = \"3d2b1f8c-6a44-4f0d-9c51-00000000000{n}\"\nclient_id = \"{CLIENT}\"\n\
             credential = {{ secret_file = \"app.secret\" }}\n{lines}\n"
        )
    };
    let config = [
        tenant("world", 1, "region = \"eu\""),
        tenant("gov", 2, "cloud = \"gcc-high\""),
    ]
    .concat();
    // A name that is not resolved here: no test calls Microsoft.
    let config = config
        + &tenant(
            "own",
            3,
            "cloud = \"custom\"\napi_base = \"https://api.invalid\"\nauthority = \"https://login.invalid\"\ntoken_scope = \"https://api.invalid/.default\"",
        );
    std::fs::write(office.folder.path().join("scanhook.toml"), config).unwrap();
    let said = office.run(&["-o", "json", "--tenant", "own"], &[]).await;
    assert_eq!(said.status, 1);
    assert_eq!(
        said.json()["tenants"],
        json!({ "own": { "api_base": "https://api.invalid", "authority": "https://login.invalid", "token_scope": "https://api.invalid/.default" } })
    );
}
