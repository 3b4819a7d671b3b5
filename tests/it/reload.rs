//! Files that change while it runs: what is good takes effect for the next alert, what is bad changes nothing and shows.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use scanhook::policy::Policy;
use scanhook_simulator::{Machine, Setup, Tenant};
use serde_json::{Value, json};

use crate::harness::{
    CLIENT, Far, OTHER_SECRET, RULES, SIEM_SECRET, Served, Site, TENANT, Wish, alert, client,
    hmac_hex, install, join, machine, never, until,
};

/// How often a watched site looks at its files.
const LOOK: Duration = Duration::from_millis(25);

/// A test in the policy that does not hold.
const FAILING: &str = "\n[[test]]\nname = \"high is quick\"\nevent = { severity = \"high\", device.name = \"lt-1\" }\n\
                       expect = { rule = \"high\", scan = \"quick\" }\n";

async fn watched() -> Site {
    Site::with(Wish {
        look: LOOK,
        ..Wish::default()
    })
    .await
}

/// As editors do it, and whoever is careful: beside the file, then over it.
fn put(path: &Path, text: &str) {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).unwrap();
    if let Ok(old) = std::fs::metadata(path) {
        std::fs::set_permissions(&beside, old.permissions()).unwrap();
    }
    std::fs::rename(beside, path).unwrap();
}

fn config(site: &Site) -> PathBuf {
    site.folder.path().join("scanhook.toml")
}

async fn status(site: &Site) -> Value {
    site.get("/api/v1/status").await
}

/// Waits until a policy other than this one is in force; its fingerprint.
async fn other_than(site: &Site, policy: &Value) -> Value {
    until("another policy is in force", async || {
        let now = status(site).await["policy"].clone();
        (now != *policy).then_some(now)
    })
    .await
}

/// Waits until the last reading was refused, or was not; its view.
async fn read_with(site: &Site, successful: bool) -> Value {
    until("the files are read", async || {
        let reload = status(site).await["reload"].clone();
        (reload["successful"] == successful).then_some(reload)
    })
    .await
}

async fn metric(site: &Site, name: &str) -> f64 {
    let text = site.admin("/metrics").await.text;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("scanhook_{name} ")));
    line.unwrap_or_else(|| panic!("{name} is missing: {text}"))
        .parse()
        .unwrap()
}

fn decision(receipt: &Value) -> &Value {
    &receipt["alerts"][0]["decisions"][0]
}

/// What a new medium alert gets: the kind of its scan.
async fn kind_of(site: &Site, n: u32) -> String {
    let receipt = site
        .accepted(alert(&format!("k{n}"), "medium", &machine(n)))
        .await;
    decision(&receipt)["scan"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_changed_policy_decides_the_next_alert_and_both_policies_can_be_read_afterwards() {
    let site = watched().await;
    let old = status(&site).await["policy"].clone();
    assert_eq!(kind_of(&site, 1).await, "quick");
    put(&site.rules(), &RULES.replace("quick", "full"));
    let new = other_than(&site, &old).await;
    assert_eq!(kind_of(&site, 2).await, "full");
    let decisions = site.get("/api/v1/decisions").await;
    let by: Vec<_> = decisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["policy"].clone())
        .collect();
    assert_eq!(by, [new.clone(), old.clone()]);
    for (policy, text) in [
        (&old, RULES.to_owned()),
        (&new, RULES.replace("quick", "full")),
    ] {
        assert_eq!(recorded(&site, policy.as_str().unwrap()).text(), text);
    }
    let reload = read_with(&site, true).await;
    assert_eq!((&reload["policy"], &reload["faults"]), (&new, &json!([])));
}

/// A policy as the journal keeps it, which must be the one of that fingerprint.
fn recorded(site: &Site, fingerprint: &str) -> Policy {
    let db = Connection::open_with_flags(site.journal(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT rules FROM policy WHERE hash = ?";
    let record: String = db.query_row(sql, [fingerprint], |row| row.get(0)).unwrap();
    let policy = Policy::recall(&record)
        .unwrap_or_else(|(_, findings)| panic!("{findings:?}"))
        .policy;
    assert_eq!(policy.fingerprint(), fingerprint);
    policy
}

#[tokio::test]
async fn a_bad_an_empty_a_missing_and_a_failing_policy_change_nothing_and_show_until_mended() {
    let site = watched().await;
    let old = status(&site).await["policy"].clone();
    let since = metric(&site, "rules_last_reload_success_timestamp_seconds").await;
    let typo = RULES.replace("severity.gte", "severty.gte");
    let twice = format!(
        "{RULES}[[rule]]\nname = \"high\"\nscan = \"quick\"\nwhen = {{ severity = \"low\" }}\n"
    );
    let failing = format!("{RULES}{FAILING}");
    let cases = [
        (Some("version = 1\n[[rule"), "syntax"),
        (Some(""), "empty-file"),
        (Some(typo.as_str()), "unknown-field"),
        (Some(twice.as_str()), "duplicate-name"),
        (Some(failing.as_str()), "test-failed"),
        (None, "unreadable"),
    ];
    for (n, (text, code)) in (1_u32..).zip(cases) {
        match text {
            Some(text) => put(&site.rules(), text),
            None => std::fs::remove_file(site.rules()).unwrap(),
        }
        let reload = read_with(&site, false).await;
        let first = &reload["faults"][0];
        assert_eq!(
            (&first["code"], &reload["policy"]),
            (&code.into(), &old),
            "{reload}"
        );
        assert!(
            first["file"].as_str().unwrap().ends_with("rules.toml"),
            "{reload}"
        );
        assert_eq!(first["line"].is_u64(), text.is_some(), "{reload}");
        assert_eq!(
            metric(&site, "rules_last_reload_successful").await,
            0.0,
            "{code}"
        );
        assert_eq!(
            metric(&site, "config_last_reload_successful").await,
            1.0,
            "{code}"
        );
        let ready = site.get("/readyz?verbose").await;
        assert_eq!(
            (&ready["ready"], &ready["reload"]["faults"][0]["code"]),
            (&true.into(), &code.into())
        );
        let (answered, problem) = site.refused("/-/reload", json!({})).await;
        assert_eq!((answered, &problem["code"]), (422, &"not-reloaded".into()));
        assert_eq!(problem["faults"], reload["faults"]);
        let shown = shown_by_status(&site).await;
        assert!(
            shown.contains("REFUSED at") && shown.contains(&format!("[{code}]")),
            "{shown}"
        );
        assert_eq!(
            kind_of(&site, n).await,
            "quick",
            "{code}: the old policy decides"
        );

        put(&site.rules(), RULES);
        let mended = read_with(&site, true).await;
        assert_eq!((&mended["faults"], &mended["policy"]), (&json!([]), &old));
        assert_eq!(metric(&site, "rules_last_reload_successful").await, 1.0);
    }
    assert!(metric(&site, "rules_last_reload_success_timestamp_seconds").await > since);
    assert!(!shown_by_status(&site).await.contains("REFUSED"));
}

#[tokio::test]
async fn a_configuration_that_was_cut_off_forgets_no_source() {
    let site = watched().await;
    let whole = std::fs::read_to_string(config(&site)).unwrap();
    let cut = whole.find("[sources.").unwrap();
    put(&config(&site), &whole[..cut]);
    let reload = read_with(&site, false).await;
    assert!(
        reload.to_string().contains("names no source any more"),
        "{reload}"
    );
    assert_eq!(kind_of(&site, 1).await, "quick", "the source is there");
}

/// What `scanhook status` prints.
async fn shown_by_status(site: &Site) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .args(["status", "--admin", &format!("http://{}", site.admin)])
        .env_clear();
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test]
async fn an_order_reads_the_files_at_once_and_says_what_it_changed() {
    let site = Site::open().await;
    let nothing = site.ordered("/-/reload", json!({})).await;
    assert_eq!(
        (&nothing["changed"], &nothing["successful"]),
        (&json!([]), &true.into())
    );
    put(&site.rules(), &RULES.replace("quick", "full"));
    assert_eq!(kind_of(&site, 1).await, "quick", "nobody has looked yet");
    let done = site.ordered("/-/reload", json!({})).await;
    assert_eq!(done["changed"], json!(["rules"]));
    assert_eq!(kind_of(&site, 2).await, "full");
    let (answered, problem) = site.refused("/-/reload", json!({ "force": true })).await;
    assert_eq!((answered, &problem["code"]), (400, &"unknown-key".into()));
}

const LISTED: &str = r#"
version = 1
[defaults]
mode = "enforce"
[lists.kiosks]
type = "text"
file = "kiosks.txt"
[[rule]]
name = "kiosks"
scan = "none"
when = { user = "@kiosks" }
[[rule]]
name = "all"
scan = "quick"
when = { source.exists = true }
"#;

#[tokio::test]
async fn a_list_is_read_again_alone_even_while_the_rules_file_is_faulty() {
    let mut site = watched().await;
    let list = site.folder.path().join("kiosks.txt");
    std::fs::write(&list, "k1\n").unwrap();
    site.restart_with(LISTED).await;
    let of = async |n: u32, user: &str| {
        let body = json!({ "alert_id": n, "severity": "high", "user": user, "mde_id": machine(n) });
        decision(&site.accepted(body.to_string()).await)["rule"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        (of(1, "k1").await, of(2, "k2").await),
        ("kiosks".to_owned(), "all".to_owned())
    );
    let first = status(&site).await["policy"].clone();
    put(&list, "k1\nk2\n");
    let second = other_than(&site, &first).await;
    assert_eq!(of(3, "k2").await, "kiosks");

    put(&site.rules(), "version = 1\nno TOML [");
    read_with(&site, false).await;
    put(&list, "k3\n");
    let third = other_than(&site, &second).await;
    assert_eq!(
        (of(4, "k2").await, of(5, "k3").await),
        ("all".to_owned(), "kiosks".to_owned())
    );
    let reload = read_with(&site, false).await;
    assert_eq!(
        (&reload["faults"][0]["code"], &reload["policy"]),
        (&"syntax".into(), &third)
    );

    // An emptied list would let everything through that it kept back.
    put(&site.rules(), LISTED);
    read_with(&site, true).await;
    put(&list, "# nothing\n");
    assert_eq!(
        read_with(&site, false).await["faults"][0]["code"],
        "too-few-entries"
    );
    std::fs::remove_file(&list).unwrap();
    until("the missing list is seen", async || {
        (status(&site).await["reload"]["faults"][0]["code"] == "unreadable-list").then_some(())
    })
    .await;
    assert_eq!(of(6, "k3").await, "kiosks", "the list as it was");
    put(&list, "k1\n");
    read_with(&site, true).await;
}

#[tokio::test]
async fn a_pipe_or_a_device_in_a_files_place_is_refused_and_the_next_good_file_is_taken_in() {
    let mut site = Site::open().await;
    let list = site.folder.path().join("kiosks.txt");
    std::fs::write(&list, "k1\n").unwrap();
    site.restart_with(LISTED).await;
    std::fs::remove_file(&list).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(&list)
            .status()
            .unwrap()
            .success()
    );
    let (answered, problem) = site.refused("/-/reload", json!({})).await;
    assert_eq!(
        (answered, &problem["faults"][0]["code"]),
        (422, &"unreadable-list".into()),
        "{problem}"
    );
    std::fs::remove_file(&list).unwrap();
    std::fs::write(&list, "k2\n").unwrap();
    assert_eq!(
        site.ordered("/-/reload", json!({})).await["changed"],
        json!(["lists"])
    );

    let before = std::fs::read_to_string(config(&site)).unwrap();
    put(&config(&site), &before.replace("siem.secret", "/dev/zero"));
    let (answered, problem) = site.refused("/-/reload", json!({})).await;
    assert_eq!(
        (answered, &problem["faults"][0]["code"]),
        (422, &"bad-secret".into()),
        "{problem}"
    );
    put(&config(&site), &before);
    site.ordered("/-/reload", json!({})).await;
}

/// Holds only as long as the map of `siem` reads the severity.
const CAPTURED: &str = "\n[[test]]\nname = \"as captured\"\nsource = \"siem\"\npayload_file = \"captured.json\"\n\
                        expect = { rule = \"high\", scan = \"full\" }\n";

#[tokio::test]
async fn settings_with_which_a_test_of_the_policy_in_force_fails_are_refused() {
    let mut site = Site::open().await;
    std::fs::write(
        site.folder.path().join("captured.json"),
        alert("1", "high", &machine(1)),
    )
    .unwrap();
    site.restart_with(&format!("{RULES}{CAPTURED}")).await;
    let before = std::fs::read_to_string(config(&site)).unwrap();
    let source = "[sources.siem]\npreset = \"generic\"\n";
    assert!(before.contains(source));
    put(
        &config(&site),
        &before.replace(
            source,
            &format!("{source}map = {{ severity = {{ path = \"/nowhere\" }} }}\n"),
        ),
    );
    let (answered, problem) = site.refused("/-/reload", json!({})).await;
    assert_eq!(
        (answered, &problem["faults"][0]["code"]),
        (422, &"test-failed".into()),
        "{problem}"
    );
    assert!(
        problem["faults"][0]["file"]
            .as_str()
            .unwrap()
            .ends_with("scanhook.toml"),
        "{problem}"
    );
    put(&config(&site), &before);
    assert_eq!(
        site.ordered("/-/reload", json!({})).await["changed"],
        json!([])
    );
}

#[tokio::test]
async fn a_secret_in_a_lists_place_is_never_shown() {
    let mut site = Site::open().await;
    let list = site.folder.path().join("kiosks.txt");
    for (kind, good) in [
        ("cidr", "10.0.0.0/8"),
        ("machine_id", machine(1).as_str()),
        ("glob", "k*"),
    ] {
        std::fs::write(&list, good).unwrap();
        let field = match kind {
            "cidr" => "device.reported_ip",
            "machine_id" => "device.id",
            _ => "user",
        };
        let rules = LISTED
            .replace("\"text\"", &format!("\"{kind}\""))
            .replace("{ user =", &format!("{{ {field} ="));
        site.restart_with(&rules).await;
        std::fs::write(&list, "{S3cret-value").unwrap();
        let (answered, problem) = site.refused("/-/reload", json!({})).await;
        assert_eq!(answered, 422, "{problem}");
        assert!(
            problem.to_string().contains("kiosks.txt:1: ")
                && !problem.to_string().contains("S3cret"),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_mounted_config_map_that_swaps_its_links_is_taken_in_as_a_whole() {
    use std::os::unix::fs::symlink;
    let mut site = watched().await;
    site.stop().await;
    let folder = site.folder.path().to_owned();
    let version = |name: &str, kiosk: &str, scan: &str| {
        let data = folder.join(name);
        std::fs::create_dir(&data).unwrap();
        let rules = LISTED.replace("scan = \"quick\"", &format!("scan = \"{scan}\""));
        std::fs::write(data.join("rules.toml"), rules).unwrap();
        std::fs::write(data.join("kiosks.txt"), kiosk).unwrap();
    };
    version("..2026_1", "k1\n", "quick");
    version("..2026_2", "k2\n", "full");
    symlink("..2026_1", folder.join("..data")).unwrap();
    for file in ["rules.toml", "kiosks.txt"] {
        let _ = std::fs::remove_file(folder.join(file));
        symlink(format!("..data/{file}"), folder.join(file)).unwrap();
    }
    site.wish.rules = std::fs::read_to_string(site.rules()).unwrap();
    site.restart().await;
    let old = status(&site).await["policy"].clone();
    symlink("..2026_2", folder.join("..data_tmp")).unwrap();
    std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    std::fs::remove_dir_all(folder.join("..2026_1")).unwrap();
    other_than(&site, &old).await;
    let body = json!({ "alert_id": "1", "severity": "high", "user": "k1", "mde_id": machine(1) });
    let receipt = site.accepted(body.to_string()).await;
    assert_eq!(
        (&decision(&receipt)["rule"], &decision(&receipt)["scan"]),
        (&"all".into(), &"full".into())
    );
}

/// A request to a source as if its secret were this.
async fn post_with(site: &Site, source: &str, secret: &str, body: &str) -> u16 {
    let url = format!("http://{}/webhooks/{source}", site.public);
    let request = client()
        .post(url)
        .header("content-type", "application/json");
    let signature = format!("sha256={}", hmac_hex(secret, body.as_bytes()));
    request
        .header("x-signature-256", signature)
        .body(body.to_owned())
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

#[tokio::test]
async fn a_sources_new_secret_counts_at_once_and_an_unsafe_one_changes_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    const NEW: &str = "siem-secret-of-32-bytes-11111111";
    let site = watched().await;
    let file = site.folder.path().join("siem.secret");
    put(&file, NEW);
    until("the new secret counts", async || {
        let body = alert("new", "low", &machine(1));
        (post_with(&site, "siem", NEW, &body).await != 401).then_some(())
    })
    .await;
    assert_eq!(
        post_with(
            &site,
            "siem",
            SIEM_SECRET,
            &alert("old", "low", &machine(2))
        )
        .await,
        401
    );

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let reload = read_with(&site, false).await;
    assert_eq!(reload["faults"][0]["code"], "bad-secret");
    assert!(
        !reload.to_string().contains(NEW) && !reload.to_string().contains(SIEM_SECRET),
        "{reload}"
    );
    assert_eq!(metric(&site, "config_last_reload_successful").await, 0.0);
    assert_eq!(metric(&site, "rules_last_reload_successful").await, 1.0);
    assert_eq!(
        post_with(&site, "siem", NEW, &alert("b", "low", &machine(3))).await,
        202
    );
    // The policy does not wait for scanhook.toml to be mended.
    put(&site.rules(), &RULES.replace("quick", "full"));
    other_than(&site, &reload["policy"]).await;

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    read_with(&site, true).await;
    assert_eq!(metric(&site, "config_last_reload_successful").await, 1.0);
}

#[tokio::test]
async fn sources_come_and_go_and_what_takes_a_restart_is_said_and_stays() {
    let site = Site::open().await;
    let before = std::fs::read_to_string(config(&site)).unwrap();
    assert_eq!(
        post_with(&site, "late", SIEM_SECRET, &alert("1", "low", &machine(1))).await,
        404
    );
    let late = "\n[sources.late]\npreset = \"generic\"\nexpect_every = \"7h\"\n[[sources.late.auth]]\nhmac = { header = \"X-Signature-256\", \
                prefix = \"sha256=\", encoding = \"hex\", signed = \"{body}\", secret_file = \"siem.secret\" }\n";
    let changed = before
        .replace("grace = \"2s\"", "grace = \"3s\"")
        .replace("127.0.0.1:0\"\nadmin", "127.0.0.1:1\"\nadmin")
        .replace("scanhook.db", "elsewhere.db");
    put(&config(&site), &format!("{changed}{late}"));
    let view = site.ordered("/-/reload", json!({})).await;
    assert_eq!(view["changed"], json!(["settings"]));
    assert_eq!(
        view["needs_restart"],
        json!(["server.listen", "server.grace", "journal.url"]),
        "{view}"
    );
    assert_eq!(
        post_with(&site, "late", SIEM_SECRET, &alert("1", "low", &machine(1))).await,
        202
    );
    let shown = site.get("/api/v1/status?source=late").await;
    assert_eq!(shown["sources"][0]["expect_every"], "7h");
    let last = "scanhook_source_last_delivery_timestamp_seconds{source=\"late\"}";
    assert!(site.admin("/metrics").await.text.contains(last));
    assert!(!site.folder.path().join("elsewhere.db").exists());

    put(&config(&site), &before);
    let view = site.ordered("/-/reload", json!({})).await;
    assert_eq!(
        (&view["needs_restart"], &view["changed"]),
        (&json!([]), &json!(["settings"]))
    );
    assert_eq!(
        post_with(&site, "late", SIEM_SECRET, &alert("2", "low", &machine(1))).await,
        404
    );
    assert!(
        !site.admin("/metrics").await.text.contains(last),
        "nobody expects it any more"
    );
    let cut = before.split("[sources.").next().unwrap();
    for text in [" \n", "\u{feff}", "# nothing\n", cut] {
        put(&config(&site), text);
        let (answered, problem) = site.refused("/-/reload", json!({})).await;
        assert_eq!(
            (answered, &problem["faults"][0]["code"]),
            (422, &"missing-key".into()),
            "{problem}"
        );
    }
    assert_eq!(
        post_with(&site, "siem", SIEM_SECRET, &alert("3", "low", &machine(1))).await,
        202
    );
}

#[tokio::test]
async fn a_tenants_new_quota_counts_and_the_call_under_way_comes_to_its_end_first() {
    let wish = Wish::default();
    let setup = Setup {
        latency_ms: 700,
        ..wish.setup.clone()
    };
    let site = Site::with(Wish { setup, ..wish }).await;
    let before = std::fs::read_to_string(config(&site)).unwrap();
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    until("the call has left", async || {
        (!site.far.calls_of("scan").is_empty()).then_some(())
    })
    .await;
    put(
        &config(&site),
        &before.replace(
            "[sources.siem]",
            "quota = { per_minute = 40 }\n[sources.siem]",
        ),
    );
    site.ordered("/-/reload", json!({})).await;
    until("the lane has its new share", async || {
        (status(&site).await["tenants"][0]["quota"]["scan"]["per_minute"] == 40).then_some(())
    })
    .await;
    let scan = site
        .scan_ended(decision(&receipt)["scan_id"].as_str().unwrap())
        .await;
    assert_eq!(
        (&scan["outcome"], &scan["tries"]),
        (&"succeeded".into(), &1.into()),
        "{scan}"
    );
    assert!(
        !scan["events"].to_string().contains("unknown"),
        "its answer was waited for: {scan}"
    );
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn a_tenant_that_gets_another_name_has_no_quota_of_its_own() {
    let site = Site::open().await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    site.scan_ended(decision(&receipt)["scan_id"].as_str().unwrap())
        .await;
    let before = std::fs::read_to_string(config(&site)).unwrap();
    put(
        &config(&site),
        &before.replace("[tenants.default]", "[tenants.prod]"),
    );
    site.ordered("/-/reload", json!({})).await;
    let quota = until("the lane of the new name runs", async || {
        let tenants = status(&site).await["tenants"].clone();
        let prod = tenants
            .as_array()
            .unwrap()
            .iter()
            .find(|tenant| tenant["name"] == "prod")
            .cloned();
        prod.map(|prod| prod["quota"].clone())
            .filter(|quota| quota["scan"].is_object())
    })
    .await;
    assert_eq!(
        (&quota["scan"]["minute"], &quota["scan"]["hour"]),
        (&1.into(), &1.into()),
        "{quota}"
    );
}

#[tokio::test]
async fn one_app_named_by_a_domain_and_by_an_id_is_called_by_one_of_the_two_names() {
    let site = Site::open().await;
    let by_domain = std::fs::read_to_string(config(&site))
        .unwrap()
        .replace(TENANT, "contoso.example");
    let by_domain = by_domain.replace("preset = ", "tenants = \"default\"\npreset = ");
    put(&config(&site), &by_domain);
    site.ordered("/-/reload", json!({})).await;
    let id = until(
        "the token tells which Entra tenant the domain is",
        async || {
            let lane = status(&site).await["tenants"][0]["lane"].clone();
            lane["tenant_id"]
                .as_str()
                .filter(|id| *id != TENANT)
                .map(str::to_owned)
        },
    )
    .await;
    let (head, tail) = by_domain.split_once("[tenants.default]").unwrap();
    let (keys, rest) = tail.split_once("[sources.siem]").unwrap();
    let twin = keys.replace("contoso.example", &id);
    put(
        &config(&site),
        &format!("{head}[tenants.default]{keys}[tenants.twin]{twin}[sources.siem]{rest}"),
    );
    site.ordered("/-/reload", json!({})).await;
    let stopped = async |name: &str| {
        let tenants = status(&site).await["tenants"].clone();
        let lane = tenants
            .as_array()
            .unwrap()
            .iter()
            .find(|tenant| tenant["name"] == name)
            .unwrap()["lane"]
            .clone();
        (
            lane["stopped"].as_str().map(str::to_owned),
            lane["token_expires_at"].is_string(),
        )
    };
    let why = until(
        "the name that is written as a domain gives way",
        async || stopped("default").await.0,
    )
    .await;
    assert!(why.contains("`twin`") && why.contains("same app"), "{why}");
    until("the other has its token", async || {
        stopped("twin").await.1.then_some(())
    })
    .await;
    assert_eq!(stopped("twin").await.0, None);
    site.accepted(alert("1", "high", &machine(1))).await;
    never("a scan leaves under the name that gave way", || {
        !site.far.calls_of("scan").is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_tenant_stopped_by_its_credential_goes_on_with_the_new_one() {
    let wish = Wish::default();
    let app = Tenant {
        id: TENANT.to_owned(),
        client_id: CLIENT.to_owned(),
        client_secret: "the new one".to_owned(),
        ..Tenant::default()
    };
    let setup = Setup {
        tenants: vec![app],
        ..wish.setup.clone()
    };
    let site = Site::with(Wish {
        setup,
        look: LOOK,
        ..wish
    })
    .await;
    assert!(site.stopped().await.contains("AADSTS7000215"));
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    put(&site.folder.path().join("app.secret"), "the new one");
    let scan = site
        .scan_ended(decision(&receipt)["scan_id"].as_str().unwrap())
        .await;
    assert_eq!(scan["outcome"], "succeeded");
}

#[tokio::test]
async fn a_tenant_comes_and_goes_and_its_open_work_stays_to_be_seen_and_goes_on() {
    let site = Site::open().await;
    let before = std::fs::read_to_string(config(&site)).unwrap();
    let only = before.replace("preset = ", "tenants = \"default\"\npreset = ");
    let tenant = before
        .split("[sources.siem]")
        .next()
        .unwrap()
        .split("[tenants.default]")
        .nth(1)
        .unwrap();
    let tenant = tenant.replace(TENANT, "second.example");
    let source = "\n[sources.south]\npreset = \"generic\"\ntenants = \"second\"\n[[sources.south.auth]]\nhmac = { header = \"X-Signature-256\", \
                  prefix = \"sha256=\", encoding = \"hex\", signed = \"{body}\", secret_file = \"other.secret\" }\n";
    let both = format!("{only}\n[tenants.second]{tenant}{source}");
    put(&config(&site), &both);
    site.ordered("/-/reload", json!({})).await;
    site.ordered("/api/v1/pause", json!({ "tenant": "second" }))
        .await;
    assert_eq!(
        post_with(
            &site,
            "south",
            OTHER_SECRET,
            &alert("2", "high", &machine(2))
        )
        .await,
        202
    );
    let scans = site.get("/api/v1/scans?tenant=second").await;
    let id = scans["items"][0]["id"].as_str().unwrap().to_owned();
    until("its lane asks for a token of its own", async || {
        site.far
            .calls()
            .iter()
            .any(|call| call.path.starts_with("/second.example/"))
            .then_some(())
    })
    .await;

    let used = "scanhook_quota_used{tenant=\"second\"";
    assert!(site.admin("/metrics").await.text.contains(used));
    put(&config(&site), &before);
    site.ordered("/-/reload", json!({})).await;
    assert_eq!(
        post_with(
            &site,
            "south",
            OTHER_SECRET,
            &alert("3", "high", &machine(3))
        )
        .await,
        404
    );
    let tenants = status(&site).await["tenants"].clone();
    let of = |name: &str| {
        tenants
            .as_array()
            .unwrap()
            .iter()
            .find(|tenant| tenant["name"] == name)
            .unwrap()
            .clone()
    };
    assert_eq!(of("second")["scans"]["waiting"], 1);
    let metrics = site.admin("/metrics").await.text;
    assert!(
        metrics.contains("scanhook_scans{tenant=\"second\",state=\"waiting\"} 1"),
        "{metrics}"
    );
    assert!(!metrics.contains(used), "{metrics}");
    assert!(
        of("second")["lane"]["stopped"]
            .as_str()
            .unwrap()
            .contains("no longer names"),
        "{tenants}"
    );
    assert_eq!(of("default")["lane"]["stopped"], Value::Null);
    let (answered, problem) = site
        .refused("/api/v1/resume", json!({ "tenant": "second" }))
        .await;
    assert_eq!(
        (answered, &problem["key"]),
        (400, &"tenant".into()),
        "it is not configured"
    );
    site.ordered("/api/v1/resume", json!({})).await;
    never("a tenant that is gone calls", || {
        !site.far.calls_of("scan").is_empty()
    })
    .await;

    put(&config(&site), &both);
    site.ordered("/-/reload", json!({})).await;
    assert_eq!(site.scan_ended(&id).await["outcome"], "succeeded");
    assert_eq!(site.far.scans().len(), 1);
}

#[tokio::test]
async fn a_tenant_in_dry_run_sends_nothing_more_from_the_reload_on() {
    let site = Site::open().await;
    let before = std::fs::read_to_string(config(&site)).unwrap();
    put(
        &config(&site),
        &before.replace("[sources.siem]", "mode = \"dry_run\"\n[sources.siem]"),
    );
    site.ordered("/-/reload", json!({})).await;
    let receipt = site.accepted(alert("1", "high", &machine(1))).await;
    let id = decision(&receipt)["scan_id"].as_str().unwrap().to_owned();
    assert_eq!(site.scan_ended(&id).await["outcome"], "dry_run");
    never("a scan is sent", || !site.far.scans().is_empty()).await;
}

#[tokio::test]
async fn the_program_reads_its_files_at_sighup_and_logs_a_fault_once_for_each_content() {
    let far = Far::open(Wish::default().setup).await;
    let folder = tempfile::tempdir().unwrap();
    install(folder.path(), far.at, "", "");
    let rules = folder.path().join("rules.toml");
    std::fs::write(&rules, RULES).unwrap();
    let served = Served::start(folder.path()).await;
    let http = client();
    let log = || -> Vec<Value> {
        let text = std::fs::read_to_string(folder.path().join("serve.log")).unwrap();
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    let lines = |what: &str| {
        log()
            .into_iter()
            .filter(|line| line["message"] == what)
            .collect::<Vec<_>>()
    };
    put(&rules, &RULES.replace("quick", "full"));
    served.hang_up();
    until("the signal is heard", async || {
        (!lines("reloaded").is_empty()).then_some(())
    })
    .await;
    assert_eq!(
        lines("reloaded")[0]["scanhook.why"],
        "SIGHUP",
        "{:?}",
        log()
    );
    let receipt = served
        .post(&http, &alert("1", "medium", &machine(1)))
        .await
        .json();
    assert_eq!(decision(&receipt)["scan"], "full");

    let refused = "not put in force: the old stays as it is";
    let at = async |what: &str, last: &str| {
        until(what, async || {
            let reload = served.get(&http, "/api/v1/status").await["reload"].clone();
            (reload["at"] != last).then_some(reload)
        })
        .await
    };
    put(&rules, "version = 1\nrule = 3\n");
    let mut last = String::new();
    for _ in 0..3 {
        let before = if last.is_empty() {
            served.get(&http, "/api/v1/status").await["reload"]["at"].clone()
        } else {
            last.clone().into()
        };
        served.hang_up();
        last = at("it is read again", before.as_str().unwrap()).await["at"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    let told = lines(refused);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["error.code"], &told[0]["scanhook.line"]),
        (&"wrong-type".into(), &2.into()),
        "{told:?}"
    );
    assert_eq!(told[0]["log.level"], "ERROR", "{told:?}");
    put(&rules, "version = 1\nrule = 4\n");
    served.hang_up();
    until("the other content is told", async || {
        (lines(refused).len() == 2).then_some(())
    })
    .await;
    put(&rules, RULES);
    use std::os::unix::fs::PermissionsExt as _;
    let secret = folder.path().join("siem.secret");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    served.hang_up();
    until("a fault without other contents is told", async || {
        lines(refused)
            .iter()
            .any(|line| line["error.code"] == "bad-secret")
            .then_some(())
    })
    .await;
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    // Without a signal, by looking.
    until("the mended file is found", async || {
        (served.get(&http, "/api/v1/status").await["reload"]["successful"] == true).then_some(())
    })
    .await;
}

/// The n-th policy: a rule and a list that belong together.
fn nth(n: u32) -> String {
    format!(
        "version = 1\n[lists.words]\ntype = \"text\"\nfile = \"words-{n}.txt\"\n[[rule]]\nname = \"r{n}\"\nscan = \"quick\"\n\
         when = {{ alert.title = \"@words\" }}\n[[test]]\nname = \"its own\"\nevent = {{ alert.title = \"t\", device.name = \"lt-1\" }}\n\
         expect = {{ rule = \"r{n}\", scan = \"quick\" }}\n"
    )
}

/// Reloads that good, bad and empty files lead to in turn, while senders post and the directory answers.
#[tokio::test(flavor = "multi_thread")]
async fn reloads_under_load_lose_no_alert_and_every_decision_is_of_one_complete_policy() {
    let reloads: u32 = std::env::var("RELOADS")
        .ok()
        .map_or(60, |text| text.parse().unwrap());
    let named = (0..20).map(|n| Machine {
        id: machine(5000 + n),
        dns_name: Some(format!("ws-{n}.corp.example")),
        ..Machine::default()
    });
    let mut wish = Wish::default();
    wish.setup = Setup {
        machines: named.collect(),
        ..wish.setup
    };
    let mut site = Site::with(wish).await;
    std::fs::write(site.folder.path().join("words-0.txt"), "t\n").unwrap();
    site.restart_with(&nth(0)).await;
    let (over, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    let sender = async || {
        while !over.load(Ordering::Relaxed) {
            let n = sent.fetch_add(1, Ordering::Relaxed);
            // Every other one is decided by its lane, once the directory has answered.
            let device = if n.is_multiple_of(2) {
                json!({ "mde_id": machine(n) })
            } else {
                json!({ "name": format!("ws-{}.corp.example", n % 20) })
            };
            let body =
                json!({ "alert_id": n, "title": "t", "severity": "high", "devices": [device] });
            site.accepted(body.to_string()).await;
        }
    };
    let changes = async || {
        for n in 1..=reloads {
            match n % 3 {
                1 => {
                    std::fs::write(site.folder.path().join(format!("words-{n}.txt")), "t\n")
                        .unwrap();
                    put(&site.rules(), &nth(n));
                    assert_eq!(
                        site.ordered("/-/reload", json!({})).await["changed"],
                        json!(["rules"]),
                        "{n}"
                    );
                }
                2 => {
                    put(&site.rules(), &nth(n).replace("scan = ", "scna = "));
                    assert_eq!(site.refused("/-/reload", json!({})).await.0, 422, "{n}");
                }
                _ => {
                    put(&site.rules(), "");
                    assert_eq!(site.refused("/-/reload", json!({})).await.0, 422, "{n}");
                }
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    let work: Vec<std::pin::Pin<Box<dyn Future<Output = ()>>>> = vec![
        Box::pin(changes()),
        Box::pin(sender()),
        Box::pin(sender()),
        Box::pin(sender()),
        Box::pin(sender()),
    ];
    join(work).await;
    site.resolved().await;

    let sent = sent.into_inner();
    assert_eq!(
        (site.rows().delivery, site.rows().decision),
        (sent, sent),
        "each 202 is there"
    );
    let db = Connection::open_with_flags(site.journal(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let sql = "SELECT d.rule, p.hash, count(*) FROM decision d JOIN policy p ON p.id = d.policy GROUP BY 1, 2";
    let mut query = db.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, u32>(2)?,
        ))
    };
    let (mut policies, mut decisions) = (0, 0);
    for (rule, hash, count) in query.query_map([], row).unwrap().map(Result::unwrap) {
        let policy = recorded(&site, &hash);
        assert_eq!(
            policy.text(),
            nth(rule[1..].parse().unwrap()),
            "its rule and its list belong together"
        );
        (policies, decisions) = (policies + 1, decisions + count);
    }
    println!("{reloads} reloads, {sent} alerts, decided by {policies} policies");
    assert_eq!(decisions, sent, "each by a rule of the policy it names");
    assert!(policies > 1, "reloads came between them");
}
