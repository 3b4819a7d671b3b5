//! The app as a user runs it: settings from a file, real sockets, a journal on disk, and a far side whose own record
//! is the witness. Nothing here reads the app from inside.

mod authority;
mod binary;
mod collector;
mod customers;
mod far;
mod front;
mod http;
mod inbox;
pub mod listening;
mod logged;
mod policies;
mod proxy;
mod relay;
#[allow(dead_code, reason = "some of it only the witnesses need")]
mod served;
mod storm;
mod tls;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use scanhook::app::{Listeners, Options, Running, StormPace};
use scanhook::defender::client::Timeouts;
use scanhook::keyrings::Beat;
use scanhook::policy::Policy;
use scanhook::reload::WatchedFiles;
use scanhook::settings::{Flags, Inputs, Settings};
use scanhook::worker::Pace;
use scanhook_core::lease::LeaseTerms;
use scanhook_simulator::{Fault, Setup};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub use authority::Issuer;
pub use binary::Binary;
pub use collector::{Collector, attributes};
pub use customers::{SOUTH, generic, listed, source, two_customers};
pub use far::{Far, fault};
pub use front::{Foul, Front};
pub use http::{Answer, hmac_hex, hmac_tag, say, standard_webhook};
pub use inbox::Inbox;
pub use logged::logging;
pub use policies::{ASKING, HELD};
pub use proxy::{Mood, TestProxy};
pub use relay::{Begins, Posted, Relay};
pub use served::{Served, client, post};
pub use storm::storm;
pub use tls::{Authority, Certificate, Secured};

pub const SIEM_SECRET: &str = "siem-secret-of-32-bytes-00000000";
pub const OTHER_SECRET: &str = "other-secret-of-32-bytes-0000000";
pub const SENTINEL_SECRET: &str = "sentinel-secret-of-32-bytes-0000";
pub const DEFENDER_SECRET: &str = "defender-secret-of-32-bytes-0000";
pub const TENANT: &str = "3d2b1f8c-6a44-4f0d-9c51-7e8a9b0c1d2e";
pub const CLIENT: &str = "b7a0c9d2-51e3-4b7e-8f60-2a1c3d4e5f60";

/// Reaching it is a failure: far more than anything here takes.
pub const DEADLINE: Duration = Duration::from_secs(30);

pub const RULES: &str = r#"
version = 1

[defaults]
mode = "enforce"

[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }

[[rule]]
name = "medium"
scan = "quick"
when = { severity = "medium" }
"#;

/// Changes settings that were read.
pub type Adapt = dyn Fn(&mut Settings) + Send + Sync;

/// What a test changes about the ordinary site.
pub struct Wish {
    pub rules: String,
    /// Lines of `[server]`.
    pub server: &'static str,
    /// Lines of `[tenants.default]`.
    pub tenant: &'static str,
    pub setup: Setup,
    /// Faults that wait for the app's very first calls.
    pub faults: Vec<Fault>,
    /// A front before the simulator, whose answers may break HTTP itself.
    pub front: bool,
    pub pace: Pace,
    pub timeouts: Timeouts,
    pub dry_run: bool,
    /// Started with `--paused`.
    pub paused: bool,
    /// More of scanhook.toml.
    pub more: String,
    /// Secrets it names: file and content.
    pub secrets: Vec<(&'static str, &'static str)>,
    pub beat: Beat,
    /// How often the files are looked at for changes.
    pub look: Duration,
    /// A scanhook.toml of its own, in which FAR stands for the far side's address.
    pub config: Option<String>,
    /// How often it is looked for storms, and when one is over.
    pub storms: StormPace,
    /// Leases are asked for, and last so long.
    pub lease: Option<LeaseTerms>,
    /// What is changed about the settings once they are read.
    pub adapt: Option<Box<Adapt>>,
}

impl Default for Wish {
    fn default() -> Wish {
        let millis = Duration::from_millis;
        Wish {
            rules: RULES.to_owned(),
            server: "",
            tenant: "",
            setup: Setup {
                pending_ms: 100,
                quick_ms: 300,
                full_ms: 600,
                ..Setup::default()
            },
            faults: Vec::new(),
            front: false,
            pace: Pace {
                follow_first: millis(150),
                follow_most: millis(250),
                settle: millis(200),
                busy: millis(300),
                lull: Duration::ZERO,
                ..Pace::default()
            },
            timeouts: Timeouts::default(),
            dry_run: false,
            paused: false,
            more: String::new(),
            secrets: Vec::new(),
            beat: Beat::default(),
            look: Duration::from_secs(3600),
            config: None,
            storms: StormPace::default(),
            lease: None,
            adapt: None,
        }
    }
}

/// One installation: its folder, its far side, and the app while it runs.
pub struct Site {
    pub folder: TempDir,
    pub far: Far,
    pub wish: Wish,
    running: Option<Running>,
    pub public: SocketAddr,
    pub admin: SocketAddr,
    pub http: reqwest::Client,
}

impl Site {
    pub async fn open() -> Site {
        Site::with(Wish::default()).await
    }

    pub async fn with(wish: Wish) -> Site {
        let folder = tempfile::tempdir().unwrap();
        let mut far = Far::open(wish.setup.clone()).await;
        if wish.front {
            far.hide_behind_a_front().await;
        }
        far.shared.with(|far| far.faults(wish.faults.clone()));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap();
        let mut site = Site {
            folder,
            far,
            wish,
            running: None,
            public: nowhere,
            admin: nowhere,
            http,
        };
        install(
            site.folder.path(),
            site.far.at,
            site.wish.server,
            site.wish.tenant,
        );
        add(site.folder.path(), &site.wish.more, &site.wish.secrets);
        if let Some(config) = &site.wish.config {
            let config = config.replace("FAR", &site.far.at.to_string());
            std::fs::write(site.folder.path().join("scanhook.toml"), config).unwrap();
        }
        site.start().await;
        site
    }

    pub async fn start(&mut self) {
        let rules = self.rules();
        std::fs::write(&rules, &self.wish.rules).unwrap();
        let (dry_run, paused) = (self.wish.dry_run, self.wish.paused);
        let flags = Flags {
            rules: Some(rules.clone()),
            dry_run,
            paused,
            ..Flags::default()
        };
        let file = Some(self.folder.path().join("scanhook.toml"));
        let inputs = Inputs {
            file,
            flags,
            ..Inputs::default()
        };
        let mut settings = Settings::load(&inputs).unwrap_or_else(|faults| panic!("{faults:?}"));
        if let Some(adapt) = &self.wish.adapt {
            adapt(&mut settings);
        }
        let policy = Policy::load(&rules).unwrap_or_else(|error| panic!("{error:?}"));
        let bind = || TcpListener::bind("127.0.0.1:0");
        let listeners = Listeners {
            public: bind().await.unwrap(),
            admin: bind().await.unwrap(),
        };
        let (pace, timeouts, beat) = (self.wish.pace, self.wish.timeouts, self.wish.beat);
        let reload = Some(WatchedFiles {
            inputs,
            every: self.wish.look,
        });
        let options = Options {
            pace,
            timeouts,
            beat,
            simulator: None,
            reload,
            storms: self.wish.storms,
            heartbeat: None,
            lease: self.wish.lease,
        };
        let running = Running::start(settings, policy.policy, listeners, options)
            .await
            .unwrap();
        (self.public, self.admin) = (running.public, running.admin);
        self.running = Some(running);
    }

    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Stops and starts on the same folder, with nothing to be sent from now on.
    pub async fn restart_dry(&mut self) {
        self.stop().await;
        self.wish.dry_run = true;
        self.start().await;
    }

    /// Stops and starts on the same folder, with other rules.
    pub async fn restart_with(&mut self, rules: &str) {
        self.stop().await;
        self.wish.rules = rules.to_owned();
        self.start().await;
    }

    /// Stops and starts on the same folder.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// An honest request: what the source's sender would post.
    pub async fn post(&self, source: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let (name, value) = credential(source, body);
        let request = self
            .http
            .post(format!("http://{}/webhooks/{source}", self.public))
            .header("content-type", "application/json")
            .header(name, value)
            .body(body.to_vec());
        Answer::of(request.send().await.unwrap()).await
    }

    /// Posts to `siem` and expects 202; the receipt.
    pub async fn accepted(&self, body: impl AsRef<[u8]>) -> Value {
        let answer = self.post("siem", body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.admin(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    pub async fn admin(&self, path: &str) -> Answer {
        Answer::of(
            self.http
                .get(format!("http://{}{path}", self.admin))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// An order as a program gives it.
    pub async fn order(&self, path: &str, body: &Value) -> Answer {
        let request = self
            .http
            .post(format!("http://{}{path}", self.admin))
            .header("content-type", "application/json");
        Answer::of(request.body(body.to_string()).send().await.unwrap()).await
    }

    /// An order that is carried out; its answer.
    pub async fn ordered(&self, path: &str, body: Value) -> Value {
        let answer = self.order(path, &body).await;
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.text);
        answer.json()
    }

    /// An order that is refused; its status and its problem.
    pub async fn refused(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.order(path, &body).await;
        assert!(answer.status >= 400, "{path} {body}: {}", answer.text);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        (answer.status, answer.json())
    }

    /// The scan, with its events.
    pub async fn scan(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/scans/{id}")).await
    }

    /// Waits until the scan is in this state; the scan.
    pub async fn scan_in(&self, id: &str, state: &str) -> Value {
        let mut last = Value::Null;
        until_or(
            DEADLINE,
            async || {
                last = self.scan(id).await;
                (last["state"] == state).then(|| last.clone())
            },
            || format!("scan {id} becomes {state}"),
        )
        .await
    }

    /// Waits until nothing is under way any more.
    pub async fn scan_ended(&self, id: &str) -> Value {
        until("the scan ends", async || {
            let scan = self.scan(id).await;
            ["finished", "dropped"]
                .contains(&scan["state"].as_str().unwrap())
                .then_some(scan)
        })
        .await
    }

    /// Waits until no decision waits for the directory.
    pub async fn resolved(&self) {
        until("nothing waits for the directory", async || {
            (self.get("/api/v1/status").await["tenants"][0]["resolving"] == 0).then_some(())
        })
        .await;
    }

    /// Waits until the lane says why it is stopped.
    pub async fn stopped(&self) -> String {
        until("the lane is stopped", async || {
            self.get("/api/v1/status").await["tenants"][0]["lane"]["stopped"]
                .as_str()
                .map(str::to_owned)
        })
        .await
    }

    /// The rules file.
    pub fn rules(&self) -> PathBuf {
        self.folder.path().join("rules.toml")
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("scanhook.db")
    }

    /// Rows of each table that an alert can leave something in, through a connection of our own.
    pub fn rows(&self) -> Rows {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = Connection::open_with_flags(self.journal(), flags).unwrap();
        db.busy_timeout(Duration::from_secs(5)).unwrap();
        let count = |table| {
            db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .unwrap()
        };
        Rows {
            delivery: count("delivery"),
            alert: count("alert"),
            decision: count("decision"),
            scan: count("scan"),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    pub delivery: u32,
    pub alert: u32,
    pub decision: u32,
    pub scan: u32,
}

/// Puts scanhook.toml and its secrets into a folder.
pub fn install(folder: &Path, far: SocketAddr, server: &str, tenant: &str) {
    for (name, secret) in [
        ("siem", SIEM_SECRET),
        ("other", OTHER_SECRET),
        ("sentinel", SENTINEL_SECRET),
        ("defender", DEFENDER_SECRET),
        ("app", "client-secret"),
    ] {
        let path = folder.join(format!("{name}.secret"));
        std::fs::write(&path, secret).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    std::fs::write(
        folder.join("scanhook.toml"),
        scanhook_toml(far, server, tenant),
    )
    .unwrap();
}

/// Adds to the scanhook.toml of a folder, with the secrets that it names.
pub fn add(folder: &Path, more: &str, secrets: &[(&str, &str)]) {
    for (name, secret) in secrets {
        let path = folder.join(name);
        std::fs::write(&path, secret).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let file = folder.join("scanhook.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text + more).unwrap();
}

fn scanhook_toml(far: SocketAddr, server: &str, tenant: &str) -> String {
    format!(
        r#"
[server]
listen = "127.0.0.1:0"
admin_listen = "127.0.0.1:0"
grace = "2s"
{server}

[journal]
url = "sqlite:scanhook.db"

[tenants.default]
tenant_id = "{TENANT}"
client_id = "{CLIENT}"
credential = {{ secret_file = "app.secret" }}
api_base = "http://{far}"
authority = "http://{far}"
{tenant}

[sources.siem]
preset = "generic"
[[sources.siem.auth]]
hmac = {{ header = "X-Signature-256", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "siem.secret" }}

[sources.other]
preset = "generic"
[[sources.other.auth]]
hmac = {{ header = "X-Signature-256", prefix = "sha256=", encoding = "hex", signed = "{{body}}", secret_file = "other.secret" }}

[sources.sentinel]
preset = "sentinel-incident"
[[sources.sentinel.auth]]
bearer = {{ secret_file = "sentinel.secret" }}

[sources.defender]
preset = "defender-alert"
[[sources.defender.auth]]
bearer = {{ secret_file = "defender.secret" }}
"#
    )
}

/// The header with which a source's sender proves itself.
pub fn credential(source: &str, body: &[u8]) -> (&'static str, String) {
    match source {
        "siem" => (
            "x-signature-256",
            format!("sha256={}", hmac_hex(SIEM_SECRET, body)),
        ),
        "other" => (
            "x-signature-256",
            format!("sha256={}", hmac_hex(OTHER_SECRET, body)),
        ),
        "sentinel" => ("authorization", format!("Bearer {SENTINEL_SECRET}")),
        "defender" => ("authorization", format!("Bearer {DEFENDER_SECRET}")),
        // Sources of a configuration of its own.
        _ => ("authorization", format!("Bearer {SIEM_SECRET}")),
    }
}

/// The n-th machine's id.
pub fn machine(n: u32) -> String {
    format!("{n:040x}")
}

/// An alert of the generic shape about one machine.
pub fn alert(id: &str, severity: &str, machine: &str) -> String {
    json!({ "alert_id": id, "title": "t", "severity": severity, "devices": [{ "mde_id": machine }] }).to_string()
}

/// The id of the scan that answers the first decision of a receipt.
pub fn scan_id(receipt: &Value) -> String {
    let id = &receipt["alerts"][0]["decisions"][0]["scan_id"];
    id.as_str()
        .unwrap_or_else(|| panic!("no scan in {receipt}"))
        .to_owned()
}

/// Asks until there is an answer, and fails at the deadline.
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_or(DEADLINE, ask, || what.to_owned()).await
}

/// The same with a deadline of its own.
pub async fn until_in<T>(deadline: Duration, what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_or(deadline, ask, || what.to_owned()).await
}

/// The same, which says only then what is missing.
pub async fn until_or<T>(
    deadline: Duration,
    mut ask: impl AsyncFnMut() -> Option<T>,
    what: impl Fn() -> String,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < deadline, "not in time: {}", what());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Watches for a second that something that must not happen does not, while there is every occasion for it.
pub async fn never(what: &str, happens: impl Fn() -> bool) {
    never_in(Duration::from_secs(1), what, happens).await;
}

/// The same for a time of its own.
pub async fn never_in(span: Duration, what: &str, happens: impl Fn() -> bool) {
    let begun = Instant::now();
    while begun.elapsed() < span {
        assert!(!happens(), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All of these at the same time; their values in order.
pub async fn join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    std::future::poll_fn(|cx| {
        let mut ready = true;
        for (future, value) in &mut futures {
            if value.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(done) => *value = Some(done),
                    std::task::Poll::Pending => ready = false,
                }
            }
        }
        if ready {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    futures.into_iter().filter_map(|(_, value)| value).collect()
}
