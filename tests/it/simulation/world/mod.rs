//! The world of one run: an agenda of events in virtual time.

mod failover;
pub mod mail;
mod operator;
mod proof;
mod replica;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::HeaderMap;
use scanhook::api::{ItemView, Receipt};
use scanhook::defender::delegated::Renewal;
use scanhook::defender::token_file::{CompletedCall, FileInsert, FileTrouble};
use scanhook::defender::{Answer, LATE};
use scanhook::in_force::{SourceBinding, SourceBindings};
use scanhook::intake::accept;
use scanhook::journal::{
    CallId, Filter, Ids, Job, JournalError, MESSAGES, OutboxFilter, PolicyId, Store, TenantId, Tx,
};
use scanhook::policy::{Ceiling, Policy, Terms};
use scanhook::settings::Source;
use scanhook::worker::{Account, Call, OutgoingCall, Pace, TenantWorker, WorkerEvent};
use scanhook_core::lease::{Trust, TurnTime};
use scanhook_core::mapping::{DeliveryLimits, Map, Mapping};
use scanhook_core::quota::Share;
use scanhook_core::scan::{DecisionState, Mode, OnUnknown, Reason};
use scanhook_core::signature::{Authentication, Check, Key, authenticate};
use scanhook_core::time::{Now, Timestamp};
use scanhook_core::verdict::Limit;
use scanhook_simulator::{
    Busy, Fault, How, ListOrder, Machine, QuotaWindow, Setup, Simulator, Tenant, WireAnswer,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::faults::{AtCall, AtCommit, Dice, Faults};
use super::throttle::{Seen, Watch};
use failover::{Said, Standby};
use mail::{Mail, WORKSPACE};
use operator::{Order, Paused};
use proof::{Disk, Proof};
use replica::Replica;

/// 2026-11-02T08:00:00Z.
const START: i64 = 1_793_606_400_000;
const DEADLINE: Duration = Duration::from_secs(30);
const SECRET: &[u8] = b"a secret of the simulated sender";
pub const DAY: Duration = Duration::from_secs(86_400);
/// How far our clock is set, in milliseconds.
const JUMP: i64 = 3_600_000;

const RULES: &str = r#"
version = 1
[defaults]
mode = "enforce"
[[rule]]
name = "high"
scan = "full"
limit = { scans = 1000, per = "1h" }
when = { severity.gte = "high" }
[[rule]]
name = "held"
scan = "full"
mode = "approve"
when = { alert.category = "AskFirst" }
[[rule]]
name = "later"
scan = "quick"
start = "early"
when = { alert.category = "Later" }
[[rule]]
name = "medium"
scan = "quick"
when = { severity = "medium" }
[windows.early]
timezone = "UTC"
hours = ["00:00-00:10", "01:00-01:10", "02:00-02:10", "03:00-03:10", "04:00-04:10", "05:00-05:10", "06:00-06:10",
  "07:00-07:10", "08:00-08:10", "09:00-09:10", "10:00-10:10", "11:00-11:10", "12:00-12:10", "13:00-13:10", "14:00-14:10",
  "15:00-15:10", "16:00-16:10", "17:00-17:10", "18:00-18:10", "19:00-19:10", "20:00-20:10", "21:00-21:10", "22:00-22:10",
  "23:00-23:10"]
"#;
/// Minutes of each hour in which scans of the rule `later` may leave.
const EARLY: i64 = 10;

/// Goes before the others, and needs a fact of every machine.
const LAB: &str = r#"
[[rule]]
name = "lab"
scan = "none"
when = { device.tags = "lab" }
"#;

/// What the rule `held` wants takes two people.
const TWO: &str = r#"
[[protect]]
name = "two"
when = { alert.category = "AskFirst" }
at_most = "hold"
people = 2
"#;

/// What a run starts from.
pub struct Scenario {
    seed: u64,
    rules: String,
    /// Machines that no alert tells apart from another, or that cannot be scanned.
    forbidden: Vec<String>,
    share: Share,
    /// The app may not read machine actions, and this is what it does about lost answers.
    blind: Option<OnUnknown>,
    setup: Setup,
    /// Rows of a list that are asked for at once.
    rows: usize,
    far_faults: Vec<Fault>,
    foreign: Vec<(Duration, String, &'static str)>,
    deliveries: Vec<(Duration, String)>,
    /// When our clock is set, and by how much; the far side keeps its own.
    jumps: Vec<(Duration, i64)>,
    /// From when to when the far side answers 429 to everything.
    refuses: Option<(Duration, Duration)>,
    /// Whether the tenant and its rules have a limit of scans.
    limited: bool,
    orders: Vec<(Duration, Order)>,
    proof: Proof,
    /// Processes that have the journal.
    replicas: usize,
}

fn machine(n: u64) -> String {
    format!("{:040x}", 0xabc0 + n)
}

/// The incident of the n-th alert, one of three.
fn of_incident(n: u64) -> String {
    format!(
        r#""incident":"{WORKSPACE}/providers/Microsoft.SecurityInsights/Incidents/i-{}""#,
        n % 3
    )
}

fn alert(id: u64, severity: &str, n: u64) -> String {
    format!(
        r#"{{"alertId":"a-{id}","title":"t","severity":"{severity}","deviceId":"{}",{}}}"#,
        machine(n),
        of_incident(id)
    )
}

impl Scenario {
    /// Three alerts for two machines, nothing unusual.
    pub fn small() -> Scenario {
        Scenario {
            seed: 1,
            rules: RULES.to_owned(),
            forbidden: Vec::new(),
            share: Share::WHOLE,
            blind: None,
            setup: Setup {
                seed: 1,
                quick_ms: 20_000,
                full_ms: 60_000,
                ..Setup::default()
            },
            rows: 10_000,
            far_faults: Vec::new(),
            foreign: Vec::new(),
            deliveries: vec![
                (Duration::from_secs(1), alert(1, "medium", 1)),
                (Duration::from_secs(2), alert(2, "high", 2)),
                (Duration::from_secs(90), alert(3, "high", 1)),
            ],
            jumps: Vec::new(),
            refuses: None,
            limited: true,
            orders: Vec::new(),
            proof: Proof::Secret,
            replicas: 1,
        }
    }

    /// Fifty machines that need a Full scan, one every 20 s: for most of an hour they run side by side.
    pub fn fleet() -> Scenario {
        Scenario {
            seed: 1,
            rules: RULES.to_owned(),
            forbidden: Vec::new(),
            share: Share::WHOLE,
            blind: None,
            setup: Setup {
                seed: 1,
                latency_ms: 300,
                ..Setup::default()
            },
            rows: 10_000,
            far_faults: Vec::new(),
            foreign: Vec::new(),
            deliveries: (0..50)
                .map(|n| {
                    (
                        Duration::from_millis(1000 + n * 20_300),
                        alert(n, "high", n),
                    )
                })
                .collect(),
            ..Scenario::small()
        }
    }

    /// One alert for each of forty machines, every fourth of them grave, within the first minute.
    pub fn forty(share: Share) -> Scenario {
        let deliveries = (0..40).map(|n: u64| {
            let severity = if n.is_multiple_of(4) {
                "critical"
            } else {
                "medium"
            };
            (Duration::from_secs(1 + n), alert(n, severity, n))
        });
        Scenario {
            share,
            deliveries: deliveries.collect(),
            ..Scenario::small()
        }
    }

    /// Another tool spends half of every hour's quota, and there is more to do than the rest allows.
    pub fn shared() -> Scenario {
        let share = Share {
            per_minute: 60,
            per_hour: 600,
        };
        let setup = Setup {
            per_minute: 60,
            per_hour: 600,
            foreign_percent: 50,
            ..Scenario::small().setup
        };
        let deliveries = (0..400)
            .map(|n| (Duration::from_millis(n * 10), alert(n, "high", n)))
            .collect();
        Scenario {
            share,
            setup,
            deliveries,
            limited: false,
            ..Scenario::small()
        }
    }

    /// Nothing but 429 from the start on, for an hour; three alerts wait.
    pub fn refused_for_an_hour() -> Scenario {
        let hour = Duration::from_secs(3600);
        Scenario {
            refuses: Some((Duration::ZERO, hour)),
            ..Scenario::small()
        }
    }

    /// Another tool spends nine calls of the ten that an hour allows, and refused ones count as well.
    pub fn crowded() -> Scenario {
        let share = Share {
            per_minute: 10,
            per_hour: 10,
        };
        let setup = Setup {
            per_minute: 10,
            per_hour: 10,
            foreign_percent: 90,
            refused_count: true,
            ..Scenario::small().setup
        };
        Scenario {
            share,
            setup,
            ..Scenario::small()
        }
    }

    /// So much work that it waits for hours, perhaps some of it urgent, with a clock that is set now and then.
    pub fn busy(seed: u64, hours: u32, some_urgent: bool) -> Scenario {
        let mut dice = Dice::new(seed);
        let share = dice.pick(&[(100, 60), (10, 90), (3, 40), (2, 12), (1, 90)]);
        let share = Share {
            per_minute: share.0,
            per_hour: share.1,
        };
        let window = dice.pick(&[
            QuotaWindow::Sliding,
            QuotaWindow::Aligned,
            QuotaWindow::Bucket,
        ]);
        let Share {
            per_minute,
            per_hour,
        } = share;
        let setup = Setup {
            per_minute,
            per_hour,
            window,
            latency_ms: 200,
            seed,
            ..Scenario::small().setup
        };
        let deliveries = (0..u64::from((hours + 1) * per_hour)).map(|n| {
            let urgent = some_urgent && dice.roll(10) == 0;
            let at = if urgent {
                dice.roll(u64::from(hours) * 3_600_000)
            } else {
                dice.roll(30_000)
            };
            (
                Duration::from_millis(at),
                alert(n, if urgent { "critical" } else { "high" }, n),
            )
        });
        let deliveries = deliveries.collect();
        let jumps = (0..3)
            .map(|_| jump(&mut dice, u64::from(hours) * 3_600))
            .collect();
        Scenario {
            seed,
            share,
            setup,
            deliveries,
            jumps,
            limited: false,
            ..Scenario::small()
        }
    }

    /// More machines within a minute than an hour allows, 95 of them urgent.
    pub fn storm() -> Scenario {
        let mut dice = Dice::new(4);
        let deliveries = (0..400).map(|n| {
            let at = Duration::from_millis(dice.roll(60_000));
            (at, alert(n, if n < 95 { "critical" } else { "high" }, n))
        });
        let deliveries = deliveries.collect();
        let share = Share {
            per_minute: 100,
            per_hour: 300,
        };
        let setup = Setup {
            per_hour: 300,
            latency_ms: 200,
            ..Scenario::small().setup
        };
        Scenario {
            share,
            setup,
            deliveries,
            limited: false,
            ..Scenario::small()
        }
    }

    /// Anything the far side may be, within what is promised: a list that shows an action within the settle time.
    pub fn random(seed: u64) -> Scenario {
        Scenario::drawn(seed, 1)
    }

    /// The same for so many processes on one journal. Several have right clocks, and a secret that each of them knows.
    pub fn drawn(seed: u64, replicas: usize) -> Scenario {
        let mut dice = Dice::new(seed);
        let machines = 1 + dice.roll(5);
        let share = dice.pick(&[(100, 1500), (3, 40), (2, 12)]);
        let (quick_ms, full_ms) =
            dice.pick(&[(10_000, 60_000), (30_000, 240_000), (240_000, 2_700_000)]);
        let setup = Setup {
            per_minute: share.0,
            per_hour: share.1,
            window: dice.pick(&[
                QuotaWindow::Sliding,
                QuotaWindow::Aligned,
                QuotaWindow::Bucket,
            ]),
            list_lag_ms: dice.pick(&[0, 5_000, 20_000]),
            busy: dice.pick(&[
                Busy::Existing200,
                Busy::Existing201,
                Busy::Refused400,
                Busy::RefusedCodeOnly,
                Busy::RefusedMessageOnly,
                Busy::Alternate,
            ]),
            page_size: dice.pick(&[None, None, Some(2), Some(1)]),
            order: dice.pick(&[
                ListOrder::NewestFirst,
                ListOrder::OldestFirst,
                ListOrder::ById,
            ]),
            next_host: (dice.roll(4) == 0).then(|| "api-eu.elsewhere.example".to_owned()),
            odd_rows: odd_rows(&mut dice),
            machines: with_a_forbidden_one(&mut dice, fleet(machines)),
            eq_ignores_case: dice.roll(2) == 0,
            none_is_404: dice.roll(2) == 0,
            echo_external_id: dice.roll(5) > 0,
            accept_external_id: dice.roll(8) > 0,
            scope_null: dice.roll(4) == 0,
            outcomes: (0..dice.roll(3))
                .map(|n| {
                    (
                        machine(n),
                        dice.pick(&["Failed", "TimeOut", "Canceled"]).to_owned(),
                    )
                })
                .collect(),
            offline: (dice.roll(10) == 0)
                .then(|| machine(0))
                .into_iter()
                .collect(),
            quick_ms,
            full_ms,
            latency_ms: dice.pick(&[0, 50, 2_000]),
            foreign_percent: dice.pick(&[0, 0, 0, 30, 90]),
            seed,
            ..Setup::default()
        };
        let far_faults = (0..dice.roll(5)).map(|_| far_fault(&mut dice)).collect();
        let often = dice.pick(&[0, 0, 1, 1, 2, 8, 12]);
        let foreign = (0..often).map(|_| {
            (
                Duration::from_secs(dice.roll(300)),
                machine(dice.roll(machines)),
                dice.pick(&["Quick", "Full"]),
            )
        });
        let foreign = foreign.collect();
        let deliveries = (0..2 + dice.roll(14)).map(|n| {
            let at =
                Duration::from_millis(dice.roll(dice.clone().pick(&[1_000, 120_000, 4_000_000])));
            (at, body(&mut dice, n, machines))
        });
        let deliveries = deliveries.collect();
        let share = Share {
            per_minute: share.0,
            per_hour: share.1,
        };
        let rows = dice.pick(&[10_000, 10_000, 5, 2, 1]);
        let blind = (dice.roll(10) == 0).then(|| dice.pick(&[OnUnknown::Leave, OnUnknown::Repost]));
        let mut setup = setup;
        if blind.is_some() {
            let roles = vec!["Machine.Scan".to_owned()];
            setup.tenants = vec![Tenant {
                id: "corp.example".to_owned(),
                roles,
                ..Tenant::default()
            }];
        }
        let mut jumps: Vec<_> = (0..dice.roll(3)).map(|_| jump(&mut dice, 6_000)).collect();
        let refuses = (dice.roll(8) == 0).then(|| {
            let from = Duration::from_secs(dice.roll(300));
            (from, from + Duration::from_secs(dice.roll(1_800)))
        });
        let within = dice.pick(&["30s", "5m", "1h"]);
        let rules = RULES.replace(
            "[defaults]",
            &format!("[defaults]\nresolve_within = \"{within}\""),
        );
        let rules = if dice.roll(3) == 0 {
            rules.replacen("[[rule]]", &format!("{LAB}[[rule]]"), 1)
        } else {
            rules
        };
        let mut orders = operator::orders(seed, machines);
        let rules = if seed.is_multiple_of(3) {
            operator::agree(seed, &mut orders);
            rules + TWO
        } else {
            rules
        };
        let (limited, forbidden) = (true, forbidden());
        let mut proof = Proof::drawn(seed, !jumps.is_empty());
        if replicas > 1 {
            (jumps, proof) = (Vec::new(), Proof::Secret);
        }
        proof.register(&mut setup);
        let mut far_faults: Vec<Fault> = far_faults;
        for fault in far_faults.iter_mut().filter(|fault| fault.route == "token") {
            fault.route = proof.route().to_owned();
        }
        Scenario {
            seed,
            rules,
            forbidden,
            share,
            blind,
            setup,
            rows,
            far_faults,
            foreign,
            deliveries,
            jumps,
            refuses,
            limited,
            orders,
            proof,
            replicas,
        }
    }

    /// The same with several processes on one journal.
    pub fn with_replicas(self, replicas: usize) -> Scenario {
        Scenario { replicas, ..self }
    }

    /// Two dozen machines that somebody's Quick occupies, most of them offline, and two that the app may not scan; a dozen
    /// free ones; a Full is wanted of each. Half of the free ones are known by name only, and reads are slow.
    pub fn hardship(seed: u64) -> Scenario {
        let mut dice = Dice::new(seed ^ 0x4a);
        let (busy, free) = (24 + dice.roll(17), 12);
        let share = dice.pick(&[(100, 1500), (60, 600)]);
        let name = |n: u64| format!("ws-{n}.corp.example");
        let (forbidden, first) = (busy, busy + 2);
        let refused = |n| Machine {
            refuses_scan: Some("Forbidden".to_owned()),
            ..listed(&machine(n), &name(n), json!({}))
        };
        let listed = (first..first + free).map(|n| listed(&machine(n), &name(n), json!({})));
        let machines = listed.chain((forbidden..first).map(refused)).collect();
        let setup = Setup {
            per_minute: share.0,
            per_hour: share.1,
            busy: dice.pick(&[
                Busy::Existing201,
                Busy::Refused400,
                Busy::RefusedMessageOnly,
                Busy::Alternate,
            ]),
            scope_null: dice.roll(2) == 0,
            quick_ms: 1_800_000,
            full_ms: 60_000,
            offline: (0..busy).filter(|n| n % 4 > 0).map(machine).collect(),
            machines,
            latency_ms: 200,
            seed,
            ..Setup::default()
        };
        let slow = dice.pick(&[0, 2_000, 8_000]);
        let far_faults = ["list", "get", "machines"].map(|route| Fault {
            route: route.to_owned(),
            nth: 1,
            times: u32::MAX,
            how: How::Delay { ms: slow },
        });
        let named = |n: u64| {
            format!(
                r#"{{"alertId":"a-{n}","title":"t","severity":"high","device_name":"{}"}}"#,
                name(n)
            )
        };
        let deliveries = (0..first + free).map(|n| {
            let at = Duration::from_millis(if n < first {
                1_000 + n * 50
            } else {
                120_000 + n * 50
            });
            let severity = if n == forbidden { "critical" } else { "high" };
            (
                at,
                if n >= first && n.is_multiple_of(2) {
                    named(n)
                } else {
                    alert(n, severity, n)
                },
            )
        });
        Scenario {
            seed,
            share: Share {
                per_minute: share.0,
                per_hour: share.1,
            },
            setup,
            far_faults: far_faults.into(),
            foreign: (0..busy)
                .map(|n| (Duration::ZERO, machine(n), "Quick"))
                .collect(),
            deliveries: deliveries.collect(),
            limited: false,
            ..Scenario::small()
        }
    }

    /// Whether nothing keeps a machine of this scenario from being scanned.
    pub fn is_free(&self, machine: &str) -> bool {
        let forbidden = self
            .setup
            .machines
            .iter()
            .any(|listed| listed.id == machine && listed.refuses_scan.is_some());
        !forbidden && self.foreign.iter().all(|(_, busy, _)| busy != machine)
    }

    /// Two alerts that only name their machines, and half a minute in which the directory should answer.
    pub fn impatient() -> Scenario {
        let mut scenario = Scenario::named(2, 1);
        scenario.rules = scenario
            .rules
            .replace("[defaults]", "[defaults]\nresolve_within = \"30s\"");
        scenario
    }

    /// One machine with an alert while our clock is a month ahead, and another alert of it a day after it was set back.
    pub fn a_month_ahead() -> Scenario {
        let (month, at) = (30 * 86_400_000, Duration::from_secs);
        Scenario {
            jumps: vec![(at(10), month), (at(600), -month)],
            deliveries: vec![
                (at(60), alert(1, "high", 1)),
                (at(86_400), alert(2, "high", 1)),
            ],
            ..Scenario::small()
        }
    }

    /// Alerts whose scans may only leave in the first minutes of an hour, which come when that is almost over, to a far
    /// side that refuses everything until it is.
    pub fn windowed() -> Scenario {
        let later = |n: u64| {
            format!(
                r#"{{"alert_id":"a-{n}","title":"t","severity":"low","category":"Later","devices":[{{"mde_id":"{}"}}]}}"#,
                machine(n)
            )
        };
        Scenario {
            deliveries: (1..6)
                .map(|n| (Duration::from_secs(540 + n), later(n)))
                .collect(),
            refuses: Some((Duration::from_secs(300), Duration::from_secs(1_200))),
            ..Scenario::small()
        }
    }

    /// The same, to a far side that refuses everything for so many days.
    pub fn windowed_and_refused(days: u32) -> Scenario {
        Scenario {
            refuses: Some((Duration::from_secs(300), days * DAY)),
            ..Scenario::windowed()
        }
    }

    /// One machine that is offline from the start on; two days later, for an hour, others that are not.
    pub fn offline() -> Scenario {
        let two_days = 2 * DAY;
        let others =
            (1..30).map(|n| (two_days + Duration::from_secs(n * 120), alert(n, "high", n)));
        let setup = Setup {
            offline: [machine(0)].into(),
            ..Scenario::small().setup
        };
        let deliveries = [(Duration::from_secs(1), alert(0, "high", 0))]
            .into_iter()
            .chain(others)
            .collect();
        Scenario {
            setup,
            deliveries,
            ..Scenario::small()
        }
    }

    /// Three hundred machines at once, all of them paused for an hour.
    pub fn crowd(everything: bool) -> Scenario {
        let alert = |n: u64| {
            format!(
                r#"{{"alertId":"a-{n}","title":"t","severity":"high","deviceId":"{}"}}"#,
                machine(n)
            )
        };
        let what = if everything {
            operator::What::Everything
        } else {
            operator::What::Rule("high")
        };
        Scenario {
            setup: Setup {
                seed: 1,
                quick_ms: 20_000,
                full_ms: 60_000,
                ..Setup::default()
            },
            deliveries: (0..300)
                .map(|n| (Duration::from_millis(1000 + n), alert(n)))
                .collect(),
            orders: vec![
                (Duration::ZERO, Order::Pause(what, None)),
                (Duration::from_secs(3_600), Order::Resume),
            ],
            ..Scenario::small()
        }
    }

    /// The small one, with people who hold things back, let go, call off and try again.
    pub fn steered() -> Scenario {
        let at = Duration::from_secs;
        let held = r#"{"alertId":"a-4","title":"t","severity":"medium","deviceId":"DEVICE"}"#;
        let mut scenario = Scenario::small();
        scenario
            .deliveries
            .push((at(3), held.replace("DEVICE", &machine(3))));
        scenario.deliveries.push((
            at(4),
            r#"{"alertId":"a-5","title":"t","severity":"high","host":"x"}"#.to_owned(),
        ));
        scenario.deliveries.push((
            at(5),
            r#"{"alertId":"a-6","title":"t","severity":"high","host":"y"}"#.to_owned(),
        ));
        scenario.setup.outcomes = [(machine(3), "Failed".to_owned())].into();
        scenario.orders = vec![
            (at(0), Order::Pause(operator::What::Rule("medium"), None)),
            (at(6), Order::Approve(0)),
            (at(7), Order::Deny(0)),
            (at(8), Order::Resume),
            // Once those that had to wait for the resume are under way.
            (at(20), Order::Cancel(0)),
            (at(200), Order::Retry(0)),
            // An order that had to be given again may come after the one that takes it back.
            (at(400), Order::Resume),
        ];
        scenario
    }

    /// A scan that takes two people, who agree: one of them says yes twice.
    pub fn of_two() -> Scenario {
        let at = Duration::from_secs;
        let asks = format!(
            r#"{{"alert_id":"a-4","title":"t","severity":"low","category":"AskFirst","devices":[{{"mde_id":"{}"}}]}}"#,
            machine(3)
        );
        let orders = [(6, 0), (7, 2), (8, 1)];
        Scenario {
            rules: RULES.to_owned() + TWO,
            deliveries: vec![(at(3), asks)],
            orders: orders
                .map(|(second, n)| (at(second), Order::Approve(n)))
                .into(),
            ..Scenario::small()
        }
    }

    /// Machines that alerts call by their names only, all at once: `alerts` for each of `machines`.
    pub fn named(machines: u64, alerts: u64) -> Scenario {
        let name = |n: u64| format!("ws-{n}.corp.example");
        let alert = |n: u64, of: u64| {
            format!(
                r#"{{"alertId":"a-{n}-{of}","title":"t","severity":"high","device_name":"{}"}}"#,
                name(n)
            )
        };
        let fleet = (0..machines).map(|n| listed(&machine(n), &name(n), json!({})));
        let deliveries = (0..machines).flat_map(|n| (0..alerts).map(move |of| (n, of)));
        let deliveries =
            deliveries.map(|(n, of)| (Duration::from_millis(1000 + of * 10), alert(n, of)));
        Scenario {
            setup: Setup {
                seed: 1,
                latency_ms: 300,
                machines: fleet.collect(),
                ..Setup::default()
            },
            deliveries: deliveries.collect(),
            limited: false,
            ..Scenario::small()
        }
    }
}

fn listed(id: &str, name: &str, record: serde_json::Value) -> Machine {
    let record = record.as_object().unwrap().clone();
    Machine {
        id: id.to_owned(),
        dns_name: Some(name.to_owned()),
        record,
        ..Machine::default()
    }
}

/// In every eighth run the app may not scan one of the machines.
fn with_a_forbidden_one(dice: &mut Dice, mut machines: Vec<Machine>) -> Vec<Machine> {
    if dice.roll(8) == 0 {
        machines[0].refuses_scan = Some("Forbidden".to_owned());
    }
    machines
}

/// Two of one name, one merged into the first machine, one excluded, one not onboarded.
fn forbidden() -> Vec<String> {
    (0..5).map(|n| format!("{:040x}", 0xbad0 + n)).collect()
}

/// The machines that alerts are about, and those that must never be scanned.
fn fleet(machines: u64) -> Vec<Machine> {
    let [twin, other, old, excluded, new] = forbidden().try_into().unwrap();
    let tags = |n: u64| if n == 1 { json!(["lab"]) } else { json!([]) };
    let record =
        |n: u64| json!({ "lastIpAddress": format!("10.0.0.{}", 10 + n), "machineTags": tags(n) });
    let ours =
        (0..machines).map(|n| listed(&machine(n), &format!("ws-{n}.corp.example"), record(n)));
    let others = [
        listed(
            &twin,
            "twin.corp.example",
            json!({ "lastIpAddress": "10.0.0.9" }),
        ),
        listed(
            &other,
            "twin.corp.example",
            json!({ "lastIpAddress": "10.0.0.9" }),
        ),
        listed(
            &old,
            "old.corp.example",
            json!({ "mergedIntoMachineId": machine(0), "lastIpAddress": null }),
        ),
        listed(
            &excluded,
            "excluded.corp.example",
            json!({ "isExcluded": true }),
        ),
        listed(
            &new,
            "new.corp.example",
            json!({ "onboardingStatus": "CanBeOnboarded" }),
        ),
    ];
    ours.chain(others).collect()
}

fn jump(dice: &mut Dice, within: u64) -> (Duration, i64) {
    (
        Duration::from_secs(dice.roll(within)),
        dice.pick(&[-JUMP, JUMP]),
    )
}

fn far_fault(dice: &mut Dice) -> Fault {
    let status = |status, code: &str, retry_after: Option<&str>| How::Status {
        status,
        code: code.to_owned(),
        message: Some("on order".to_owned()),
        retry_after: retry_after.map(str::to_owned),
    };
    let gateway = || How::Raw {
        status: 404,
        content_type: Some("text/html".to_owned()),
        body: "<h1>Not Found</h1>".to_owned(),
    };
    if dice.roll(3) == 0 {
        let how = match dice.roll(8) {
            7 => gateway(),
            0 => status(403, "Forbidden", None),
            1 => status(404, "NotFound", None),
            2 => status(500, "InternalServerError", None),
            3 => status(400, "ODataError", None),
            4 => How::Delay { ms: 20_000 },
            5 => How::Delay { ms: 45_000 },
            _ => How::Silence { executed: true },
        };
        let route = dice
            .pick(&["machines", "machines", "machine", "findbyip"])
            .to_owned();
        let (nth, times) = (1 + dice.roll(4), dice.pick(&[1, 3, 1000]));
        return Fault {
            route,
            nth: u32::try_from(nth).unwrap(),
            times,
            how,
        };
    }
    if dice.roll(5) == 0 {
        // What reads, and what is read in it.
        let how = match dice.roll(6) {
            0 => How::Delay { ms: 8_000 },
            1 => How::Delay { ms: 40_000 },
            2 => gateway(),
            3 => status(403, "Forbidden", None),
            4 => status(429, "TooManyRequests", Some("5")),
            _ => status(500, "InternalServerError", None),
        };
        let (route, nth) = (
            dice.pick(&["list", "get"]).to_owned(),
            1 + u32::try_from(dice.roll(6)).unwrap(),
        );
        return Fault {
            route,
            nth,
            times: dice.pick(&[1, 4, 50]),
            how,
        };
    }
    let how = match dice.roll(14) {
        12 => gateway(),
        13 => {
            let route = dice.pick(&["scan", "list", "token"]).to_owned();
            let nth = 1 + u32::try_from(dice.roll(8)).unwrap();
            return Fault {
                route,
                nth,
                times: 1,
                how: How::Dated { ahead_s: 3 * 3600 },
            };
        }
        0 => status(429, "TooManyRequests", Some("37")),
        1 => status(429, "TooManyRequests", None),
        2 => status(500, "InternalServerError", None),
        3 => status(503, "ServiceUnavailable", None),
        4 => status(401, "Unauthorized", None),
        5 => How::LostRequest,
        6 => How::LostAnswer,
        7 => How::Silence { executed: true },
        8 => status(403, "Forbidden", None),
        9 => {
            return Fault {
                route: "scan".to_owned(),
                nth: 1,
                times: 1,
                how: status(404, "ResourceNotFound", None),
            };
        }
        10 => {
            return Fault {
                route: "list".to_owned(),
                nth: 2,
                times: 25,
                how: status(503, "ServiceUnavailable", None),
            };
        }
        _ => How::Raw {
            status: 200,
            content_type: Some("text/html".to_owned()),
            body: "<html>".to_owned(),
        },
    };
    let route = dice
        .pick(&["scan", "scan", "list", "token", "*"])
        .to_owned();
    Fault {
        route,
        nth: 1 + u32::try_from(dice.roll(8)).unwrap(),
        times: 1 + u32::try_from(dice.roll(3)).unwrap(),
        how,
    }
}

/// Rows that are no machine actions, none of which can be ours.
fn odd_rows(dice: &mut Dice) -> Vec<serde_json::Value> {
    let row = |n| match n {
        0 => json!({ "id": 7, "status": "Pending", "machineId": machine(40) }),
        1 => json!({ "id": "a b", "externalId": "ticket 17" }),
        _ => json!({ "status": null, "requestorComment": "manual", "machineId": machine(0) }),
    };
    let count = dice.pick(&[0, 0, 0, 1, 3]);
    (0..count).map(|_| row(dice.roll(3))).collect()
}

fn body(dice: &mut Dice, n: u64, machines: u64) -> String {
    let severity = dice.pick(&["low", "medium", "medium", "high", "high"]);
    let category = dice.pick(&["", "", "", "AskFirst", "Later"]);
    let n_of = dice.roll(machines);
    let device = match dice.roll(16) {
        0 => format!(r#"{{"name":"WS-{n_of}"}}"#),
        1 => format!(r#"{{"name":"ws-{n_of}.corp.example","ip":"10.0.0.9"}}"#),
        2 => format!(r#"{{"ip":"10.0.0.{}"}}"#, 10 + n_of),
        3 => {
            let name = dice.pick(&[
                "lt-042",
                "twin",
                "twin.corp.example",
                "old",
                "excluded",
                "new.corp.example",
                "a b",
            ]);
            format!(r#"{{"name":"{name}"}}"#)
        }
        4 => format!(
            r#"{{"ip":"{}"}}"#,
            dice.pick(&["10.0.0.9", "198.51.100.7", "10.0.9.9"])
        ),
        _ => format!(r#"{{"mde_id":"{}"}}"#, machine(dice.roll(machines))),
    };
    // Some ids come again: repeats, and the same finding for another machine.
    let id = if dice.roll(5) == 0 { 0 } else { n };
    format!(
        r#"{{"alert_id":"a-{id}","title":"t","severity":"{severity}","category":"{category}","devices":[{device}],{}}}"#,
        of_incident(n)
    )
}

enum Event {
    Deliver(usize),
    Foreign(String, &'static str),
    Mend,
    /// Our clock is set.
    Clock(i64),
    /// From now on the far side has nothing but 429, or that is over.
    Refuse(bool),
    Poll,
    /// Under which fence it leaves.
    Reach(u32, Option<i64>, Box<OutgoingCall>),
    Return(u32, CallId, Box<(Call, Answer)>),
    Load(u32),
    /// Somebody else has the lease: is it worth asking for?
    Look(u32),
    Operator(usize),
    /// The loop of messages polls.
    Mail,
    /// What came back for a message.
    Told(u32, i64, Box<Answer>),
    /// What came back for a token with which something is written back.
    Granted(u32, (String, Uuid), Box<Answer>),
}

/// A run.
pub struct World {
    /// The true time, which is the far side's.
    pub now: Timestamp,
    /// How far the database's clock is ahead of it.
    database_ahead: i64,
    /// The process to which something happens now, and the others.
    me: Replica,
    others: Vec<Replica>,
    /// When the lease was last held or taken, and the longest time from then on that one which is well needed to take it.
    pub held_at: Timestamp,
    pub longest_gap: Duration,
    pub watch: Watch,
    /// The quota is ours alone, and the far side keeps to it.
    pub alone: bool,
    /// How often it was learnt that others use the quota.
    pub lowered: u32,
    /// How long nothing could be sent, the process being down.
    pub idle: Duration,
    /// Calls that did not leave, because their lease might have been somebody else's.
    pub too_late: u32,
    pub far: Simulator,
    pub faults: Faults,
    pub share: Share,
    rows: usize,
    /// A lost call may be sent again unseen: then a scan may be executed twice.
    pub may_double: bool,
    pub forbidden: Vec<String>,
    /// The receipts that were acknowledged, with the delivery they are for.
    pub promised: Vec<(usize, Receipt)>,
    /// When the lane was polled.
    pub polls: Vec<Timestamp>,
    /// Look-ups that left.
    pub looks: Arc<AtomicUsize>,
    /// Decisions that were held for want of the directory's answer.
    pub held: usize,
    /// What became of the orders of people, as they were told.
    pub steered: Vec<ItemView>,
    pub traced: bool,
    /// What the database loses when it fails over.
    pub standby: Standby,
    /// The loop of messages, and what its receivers got.
    pub mail: Mail,
    pub store: Store,
    /// What happens, and to which process.
    agenda: BTreeMap<(Timestamp, u64), (usize, Event)>,
    sequence: u64,
    dice: Dice,
    deliveries: Vec<String>,
    orders: Vec<Order>,
    ordered: usize,
    paused: Vec<Paused>,
    policy: Arc<Policy>,
    policy_id: PolicyId,
    tenant: TenantId,
    desks: Arc<SourceBindings>,
    account: Arc<Account>,
    proof: Proof,
    disk: Disk,
}

impl World {
    pub fn new(scenario: &Scenario, faults: Faults) -> World {
        World::over(
            Store::memory(Ids::seeded(scenario.seed)).unwrap(),
            scenario,
            faults,
        )
    }

    /// The same with this journal, in which nothing is.
    pub fn over(mut store: Store, scenario: &Scenario, faults: Faults) -> World {
        let rules = scenario.rules.as_str();
        let rules = if scenario.limited {
            rules.to_owned()
        } else {
            rules.replace("[defaults]", "[defaults]\nlimit = false")
        };
        let policy = Arc::new(Policy::parse(rules).map_err(|_| "rules").unwrap().policy);
        let (tenant, policy_id) = prepare(&mut store, policy.clone());
        let account = Account {
            share: scenario.share,
            on_unknown: scenario.blind.unwrap_or(OnUnknown::Leave),
            // Several processes renew their lease all that time.
            follow_for: if scenario.replicas > 1 {
                DAY / 8
            } else {
                4 * DAY
            },
            credential: Ok(scenario.proof.credential()),
            ..crate::desk::account()
        };
        let mut far = Simulator::new(scenario.setup.clone());
        let disk = Disk::of(
            scenario.proof,
            &mut far,
            Timestamp::from_millis(START - JUMP),
        );
        let tenants = &mut far.setup().tenants;
        if tenants.is_empty() {
            tenants.push(Tenant {
                id: account.tenant_id.clone(),
                ..Tenant::default()
            });
        }
        for tenant in tenants {
            tenant.roles.push("Alert.ReadWrite.All".to_owned());
        }
        far.faults(scenario.far_faults.clone());
        let mut world = World {
            disk,
            now: Timestamp::from_millis(START),
            database_ahead: 0,
            me: Replica::new(0, scenario.replicas),
            others: (1..scenario.replicas)
                .map(|n| Replica::new(n, scenario.replicas))
                .collect(),
            held_at: Timestamp::from_millis(START),
            longest_gap: Duration::ZERO,
            watch: Watch::default(),
            lowered: 0,
            idle: Duration::ZERO,
            too_late: 0,
            alone: scenario.setup.foreign_percent == 0 && scenario.refuses.is_none(),
            far,
            faults,
            share: scenario.share,
            rows: scenario.rows,
            may_double: scenario.blind == Some(OnUnknown::Repost),
            forbidden: scenario.forbidden.clone(),
            promised: Vec::new(),
            polls: Vec::new(),
            looks: Arc::default(),
            held: 0,
            steered: Vec::new(),
            traced: false,
            standby: Standby::default(),
            // Where a person signs in, nothing is written back.
            mail: Mail::new(scenario.seed, !matches!(scenario.proof, Proof::Person)),
            store,
            agenda: BTreeMap::new(),
            sequence: 0,
            dice: Dice::new(scenario.seed ^ 0x3c),
            deliveries: scenario
                .deliveries
                .iter()
                .map(|(_, body)| body.clone())
                .collect(),
            orders: scenario
                .orders
                .iter()
                .map(|(_, order)| order.clone())
                .collect(),
            ordered: 0,
            paused: Vec::new(),
            policy,
            policy_id,
            tenant,
            desks: Arc::new([("siem".to_owned(), desk(tenant, scenario.limited))].into()),
            account: Arc::new(account),
            proof: scenario.proof,
        };
        for replica in 0..scenario.replicas {
            world.after_of(replica, Duration::ZERO, Event::Load(0));
        }
        for (n, (at, _)) in scenario.deliveries.iter().enumerate() {
            world.after_of(n % scenario.replicas, *at, Event::Deliver(n));
        }
        for (n, (at, _)) in scenario.orders.iter().enumerate() {
            world.after_of(n % scenario.replicas, *at, Event::Operator(n));
        }
        for (at, machine, kind) in &scenario.foreign {
            world.after(*at, Event::Foreign(machine.clone(), kind));
        }
        for (at, by) in &scenario.jumps {
            world.after(*at, Event::Clock(*by));
        }
        for (at, begins) in scenario
            .refuses
            .into_iter()
            .flat_map(|(from, to)| [(from, true), (to, false)])
        {
            world.after(at, Event::Refuse(begins));
        }
        world
    }

    /// Until everything has ended, or for forty days.
    pub fn run(&mut self) {
        while let Some(((at, _), (replica, event))) = self.agenda.pop_first() {
            assert!(
                at.since(Timestamp::from_millis(START)) < 40 * DAY,
                "something never ends"
            );
            self.now = at;
            self.turn_to(replica);
            if let Some(event) = self.unless_asleep(event) {
                self.step(event);
            }
            let told = self.promised.len() + self.standby.deliveries.len();
            let done = told == self.deliveries.len() && self.ordered == self.orders.len();
            if done && self.settled() {
                return;
            }
        }
        panic!("the agenda ran dry before everything had ended");
    }

    /// For so long every call of this route goes wrong in this way.
    pub fn outage(&mut self, route: &str, how: How, lasts: Duration) {
        self.far.faults(vec![Fault {
            route: route.to_owned(),
            nth: 1,
            times: u32::MAX,
            how,
        }]);
        self.after(lasts, Event::Mend);
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
        self.me.is_well();
        self.accept(n).expect("nothing goes wrong")
    }

    fn after(&mut self, wait: Duration, event: Event) {
        self.after_of(self.me.number, wait, event);
    }

    /// The same for another process.
    fn after_of(&mut self, replica: usize, wait: Duration, event: Event) {
        self.sequence += 1;
        self.agenda
            .insert((self.now.plus(wait), self.sequence), (replica, event));
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
                self.far.start_foreign(
                    self.now.to_jiff(),
                    &machine,
                    kind,
                    "manual check [sh-000000000000]",
                );
            }
            Event::Mend => self.far.faults(Vec::new()),
            Event::Clock(by) => {
                self.trace(|| format!("our clock is set by {by} ms"));
                self.me.ahead += by;
            }
            Event::Refuse(begins) => {
                self.trace(|| format!("the far side refuses everything: {begins}"));
                self.far.setup().per_minute = if begins { 0 } else { self.share.per_minute };
            }
            Event::Operator(n) => self.operate(n),
            Event::Mail => self.poll_mail(),
            Event::Told(life, id, answer) if life == self.me.life => {
                self.mail_answered(id, *answer)
            }
            Event::Granted(life, asked, answer) if life == self.me.life => {
                self.granted(asked, *answer)
            }
            Event::Load(life) if life == self.me.life => self.load(),
            Event::Look(life) if life == self.me.life => self.look(),
            // An earlier wake-up has made this one superfluous, as it does in `lane/run`.
            Event::Poll if self.now < self.me.next_poll => {}
            Event::Poll => {
                self.me.next_poll = Timestamp::NEVER;
                self.poll();
            }
            Event::Reach(life, fence, outgoing) if life == self.me.life => {
                self.reach(fence, *outgoing)
            }
            Event::Return(life, id, returned) if life == self.me.life => {
                self.answer(id, returned.0, returned.1)
            }
            Event::Reach(..)
            | Event::Return(..)
            | Event::Load(_)
            | Event::Look(_)
            | Event::Told(..)
            | Event::Granted(..) => {}
        }
    }

    fn deliver(&mut self, n: usize) {
        let receipt = match self.me.down || self.is_asleep() {
            true => None,
            false => self.accept(n),
        };
        self.trace(|| {
            format!(
                "delivery {n}: {}",
                if receipt.is_some() {
                    "acknowledged"
                } else {
                    "not acknowledged"
                }
            )
        });
        match receipt {
            Some(receipt) => {
                self.promised.push((n, receipt));
                self.standby.said(Said::Delivery(n));
            }
            // No 2xx: the sender tries again, elsewhere if it can.
            None => self.after_of(self.another(), Duration::from_secs(20), Event::Deliver(n)),
        }
    }

    /// What our computer knows of the time.
    fn clock(&self) -> Now {
        let (booted, boot) = self.me.booted;
        Now {
            wall: self.now.moved(self.me.ahead),
            up: self.now.since(booted),
            boot,
        }
    }

    fn accept(&mut self, n: usize) -> Option<Receipt> {
        let now = self.clock().wall;
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", String::from_utf8_lossy(SECRET));
        headers.insert(http::header::AUTHORIZATION, bearer.parse().unwrap());
        let body = Bytes::from(self.deliveries[n].clone());
        let desk = &self.desks["siem"];
        let delivery =
            authenticate(&desk.source.auth, &desk.source.name, &headers, body, now).unwrap();
        let acceptance = accept(desk, &self.policy, self.policy_id, delivery).unwrap();
        self.commit(move |tx| tx.accept(&acceptance, now))
    }

    fn load(&mut self) {
        if core::mem::take(&mut self.me.down) {
            self.me.begun = self.now;
        }
        self.wake_mail(Duration::ZERO);
        let (tenant, account, desks, now) = (
            self.tenant,
            self.account.clone(),
            self.desks.clone(),
            self.clock(),
        );
        let pace = Pace {
            rows: self.rows,
            ..Pace::default()
        };
        let Some(seat) = self.seat() else {
            if !self.me.down {
                self.after(Duration::from_secs(1), Event::Load(self.me.life));
            }
            return;
        };
        let who = (tenant, seat);
        match self.commit(move |tx| TenantWorker::load(tx, who, account, desks, pace, now)) {
            Some(None) => self.look_later(),
            Some(lane) => {
                self.takes_over();
                self.me.lane = lane;
                self.wake(Duration::ZERO);
            }
            None if !self.me.down => self.after(Duration::from_secs(1), Event::Load(self.me.life)),
            None => {}
        }
    }

    fn poll(&mut self) {
        let Some(mut lane) = self.me.lane.take() else {
            return;
        };
        let (policy, policy_id, now) = (self.policy.clone(), self.policy_id, self.clock());
        self.polls.push(self.now);
        // Counted where they enter the ledger: of a process that dies then, nobody can say whether they left.
        let looks = self.looks.clone();
        let polled = self.commit(move |tx| {
            let todo = lane.poll(tx, &policy, policy_id, now)?;
            let asked = todo
                .calls
                .iter()
                .filter(|call| matches!(call.call, Call::Look(_)))
                .count();
            looks.fetch_add(asked, Ordering::Relaxed);
            Ok((lane, todo))
        });
        let Some((lane, todo)) = polled else {
            return self.lose_lane();
        };
        self.held();
        let fence = lane.lease().map(scanhook::journal::Lease::fence);
        self.lends(&lane);
        self.me.lane = Some(lane);
        self.trace(|| format!("poll: {} calls {:?}", todo.calls.len(), todo.happened));
        for step in &todo.files {
            self.disk.carry_out(step);
        }
        self.nothing_paused_leaves(&todo.calls);
        self.nothing_leaves_outside_its_window(&todo.calls);
        self.nobody_is_held_unasked(&todo.happened);
        for outgoing in todo.calls {
            self.watch.leaves(&outgoing, self.now);
            let wait = Duration::from_millis(self.dice.roll(40));
            self.after(wait, Event::Reach(self.me.life, fence, Box::new(outgoing)));
        }
        if todo.wake_at < Timestamp::NEVER {
            self.wake(todo.wake_at.since(now.wall));
        }
    }

    /// No decision is held for the directory's silence where nothing was asked of it.
    fn nobody_is_held_unasked(&mut self, happened: &[WorkerEvent]) {
        let held = |what: &&WorkerEvent| {
            let WorkerEvent::Decided { state, reason, .. } = what else {
                return false;
            };
            *state == DecisionState::Held
                && matches!(reason, Reason::UnresolvedDevice | Reason::Undecided)
        };
        let count = happened.iter().filter(held).count();
        self.held += count;
        if count == 0 {
            return;
        }
        let told = self
            .store
            .read(|reader| reader.decisions(&Filter::default()).unwrap())
            .items;
        let late = told
            .iter()
            .any(|item| item.why.contains("did not answer in time"));
        assert!(
            !late || self.looks.load(Ordering::Relaxed) > 0,
            "it did not answer, and was not asked: {happened:?}"
        );
    }

    /// Scans that only the rule `later` wants leave in the first minutes of an hour, by our own clock.
    fn nothing_leaves_outside_its_window(&self, calls: &[OutgoingCall]) {
        let minute = self.clock().wall.millis().div_euclid(60_000).rem_euclid(60);
        for outgoing in calls
            .iter()
            .filter(|outgoing| matches!(outgoing.call, Call::Scan(_)))
        {
            let asked = self.asked_for_by(outgoing);
            let windowed = !asked.is_empty() && asked.iter().all(|rule| rule == "later");
            assert!(
                !windowed || minute < EARLY,
                "a scan leaves at minute {minute} of the hour"
            );
        }
    }

    /// The request with what its file adds.
    fn completed(
        &self,
        request: http::Request<Bytes>,
        file: Option<FileInsert>,
    ) -> Result<CompletedCall, FileTrouble> {
        let Some(insert) = file else {
            return Ok(CompletedCall {
                request,
                renewal: None,
            });
        };
        let since = self.now.since(Timestamp::from_millis(START)).as_secs();
        let content = match self.proof {
            Proof::Person => self.disk.read(&insert.path),
            proof => proof.file(&insert.path, since, self.now),
        };
        insert.complete(request, content)
    }

    fn reach(&mut self, fence: Option<i64>, outgoing: OutgoingCall) {
        if let Some(nap) = self.nap() {
            // Between the COMMIT and the first byte.
            self.falls_asleep(nap);
            let again = Event::Reach(self.me.life, fence, Box::new(outgoing));
            return self.after(Duration::ZERO, again);
        }
        let OutgoingCall {
            id,
            mut call,
            request,
            file,
        } = outgoing;
        let (request, renewal) = match self.completed(request, file) {
            Ok(completed) => (completed.request, completed.renewal),
            Err(trouble) => {
                self.trace(|| trouble.code().to_owned());
                let answer = Answer::NotSent(trouble.code().into());
                let returned = Event::Return(self.me.life, id, Box::new((call, answer)));
                return self.after(Duration::from_millis(1), returned);
            }
        };
        let now = self.clock().up;
        let trust = request.extensions().get::<Trust>();
        if trust.is_some_and(|trust| !trust.holds(now)) {
            self.trace(|| "too late to leave".to_owned());
            self.too_late += 1;
            let answer = Answer::NotSent(LATE.into());
            let returned = Event::Return(self.me.life, id, Box::new((call, answer)));
            return self.after(Duration::from_millis(1), returned);
        }
        self.leaves_under(fence);
        let fault = self.faults.at_call();
        let (wait, answer) = if fault == Some(AtCall::NeverLeaves) {
            (Duration::from_millis(5), Answer::NotSent("refused".into()))
        } else {
            let played = self.far.handle(self.now.to_jiff(), &request);
            let lost = |why: &str| Answer::Unknown(why.to_owned());
            match (fault, played.what) {
                (Some(AtCall::AnswerLost), _) | (None, WireAnswer::Reset) => {
                    (played.after, lost("reset"))
                }
                (None, WireAnswer::Response(response)) if played.after < DEADLINE => {
                    (played.after, Answer::Http(response))
                }
                _ => (DEADLINE, lost("timeout")),
            }
        };
        self.trace(|| {
            format!(
                "{} {} -> {}",
                request.method(),
                request.uri().path(),
                word(&answer)
            )
        });
        let Some(renewal) = renewal else {
            return self.after(
                wait,
                Event::Return(self.me.life, id, Box::new((call, answer))),
            );
        };
        call.leaves_with(&renewal);
        if let Some(answer) = self.keep(&renewal, answer) {
            self.after(
                wait,
                Event::Return(self.me.life, id, Box::new((call, answer))),
            );
        }
    }

    /// As `worker/keep` does it, step by step; nothing where the process dies between two of them.
    fn keep(&mut self, renewal: &Renewal, answer: Answer) -> Option<Answer> {
        let held = self.disk.read(renewal.file());
        let steps = match renewal.steps(&answer, held) {
            Ok(steps) => steps,
            Err(trouble) => return Some(Answer::Unknown(trouble.code().to_owned())),
        };
        let dies = !steps.is_empty() && self.dice.roll(3) == 0;
        let done = match dies {
            true => usize::try_from(self.dice.roll(steps.len() as u64 + 1)).unwrap(),
            false => steps.len(),
        };
        steps[..done]
            .iter()
            .for_each(|step| self.disk.carry_out(step));
        if dies {
            self.trace(|| format!("{done} of {} steps of a renewal are done", steps.len()));
            self.crash();
            return None;
        }
        Some(answer)
    }

    fn answer(&mut self, id: CallId, call: Call, answer: Answer) {
        let Some(mut lane) = self.me.lane.take() else {
            return;
        };
        let now = self.clock();
        let seen = Seen::of(&answer);
        let answered = self.commit(move |tx| {
            let happened = lane.answer(tx, id, call, answer, now)?;
            Ok((lane, happened))
        });
        let Some((lane, happened)) = answered else {
            self.watch.perhaps_answered(&seen);
            return self.lose_lane();
        };
        self.held();
        self.watch.answered(id, &seen, self.now);
        self.trace(|| format!("answer: {happened:?}"));
        if happened
            .iter()
            .any(|what| matches!(what, WorkerEvent::Lowered { .. }))
        {
            self.lowered += 1;
            let quota = lane.view(now.wall).1;
            assert!(
                quota.values().any(|api| api.used_by_others_per_hour > 0),
                "it is shown"
            );
        }
        self.lends(&lane);
        self.me.lane = Some(lane);
        self.wake(Duration::ZERO);
    }

    /// As `lane/run` shows it to whoever writes back.
    fn lends(&mut self, lane: &TenantWorker) {
        let loan = lane.loan(self.clock().wall);
        let loans = &mut self.mail.loans;
        if loans.get("default").is_none_or(|held| !held.is_same(&loan)) {
            loans.insert("default".to_owned(), loan);
            self.wake_mail(Duration::ZERO);
        }
    }

    /// As `lane/run` does it: calls are dropped, and the lane is loaded again.
    fn lose_lane(&mut self) {
        if !self.me.down {
            self.watch.forgets();
            // What is under way to receivers belongs to this life as well.
            self.lose_mail();
            self.me.life += 1;
            self.idle += Duration::from_secs(1);
            self.after(Duration::from_secs(1), Event::Load(self.me.life));
        }
    }

    fn crash(&mut self) {
        let restarts = self.dice.roll(4) == 0;
        self.trace(|| {
            format!(
                "the process dies{}",
                if restarts { " with its computer" } else { "" }
            )
        });
        self.watch.forgets();
        if restarts {
            self.me.booted = (self.now, self.me.booted.1 + 1);
        }
        self.me.lane = None;
        self.lose_mail();
        self.me.life += 1;
        self.me.down = true;
        self.me.reborn();
        let wait = Duration::from_secs(1 + self.dice.roll(40));
        self.idle += wait;
        self.after(wait, Event::Load(self.me.life));
    }

    fn wake(&mut self, wait: Duration) {
        let at = self.now.plus(wait);
        if at < self.me.next_poll {
            self.me.next_poll = at;
            self.after(wait, Event::Poll);
        }
    }

    /// One job, one transaction, and what is planned to go wrong with it.
    fn commit<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
    ) -> Option<T> {
        let fault = self.faults.at_commit();
        let dies = matches!(fault, Some(AtCommit::CrashBefore | AtCommit::CrashAfter));
        let fault = fault.filter(|_| !dies || self.may_die());
        let sleeps = self.disturbance();
        if self.is_cut_before() {
            return None;
        }
        if fault == Some(AtCommit::CrashBefore) {
            self.crash();
            return None;
        }
        self.before_commit();
        let full = fault == Some(AtCommit::DiskFull);
        let leased = (fault == Some(AtCommit::CrashAfter)).then(|| self.leased_until());
        self.store
            .refuse_commits(fault == Some(AtCommit::Fails))
            .unwrap();
        if full {
            self.store.fill_disk(true).unwrap();
        }
        let slot = Arc::new(Mutex::new(None));
        let reply = slot.clone();
        let job = Job::new(0, work, move |result| *reply.lock().unwrap() = Some(result));
        let time = TurnTime {
            database: self.now.moved(self.database_ahead),
            wall: self.clock().wall,
            begun: self.clock().up,
        };
        let touched = self.store.commit_at(vec![job], time);
        self.store.refuse_commits(false).unwrap();
        if let Some(span) = sleeps {
            self.falls_asleep(span);
        }
        if full {
            self.store.fill_disk(false).unwrap();
        }
        if let Some(leased) = leased {
            if self.leased_until() != leased {
                // The lease runs from here on, though whoever has it is no more.
                self.held();
            }
            self.crash();
            return None;
        }
        if touched.0.contains(&self.tenant) {
            self.wake(Duration::ZERO);
            self.notify_others();
        }
        if self.is_cut() {
            // It took effect, and nobody here knows.
            return None;
        }
        if touched.0.contains(&MESSAGES) {
            self.wake_mail(Duration::from_millis(100));
        }
        let result = slot.lock().unwrap().take().expect("a job that panicked");
        match result {
            Ok(value) => Some(value),
            Err(JournalError::Deposed) if !self.others.is_empty() => None,
            Err(error) if self.standby.has_lost() => {
                self.trace(|| format!("what is in memory does not fit: {error}"));
                None
            }
            Err(error) => {
                assert!(
                    matches!(fault, Some(AtCommit::Fails | AtCommit::DiskFull)),
                    "the journal refused: {error}"
                );
                None
            }
        }
    }

    /// How long the scans from this priority on waited until they were sent.
    pub fn waits(&self, priority: u8) -> Vec<Duration> {
        let scans = self
            .scans()
            .into_iter()
            .filter(|scan| scan.priority >= priority);
        let waited = scans.map(|scan| {
            let at = |text: &str| Timestamp::parse(text).unwrap();
            at(scan.sent_at.as_deref().unwrap()).since(at(&scan.created_at))
        });
        waited.collect()
    }

    /// Every scan, from the journal.
    pub fn decisions(&self) -> Vec<scanhook::api::DecisionView> {
        let mut all = Vec::new();
        let mut filter = Filter::default();
        loop {
            let page = self.store.read(|reader| reader.decisions(&filter).unwrap());
            all.extend(page.items);
            let Some(next) = page.next else { return all };
            filter.after = next.parse().ok();
        }
    }

    /// The messages of the outbox.
    pub fn messages(&self) -> Vec<scanhook::api::MessageView> {
        let mut all = Vec::new();
        let mut filter = OutboxFilter::default();
        loop {
            let page = self.store.read(|reader| reader.outbox(&filter).unwrap());
            all.extend(page.items);
            let Some(next) = page.next else { return all };
            filter.after = next.parse().ok();
        }
    }

    /// The incidents that alerts name, by the id of the alert.
    pub fn incidents(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut of: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for body in &self.deliveries {
            let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
            let id = body.get("alertId").or(body.get("alert_id"));
            if let (Some(id), Some(incident)) =
                (id.and_then(|id| id.as_str()), body["incident"].as_str())
            {
                let known = of.entry(id.to_owned()).or_default();
                known.insert(incident.to_ascii_lowercase());
            }
        }
        of
    }

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
        Answer::NotSent(unsent) => unsent.code.to_owned(),
        Answer::Unknown(code) => code.clone(),
    }
}

fn prepare(store: &mut Store, policy: Arc<Policy>) -> (TenantId, PolicyId) {
    let slot = Arc::new(Mutex::new(None));
    let reply = slot.clone();
    let work = move |tx: &mut Tx<'_>| {
        let now = Timestamp::from_millis(START);
        tx.register_receivers(&mail::NAMES.map(str::to_owned), now)?;
        Ok((
            tx.tenant("default")?,
            tx.policy(policy.fingerprint(), policy.text(), now)?,
        ))
    };
    store.commit(vec![Job::new(0, work, move |result| {
        *reply.lock().unwrap() = Some(result)
    })]);
    slot.lock().unwrap().take().unwrap().unwrap()
}

/// The preset, with the incident that an alert belongs to.
fn mapping() -> Mapping {
    let own: Map = toml::from_str("references = { incident_arm = \"/incident\" }").unwrap();
    let map = own.over(scanhook::presets::map("generic").unwrap());
    Mapping::compile(map).map_err(|_| "map").unwrap()
}

fn desk(tenant: TenantId, limited: bool) -> SourceBinding {
    let keys = vec![Key::new("sender", SECRET).map_err(|_| "key").unwrap()];
    let source = Source {
        name: "siem".to_owned(),
        preset: "generic".to_owned(),
        mapping: mapping(),
        caps: DeliveryLimits::default(),
        auth: Authentication {
            alternatives: vec![vec![Check::Bearer { keys }]],
        },
        tenants: vec!["default".to_owned()],
        remember: 400 * DAY,
        expect_every: None,
        content_types: vec!["application/json".to_owned()],
        gzip: false,
        methods: vec!["POST".to_owned()],
        max_body: 1 << 20,
        write_back: None,
    };
    let limit = limited.then_some(Limit {
        scans: 300,
        per: Duration::from_secs(3600),
    });
    SourceBinding::of_one(
        source,
        tenant,
        Terms {
            ceiling: Ceiling::AtMost(Mode::Enforce),
            limit,
        },
    )
}
