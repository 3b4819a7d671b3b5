//! Builds, owns, joins and drains everything that runs. `serve`, `demo` and the tests all start here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use core::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::api::{LaneView, QuotaView};
use crate::clock;
use crate::defender::client::{Client, ClientError, Timeouts};
use crate::defender::{BadEndpoint, Endpoints};
use crate::domain::scan::Mode;
use crate::domain::signature::{Authentication, Check};
use crate::domain::silence::Silence;
use crate::intake::{ActsFor, Desk, Desks, Intake};
use crate::journal::{Ids, Journal, JournalError, OpenError, PolicyId, Reader, Retention, Store, TenantId};
use crate::keyrings::{self, Beat};
use crate::lane::run::{Runner, Tell};
use crate::lane::{Account, Happened, Pace};
use crate::metrics::Metrics;
use crate::policy::{Ceiling, Policy, Terms};
use crate::server::admin::{self, Admin, Shown};
use crate::server::listener::{self, Limits};
use crate::server::reception::{Heard, Reception, Refusals};
use crate::server::webhook::{self, Door, SecretInUrl, SourceDoor};
use crate::settings::{Settings, Tenant};
use crate::simulator::serve as simulator;

/// How often the journal forgets what is past its time.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// The two sockets, bound by whoever starts the app.
pub struct Listeners {
    /// For webhooks.
    pub public: TcpListener,
    /// For status and metrics.
    pub admin: TcpListener,
}

/// What differs between `serve`, `demo` and tests.
#[derive(Default)]
pub struct Options {
    /// How patient the lanes are.
    pub pace: Pace,
    /// How long their calls may take.
    pub timeouts: Timeouts,
    /// Play the far side in this process.
    pub simulator: Option<simulator::Shared>,
    /// How often the keys of token issuers are fetched.
    pub beat: Beat,
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
}

/// A tenant with all that is made for it.
struct Branch {
    id: TenantId,
    terms: Terms,
    account: Arc<Account>,
    board: watch::Sender<(LaneView, BTreeMap<String, QuotaView>)>,
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
        let store = Store::open(&settings.journal.path, Ids::random()?)?;
        let (journal, writer) = Journal::new(store, &settings.journal.path)?;
        let writer = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();

        let simulated = match options.simulator {
            Some(shared) => Some(play(&mut tasks, shared, stopping.clone()).await?),
            None => None,
        };
        let branches = branches(&settings, &journal, simulated, options.pace).await?;
        if settings.paused {
            journal.write(|tx| tx.pause_from_the_start(clock::now())).await?;
        }
        let policy = Arc::new(policy);
        let id = store_policy(&journal, policy.clone()).await?;
        let metrics = Arc::new(Metrics::new(settings.dry_run));
        let (public, admin) = (listeners.public.local_addr()?, listeners.admin.local_addr()?);
        let (ready, is_ready) = watch::channel(true);

        let client = Client::build(options.timeouts)?;
        let (policy_in_force, current) = watch::channel(policy);
        let desks = Arc::new(desks(&settings, &branches));
        for branch in branches.values() {
            let runner = Runner {
                journal: journal.clone(),
                tenant: branch.id,
                account: branch.account.clone(),
                desks: desks.clone(),
                pace: options.pace,
                client: client.clone(),
                policy: current.clone(),
                stop: stopping.clone(),
                board: branch.board.clone(),
                tell: tell(metrics.clone()),
            };
            tasks.spawn(async move {
                runner.run().await;
                "a lane"
            });
        }
        let (fetcher, keys) = keyrings::ring(&settings.sources, client, options.beat, stopping.clone());
        tasks.spawn(async move {
            fetcher.run().await;
            "the fetcher of keys"
        });
        tasks.spawn(watch_writer(journal.clone(), stopping.clone()));
        tasks.spawn(housekeep(journal.clone(), retention(&settings), stopping.clone(), policy_in_force));

        let heard = heard(&settings, &journal, &metrics).await?;
        if let Some(beat) = heard.with(|silence| silence.beat()) {
            tasks.spawn(listen_for_silence(heard.clone(), beat, stopping.clone()));
        }
        let (_, decides) = watch::channel((current.borrow().clone(), id));
        let intake = Arc::new(Intake { desks, policy: decides, journal: journal.clone(), keys });
        let parts = Parts { settings: &settings, journal, branches, metrics, ready: is_ready, stopping, heard };
        parts.open_doors(&mut tasks, listeners, intake);
        let grace = settings.server.grace;
        Ok(Running { public, admin, simulator: simulated, stop, ready, tasks, writer, grace })
    }

    /// Waits until something that should run for ever has ended; its name.
    pub async fn ended(&mut self) -> &'static str {
        match self.tasks.join_next().await {
            Some(Ok(name)) => name,
            Some(Err(_)) => "a task that panicked",
            None => "everything",
        }
    }

    /// Stops: no new connections, requests in flight finish, calls in flight finish or become unknown, the journal
    /// closes. Bounded by `[server] grace`.
    pub async fn stop(mut self) {
        self.ready.send_replace(false);
        self.stop.send_replace(true);
        let drained = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, drained).await.is_err() {
            tracing::warn!("the grace is over: what is still under way is cut, and reconciled at the next start");
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
    branches: BTreeMap<String, Branch>,
    metrics: Arc<Metrics>,
    ready: watch::Receiver<bool>,
    stopping: watch::Receiver<bool>,
    heard: Heard,
}

impl Parts<'_> {
    fn open_doors(&self, tasks: &mut JoinSet<&'static str>, listeners: Listeners, intake: Arc<Intake>) {
        let refusals = Arc::new(Refusals::default());
        let reception = Reception {
            intake: intake.clone(),
            metrics: self.metrics.clone(),
            refusals: refusals.clone(),
            heard: self.heard.clone(),
        };
        let shape = reception.clone();
        let public = webhook::router(
            self.door(),
            move |source, headers, peer| shape.shape(source, headers, peer),
            move |arrived| reception.clone().accept(arrived),
        );
        let tenants = self.branches.iter().map(|(name, branch)| Shown {
            name: name.clone(),
            id: branch.id,
            board: branch.board.subscribe(),
            terms: branch.terms,
        });
        let admin = admin::router(Admin {
            journal: self.journal.clone(),
            intake,
            tenants: tenants.collect(),
            metrics: self.metrics.clone(),
            refusals,
            heard: self.heard.clone(),
            ready: self.ready.clone(),
            started: clock::now(),
            dry_run: self.settings.dry_run,
            warnings: self.settings.warnings.clone(),
        });
        let server = &self.settings.server;
        let limits = Limits {
            grace: server.grace,
            per_address: server.connections.per_address,
            total: server.connections.total,
            ..Limits::default()
        };
        let proxies = server.trusted_proxies.clone();
        let (stop, admin_stop) = (self.stopping.clone(), self.stopping.clone());
        tasks.spawn(async move {
            listener::serve(listeners.public, public, limits, proxies, stop).await;
            "the public listener"
        });
        tasks.spawn(async move {
            listener::serve(listeners.admin, admin, limits, Default::default(), admin_stop).await;
            "the admin listener"
        });
    }

    fn door(&self) -> Door {
        let sources = self.settings.sources.iter().map(|source| {
            let door = SourceDoor {
                content_types: source.content_types.clone(),
                methods: source.methods.clone(),
                max_body: source.max_body,
                secret_in_url: secret_in_url(&source.auth),
            };
            (source.name.clone(), door)
        });
        let (_, sources) = watch::channel(Arc::new(sources.collect()));
        let metrics = self.metrics.clone();
        Door {
            sources,
            body_deadline: Duration::from_secs(10),
            failures: self.settings.server.auth_failures,
            ready: self.ready.clone(),
            mono: Arc::new(clock::mono),
            told: Arc::new(move |source, status| metrics.delivered(source, status.as_u16())),
        }
    }
}

/// Whether the URLs of a source end in its secret.
fn secret_in_url(auth: &Authentication) -> SecretInUrl {
    let in_url = |all: &&Vec<Check>| all.iter().any(|check| matches!(check, Check::UrlSecret { .. }));
    match auth.alternatives.iter().filter(in_url).count() {
        0 => SecretInUrl::Never,
        all if all == auth.alternatives.len() => SecretInUrl::Always,
        _ => SecretInUrl::Sometimes,
    }
}

/// Plays the far side on a loopback port.
async fn play(
    tasks: &mut JoinSet<&'static str>,
    shared: simulator::Shared,
    stop: watch::Receiver<bool>,
) -> Result<SocketAddr, StartError> {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = socket.local_addr()?;
    let router = simulator::router(shared, clock::jiff);
    let limits = Limits { grace: Duration::from_secs(1), ..Limits::default() };
    tasks.spawn(async move {
        listener::serve(socket, router, limits, Default::default(), stop).await;
        "the simulator"
    });
    Ok(address)
}

/// What each source is allowed, and whom it acts for.
fn desks(settings: &Settings, branches: &BTreeMap<String, Branch>) -> Desks {
    let desks = settings.sources.iter().map(|source| {
        let tenants = source.tenants.iter().filter_map(|name| {
            let branch = branches.get(name)?;
            Some((name.clone(), ActsFor { tenant: branch.id, terms: branch.terms }))
        });
        let desk = Desk { source: source.clone(), tenants: tenants.collect() };
        (source.name.clone(), desk)
    });
    desks.collect()
}

async fn branches(
    settings: &Settings,
    journal: &Journal,
    simulated: Option<SocketAddr>,
    pace: Pace,
) -> Result<BTreeMap<String, Branch>, StartError> {
    let mut branches = BTreeMap::new();
    for tenant in &settings.tenants {
        let name = tenant.name.clone();
        let id = journal.write(move |tx| tx.tenant(&name)).await?;
        let ceiling = ceiling(settings, tenant, simulated);
        let account = Arc::new(account(tenant, simulated, ceiling, pace)?);
        let terms = Terms { ceiling, limit: Some(tenant.limit) };
        let board = watch::Sender::default();
        branches.insert(tenant.name.clone(), Branch { id, terms, account, board });
    }
    Ok(branches)
}

fn account(
    tenant: &Tenant,
    simulated: Option<SocketAddr>,
    ceiling: Ceiling,
    pace: Pace,
) -> Result<Account, BadEndpoint> {
    let endpoints = match simulated {
        Some(address) => {
            let url = format!("http://{address}");
            Endpoints::custom(&url, &url, &Endpoints::commercial().token_scope, false)?
        }
        None => tenant.endpoints.clone(),
    };
    Ok(Account {
        name: tenant.name.clone(),
        endpoints,
        tenant_id: tenant.tenant_id.clone(),
        client_id: tenant.client_id.clone(),
        secret: tenant.secret.clone(),
        share: tenant.quota,
        on_unknown: tenant.on_unknown,
        external_id: tenant.external_id,
        follow_for: pace.follow_for.unwrap_or(tenant.follow_for),
        sends: ceiling != Ceiling::AtMost(Mode::DryRun),
    })
}

/// The built-in simulator is never dry; otherwise the stricter of process and tenant.
fn ceiling(settings: &Settings, tenant: &Tenant, simulated: Option<SocketAddr>) -> Ceiling {
    if simulated.is_some() {
        return Ceiling::Simulated;
    }
    let process = if settings.dry_run { Mode::DryRun } else { Mode::Enforce };
    Ceiling::AtMost(process.min(tenant.mode.unwrap_or(Mode::Enforce)))
}

async fn store_policy(journal: &Journal, policy: Arc<Policy>) -> Result<PolicyId, JournalError> {
    let now = clock::now();
    journal.write(move |tx| tx.policy(policy.fingerprint(), &policy.record(), now)).await
}

fn retention(settings: &Settings) -> Retention {
    Retention {
        bodies: settings.journal.bodies,
        records: settings.journal.records,
        remember: settings.sources.iter().map(|source| (source.name.clone(), source.remember)).collect(),
    }
}

/// Who was heard when, as far as the journal knows.
async fn heard(settings: &Settings, journal: &Journal, metrics: &Metrics) -> Result<Heard, JournalError> {
    let names: Vec<_> = settings.sources.iter().map(|source| source.name.clone()).collect();
    let look = move |reader: &Reader<'_>| {
        let last = |name: String| Ok(reader.last_heard(&name)?.map(|at| (name, at)));
        names.into_iter().map(last).collect::<Result<Vec<_>, JournalError>>()
    };
    let heard: BTreeMap<_, _> = journal.read(look).await?.into_iter().flatten().collect();
    for (source, at) in &heard {
        metrics.heard(source, *at);
    }
    let expected = settings.sources.iter().filter_map(|source| Some((source.name.clone(), source.expect_every?)));
    Ok(Heard::new(Silence::new(expected.collect(), heard, clock::now())))
}

/// One log line for each sender that falls silent.
async fn listen_for_silence(heard: Heard, beat: Duration, mut stop: watch::Receiver<bool>) -> &'static str {
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(beat) => {
                for (source, last) in heard.with(|silence| silence.fallen_silent(clock::now())) {
                    let last = last.map_or_else(|| "never".to_owned(), |last| last.to_string());
                    tracing::warn!(source, last, "the sender is silent for longer than `expect_every`");
                }
            }
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

/// Forgets in small steps, so that senders never wait for it. Holds the policy's sender so that lanes can watch it.
async fn housekeep(
    journal: Journal,
    retention: Retention,
    mut stop: watch::Receiver<bool>,
    _policy: watch::Sender<Arc<Policy>>,
) -> &'static str {
    let mut more = false;
    while !*stop.borrow() {
        let pause = if more { Duration::from_millis(20) } else { HOUSEKEEPING };
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {
                let retention = retention.clone();
                more = match journal.write(move |tx| tx.forget(&retention, clock::now())).await {
                    Ok(more) => more,
                    Err(error) => {
                        tracing::error!(code = error.code(), %error, "the journal could not forget");
                        false
                    }
                };
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
            match what {
                Happened::Called { api, answer, took } => {
                    tracing::debug!(tenant, %api, answer, ms = took.as_millis(), "call ended");
                }
                Happened::Sent { scan, kind, .. } => tracing::info!(tenant, %scan, %kind, "scan sent"),
                Happened::Answered { scan, what, .. } => tracing::info!(tenant, %scan, what, "scan call answered"),
                Happened::Ended { scan, outcome, .. } => tracing::info!(tenant, %scan, %outcome, "scan over"),
                Happened::Expired { count } => {
                    tracing::warn!(tenant, count, "held decisions expired: nobody answered in time")
                }
                Happened::CalledOff { scan, what } => tracing::info!(tenant, %scan, what, "calling a scan off"),
                Happened::Decided { rule, state, reason } => {
                    tracing::info!(tenant, rule, %state, %reason, "decided by the directory's answer");
                }
                Happened::Token { audience, tenant_id, roles, expires } => {
                    tracing::info!(tenant, audience, tenant_id, ?roles, %expires, "token granted");
                }
                Happened::Paused { until } => tracing::warn!(tenant, %until, "Defender asks to wait"),
                Happened::Lowered { api, per_minute, per_hour } => {
                    tracing::warn!(tenant, %api, per_minute, per_hour, "others use this app's quota: the share is lowered for a while");
                }
                Happened::ClockSet { by, restarted } => {
                    tracing::warn!(
                        tenant,
                        ms = by,
                        restarted,
                        "the computer's clock was set: waits and quota windows go on as they were"
                    );
                }
                Happened::Stopped { code, why } => {
                    tracing::error!(tenant, code, why, "nothing is sent for this tenant")
                }
                Happened::Alarm { code } => tracing::error!(tenant, code, "Defender answered what it should not"),
            }
        }
    })
}
