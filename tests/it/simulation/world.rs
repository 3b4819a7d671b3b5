//! The world of one run: an agenda of events in virtual time.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::HeaderMap;
use scanhook::api::Receipt;
use scanhook::defender::{Answer, Endpoints};
use scanhook::domain::mapping::{Caps, Mapping};
use scanhook::domain::quota::Share;
use scanhook::domain::scan::Mode;
use scanhook::domain::signature::{Authentication, Check, Key, authenticate};
use scanhook::domain::time::Timestamp;
use scanhook::domain::verdict::Limit;
use scanhook::intake::{Desk, accept};
use scanhook::journal::{CallId, Filter, Ids, Job, JournalError, PolicyId, Store, TenantId, Tx};
use scanhook::lane::{Account, Call, Lane, Outgoing, Pace};
use scanhook::policy::{Ceiling, Policy, Terms};
use scanhook::settings::Source;
use scanhook::simulator::{Busy, Fault, How, Setup, Simulator, What, Window};
use sha2::{Digest, Sha256};

use super::faults::{AtCall, AtCommit, Dice, Faults};

/// 2026-11-02T08:00:00Z.
const START: i64 = 1_793_606_400_000;
const DEADLINE: Duration = Duration::from_secs(30);
const SECRET: &[u8] = b"a secret of the simulated sender";
const DAY: Duration = Duration::from_secs(86_400);

const RULES: &str = r#"
version = 1
[defaults]
mode = "enforce"
[[rule]]
name = "high"
scan = "full"
when = { severity.gte = "high" }
[[rule]]
name = "held"
scan = "full"
mode = "approve"
when = { alert.category = "AskFirst" }
[[rule]]
name = "medium"
scan = "quick"
when = { severity = "medium" }
"#;

/// What a run starts from.
pub struct Scenario {
    seed: u64,
    share: Share,
    setup: Setup,
    far_faults: Vec<Fault>,
    foreign: Vec<(Duration, String, &'static str)>,
    deliveries: Vec<(Duration, String)>,
}

fn machine(n: u64) -> String {
    format!("{:040x}", 0xabc0 + n)
}

impl Scenario {
    /// Three alerts for two machines, nothing unusual.
    pub fn small() -> Scenario {
        let alert = |id, severity, n| {
            format!(r#"{{"alertId":"{id}","title":"t","severity":"{severity}","deviceId":"{}"}}"#, machine(n))
        };
        Scenario {
            seed: 1,
            share: Share::WHOLE,
            setup: Setup { seed: 1, quick_ms: 20_000, full_ms: 60_000, ..Setup::default() },
            far_faults: Vec::new(),
            foreign: Vec::new(),
            deliveries: vec![
                (Duration::from_secs(1), alert("a-1", "medium", 1)),
                (Duration::from_secs(2), alert("a-2", "high", 2)),
                (Duration::from_secs(90), alert("a-3", "high", 1)),
            ],
        }
    }

    /// Fifty machines that need a Full scan, one every 20 s: for most of an hour they run side by side.
    pub fn fleet() -> Scenario {
        let alert =
            |n: u64| format!(r#"{{"alertId":"a-{n}","title":"t","severity":"high","deviceId":"{}"}}"#, machine(n));
        Scenario {
            seed: 1,
            share: Share::WHOLE,
            setup: Setup { seed: 1, latency_ms: 300, ..Setup::default() },
            far_faults: Vec::new(),
            foreign: Vec::new(),
            deliveries: (0..50).map(|n| (Duration::from_millis(1000 + n * 20_300), alert(n))).collect(),
        }
    }

    /// Anything the far side may be, within what is promised: a list that shows an action within the settle time.
    pub fn random(seed: u64) -> Scenario {
        let mut dice = Dice::new(seed);
        let machines = 1 + dice.roll(5);
        let share = dice.pick(&[(100, 1500), (3, 40), (2, 12)]);
        let (quick_ms, full_ms) = dice.pick(&[(10_000, 60_000), (30_000, 240_000), (240_000, 2_700_000)]);
        let setup = Setup {
            per_minute: share.0,
            per_hour: share.1,
            window: dice.pick(&[Window::Sliding, Window::Aligned, Window::Bucket]),
            list_lag_ms: dice.pick(&[0, 5_000, 20_000]),
            busy: dice.pick(&[
                Busy::Existing200,
                Busy::Existing201,
                Busy::Refused400,
                Busy::RefusedCodeOnly,
                Busy::RefusedMessageOnly,
                Busy::Alternate,
            ]),
            page_size: dice.pick(&[None, None, Some(2)]),
            echo_external_id: dice.roll(5) > 0,
            accept_external_id: dice.roll(8) > 0,
            scope_null: dice.roll(4) == 0,
            outcomes: (0..dice.roll(3))
                .map(|n| (machine(n), dice.pick(&["Failed", "TimeOut", "Canceled"]).to_owned()))
                .collect(),
            offline: (dice.roll(10) == 0).then(|| machine(0)).into_iter().collect(),
            quick_ms,
            full_ms,
            latency_ms: dice.pick(&[0, 50, 2_000]),
            seed,
            ..Setup::default()
        };
        let far_faults = (0..dice.roll(5)).map(|_| far_fault(&mut dice)).collect();
        let foreign = (0..dice.roll(2)).map(|_| {
            (Duration::from_secs(dice.roll(300)), machine(dice.roll(machines)), dice.pick(&["Quick", "Full"]))
        });
        let foreign = foreign.collect();
        let deliveries = (0..2 + dice.roll(14)).map(|n| {
            let at = Duration::from_millis(dice.roll(dice.clone().pick(&[1_000, 120_000, 4_000_000])));
            (at, body(&mut dice, n, machines))
        });
        let deliveries = deliveries.collect();
        let share = Share { per_minute: share.0, per_hour: share.1 };
        Scenario { seed, share, setup, far_faults, foreign, deliveries }
    }
}

fn far_fault(dice: &mut Dice) -> Fault {
    let status = |status, code: &str, retry_after: Option<&str>| How::Status {
        status,
        code: code.to_owned(),
        message: Some("on order".to_owned()),
        retry_after: retry_after.map(str::to_owned),
    };
    let how = match dice.roll(9) {
        0 => status(429, "TooManyRequests", Some("37")),
        1 => status(429, "TooManyRequests", None),
        2 => status(500, "InternalServerError", None),
        3 => status(503, "ServiceUnavailable", None),
        4 => status(401, "Unauthorized", None),
        5 => How::LostRequest,
        6 => How::LostAnswer,
        7 => How::Silence { executed: true },
        _ => How::Raw { status: 200, content_type: Some("text/html".to_owned()), body: "<html>".to_owned() },
    };
    let route = dice.pick(&["scan", "scan", "list", "token", "*"]).to_owned();
    Fault { route, nth: 1 + u32::try_from(dice.roll(8)).unwrap(), times: 1 + u32::try_from(dice.roll(3)).unwrap(), how }
}

fn body(dice: &mut Dice, n: u64, machines: u64) -> String {
    let severity = dice.pick(&["low", "medium", "medium", "high", "high"]);
    let category = dice.pick(&["", "", "", "AskFirst"]);
    let device = match dice.roll(12) {
        0 => r#"{"name":"lt-042"}"#.to_owned(),
        _ => format!(r#"{{"mde_id":"{}"}}"#, machine(dice.roll(machines))),
    };
    // Some ids come again: repeats, and the same finding for another machine.
    let id = if dice.roll(5) == 0 { 0 } else { n };
    format!(
        r#"{{"alert_id":"a-{id}","title":"t","severity":"{severity}","category":"{category}","devices":[{device}]}}"#
    )
}

enum Event {
    Deliver(usize),
    Foreign(String, &'static str),
    Poll,
    Reach(u32, Box<Outgoing>),
    Return(u32, CallId, Box<(Call, Answer)>),
    Load(u32),
}

/// A run.
pub struct World {
    pub now: Timestamp,
    pub far: Simulator,
    pub faults: Faults,
    pub share: Share,
    /// The receipts that were acknowledged, with the delivery they are for.
    pub promised: Vec<(usize, Receipt)>,
    pub traced: bool,
    pub store: Store,
    agenda: BTreeMap<(Timestamp, u64), Event>,
    sequence: u64,
    lane: Option<Lane>,
    /// Counts lives of the lane: what belongs to an earlier one is gone.
    life: u32,
    next_poll: Timestamp,
    down: bool,
    dice: Dice,
    deliveries: Vec<String>,
    policy: Arc<Policy>,
    policy_id: PolicyId,
    desk: Desk,
    tenant: TenantId,
    account: Arc<Account>,
}

impl World {
    pub fn new(scenario: &Scenario, faults: Faults) -> World {
        let policy = Arc::new(Policy::parse(RULES.to_owned()).map_err(|_| "rules").unwrap().policy);
        let mut store = Store::memory(Ids::seeded(scenario.seed)).unwrap();
        let (tenant, policy_id) = prepare(&mut store, policy.clone());
        let url = "http://127.0.0.1:1";
        let account = Account {
            name: "default".to_owned(),
            endpoints: Endpoints::custom(url, url, &Endpoints::commercial().token_scope, false).unwrap(),
            tenant_id: "corp.example".to_owned(),
            client_id: "app".to_owned(),
            secret: "secret".to_owned().into(),
            share: scenario.share,
            sends: true,
        };
        let mut far = Simulator::new(scenario.setup.clone());
        far.faults(scenario.far_faults.clone());
        let mut world = World {
            now: Timestamp::from_millis(START),
            far,
            faults,
            share: scenario.share,
            promised: Vec::new(),
            traced: false,
            store,
            agenda: BTreeMap::new(),
            sequence: 0,
            lane: None,
            life: 0,
            next_poll: Timestamp::NEVER,
            down: false,
            dice: Dice::new(scenario.seed ^ 0x3c),
            deliveries: scenario.deliveries.iter().map(|(_, body)| body.clone()).collect(),
            policy,
            policy_id,
            desk: desk(tenant),
            tenant,
            account: Arc::new(account),
        };
        world.after(Duration::ZERO, Event::Load(0));
        for (n, (at, _)) in scenario.deliveries.iter().enumerate() {
            world.after(*at, Event::Deliver(n));
        }
        for (at, machine, kind) in &scenario.foreign {
            world.after(*at, Event::Foreign(machine.clone(), kind));
        }
        world
    }

    /// Until everything has ended, or for forty days.
    pub fn run(&mut self) {
        while let Some(((at, _), event)) = self.agenda.pop_first() {
            assert!(at.since(Timestamp::from_millis(START)) < 40 * DAY, "something never ends");
            self.now = at;
            self.step(event);
            if self.promised.len() == self.deliveries.len() && self.settled() {
                return;
            }
        }
        panic!("the agenda ran dry before everything had ended");
    }

    fn settled(&self) -> bool {
        self.store.read(|reader| reader.unsettled().unwrap()) == 0
    }

    /// The journal as one hash.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.store.dump().unwrap()))
    }

    /// The sender posts a delivery once more, when nothing goes wrong any longer.
    pub fn redeliver(&mut self, n: usize) -> Receipt {
        self.faults = Faults::default();
        self.accept(n).expect("nothing goes wrong")
    }

    fn after(&mut self, wait: Duration, event: Event) {
        self.sequence += 1;
        self.agenda.insert((self.now.plus(wait), self.sequence), event);
    }

    fn trace(&self, text: impl FnOnce() -> String) {
        if self.traced {
            println!("{} {}", self.now, text());
        }
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Deliver(n) => self.deliver(n),
            Event::Foreign(machine, kind) => {
                self.trace(|| format!("a foreign {kind} on {machine}"));
                self.far.start_foreign(self.now.to_jiff(), &machine, kind, "manual check [sh-000000000000]");
            }
            Event::Load(life) if life == self.life => self.load(),
            // An earlier wake-up has made this one superfluous, as it does in `lane/run`.
            Event::Poll if self.now < self.next_poll => {}
            Event::Poll => {
                self.next_poll = Timestamp::NEVER;
                self.poll();
            }
            Event::Reach(life, outgoing) if life == self.life => self.reach(*outgoing),
            Event::Return(life, id, returned) if life == self.life => self.answer(id, returned.0, returned.1),
            Event::Reach(..) | Event::Return(..) | Event::Load(_) => {}
        }
    }

    fn deliver(&mut self, n: usize) {
        let receipt = if self.down { None } else { self.accept(n) };
        self.trace(|| format!("delivery {n}: {}", if receipt.is_some() { "acknowledged" } else { "not acknowledged" }));
        match receipt {
            Some(receipt) => self.promised.push((n, receipt)),
            // No 2xx: the sender tries again.
            None => self.after(Duration::from_secs(20), Event::Deliver(n)),
        }
    }

    fn accept(&mut self, n: usize) -> Option<Receipt> {
        let now = self.now;
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", String::from_utf8_lossy(SECRET));
        headers.insert(http::header::AUTHORIZATION, bearer.parse().unwrap());
        let body = Bytes::from(self.deliveries[n].clone());
        let delivery = authenticate(&self.desk.source.auth, &self.desk.source.name, &headers, body, now).unwrap();
        let acceptance = accept(&self.desk, &self.policy, self.policy_id, delivery).unwrap();
        self.commit(move |tx| tx.accept(&acceptance, now))
    }

    fn load(&mut self) {
        self.down = false;
        let (tenant, account, now) = (self.tenant, self.account.clone(), self.now);
        let pace = Pace { give_up: 4 * DAY, ..Pace::default() };
        match self.commit(move |tx| Lane::load(tx, tenant, account, pace, now)) {
            Some(lane) => {
                self.lane = lane;
                self.wake(Duration::ZERO);
            }
            None if !self.down => self.after(Duration::from_secs(1), Event::Load(self.life)),
            None => {}
        }
    }

    fn poll(&mut self) {
        let Some(mut lane) = self.lane.take() else { return };
        let (policy, now) = (self.policy.clone(), self.now);
        let polled = self.commit(move |tx| {
            let todo = lane.poll(tx, &policy, now)?;
            Ok((lane, todo))
        });
        let Some((lane, todo)) = polled else { return self.lose_lane() };
        self.lane = Some(lane);
        self.trace(|| format!("poll: {} calls {:?}", todo.calls.len(), todo.happened));
        for outgoing in todo.calls {
            let wait = Duration::from_millis(self.dice.roll(40));
            self.after(wait, Event::Reach(self.life, Box::new(outgoing)));
        }
        if todo.wake_at < Timestamp::NEVER {
            self.wake(todo.wake_at.since(now));
        }
    }

    fn reach(&mut self, outgoing: Outgoing) {
        let Outgoing { id, call, request } = outgoing;
        let fault = self.faults.at_call();
        let (wait, answer) = if fault == Some(AtCall::NeverLeaves) {
            (Duration::from_millis(5), Answer::NotSent("refused".to_owned()))
        } else {
            let played = self.far.handle(self.now.to_jiff(), &request);
            let lost = |why: &str| Answer::Unknown(why.to_owned());
            match (fault, played.what) {
                (Some(AtCall::AnswerLost), _) | (None, What::Reset) => (played.after, lost("reset")),
                (None, What::Response(response)) if played.after < DEADLINE => (played.after, Answer::Http(response)),
                _ => (DEADLINE, lost("timeout")),
            }
        };
        self.trace(|| format!("{} {} -> {}", request.method(), request.uri().path(), word(&answer)));
        self.after(wait, Event::Return(self.life, id, Box::new((call, answer))));
    }

    fn answer(&mut self, id: CallId, call: Call, answer: Answer) {
        let Some(mut lane) = self.lane.take() else { return };
        let now = self.now;
        let answered = self.commit(move |tx| {
            let happened = lane.answer(tx, id, call, answer, now)?;
            Ok((lane, happened))
        });
        let Some((lane, happened)) = answered else { return self.lose_lane() };
        self.trace(|| format!("answer: {happened:?}"));
        self.lane = Some(lane);
        self.wake(Duration::ZERO);
    }

    /// As `lane/run` does it: calls are dropped, and the lane is loaded again.
    fn lose_lane(&mut self) {
        if !self.down {
            self.life += 1;
            self.after(Duration::from_secs(1), Event::Load(self.life));
        }
    }

    fn crash(&mut self) {
        self.trace(|| "the process dies".to_owned());
        self.lane = None;
        self.life += 1;
        self.down = true;
        let wait = Duration::from_secs(1 + self.dice.roll(40));
        self.after(wait, Event::Load(self.life));
    }

    fn wake(&mut self, wait: Duration) {
        let at = self.now.plus(wait);
        if at < self.next_poll {
            self.next_poll = at;
            self.after(wait, Event::Poll);
        }
    }

    /// One job, one transaction, and what is planned to go wrong with it.
    fn commit<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Option<T> {
        let fault = self.faults.at_commit();
        if fault == Some(AtCommit::CrashBefore) {
            self.crash();
            return None;
        }
        self.store.refuse_commits(fault == Some(AtCommit::Fails)).unwrap();
        let slot = Arc::new(Mutex::new(None));
        let reply = slot.clone();
        let job = Job::new(0, work, move |result| *reply.lock().unwrap() = Some(result));
        let touched = self.store.commit(vec![job]);
        self.store.refuse_commits(false).unwrap();
        if fault == Some(AtCommit::CrashAfter) {
            self.crash();
            return None;
        }
        if !touched.0.is_empty() {
            self.wake(Duration::ZERO);
        }
        let result = slot.lock().unwrap().take().expect("a job that panicked");
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                assert!(fault == Some(AtCommit::Fails), "the journal refused: {error}");
                None
            }
        }
    }

    /// Every scan, from the journal.
    pub fn scans(&self) -> Vec<scanhook::api::ScanView> {
        let mut all = Vec::new();
        let mut filter = Filter::default();
        loop {
            let page = self.store.read(|reader| reader.scans(&filter).unwrap());
            all.extend(page.items);
            let Some(next) = page.next else { return all };
            filter.after = next.parse().ok();
        }
    }
}

fn word(answer: &Answer) -> String {
    match answer {
        Answer::Http(response) => response.status().to_string(),
        Answer::NotSent(code) | Answer::Unknown(code) => code.clone(),
    }
}

fn prepare(store: &mut Store, policy: Arc<Policy>) -> (TenantId, PolicyId) {
    let slot = Arc::new(Mutex::new(None));
    let reply = slot.clone();
    let work = move |tx: &mut Tx<'_>| {
        let now = Timestamp::from_millis(START);
        Ok((tx.tenant("default")?, tx.policy(policy.fingerprint(), policy.text(), now)?))
    };
    store.commit(vec![Job::new(0, work, move |result| *reply.lock().unwrap() = Some(result))]);
    slot.lock().unwrap().take().unwrap().unwrap()
}

fn desk(tenant: TenantId) -> Desk {
    let keys = vec![Key::new("sender", SECRET).map_err(|_| "key").unwrap()];
    let source = Source {
        name: "siem".to_owned(),
        preset: "generic".to_owned(),
        mapping: Mapping::compile(scanhook::presets::map("generic").unwrap()).map_err(|_| "map").unwrap(),
        caps: Caps::default(),
        auth: Authentication { alternatives: vec![vec![Check::Bearer { keys }]] },
        tenants: vec!["default".to_owned()],
        remember: 400 * DAY,
        expect_every: None,
        content_types: vec!["application/json".to_owned()],
        methods: vec!["POST".to_owned()],
        max_body: 1 << 20,
    };
    let limit = Some(Limit { scans: 300, per: Duration::from_secs(3600) });
    Desk::of_one(source, tenant, Terms { ceiling: Ceiling::AtMost(Mode::Enforce), limit })
}
