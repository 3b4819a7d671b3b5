//! Builds, owns, joins and drains everything that runs. `serve`, `demo` and the tests all start here.
//!
//! [`Running::start`] opens the journal, makes the tenants' rows, stores the policy, starts a worker per tenant,
//! housekeeping and the two listeners. A tenant whose credential is bad stops its own worker, never intake. If any of
//! these loops or the writer thread ends, the process ends, so that whoever supervises it starts it again.
//! [`Running::stop`] takes no new connections, lets requests and calls in flight finish (a call that does not is
//! *unknown* at the next start), and closes the journal; `[server] grace` bounds it.

mod begin;
mod doors;
mod endings;
mod exports;
mod heartbeat;
mod log_target;
mod loops;
mod messages;
mod record;
mod replicas;
mod silences;
mod storms;
mod worker_log;

pub use begin::{Listeners, Options, StartError};
pub use heartbeat::Heartbeat;
pub use storms::StormPace;

use std::net::SocketAddr;
use std::sync::Arc;

use core::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::activation::Activation;
use crate::clock;
use crate::defender::client::Client;
use crate::in_force::ActiveConfig;
use crate::intake::LastSeen;
use crate::journal::{Journal, JournalError};
use crate::keyrings;
use crate::metrics::Metrics;
use crate::openid::OpenId;
use crate::policy::Policy;
use crate::reload::{Reloader, Reloads};
use crate::server::far_side::play_if_any;
use crate::server::listener::{self, Entrance};
use crate::server::membership::Membership;
use crate::settings::Settings;
use crate::telemetry::{self, Tracer};
use crate::worker::run::LoanBoard;
use crate::workers::{Surroundings, TenantWorkers};
use record::open_journal;
use worker_log::tell;

/// A running app.
pub struct Running {
    pub public: SocketAddr,
    /// Where status and metrics are.
    pub admin: SocketAddr,
    /// The simulator's address, where one is played.
    pub simulator: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    ready: watch::Sender<bool>,
    tasks: JoinSet<&'static str>,
    writer: std::thread::JoinHandle<()>,
    grace: Duration,
    reloads: Reloads,
}

fn say_whether_armed(in_force: &ActiveConfig) {
    let armed = in_force.armed();
    tracing::info!(mode = armed.mode, "{}", armed.sentence);
}

async fn fetched(fetcher: keyrings::Fetcher) -> &'static str {
    fetcher.run().await;
    "the fetcher of keys"
}

impl Running {
    /// Starts everything: opens the journal, listens, calls.
    ///
    /// # Errors
    /// [`StartError`]; then nothing runs.
    pub async fn start(
        settings: Settings,
        policy: Policy,
        listeners: Listeners,
        options: Options,
    ) -> Result<Running, StartError> {
        let (journal, writer) = open_journal(&settings)?;
        let (stop, stopping) = watch::channel(false);
        let (ready, is_ready) = watch::channel(true);
        let mut tasks = JoinSet::new();

        let simulated = play_if_any(&mut tasks, options.simulator, stopping.clone()).await?;
        pause_if_told(&settings, &journal).await?;
        let membership = replicas::join(&journal, &settings, &policy, options.lease).await?;
        let metrics = Arc::new(Metrics::new(settings.dry_run, journal.pulse()));
        let (tracer, spans) = telemetry::queue(metrics.clone(), settings.telemetry.as_ref());
        let (public, admin) = listeners.addresses()?;

        let timeouts = options.timeouts.under(options.lease);
        let (network, client) = watch::channel(Client::build(timeouts, &settings.network)?);
        let loans = LoanBoard::default();
        let workers = TenantWorkers::new(Surroundings {
            journal: journal.clone(),
            client: client.clone(),
            pace: options.pace,
            seat: membership.seat(),
            simulated,
            stop: stopping.clone(),
            loans: loans.clone(),
            tell: tell(metrics.clone(), tracer.clone()),
        });
        let (kept, counted) = (journal.clone(), metrics.clone());
        let active = Activation::begin(kept, workers, network, counted, settings, policy).await?;
        let (current, settings) = (active.current(), active.in_force().settings.clone());
        say_whether_armed(&active.in_force());

        let openid = Arc::new(OpenId::new(client.clone(), options.beat));
        let sending = (client.clone(), active.current(), spans);
        let (fetcher, keys) = keyrings::ring(active.keys(), client, options.beat, stopping.clone());
        tasks.spawn(fetched(fetcher));
        let (heard, sources, tls) = (active.heard(), active.sources(), active.renewed());
        let (fallen, fell) = oneshot::channel();
        let (reloader, reloads) = Reloader::new(options.reload, active, fallen, stopping.clone());
        tasks.spawn(reloader.run());

        let parts = Parts {
            settings: &settings,
            journal,
            metrics,
            ready: is_ready,
            stopping,
            heard,
            reloads: reloads.clone(),
            storms: options.storms,
            openid,
            membership,
            tracer,
        };
        parts.keep_watch(&mut tasks, &current, fell, options.heartbeat);
        parts.send_messages(&mut tasks, &current, loans.subscribe());
        let (asked, doors) = parts.entrances(sources, parts.intake(current, keys), tls);
        parts.export(&mut tasks, sending, (public, asked));
        open_doors(&mut tasks, listeners, doors, &parts.stopping);
        Ok(Running {
            public,
            admin,
            simulator: simulated,
            stop,
            ready,
            tasks,
            writer,
            grace: settings.server.grace,
            reloads,
        })
    }

    /// Waits until something that should run for ever has ended; its name.
    pub async fn ended(&mut self) -> &'static str {
        match self.tasks.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a task that panicked",
            None => "everything",
        }
    }

    /// Orders a reload, and sees how the last one went.
    #[must_use]
    pub fn reloads(&self) -> Reloads {
        self.reloads.clone()
    }

    /// Stops: no new connections, requests in flight finish, calls in flight finish or become unknown, the journal
    /// closes. Bounded by `[server] grace`.
    pub async fn stop(mut self) {
        self.ready.send_replace(false);
        self.stop.send_replace(true);
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, drained).await.is_err() {
            tracing::warn!(
                "the grace is over: what is still under way is cut, and reconciled at the next start"
            );
            self.tasks.shutdown().await;
        }
        self.close().await;
    }

    /// Ends as a crash would, as far as one process can play that: requests and calls in flight are cut and nothing
    /// is drained. Waits until the journal is let go, so that it can be opened again.
    pub async fn kill(mut self) {
        self.tasks.shutdown().await;
        self.close().await;
    }

    async fn close(self) {
        drop(self.tasks);
        // The last handles of the journal went with the tasks, so its writer ends.
        let _ = tokio::task::spawn_blocking(move || self.writer.join()).await;
    }
}

/// What the two listeners are made of.
struct Parts<'a> {
    settings: &'a Settings,
    journal: Journal,
    metrics: Arc<Metrics>,
    ready: watch::Receiver<bool>,
    stopping: watch::Receiver<bool>,
    heard: LastSeen,
    reloads: Reloads,
    storms: StormPace,
    /// The issuer at which people sign in.
    openid: Arc<OpenId>,
    membership: Membership,
    tracer: Tracer,
}

fn open_doors(
    tasks: &mut JoinSet<&'static str>,
    listeners: Listeners,
    [public, admin]: [Entrance; 2],
    stopping: &watch::Receiver<bool>,
) {
    let (stop, admin_stop) = (stopping.clone(), stopping.clone());
    tasks.spawn(async move {
        listener::serve_entrance(listeners.public, public, stop).await;
        "the public listener"
    });
    tasks.spawn(async move {
        listener::serve_entrance(listeners.admin, admin, admin_stop).await;
        "the admin listener"
    });
}

/// Pauses before the first call could leave, where the settings say that the process starts paused.
async fn pause_if_told(settings: &Settings, journal: &Journal) -> Result<(), JournalError> {
    if settings.paused {
        journal
            .write(|tx| tx.pause_from_the_start(clock::now()))
            .await?;
    }
    Ok(())
}
