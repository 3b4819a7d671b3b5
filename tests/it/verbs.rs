//! The program as an operator or a script meets it: what it prints, and with which status it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{DEADLINE, hmac_hex, listening};

pub const SECRET: &str = "it's a $ECRET of \"many\" bytes";
pub const PAYLOAD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/payloads/generic.json");
pub const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

const RULES: &str = r#"version = 1

[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }

[[test]]
name   = "high is scanned fully"
event  = { severity = "critical", alert.id = "1", device.id = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07" }
expect = { rule = "high", scan = "full" }
"#;

const FAILING_TEST: &str = r#"
[[test]]
name   = "low is scanned"
event  = { severity = "low", alert.id = "2", device.id = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07" }
expect = { rule = "high" }
"#;

pub const CONFIG: &str = r#"
[sources.soar]
preset = "generic"
[[sources.soar.auth]]
hmac = { header = "X-Signature-256", prefix = "sha256=", secret_file = "soar secret" }

[sources.other]
preset = "generic"
[[sources.other.auth]]
bearer = { secret_file = ["it's", "soar secret"] }
"#;

pub const TENANT: &str = r#"
[tenants.default]
tenant_id  = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e"
client_id  = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60"
credential = { secret_env = "DEFENDER_SECRET" }
"#;

/// A folder to work in, and nothing of this machine's environment.
pub struct Desk(TempDir);

impl Desk {
    /// With the files of a working installation.
    pub fn ready() -> Desk {
        let desk = Desk::empty();
        desk.file("rules.toml", RULES);
        desk.file("scanhook.toml", CONFIG);
        desk.secret("soar secret");
        desk.secret("it's");
        desk
    }

    pub fn empty() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    pub fn file(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    pub fn secret(&self, name: &str) {
        self.file(name, SECRET);
        std::fs::set_permissions(
            self.0.path().join(name),
            std::fs::Permissions::from_mode(0o600),
        )
        .unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args(args)
            .current_dir(self.0.path())
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    pub fn serve(&self) -> Serving {
        self.serve_with(&[])
    }

    fn serve_with(&self, flags: &[&str]) -> Serving {
        let mut command = self.command(&[&SERVE[..], flags].concat());
        Serving::wait(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }
}

pub struct Ran {
    status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran {
            status: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    #[track_caller]
    pub fn ends(self, status: i32) -> Ran {
        assert_eq!(
            self.status, status,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

#[track_caller]
pub fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

/// Serves on free ports.
const SERVE: [&str; 8] = [
    "serve",
    "--simulate",
    "--data-dir",
    "data",
    "--listen",
    "127.0.0.1:0",
    "--admin-listen",
    "127.0.0.1:0",
];

/// A server of its own; it is killed when the test is over.
pub struct Serving {
    child: Child,
    addresses: [SocketAddr; 2],
    /// The lines of its log until it listened.
    before: Vec<String>,
    /// Those after that.
    log: Receiver<String>,
}

impl Serving {
    fn wait(mut child: Child) -> Serving {
        let (log, mut before) = (listening::said(&mut child, std::io::sink()), Vec::new());
        let addresses = listening::addresses_after(&log, &mut before);
        Serving {
            child,
            addresses,
            before,
            log,
        }
    }

    pub fn webhooks(&self, source: &str) -> String {
        format!("http://{}/webhooks/{source}", self.addresses[0])
    }

    pub fn admin(&self) -> String {
        format!("http://{}", self.addresses[1])
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Waits until the log says this.
    fn logs(&self, part: &str) -> String {
        loop {
            let line = self
                .log
                .recv_timeout(DEADLINE)
                .unwrap_or_else(|_| panic!("the log never said `{part}`"));
            if line.contains(part) {
                return line;
            }
        }
    }

    /// How it ended, and the whole of its log.
    pub fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < DEADLINE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut out = String::new();
        self.child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, "", "stdout is for results, and it has none");
        let mut log = std::mem::take(&mut self.before);
        log.extend(self.log.iter());
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until it is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < DEADLINE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_64_and_help_with_0() {
    let desk = Desk::ready();
    for args in [
        &[][..],
        &["scan"],
        &["serve", "--listen", "here"],
        &["check", "--output", "xml"],
        &["send", PAYLOAD],
        &["status", "--admin", "nowhere"],
        &["scans", "0198", "--state", "held"],
        &["send", PAYLOAD, "--source", "nobody"],
        &["send", PAYLOAD, "--source", "soar", "--header", "X-Other"],
        &["simulate", "--quick", "soon"],
        &["approve"],
        &["deny", "0198", "--rule", "high"],
        &["cancel", "--yes"],
        &["retry", "0198", "--yes"],
        &["approve", "--machine", MACHINE, "--rule", "high"],
        &["resume", "everything"],
    ] {
        let ran = desk.run(args).ends(64);
        assert!(
            ran.out.is_empty() && !ran.err.is_empty(),
            "{args:?}: diagnostics go to stderr"
        );
    }
    has(
        &desk.run(&["--help"]).ends(0).out,
        &["serve", "check", "Exit status: 0; 1 findings"],
    );
    has(
        &desk.run(&["send", "--help"]).ends(0).out,
        &["--print-curl", "--secret-file"],
    );
    has(
        &desk.run(&["--version"]).ends(0).out,
        &[env!("CARGO_PKG_VERSION")],
    );
}

#[test]
fn what_is_not_there_ends_with_66_and_is_named() {
    let desk = Desk::empty();
    has(
        &desk.run(&["check"]).ends(66).err,
        &["scanhook.toml", "rules.toml"],
    );
    for args in [
        &["check", "--rules", "missing"][..],
        &["check", "--config", "missing"],
        &["test", "--rules", "missing"],
        &["serve", "--simulate", "--rules", "missing"],
        &["serve", "--simulate", "--config", "missing"],
        &["send", "missing", "--source", "generic"],
        &[
            "send",
            PAYLOAD,
            "--source",
            "generic",
            "--secret-file",
            "missing",
        ],
    ] {
        has(&desk.run(args).ends(66).err, &["missing"]);
    }
}

#[test]
fn a_configuration_that_cannot_be_served_ends_with_78_and_every_fault_is_said() {
    let desk = Desk::ready();
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
        "--data-dir",
        "data",
    ];
    let serve = [&serve[..], &["--log-format", "text"]].concat();
    has(&desk.run(&serve).ends(78).err, &["no tenant is configured"]);
    desk.file("scanhook.toml", "[server]\ngrace = 7\nlisen = \"x\"\n");
    let faults = desk.run(&serve).ends(78).err;
    has(
        &faults,
        &[
            "scanhook.toml:2:9: server.grace",
            "scanhook.toml:3:1: server.lisen",
            "did you mean `listen`?",
        ],
    );

    desk.file("scanhook.toml", CONFIG);
    desk.file("rules.toml", &format!("{RULES}{FAILING_TEST}"));
    let serve = [&serve[..], &["--simulate"]].concat();
    has(
        &desk.run(&serve).ends(78).err,
        &[
            "FAILED  low is scanned (line 13)",
            "1 of its 2 tests failed",
        ],
    );
    desk.file("rules.toml", &RULES.replace("full", "fill"));
    has(
        &desk.run(&serve).ends(78).err,
        &["rules.toml:5:8", "^^^^^^", "did you mean `full`?"],
    );

    desk.file("rules.toml", RULES);
    let mut command = desk.command(&serve);
    has(
        &Ran::of(command.env("SCANHOOK_LOG", "a=b=c").output().unwrap())
            .ends(78)
            .err,
        &["SCANHOOK_LOG"],
    );
    assert!(
        !desk.0.path().join("data").exists(),
        "nothing is begun before all of it is right"
    );
}

#[test]
fn an_address_or_a_journal_in_use_ends_with_69_and_a_disk_that_refuses_with_74() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let address = serving.addresses[0].to_string();
    let serve = |listen: &str, data: &str| {
        let args = [
            "serve",
            "--simulate",
            "--listen",
            listen,
            "--admin-listen",
            "127.0.0.1:0",
            "--data-dir",
            data,
        ];
        desk.run(&args)
    };
    has(
        &serve(&address, "elsewhere").ends(69).err,
        &["cannot listen on", &address, "is it running already?"],
    );
    has(
        &serve("127.0.0.1:0", "data").ends(69).err,
        &["in use by another scanhook"],
    );
    has(
        &serve("127.0.0.1:0", "rules.toml").ends(74).err,
        &["rules.toml"],
    );
}

#[test]
fn a_state_that_there_is_not_is_64_and_those_there_are_named() {
    for (verb, state) in [
        ("alerts", "parked"),
        ("decisions", "held"),
        ("scans", "running"),
    ] {
        let ran = Desk::empty().run(&[verb, "--state", "hold"]).ends(64);
        assert!(ran.err.contains(state), "{}", ran.err);
    }
}

#[test]
fn nobody_there_is_69_with_what_to_look_at() {
    let desk = Desk::ready();
    // A port that was free a moment ago, and that nobody listens on.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    for verb in ["status", "alerts", "decisions", "scans"] {
        let ran = desk.run(&[verb, "--admin", &url]).ends(69);
        has(
            &ran.err,
            &[&url, "is `scanhook serve` running", "[admin] listen"],
        );
        assert_eq!(ran.out, "");
    }
    for args in [
        &["pause"][..],
        &["resume"],
        &["approve", "x"],
        &["deny", "x"],
        &["cancel", "x"],
        &["retry", "x"],
    ] {
        has(
            &desk.run(&[args, &["--admin", &url]].concat()).ends(69).err,
            &[&url],
        );
    }
    has(
        &desk
            .run(&["send", PAYLOAD, "--source", "soar", "--url", &url])
            .ends(69)
            .err,
        &[&url],
    );
}

#[test]
fn a_delivery_is_sent_decided_and_shown_and_sigterm_ends_with_0() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let url = serving.webhooks("soar");
    let sent = desk
        .run(&["send", PAYLOAD, "--source", "soar", "--url", &url])
        .ends(0);
    has(
        &sent.out,
        &[
            "202 Accepted: delivery ",
            "alert a-4711 decided",
            MACHINE,
            "rule `high` asks for a full scan",
        ],
    );
    let again = desk
        .run(&["send", PAYLOAD, "--source", "soar", "--url", &url])
        .ends(0);
    has(&again.out, &["200 OK", "received before"]);

    let admin = ["--admin", &serving.admin()];
    let ask = |args: &[&str]| desk.run(&[args, &admin].concat());
    let shown = ask(&["decisions", "--device", MACHINE]).ends(0);
    let rows: Vec<_> = shown.out.lines().collect();
    let [heads, row, why] = rows[..] else {
        panic!("{}", shown.out)
    };
    // One byte a character, as in the heads.
    let row = row.replace('…', ".");
    for (head, cell) in [
        ("SOURCE", "soar"),
        ("ALERT", "a-4711"),
        ("DEVICE", "lt-042 (1e5bc9d7.)"),
        ("STATE", "scan"),
    ] {
        assert_eq!(
            heads.find(head),
            row.find(&format!(" {cell} ")).map(|at| at + 1),
            "{head} in\n{}",
            shown.out
        );
    }
    has(
        why,
        &["    rule `high` asks for a full scan (severity is high)"],
    );
    assert_eq!(
        ask(&["decisions", "--limit", "1"]).ends(0).err,
        "the newest 1; --limit shows more\n"
    );
    assert_eq!(ask(&["decisions", "--state", "dropped"]).ends(0).out, "");

    until("the scan is sent", || {
        ask(&["scans", "--state", "running"])
            .ends(0)
            .out
            .contains("lt-042 (1e5bc9d7…)")
    });
    let scans = ask(&["scans", "-o", "json"]).ends(0).json();
    let id = scans["items"][0]["id"].as_str().unwrap();
    has(
        &ask(&["scans", id]).ends(0).out,
        &[id, MACHINE, "full", "running", "a-4711"],
    );
    has(
        &ask(&["scans", "nonsense"]).ends(66).err,
        &["no scan has the id nonsense"],
    );
    has(
        &ask(&["alerts", "--id", "a-4711"]).ends(0).out,
        &["a-4711", "high", "decided", "Ransom note dropped"],
    );
    has(
        &ask(&["alerts", "--id", "a-4712"]).ends(0).err,
        &["nothing matches"],
    );
    let details = ask(&["status", "--details"]).ends(0).out;
    has(
        &details,
        &[
            "tenant default",
            "1 running",
            "Machine.Scan",
            "source soar",
            "source other",
        ],
    );
    let status = ask(&["status"]).ends(0).out;
    has(
        &status,
        &[
            "\nTENANT ",
            "\ndefault ",
            "\nSOURCE ",
            "\nsoar ",
            "\nother ",
        ],
    );
    assert!(
        !status.contains("Machine.Scan"),
        "details are for who asks: {status}"
    );
    assert_eq!(
        ask(&["status", "-o", "json"]).ends(0).json()["tenants"][0]["scans"]["running"],
        1
    );

    serving.signal("TERM");
    let (status, log) = serving.ended();
    assert_eq!(status, Some(0), "{log:#?}");
}

#[test]
fn a_refused_delivery_ends_with_77_or_65_and_the_operator_sees_which_check_failed() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let soar = serving.webhooks("soar");
    let refused = desk
        .run(&["send", PAYLOAD, "--source", "other", "--url", &soar])
        .ends(77);
    has(&refused.err, &["401 Unauthorized", "[unauthenticated]"]);
    desk.file("broken", "{\"alert_id\": 1, \"title\": \"\u{1b}[2J\u{202e}");
    has(
        &desk
            .run(&["send", "broken", "--source", "soar", "--url", &soar])
            .ends(65)
            .err,
        &["400 Bad Request", "[json-"],
    );
    let nowhere = serving.webhooks("nobody");
    has(
        &desk
            .run(&["send", PAYLOAD, "--source", "soar", "--url", &nowhere])
            .ends(65)
            .err,
        &["[unknown-source]"],
    );

    let admin = serving.admin();
    let status = desk
        .run(&["status", "--source", "soar", "--admin", &admin])
        .ends(0)
        .out;
    has(
        &status,
        &[
            "source soar",
            "refused",
            "127.0.0.1: the credential header is missing",
        ],
    );
    has(
        &status,
        &[
            "unread",
            "json-syntax at 1:27",
            "SHA-256",
            r#"{"alert_id": 1, "title": "\u{1b}[2J\u{202e}"#,
        ],
    );
    assert!(!status.contains(['\u{1b}', '\u{202e}']), "{status}");
    has(
        &desk
            .run(&["status", "--source", "nobody", "--admin", &admin])
            .ends(66)
            .err,
        &["[unknown-source]"],
    );
    let wrong_port = format!("http://{}", serving.addresses[0]);
    has(
        &desk.run(&["status", "--admin", &wrong_port]).ends(66).err,
        &["Is this the admin listener?"],
    );
}

#[test]
fn logs_are_one_object_a_line_and_hold_neither_body_nor_secret_nor_signature() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let url = serving.webhooks("soar");
    desk.run(&["send", PAYLOAD, "--source", "soar", "--url", &url])
        .ends(0);
    desk.run(&["send", PAYLOAD, "--source", "other", "--url", &url])
        .ends(77);
    serving.signal("INT");
    let (status, log) = serving.ended();
    assert_eq!(status, Some(0));
    let body = std::fs::read_to_string(PAYLOAD).unwrap();
    let signature = hmac_hex(SECRET, body.as_bytes());
    for line in &log {
        let event: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["@timestamp", "log.level", "log.logger", "message"] {
            assert!(event[key].is_string(), "{key} in {line}");
        }
        for kept in [SECRET, "$ECRET", &signature, "Ransom note", "j.doe"] {
            assert!(!line.contains(kept), "{line}");
        }
    }
    has(
        &log.join("\n"),
        &[
            "delivery accepted",
            "not authenticated",
            "SIGINT",
            "stopped",
        ],
    );
}

#[test]
fn a_start_that_fails_is_a_json_line_with_its_code_and_a_line_for_each_fault() {
    let desk = Desk::ready();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = socket.local_addr().unwrap().to_string();
    let lines = |status: i32, change: &dyn Fn(&mut Command)| -> Vec<Value> {
        let mut command = desk.command(&[
            "serve",
            "--simulate",
            "--data-dir",
            "data",
            "--admin-listen",
            "127.0.0.1:0",
        ]);
        change(&mut command);
        let ran = Ran::of(command.output().unwrap()).ends(status);
        assert_eq!(ran.out, "");
        ran.err
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    };
    let errors = |lines: Vec<Value>| {
        lines
            .into_iter()
            .filter(|line| line["log.level"] == "ERROR")
            .collect::<Vec<_>>()
    };

    let busy = errors(lines(69, &|command| {
        command.args(["--listen", &taken]);
    }));
    let [line] = busy.as_slice() else {
        panic!("one line expected: {busy:?}")
    };
    assert_eq!(
        (&line["error.code"], &line["scanhook.status"]),
        (&"unavailable".into(), &69.into())
    );
    assert!(line["message"].as_str().unwrap().contains(&taken), "{line}");

    let silent = errors(lines(69, &|command| {
        command
            .args(["--listen", &taken])
            .env("SCANHOOK_LOG", "off");
    }));
    assert_eq!(
        silent.len(),
        1,
        "the reason is told whatever is wanted: {silent:?}"
    );
    let filter = errors(lines(78, &|command| {
        command.env("SCANHOOK_LOG", "a=b=c");
    }));
    assert_eq!(
        (filter.len(), &filter[0]["error.code"]),
        (1, &"configuration".into()),
        "{filter:?}"
    );

    desk.file("rules.toml", &RULES.replace("full", "fill"));
    let faulty = errors(lines(78, &|_| {}));
    let [fault, _, last] = faulty.as_slice() else {
        panic!("two faults and a line expected: {faulty:?}")
    };
    assert_eq!(
        (&fault["error.code"], &fault["scanhook.line"]),
        (&"bad-value".into(), &5.into())
    );
    assert_eq!(
        (&fault["scanhook.file"], &last["error.code"]),
        (&"rules.toml".into(), &"configuration".into())
    );
    assert!(
        fault["scanhook.remedy"]
            .as_str()
            .unwrap()
            .contains("did you mean `full`?"),
        "{fault}"
    );
    desk.file("rules.toml", &format!("{RULES}{FAILING_TEST}"));
    assert_eq!(errors(lines(78, &|_| {}))[0]["error.code"], "test-failed");
}

#[test]
fn the_format_of_the_log_is_chosen_by_flag_or_variable_whatever_stderr_is() {
    let desk = Desk::empty();
    let told = |flag: &[&str], variable: Option<&str>| {
        let mut command = desk.command(&[&SERVE[..], flag].concat());
        command.envs(variable.map(|value| ("SCANHOOK_LOG_FORMAT", value)));
        Ran::of(command.output().unwrap())
    };
    for (flag, variable, json) in [
        (&[][..], None, true),
        (&["--log-format", "json"], Some("text"), true),
        (&["--log-format", "text"], None, false),
        (&[], Some("text"), false),
        (&[], Some("json"), true),
    ] {
        let line = told(flag, variable)
            .err
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(
            serde_json::from_str::<Value>(&line).is_ok(),
            json,
            "{flag:?} {variable:?}: {line}"
        );
        assert!(json || line.contains("ERROR"), "{line}");
    }
    // A terminal, as `script` makes one.
    let mut terminal = Command::new("script");
    terminal.args([
        "-qec",
        &format!("{} serve --log-format json", env!("CARGO_BIN_EXE_scanhook")),
        "/dev/null",
    ]);
    let shown = terminal
        .current_dir(desk.path("."))
        .stdin(Stdio::null())
        .output()
        .unwrap()
        .stdout;
    let shown = String::from_utf8(shown).unwrap();
    assert!(
        shown
            .lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
            && !shown.is_empty(),
        "{shown}"
    );
    for wrong in [told(&["--log-format", "xml"], None), told(&[], Some("xml"))] {
        has(&wrong.ends(64).err, &["xml", "text, json"]);
    }
}

#[test]
fn a_second_signal_ends_at_once_with_70() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let mut sender = TcpStream::connect(serving.addresses[0]).unwrap();
    let head = "POST /webhooks/soar HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n";
    // Without a signature it would be refused before its body.
    let signature = format!(
        "X-Signature-256: sha256={}",
        hmac_hex(SECRET, b"never sent")
    );
    write!(sender, "{head}{signature}\r\nExpect: 100-continue\r\n\r\n").unwrap();
    // The answer says that the request is in flight: it waits for a body that never comes.
    sender.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut answer = [0; 12];
    sender.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 100");
    serving.signal("TERM");
    serving.logs("stopping");
    let begun = Instant::now();
    serving.signal("TERM");
    assert_eq!(serving.ended().0, Some(70));
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "the grace is 20 s, the body's deadline 10 s"
    );
}

#[test]
fn check_shows_line_column_and_caret_of_every_finding_and_ends_with_1() {
    let desk = Desk::empty();
    desk.file(
        "rules.toml",
        &RULES
            .replace("full", "fill")
            .replace("severity.gte", "sevrity.gte"),
    );
    let found = desk.run(&["check"]).ends(1);
    has(
        &found.out,
        &[
            "rules.toml:5:8",
            "rules.toml:6:10",
            "scan = \"fill\"",
            "^^^^^^",
            "did you mean `full`?",
        ],
    );
    assert!(
        !found.out.contains('\u{1b}'),
        "no colour where nobody looks"
    );
    let json = desk.run(&["check", "-o", "json"]).ends(1).json();
    let first = &json["findings"][0];
    assert_eq!(
        (&first["file"], &first["line"], &first["column"]),
        (&"rules.toml".into(), &5.into(), &8.into())
    );
    assert_eq!(
        (&first["code"], &first["level"]),
        (&"bad-value".into(), &"error".into())
    );

    desk.file("rules.toml", &format!("{RULES}{FAILING_TEST}"));
    has(
        &desk.run(&["check"]).ends(1).out,
        &["FAILED  low is scanned", "1 of 2 tests passed"],
    );
    desk.file("rules.toml", RULES);
    has(
        &desk.run(&["check"]).ends(0).out,
        &[
            "[severity-unknown]",
            "0 errors, 1 warning, 1 of 1 tests passed",
        ],
    );
}

#[test]
fn check_takes_either_file_and_warnings_count_only_if_asked() {
    let desk = Desk::ready();
    desk.file("scanhook.toml", &format!("{CONFIG}{TENANT}"));
    std::fs::remove_file(desk.0.path().join("rules.toml")).unwrap();
    let check = |args: &[&str]| {
        let mut command = desk.command(args);
        Ran::of(
            command
                .env("DEFENDER_SECRET", "of the app")
                .output()
                .unwrap(),
        )
    };
    has(
        &check(&["check"]).ends(0).out,
        &[
            "sources `other` and `soar` share a secret",
            "0 errors, 1 warning",
        ],
    );
    check(&["check", "--deny-warnings"]).ends(1);
    has(
        &desk.run(&["check"]).ends(1).out,
        &[
            "scanhook.toml:15:29",
            "DEFENDER_SECRET is not set",
            "1 error",
        ],
    );
}

#[test]
fn check_holds_the_rules_against_their_tests_and_the_configured_sources() {
    let desk = Desk::ready();
    desk.file("scanhook.toml", &format!("{CONFIG}{TENANT}"));
    let more = "[[rule]]\nname = \"other\"\nscan = \"full\"\nwhen = { source = \"sour\" }\n";
    desk.file("rules.toml", &format!("{RULES}{more}"));
    let check = |args: &[&str]| {
        let mut command = desk.command(args);
        Ran::of(
            command
                .env("DEFENDER_SECRET", "of the app")
                .output()
                .unwrap(),
        )
    };
    let found = check(&["check"]).ends(0).out;
    has(
        &found,
        &["warning[untested-rule]", "no test reaches rule `other`"],
    );
    has(
        &found,
        &[
            "warning[unknown-source]",
            "no source is named `sour`",
            "did you mean `soar`?",
        ],
    );
    check(&["check", "--deny-warnings"]).ends(1);
}

#[test]
fn rules_that_ask_for_two_people_are_refused_while_nobody_is_given_access() {
    let desk = Desk::ready();
    let protect = "[[protect]]\nname = \"jewels\"\nwhen = { user = \"root\" }\nat_most = \"hold\"\npeople = 2\n";
    desk.file("rules.toml", &format!("{RULES}{protect}"));
    let config = format!("{CONFIG}{TENANT}");
    desk.file("scanhook.toml", &config);
    let run = |args: &[&str]| {
        let mut command = desk.command(args);
        Ran::of(
            command
                .env("DEFENDER_SECRET", "of the app")
                .output()
                .unwrap(),
        )
    };
    let found = run(&["check"]).ends(1).out;
    has(
        &found,
        &["protection `jewels`", "[no-second-person]", "1 error"],
    );
    let refused = run(&["serve", "--simulate"]).ends(78).err;
    has(&refused, &["no-second-person"]);
    let hash = "0".repeat(64);
    let token = format!("[admin.tokens.anna]\nhash = \"sha256:{hash}\"\nrole = \"approver\"\n");
    desk.file("scanhook.toml", &format!("{config}{token}"));
    has(&run(&["check"]).ends(0).out, &["0 errors"]);
    has(
        &run(&["show"]).ends(0).out,
        &["jewels", "hold for 2 people"],
    );
}

#[test]
fn schema_prints_what_an_editor_needs_for_either_file() {
    let desk = Desk::empty();
    for (file, title) in [
        ("rules", "rules.toml of scanhook"),
        ("config", "scanhook.toml"),
    ] {
        let schema = desk.run(&["schema", file]).ends(0).json();
        assert_eq!(
            (&schema["title"], &schema["type"]),
            (&title.into(), &"object".into())
        );
    }
    desk.run(&["schema", "other"]).ends(64);
}

#[test]
fn check_shows_fifty_findings_of_a_kind_and_counts_the_others() {
    let desk = Desk::empty();
    let keys: String = (0..57).map(|n| format!("unknown{n} = 1\n")).collect();
    desk.file(
        "rules.toml",
        &RULES.replace("version = 1\n", &format!("version = 1\n{keys}")),
    );
    let found = desk.run(&["check", "--rules", "rules.toml"]).ends(1).out;
    assert_eq!(found.matches("error[unknown-key]").count(), 50);
    has(&found, &["and 7 more of `unknown-key`"]);
}

#[test]
fn test_names_every_test_and_says_what_came_instead() {
    let desk = Desk::empty();
    std::fs::copy(PAYLOAD, desk.0.path().join("captured.json")).unwrap();
    let captured = r#"
[[test]]
name = "a captured delivery"
source = "generic"
payload_file = "captured.json"
expect = { rule = "high", scan = "full" }
"#;
    desk.file("rules.toml", &format!("{RULES}{captured}{FAILING_TEST}"));
    let ran = desk.run(&["test"]).ends(1);
    has(
        &ran.out,
        &[
            "ok      high is scanned fully\n",
            "ok      a captured delivery\n",
        ],
    );
    has(
        &ran.out,
        &[
            "FAILED  low is scanned (line ",
            "`high`",
            "2 passed, 1 failed\n",
        ],
    );
    let filtered = desk.run(&["test", "--filter", "captured"]).ends(0);
    assert_eq!(
        filtered.out,
        "ok      a captured delivery\n1 passed, 0 failed\n"
    );
    desk.run(&["test", "--filter", "nothing like it"]).ends(66);
    let json = desk.run(&["test", "-o", "json"]).ends(1).json();
    assert_eq!(
        (&json["passed"], &json["failed"], &json["tests"][2]["ok"]),
        (&2.into(), &1.into(), &false.into())
    );
    desk.file("rules.toml", "version = 1\n[[rule]]\n");
    desk.run(&["test"]).ends(1);
}

/// The words of a command as a shell understands it.
fn words(desk: &Desk, command: &str) -> Vec<String> {
    let script =
        format!("curl() {{ printf '%s\\n' curl \"$@\"; cat <&3 2>&-; return 0; }}\n{command}");
    let output = Command::new("/bin/sh")
        .args(["-c", &script])
        .current_dir(desk.0.path())
        .output()
        .unwrap();
    let ran = Ran::of(output).ends(0);
    ran.out.lines().map(str::to_owned).collect()
}

#[test]
fn print_curl_prints_a_command_that_any_shell_takes_and_no_secret() {
    let desk = Desk::ready();
    let body = "{\"alert_id\": \"it's\"}";
    desk.file("my alert's $HOME.json", body);
    let curl = |args: &[&str]| {
        let ran = desk
            .run(
                &[
                    &["send", "my alert's $HOME.json", "--print-curl", "--source"],
                    args,
                ]
                .concat(),
            )
            .ends(0);
        assert!(!ran.out.contains("$ECRET"), "{}", ran.out);
        ran.out
    };
    let signature = format!(
        "x-signature-256: sha256={}",
        hmac_hex(SECRET, body.as_bytes())
    );
    let expected = |header: &str, url: &str| {
        [
            "curl",
            "-H",
            "Content-Type: application/json",
            "-H",
            header,
            "--data-binary",
            "@my alert's $HOME.json",
            url,
        ]
        .map(str::to_owned)
    };
    let url = "http://127.0.0.1:8080/webhooks/soar";
    assert_eq!(words(&desk, &curl(&["soar"])), expected(&signature, url));
    // Not a word of the command, which every user of the machine may read, but a line of its configuration.
    let hidden = |url: &str| {
        let bearer = format!(
            "header = \"Authorization: Bearer {}\"",
            SECRET.replace('"', "\\\"")
        );
        let words = [
            "curl",
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            "@my alert's $HOME.json",
            url,
        ];
        [&words[..], &["--config", "/dev/fd/3", &bearer]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let other = curl(&["other", "--url", "https://h/?a=1&b=$c"]);
    assert_eq!(words(&desk, &other), hidden("https://h/?a=1&b=$c"));

    std::fs::remove_file(desk.0.path().join("scanhook.toml")).unwrap();
    let url = "http://127.0.0.1:8080/webhooks/generic";
    let preset = curl(&["generic", "--secret-file", "soar secret"]);
    assert_eq!(words(&desk, &preset), expected(&signature, url));
    let other = signature.replace("x-signature-256: sha256=", "x-hub: v1=");
    let preset = curl(&[
        "generic",
        "--secret-file",
        "soar secret",
        "--header",
        "X-Hub",
        "--prefix",
        "v1=",
    ]);
    assert_eq!(words(&desk, &preset), expected(&other, url));
    let preset = curl(&["generic", "--secret-file", "soar secret", "--bearer"]);
    assert_eq!(words(&desk, &preset), hidden(url));
    has(
        &desk
            .run(&["send", PAYLOAD, "--source", "generic"])
            .ends(64)
            .err,
        &["--secret-file"],
    );
}

#[test]
fn simulate_is_a_far_side_of_its_own() {
    let desk = Desk::empty();
    let mut far = desk.command(&[
        "simulate",
        "--listen",
        "127.0.0.1:0",
        "--quick",
        "5s",
        "--per-minute",
        "7",
    ]);
    let mut far = far.stdout(Stdio::piped()).spawn().unwrap();
    let mut greeting = String::new();
    BufReader::new(far.stdout.as_mut().unwrap())
        .read_line(&mut greeting)
        .unwrap();
    let at = greeting
        .split_whitespace()
        .find_map(|word| word.strip_prefix("http://"))
        .expect("where it listens");
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(
        stream,
        "GET /_simulator/setup HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let setup: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&setup["quick_ms"], &setup["per_minute"], &setup["per_hour"]),
        (&5000.into(), &7.into(), &1500.into())
    );
    assert!(
        Command::new("kill")
            .args(["-TERM", &far.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert!(far.wait().unwrap().success());
}

#[test]
fn a_reader_that_leaves_ends_the_verb_quietly() {
    let desk = Desk::empty();
    desk.file("rules.toml", RULES);
    let mut child = desk
        .command(&["test"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap()).ends(0);
    assert_eq!(ran.err, "");
    assert!(Path::new("/dev/full").exists());
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    has(
        &Ran::of(desk.command(&["test"]).stdout(full).output().unwrap())
            .ends(74)
            .err,
        &["standard output"],
    );
}

#[test]
fn people_steer_a_running_responder_from_the_command_line() {
    let desk = Desk::ready();
    let serving = desk.serve_with(&["--paused"]);
    let admin = serving.admin();
    let ask = |args: &[&str]| {
        let mut command = desk.command(&[args, &["--admin", &admin]].concat());
        Ran::of(command.env("USER", "anna").output().unwrap())
    };
    let status = ask(&["status"]).ends(0).out;
    assert!(
        status.starts_with(
            "SIMULATED: the built-in simulator answers in the place of Entra ID and Defender"
        ),
        "{status}"
    );
    has(
        &status,
        &[
            "PAUSED     everything, by start since",
            "started with --paused",
        ],
    );
    let resumed = ask(&["resume"]).ends(0).out;
    assert!(
        resumed.starts_with("RESUMED ") && !resumed.contains("PAUSED"),
        "{resumed}"
    );
    has(&resumed, &["everything", "start"]);
    assert_eq!(
        ask(&["resume"]).ends(0).err,
        "no pause in force has all of this\n"
    );
    has(
        &ask(&["pause", "--rule", "hihg"]).ends(64).err,
        &["[bad-value]", "key: rule", "a rule that is in force"],
    );
    has(
        &ask(&[
            "pause",
            "--rule",
            "high",
            "--until",
            "2h",
            "--reason",
            "change freeze",
        ])
        .ends(0)
        .out,
        &["rule `high`", "anna"],
    );

    let url = serving.webhooks("soar");
    desk.run(&["send", PAYLOAD, "--source", "soar", "--url", &url])
        .ends(0);
    let waiting = ask(&["scans", "-o", "json"]).ends(0).json();
    let scan = waiting["items"][0]["id"].as_str().unwrap();
    has(&ask(&["scans"]).ends(0).out, &["waiting (paused)"]);
    has(
        &ask(&["scans", scan]).ends(0).out,
        &["paused", "rule `high`, by anna since", "change freeze"],
    );

    // A device that only has an address.
    let held = ask(&["decisions", "--state", "held", "-o", "json"])
        .ends(0)
        .json();
    let held = held["items"][0]["id"].as_str().unwrap();
    has(
        &ask(&["approve", held]).ends(65).err,
        &["[machine-needed]", "10.20.0.9, held, unresolved_device"],
    );
    has(
        &ask(&["approve", held, "--machine", "pc-7"]).ends(64).err,
        &["[bad-value]", "key: machine"],
    );
    let other = MACHINE.replace('1', "2");
    let approved = ask(&[
        "approve",
        held,
        "--machine",
        &other,
        "--by",
        "ben",
        "--reason",
        "looked it up",
    ])
    .ends(0);
    has(
        &approved.out,
        &[
            "approved",
            "10.20.0.9",
            "scan: new",
            "approved by ben (looked it up)",
        ],
    );
    has(&ask(&["approve", held]).ends(0).out, &["already"]);
    has(
        &ask(&["deny", held]).ends(65).err,
        &["[not-held]", "scan, new"],
    );

    // A selection is asked about, and there is nobody to ask.
    let refused = ask(&["cancel", "--rule", "high", "--device", "1e5b*"]).ends(64);
    has(&refused.err, &["1 scan about 1 machine", "--yes"]);
    assert_eq!(refused.out, "");
    has(
        &ask(&["scans", "--state", "waiting"]).ends(0).out,
        &["lt-042 (1e5bc9d7…)", &other],
    );
    assert_eq!(
        ask(&["cancel", "--rule", "nobody's", "--yes"]).ends(0).err,
        "nothing matches\n"
    );
    has(
        &ask(&["cancel", "--rule", "high", "--device", "1e5b*", "--yes"])
            .ends(0)
            .out,
        &["cancelled", "by anna", "lt-042 (1e5bc9d7…)"],
    );
    has(&ask(&["cancel", scan]).ends(0).out, &["already"]);
    has(
        &ask(&["cancel", "nonsense"]).ends(66).err,
        &["[unknown-id]"],
    );
    let some = ask(&[
        "retry",
        scan,
        "01a19b54-1b98-7000-8000-000000000001",
        "-o",
        "json",
    ])
    .ends(66);
    assert_eq!(some.json()["items"][0]["result"], "retried", "{}", some.out);
    has(&some.err, &["1 of 2 not done", "[unknown-id]"]);

    has(
        &ask(&["resume", "--rule", "high", "-o", "json"]).ends(0).out,
        &["\"in_force\":[]"],
    );
    until("both are sent", || {
        ask(&["scans", "--state", "running"])
            .ends(0)
            .out
            .matches("running")
            .count()
            == 2
    });
    let running = ask(&["scans", "--device", &other, "-o", "json"])
        .ends(0)
        .json();
    let running = running["items"][0]["id"].as_str().unwrap();
    has(&ask(&["cancel", running]).ends(0).out, &["cancelling"]);
    until("it is called off", || {
        ask(&["scans", running])
            .ends(0)
            .out
            .contains("finished: cancelled")
    });
    has(
        &ask(&["scans", running]).ends(0).out,
        &["approved", "ben", "cancel_asked", "anna", "cancel_taken"],
    );
}

#[test]
#[cfg(target_os = "linux")]
fn serve_leaves_no_core_dump() {
    let desk = Desk::ready();
    let serving = desk.serve();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serving.child.id())).unwrap();
    let core = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().take(2).collect::<Vec<_>>(),
        ["0", "0"]
    );
}

#[test]
fn rules_that_look_back_further_than_records_are_kept_are_refused_at_the_start_and_by_check() {
    let desk = Desk::ready();
    desk.file(
        "scanhook.toml",
        &format!(
            "{CONFIG}{}\n[journal.retention]\nbodies = \"1d\"\nrecords = \"3d\"\n",
            TENANT
        ),
    );
    let rules = |cooldown: &str| {
        format!(
            "version = 1\n[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = {{ severity = \"high\" }}\ncooldown = \"{cooldown}\"\n"
        )
    };
    desk.file("rules.toml", &rules("3d"));
    let check = || {
        Ran::of(
            desk.command(&["check"])
                .env("DEFENDER_SECRET", "a-secret-of-the-app")
                .output()
                .unwrap(),
        )
    };
    check().ends(0);
    desk.file("rules.toml", &rules("4d"));
    let told = "journal.retention.records: is 3d, but `cooldown` of rule `r` in the rules needs 4d";
    has(&check().ends(1).out, &[told, "set at least \"4d\""]);
    let serve = [
        "serve",
        "--simulate",
        "--data-dir",
        "data",
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ];
    let served = desk
        .command(&serve)
        .env("DEFENDER_SECRET", "a-secret-of-the-app")
        .output()
        .unwrap();
    has(&Ran::of(served).ends(78).err, &[told]);
}
