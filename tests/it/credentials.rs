//! Every way a tenant can prove its app to Entra ID: alert in, scan out, against a far side that verifies the proof; what a
//! refusal says in status; and that no byte of a secret, an assertion or a token is left anywhere.

mod arc;
mod keys;
mod kinds;
mod login;
mod rotation;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use scanhook_simulator::{FederatedIssuer, HostIdentity, Setup, Tenant};
use serde_json::Value;
use tempfile::TempDir;

use keys::ISSUER;
pub use keys::Keys;

use crate::harness::{
    CLIENT, Far, RULES, SIEM_SECRET, Served, TENANT, alert, client, machine, scan_id, until,
};

const SUBJECT: &str = "system:serviceaccount:soc:scanhook";

/// The app of these tests, with what proves it.
pub fn app(with: Tenant) -> Setup {
    Setup {
        pending_ms: 100,
        quick_ms: 300,
        full_ms: 600,
        tenants: vec![Tenant {
            id: TENANT.to_owned(),
            ..with
        }],
        ..Setup::default()
    }
}

/// The issuer whose key this is may speak for the app.
pub fn issuer(keys: &Keys) -> FederatedIssuer {
    FederatedIssuer {
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        public_key: keys.public_pem(),
        ..FederatedIssuer::default()
    }
}

/// The identity that Azure gives this computer.
pub fn identity() -> HostIdentity {
    HostIdentity {
        system: true,
        client_id: "identity-app".to_owned(),
        object_id: "identity-object".to_owned(),
        resource_id: "/subscriptions/s/identity".to_owned(),
    }
}

/// Writes a file that only we may read.
pub fn put(folder: &Path, name: &str, text: &str) {
    let (file, beside) = (folder.join(name), folder.join(format!("{name}.beside")));
    std::fs::write(&beside, text).unwrap();
    std::fs::set_permissions(&beside, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(beside, file).unwrap();
}

pub fn scanhook_toml(far: &str, credential: &str) -> String {
    let client_id = format!("client_id = \"{CLIENT}\"\n");
    let client_id = if credential.starts_with("{ managed_identity") {
        ""
    } else {
        &client_id
    };
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
grace = "2s"
[journal]
url = "sqlite:scanhook.db"
[tenants.default]
tenant_id = "{TENANT}"
{client_id}credential = {credential}
api_base = "http://{far}"
authority = "http://{far}"
[sources.siem]
preset = "generic"
[[sources.siem.auth]]
hmac = {{ header = "X-Signature-256", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "siem.secret" }}
"#
    )
}

/// An installation that is served by the program itself, with everything in its log.
pub struct Stand {
    pub folder: TempDir,
    pub far: Far,
    pub served: Served,
    pub http: reqwest::Client,
    alerts: u32,
}

impl Stand {
    /// `FAR` in the environment stands for the far side's address.
    pub async fn open(
        far: Far,
        credential: &str,
        files: &[(&str, &str)],
        env: &[(&str, &str)],
    ) -> Stand {
        let toml = scanhook_toml(&far.at.to_string(), credential);
        Stand::of(far, &toml, files, env).await
    }

    /// The same with a scanhook.toml of its own.
    pub async fn of(far: Far, toml: &str, files: &[(&str, &str)], env: &[(&str, &str)]) -> Stand {
        let folder = tempfile::tempdir().unwrap();
        let at = far.at.to_string();
        put(folder.path(), "siem.secret", SIEM_SECRET);
        for (name, text) in files {
            put(folder.path(), name, text);
        }
        put(folder.path(), "rules.toml", RULES);
        put(folder.path(), "scanhook.toml", toml);
        let mut command = Served::command(folder.path());
        command.env("SCANHOOK_LOG", "trace");
        for (name, value) in env {
            command.env(name, value.replace("FAR", &at));
        }
        let served = Served::run(command).await;
        Stand {
            folder,
            far,
            served,
            http: client(),
            alerts: 0,
        }
    }

    /// An alert goes in; its scan.
    pub async fn alerted(&mut self) -> String {
        self.alerts += 1;
        let body = alert(&format!("a-{}", self.alerts), "high", &machine(self.alerts));
        let answer = self.served.post(&self.http, &body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        scan_id(&answer.json())
    }

    /// An alert goes in, and its scan is carried out and taken down as such.
    pub async fn scans(&mut self) {
        let id = self.alerted().await;
        let path = format!("/api/v1/scans/{id}");
        until("the scan is carried out", async || {
            let scan = self.served.get(&self.http, &path).await;
            ["running", "finished"]
                .contains(&scan["state"].as_str()?)
                .then_some(())
        })
        .await;
        let asked = machine(self.alerts);
        let scans = self.far.scans();
        assert!(
            scans.iter().any(|scan| scan.machine == asked),
            "{}",
            scans.len()
        );
    }

    /// What status says of the lane.
    pub async fn lane(&self) -> Value {
        let status = self.served.get(&self.http, "/api/v1/status").await;
        status["tenants"][0]["lane"].clone()
    }

    /// Waits until the tenant is stopped; why.
    pub async fn stopped(&self) -> String {
        until("the tenant is stopped", async || {
            self.lane().await["stopped"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Waits until a note says this; the note.
    pub async fn noted(&self, what: &str) -> String {
        until(what, async || {
            let lane = self.lane().await;
            let notes = lane["notes"].as_array().cloned().unwrap_or_default();
            let mut notes = notes.iter().filter_map(Value::as_str);
            notes.find(|note| note.contains(what)).map(str::to_owned)
        })
        .await
    }

    /// Nothing of these is in log, journal, metrics or status, and no JWT at all.
    pub async fn keeps_to_itself(&self, secrets: &[String]) {
        let mut said = Vec::new();
        for name in ["serve.log", "scanhook.db", "scanhook.db-wal"] {
            let bytes = std::fs::read(self.folder.path().join(name)).unwrap_or_default();
            said.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
        for path in ["/metrics", "/api/v1/status"] {
            let url = format!("http://{}{path}", self.served.admin);
            said.push((
                path,
                self.http
                    .get(url)
                    .send()
                    .await
                    .unwrap()
                    .text()
                    .await
                    .unwrap(),
            ));
        }
        assert!(said[0].1.contains("token granted"), "the log is there");
        for (place, text) in said {
            let of_jwt = "eyJ".to_owned();
            for secret in secrets.iter().chain([&of_jwt]) {
                let at = text.find(secret.as_str());
                assert!(
                    at.is_none(),
                    "{place} holds {:?}",
                    &text[at.unwrap()..][..40]
                );
            }
        }
    }
}
