//! The program itself as a process, for what cannot be played inside the test's own.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::{Answer, credential, listening};

/// A running `scanhook serve`; gone when dropped.
pub struct Served {
    child: Child,
    pub public: SocketAddr,
    pub admin: SocketAddr,
}

impl Served {
    /// Serves the installation of this folder.
    pub async fn start(folder: &Path) -> Served {
        Served::run(Served::command(folder)).await
    }

    /// The command, to be changed before it is run.
    pub fn command(folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
        command
            .args([
                "serve",
                "--config",
                "scanhook.toml",
                "--rules",
                "rules.toml",
            ])
            .current_dir(folder)
            .env_clear()
            .stdout(Stdio::null());
        command
    }

    /// Runs a command that serves, until it says where it listens. Its log goes to `serve.log` in its folder.
    pub async fn run(command: Command) -> Served {
        let started = Served::attempt(command).await;
        started.unwrap_or_else(|said| panic!("it did not start: {said:#?}"))
    }

    /// The same, or what it said where it ended before it listened.
    pub async fn attempt(mut command: Command) -> Result<Served, Vec<String>> {
        let folder = command
            .get_current_dir()
            .expect("it runs in a folder of its own");
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("serve.log"))
            .unwrap();
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let said = listening::said(&mut child, log);
        let heard = tokio::task::spawn_blocking(move || {
            let mut before = Vec::new();
            listening::addresses_if_any(&said, &mut before).ok_or(before)
        });
        match heard.await.unwrap() {
            Ok([public, admin]) => Ok(Served {
                child,
                public,
                admin,
            }),
            Err(before) => {
                // Fails where it has ended already.
                let _ = child.kill();
                child.wait().unwrap();
                Err(before)
            }
        }
    }

    /// An honest request to `siem`.
    pub async fn post(&self, http: &reqwest::Client, body: &str) -> Answer {
        post(http, self.public, body).await.expect("an answer")
    }

    /// What the admin listener says.
    pub async fn get(&self, http: &reqwest::Client, path: &str) -> Value {
        let answer = http
            .get(format!("http://{}{path}", self.admin))
            .send()
            .await
            .unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    /// SIGHUP, by the system's own program.
    pub fn hang_up(&self) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
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
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

/// An honest request to `siem` at this address; nothing where no answer came.
pub async fn post(http: &reqwest::Client, at: SocketAddr, body: &str) -> Option<Answer> {
    let (name, value) = credential("siem", body.as_bytes());
    let request = http
        .post(format!("http://{at}/webhooks/siem"))
        .header("content-type", "application/json");
    Answer::whole(
        request
            .header(name, value)
            .body(body.to_owned())
            .send()
            .await
            .ok()?,
    )
    .await
}
