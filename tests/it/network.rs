//! Calls leave through a proxy and believe another authority, as the settings say; what goes wrong on the way has a name,
//! and shows wherever somebody looks.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use scanhook_simulator::How;
use serde_json::{Value, json};

use crate::harness::{
    Authority, CLIENT, Certificate, Far, Mood, RULES, SIEM_SECRET, Secured, Served, Site, TENANT,
    TestProxy, Wish, alert, client, logging, machine, never, scan_id, until,
};

const PASSWORD: &str = "canary-of-the-proxy-0001";

/// No name server knows it.
const NOBODY: &str = "nobody.invalid";
/// Whoever resolves it fails at once: no label is as long.
const NO_NAME: &str =
    "nobody.0123456789012345678901234567890123456789012345678901234567890123456789.test";

/// A far side behind TLS of a private authority, which only a proxy can reach.
struct Abroad {
    far: Far,
    secured: Secured,
    authority: Authority,
    proxy: TestProxy,
}

impl Abroad {
    async fn open(mood: Mood) -> Abroad {
        let far = Far::open(Wish::default().setup).await;
        let authority = Authority::new();
        let secured = Secured::open(far.shared.clone(), &authority, Certificate::Right).await;
        let proxy = TestProxy::open(secured.at(), mood).await;
        Abroad {
            far,
            secured,
            authority,
            proxy,
        }
    }

    /// The table of the proxy, with its login.
    fn network(&self, more: &str) -> String {
        format!(
            "[network]\nca_file = \"ca.pem\"\nproxy = {{ url = \"{}\", username = \"svc\", \
             password_file = \"proxy.secret\"{more} }}\n",
            self.proxy.url()
        )
    }

    fn wish(&self, network: &str) -> Wish {
        let mut wish = Wish {
            config: Some(config(
                network,
                "https://login.test",
                "https://defender.test",
            )),
            secrets: vec![
                ("ca.pem", self.authority.pem().leak()),
                ("proxy.secret", PASSWORD),
            ],
            look: Duration::from_millis(50),
            ..Wish::default()
        };
        wish.pace.token_retry = Duration::from_millis(100);
        wish.timeouts.connect = Duration::from_millis(500);
        wish
    }

    async fn site(&self, network: &str) -> Site {
        Site::with(self.wish(network)).await
    }
}

fn config(network: &str, authority: &str, api: &str) -> String {
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
grace = "2s"
[journal]
url = "sqlite:scanhook.db"
{network}
[tenants.berlin]
tenant_id = "{TENANT}"
client_id = "{CLIENT}"
credential = {{ secret_file = "app.secret" }}
cloud = "custom"
api_base = "{api}"
authority = "{authority}"
token_scope = "https://api.securitycenter.microsoft.com/.default"
[sources.siem]
preset = "generic"
[[sources.siem.auth]]
hmac = {{ header = "X-Signature-256", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "siem.secret" }}
"#
    )
}

async fn tenant(site: &Site) -> Value {
    site.get("/api/v1/status").await["tenants"][0].clone()
}

/// Waits until the tenant's code is this one; its view.
async fn code(site: &Site, code: &str) -> Value {
    let mut last = Value::Null;
    crate::harness::until_or(
        crate::harness::DEADLINE,
        async || {
            last = tenant(site).await;
            (last["code"] == code).then(|| last.clone())
        },
        || code.to_owned(),
    )
    .await
}

fn remote_up(metrics: &str, operation: &str) -> Option<f64> {
    let begins = format!("scanhook_remote_up{{tenant=\"berlin\",operation=\"{operation}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&begins));
    line.map(|value| value.parse().unwrap())
}

async fn finished(site: &Site, scan: &str) {
    assert_eq!(site.scan_in(scan, "finished").await["outcome"], "succeeded");
}

#[tokio::test]
async fn an_alert_becomes_a_scan_through_a_proxy_that_wants_a_name_and_a_password() {
    let abroad = Abroad::open(Mood::Wants("svc", PASSWORD)).await;
    let site = abroad.site(&abroad.network("")).await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    finished(&site, &scan).await;
    assert_eq!(abroad.far.scans().len(), 1);
    assert!(site.far.calls().is_empty());
    let hosts: BTreeSet<String> = abroad.proxy.hosts().into_iter().collect();
    assert_eq!(
        hosts,
        BTreeSet::from(["login.test:443".to_owned(), "defender.test:443".to_owned()])
    );
    let status = tenant(&site).await;
    assert_eq!(
        (&status["code"], &status["lane"]["unreachable"]),
        (&Value::Null, &Value::Null)
    );
    let metrics = site.admin("/metrics").await.text;
    for operation in ["token", "scan", "list"] {
        assert_eq!(remote_up(&metrics, operation), Some(1.0), "{metrics}");
    }
}

/// What a proxy does, and the code it has.
const FAULTS: [(Mood, &str, &str); 6] = [
    // As tinyproxy answers a wrong password.
    (
        Mood::Answers("401 Unauthorized"),
        "proxy-auth",
        "`password_file`",
    ),
    (
        Mood::Wants("svc", "another"),
        "proxy-auth",
        "`password_file`",
    ),
    (
        Mood::Answers("403 Forbidden"),
        "proxy-refused",
        "lets this computer",
    ),
    (
        Mood::Answers("503 Unavailable"),
        "proxy-refused",
        "lets this computer",
    ),
    (Mood::HangsUp, "proxy-refused", "lets this computer"),
    (Mood::Silent, "proxy-silent", "reaches that host"),
];

#[tokio::test]
async fn each_fault_of_a_proxy_has_its_code_and_shows_wherever_somebody_looks() {
    let (log, _guard) = logging();
    for (mood, says, helps) in FAULTS {
        let abroad = Abroad::open(mood.clone()).await;
        let before = log.lines(&["cannot be reached"]).len();
        let site = abroad.site(&abroad.network("")).await;
        let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
        let view = code(&site, says).await;
        let outage = &view["lane"]["unreachable"][0];
        assert_eq!(
            (&outage["side"], &outage["code"], &outage["proxy"]),
            (&"entra".into(), &says.into(), &abroad.proxy.url().into())
        );
        let why = outage["why"].as_str().unwrap();
        assert!(
            why.contains(helps) && why.contains(&format!("`{says}`")),
            "{why}"
        );
        let ready = site.get("/readyz?verbose").await;
        assert_eq!(ready["lanes"]["berlin"]["unreachable"][0]["code"], says);
        until("the scan says why it waits", async || {
            let waits = site.scan(&scan).await["waits"].to_string();
            waits.contains(&format!("`{says}`")).then_some(())
        })
        .await;
        let text = status(&site).await;
        let head = text.lines().take(12).collect::<Vec<_>>().join("\n");
        assert!(
            head.contains("tenant berlin") && head.contains(says),
            "{text}"
        );
        let metrics = site.admin("/metrics").await.text;
        assert_eq!(remote_up(&metrics, "token"), Some(0.0), "{metrics}");
        assert_eq!(remote_up(&metrics, "scan"), Some(0.0), "{metrics}");
        until("it was tried some more times", async || {
            (abroad.proxy.hosts().len() >= 4).then_some(())
        })
        .await;

        abroad.proxy.will(Mood::Opens);
        finished(&site, &scan).await;
        assert_eq!(tenant(&site).await["code"], Value::Null);
        assert_eq!(
            log.lines(&["cannot be reached"]).len(),
            before + 1,
            "{mood:?}"
        );
        assert_eq!(
            log.lines(&["INFO", "reachable again"]).len(),
            before + 1,
            "{mood:?}"
        );
    }
}

/// What `scanhook status` says.
async fn status(site: &Site) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(["status", "--admin", &format!("http://{}", site.admin)])
        .current_dir(site.folder.path())
        .env_clear();
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_told_from_one_whose_name_is_unknown() {
    let abroad = Abroad::open(Mood::Opens).await;
    let nobody = format!("http://{NO_NAME}:3128");
    for (url, says) in [
        ("http://127.0.0.1:1", "proxy-refused"),
        (&nobody, "proxy-dns"),
    ] {
        let network = abroad.network("").replace(&abroad.proxy.url(), url);
        let site = abroad.site(&network).await;
        let view = code(&site, says).await;
        assert_eq!(view["lane"]["unreachable"][0]["proxy"], url);
    }
    assert!(abroad.proxy.hosts().is_empty());
}

#[tokio::test]
async fn a_scan_that_the_proxy_did_not_let_out_was_not_sent_and_is_sent_once() {
    let abroad = Abroad::open(Mood::Opens).await;
    let site = abroad.site(&abroad.network("")).await;
    until("a token is there", async || {
        (!abroad.far.calls_of("token").is_empty()).then_some(())
    })
    .await;
    abroad
        .proxy
        .will_for("defender", Mood::Answers("502 Bad Gateway"));
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    code(&site, "proxy-refused").await;
    until("it was tried twice", async || {
        let tried = abroad.proxy.hosts();
        let tried = tried.iter().filter(|host| host.starts_with("defender"));
        (tried.count() >= 2).then_some(())
    })
    .await;
    let waiting = site.scan(&scan).await;
    assert_ne!(waiting["state"], "unknown", "{waiting}");
    abroad.proxy.will(Mood::Opens);
    finished(&site, &scan).await;
    assert_eq!(abroad.far.calls_of("scan").len(), 1);
    assert_eq!(abroad.far.scans().len(), 1);
}

#[tokio::test]
async fn an_outage_ends_by_itself_where_nothing_wants_to_call() {
    let abroad = Abroad::open(Mood::Opens).await;
    let site = abroad.site(&abroad.network("")).await;
    until("a token is there", async || {
        (!abroad.far.calls_of("token").is_empty()).then_some(())
    })
    .await;
    abroad
        .proxy
        .will_for("defender", Mood::Answers("502 Bad Gateway"));
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    code(&site, "proxy-refused").await;
    until("the scan is called off", async || {
        let body = json!({ "reason": "no more" });
        let answer = site
            .order(&format!("/api/v1/scans/{scan}/cancel"), &body)
            .await;
        (answer.status == 200).then_some(())
    })
    .await;
    site.scan_in(&scan, "dropped").await;
    abroad.proxy.will(Mood::Opens);
    until("the outage is over", async || {
        tenant(&site).await["code"].is_null().then_some(())
    })
    .await;
    assert!(abroad.far.calls_of("scan").is_empty());
}

#[tokio::test]
async fn named_hosts_and_this_computer_are_called_without_the_proxy() {
    let abroad = Abroad::open(Mood::Opens).await;
    let loopback = abroad.secured.url();
    let network = abroad.network("");
    let site = Site::with(Wish {
        config: Some(config(&network, &loopback, "https://defender.test")),
        ..abroad.wish(&network)
    })
    .await;
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    finished(&site, &scan).await;
    let hosts: BTreeSet<String> = abroad.proxy.hosts().into_iter().collect();
    assert_eq!(hosts, BTreeSet::from(["defender.test:443".to_owned()]));

    let network = abroad.network(", direct = [\"*.ELSEWHERE.example\", \"nobody.*\"]");
    let site = Site::with(Wish {
        config: Some(config(
            &network,
            &format!("https://{NOBODY}"),
            "https://defender.test",
        )),
        ..abroad.wish(&network)
    })
    .await;
    let outage = until("nobody is found", async || {
        let outage = tenant(&site).await["lane"]["unreachable"][0].clone();
        (!outage.is_null()).then_some(outage)
    })
    .await;
    assert!(
        outage["code"] == "dns" || outage["code"] == "timeout",
        "{outage}"
    );
    assert_eq!(outage["proxy"], Value::Null);
    assert!(
        !abroad
            .proxy
            .hosts()
            .iter()
            .any(|host| host.starts_with("nobody"))
    );
}

#[tokio::test]
async fn the_keys_of_issuers_are_fetched_through_the_proxy_and_their_absence_is_told_once() {
    let (log, _guard) = logging();
    let abroad = Abroad::open(Mood::Answers("403 Forbidden")).await;
    let network = abroad.network("");
    let source = format!(
        "[sources.logic]\npreset = \"generic\"\n[[sources.logic.auth]]\nentra_jwt = {{ tenant_id = \"{TENANT}\", \
         audience = \"api://scanhook\", roles = \"Alert.Post\" }}\n"
    );
    let far = abroad.secured.url();
    let mut wish = abroad.wish(&network);
    wish.config = Some(config(&network, &far, &far) + &source);
    wish.beat.again = Duration::from_millis(50);
    wish.beat.most = Duration::from_millis(50);
    let _site = Site::with(wish).await;
    until("they were asked for some times", async || {
        (abroad.proxy.hosts().len() >= 6).then_some(())
    })
    .await;
    let hosts: BTreeSet<String> = abroad.proxy.hosts().into_iter().collect();
    assert_eq!(
        hosts,
        BTreeSet::from(["login.microsoftonline.com:443".to_owned()])
    );
    never("it is told with each try", || {
        log.lines(&["WARN", "keys of a token's issuer"]).len() != 1
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_said_in_words_and_the_code_stays_tls() {
    let (log, _guard) = logging();
    let abroad = Abroad::open(Mood::Wants("svc", PASSWORD)).await;
    let network = abroad.network("");
    let without = network.replace("ca_file = \"ca.pem\"\n", "");
    let site = abroad.site(&without).await;
    let view = code(&site, "tls").await;
    let outage = &view["lane"]["unreachable"][0];
    assert_eq!(outage["tls"], "unknown_issuer");
    let why = outage["why"].as_str().unwrap();
    assert!(why.contains("`ca_file` of [network]"), "{why}");
    // The authority becomes known by a reload, and the next try succeeds.
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&without, &network)).unwrap();
    until("it is reached", async || {
        tenant(&site).await["code"].is_null().then_some(())
    })
    .await;
    assert_eq!(
        log.lines(&["ERROR", "code=\"tls\""]).len(),
        1,
        "once for all tries"
    );

    for (certificate, says) in [
        (Certificate::Expired, "expired"),
        (Certificate::OfAnotherName, "wrong_name"),
    ] {
        abroad.secured.shows(&abroad.authority, certificate);
        let site = abroad.site(&network).await;
        let view = code(&site, "tls").await;
        assert_eq!(view["lane"]["unreachable"][0]["tls"], says);
    }
}

#[tokio::test]
async fn another_password_is_taken_at_once_and_calls_under_way_come_to_their_end() {
    let abroad = Abroad::open(Mood::Wants("svc", PASSWORD)).await;
    let network = abroad.network("");
    let site = abroad.site(&network).await;
    abroad.far.fault("scan", 1, 1, How::Delay { ms: 1500 });
    let scan = scan_id(&site.accepted(alert("1", "high", &machine(1))).await);
    until("the scan call is under way", async || {
        (abroad.far.calls_of("scan").len() == 1).then_some(())
    })
    .await;
    let file = site.folder.path().join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let elsewhere = network.replace(&abroad.proxy.url(), "http://127.0.0.1:1");
    std::fs::write(&file, text.replace(&network, &elsewhere)).unwrap();
    code(&site, "proxy-refused").await;
    let running = site.scan(&scan).await;
    assert_eq!(
        (&running["state"], &running["tries"]),
        (&"running".into(), &1.into()),
        "its call was not cut: {running}"
    );
    std::fs::write(&file, &text).unwrap();
    finished(&site, &scan).await;

    // The password is another one, first in the proxy and then in the file.
    abroad
        .proxy
        .will(Mood::Wants("svc", "canary-of-the-proxy-0002"));
    let secret = site.folder.path().join("proxy.secret");
    std::fs::write(&secret, "canary-of-the-proxy-0002\n").unwrap();
    let mut n = 1;
    until("the new one is shown", async || {
        n += 1;
        let id = n.to_string();
        site.accepted(alert(&id, "high", &machine(n))).await;
        let reload = site.get("/api/v1/status").await["reload"].clone();
        let heads = abroad.proxy.heads();
        let new = STANDARD.encode("svc:canary-of-the-proxy-0002");
        let shown = heads.iter().any(|head| head.contains(&new));
        (shown && reload["successful"] == true).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_environment_counts_only_where_it_is_named_and_the_password_shows_nowhere() {
    let abroad = Abroad::open(Mood::Opens).await;
    let folder = installed(
        &abroad,
        "[network]\nca_file = \"ca.pem\"\nproxy = \"environment\"\n",
        "https://login.test",
    );
    let mut command = Served::command(folder.path());
    command.env("HTTPS_PROXY", abroad.proxy.url());
    let served = Served::run(command).await;
    let http = client();
    let answer = served.post(&http, &alert("1", "high", &machine(1))).await;
    assert_eq!(answer.status, 202);
    until("it is scanned", async || {
        (abroad.far.scans().len() == 1).then_some(())
    })
    .await;
    drop(served);

    let nobody = format!("https://{NOBODY}");
    let folder = installed(&abroad, "[network]\nca_file = \"ca.pem\"\n", &nobody);
    let before = abroad.proxy.hosts().len();
    let mut command = Served::command(folder.path());
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(name, abroad.proxy.url());
    }
    let served = Served::run(command).await;
    until("nobody is found", async || {
        let status = served.get(&http, "/api/v1/status").await;
        let code = status["tenants"][0]["code"].as_str()?;
        assert!(code == "dns" || code == "timeout", "{code}");
        Some(())
    })
    .await;
    never("the proxy is asked", || abroad.proxy.hosts().len() > before).await;
    drop(served);

    abroad.proxy.will(Mood::Wants("svc", PASSWORD));
    let folder = installed(&abroad, &abroad.network(""), "https://login.test");
    let mut command = Served::command(folder.path());
    command.env("SCANHOOK_LOG", "trace");
    let served = Served::run(command).await;
    served.post(&http, &alert("3", "high", &machine(3))).await;
    until("it is scanned", async || {
        (abroad.far.scans().len() == 2).then_some(())
    })
    .await;
    abroad.proxy.will(Mood::Wants("svc", "another"));
    served.post(&http, &alert("4", "high", &machine(4))).await;
    let mut seen = Vec::new();
    for path in [
        "/api/v1/status",
        "/metrics",
        "/readyz?verbose",
        "/api/v1/scans",
    ] {
        let answer = http.get(format!("http://{}{path}", served.admin)).send();
        seen.push(answer.await.unwrap().text().await.unwrap().into_bytes());
    }
    seen.push(std::fs::read(format!("/proc/{}/cmdline", served.pid())).unwrap());
    served.kill();
    for file in ["serve.log", "scanhook.db", "scanhook.db-wal"] {
        seen.push(std::fs::read(folder.path().join(file)).unwrap_or_default());
    }
    let log = String::from_utf8_lossy(&seen[5]).into_owned();
    assert!(log.contains("\"DEBUG\""), "{log}");
    for secret in [
        PASSWORD.to_owned(),
        STANDARD.encode(format!("svc:{PASSWORD}")),
    ] {
        for text in &seen {
            let found = text
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            assert!(!found, "{}", String::from_utf8_lossy(text));
        }
    }
}

/// A folder that the program itself can serve.
fn installed(abroad: &Abroad, network: &str, authority: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| write(folder.path(), name, text);
    write(
        "scanhook.toml",
        &config(network, authority, "https://defender.test"),
    );
    write("rules.toml", RULES);
    write("ca.pem", &abroad.authority.pem());
    write("proxy.secret", PASSWORD);
    write("app.secret", "client-secret");
    write("siem.secret", SIEM_SECRET);
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}
