#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod agreement;
mod auth;
mod credential;
mod many;
mod network;
mod receivers;
mod telemetry;
mod write_back;

use core::time::Duration;
use std::os::unix::fs::PermissionsExt as _;

use bytes::Bytes;
use secrecy::ExposeSecret as _;

use super::*;
use crate::defender::Endpoints;
use crate::defender::credential::Credential;
use scanhook_core::alert::Severity;
use scanhook_core::mapping::{Item, read as read_alerts};
use scanhook_core::quota::Share;
use scanhook_core::scan::Mode;
use scanhook_core::signature::{Moment, ProvenRequest, authenticate};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

const SECRET: &str = "canary-secret-0123456789";
const OTHER: &str = "other-canary-0123456789ab";
const TENANT: &str = r#"
[tenants.default]
tenant_id = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e"
client_id = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"
credential = { secret_env = "APP_SECRET" }
"#;
const SOURCE: &str = r#"
[sources.s]
preset = "generic"
[[sources.s.auth]]
bearer = { secret_file = "s.secret" }
"#;

/// The one client secret of a tenant.
fn secret_of(tenant: &Tenant) -> &str {
    match tenant.credential.as_deref() {
        Ok(Credential::Secrets(secrets)) if secrets.len() == 1 => secrets[0].text.expose_secret(),
        _ => panic!("no client secret"),
    }
}

#[test]
fn the_environment_says_how_wide_a_terminal_is_and_what_it_can_do() {
    let of = |name: &str, value: &str| Inputs {
        env: [(name.to_owned(), value.to_owned())].into(),
        ..Inputs::default()
    };
    for (value, columns) in [
        ("80", Some(80)),
        ("", None),
        ("0", None),
        ("wide", None),
        ("-1", None),
    ] {
        assert_eq!(of("COLUMNS", value).columns(), columns, "{value}");
    }
    for (value, moves) in [("xterm-256color", true), ("dumb", false), ("", false)] {
        assert_eq!(of("TERM", value).moves_cursor(), moves, "{value}");
    }
    assert!(
        !Inputs::default().moves_cursor(),
        "nothing says that it can"
    );
    assert!(
        !of("TERM", "dumb").colour()
            && !of("NO_COLOR", "1").colour()
            && of("NO_COLOR", "").colour()
    );
}

/// A folder with secrets and a file.
struct Setting {
    folder: tempfile::TempDir,
    inputs: Inputs,
}

impl Setting {
    fn of(file: &str) -> Setting {
        let folder = tempfile::tempdir().unwrap();
        let env = [
            ("APP_SECRET", "app-canary"),
            ("SENDER", SECRET),
            ("SHORT", "fifteen bytes.."),
            ("EMPTY", ""),
        ];
        let env = env
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let path = folder.path().join("scanhook.toml");
        std::fs::write(&path, file).unwrap();
        let setting = Setting {
            folder,
            inputs: Inputs {
                file: Some(path),
                env,
                flags: Flags::default(),
            },
        };
        setting.secret("s.secret", &format!("{SECRET}\n"), 0o600);
        setting.secret("other.secret", OTHER, 0o600);
        setting
    }

    fn secret(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn env(mut self, name: &str, value: &str) -> Setting {
        self.inputs.env.insert(name.to_owned(), value.to_owned());
        self
    }

    fn load(&self) -> Settings {
        Settings::load(&self.inputs).unwrap_or_else(|faults| panic!("{}", shown(&faults)))
    }

    fn faults(&self) -> Vec<SettingsFault> {
        let Err(faults) = Settings::load(&self.inputs) else {
            panic!("faults expected")
        };
        let text = shown(&faults);
        assert!(!text.contains("canary"), "a secret in a message: {text}");
        for fault in &faults {
            assert!(
                SettingsFault::CODES
                    .iter()
                    .any(|(code, _)| *code == fault.code),
                "{fault}"
            );
        }
        faults
    }
}

fn shown(faults: &[SettingsFault]) -> String {
    faults.iter().map(|fault| format!("{fault}\n")).collect()
}

fn with(more: &str) -> Setting {
    Setting::of(&format!("{TENANT}{SOURCE}{more}"))
}

/// The code and key of the one fault of this file.
fn fault(file: &str) -> (&'static str, String) {
    let faults = Setting::of(file).faults();
    assert_eq!(faults.len(), 1, "{file}\n{}", shown(&faults));
    (faults[0].code, faults[0].key.clone())
}

#[test]
fn the_example_is_complete_and_works() {
    let setting =
        Setting::of(include_str!("../../scanhook.example.toml")).env("SOAR_SECRET", SECRET);
    setting.secret("secrets/defender-app", "app secret\n", 0o600);
    setting.secret("secrets/sentinel.new", OTHER, 0o600);
    setting.secret("secrets/sentinel.old", "an old one of 24 bytes..", 0o600);
    setting.secret(
        "secrets/soar.whsec",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        0o600,
    );
    let settings = setting.load();
    assert_eq!(secret_of(&settings.tenants[0]), "app secret");
    assert_eq!(
        settings
            .sources
            .iter()
            .map(|s| s.name.as_str())
            .collect::<Vec<_>>(),
        ["sentinel", "soar"]
    );
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let body =
        br#"{"ticket":{"number":7},"product":"EDR","headline":"h","score":61,"hostname":"lt-042"}"#;
    let json = strict_json::read(body).unwrap();
    let items = read_alerts(
        &settings.sources[1].mapping,
        settings.sources[1].caps,
        &json,
        &[0; 24],
    );
    let [Item::Alert(alert)] = items.as_slice() else {
        panic!("{items:?}")
    };
    assert_eq!(
        (alert.id.as_str(), alert.title.as_deref()),
        ("7", Some("EDR: h"))
    );
    assert_eq!(
        (alert.severity, alert.devices[0].label()),
        (Some(Severity::High), "lt-042")
    );
}

#[test]
fn every_key_commented_out_in_the_example_shows_its_default() {
    let example = include_str!("../../scanhook.example.toml");
    let is_key = |line: &&str| {
        line.split_once(" = ").is_some_and(|(key, _)| {
            key.trim()
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b == b'_')
        })
    };
    let lines = |uncomment: bool| -> String {
        let line = |line: &str| match line.strip_prefix("# ").filter(is_key) {
            Some(key) if uncomment => key.to_owned() + "\n",
            _ => line.to_owned() + "\n",
        };
        example.lines().map(line).collect()
    };
    assert!(
        lines(true).matches("\nmethods ").count() == 1,
        "keys are found"
    );
    let load = |file: String| {
        let setting = Setting::of(&file).env("SOAR_SECRET", SECRET);
        for name in [
            "secrets/defender-app",
            "secrets/sentinel.new",
            "secrets/sentinel.old",
        ] {
            setting.secret(name, &format!("{name} long enough"), 0o600);
        }
        setting.secret(
            "secrets/soar.whsec",
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            0o600,
        );
        let s = setting.load();
        let server = format!("{:?}", s.server);
        let tenant = &s.tenants[0];
        let source = &s.sources[0];
        let records = (
            s.journal.bodies,
            s.journal.records,
            s.journal.path.file_name().map(ToOwned::to_owned),
        );
        (
            (
                server,
                records,
                tenant.endpoints.clone(),
                tenant.quota,
                tenant.limit,
            ),
            (
                source.caps,
                source.content_types.clone(),
                source.methods.clone(),
                source.remember,
                source.tenants.clone(),
            ),
        )
    };
    assert_eq!(load(lines(true)), load(lines(false)));
}

#[test]
fn content_types_may_have_parameters_and_gzip_is_taken_where_it_is_said() {
    let source = |more: &str| {
        let file = format!(
            "{TENANT}{}",
            SOURCE.replacen("preset", &format!("{more}\npreset"), 1)
        );
        let setting = Setting::of(&file).env("APP_SECRET", SECRET);
        setting.load().sources[0].clone()
    };
    let plain = source("");
    assert_eq!(
        (plain.content_types, plain.gzip),
        (vec!["application/json".to_owned()], false)
    );
    let told = source(
        "content_types = [\"Application/JSON; charset=utf-8\", \"text/plain;v=1\"]\ncontent_encodings = \"gzip\"",
    );
    assert_eq!(
        (told.content_types, told.gzip),
        (
            vec!["application/json".to_owned(), "text/plain".to_owned()],
            true
        )
    );
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let file = format!("[server]\nlisten = \"127.0.0.1:1001\"\ngrace = \"7s\"\n{TENANT}{SOURCE}");
    let mut setting = Setting::of(&file);
    assert_eq!(setting.load().server.listen.port(), 1001);
    assert_eq!(setting.load().server.admin_listen.port(), 9090);
    setting = setting.env("SCANHOOK_SERVER__LISTEN", "127.0.0.1:1002");
    assert_eq!(setting.load().server.listen.port(), 1002);
    setting.inputs.flags.listen = Some(([127, 0, 0, 1], 1003).into());
    assert_eq!(setting.load().server.listen.port(), 1003);
    assert_eq!(setting.load().server.grace, Duration::from_secs(7));
}

#[test]
fn variables_reach_every_kind_of_key() {
    let settings = with("")
        .env("SCANHOOK_SERVER__CONNECTIONS__TOTAL", "600")
        .env(
            "SCANHOOK_SERVER__TRUSTED_PROXIES",
            "[\"10.0.0.0/8\", \"::1\"]",
        )
        .env("SCANHOOK_SERVER__MAX_BODY", "64KiB")
        .env("SCANHOOK_TENANTS__DEFAULT__QUOTA", "{ per_minute = 5 }")
        .env("SCANHOOK_TENANTS__DEFAULT__QUOTA__PER_HOUR", "50")
        .env("SCANHOOK_SOURCES__S__MAX_ALERTS", "3")
        .env("SCANHOOK_RULES", "a flag's own variable, not a key")
        .load();
    assert_eq!(
        (
            settings.server.connections.total,
            settings.server.connections.per_address
        ),
        (600, 512)
    );
    assert_eq!(settings.server.trusted_proxies.0.len(), 2);
    assert_eq!(
        (settings.server.max_body, settings.sources[0].max_body),
        (65_536, 65_536)
    );
    assert_eq!(
        settings.tenants[0].quota,
        Share {
            per_minute: 5,
            per_hour: 50
        }
    );
    assert_eq!(settings.sources[0].caps.alerts, 3);
    let faults = with("")
        .env("SCANHOOK_SERVER__LISTN", "x")
        .env("SCANHOOK_SERVER__GRACE", "soon")
        .faults();
    assert_eq!(
        faults.iter().map(|f| f.code).collect::<Vec<_>>(),
        ["bad-value", "unknown-variable"]
    );
    assert!(
        faults[0].message.contains("SCANHOOK_SERVER__GRACE"),
        "{}",
        faults[0]
    );
    assert_eq!(faults[1].key, "SCANHOOK_SERVER__LISTN");
}

#[test]
fn without_a_file_the_variables_of_azure_make_a_tenant() {
    let mut setting = Setting::of("")
        .env("AZURE_TENANT_ID", "corp.example")
        .env("AZURE_CLIENT_ID", "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60")
        .env("AZURE_CLIENT_SECRET", "azure-canary");
    assert!(
        Settings::load(&setting.inputs).is_err(),
        "with a file they count for nothing"
    );
    setting.inputs.file = None;
    let settings = setting.load();
    let [tenant] = settings.tenants.as_slice() else {
        panic!("one tenant")
    };
    assert_eq!(
        (tenant.name.as_str(), tenant.tenant_id.as_str()),
        ("default", "corp.example")
    );
    assert_eq!(secret_of(tenant), "azure-canary");
    assert_eq!(settings.journal.path, PathBuf::from("scanhook.db"));
}

#[test]
fn every_fault_is_reported_in_one_run_with_its_place() {
    let file = "[server]\nlisten = \"here\"\ngrase = \"7s\"\nmax_body = 12\n\n[tenants.default]\ntenant_id = \"common\"\n\n[sources.s]\npreset = \"sentinel\"\nremember = \"3 days\"\n";
    let faults = Setting::of(file).faults();
    let list: Vec<_> = faults
        .iter()
        .map(|f| (f.line, f.column, f.code, f.key.as_str()))
        .collect();
    assert_eq!(
        list,
        [
            (Some(2), Some(10), "bad-value", "server.listen"),
            (Some(4), Some(12), "wrong-type", "server.max_body"),
            (Some(3), Some(1), "unknown-key", "server.grase"),
            (Some(7), Some(13), "bad-value", "tenants.default.tenant_id"),
            (
                Some(6),
                Some(10),
                "missing-key",
                "tenants.default.client_id"
            ),
            (
                Some(6),
                Some(10),
                "missing-key",
                "tenants.default.credential.secret_file"
            ),
            (Some(10), Some(10), "bad-value", "sources.s.preset"),
            (Some(11), Some(12), "bad-value", "sources.s.remember"),
            (Some(9), Some(10), "missing-key", "sources.s.auth"),
        ]
    );
    assert!(faults[2].message.contains("`grace`"), "{}", faults[2]);
}

#[test]
fn a_text_that_is_no_toml_is_reported_with_its_place() {
    let faults = Setting::of("[server]\nlisten = \n").faults();
    assert_eq!((faults[0].code, faults[0].line), ("syntax", Some(2)));
    let mut setting = Setting::of("");
    setting.inputs.file = Some(setting.folder.path().join("nowhere.toml"));
    assert_eq!(setting.faults()[0].code, "unreadable");
}

#[test]
fn what_is_for_a_database_is_refused_where_the_journal_is_a_file() {
    let file = format!("[journal]\npassword_file = \"journal.secret\"\n{TENANT}{SOURCE}");
    let faults = Setting::of(&file).faults();
    let is_told = |fault: &SettingsFault| {
        fault.key == "journal.password_file" && fault.message.contains("PostgreSQL")
    };
    assert!(
        faults.len() == 1 && is_told(&faults[0]),
        "{}",
        shown(&faults)
    );
}

#[test]
fn the_address_of_the_admin_listener_stands_in_its_table_or_by_its_older_name_and_not_in_both() {
    let admin = "[admin]\nlisten = \"127.0.0.1:1009\"\n";
    let file = format!("{admin}{TENANT}{SOURCE}");
    assert_eq!(Setting::of(&file).load().server.admin_listen.port(), 1009);
    assert_eq!(Setting::of(&file).inputs.admin(), "http://127.0.0.1:1009");
    let both = format!("[server]\nadmin_listen = \"127.0.0.1:1010\"\n{file}");
    let faults = Setting::of(&both).faults();
    assert!(
        faults
            .iter()
            .any(|fault| fault.key == "server.admin_listen"
                && fault.message.contains("[admin] listen")),
        "{faults:?}"
    );
    // A variable of either name comes before a file, as everywhere.
    let by_older = Setting::of(&file).env("SCANHOOK_SERVER__ADMIN_LISTEN", "127.0.0.1:1011");
    assert_eq!(by_older.load().server.admin_listen.port(), 1011);
    assert_eq!(by_older.inputs.admin(), "http://127.0.0.1:1011");
    let by_newer = Setting::of(&format!(
        "[server]\nadmin_listen = \"127.0.0.1:1010\"\n{TENANT}{SOURCE}"
    ))
    .env("SCANHOOK_ADMIN__LISTEN", "127.0.0.1:1012");
    assert_eq!(by_newer.load().server.admin_listen.port(), 1012);
    assert_eq!(by_newer.inputs.admin(), "http://127.0.0.1:1012");
    let open = file.replace("127.0.0.1:1009", "0.0.0.0:1009");
    let faults = Setting::of(&open).faults();
    assert!(
        faults.iter().any(|fault| fault.key == "admin.listen"),
        "{faults:?}"
    );
}

#[test]
fn a_value_that_cannot_be_is_refused_by_its_key() {
    let file = |what: &str| match what.split_once('\n') {
        Some((server, "")) => format!("[server]\n{server}\n{TENANT}{SOURCE}"),
        _ => what.to_owned(),
    };
    for (server, key) in [
        ("admin_listen = \"0.0.0.0:9090\"", "admin_listen"),
        ("admin_listen = \"127.0.0.1:8080\"", "admin_listen"),
        ("trusted_proxies = [\"10.0.0.1/8\"]", "trusted_proxies"),
        (
            "connections = { per_address = 9000 }",
            "connections.per_address",
        ),
        ("connections = 5", "connections"),
        ("auth_failures = { count = 0 }", "auth_failures.count"),
        ("max_body = \"1GB\"", "max_body"),
        ("body_memory = \"512KiB\"", "body_memory"),
        ("grace = \"1d\"", "grace"),
    ] {
        assert_eq!(
            fault(&file(&format!("{server}\n"))).1,
            format!("server.{key}"),
            "{server}"
        );
    }
    for (more, key) in [
        ("[journal]\nurl = \"postgres://db/x\"", "journal.url"),
        (
            "[journal]\nurl = \"postgres://s@db/x\"\nmax_size = \"1GiB\"",
            "journal.max_size",
        ),
        ("[journal]\nurl = \"mysql:x\"", "journal.url"),
        (
            "[journal]\nretention = { bodies = \"500d\" }",
            "journal.retention.records",
        ),
        ("[sources.\"a/b\"]\npreset = \"generic\"", "sources.a/b"),
        ("[admin]\nx = 1", "admin.x"),
        ("[other]\nx = 1", "other"),
    ] {
        assert_eq!(fault(&format!("{TENANT}{SOURCE}{more}")).1, key, "{more}");
    }
}

#[test]
fn where_the_token_may_go_is_checked() {
    let tenant = |more: &str| Setting::of(&format!("{TENANT}{more}\n{SOURCE}"));
    for (more, key) in [
        ("cloud = \"china\"", "cloud"),
        ("cloud = \"germany\"", "cloud"),
        (
            "api_base = \"http://api.security.microsoft.com\"",
            "api_base",
        ),
        ("api_base = \"https://evil.example\"", "api_base"),
        (
            "api_base = \"https://user:canary@api.security.microsoft.com\"",
            "api_base",
        ),
        ("authority = \"https://evil.example\"", "authority"),
        ("token_scope = \"\"", "token_scope"),
        ("quota = { per_minute = 101 }", "quota.per_minute"),
        ("quota = { per_hour = 0 }", "quota.per_hour"),
        ("limit = { scans = 0 }", "limit.scans"),
        ("mode = \"force\"", "mode"),
        ("on_unknown = \"guess\"", "on_unknown"),
        ("follow_for = \"1d\"", "follow_for"),
    ] {
        let faults = tenant(more).faults();
        assert_eq!(faults.len(), 1, "{more}: {}", shown(&faults));
        assert_eq!(faults[0].key, format!("tenants.default.{key}"), "{more}");
    }
    let faults = tenant("cloud = \"custom\"\napi_base = \"https://api.example\"").faults();
    assert_eq!(
        faults.iter().map(|f| f.key.as_str()).collect::<Vec<_>>(),
        ["tenants.default.authority", "tenants.default.token_scope"]
    );
    let custom = "cloud = \"custom\"\napi_base = \"https://api.example\"\nauthority = \"https://login.example\"\ntoken_scope = \"https://api.example/.default\"";
    assert_eq!(
        tenant(custom).load().tenants[0].endpoints.api_base,
        "https://api.example"
    );
    let local = tenant("api_base = \"http://127.0.0.1:9/\"\nauthority = \"http://[::1]:9\"").load();
    assert_eq!(
        local.tenants[0].endpoints.token_scope,
        Endpoints::commercial().token_scope
    );
    assert_eq!(
        tenant("cloud = \"gcc-high\"").load().tenants[0].endpoints,
        Endpoints::gcc_high()
    );
    assert_eq!(
        tenant("mode = \"dry_run\"").load().tenants[0].mode,
        Some(Mode::DryRun)
    );
}

#[test]
fn secrets_are_refused_where_they_protect_nothing() {
    let source = |bearer: &str| {
        format!(
            "{TENANT}[sources.s]\npreset = \"generic\"\n[[sources.s.auth]]\nbearer = {bearer}\n"
        )
    };
    for (mode, refused) in [
        (0o600, false),
        (0o400, false),
        (0o640, false),
        (0o644, true),
        (0o606, true),
        (0o602, true),
    ] {
        let setting = Setting::of(&source("{ secret_file = \"x\" }"));
        setting.secret("x", SECRET, mode);
        assert_eq!(
            Settings::load(&setting.inputs).is_err(),
            refused,
            "{mode:o}"
        );
        if refused {
            assert_eq!(setting.faults()[0].code, "bad-secret");
        } else {
            let notes = setting.load().notes;
            assert_eq!(
                notes.iter().any(|note| note.contains("group")),
                mode == 0o640,
                "{notes:?}"
            );
        }
    }
    for (bearer, code) in [
        ("{ secret_env = \"SHORT\" }", "bad-secret"),
        ("{ secret_env = \"EMPTY\" }", "bad-secret"),
        ("{ secret_env = \"UNSET\" }", "bad-secret"),
        ("{ secret_file = \"nowhere\" }", "bad-secret"),
        ("{ secret_file = \".\" }", "bad-secret"),
        ("{ secret_file = [] }", "bad-value"),
        (
            "{ secret_file = \"s.secret\", secret_env = \"SENDER\" }",
            "bad-value",
        ),
        ("{}", "missing-key"),
        ("\"canary-in-the-wrong-place\"", "wrong-type"),
        ("{ secret_file = [\"s.secret\", 5] }", "wrong-type"),
    ] {
        let faults = Setting::of(&source(bearer)).faults();
        assert_eq!(faults[0].code, code, "{bearer}: {}", shown(&faults));
    }
    for text in [
        "sixteen bytes and\0",
        "a line break\nin a token",
        " blank in front of it",
    ] {
        let setting = Setting::of(&source("{ secret_file = \"x\" }"));
        setting.secret("x", text, 0o600);
        assert_eq!(setting.faults()[0].code, "bad-secret", "{text:?}");
    }
    let empty = Setting::of(&format!(
        "{}{SOURCE}",
        TENANT.replace("APP_SECRET", "EMPTY")
    ))
    .faults();
    assert_eq!(
        (empty[0].code, empty[0].key.as_str()),
        ("bad-secret", "tenants.default.credential.secret_env")
    );
}

#[test]
fn a_configured_credential_lets_its_sender_in_and_nobody_else() {
    let file = format!(
        "{TENANT}[sources.s]\npreset = \"generic\"\n[[sources.s.auth]]\nhmac = {{ header = \"X-Sig\", prefix = \"v1=\", encoding = \"base64\", secret_file = [\"other.secret\", \"s.secret\"] }}\n[[sources.s.auth]]\nbearer = {{ secret_env = \"SENDER\" }}\n"
    );
    let settings = Setting::of(&file).load();
    let auth = &settings.sources[0].auth;
    let body = Bytes::from_static(b"{}");
    for (alternative, id) in [(0, "other.secret"), (1, "SENDER")] {
        let moment = Moment::at(Timestamp::default());
        let headers = ProvenRequest::prove(&auth.alternatives[alternative], body.clone(), moment)
            .unwrap()
            .headers;
        let delivery = authenticate(auth, "s", &headers, body.clone(), Timestamp::default())
            .ok()
            .unwrap();
        assert_eq!(
            delivery.credential(),
            id,
            "a newline at the end of a file is not part of the secret"
        );
    }
    assert!(
        authenticate(
            auth,
            "s",
            &http::HeaderMap::new(),
            body,
            Timestamp::default()
        )
        .is_err()
    );
}

const BEARER: &str = "bearer = { secret_file = \"s.secret\" }";
const GENERIC: &str = "preset = \"generic\"";

/// Lines of a source and of its `auth`, and the code and the key of the one fault in them.
const FAULTY_SOURCES: &[(&str, &str, &str, &str)] = &[
    ("", BEARER, "missing-key", "preset"),
    ("preset = \"x\"", BEARER, "bad-value", "preset"),
    (
        "preset = \"generic\"\nmethods = \"GET\"",
        BEARER,
        "bad-value",
        "methods",
    ),
    (
        "preset = \"generic\"\ncontent_types = \"json; charset=utf-8\"",
        BEARER,
        "bad-value",
        "content_types",
    ),
    (
        "preset = \"generic\"\ncontent_types = []",
        BEARER,
        "bad-value",
        "content_types",
    ),
    (
        "preset = \"generic\"\ncontent_encodings = \"br\"",
        BEARER,
        "bad-value",
        "content_encodings",
    ),
    (
        "preset = \"generic\"\nmax_devices = 0",
        BEARER,
        "bad-value",
        "max_devices",
    ),
    (
        "preset = \"generic\"\nexpect_every = \"often\"",
        BEARER,
        "bad-value",
        "expect_every",
    ),
    (
        "preset = \"generic\"\ntenant_from = \"/t\"",
        BEARER,
        "missing-key",
        "tenant_map",
    ),
    (
        "preset = \"generic\"\ntenants = \"other\"",
        BEARER,
        "bad-value",
        "tenants",
    ),
    (
        "preset = \"generic\"\nmap = { idd = \"/x\" }",
        BEARER,
        "bad-value",
        "map",
    ),
    (
        "preset = \"generic\"\nmap = { devices = { name = \"x\" } }",
        BEARER,
        "bad-value",
        "map.devices.name",
    ),
    (GENERIC, "", "missing-key", "auth[0].hmac"),
    (GENERIC, "mtls = {}", "missing-key", "auth[0].mtls.san_dns"),
    (
        GENERIC,
        "mtls = { san_dns = [\"*.example\"] }",
        "bad-value",
        "auth[0].mtls.san_dns",
    ),
    (
        GENERIC,
        "mtls = { san_dns = [] }",
        "bad-value",
        "auth[0].mtls.san_dns",
    ),
    (
        GENERIC,
        "mtls = { san_dns = \"a\", san_uri = \"b:c\" }",
        "bad-value",
        "auth[0].mtls.san_uri",
    ),
    (
        GENERIC,
        "mtls = { subject = \"/CN=a\" }",
        "bad-value",
        "auth[0].mtls.subject",
    ),
    (
        GENERIC,
        "mtls = { fingerprint = \"ab\" }",
        "bad-value",
        "auth[0].mtls.fingerprint",
    ),
    (
        GENERIC,
        "barer = {}\nbearer = { secret_file = \"s.secret\" }",
        "unknown-key",
        "auth[0].barer",
    ),
    (
        GENERIC,
        "hmac = { secret_file = \"s.secret\" }",
        "missing-key",
        "auth[0].hmac.header",
    ),
    (
        GENERIC,
        "hmac = { header = \"a b\", secret_file = \"s.secret\" }",
        "bad-value",
        "auth[0].hmac.header",
    ),
    (
        GENERIC,
        "hmac = { header = \"X\", encoding = \"b64\", secret_file = \"s.secret\" }",
        "bad-value",
        "auth[0].hmac.encoding",
    ),
    (
        GENERIC,
        "hmac = { header = \"X\", prefix = \"v1\\u00e9\", secret_file = \"s.secret\" }",
        "bad-value",
        "auth[0].hmac.prefix",
    ),
];

#[test]
fn a_source_is_checked_whole() {
    let source = |more: &str, auth: &str| {
        format!("{TENANT}[sources.s]\n{more}\n[[sources.s.auth]]\n{auth}\n")
    };
    for &(more, auth, code, key) in FAULTY_SOURCES {
        assert_eq!(
            fault(&source(more, auth)),
            (code, format!("sources.s.{key}")),
            "{more}\n{auth}"
        );
    }
    let map = source("map = { id = \"/x\" }", BEARER);
    assert_eq!(
        Setting::of(&map).load().sources[0].preset,
        "",
        "a map of its own needs no preset"
    );
    let file = format!(
        "{TENANT}{SOURCE}[sources.s.map]\nid = \"/x\"\n[sources.s.map.devices]\nname = \"/y\"\nip = \"z\"\n"
    );
    let faults = Setting::of(&file).faults();
    let line = file
        .lines()
        .position(|line| line.starts_with("ip = "))
        .map(|n| n + 1);
    assert_eq!(
        (faults[0].line, faults[0].column),
        (line, Some(6)),
        "the fault of a pointer stands at the pointer"
    );
}

#[test]
fn which_tenant_a_source_acts_on_is_never_guessed() {
    let second = TENANT
        .replace("[tenants.default]", "[tenants.second]")
        .replace("3d2b", "4d2b");
    let file = |tenants: &str| {
        format!(
            "{TENANT}{second}{}",
            SOURCE.replace("[[", &format!("{tenants}\n[["))
        )
    };
    assert_eq!(
        Setting::of(&format!("{TENANT}{SOURCE}")).load().sources[0].tenants,
        ["default"]
    );
    assert_eq!(
        fault(&file("")),
        ("missing-key", "sources.s.tenants".to_owned())
    );
    assert_eq!(
        fault(&file("tenants = [\"default\", \"second\"]")),
        ("bad-value", "sources.s.tenants".to_owned())
    );
    assert_eq!(
        Setting::of(&file("tenants = [\"second\"]")).load().sources[0].tenants,
        ["second"]
    );
}

/// Two tenants, and a source with these lines.
fn two_tenants(lines: &str) -> String {
    let south = TENANT
        .replace("[tenants.default]", "[tenants.south]")
        .replace("3d2b", "4d2b");
    let north = TENANT.replace("[tenants.default]", "[tenants.north]");
    format!(
        "{north}{south}{}",
        SOURCE.replace("[[", &format!("{lines}\n[["))
    )
}

#[test]
fn one_source_acts_for_several_tenants_as_its_alerts_say() {
    let lines = "tenants = [\"north\", \"south\"]\ntenant_from = [\"/org\", \"root:/org\"]\n\
        tenant_map = { \"A-1\" = \"north\", b2 = \"south\" }";
    let source = Setting::of(&two_tenants(lines)).load().sources.remove(0);
    assert_eq!(source.tenants, ["north", "south"]);
    let read = |body: &str| {
        let json = strict_json::read(body.as_bytes()).unwrap();
        read_alerts(&source.mapping, source.caps, &json, &[0; 24])
    };
    let alert =
        |org: &str| format!(r#"{{"alert_id":"1","severity":"high","host":"lt-042","org":{org}}}"#);
    let both = read(&format!("[{},{}]", alert("\"a-1\""), alert("\"B2\"")));
    let [Item::Alert(one), Item::Alert(two)] = both.as_slice() else {
        panic!("{both:?}")
    };
    assert_eq!(
        (source.tenant_of(one), source.tenant_of(two)),
        (Some("north"), Some("south"))
    );
    assert_ne!(
        one.dedupe, two.dedupe,
        "the same id at two tenants is two alerts"
    );
    for (org, detail) in [
        (
            "\"c3\"",
            "`/org, root:/org` is `c3`, which belongs to no tenant here",
        ),
        ("null", "`/org, root:/org` names no tenant"),
        (
            "[1]",
            "`/org, root:/org` is `1`, which belongs to no tenant here",
        ),
        ("[1,2]", "`/org, root:/org` names no tenant"),
        ("\"a-1\\u0000\"", "`/org, root:/org` names no tenant"),
    ] {
        let parked = read(&alert(org));
        let [
            Item::Parked {
                reason,
                detail: told,
                alert,
            },
        ] = parked.as_slice()
        else {
            panic!("{parked:?}")
        };
        assert_eq!(
            (reason.code(), told.as_str(), source.tenant_of(alert)),
            ("unknown-tenant", detail, None)
        );
    }
    let from_map = two_tenants("tenant_from = \"/org\"\ntenant_map = { x = \"south\" }");
    assert_eq!(
        Setting::of(&from_map).load().sources[0].tenants,
        ["south"],
        "no more than the map names"
    );
}

#[test]
fn a_map_of_tenants_that_cannot_work_is_told_by_its_key() {
    let map = "tenant_map = { a = \"north\" }";
    for (lines, code, key) in [
        (
            "tenant_from = \"/org\"".to_owned(),
            "missing-key",
            "tenant_map",
        ),
        (map.to_owned(), "missing-key", "tenant_from"),
        (
            format!("tenant_from = \"org\"\n{map}"),
            "bad-value",
            "tenant_from",
        ),
        (
            format!("tenant_from = {{ path = \"/a\", capture = \"(\" }}\n{map}"),
            "bad-value",
            "tenant_from",
        ),
        (
            "tenant_from = \"/org\"\ntenant_map = {}".to_owned(),
            "bad-value",
            "tenant_map",
        ),
        (
            "tenant_from = \"/org\"\ntenant_map = { a = \"east\" }".to_owned(),
            "bad-value",
            "tenant_map",
        ),
        (
            "tenant_from = \"/org\"\ntenant_map = { a = \"north\", A = \"south\" }".to_owned(),
            "bad-value",
            "tenant_map",
        ),
        (
            format!("tenants = \"south\"\ntenant_from = \"/org\"\n{map}"),
            "bad-value",
            "tenant_map",
        ),
    ] {
        assert_eq!(
            fault(&two_tenants(&lines)),
            (code, format!("sources.s.{key}")),
            "{lines}"
        );
    }
}

#[test]
fn how_long_a_sender_may_be_silent_is_a_span() {
    let every = |lines: &str| format!("{TENANT}{}", SOURCE.replace("[[", &format!("{lines}\n[[")));
    assert_eq!(Setting::of(&every("")).load().sources[0].expect_every, None);
    let day = Setting::of(&every("expect_every = \"24h\"")).load().sources[0].expect_every;
    assert_eq!(day, Some(Duration::from_secs(86_400)));
    assert_eq!(
        fault(&every("expect_every = \"0s\"")),
        ("bad-value", "sources.s.expect_every".to_owned())
    );
}

#[test]
fn a_header_counts_only_where_no_signature_leaves_it_out() {
    let source = |auth: &str| {
        format!(
            "{TENANT}[sources.s]\npreset = \"generic\"\nmap = {{ id = \"header:x-id\" }}\nauth = {{ {auth} }}\n"
        )
    };
    let settings = Setting::of(&source("bearer = { secret_file = \"s.secret\" }")).load();
    assert!(settings.sources[0].mapping.headers().contains("x-id"));
    let signed =
        source("hmac = { header = \"X\", signed = \"{body}\", secret_file = \"s.secret\" }");
    assert_eq!(fault(&signed), ("bad-value", "sources.s.map".to_owned()));
    let webhook = "standard_webhooks = { secret_encoding = \"raw\", secret_file = \"s.secret\" }";
    let of_id = source(webhook).replace("x-id", "webhook-id");
    assert!(
        Setting::of(&of_id).load().sources[0]
            .mapping
            .headers()
            .contains("webhook-id"),
        "an id that is signed"
    );
    assert_eq!(
        fault(&source(webhook)),
        ("bad-value", "sources.s.map".to_owned())
    );
}

#[test]
fn a_sender_that_never_names_a_device_is_a_note() {
    let notes = Setting::of(&format!(
        "{TENANT}{}",
        SOURCE.replace("generic", "pagerduty")
    ))
    .load()
    .notes;
    assert!(
        notes.iter().any(|note| note.contains("never carry device")),
        "{notes:?}"
    );
}

#[test]
fn what_is_allowed_but_unwise_is_a_warning() {
    let twin = SOURCE
        .replace("sources.s", "sources.twin")
        .replace("secret_file = \"s.secret\"", "secret_env = \"SENDER\"");
    let warnings = with(&twin).load().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("`s` and `twin` share a secret") && !warnings[0].contains("canary"),
        "{warnings:?}"
    );
}

#[test]
fn two_names_for_one_app_are_refused_however_its_ids_are_written() {
    let app = |name: &str, tenant: &str, client: &str| {
        format!(
            "[tenants.{name}]\ntenant_id = \"{tenant}\"\nclient_id = \"{client}\"\ncredential = {{ secret_env = \"APP_SECRET\" }}\n"
        )
    };
    let source = SOURCE.replace("preset", "tenants = \"one\"\npreset");
    let (id, client) = (
        "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e",
        "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60",
    );
    for (tenant, other, client_too, refused) in [
        (id, id, client, true),
        (id, &id.to_uppercase(), &client.to_uppercase(), true),
        ("corp.example", "CORP.example.", client, true),
        (id, id, "c7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60", false),
        (id, "4d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e", client, false),
    ] {
        let file = format!(
            "{}{}{source}",
            app("one", tenant, client),
            app("two", other, client_too)
        );
        if refused {
            assert_eq!(
                fault(&file),
                ("bad-value", "tenants.two.client_id".to_owned())
            );
        } else {
            assert!(Setting::of(&file).load().warnings.is_empty());
        }
    }
}

#[test]
fn records_are_kept_for_as_long_as_anything_asks_for_them() {
    let with = |records: &str, more: &str| {
        let journal = format!("[journal.retention]\nbodies = \"1h\"\nrecords = \"{records}\"\n");
        Setting::of(&format!(
            "{TENANT}{}{journal}",
            SOURCE.replace("preset", &format!("{more}\npreset"))
        ))
    };
    let told = |setting: &Setting| shown(&setting.faults());
    for (records, remember, needs) in [
        ("1h", "1h", "quota asks for needs 2h"),
        ("71h", "3d", "`remember` of source `s` needs 3d"),
        ("1d", "7d", "set at least \"7d\""),
    ] {
        let told = told(&with(records, &format!("remember = \"{remember}\"")));
        assert!(
            told.contains("journal.retention.records") && told.contains(needs),
            "{told}"
        );
    }
    let limit = "[tenants.default.limit]\nscans = 5\nper = \"31d\"\n";
    let file =
        format!("{TENANT}{limit}{SOURCE}[journal.retention]\nbodies = \"1d\"\nrecords = \"30d\"\n");
    assert!(told(&Setting::of(&file)).contains("`limit.per` of tenant `default` needs 31d"));
    let settings = with("3d", "").load();
    let rules = |more: &str| {
        let text = format!(
            "version = 1\n[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = {{ severity = \"high\" }}\n{more}\n"
        );
        scanhook_core::rules::Rules::parse(&text, &mut |_| Err(String::new()))
            .unwrap()
            .rules
    };
    assert_eq!(settings.journal.too_forgetful(&rules("")), []);
    for (more, needs) in [
        (
            "cooldown = \"4d\"",
            "`cooldown` of rule `r` in the rules needs 4d",
        ),
        (
            "limit = { scans = 5, per = \"7d\" }",
            "`limit.per` of rule `r` in the rules needs 7d",
        ),
    ] {
        let faults = settings.journal.too_forgetful(&rules(more));
        assert!(shown(&faults).contains(needs), "{}", shown(&faults));
    }
}

#[test]
fn paths_count_from_the_file_and_the_data_directory() {
    let mut setting = with("[journal]\nurl = \"sqlite:data/j.db\"");
    assert_eq!(
        setting.load().journal.path,
        setting.folder.path().join("data/j.db")
    );
    setting.inputs.flags.data_dir = Some(PathBuf::from("/var/lib/scanhook"));
    assert_eq!(
        setting.load().journal.path,
        PathBuf::from("/var/lib/scanhook/data/j.db")
    );
    for url in ["sqlite:/srv/j.db", "sqlite:///srv/j.db"] {
        let setting = with(&format!("[journal]\nurl = \"{url}\""));
        assert_eq!(
            setting.load().journal.path,
            PathBuf::from("/srv/j.db"),
            "{url}"
        );
    }
}

#[test]
fn the_simulator_needs_no_credential() {
    let mut setting = Setting::of(SOURCE);
    assert_eq!(setting.faults()[0].key, "tenants");
    setting.inputs.flags.simulate = true;
    let settings = setting.load();
    assert_eq!(
        (
            settings.tenants[0].name.as_str(),
            settings.sources[0].tenants.join(" ")
        ),
        ("default", "default".to_owned())
    );
}
