//! However old and large the journal is, what is asked of it at every turn costs the same: the first call after a
//! restart, a poll with nothing to do, a delivery, housekeeping, what status shows. Steps of SQLite's machine are counted, so that no computer is
//! too fast or too slow for these tests.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use scanhook::api::Total;
use scanhook::defender::Answer;
use scanhook::in_force::SourceBinding;
use scanhook::journal::{Filter, GroupBy, Ids, PolicyId, Retention, Selector, Store, TenantId};
use scanhook::policy::{Ceiling, Terms};
use scanhook::worker::{Pace, TenantWorker};
use scanhook_core::alert::{MachineId, Severity};
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::rank::Rank;
use scanhook_core::scan::Mode;
use scanhook_core::time::Now;
use scanhook_core::verdict::Limit;
use scanhook_simulator::{Setup, Simulator, WireAnswer};

use crate::desk::{Counter, NOW, account, write};

const FEW: u32 = 100;
const MANY: u32 = 20_000;

/// Copies of the one scan of the journal with its decision: so many that wait for their turn, for a later time and for a
/// person, and that ended long ago; and so many calls of the past week.
fn fill(path: &Path, copies: u32) {
    let db = Connection::open(path).unwrap();
    let day = 86_400_000;
    db.execute_batch(&format!(
        "BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < {copies})
             SELECT i FROM up;
         CREATE TEMP TABLE kind AS VALUES ('waiting'), ('later'), ('finished');
         INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_before, not_after,
                          sent_at, ended_at, outcome)
             SELECT randomblob(16), tenant, printf('%s%032x', CASE column1 WHEN 'waiting' THEN 'aaaaaaaa'
                    WHEN 'later' THEN 'bbbbbbbb' ELSE 'cccccccc' END, i), dry, kind, priority, rule,
                    CASE column1 WHEN 'finished' THEN column1 ELSE 'waiting' END, created_at,
                    CASE column1 WHEN 'later' THEN created_at + {day} END, not_after,
                    CASE column1 WHEN 'finished' THEN created_at - {day} END,
                    CASE column1 WHEN 'finished' THEN created_at - {day} END,
                    CASE column1 WHEN 'finished' THEN 'succeeded' END
             FROM n, kind, scan WHERE scan.id = 1;
         INSERT INTO decision(delivery, n, tenant, device, machine, at, state, reason, scan, rule, kind, priority, policy, why)
             SELECT d.delivery, d.n, d.tenant, d.device, s.machine, d.at, d.state, d.reason, s.id, d.rule, d.kind,
                    d.priority, d.policy, d.why FROM decision d, scan s WHERE d.id = 1 AND s.id > 1;
         INSERT INTO decision(delivery, n, tenant, device, at, state, reason, rule, kind, priority, policy, why, look_at)
             SELECT d.delivery, d.n, d.tenant, d.device, d.at, 'held', 'approval', d.rule, d.kind, d.priority, d.policy,
                    d.why, d.at + {day} + i FROM decision d, n WHERE d.id = 1;
         INSERT INTO call(tenant, api, urgent, sent_at, ended_at, answer)
             SELECT 1, 'scan', 0, {now} - {day} - i, {now} - {day} - i, '201' FROM n;
         COMMIT;",
        now = NOW.millis(),
    ))
    .unwrap();
}

/// The steps that SQLite takes for a restarted lane, until its first scan has left.
fn steps_of_the_first_call(copies: u32) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let open = || Store::open(&path, Ids::seeded(u64::from(copies))).unwrap();
    let mut store = open();
    let mut counter = Counter::new(&mut store);
    let delivery = counter.delivery();
    write(&mut store, move |tx| tx.accept(&delivery, NOW));
    drop(store);
    fill(&path, copies);

    let mut store = open();
    let steps = Arc::new(AtomicU64::new(0));
    store.count_steps(steps.clone()).unwrap();
    let far = &mut Simulator::new(Setup::default());
    let lane = write(&mut store, {
        let tenant = counter.tenant;
        move |tx| {
            TenantWorker::load(
                tx,
                (tenant, None),
                Arc::new(account()),
                Arc::default(),
                Pace::default(),
                clock(),
            )
        }
    });
    let lane = called(&mut store, far, &counter, lane.unwrap());
    called(&mut store, far, &counter, lane);
    assert!(!far.scans().is_empty(), "a scan has left");
    steps.load(Ordering::Relaxed)
}

/// One poll from which something leaves, with all that comes of it.
fn called(
    store: &mut Store,
    far: &mut Simulator,
    counter: &Counter,
    lane: TenantWorker,
) -> TenantWorker {
    let before = far.calls().len();
    let lane = polled(store, far, counter, lane);
    assert!(far.calls().len() > before, "something leaves");
    lane
}

/// One poll, with all that comes of it.
fn polled(
    store: &mut Store,
    far: &mut Simulator,
    counter: &Counter,
    mut lane: TenantWorker,
) -> TenantWorker {
    let (policy, id) = (counter.policy.clone(), counter.id);
    let (mut lane, todo) = write(store, move |tx| {
        let todo = lane.poll(tx, &policy, id, clock())?;
        Ok((lane, todo))
    });
    for outgoing in todo.calls {
        let WireAnswer::Response(answer) = far.handle(NOW.to_jiff(), &outgoing.request).what else {
            panic!("no answer")
        };
        lane = write(store, move |tx| {
            lane.answer(
                tx,
                outgoing.id,
                outgoing.call,
                Answer::Http(answer),
                clock(),
            )?;
            Ok(lane)
        });
    }
    lane
}

#[test]
fn the_first_call_after_a_restart_costs_the_same_with_few_and_with_many_scans() {
    let (few, many) = (steps_of_the_first_call(FEW), steps_of_the_first_call(MANY));
    assert!(few > 10, "{few} steps");
    assert!(
        many < 2 * few,
        "{few} steps with {FEW} of each, {many} with {MANY}"
    );
}

/// So many scans that run, half of them for hours and half for days, none of them due.
fn run_on(path: &Path, copies: u32) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE up(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM up WHERE i < {copies})
             SELECT i FROM up;
         INSERT INTO scan(uuid, tenant, machine, dry, kind, priority, state, created_at, not_after, sent_at, far_sent_at,
                          look_at, action)
             SELECT randomblob(16), 1, printf('%040x', 4096 + i), 0, 'full', 50, 'running', sent, {now}, sent, sent,
                    CASE WHEN i % 2 THEN {now} + 60000 + i END, 'action-' || i
             FROM (SELECT i, {now} - i * 10 - 86400000 * (1 - i % 2) AS sent FROM n);
         COMMIT;",
        now = NOW.millis(),
    ))
    .unwrap();
}

/// The steps that SQLite takes for one poll of a lane that has nothing to do, with so many scans open.
fn steps_of_an_idle_poll(copies: u32) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let open = || Store::open(&path, Ids::seeded(u64::from(copies))).unwrap();
    let mut store = open();
    let counter = Counter::new(&mut store);
    drop(store);
    run_on(&path, copies);

    let mut store = open();
    let far = &mut Simulator::new(Setup::default());
    let lane = write(&mut store, {
        let tenant = counter.tenant;
        move |tx| {
            TenantWorker::load(
                tx,
                (tenant, None),
                Arc::new(account()),
                Arc::default(),
                Pace::default(),
                clock(),
            )
        }
    });
    // The token, and the first list of the old ones, after which everything is done that a start brings.
    let mut lane = lane.unwrap();
    for _ in 0..3 + copies / 500 {
        lane = polled(&mut store, far, &counter, lane);
    }
    let steps = Arc::new(AtomicU64::new(0));
    store.count_steps(steps.clone()).unwrap();
    polled(&mut store, far, &counter, lane);
    steps.load(Ordering::Relaxed)
}

#[test]
fn a_poll_with_nothing_to_do_costs_the_same_with_few_and_with_many_open_scans() {
    let (few, many) = (steps_of_an_idle_poll(FEW), steps_of_an_idle_poll(MANY));
    assert!(few > 10, "{few} steps");
    assert!(
        many < 2 * few,
        "{few} steps with {FEW} open scans, {many} with {MANY}"
    );
}

const DAY: Duration = Duration::from_secs(86_400);

/// A year of deliveries of twenty sources, of which nothing is remembered any more but the records; each has a decision
/// and a scan that is over.
fn a_year(path: &Path, deliveries: u32) {
    let db = Connection::open(path).unwrap();
    db.execute_batch(&format!(
        "BEGIN;
         CREATE TEMP TABLE n AS WITH RECURSIVE up(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM up WHERE i <= {deliveries})
             SELECT i, {now} - 300 * 86400000 + i * (200 * 86400000 / {deliveries}) AS at FROM up;
         INSERT INTO delivery(id, uuid, key, source, received_at, body)
             SELECT i, randomblob(16), NULL, 'source-' || (i % 20), at, NULL FROM n;
         INSERT INTO alert(delivery, n, source, alert_id, state, fields)
             SELECT i, 0, 'source-' || (i % 20), 'old-' || i, 'decided', a.fields FROM n, alert a WHERE a.delivery = 1;
         INSERT INTO mention(delivery, n, device) SELECT i, 0, printf('%040x', i) FROM n;
         INSERT INTO known_as(name, device) SELECT printf('%040x', i), printf('%040x', i) FROM n;
         INSERT INTO scan(id, uuid, tenant, machine, dry, kind, priority, rule, state, created_at, not_after, ended_at, outcome)
             SELECT i, randomblob(16), 1, printf('%040x', i), 0, 'quick', 50, 'all', 'finished', at, at, at, 'succeeded' FROM n;
         INSERT INTO decision(id, delivery, n, tenant, device, machine, at, state, reason, scan, rule, kind, priority, policy, why)
             SELECT i, i, 0, 1, printf('%040x', i), printf('%040x', i), at, 'scan', 'new', i, 'all', 'quick', 50, 1, '{{}}' FROM n;
         INSERT INTO event(at, what, tenant, scan) SELECT at, 'adopted', 1, i FROM n;
         COMMIT;",
        now = NOW.millis(),
    ))
    .unwrap();
}

fn retention() -> Retention {
    let remember = (0..20).map(|n| (format!("source-{n}"), 3 * DAY)).collect();
    Retention {
        idle: Duration::from_secs(1_800),
        bodies: 30 * DAY,
        records: 400 * DAY,
        audit: 400 * DAY,
        policy: PolicyId(1),
        remember,
    }
}

/// A journal with one delivery and a year of old ones, and the steps it takes from now on.
fn old_journal(deliveries: u32) -> (tempfile::TempDir, Store, Counter, Arc<AtomicU64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    let mut store = Store::open(&path, Ids::seeded(1)).unwrap();
    let mut counter = Counter::new(&mut store);
    let delivery = counter.delivery();
    write(&mut store, move |tx| tx.accept(&delivery, NOW));
    drop(store);
    a_year(&path, deliveries);
    let mut store = Store::open(&path, Ids::seeded(1)).unwrap();
    let steps = Arc::new(AtomicU64::new(0));
    store.count_steps(steps.clone()).unwrap();
    (folder, store, counter, steps)
}

#[test]
fn housekeeping_costs_the_same_beside_few_and_many_deliveries_that_are_forgotten_already() {
    let steps = |deliveries| {
        let (_folder, mut store, _, steps) = old_journal(deliveries);
        let retention = retention();
        assert!(
            !write(&mut store, move |tx| tx.forget(&retention, NOW)),
            "nothing is due"
        );
        steps.load(Ordering::Relaxed)
    };
    let (few, many) = (steps(FEW), steps(MANY));
    assert!(
        few > 10 && many < 2 * few,
        "{few} steps beside {FEW}, {many} beside {MANY}"
    );
}

#[test]
fn each_step_through_a_backlog_costs_the_same_however_long_the_backlog_is() {
    let worst = |deliveries: u32| {
        let (folder, store, _, _) = old_journal(deliveries);
        drop(store);
        let path = folder.path().join("scanhook.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch(
                // All is due but every other one of the oldest, which a person has not answered yet.
                "UPDATE delivery SET key = randomblob(32), body = zeroblob(1000) WHERE id > 1;
                 UPDATE decision SET state = 'held' WHERE id % 2 AND id < 1000",
            )
            .unwrap();
        let mut store = Store::open(&path, Ids::seeded(1)).unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        store.count_steps(steps.clone()).unwrap();
        let (mut worst, mut more) = (0, true);
        for _ in 0..20 {
            assert!(more, "much is due");
            let before = steps.load(Ordering::Relaxed);
            let retention = Retention {
                records: 31 * DAY,
                audit: 400 * DAY,
                ..retention()
            };
            more = write(&mut store, move |tx| tx.forget(&retention, NOW));
            worst = worst.max(steps.load(Ordering::Relaxed) - before);
        }
        worst
    };
    let (short, long) = (worst(4_000), worst(MANY));
    assert!(
        short > 1_000 && long < short * 3 / 2,
        "{short} steps of a short backlog, {long} of a long one"
    );
}

#[test]
fn what_status_and_metrics_show_costs_the_same_in_a_young_and_in_an_old_journal() {
    let steps = |deliveries| {
        let (_folder, store, counter, steps) = old_journal(deliveries);
        store.read(|reader| {
            let view = reader.tenant(counter.tenant, "default").unwrap();
            assert_eq!(view.scans["finished"], deliveries, "counted all the same");
            assert_eq!(reader.orphans(&[]).unwrap().len(), 1);
            reader.unsettled().unwrap();
            assert!(reader.holds_ending(NOW).unwrap().is_empty());
            let source = reader.source("source-7").unwrap();
            assert_eq!(source.deliveries, deliveries / 20);
            assert!(
                reader.last_heard("source-7").unwrap().is_some()
                    && reader.last_heard("nobody").unwrap().is_none()
            );
        });
        steps.load(Ordering::Relaxed)
    };
    let (few, many) = (steps(FEW), steps(MANY));
    assert!(
        few > 10 && many < 2 * few,
        "{few} steps beside {FEW}, {many} beside {MANY}"
    );
}

#[test]
fn what_the_first_screen_shows_costs_the_same_in_a_young_and_in_an_old_journal() {
    let steps = |deliveries| {
        let (_folder, store, counter, steps) = old_journal(deliveries);
        let machine = MachineId::parse(&format!("{:040x}", 7)).unwrap();
        let glob = DeviceGlob::parse(machine.as_str()).unwrap();
        store.read(|reader| {
            let costs = |look: &dyn Fn()| {
                let before = steps.load(Ordering::Relaxed);
                look();
                steps.load(Ordering::Relaxed) - before
            };
            let tenants = [counter.tenant];
            vec![
                costs(&|| {
                    let numbers = reader.numbers(None, NOW).unwrap();
                    assert_eq!(numbers.flow.alerts_5m, 1, "the one that came by itself");
                    assert_eq!(numbers.minutes.len(), 60);
                }),
                costs(&|| drop(reader.numbers(Some(&tenants), NOW).unwrap())),
                costs(&|| {
                    let selector = Selector::default();
                    let held = reader.held_groups(GroupBy::Rule, &selector, (0, 100));
                    assert_eq!(held.unwrap().total, 0);
                }),
                costs(&|| {
                    let view = reader.machine(counter.tenant, &machine).unwrap().unwrap();
                    assert_eq!((view.scans.len(), view.decisions.len()), (1, 1));
                }),
                costs(&|| {
                    let found = reader.machines_called(&glob, None).unwrap().unwrap();
                    assert_eq!(found[0].tenant, "default");
                }),
                costs(&|| drop(reader.tallies(NOW.minus(7 * DAY), None, None).unwrap())),
            ]
        })
    };
    let (few, many) = (steps(300), steps(MANY));
    for (n, (few, many)) in few.into_iter().zip(many).enumerate() {
        assert!(
            few > 10 && many < 2 * few,
            "{n}: {few} steps beside 300, {many} beside {MANY}"
        );
    }
}

#[test]
fn a_list_says_how_many_rows_it_has_as_far_as_that_is_cheap() {
    let (_folder, store, _, _) = old_journal(3 * MANY);
    let total = |filter: &Filter| store.read(|reader| reader.decisions(filter)).unwrap().total;
    let at_least = |many: &str| Some(Total::AtLeast(many.to_owned()));
    assert_eq!(total(&Filter::default()), at_least("10000+"));
    let old = NOW.minus(DAY * 100 + DAY * 200 * 150 / (3 * MANY));
    let some = Filter {
        since: Some(old),
        until: Some(NOW.minus(DAY)),
        ..Filter::default()
    };
    assert_eq!(total(&some), Some(Total::Exact(152)), "all of a time");
    let nobody = Filter {
        rule: Some("nobody's".to_owned()),
        ..Filter::default()
    };
    assert_eq!(total(&nobody), at_least("0+"), "there is more below");
    let held = Filter {
        state: Some("held".to_owned()),
        ..Filter::default()
    };
    assert_eq!(total(&held), Some(Total::Exact(0)));
    let second = Filter {
        after: Some(50),
        ..Filter::default()
    };
    assert_eq!(total(&second), None);
}

#[test]
fn a_large_journal_of_an_earlier_version_is_filled_in_by_steps_and_goes_on_where_it_was() {
    let (folder, store, _, _) = old_journal(3 * MANY);
    drop(store);
    let path = folder.path().join("scanhook.db");
    let db = Connection::open(&path).unwrap();
    let number = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    // As if an earlier start had been interrupted after the first step of 20,000.
    db.execute_batch(
        "DELETE FROM tally; UPDATE decision SET severity = NULL;
         INSERT INTO sweep VALUES ('backfill', 0, 20000)",
    )
    .unwrap();
    drop(Store::open(&path, Ids::seeded(1)).unwrap());
    let left = number("SELECT count(*) FROM decision WHERE severity IS NULL");
    assert_eq!(left, 20_000, "what was done before is not done again");
    let last = number("SELECT max(id) FROM decision");
    for (what, expected) in [
        ("scan:new", last - 20_000),
        ("ended:succeeded", last - 20_000),
    ] {
        let counted = number(&format!("SELECT sum(n) FROM tally WHERE what = '{what}'"));
        assert_eq!(counted, expected, "{what}");
    }
    assert_eq!(
        number("SELECT count(*) FROM sweep WHERE of = 'backfill'"),
        0
    );
}

#[test]
fn a_list_of_few_among_many_looks_at_a_bounded_number_of_rows() {
    const MOST: u64 = 2_000_000;
    let (_folder, store, _, steps) = old_journal(3 * MANY);
    let filters = [
        Filter {
            source: Some("nobody".to_owned()),
            ..Filter::default()
        },
        Filter {
            state: Some("parked".to_owned()),
            ..Filter::default()
        },
        Filter {
            state: Some("held".to_owned()),
            ..Filter::default()
        },
        Filter {
            device: DeviceGlob::parse("nobody").ok(),
            ..Filter::default()
        },
        Filter {
            device: DeviceGlob::parse(&format!("{:040x}", 7)).ok(),
            ..Filter::default()
        },
        Filter {
            device: DeviceGlob::parse("*nobody*").ok(),
            ..Filter::default()
        },
        Filter {
            rule: Some("nobody's".to_owned()),
            ..Filter::default()
        },
        Filter {
            reason: Some("repeated".to_owned()),
            ..Filter::default()
        },
        Filter {
            severity: Some(Severity::Critical),
            ..Filter::default()
        },
        Filter {
            since: Some(NOW),
            ..Filter::default()
        },
        Filter {
            since: Some(NOW.minus(DAY)),
            until: Some(NOW),
            ..Filter::default()
        },
        Filter {
            until: Some(NOW.minus(200 * DAY)),
            ..Filter::default()
        },
        Filter {
            tenant: Some("nobody".to_owned()),
            ..Filter::default()
        },
        Filter {
            alert: Some("old-7".to_owned()),
            ..Filter::default()
        },
        Filter {
            tenants: Some(vec![TenantId(77)]),
            sources: vec!["nobody".to_owned()],
            ..Filter::default()
        },
        Filter {
            tenants: Some(Vec::new()),
            ..Filter::default()
        },
        Filter {
            decision_state: Some("held".to_owned()),
            ..Filter::default()
        },
        Filter {
            machine: Some(format!("{:040x}", 7)),
            ..Filter::default()
        },
        Filter {
            kind: Some("full".to_owned()),
            ..Filter::default()
        },
        Filter {
            paused: Some(true),
            ..Filter::default()
        },
        Filter {
            rule: Some("nobody's".to_owned()),
            severity: Some(Severity::Critical),
            source: Some("source-7".to_owned()),
            since: Some(NOW.minus(300 * DAY)),
            ..Filter::default()
        },
    ];
    for filter in filters {
        let before = steps.load(Ordering::Relaxed);
        store.read(|reader| {
            reader.alerts(&filter).unwrap();
            reader.decisions(&filter).unwrap();
            reader.scans(&filter).unwrap();
        });
        let took = steps.load(Ordering::Relaxed) - before;
        assert!(took < MOST, "{took} steps for {filter:?}");
    }
    // A page that found nothing says where to go on, and what is far back is found in the end.
    let (mut found, mut pages) = (0, 0);
    let mut filter = Filter {
        device: DeviceGlob::parse(&format!("*{:039x}", 7)).ok(),
        ..Filter::default()
    };
    loop {
        let page = store.read(|reader| reader.decisions(&filter)).unwrap();
        (found, pages) = (found + page.items.len(), pages + 1);
        let Some(next) = page.next else { break };
        filter.after = Some(next.parse().unwrap());
    }
    assert_eq!((found, pages), (1, 12));
}

#[test]
fn a_time_over_which_the_clock_was_set_back_costs_no_more_than_a_window_of_rows() {
    // The first row of all is the newest by its time.
    let steps = |deliveries| {
        let (_folder, store, _, steps) = old_journal(deliveries);
        let lately = Filter {
            since: Some(NOW.minus(DAY)),
            ..Filter::default()
        };
        store.read(|reader| reader.decisions(&lately)).unwrap();
        steps.load(Ordering::Relaxed)
    };
    let (few, many) = (steps(2 * MANY), steps(4 * MANY));
    assert!(
        few > 10 && many < few * 3 / 2,
        "{few} steps beside {}, {many} beside twice as many",
        2 * MANY
    );
}

#[test]
fn a_question_with_an_index_costs_the_same_beside_few_and_beside_many_answers_to_others() {
    let device = |text: String| Filter {
        device: DeviceGlob::parse(&text).ok(),
        ..Filter::default()
    };
    let questions = |deliveries: u32| {
        // The last few of the old ones.
        let since = Some(NOW.minus(DAY * 100 + DAY * 400 / deliveries));
        [
            ("a machine", device(format!("{:040x}", 7))),
            ("the beginning of an id", device(format!("{:039x}*", 0))),
            (
                "an alert",
                Filter {
                    alert: Some("old-7".to_owned()),
                    ..Filter::default()
                },
            ),
            (
                "a time",
                Filter {
                    since,
                    until: Some(NOW.minus(DAY)),
                    ..Filter::default()
                },
            ),
            (
                "a summary",
                Filter {
                    since,
                    until: Some(NOW.minus(DAY)),
                    ..Filter::default()
                },
            ),
            (
                "what is held",
                Filter {
                    state: Some("held".to_owned()),
                    ..Filter::default()
                },
            ),
            (
                "what failed",
                Filter {
                    reason: Some("failed".to_owned()),
                    ..Filter::default()
                },
            ),
            (
                "what is parked",
                Filter {
                    reason: Some("no-device".to_owned()),
                    ..Filter::default()
                },
            ),
        ]
    };
    let steps = |deliveries: u32| {
        let (_folder, store, _, steps) = old_journal(deliveries);
        let cost = |(what, filter): &(&'static str, Filter)| {
            let before = steps.load(Ordering::Relaxed);
            store.read(|reader| {
                // Each list is asked what it can be asked.
                match *what {
                    "what failed" => drop(reader.scans(filter).unwrap()),
                    "what is parked" => drop(reader.alerts(filter).unwrap()),
                    "a summary" => drop(
                        reader
                            .summary(filter.since.unwrap(), filter.until.unwrap(), None)
                            .unwrap(),
                    ),
                    "what is held" => drop(reader.decisions(filter).unwrap()),
                    _ => {
                        reader.alerts(filter).unwrap();
                        reader.decisions(filter).unwrap();
                        reader.scans(filter).unwrap();
                    }
                }
            });
            steps.load(Ordering::Relaxed) - before
        };
        questions(deliveries).iter().map(cost).collect::<Vec<_>>()
    };
    let (few, many) = (steps(300), steps(MANY));
    for (((what, _), few), many) in questions(MANY).iter().zip(few).zip(many) {
        assert!(
            few > 10 && many < 2 * few,
            "{what}: {few} steps beside 300, {many} beside {MANY}"
        );
    }
}

/// The steps of a delivery of one alert with this id about a new machine, after so many such.
fn steps_after(earlier: u32, same_id: bool, limit: Option<Limit>) -> u64 {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let mut counter = Counter::new(&mut store);
    let terms = Terms {
        ceiling: Ceiling::AtMost(Mode::Enforce),
        limit,
    };
    let source = counter.desk.source.clone();
    counter.desk = SourceBinding::of_one(source, counter.tenant, terms);
    let deliver = |store: &mut Store, n: u32| {
        let id = if same_id { 0 } else { n };
        let body = format!(
            r#"{{"alert_id":"a-{id}","severity":"high","devices":[{{"mde_id":"{n:040x}"}}]}}"#
        );
        let acceptance = counter.body(body, NOW);
        let receipt = write(store, move |tx| tx.accept(&acceptance, NOW));
        assert_eq!(receipt.alerts[0].decisions[0].reason, "new");
    };
    for n in 0..earlier {
        deliver(&mut store, n);
    }
    let steps = Arc::new(AtomicU64::new(0));
    store.count_steps(steps.clone()).unwrap();
    deliver(&mut store, earlier);
    steps.load(Ordering::Relaxed)
}

#[test]
fn an_alert_costs_the_same_however_often_its_id_came_before() {
    let (few, many) = (steps_after(10, true, None), steps_after(2_000, true, None));
    assert!(
        few > 10 && many < 2 * few,
        "{few} steps after 10, {many} after 2,000"
    );
}

#[test]
fn beginning_a_scan_costs_the_same_whatever_the_limit_is_and_however_many_were_begun() {
    let limit = |scans| Some(Limit { scans, per: DAY });
    let few = steps_after(10, false, limit(100));
    for (begun, scans) in [(2_000, 2_001), (2_000, 1_000_000), (10, 1_000_000)] {
        let many = steps_after(begun, false, limit(scans));
        assert!(
            few > 10 && many < 2 * few,
            "{few} steps after 10, {many} after {begun} with a limit of {scans}"
        );
    }
}

#[test]
fn no_statement_is_compiled_anew_for_a_delivery() {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let compiled = Arc::new(AtomicU64::new(0));
    store.count_compiled(compiled.clone()).unwrap();
    let mut counter = Counter::new(&mut store);
    let mut deliver = |store: &mut Store| {
        let delivery = counter.delivery();
        write(store, move |tx| tx.accept(&delivery, NOW));
    };
    deliver(&mut store);
    let first = compiled.swap(0, Ordering::Relaxed);
    assert!(first > 10, "{first}");
    for _ in 0..3 {
        deliver(&mut store);
    }
    assert_eq!(compiled.load(Ordering::Relaxed), 0);
}

fn clock() -> Now {
    Now {
        wall: NOW,
        up: Duration::from_secs(3600),
        boot: 1,
    }
}

#[test]
fn the_order_of_the_queue_is_that_of_its_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scanhook.db");
    drop(Store::open(&path, Ids::seeded(1)).unwrap());
    let db = Connection::open(&path).unwrap();
    let sql = format!(
        "EXPLAIN QUERY PLAN SELECT id FROM scan WHERE tenant = 1 AND dry = 0 AND state = 'waiting' AND not_before IS NULL
         ORDER BY {} LIMIT 1",
        Rank::ORDER_BY
    );
    let mut statement = db.prepare(&sql).unwrap();
    let plan: Vec<String> = statement
        .query_map([], |row| row.get("detail"))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        plan.iter().any(|line| line.contains("scan_queue")),
        "{plan:?}"
    );
    assert!(
        !plan.iter().any(|line| line.contains("TEMP B-TREE")),
        "sorted anew: {plan:?}"
    );
}
