//! A PostgreSQL of a test's own: made by `initdb` in a folder in memory, reached by a socket there and by a port of
//! 127.0.0.1, gone when it is dropped. Root may not start one, so then it is the user `postgres`.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use scanhook::journal::{Ids, Store, initialise_database};
use scanhook::settings::PostgresSettings;
use tempfile::TempDir;

/// The database of the tests.
pub const DATABASE: &str = "journal";

/// The password of the role `scanhook`.
pub const PASSWORD: &str = "a password of the journal";

pub struct Server {
    folder: TempDir,
    port: u16,
}

impl Server {
    /// Starts one with an empty database, and the role `scanhook` that owns it.
    pub fn start() -> Server {
        let memory = Path::new("/dev/shm");
        Server::start_in(if memory.is_dir() {
            tempfile::tempdir_in(memory).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        })
    }

    /// The same in a folder of the caller's choice, which decides on what disk it syncs.
    pub fn start_in(folder: TempDir) -> Server {
        if is_root() {
            done(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        // Free a moment ago; who else takes a port in that moment is another test, which asks for another.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Server { folder, port };
        let data = server.data();
        done(
            as_owner("initdb")
                .args([
                    "-U",
                    "postgres",
                    "-E",
                    "UTF8",
                    "--locale=C.UTF-8",
                    "--no-sync",
                ])
                .args(["--auth-local=trust", "--auth-host=scram-sha-256", "-D"])
                .arg(data),
        );
        server.up();
        server.sql(
            "postgres",
            &format!("CREATE ROLE scanhook LOGIN PASSWORD '{PASSWORD}'"),
        );
        server.sql(
            "postgres",
            &format!("CREATE DATABASE {DATABASE} OWNER scanhook"),
        );
        server
    }

    /// The same with the journal's tables.
    pub fn initialised() -> Server {
        Server::start().with_tables()
    }

    /// This one with the journal's tables.
    pub fn with_tables(self) -> Server {
        let server = self;
        let at = server.at();
        // On a thread of its own, for it waits, which the tests of a runtime may not.
        let made = std::thread::spawn(move || initialise_database(&at, uuid::Uuid::nil()));
        assert!(!made.join().unwrap().unwrap());
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the server.
    pub fn up(&self) {
        self.starting(&["-w", "start"]);
    }

    /// Ends it as a power cut would, and starts it again.
    pub fn restart(&self) {
        self.starting(&["-m", "immediate", "-w", "restart"]);
    }

    fn starting(&self, arguments: &[&str]) {
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories={} -c max_connections=50",
            self.port,
            self.folder.path().display()
        );
        done(
            self.control(&["-o", &options])
                .stdout(Stdio::null())
                .arg("-l")
                .arg(self.folder.path().join("log"))
                .args(arguments),
        );
    }

    /// Ends it as a power cut would.
    pub fn cut(&self) {
        done(&mut self.control(&["-m", "immediate", "-w", "stop"]));
    }

    fn control(&self, arguments: &[&str]) -> Command {
        let mut command = as_owner("pg_ctl");
        command.arg("-D").arg(self.data()).args(arguments);
        command
    }

    /// Its address for the role `scanhook`, by the socket and without a password.
    pub fn at(&self) -> Arc<PostgresSettings> {
        Arc::new(PostgresSettings {
            host: self.folder.path().display().to_string(),
            port: self.port,
            user: "scanhook".to_owned(),
            database: DATABASE.to_owned(),
            tls: false,
            password: None,
            authorities: Vec::new(),
        })
    }

    /// The same as `[journal] url` names it.
    pub fn url(&self) -> String {
        Server::url_by(self.port)
    }

    /// The same by another port that leads to it.
    pub fn url_by(port: u16) -> String {
        format!("postgres://scanhook@127.0.0.1:{port}/{DATABASE}?sslmode=disable")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn store(&self, seed: u64) -> Store {
        Store::connect(&self.at(), Ids::seeded(seed)).unwrap()
    }

    /// What `psql` prints as the superuser in a database: rows as lines, columns between bars.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = done(
            as_owner("psql")
                .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h"])
                .arg(self.folder.path())
                .args(["-p", &self.port.to_string(), "-d", database, "-c", sql]),
        );
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// The same in the database of the journal.
    pub fn look(&self, sql: &str) -> String {
        self.sql(DATABASE, sql)
    }

    /// A setting for all sessions that begin from now on.
    pub fn set(&self, name: &str, value: &str) {
        self.look(&format!("ALTER SYSTEM SET {name} = {value}"));
        self.look("SELECT pg_reload_conf()");
        let shown = value.trim_matches('\'');
        while self.look(&format!("SHOW {name}")) != shown {
            std::thread::yield_now();
        }
    }

    /// Speaks TLS from now on, with this certificate and its key, both as PEM; and logs how each session comes.
    pub fn secure(&self, certificate: &str, key: &str) {
        for (name, text) in [("server.crt", certificate), ("server.key", key)] {
            let path = self.data().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                done(Command::new("chown").arg("postgres").arg(&path));
            }
        }
        self.set("log_connections", "'on'");
        self.set("ssl", "'on'");
    }

    /// Its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// What it refused, as its log has it: each statement of ours that it could not carry out.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.log();
        let complaint = |line: &&str| line.contains("ERROR:") || line.contains("STATEMENT:");
        log.lines().filter(complaint).map(str::to_owned).collect()
    }

    /// The statements that it was sent, as its log has them with `log_statement = all`.
    pub fn statements(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let sent =
            |line: &&str| line.contains("LOG:  execute ") || line.contains("LOG:  statement: ");
        log.lines().filter(sent).map(str::to_owned).collect()
    }

    /// Nothing is in the journal, and ids begin anew.
    pub fn empty(&self) {
        let tables = "SELECT string_agg(relname, ', ') FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('journal', 'numbered')";
        let tables = self.look(tables);
        self.look(&format!(
            "TRUNCATE {tables} RESTART IDENTITY; UPDATE numbered SET seq = 0"
        ));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails where a test has stopped it.
        let _ = self.control(&["-m", "immediate", "-w", "stop"]).output();
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// One of PostgreSQL's programs, as a user that may run a server. Debian keeps them apart from the path.
fn as_owner(program: &str) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut kept: Vec<PathBuf> = versions
        .map(|version| version.unwrap().path().join("bin").join(program))
        .filter(|path| path.exists())
        .collect();
    kept.sort();
    let path = kept.pop().unwrap_or_else(|| PathBuf::from(program));
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(path);
        command
    } else {
        Command::new(path)
    };
    command.current_dir("/");
    command
}

fn done(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; is PostgreSQL installed?"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
