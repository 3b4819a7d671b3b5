//! The program itself as a process, for what cannot be played inside the test's own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::credential;

/// A running `scanhook serve`; gone when dropped.
pub struct Served {
    child: Child,
    pub public: SocketAddr,
}

impl Served {
    /// Serves the installation of this folder.
    pub async fn start(folder: &Path) -> Served {
        Served::run(Served::command(folder)).await
    }

    /// The command, to be changed before it is run. Its log goes to `serve.log`.
    pub fn command(folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        let log = File::options().create(true).append(true).open(folder.join("serve.log")).unwrap();
        command
            .args(["serve", "--config", "scanhook.toml", "--rules", "rules.toml"])
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(log);
        command
    }

    /// Runs a command that serves, until it says where it listens.
    pub async fn run(mut command: Command) -> Served {
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).map(|_| line)
        });
        let line = line.await.unwrap().unwrap();
        let public = line.strip_prefix("listening on http://").and_then(|rest| rest.split(' ').next());
        let public = public.and_then(|at| at.parse().ok());
        Served { child, public: public.unwrap_or_else(|| panic!("it did not start: {line:?}")) }
    }

    /// An honest request to `siem`: status and body, or nothing where there was no answer.
    pub async fn post(&self, http: &reqwest::Client, body: &str) -> Option<(u16, String)> {
        post(http, self.public, body).await
    }

    /// SIGKILL: nothing of it gets another instruction.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Fails where it has ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

/// A sender's client, with little patience.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap()
}

/// An honest request to `siem` at this address.
pub async fn post(http: &reqwest::Client, at: SocketAddr, body: &str) -> Option<(u16, String)> {
    let (name, value) = credential("siem", body.as_bytes());
    let request = http.post(format!("http://{at}/webhooks/siem")).header("content-type", "application/json");
    let answer = request.header(name, value).body(body.to_owned()).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.ok()?))
}
