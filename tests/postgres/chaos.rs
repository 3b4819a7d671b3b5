//! Two processes on one journal while everything fails that can: they are killed, stand still and are asked to stop, their
//! wires to the database are cut and fall silent, and the database ends their sessions or itself. Meanwhile senders send all
//! the time. Afterwards the far side's own record and the journal say whether anything was lost, doubled, late or stuck.
//!
//! `CHAOS=3600` lasts an hour, `SEED=n` plays other faults. What goes wrong and in what order the seed says; when exactly, the
//! computer.

mod door;
mod faults;
mod leases;
mod senders;
mod slot;
mod verdict;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use scanhook_simulator::Setup;
use tokio::task::JoinSet;

use crate::harness::{Far, Served, until_in};
use crate::server::Server;
use crate::simulation::Dice;
use faults::{Chaos, Tally};
use senders::Load;
use slot::Slot;
use verdict::Witnesses;

/// Seconds of faults without `CHAOS`.
const LASTS: u64 = 20;
const SEED: u64 = 1;
/// After the last fault both processes run within this.
const RUNS: Duration = Duration::from_secs(90);
/// After the last fault everything is decided and over within this.
const SETTLED: Duration = Duration::from_secs(100);
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// An alert every 100 ms, of which one in so many leads to a scan: 50 a minute.
const ONE_IN: u64 = 12;
/// More scans would meet the quota of the hour.
const MOST_SCANS: u64 = 1000;
const ALERTS_A_SECOND: u64 = 10;

/// What is not decided, not sent or not over yet.
const UNSETTLED: &str = "SELECT
  (SELECT count(*) FROM alert WHERE state <> 'decided') +
  (SELECT count(*) FROM decision WHERE state NOT IN ('none', 'scan')) +
  (SELECT count(*) FROM scan WHERE state <> 'finished')";

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |given| {
        given
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a number"))
    })
}

async fn looked(server: &Arc<Server>, sql: &'static str) -> String {
    let server = server.clone();
    tokio::task::spawn_blocking(move || server.look(sql))
        .await
        .unwrap()
}

/// Lets everything fail for as long as it is to; the processes that run at the end.
async fn play(
    chaos: &Arc<Chaos>,
    seed: u64,
    slots: &[Arc<Slot>; 2],
    server: &Arc<Server>,
) -> Vec<Served> {
    let dice = |strand| Dice::new(seed * 10 + strand);
    let mut strands = JoinSet::new();
    for (slot, n) in slots.iter().zip(0..) {
        let process = chaos.clone().of_process(slot.clone(), dice(n));
        strands.spawn(async { Some(process.await) });
        let wire = chaos.clone().of_wire(slot.clone(), dice(2 + n));
        strands.spawn(async {
            wire.await;
            None
        });
    }
    let database = chaos.clone().of_database(server.clone(), dice(4));
    strands.spawn(async {
        database.await;
        None
    });
    let ended = tokio::time::timeout(chaos.lasts + RUNS, strands.join_all()).await;
    let ended = ended.expect("every process runs when nothing fails any more");
    ended.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_fails_nothing_is_lost_doubled_late_or_stuck() {
    let seconds = number("CHAOS", LASTS);
    let seed = number("SEED", SEED);
    let server = Arc::new(Server::initialised());
    leases::note(&server);
    let far = Far::open(Setup {
        pending_ms: 10,
        quick_ms: 30,
        latency_ms: 40,
        ..Setup::default()
    })
    .await;
    let place = async |name| Arc::new(Slot::new(name, &server, far.shared.clone()).await);
    let slots = [place("A").await, place("B").await];
    let one_in = ONE_IN.max(seconds * ALERTS_A_SECOND / MOST_SCANS);
    let load = Load::new(slots.clone(), u32::try_from(one_in).unwrap());
    let load = Arc::new(load);
    let chaos = Arc::new(Chaos {
        begun: Instant::now(),
        lasts: Duration::from_secs(seconds),
        tally: Tally::default(),
    });
    let sending = tokio::spawn(load.clone().run());
    let replicas = play(&chaos, seed, &slots, &server).await;
    let (last_fault, ended) = (Instant::now(), Timestamp::now());
    load.end();
    let settled = async || {
        let is_over = sending.is_finished() && looked(&server, UNSETTLED).await == "0";
        if !is_over {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        (is_over || last_fault.elapsed() > SETTLED).then_some(is_over)
    };
    let is_settled = until_in(SETTLED * 2, "it is looked at", settled).await;
    let took = last_fault.elapsed();
    let witnesses = Witnesses {
        far: &far,
        server: &server,
        slots: &slots,
        load: &load,
        last_fault: ended,
    };
    let sent = is_settled.then_some(load.sent());
    let (figures, wrong) = tokio::task::block_in_place(|| witnesses.heard(sent));
    let faults = chaos.tally.all();
    println!(
        "chaos: seed {seed}, {seconds} s, settled after {took:.1?}: {figures}; faults {faults:?}"
    );
    drop(replicas);
    assert!(wrong.is_empty(), "{wrong:#?}");
}
