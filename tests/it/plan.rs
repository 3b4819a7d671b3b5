//! Whether a wanted scan begins, joins, is answered or waits for a person, held against a model that was written from
//! the rules of the language alone: a list of scans and a loop over all of them, no index and no shortcut.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use proptest::prelude::*;
use scanhook::journal::{
    Acceptance, AcceptedAlert, Decided, Ids, Job, JournalError, PackedBody, PolicyId, RequeueWait,
    Store, TenantId, Tx,
};
use scanhook_core::alert::{Alert, Device, MachineId};
use scanhook_core::mapping::Item;
use scanhook_core::scan::{Kind, Mode, Outcome, Priority, Reason};
use scanhook_core::signature::{Authentication, Check, Key, authenticate};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Cooldown, Limit, Openings, Verdict, Wanted};

const SECRET: &[u8] = b"a secret of the simulated sender";
const START: Timestamp = Timestamp::from_millis(1_793_606_400_000);
const MINUTE: Duration = Duration::from_secs(60);

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// An alert about one machine wants a scan.
    Want {
        machine: u8,
        rule: u8,
        wanted: Wanted,
    },
    /// The scan whose turn it is leaves, and is ours or meets somebody else's that covers it.
    Send { ours: bool },
    /// An open scan ends.
    End { which: u8, outcome: Outcome },
    /// Dry scans have their turn.
    EndDry,
    /// Minutes pass.
    Wait(u16),
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let kind = prop_oneof![Just(Kind::Quick), Just(Kind::Full)];
    let mode =
        prop_oneof![4 => Just(Mode::Enforce), 1 => Just(Mode::Approve), 1 => Just(Mode::DryRun)];
    let limit = prop_oneof![
        Just(None),
        (1_u32..5, 10_u64..90).prop_map(|(scans, per)| Some((scans, per)))
    ];
    let start = prop_oneof![3 => Just(None), 1 => (0_u64..120).prop_map(Some)];
    (
        kind,
        0_u8..=100,
        mode,
        (0_u64..90, 0_u64..90),
        limit.clone(),
        limit,
        start,
    )
        .prop_map(
            |(kind, priority, mode, cooldown, limit, tenant_limit, start)| {
                let of = |limit: Option<(u32, u64)>| {
                    limit.map(|(scans, per)| Limit {
                        scans,
                        per: minutes(per),
                    })
                };
                Wanted {
                    kind,
                    priority: Priority::new(priority).unwrap(),
                    mode,
                    cooldown: Cooldown {
                        quick: minutes(cooldown.0),
                        full: minutes(cooldown.1),
                    },
                    limit: of(limit),
                    tenant_limit: of(tenant_limit),
                    max_age: minutes(600),
                    hold_for: minutes(600),
                    // Relative to the step; made absolute when it happens.
                    start: start.map(|start| Timestamp::default().plus(minutes(start))),
                    openings: Openings::always(),
                }
            },
        )
}

fn minutes(n: u64) -> Duration {
    MINUTE * u32::try_from(n).unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![3 => Just(Outcome::Succeeded), 1 => Just(Outcome::Failed), 1 => Just(Outcome::Lost)];
    prop_oneof![
        6 => (0_u8..3, 0_u8..2, wanted()).prop_map(|(machine, rule, wanted)| Step::Want { machine, rule, wanted }),
        3 => (prop::bool::weighted(0.8)).prop_map(|ours| Step::Send { ours }),
        3 => (0_u8..3, outcome).prop_map(|(which, outcome)| Step::End { which, outcome }),
        1 => Just(Step::EndDry),
        3 => (1_u16..60).prop_map(Step::Wait),
    ]
}

/// A scan as the model knows it.
#[derive(Debug)]
struct Modelled {
    uuid: String,
    machine: u8,
    rule: u8,
    kind: Kind,
    priority: Priority,
    dry: bool,
    begun: Timestamp,
    start: Option<Timestamp>,
    stage: Stage,
}

#[derive(Debug, PartialEq)]
enum Stage {
    Waiting,
    Open { ours: bool },
    Over(Outcome, Timestamp),
}

/// What becomes of a wanted scan; the place of the scan that answers it.
#[derive(Debug, PartialEq)]
enum Expected {
    New,
    By(usize, Reason),
    Held(Reason),
}

#[derive(Default)]
struct Model {
    scans: Vec<Modelled>,
}

impl Model {
    fn expect(&self, machine: u8, rule: u8, wanted: &Wanted, now: Timestamp) -> Expected {
        let dry = wanted.mode == Mode::DryRun;
        let here = || {
            self.scans
                .iter()
                .enumerate()
                .filter(move |(_, scan)| scan.machine == machine)
        };
        let approve = wanted.mode == Mode::Approve;
        for (n, scan) in here() {
            if scan.stage == Stage::Waiting
                && scan.dry == dry
                && (!approve || scan.kind >= wanted.kind)
            {
                return Expected::By(n, Reason::Merged);
            }
        }
        for (n, scan) in here() {
            match scan.stage {
                Stage::Open { ours } if scan.kind >= wanted.kind => {
                    return Expected::By(
                        n,
                        if ours {
                            Reason::Running
                        } else {
                            Reason::Foreign
                        },
                    );
                }
                _ => {}
            }
        }
        let cools = |scan: &Modelled| match scan.stage {
            Stage::Over(Outcome::Succeeded, at) => Some(at),
            Stage::Over(Outcome::DryRun, at) if dry => Some(at),
            _ => None,
        };
        let recent = here()
            .filter(|(_, scan)| scan.kind >= wanted.kind)
            .filter_map(|(n, scan)| Some((cools(scan)?, n)));
        let cooldown = if wanted.kind == Kind::Full {
            wanted.cooldown.full
        } else {
            wanted.cooldown.quick
        };
        if let Some((_, n)) = recent.filter(|(at, _)| now.since(*at) < cooldown).max() {
            return Expected::By(n, Reason::Cooldown);
        }
        if approve {
            return Expected::Held(Reason::Approval);
        }
        let begun = |limit: Limit, of: Option<u8>| {
            let counts = |scan: &&Modelled| {
                scan.dry == dry
                    && of.is_none_or(|rule| scan.rule == rule)
                    && now.since(scan.begun) < limit.per
            };
            self.scans.iter().filter(counts).count() >= usize::try_from(limit.scans).unwrap()
        };
        if wanted.limit.is_some_and(|limit| begun(limit, Some(rule)))
            || wanted.tenant_limit.is_some_and(|limit| begun(limit, None))
        {
            return Expected::Held(Reason::Limit);
        }
        Expected::New
    }

    /// The scan whose turn it is: no other of its machine is open, its window is open; then priority, then age.
    fn next(&self, now: Timestamp) -> Option<usize> {
        let free = |scan: &Modelled| {
            let blocked = |other: &Modelled| {
                other.machine == scan.machine && matches!(other.stage, Stage::Open { .. })
            };
            scan.stage == Stage::Waiting
                && !scan.dry
                && scan.start.is_none_or(|start| start <= now)
                && !self.scans.iter().any(blocked)
        };
        let free = self.scans.iter().enumerate().filter(|(_, scan)| free(scan));
        free.min_by_key(|(n, scan)| (core::cmp::Reverse(scan.priority), *n))
            .map(|(n, _)| n)
    }
}

/// The journal under test, with the tenant and the policy its rows need.
struct Real {
    store: Store,
    tenant: TenantId,
    policy: PolicyId,
    deliveries: u32,
}

impl Real {
    fn new() -> Real {
        let mut store = Store::memory(Ids::seeded(1)).unwrap();
        let (tenant, policy) = write(&mut store, |tx| {
            Ok((tx.tenant("default")?, tx.policy("hash", "rules", START)?))
        });
        Real {
            store,
            tenant,
            policy,
            deliveries: 0,
        }
    }

    /// Admits one decision as intake does; its state, reason and scan.
    fn want(
        &mut self,
        machine: u8,
        rule: u8,
        wanted: Wanted,
        now: Timestamp,
    ) -> (String, String, Option<String>) {
        self.deliveries += 1;
        let body = Bytes::from(self.deliveries.to_string());
        let mut headers = HeaderMap::new();
        let bearer = format!("Bearer {}", String::from_utf8_lossy(SECRET));
        headers.insert(http::header::AUTHORIZATION, bearer.parse().unwrap());
        let keys = vec![Key::new("sender", SECRET).map_err(|_| "key").unwrap()];
        let auth = Authentication {
            alternatives: vec![vec![Check::Bearer { keys }]],
        };
        let delivery = authenticate(&auth, "siem", &headers, body, now)
            .map_err(|_| "refused")
            .unwrap();
        let id = self.deliveries.to_string();
        let device = Device {
            machine: MachineId::parse(&format!("{machine:040x}")),
            ..Device::default()
        };
        let alert = Alert {
            dedupe: id.clone(),
            id,
            devices: vec![device],
            ..Alert::default()
        };
        let rule = Some(format!("rule {rule}"));
        let verdict = Verdict {
            rule,
            asks: Asks::Scan(wanted),
            seen: Vec::new(),
            protections: Vec::new(),
        };
        let alerts = vec![AcceptedAlert {
            item: Item::Alert(alert),
            decided: Some(Decided {
                tenant: self.tenant,
                verdicts: vec![verdict],
            }),
        }];
        let (policy, remember) = (self.policy, minutes(1));
        let acceptance = Acceptance {
            body: PackedBody::of(delivery.body()),
            delivery,
            remember,
            policy,
            alerts,
            left_out: None,
        };
        let receipt = write(&mut self.store, move |tx| tx.accept(&acceptance, now));
        let decision = receipt.alerts[0].decisions[0].clone();
        (decision.state, decision.reason, decision.scan_id)
    }
}

fn write<T: Send + 'static>(
    store: &mut Store,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
) -> T {
    let slot = Arc::new(Mutex::new(None));
    let reply = slot.clone();
    store.commit(vec![Job::new(0, work, move |result| {
        *reply.lock().unwrap() = Some(result)
    })]);
    slot.lock().unwrap().take().unwrap().unwrap()
}

fn play(steps: Vec<Step>) {
    let (mut model, mut real, mut now) = (Model::default(), Real::new(), START);
    for (n, step) in steps.into_iter().enumerate() {
        // No two things happen at the same moment.
        now = now.plus(Duration::from_millis(1));
        let tenant = real.tenant;
        match step {
            Step::Wait(wait) => now = now.plus(minutes(wait.into())),
            Step::Want {
                machine,
                rule,
                mut wanted,
            } => {
                wanted.start = wanted
                    .start
                    .map(|start| now.plus(start.since(Timestamp::default())));
                want(&mut model, &mut real, n, (machine, rule), wanted, now);
            }
            Step::Send { ours } => {
                let uuid = write(&mut real.store, move |tx| {
                    tx.release_due(tenant, now)?;
                    let Some(scan) = tx.next_scan(tenant, false)? else {
                        return Ok(None);
                    };
                    tx.begin_sending(scan.id, now, now)?;
                    tx.to_running(scan.id, "action", ours, None, now)?;
                    Ok(Some(scan.uuid.to_string()))
                });
                let expected = model.next(now);
                assert_eq!(
                    uuid.as_ref(),
                    expected.map(|n| &model.scans[n].uuid),
                    "step {n}: whose turn it is"
                );
                if let Some(n) = expected {
                    model.scans[n].stage = Stage::Open { ours };
                }
            }
            Step::End { which, outcome } => {
                let mut open = model
                    .scans
                    .iter_mut()
                    .filter(|scan| matches!(scan.stage, Stage::Open { .. }));
                let Some(scan) = open.nth(which.into()) else {
                    continue;
                };
                scan.stage = Stage::Over(outcome, now);
                let uuid = scan.uuid.clone();
                write(&mut real.store, move |tx| {
                    let open = tx
                        .open_scans(tenant)?
                        .into_iter()
                        .find(|open| open.scan.uuid.to_string() == uuid);
                    tx.finish(open.unwrap().scan.id, outcome, None, now)
                });
            }
            Step::EndDry => {
                write(&mut real.store, move |tx| {
                    tx.release_due(tenant, now)?;
                    while let Some(scan) = tx.next_scan(tenant, true)? {
                        tx.finish(scan.id, Outcome::DryRun, None, now)?;
                    }
                    Ok(())
                });
                let due = |scan: &&mut Modelled| {
                    scan.dry
                        && scan.stage == Stage::Waiting
                        && scan.start.is_none_or(|start| start <= now)
                };
                for scan in model.scans.iter_mut().filter(due) {
                    scan.stage = Stage::Over(Outcome::DryRun, now);
                }
            }
        }
    }
}

fn want(
    model: &mut Model,
    real: &mut Real,
    n: usize,
    (machine, rule): (u8, u8),
    wanted: Wanted,
    now: Timestamp,
) {
    let expected = model.expect(machine, rule, &wanted, now);
    let (state, reason, scan) = real.want(machine, rule, wanted.clone(), now);
    let told = (state.as_str(), reason.as_str());
    let dry = wanted.mode == Mode::DryRun;
    let start = wanted.start.filter(|start| *start > now);
    match expected {
        Expected::Held(why) => assert_eq!((told, scan), (("held", why.code()), None), "step {n}"),
        Expected::By(place, why) => {
            let answers = &mut model.scans[place];
            assert_eq!(
                (told, scan.as_ref()),
                (("scan", why.code()), Some(&answers.uuid)),
                "step {n}"
            );
            if why == Reason::Merged && wanted.mode != Mode::Approve {
                answers.kind = answers.kind.max(wanted.kind);
                answers.priority = answers.priority.max(wanted.priority);
                answers.start = answers.start.zip(start).map(|(one, other)| one.min(other));
            }
        }
        Expected::New => {
            assert_eq!(told, ("scan", "new"), "step {n}");
            let (kind, priority, uuid) = (wanted.kind, wanted.priority, scan.unwrap());
            model.scans.push(Modelled {
                uuid,
                machine,
                rule,
                kind,
                priority,
                dry,
                begun: now,
                start,
                stage: Stage::Waiting,
            });
        }
    }
}

#[test]
fn what_goes_back_to_the_queue_takes_its_early_start_along() {
    let (mut real, now) = (Real::new(), START);
    let tenant = real.tenant;
    let wanted = |kind, start| Wanted {
        kind,
        priority: Priority::URGENT,
        mode: Mode::Enforce,
        cooldown: Cooldown {
            quick: MINUTE,
            full: MINUTE,
        },
        limit: None,
        tenant_limit: None,
        max_age: minutes(600),
        hold_for: minutes(600),
        start,
        openings: Openings::always(),
    };
    real.want(1, 1, wanted(Kind::Quick, None), now);
    let quick = write(&mut real.store, move |tx| {
        let quick = tx.next_scan(tenant, false)?.unwrap();
        tx.begin_sending(quick.id, now, now)?;
        Ok(quick)
    });
    let (_, reason, full) = real.want(1, 1, wanted(Kind::Full, Some(now.plus(minutes(120)))), now);
    assert_eq!(
        reason, "new",
        "a Full waits behind the Quick, and for its window"
    );
    let next = write(&mut real.store, move |tx| {
        tx.to_waiting(quick.id, RequeueWait::Turn, now)?;
        tx.release_due(tenant, now)?;
        tx.next_scan(tenant, false)
    });
    // The Quick was due, and so is what answers for it now.
    assert_eq!(
        next.map(|scan| (scan.uuid.to_string(), scan.kind)),
        full.map(|uuid| (uuid, Kind::Full))
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_plan_is_what_the_rules_of_the_language_say(steps in prop::collection::vec(step(), 1..60)) {
        play(steps);
    }
}
