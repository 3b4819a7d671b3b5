//! However many scans wait, ended or were held, what a lane pays for its next call stays the same: after a restart the
//! first call leaves without reading them all.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::Connection;
use scanhook::defender::Answer;
use scanhook::domain::time::Now;
use scanhook::journal::{Ids, Store};
use scanhook::lane::{Lane, Pace};
use scanhook::simulator::{Setup, Simulator, What};

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
        move |tx| Lane::load(tx, tenant, Arc::new(account()), Arc::default(), Pace::default(), clock())
    });
    let lane = called(&mut store, far, &counter, lane.unwrap());
    called(&mut store, far, &counter, lane);
    assert!(!far.scans().is_empty(), "a scan has left");
    steps.load(Ordering::Relaxed)
}

/// One poll, with all that comes of it.
fn called(store: &mut Store, far: &mut Simulator, counter: &Counter, mut lane: Lane) -> Lane {
    let (policy, id) = (counter.policy.clone(), counter.id);
    let (mut lane, todo) = write(store, move |tx| {
        let todo = lane.poll(tx, &policy, id, clock())?;
        Ok((lane, todo))
    });
    assert!(!todo.calls.is_empty(), "something leaves");
    for outgoing in todo.calls {
        let What::Response(answer) = far.handle(NOW.to_jiff(), &outgoing.request).what else { panic!("no answer") };
        lane = write(store, move |tx| {
            lane.answer(tx, outgoing.id, outgoing.call, Answer::Http(answer), clock())?;
            Ok(lane)
        });
    }
    lane
}

#[test]
fn the_first_call_after_a_restart_costs_the_same_with_few_and_with_many_scans() {
    let (few, many) = (steps_of_the_first_call(FEW), steps_of_the_first_call(MANY));
    assert!(few > 10, "{few} steps");
    assert!(many < 2 * few, "{few} steps with {FEW} of each, {many} with {MANY}");
}

fn clock() -> Now {
    Now { wall: NOW, up: Duration::from_secs(3600), boot: 1 }
}
