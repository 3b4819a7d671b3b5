//! The same alerts, once through intake, journal and lane against the simulator, once replayed from what the journal
//! then holds: both must come to the same.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use scanhook::defender::{Answer, Endpoints};
use scanhook::in_force::SourceBinding;
use scanhook::intake::accept;
use scanhook::journal::{Archive, CallId, Ids, PolicyId, Store};
use scanhook::policy::{Ceiling, Policy, Terms};
use scanhook::replay::{Assumed, Replay, ReplayReport, ReplayStage, Takes};
use scanhook::settings::{Source, Tenant};
use scanhook::worker::{Call, OutgoingCall, Pace, TenantWorker};
use scanhook_core::quota::Share;
use scanhook_core::scan::{DecisionState, OnUnknown, Reason};
use scanhook_core::signature::{Authentication, Check, Key, authenticate};
use scanhook_core::time::{Now, Timestamp};
use scanhook_core::verdict::Limit;
use scanhook_simulator::{Setup, Simulator, WireAnswer};

use crate::desk::{NOW, account, write};

/// Longer than alerts come: what answers for what does not hang on the seconds between two looks at a scan.
const QUICK: Duration = Duration::from_secs(1_800);
const FULL: Duration = Duration::from_secs(3_600);
const LATENCY: u64 = 200;
const SECRET: &str = "a secret of at least 16 bytes";

const RULES: &str = r#"
version = 1
[defaults]
mode = "enforce"
[windows.soon]
timezone = "UTC"
hours = ["08:05-20:00"]
[[protect]]
name = "held machines"
when = { device.id = ["0000000000000000000000000000000000000003", "0000000000000000000000000000000000000004"] }
at_most = "hold"
[[rule]]
name = "critical"
scan = "full"
limit = false
when = { severity = "critical" }
[[rule]]
name = "high"
scan = "full"
limit = { scans = 60, per = "10m" }
when = { severity = "high" }
[[rule]]
name = "medium"
scan = "quick"
limit = { scans = 150, per = "1h" }
when = { severity = "medium" }
[[rule]]
name = "low waits for its window"
scan = "quick"
start = "soon"
limit = false
when = { severity = "low" }
"#;

enum Event {
    Arrive(usize),
    Poll,
    Reach(Box<OutgoingCall>),
    Return(CallId, Box<(Call, Answer)>),
}

struct Site {
    store: Store,
    desk: SourceBinding,
    policy: Arc<Policy>,
    id: PolicyId,
    lane: Option<TenantWorker>,
    far: Simulator,
    agenda: BTreeMap<(i64, u64), Event>,
    sequence: u64,
    next_poll: i64,
    now: i64,
}

impl Site {
    fn at(&mut self, at: i64, event: Event) {
        self.sequence += 1;
        self.agenda.insert((at, self.sequence), event);
    }

    fn clock(&self) -> Now {
        let wall = Timestamp::from_millis(NOW.millis() + self.now);
        Now {
            wall,
            up: Duration::from_millis(u64::try_from(self.now + 3_600_000).unwrap()),
            boot: 1,
        }
    }

    fn wake(&mut self, at: i64) {
        if at < self.next_poll {
            self.next_poll = at;
            self.at(at, Event::Poll);
        }
    }

    fn arrive(&mut self, n: usize, alert: Arrival) {
        let now = self.clock().wall;
        let body = format!(
            r#"{{"alert_id":"a-{n}","severity":"{}","devices":[{{"mde_id":"{:040x}"}}]}}"#,
            alert.severity, alert.machine
        );
        let mut headers = HeaderMap::new();
        headers.insert(
            http::header::AUTHORIZATION,
            format!("Bearer {SECRET}").parse().unwrap(),
        );
        let source = &self.desk.source;
        let delivery = authenticate(&source.auth, &source.name, &headers, Bytes::from(body), now);
        let delivery = delivery.map_err(|_| "refused").unwrap();
        let acceptance = accept(&self.desk, &self.policy, self.id, delivery)
            .unwrap_or_else(|_| panic!("no JSON"));
        write(&mut self.store, move |tx| tx.accept(&acceptance, now));
        self.wake(self.now);
    }

    fn poll(&mut self) {
        self.next_poll = i64::MAX;
        let (mut lane, policy, id, now) = (
            self.lane.take().unwrap(),
            self.policy.clone(),
            self.id,
            self.clock(),
        );
        let (lane, todo) = write(&mut self.store, move |tx| {
            let todo = lane.poll(tx, &policy, id, now)?;
            Ok((lane, todo))
        });
        self.lane = Some(lane);
        for outgoing in todo.calls {
            self.at(self.now, Event::Reach(Box::new(outgoing)));
        }
        if todo.wake_at < Timestamp::NEVER {
            self.wake((todo.wake_at.millis() - NOW.millis()).max(self.now));
        }
    }

    fn reach(&mut self, outgoing: OutgoingCall) {
        let played = self
            .far
            .handle(self.clock().wall.to_jiff(), &outgoing.request);
        let WireAnswer::Response(response) = played.what else {
            panic!("nothing goes wrong here")
        };
        let back = self.now + i64::try_from(played.after.as_millis()).unwrap();
        self.at(
            back,
            Event::Return(
                outgoing.id,
                Box::new((outgoing.call, Answer::Http(response))),
            ),
        );
    }

    fn take(&mut self, id: CallId, call: Call, answer: Answer) {
        let (mut lane, now) = (self.lane.take().unwrap(), self.clock());
        let lane = write(&mut self.store, move |tx| {
            lane.answer(tx, id, call, answer, now)?;
            Ok(lane)
        });
        self.lane = Some(lane);
        self.wake(self.now);
    }

    fn run(&mut self, arrivals: &[Arrival], end: i64) {
        while let Some(((at, _), event)) = self.agenda.pop_first().filter(|((at, _), _)| *at <= end)
        {
            self.now = at;
            match event {
                Event::Arrive(n) => self.arrive(n, arrivals[n]),
                Event::Poll if self.now < self.next_poll => {}
                Event::Poll => self.poll(),
                Event::Reach(outgoing) => self.reach(*outgoing),
                Event::Return(id, returned) => self.take(id, returned.0, returned.1),
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Arrival {
    at: i64,
    severity: &'static str,
    machine: u64,
}

/// So many alerts about fewer machines within six minutes.
fn arrivals(seed: u64) -> Vec<Arrival> {
    let mut state = seed;
    let mut dice = |sides: u64| {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    };
    let severities = [
        "critical",
        "high",
        "high",
        "medium",
        "medium",
        "medium",
        "low",
        "informational",
    ];
    let mut arrivals: Vec<_> = (0..900)
        .map(|_| Arrival {
            at: i64::try_from(dice(360_000)).unwrap(),
            severity: severities[usize::try_from(dice(8)).unwrap()],
            machine: dice(400),
        })
        .collect();
    arrivals.sort_by_key(|arrival| arrival.at);
    arrivals
}

const LIMIT: Limit = Limit {
    scans: 300,
    per: Duration::from_secs(3_600),
};

/// Serves the alerts for two hours; the simulator's log of scans, by when each was begun.
fn serve(path: &std::path::Path, arrivals: &[Arrival]) -> (Arc<Policy>, Source, Vec<i64>) {
    let mut store = Store::open(path, Ids::seeded(1)).unwrap();
    let tenant = write(&mut store, |tx| tx.tenant("default"));
    let keys = vec![
        Key::new("test", SECRET.as_bytes())
            .map_err(|_| "key")
            .unwrap(),
    ];
    let source = Source {
        auth: Authentication {
            alternatives: vec![vec![Check::Bearer { keys }]],
        },
        ..Source::of_preset("generic").unwrap()
    };
    let policy = Policy::parse(RULES.to_owned())
        .map_err(|(_, findings)| format!("{findings:?}"))
        .unwrap()
        .policy;
    let policy = Arc::new(policy);
    let id = write(&mut store, {
        let policy = policy.clone();
        move |tx| tx.policy(policy.fingerprint(), &policy.record(), NOW)
    });
    let terms = Terms {
        ceiling: Ceiling::Simulated,
        limit: Some(LIMIT),
    };
    let desk = SourceBinding::of_one(source.clone(), tenant, terms);
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap();
    let setup = Setup {
        latency_ms: LATENCY,
        pending_ms: 0,
        quick_ms: millis(QUICK),
        full_ms: millis(FULL),
        seed: 1,
        ..Setup::default()
    };
    let mut site = Site {
        store,
        desk,
        policy,
        id,
        lane: None,
        far: Simulator::new(setup),
        agenda: BTreeMap::new(),
        sequence: 0,
        next_poll: i64::MAX,
        // The token is there before the alerts are.
        now: -10_000,
    };
    let (account, now) = (Arc::new(account()), site.clock());
    site.lane = write(&mut site.store, move |tx| {
        TenantWorker::load(
            tx,
            (tenant, None),
            account,
            Arc::default(),
            Pace::default(),
            now,
        )
    });
    site.wake(site.now);
    for (n, arrival) in arrivals.iter().enumerate() {
        site.at(arrival.at, Event::Arrive(n));
    }
    site.run(arrivals, 2 * 3_600_000);
    let mut begun: Vec<i64> = site
        .far
        .scans()
        .iter()
        .map(|scan| scan.created.as_millisecond() - NOW.millis())
        .collect();
    begun.sort_unstable();
    (site.policy, source, begun)
}

fn replayed(path: &std::path::Path, policy: &Policy, source: &Source) -> ReplayReport {
    let tenant = Tenant {
        name: "default".to_owned(),
        tenant_id: String::new(),
        client_id: String::new(),
        credential: Err(Vec::new()),
        endpoints: Endpoints::commercial(),
        mode: None,
        quota: Share::WHOLE,
        limit: LIMIT,
        on_unknown: OnUnknown::Leave,
        external_id: true,
        follow_for: Duration::from_secs(7 * 86_400),
    };
    let stage = ReplayStage::new(
        core::slice::from_ref(source),
        &[tenant],
        Assumed::Unremarkable,
        Takes {
            quick: QUICK,
            full: FULL,
        },
    );
    let mut archive = Archive::open(path, None, false).unwrap();
    let mut replay = Replay::new(stage, policy, None);
    while let Some(delivery) = archive.next().unwrap() {
        replay
            .take(&delivery, &mut |tenant, machine| {
                archive.record(tenant, machine)
            })
            .unwrap();
    }
    replay.finish(20)
}

/// What the journal says of its decisions.
fn decided(path: &std::path::Path) -> BTreeMap<(DecisionState, Reason), u64> {
    let mut archive = Archive::open(path, None, false).unwrap();
    let mut counts = BTreeMap::new();
    while let Some(delivery) = archive.next().unwrap() {
        for made in delivery.alerts.iter().flat_map(|alert| &alert.decisions) {
            *counts.entry((made.state, made.reason)).or_default() += 1;
        }
    }
    counts
}

#[test]
fn random_alerts_are_decided_planned_and_sent_as_the_lane_does_it() {
    for seed in 1..=2 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let (policy, source, begun) = serve(&path, &arrivals(seed));
        let report = replayed(&path, &policy, &source);
        let mut files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        files.sort();
        let kept = [
            "journal.db",
            "journal.db.lock",
            "journal.db.marker",
            "journal.db.reserve",
        ];
        assert_eq!(files, kept, "reading leaves nothing behind");
        let load = &report.tenants["default"];
        assert_eq!(
            report.differences.different, 0,
            "seed {seed}: {:#?}",
            report.differences.groups
        );
        assert!(report.differences.compared > 700, "seed {seed}");
        let mut ours: BTreeMap<_, _> = report
            .outcomes
            .iter()
            .map(|one| ((one.state, one.reason), one.count))
            .collect();
        let mut theirs = decided(&path);
        // A scan that an alert meets still waits or has just been sent: a call for a token or a list can make a
        // difference of milliseconds.
        let met = |counts: &mut BTreeMap<_, u64>| {
            [Reason::Merged, Reason::Running]
                .map(|reason| counts.remove(&(DecisionState::Scan, reason)).unwrap_or(0))
        };
        let ([merged, running], [theirs_merged, theirs_running]) =
            (met(&mut ours), met(&mut theirs));
        assert_eq!(
            (merged + running, ours),
            (theirs_merged + theirs_running, theirs),
            "seed {seed}"
        );
        assert!(
            merged > 20 && merged.abs_diff(theirs_merged) <= 3,
            "seed {seed}: {merged}, {theirs_merged}"
        );
        assert_eq!(
            usize::try_from(load.quick + load.full).unwrap(),
            begun.len(),
            "seed {seed}"
        );
        let within = |span: i64| {
            let in_window = |n: usize| {
                begun[..=n]
                    .iter()
                    .filter(|at| **at > begun[n] - span)
                    .count()
            };
            (0..begun.len()).map(in_window).max().unwrap()
        };
        let near = |ours: usize, theirs: usize| ours.abs_diff(theirs) <= 2;
        assert!(
            near(load.per_minute.count, within(60_000)),
            "seed {seed}: {load:?}, {}",
            within(60_000)
        );
        assert!(
            near(load.per_hour.count, within(3_600_000)),
            "seed {seed}: {load:?}, {}",
            within(3_600_000)
        );
    }
}
