//! The real thing: intake, journal, lane and protocol, against the simulator. One thread and an agenda of events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use scanhook::defender::Answer;
use scanhook::journal::{CallId, Ids, Store};
use scanhook::worker::{Account, Call, OutgoingCall, Pace, TenantWorker};
use scanhook_core::time::{Now, Timestamp};
use scanhook_simulator::{QuotaWindow, Setup, Simulator, WireAnswer};

use crate::desk::{Counter, NOW, account, write};
use crate::scenario::{Result, Scenario};

/// How long an answer takes, in milliseconds.
const LATENCY: u64 = 200;
/// How long the process is down.
const DOWN: i64 = 5_000;

enum Event {
    Arrive(usize),
    Poll,
    Reach(u32, Box<OutgoingCall>),
    Return(u32, CallId, Box<(Call, Answer)>),
    Die,
    Load,
}

struct Run<'a> {
    scenario: &'a Scenario,
    store: Store,
    counter: Counter,
    account: Arc<Account>,
    far: Simulator,
    lane: Option<TenantWorker>,
    life: u32,
    /// When each alert was accepted.
    accepted: Vec<i64>,
    agenda: BTreeMap<(i64, u64), Event>,
    sequence: u64,
    next_poll: i64,
    now: i64,
}

pub fn play(scenario: &Scenario, window: QuotaWindow) -> Result {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let counter = Counter::new(&mut store);
    let far = Simulator::new(Setup {
        window,
        latency_ms: LATENCY,
        quick_ms: 30_000,
        seed: 1,
        ..Setup::default()
    });
    let account = Arc::new(account());
    let mut run = Run {
        scenario,
        store,
        counter,
        account,
        far,
        lane: None,
        life: 0,
        accepted: scenario.arrivals.iter().map(|arrival| arrival.at).collect(),
        agenda: BTreeMap::new(),
        sequence: 0,
        next_poll: i64::MAX,
        // The token is there before the storm is.
        now: -10_000,
    };
    run.at(-10_000, Event::Load);
    for (n, arrival) in scenario.arrivals.iter().enumerate() {
        run.at(arrival.at, Event::Arrive(n));
    }
    if let Some(at) = scenario.restart {
        run.at(at, Event::Die);
    }
    run.until_the_end()
}

impl Run<'_> {
    fn until_the_end(mut self) -> Result {
        while let Some(((at, _), event)) = self.agenda.pop_first() {
            if at > self.scenario.end {
                break;
            }
            self.now = at;
            match event {
                Event::Arrive(n) => self.arrive(n),
                Event::Poll if self.now < self.next_poll => {}
                Event::Poll => self.poll(),
                Event::Reach(life, outgoing) if life == self.life => self.reach(*outgoing),
                Event::Return(life, id, returned) if life == self.life => {
                    self.take(id, returned.0, returned.1)
                }
                Event::Reach(..) | Event::Return(..) => {}
                Event::Die => {
                    self.lane = None;
                    self.life += 1;
                    self.at(self.now + DOWN, Event::Load);
                }
                Event::Load => self.load(),
            }
        }
        let mut sent = vec![None; self.scenario.arrivals.len()];
        for scan in self.far.scans() {
            let n = usize::from_str_radix(&scan.machine, 16).unwrap();
            let at = scan.created.as_millisecond() - NOW.millis();
            assert!(
                sent[n].replace(at).is_none(),
                "machine {n} was scanned twice"
            );
        }
        let refused = self
            .far
            .calls()
            .iter()
            .filter(|call| call.status == Some(429))
            .count();
        self.scenario
            .result(u32::try_from(refused).unwrap(), &self.accepted, &sent)
    }

    fn at(&mut self, at: i64, event: Event) {
        self.sequence += 1;
        self.agenda.insert((at, self.sequence), event);
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(NOW.millis() + self.now)
    }

    fn clock(&self) -> Now {
        Now {
            wall: self.wall(),
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

    /// While the process is down the sender tries again.
    fn arrive(&mut self, n: usize) {
        if self.lane.is_none() {
            return self.at(self.now + 1_000, Event::Arrive(n));
        }
        let severity = if self.scenario.arrivals[n].urgent {
            "critical"
        } else {
            "high"
        };
        let now = self.wall();
        let acceptance = self.counter.alert(n as u64, severity, 0, now);
        write(&mut self.store, move |tx| tx.accept(&acceptance, now));
        self.accepted[n] = self.now;
        self.wake(self.now);
    }

    fn load(&mut self) {
        let (tenant, account, now) = (self.counter.tenant, self.account.clone(), self.clock());
        self.lane = write(&mut self.store, move |tx| {
            TenantWorker::load(
                tx,
                (tenant, None),
                account,
                Arc::default(),
                Pace::default(),
                now,
            )
        });
        self.wake(self.now);
    }

    fn poll(&mut self) {
        self.next_poll = i64::MAX;
        let Some(mut lane) = self.lane.take() else {
            return;
        };
        let (policy, id, now) = (self.counter.policy.clone(), self.counter.id, self.clock());
        let (lane, todo) = write(&mut self.store, move |tx| {
            let todo = lane.poll(tx, &policy, id, now)?;
            Ok((lane, todo))
        });
        self.lane = Some(lane);
        for outgoing in todo.calls {
            self.at(self.now + 1, Event::Reach(self.life, Box::new(outgoing)));
        }
        if todo.wake_at < Timestamp::NEVER {
            self.wake((todo.wake_at.millis() - NOW.millis()).max(self.now));
        }
    }

    fn reach(&mut self, outgoing: OutgoingCall) {
        let played = self.far.handle(self.wall().to_jiff(), &outgoing.request);
        let WireAnswer::Response(response) = played.what else {
            panic!("nothing goes wrong here")
        };
        let back = self.now + i64::try_from(played.after.as_millis()).unwrap();
        self.at(
            back,
            Event::Return(
                self.life,
                outgoing.id,
                Box::new((outgoing.call, Answer::Http(response))),
            ),
        );
    }

    fn take(&mut self, id: CallId, call: Call, answer: Answer) {
        let Some(mut lane) = self.lane.take() else {
            return;
        };
        let now = self.clock();
        let lane = write(&mut self.store, move |tx| {
            lane.answer(tx, id, call, answer, now)?;
            Ok(lane)
        });
        self.lane = Some(lane);
        self.wake(self.now);
    }
}
