//! The real responder and the simulated Defender on free loopback ports, with the doors others would use: signed
//! webhooks in, the admin listener for everything that is said about them.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use crate::api::{AlertView, DecisionView, Page, Receipt, ScanView, StatusView};
use crate::app::{Listeners, Options, Running};
use crate::clock;
use crate::defender::Answer;
use crate::defender::client::{Client, Timeouts};
use crate::policy::Policy;
use crate::settings::{Flags, Inputs, Settings};
use crate::worker::Pace;
use anyhow::{Context as _, anyhow, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use scanhook_core::signature::{Check, Key, Moment, ProvenRequest};
use scanhook_simulator::serve::SharedSimulator;
use scanhook_simulator::{Setup, Simulator};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::samples::{DEFENDER, SENTINEL, SOAR, Sample};
use super::scratch::Scratch;

/// How long the far side takes to answer, in milliseconds.
const LATENCY: u64 = 60;

/// Everything that runs.
pub(super) struct DemoStage {
    pub(super) far: SharedSimulator,
    settings: Settings,
    client: Client,
    running: Option<Running>,
    // Declared last, so that it goes when nothing uses it any more.
    pub(super) scratch: Scratch,
}

/// What a sender got.
pub(super) struct Received {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Received {
    /// The receipt in it.
    pub(super) fn receipt(&self) -> anyhow::Result<Receipt> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("an answer {} holds no receipt", self.status))
    }
}

impl DemoStage {
    /// Writes configuration and secrets below `temporary`, loads them as `serve` would, and starts.
    pub(super) async fn set(temporary: &Path) -> anyhow::Result<DemoStage> {
        let scratch = Scratch::new(temporary)?;
        for name in [SENTINEL, DEFENDER, SOAR, "default"] {
            scratch.secret(&format!("{name}.secret"))?;
        }
        let rules = scratch.write("rules.toml", include_bytes!("rules.toml"))?;
        let file = scratch.write("scanhook.toml", include_bytes!("scanhook.toml"))?;
        let flags = Flags {
            rules: Some(rules),
            simulate: true,
            ..Flags::default()
        };
        // Without the environment: what is set for a real responder must not change the demo.
        let inputs = Inputs {
            file: Some(file),
            env: BTreeMap::new(),
            flags,
        };
        let settings = Settings::load(&inputs).map_err(|faults| {
            let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
            anyhow!(
                "the demo's own configuration is faulty: {}",
                lines.join("; ")
            )
        })?;
        let far = SharedSimulator::new(Simulator::new(far_side()));
        let client = Client::build(Timeouts::default())?;
        let mut stage = DemoStage {
            far,
            settings,
            client,
            running: None,
            scratch,
        };
        stage.start().await?;
        Ok(stage)
    }

    /// Starts the responder on its journal, on the ports it had before if they are free.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let checked = Policy::load(&self.settings.rules)
            .map_err(|fault| anyhow!("the demo's own rules: {fault:?}"))?;
        let server = &mut self.settings.server;
        let listeners = Listeners {
            public: bind(server.listen).await?,
            admin: bind(server.admin_listen).await?,
        };
        (server.listen, server.admin_listen) = (
            listeners.public.local_addr()?,
            listeners.admin.local_addr()?,
        );
        let options = Options {
            pace: brisk(),
            simulator: Some(self.far.clone()),
            ..Options::default()
        };
        // Connections of an earlier life are dead; a new client has none of them.
        self.client = Client::build(Timeouts::default())?;
        self.running =
            Some(Running::start(self.settings.clone(), checked.policy, listeners, options).await?);
        Ok(())
    }

    /// The responder dies without a word.
    pub(super) async fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill().await;
        }
    }

    /// The responder stops in good order.
    pub(super) async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Waits until something ends that should run for ever; its name.
    pub(super) async fn ended(&mut self) -> &'static str {
        match &mut self.running {
            Some(running) => running.ended().await,
            None => "everything",
        }
    }

    /// Where webhooks arrive.
    pub(super) fn public(&self) -> SocketAddr {
        self.settings.server.listen
    }

    /// Where status and metrics are.
    pub(super) fn admin(&self) -> SocketAddr {
        self.settings.server.admin_listen
    }

    /// Where the simulated Defender is.
    pub(super) fn simulator(&self) -> Option<SocketAddr> {
        self.running.as_ref().and_then(|running| running.simulator)
    }

    /// How slow the far side is from now on, in milliseconds; none: as usual.
    pub(super) fn latency(&self, ms: Option<u64>) {
        self.far
            .with(|far| far.setup().latency_ms = ms.unwrap_or(LATENCY));
    }

    /// Signs a sample as its source requires, and posts it.
    pub(super) async fn post(&self, sample: &Sample) -> anyhow::Result<Received> {
        send(
            self.client.clone(),
            self.delivery(sample, self.check(sample)?)?,
        )
        .await
    }

    /// Signs a sample with a secret that is not the source's, and posts it.
    pub(super) async fn post_forged(&self, sample: &Sample) -> anyhow::Result<Received> {
        let key = Key::new("guessed", b"a secret that somebody has guessed")?;
        let check = self.check(sample)?.with_key(key);
        send(self.client.clone(), self.delivery(sample, &check)?).await
    }

    /// Posts all at once, each over a connection of its own.
    pub(super) async fn burst(&self, samples: &[Sample]) -> anyhow::Result<Vec<Received>> {
        let mut posts = JoinSet::new();
        for sample in samples {
            posts.spawn(send(
                self.client.clone(),
                self.delivery(sample, self.check(sample)?)?,
            ));
        }
        posts.join_all().await.into_iter().collect()
    }

    /// How a sample's source wants its requests proved.
    fn check(&self, sample: &Sample) -> anyhow::Result<&Check> {
        let source = self
            .settings
            .sources
            .iter()
            .find(|source| source.name == sample.source);
        let check = source
            .and_then(|source| source.auth.alternatives.first())
            .and_then(|all| all.first());
        check.context("the demo cannot sign")
    }

    fn delivery(&self, sample: &Sample, check: &Check) -> anyhow::Result<Request<Bytes>> {
        let outgoing = ProvenRequest::prove(
            [check],
            sample.body.clone().into(),
            Moment::at(clock::now()),
        )?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!(
                "http://{}/webhooks/{}",
                self.public(),
                sample.source
            ))
            .header(header::CONTENT_TYPE, "application/json");
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        Ok(request.body(outgoing.body)?)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = Request::get(format!("http://{}{path}", self.admin())).body(Bytes::new())?;
        let answered = send(self.client.clone(), request).await?;
        if !answered.status.is_success() {
            bail!("the admin listener answers {path} with {}", answered.status);
        }
        serde_json::from_slice(&answered.body)
            .with_context(|| format!("the answer to {path} is not as documented"))
    }

    /// All pages of a list.
    async fn list<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Vec<T>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page: Page<T> = self.get(&format!("{path}{after}")).await?;
            all.extend(page.items);
            let Some(next) = page.next else {
                return Ok(all);
            };
            after = format!("{}after={next}", if path.contains('?') { '&' } else { '?' });
        }
    }

    /// Every scan, newest first.
    pub(super) async fn scans(&self) -> anyhow::Result<Vec<ScanView>> {
        self.list("/api/v1/scans").await
    }

    /// One scan with what happened to it.
    pub(super) async fn scan(&self, id: &str) -> anyhow::Result<ScanView> {
        self.get(&format!("/api/v1/scans/{id}")).await
    }

    /// Every decision, newest first.
    pub(super) async fn decisions(&self) -> anyhow::Result<Vec<DecisionView>> {
        self.list("/api/v1/decisions").await
    }

    /// Every alert, in the order of arrival.
    pub(super) async fn all_alerts(&self) -> anyhow::Result<Vec<AlertView>> {
        let mut all: Vec<AlertView> = self.list("/api/v1/alerts").await?;
        all.reverse();
        Ok(all)
    }

    /// What the journal holds under this alert id of this source.
    pub(super) async fn alerts(&self, source: &str, id: &str) -> anyhow::Result<Vec<AlertView>> {
        self.list(&format!("/api/v1/alerts?source={source}&id={id}"))
            .await
    }

    /// How the responder is, with the last refusals of one source.
    pub(super) async fn status(&self, source: &str) -> anyhow::Result<StatusView> {
        self.get(&format!("/api/v1/status?source={source}")).await
    }
}

/// This port, or any other one if somebody has taken it meanwhile.
async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((address.ip(), 0))
            .await
            .with_context(|| format!("no free port on {}", address.ip())),
    }
}

async fn send(client: Client, request: Request<Bytes>) -> anyhow::Result<Received> {
    let uri = request.uri().clone();
    match client.send(request).await {
        Answer::Http(response) => Ok(Received {
            status: response.status(),
            body: response.into_body(),
        }),
        Answer::NotSent(code) | Answer::Unknown(code) => bail!("no answer from {uri}: {code}"),
    }
}

/// A healthy Defender whose scans take seconds.
fn far_side() -> Setup {
    Setup {
        pending_ms: 300,
        quick_ms: 1_500,
        full_ms: 3_000,
        latency_ms: LATENCY,
        ..Setup::default()
    }
}

/// As patient as scans of seconds need.
fn brisk() -> Pace {
    Pace {
        follow_first: Duration::from_millis(500),
        follow_most: Duration::from_secs(2),
        settle: Duration::from_secs(1),
        busy: Duration::from_secs(2),
        stopped: Duration::from_secs(5),
        lull: Duration::ZERO,
        ..Pace::default()
    }
}
