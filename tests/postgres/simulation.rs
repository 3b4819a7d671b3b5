//! The simulation of the whole protocol with the journal in PostgreSQL: what it is asked for there and what it answers is
//! the same, byte by byte.

#[path = "../it/simulation/checks.rs"]
mod checks;
#[path = "../it/simulation/faults.rs"]
mod faults;
#[path = "../it/simulation/throttle.rs"]
mod throttle;
#[path = "../it/simulation/world/mod.rs"]
mod world;

pub use faults::Dice;
use faults::{AtCommit, Faults};
use scanhook::journal::{Ids, Store};
use world::{Scenario, World};

use crate::server::Server;

/// Runs with faults; `SEEDS=n` runs more.
const SEEDS: u64 = 50;

/// Runs of which every row is compared.
const COMPARED: u64 = 30;

fn played(store: Store, scenario: &Scenario, faults: Faults) -> World {
    let mut world = World::over(store, scenario, faults);
    world.run();
    world
}

fn none() -> Faults {
    Faults::one_commit(u64::MAX, AtCommit::Fails)
}

/// Plays a run with faults over a journal in this file; everything that is in it then.
pub fn kept_in(path: &std::path::Path, seed: u64) -> String {
    let store = Store::open(path, Ids::seeded(seed)).unwrap();
    let world = played(store, &Scenario::random(seed), Faults::random(seed));
    world.store.dump().unwrap()
}

#[test]
fn every_row_of_a_run_without_faults_is_the_one_that_sqlite_has() {
    let server = Server::initialised();
    for seed in 0..COMPARED {
        server.empty();
        let scenario = Scenario::random(seed);
        let there = played(server.store(seed), &scenario, none());
        let here = played(Store::memory(Ids::seeded(seed)).unwrap(), &scenario, none());
        let (there, here) = (there.store.dump().unwrap(), here.store.dump().unwrap());
        assert!(!here.is_empty());
        for (there, here) in there.lines().zip(here.lines()) {
            assert_eq!(there, here, "seed {seed}");
        }
        assert_eq!(there.len(), here.len(), "seed {seed}");
    }
    assert_eq!(server.complaints(), Vec::<String>::new());
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_and_everything_ends() {
    let seeds = std::env::var("SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(SEEDS);
    let server = Server::initialised();
    for seed in 0..seeds {
        server.empty();
        println!("seed {seed}");
        let mut world = played(
            server.store(seed),
            &Scenario::random(seed),
            Faults::random(seed),
        );
        checks::everything(&mut world);
    }
}
