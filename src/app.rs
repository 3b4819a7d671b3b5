//! Builds, owns, joins and drains everything that runs. `serve`, `demo` and the tests all start here.
//!
//! [`Running::start`] opens the journal, makes the tenants' rows, stores the policy, starts a worker per tenant,
//! housekeeping and the two listeners. A tenant whose credential is bad stops its own worker, never intake. If any of
//! these loops or the writer thread ends, the process ends, so that whoever supervises it starts it again.
//! [`Running::stop`] takes no new connections, lets requests and calls in flight finish (a call that does not is
//! *unknown* at the next start), and closes the journal; `[server] grace` bounds it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use core::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use crate::clock;
use crate::defender::BadEndpoint;
use crate::defender::client::{Client, ClientError, Timeouts};
use crate::in_force::door::Sources;
use crate::in_force::{ActiveConfig, ActiveTenant, Current};
use crate::intake::LastSeen;
use crate::intake::{Intake, Readers};
use crate::journal::{Ids, Journal, JournalError, OpenError, Store};
use crate::keyrings::{self, Beat, IssuerKeys};
use crate::logs::about;
use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::reload::{self, Listening, Reloader, Reloads, WatchedFiles};
use crate::server::admin;
use crate::server::descriptors;
use crate::server::limits::Limits;
use crate::server::listener;
use crate::server::reception::{Reception, Refusals};
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use crate::server::traces::Traces;
use crate::server::webhook::{self, Answered, Door};
use crate::settings::Settings;
use crate::worker::run::Tell;
use crate::worker::{Pace, WorkerEvent};
use crate::workers::{Surroundings, TenantWorkers};
use scanhook_core::about::About;
use scanhook_core::silence::SourceSilence;
use scanhook_simulator::serve as simulator;

/// How often the journal forgets what is past its time.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Connections of the admin listener.
const ADMIN_CONNECTIONS: usize = 256;

/// The two sockets, bound by whoever starts the app.
pub struct Listeners {
    /// For webhooks.
    pub public: TcpListener,
    /// For status and metrics.
    pub admin: TcpListener,
}

impl Listeners {
    /// Where the two listen: for webhooks, and for status and metrics.
    fn addresses(&self) -> std::io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.public.local_addr()?, self.admin.local_addr()?))
    }
}

/// What differs between `serve`, `demo` and tests.
#[derive(Default)]
pub struct Options {
    /// How patient the lanes are.
    pub pace: Pace,
    /// How long their calls may take.
    pub timeouts: Timeouts,
    /// Play the far side in this process.
    pub simulator: Option<simulator::SharedSimulator>,
    /// How often the keys of token issuers are fetched.
    pub beat: Beat,
    /// What is read again when it changes; `None`: nothing ever is.
    pub reload: Option<WatchedFiles>,
}

/// Why the app did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No TLS client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A far side's address is not allowed.
    #[error(transparent)]
    Endpoint(#[from] BadEndpoint),
    /// The operating system gives no randomness.
    #[error("no randomness for ids: {0}")]
    Randomness(#[from] getrandom::Error),
    /// A socket or a thread.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// A running app.
pub struct Running {
    /// Where webhooks arrive.
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
        let mut tasks = JoinSet::new();

        let simulated = play_if_any(&mut tasks, options.simulator, stopping.clone()).await?;
        pause_if_told(&settings, &journal).await?;
        let metrics = Arc::new(Metrics::new(settings.dry_run, journal.pulse()));
        let (public, admin) = listeners.addresses()?;
        let (ready, is_ready) = watch::channel(true);

        let client = Client::build(options.timeouts)?;
        let mut lanes = TenantWorkers::new(Surroundings {
            journal: journal.clone(),
            client: client.clone(),
            pace: options.pace,
            simulated,
            stop: stopping.clone(),
            tell: tell(metrics.clone()),
        });
        let settings = Arc::new(settings);
        let shown = lanes.seat(&settings).await?;
        let accounts = lanes.accounts(&settings)?;
        let (publish, current) =
            put_in_force(policy, settings.clone(), shown, &journal, &metrics).await?;
        lanes.employ(accounts, &current);

        let (keys_of, urls) = watch::channel(keyrings::urls(&settings.sources));
        let keys = fetch_keys(&mut tasks, urls, client, options.beat, stopping.clone());
        let heard = heard(&settings, &journal, &metrics).await?;
        let (doors, sources) = watch::channel(reload::doors(&settings.sources));
        let listening = Listening {
            doors,
            keys: keys_of,
            heard: heard.clone(),
            metrics: metrics.clone(),
        };
        let (fallen, fell) = oneshot::channel();
        let (reloader, reloads) = Reloader::new(
            options.reload,
            journal.clone(),
            lanes,
            publish,
            listening,
            fallen,
            stopping.clone(),
        );
        tasks.spawn(reloader.run());

        let parts = Parts {
            settings: &settings,
            journal,
            metrics,
            ready: is_ready,
            stopping,
            heard,
            reloads: reloads.clone(),
        };
        parts.keep_watch(&mut tasks, &current, fell);
        let intake = parts.intake(current, keys);
        parts.open_doors(&mut tasks, listeners, sources, intake);
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
}

impl Parts<'_> {
    /// Starts what nobody calls: two that end when a lane or the writer does, the housekeeping, and the watch for
    /// senders that fall silent.
    fn keep_watch(
        &self,
        tasks: &mut JoinSet<&'static str>,
        current: &Current,
        fell: oneshot::Receiver<()>,
    ) {
        let (journal, stopping) = (&self.journal, &self.stopping);
        tasks.spawn(watch_lanes(fell, stopping.clone()));
        tasks.spawn(watch_writer(journal.clone(), stopping.clone()));
        tasks.spawn(housekeep(
            journal.clone(),
            current.clone(),
            stopping.clone(),
        ));
        tasks.spawn(listen_for_silence(
            self.heard.clone(),
            current.clone(),
            stopping.clone(),
        ));
    }

    /// The one way in for deliveries.
    fn intake(&self, current: Current, keys: IssuerKeys) -> Arc<Intake> {
        Arc::new(Intake {
            current,
            journal: self.journal.clone(),
            keys,
            readers: Readers::default(),
        })
    }

    fn open_doors(
        &self,
        tasks: &mut JoinSet<&'static str>,
        listeners: Listeners,
        sources: watch::Receiver<Sources>,
        intake: Arc<Intake>,
    ) {
        let (refusals, traces) = (Arc::new(Refusals::default()), Arc::new(Traces::default()));
        let reception = Reception {
            intake: intake.clone(),
            metrics: self.metrics.clone(),
            refusals: refusals.clone(),
            heard: self.heard.clone(),
        };
        let before = reception.clone();
        let public = webhook::router(
            self.door(sources, traces.clone()),
            move |head| before.before_body(head),
            move |arrived| reception.clone().accept(arrived),
        );
        let admin = admin::router(Admin {
            journal: self.journal.clone(),
            intake,
            metrics: self.metrics.clone(),
            refusals,
            traces: traces.clone(),
            heard: self.heard.clone(),
            ready: self.ready.clone(),
            started: clock::now(),
            reloads: self.reloads.clone(),
        });
        let limits = self.limits(&traces);
        // Loopback is one address.
        let admin_limits = Limits {
            per_address: ADMIN_CONNECTIONS,
            total: ADMIN_CONNECTIONS,
            ..limits
        };
        let proxies = self.settings.server.trusted_proxies.clone();
        let (stop, admin_stop) = (self.stopping.clone(), self.stopping.clone());
        tasks.spawn(async move {
            listener::serve(listeners.public, public, limits, proxies, stop).await;
            "the public listener"
        });
        tasks.spawn(async move {
            listener::serve(
                listeners.admin,
                admin,
                admin_limits,
                Default::default(),
                admin_stop,
            )
            .await;
            "the admin listener"
        });
    }

    /// What the public listener grants; no more connections than files may be open.
    fn limits(&self, traces: &Traces) -> Limits {
        let wanted = self.settings.server.connections;
        let total = descriptors::connections(wanted.total + ADMIN_CONNECTIONS)
            .saturating_sub(ADMIN_CONNECTIONS);
        let total = total.clamp(1, wanted.total);
        if total < wanted.total {
            traces.warn(format!(
                "{total} connections at once instead of the {} of `[server] connections.total`: this process may not open \
                 more files; raise the limit (LimitNOFILE, ulimit -n)",
                wanted.total
            ));
        }
        let per_address = wanted.per_address.min(total);
        Limits {
            grace: self.settings.server.grace,
            per_address,
            total,
            ..Limits::default()
        }
    }

    fn door(&self, sources: watch::Receiver<Sources>, traces: Arc<Traces>) -> Door {
        let metrics = self.metrics.clone();
        Door {
            sources,
            body_deadline: Duration::from_secs(10),
            failures: self.settings.server.auth_failures,
            body_memory: self.settings.server.body_memory,
            ready: self.ready.clone(),
            mono: Arc::new(clock::mono),
            told: Arc::new(move |answered: Answered<'_>| {
                let refused = answered.refusal.map(HttpError::code);
                metrics.answered(answered.source, answered.status.as_u16(), refused);
                traces.answered(&answered, clock::now());
            }),
        }
    }
}

/// Opens the journal, and starts the thread that writes it.
fn open_journal(settings: &Settings) -> Result<(Journal, std::thread::JoinHandle<()>), StartError> {
    let store = Store::open(&settings.journal.path, Ids::random()?)?.only_for(settings.simulate)?;
    store.space().at_most(settings.journal.max_size);
    let (journal, writer) = Journal::new(store, &settings.journal.path)?;
    let writer = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())?;
    Ok((journal, writer))
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

/// Puts the first policy and settings in force, and says how far what they decide goes.
async fn put_in_force(
    policy: Policy,
    settings: Arc<Settings>,
    tenants: Vec<ActiveTenant>,
    journal: &Journal,
    metrics: &Metrics,
) -> Result<(watch::Sender<Arc<ActiveConfig>>, Current), StartError> {
    let policy = Arc::new(policy);
    let id = reload::record(journal, policy.clone()).await?;
    let (publish, current) =
        watch::channel(Arc::new(ActiveConfig::of(policy, id, settings, tenants)));
    metrics.expect(&current.borrow());
    let armed = current.borrow().armed();
    tracing::info!(mode = armed.mode, "{}", armed.sentence);
    Ok((publish, current))
}

/// Starts to fetch the keys that issuers sign with; what it has fetched is read where requests are proved.
fn fetch_keys(
    tasks: &mut JoinSet<&'static str>,
    urls: watch::Receiver<BTreeSet<String>>,
    client: Client,
    beat: Beat,
    stop: watch::Receiver<bool>,
) -> IssuerKeys {
    let (fetcher, keys) = keyrings::ring(urls, client, beat, stop);
    tasks.spawn(async move {
        fetcher.run().await;
        "the fetcher of keys"
    });
    keys
}

/// Plays the far side, where one is to be played; its address.
async fn play_if_any(
    tasks: &mut JoinSet<&'static str>,
    simulator: Option<simulator::SharedSimulator>,
    stop: watch::Receiver<bool>,
) -> Result<Option<SocketAddr>, StartError> {
    match simulator {
        Some(shared) => Ok(Some(play(tasks, shared, stop).await?)),
        None => Ok(None),
    }
}

/// Plays the far side on a loopback port.
async fn play(
    tasks: &mut JoinSet<&'static str>,
    shared: simulator::SharedSimulator,
    stop: watch::Receiver<bool>,
) -> Result<SocketAddr, StartError> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = socket.local_addr()?;
    let router = simulator::router(shared, clock::jiff);
    let limits = Limits {
        grace: Duration::from_secs(1),
        ..Limits::default()
    };
    tasks.spawn(async move {
        listener::serve(socket, router, limits, Default::default(), stop).await;
        "the simulator"
    });
    Ok(address)
}

/// Who was heard when, as far as the journal knows.
async fn heard(
    settings: &Settings,
    journal: &Journal,
    metrics: &Metrics,
) -> Result<LastSeen, JournalError> {
    let names = settings.sources.iter().map(|source| source.name.clone());
    let heard = reload::last_heard(journal, names.collect()).await?;
    for (source, at) in &heard {
        metrics.heard(source, *at);
    }
    Ok(LastSeen::new(SourceSilence::new(
        reload::expected(settings),
        heard,
        clock::now(),
    )))
}

/// One log line for each sender that falls silent. A reload may expect others, and more often.
async fn listen_for_silence(
    heard: LastSeen,
    mut current: Current,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    while !*stop.borrow() {
        let beat = heard
            .with(|silence| silence.beat())
            .unwrap_or(Duration::MAX);
        tokio::select! {
            _ = stop.changed() => {}
            Ok(()) = current.changed() => {}
            () = tokio::time::sleep(beat) => {}
        }
        for (source, last) in heard.with(|silence| silence.fallen_silent(clock::now())) {
            let last = last.map_or_else(|| "never".to_owned(), |last| last.to_string());
            tracing::warn!(
                source,
                last,
                "the sender is silent for longer than `expect_every`"
            );
        }
    }
    "the watch for silent senders"
}

/// Ends when the writer has: without it nothing can be acknowledged any more.
async fn watch_writer(journal: Journal, mut stop: watch::Receiver<bool>) -> &'static str {
    tokio::select! {
        () = journal.closed() => {}
        _ = stop.changed() => {}
    }
    "the journal's writer"
}

/// Ends when a lane has that should run for ever.
async fn watch_lanes(fell: oneshot::Receiver<()>, mut stop: watch::Receiver<bool>) -> &'static str {
    tokio::select! {
        _ = fell => {}
        _ = stop.changed() => {}
    }
    "a lane"
}

/// Forgets in small steps, so that senders never wait for it.
async fn housekeep(
    journal: Journal,
    current: Current,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let (mut more, mut warned) = (false, None);
    while !*stop.borrow() {
        let pause = if more {
            Duration::from_millis(20)
        } else {
            HOUSEKEEPING
        };
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {
                let retention = current.borrow().retention();
                more = match journal.write(move |tx| tx.forget(&retention, clock::now())).await {
                    Ok(more) => more,
                    Err(error) => {
                        tracing::error!(code = error.code(), %error, "the journal could not forget");
                        false
                    }
                };
                journal.space().at_most(current.borrow().settings.journal.max_size);
                let warning = journal.space().room().warning();
                if let Some(warning) = warning.as_ref().filter(|_| warned.is_none()) {
                    tracing::warn!("{warning}");
                }
                warned = warning;
            }
        }
    }
    "housekeeping"
}

/// One log line and the counters for what happens in a lane.
fn tell(metrics: Arc<Metrics>) -> Arc<Tell> {
    Arc::new(move |tenant, happened| {
        for what in happened {
            metrics.happened(tenant, what);
            log_scans(tenant, what);
        }
    })
}

/// The log line for what happens to scans and decisions.
fn log_scans(tenant: &str, what: &WorkerEvent) {
    match what {
        WorkerEvent::Sent { about, kind, .. } => about!(info, about, %kind, "scan sent"),
        WorkerEvent::Answered { about, kind, what } => {
            about!(info, about, %kind, what, "scan call answered")
        }
        WorkerEvent::Ended {
            about,
            kind,
            outcome,
            ..
        } => about!(info, about, %kind, %outcome, "scan over"),
        WorkerEvent::Expired { count, decisions } => {
            for one in decisions {
                about!(
                    warn,
                    one,
                    state = "dropped",
                    reason = "expired",
                    "a held decision expired"
                );
            }
            tracing::warn!(
                tenant,
                count,
                "held decisions expired: nobody answered in time"
            )
        }
        WorkerEvent::CalledOff { about, what } => {
            about!(info, about, what, "calling a scan off")
        }
        WorkerEvent::Decided {
            about,
            state,
            reason,
            why,
            answered: true,
        } => {
            about!(info, about, %state, %reason, why, "decided by the directory's answer");
        }
        WorkerEvent::Decided {
            about,
            state,
            reason,
            why,
            answered: false,
        } => {
            about!(info, about, %state, %reason, why, "decided without an answer of the directory");
        }
        what => log_lane(tenant, what),
    }
}

/// The log line for what happens to a lane itself: its calls, its token, its clock.
fn log_lane(tenant: &str, what: &WorkerEvent) {
    match what {
        WorkerEvent::Called { api, answer, took } => {
            tracing::debug!(tenant, %api, answer, ms = took.as_millis(), "call ended");
        }
        WorkerEvent::Unreachable {
            side,
            address,
            code,
        } => {
            tracing::warn!(tenant, %side, address, code, "the far side cannot be reached: what needs it waits");
        }
        WorkerEvent::Reached {
            side,
            address,
            after,
        } => {
            tracing::info!(tenant, %side, address, seconds = after.as_secs(), "the far side can be reached again");
        }
        WorkerEvent::Token {
            audience,
            tenant_id,
            roles,
            expires,
        } => {
            tracing::info!(tenant, audience, tenant_id, ?roles, %expires, "token granted");
        }
        WorkerEvent::Paused { until } => {
            tracing::warn!(tenant, %until, "Defender asks to wait")
        }
        WorkerEvent::Lowered {
            api,
            per_minute,
            per_hour,
        } => {
            tracing::warn!(tenant, %api, per_minute, per_hour, "others use this app's quota: the share is lowered for a while");
        }
        WorkerEvent::ClockSet { by, restarted } => {
            tracing::warn!(
                tenant,
                ms = by,
                restarted,
                "the computer's clock was set: waits and quota windows go on as they were"
            );
        }
        WorkerEvent::ClocksDiffer { ahead } => {
            tracing::warn!(
                tenant,
                ms_ahead = ahead,
                "Defender's clock and this machine's differ by more than 5 minutes"
            );
        }
        WorkerEvent::Stopped { code, why } => {
            tracing::error!(tenant, code, why, "nothing is sent for this tenant")
        }
        WorkerEvent::Alarm { code, about } => log_alarm(tenant, code, about.as_deref()),
        // Told of scans and decisions.
        WorkerEvent::Sent { .. }
        | WorkerEvent::Answered { .. }
        | WorkerEvent::Ended { .. }
        | WorkerEvent::Expired { .. }
        | WorkerEvent::CalledOff { .. }
        | WorkerEvent::Decided { .. } => {}
    }
}

/// The log line for an answer that should not be, with what it is about, where that is known.
fn log_alarm(tenant: &str, code: &str, about: Option<&About>) {
    match about {
        Some(about) => about!(error, about, code, "Defender answered what it should not"),
        None => tracing::error!(tenant, code, "Defender answered what it should not"),
    }
}
