//! The real responder and the simulated Defender on free loopback ports, with the doors others would use: signed
//! webhooks in, the admin listener for everything that is said about them.

mod exchange;
mod senders;
mod views;

pub(super) use exchange::Received;

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use crate::app::{Listeners, Options, Running};
use crate::defender::client::{Client, Timeouts};
use crate::defender::network::NetworkSettings;
use crate::policy::Policy;
use crate::settings::{Flags, Inputs, Settings};
use crate::worker::Pace;
use anyhow::{Context as _, anyhow};
use scanhook_simulator::serve::SharedSimulator;
use scanhook_simulator::{Setup, Simulator};
use tokio::net::TcpListener;

use super::samples::{DEFENDER, SENTINEL, SOAR};
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
        let client = Client::build(Timeouts::default(), &NetworkSettings::default())?;
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
        self.client = Client::build(Timeouts::default(), &NetworkSettings::default())?;
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
