//! The signing code of real senders, and the commands `send --print-curl` prints, against the running program. What they
//! need is installed by `tests/senders/install-signers`; where it is missing these tests fail, so they run only when they
//! are named: `cargo test --test signers`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs
)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use scanhook_core::signature::{Key, KeyEncoding, standard_webhook};
use scanhook_core::time::Timestamp;
use tempfile::TempDir;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the other tests, which use all of it"
)]
#[path = "../it/harness/listening.rs"]
mod listening;

const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const TEXT: &str = "it's a $ECRET of \"many\" bytes";
const PLAIN: &str = "0123456789abcdef0123456789abcdef";

const RULES: &str =
    "version = 1\n[[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity.gte = \"high\" }\n";

/// Every kind that a shell can satisfy, by the name of its source.
const KINDS: &[(&str, &str)] = &[
    (
        "std",
        "standard_webhooks = { secret_file = \"whsec.secret\" }",
    ),
    ("github", "github = { secret_file = \"text secret\" }"),
    ("grafana", "grafana = { secret_file = \"text secret\" }"),
    (
        "grafana-timed",
        "grafana = { timestamp_header = \"X-Alert-Timestamp\", secret_file = \"text secret\" }",
    ),
    ("pagerduty", "pagerduty = { secret_file = \"text secret\" }"),
    (
        "crowdstrike",
        "crowdstrike = { secret_file = \"text secret\" }",
    ),
    (
        "hmac",
        "hmac = { header = \"X-Sig\", prefix = \"sha256=\", secret_file = \"text secret\" }",
    ),
    (
        "hmac-hex",
        "hmac = { header = \"X-Sig\", signed = \"{timestamp}.{body}\", timestamp_header = \"X-Time\", timestamp_format = \"unix_ms\", secret_encoding = \"hex\", algorithm = \"sha512\", secret_file = \"plain.secret\" }",
    ),
    (
        "hmac-base64",
        "hmac = { header = \"X-Sig\", signed = \"v0:{timestamp}:{id}:{body}\", timestamp_header = \"X-Time\", id_header = \"X-Id\", encoding = \"base64\", secret_encoding = \"base64\", algorithm = \"sha1\", secret_file = \"plain.secret\" }",
    ),
    (
        "hmac-entry",
        "hmac = { header = \"X-Sig\", prefix = \"v1=\", separator = \",\", signed = \"{timestamp},{body}\", timestamp_prefix = \"t=\", secret_file = \"text secret\" }",
    ),
    (
        "hmac-env",
        "hmac = { header = \"X-Sig\", signed = \"{timestamp}.{body}\", timestamp_header = \"X-Time\", secret_env = \"SENDER\" }",
    ),
    ("bearer", "bearer = { secret_file = \"text secret\" }"),
    (
        "header",
        "header = { name = \"X-Api-Key\", secret_file = \"text secret\" }",
    ),
    (
        "basic",
        "basic = { username = \"the siem\", secret_file = \"text secret\" }",
    ),
    ("url", "url_secret = { secret_file = \"plain.secret\" }"),
    ("url-odd", "url_secret = { secret_file = \"text secret\" }"),
    (
        "body",
        "body_secret = { pointer = \"/clientState\", secret_file = \"plain.secret\" }",
    ),
    (
        "all",
        "ip = \"127.0.0.0/8\"\nbody_secret = { pointer = \"/clientState\", secret_file = \"plain.secret\" }\nstandard_webhooks = { secret_file = \"whsec.secret\" }\nbearer = { secret_file = \"text secret\" }",
    ),
];

/// A running program with a source of every kind; ended when dropped.
struct Program {
    folder: TempDir,
    child: Child,
    at: String,
}

impl Program {
    fn start() -> Program {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut config = String::new();
        for (name, auth) in KINDS {
            config += &format!(
                "[sources.{name}]\npreset = \"generic\"\n[[sources.{name}.auth]]\n{auth}\n"
            );
        }
        std::fs::write(path("scanhook.toml"), config).unwrap();
        std::fs::write(path("rules.toml"), RULES).unwrap();
        for (name, secret) in [
            ("whsec.secret", WHSEC),
            ("text secret", TEXT),
            ("plain.secret", PLAIN),
        ] {
            std::fs::write(path(name), format!("{secret}\n")).unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let mut child = command(&folder)
            .args([
                "serve",
                "--simulate",
                "--data-dir",
                "data",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
            ])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let [webhooks, _] = listening::addresses(&listening::said(&mut child, std::io::stderr()));
        Program {
            folder,
            child,
            at: format!("http://{webhooks}"),
        }
    }

    /// Posts a body with these headers; the status.
    fn post(&self, source: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let mut curl = Command::new("curl");
        curl.args([
            "-sS",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            "Content-Type: application/json",
        ]);
        for (name, value) in headers {
            curl.args(["-H", &format!("{name}: {value}")]);
        }
        curl.args([
            "--data-binary",
            "@-",
            &format!("{}/webhooks/{source}", self.at),
        ]);
        fed(curl, body).trim().parse().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program under test, with nothing of this machine's environment.
fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    command
        .current_dir(folder.path())
        .env_clear()
        .env("SENDER", TEXT)
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn installed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/senders")
}

/// What a program prints when it is fed this.
fn fed(mut command: Command, input: &str) -> String {
    let shown = format!("{command:?}");
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("{shown}: {error}; run tests/senders/install-signers first")
    });
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{shown}: run tests/senders/install-signers first"
    );
    String::from_utf8(output.stdout).unwrap()
}

fn node(script: &str, args: &[&str]) -> Command {
    let mut node = Command::new("node");
    node.arg(installed().join("npm").join(script)).args(args);
    node
}

fn python(script: &str, args: &[&str]) -> Command {
    let mut python = Command::new(installed().join("venv/bin/python"));
    python
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/senders")
                .join(script),
        )
        .args(args);
    python
}

/// How a script is run, with what arguments.
type Language = fn(&str, &[&str]) -> Command;

fn body(id: &str) -> String {
    format!(
        "{{\"alert_id\":\"{id}\",\"title\":\"h\u{e9}llo \u{20ac}\",\"severity\":\"low\",\"device_id\":\"1e5bc9d7e413ddd7902c2932e418702b84d0cc07\"}}"
    )
}

fn seconds() -> String {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        .to_string()
}

#[test]
fn what_the_libraries_of_standard_webhooks_sign_is_accepted_and_no_flipped_bit_of_it() {
    let program = Program::start();
    let scripts: [(&str, Language); 2] = [
        ("standard_webhooks.py", python),
        ("standard_webhooks.mjs", node),
    ];
    for (script, run) in scripts {
        let (id, time, body) = (
            format!("msg_{}", script.replace('.', "-")),
            seconds(),
            body(script),
        );
        let signature = fed(run(script, &[WHSEC, &id, &time]), &body)
            .trim()
            .to_owned();
        assert!(signature.starts_with("v1,"), "{script}: {signature}");
        let post = |id: &str, time: &str, signature: &str, body: &str| {
            let headers = [
                ("webhook-id", id),
                ("webhook-timestamp", time),
                ("webhook-signature", signature),
            ];
            program.post("std", &headers, body)
        };
        let later = (time.parse::<u64>().unwrap() + 1).to_string();
        assert_eq!(
            post(&id, &time, &signature, &body.replace("low", "lov")),
            401,
            "{script}: a bit of the body"
        );
        assert_eq!(
            post(&id, &later, &signature, &body),
            401,
            "{script}: a bit of the time"
        );
        assert_eq!(
            post(&id.replace("msg", "msf"), &time, &signature, &body),
            401,
            "{script}: a bit of the id"
        );
        assert_eq!(
            post(&id, &time, &flipped(&signature), &body),
            401,
            "{script}: a bit of the signature"
        );
        assert_eq!(post(&id, &time, &signature, &body), 202, "{script}");
        assert_eq!(
            post(&id, &time, &signature, &body),
            200,
            "{script}: the same again"
        );
    }
}

#[test]
fn messages_are_verified_by_the_libraries_of_standard_webhooks_with_either_secret_and_no_other() {
    const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const OTHER: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
    let key = |secret: &str| {
        let key = Key::encoded("out", secret.as_bytes(), KeyEncoding::Whsec);
        key.map_err(|why| why.to_string()).unwrap()
    };
    let (id, time, body) = (
        "0198a1b2-0000-7000-8000-000000000001",
        seconds(),
        body("out"),
    );
    let at = Timestamp::from_millis(time.parse::<i64>().unwrap() * 1000);
    let sent = standard_webhook(&[key(WHSEC), key(OLD)], id, at, &body.clone().into());
    let text = |name: &str| sent[name].to_str().unwrap().to_owned();
    let (time, signatures) = (text("webhook-timestamp"), text("webhook-signature"));
    let scripts: [(&str, Language); 2] =
        [("verify_webhook.py", python), ("verify_webhook.mjs", node)];
    for (script, run) in scripts {
        let says = |secret: &str, body: &str| {
            let ran = run(script, &[secret, id, &time, &signatures]);
            fed(ran, body).trim().to_owned()
        };
        assert_eq!(says(WHSEC, &body), "verified", "{script}");
        assert_eq!(says(OLD, &body), "verified", "{script}: the secret before");
        assert_eq!(says(OTHER, &body), "refused", "{script}: another secret");
        let changed = body.replace("low", "lov");
        assert_eq!(
            says(WHSEC, &changed),
            "refused",
            "{script}: a bit of the body"
        );
    }
}

#[test]
fn what_githubs_own_library_signs_is_accepted_and_no_flipped_bit_of_it() {
    let program = Program::start();
    let body = body("octokit");
    let signature = fed(node("octokit.mjs", &[TEXT]), &body).trim().to_owned();
    assert!(signature.starts_with("sha256="), "{signature}");
    let post = |signature: &str, body: &str| {
        program.post("github", &[("X-Hub-Signature-256", signature)], body)
    };
    assert_eq!(
        post(&signature, &body.replace("low", "lov")),
        401,
        "a bit of the body"
    );
    assert_eq!(
        post(&flipped(&signature), &body),
        401,
        "a bit of the signature"
    );
    assert_eq!(post(&signature, &body), 202);
    assert_eq!(post(&signature, &body), 200, "the same again");
}

/// With one bit of its tenth-last digit turned over.
fn flipped(signature: &str) -> String {
    let mut bytes = signature.as_bytes().to_vec();
    let at = bytes.len() - 10;
    bytes[at] ^= 1;
    String::from_utf8(bytes).unwrap()
}

/// A folder with programs that write down how they are called, and then do what those of the system do.
fn overheard(program: &Program) -> (PathBuf, PathBuf) {
    let (folder, log) = (
        program.folder.path().join("bin"),
        program.folder.path().join("calls.log"),
    );
    std::fs::create_dir(&folder).unwrap();
    for name in ["curl", "python3", "sed", "cat", "od", "tr", "date"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {name}")])
            .output()
            .unwrap()
            .stdout;
        let real = String::from_utf8(found).unwrap();
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"{name} $*\" >>'{}'\nexec {} \"$@\"\n",
            log.display(),
            real.trim()
        );
        std::fs::write(folder.join(name), script).unwrap();
        std::fs::set_permissions(folder.join(name), std::fs::Permissions::from_mode(0o755))
            .unwrap();
    }
    (folder, log)
}

#[test]
fn the_curl_command_of_every_kind_is_accepted_and_neither_it_nor_a_command_line_shows_a_secret() {
    let program = Program::start();
    let (bin, log) = overheard(&program);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for (source, _) in KINDS {
        let file = format!("the body's {source}.json");
        std::fs::write(program.folder.path().join(&file), body(source)).unwrap();
        let url = format!("{}/webhooks/{source}", program.at);
        let printed = command(&program.folder)
            .args([
                "send",
                &file,
                "--source",
                source,
                "--url",
                &url,
                "--print-curl",
            ])
            .output();
        let printed = String::from_utf8(printed.unwrap().stdout).unwrap();
        for secret in [WHSEC, &WHSEC[6..], TEXT, "$ECRET", PLAIN] {
            assert!(!printed.contains(secret), "{source}: {printed}");
        }
        let quiet = printed.replacen("curl ", "curl -sS -o /dev/null -w '%{http_code}' ", 1);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &quiet])
            .current_dir(program.folder.path())
            .env("SENDER", TEXT)
            .env("PATH", &path);
        assert_eq!(fed(shell, ""), "202", "{source}: {printed}");
    }
    let calls = std::fs::read_to_string(log).unwrap();
    assert!(
        calls.matches("curl ").count() >= KINDS.len() && calls.contains("python3 "),
        "{calls}"
    );
    for secret in [
        WHSEC,
        &WHSEC[6..],
        TEXT,
        "$ECRET",
        PLAIN,
        &hex::encode(TEXT),
        &hex::encode(PLAIN),
    ] {
        assert!(!calls.contains(secret), "{calls}");
    }
}
