//! A restart with a long queue: from the start of the program until its first scan call arrives at the far side. Both
//! programs are the real ones; the journal holds 100,000 waiting scans, as many that ended, and a week of calls.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout
)]

mod desk;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the tests, which use all of it"
)]
#[path = "../tests/it/harness/listening.rs"]
mod listening;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use desk::{Counter, write};
use rusqlite::Connection;
use scanhook::clock;
use scanhook::journal::{Ids, Store};

const WAITING: u32 = 100_000;
const STEP: u32 = 1_000;
/// As many calls as the quota of one API allows in a week.
const CALLS: u32 = 252_000;
const RESTARTS: u32 = 5;

/// A program of ours that listens; gone when dropped.
struct Program(Child);

impl Program {
    /// Serves what lies in this folder.
    fn serve(folder: &Path) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args([
                "serve",
                "--config",
                "scanhook.toml",
                "--rules",
                "rules.toml",
            ])
            .current_dir(folder);
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        listening::addresses(&listening::said(&mut child, std::io::sink()));
        Program(child)
    }

    /// The far side, with its address.
    fn simulate() -> (Program, SocketAddr) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args(["simulate", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let at = line
            .strip_prefix("listening on http://")
            .and_then(|rest| rest.split(' ').next());
        (Program(child), at.unwrap().parse().unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Scans that the far side has carried out.
fn scans(far: SocketAddr) -> usize {
    let mut stream = TcpStream::connect(far).unwrap();
    stream
        .write_all(b"GET /_simulator/scans HTTP/1.1\r\nhost: far\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.matches("\"external_id\"").count()
}

/// A journal with all of that in it.
fn fill(path: &Path) {
    let mut store = Store::open(path, Ids::random().unwrap()).unwrap();
    let mut counter = Counter::new(&mut store);
    let now = clock::now();
    for _ in 0..WAITING / STEP {
        let acceptances: Vec<_> = (0..STEP).map(|_| counter.delivery()).collect();
        write(&mut store, move |tx| {
            acceptances
                .iter()
                .try_for_each(|a| tx.accept(a, now).map(drop))
        });
    }
    drop(store);
    let day = 86_400_000;
    Connection::open(path)
        .unwrap()
        .execute_batch(&format!(
            "INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_after, sent_at,
                              ended_at, outcome)
                 SELECT randomblob(16), tenant, 'f' || substr(machine, 2), dry, kind, priority, rule, 'finished',
                        created_at - {day}, not_after, created_at - {day}, created_at - {day}, 'succeeded' FROM scan;
             INSERT INTO call(tenant, api, urgent, sent_at, ended_at, answer)
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CALLS})
                 SELECT 1, 'scan', 0, {now} - {day} - i * 2400, {now} - {day} - i * 2400, '201' FROM n;",
            now = now.millis(),
        ))
        .unwrap();
}

fn install(folder: &Path, far: SocketAddr) {
    let secret = folder.join("secret");
    std::fs::write(&secret, "a secret of at least 16 bytes").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
[tenants.default]
tenant_id = "00000000-0000-0000-0000-00000000000a"
client_id = "00000000-0000-0000-0000-00000000000b"
credential = {{ secret_file = "secret" }}
api_base = "http://{far}"
authority = "http://{far}"
[sources.generic]
preset = "generic"
[[sources.generic.auth]]
bearer = {{ secret_file = "secret" }}
"#
    );
    std::fs::write(folder.join("scanhook.toml"), settings).unwrap();
    std::fs::write(folder.join("rules.toml"), desk::RULES).unwrap();
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (_far, far) = Program::simulate();
    install(folder.path(), far);
    fill(&folder.path().join("scanhook.db"));
    for restart in 1..=RESTARTS {
        let before = scans(far);
        let begun = Instant::now();
        // Killed at its end, so that the next one finds a log to recover and calls without an answer.
        let _served = Program::serve(folder.path());
        let listening = begun.elapsed();
        while scans(far) == before {
            std::thread::sleep(Duration::from_millis(1));
        }
        println!(
            "restart {restart}: listening after {listening:.0?}, the first scan call after {:.0?}",
            begun.elapsed()
        );
    }
}
