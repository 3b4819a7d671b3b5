//! The whole protocol in virtual time: journal, lane and far side in one thread, without sockets or sleeping. Bytes go
//! the whole way; only the HTTP client is left out. `SEED=n cargo test --test it simulation::replay -- --nocapture`
//! prints the agenda of one seed.

mod checks;
mod faults;
mod outages;
mod world;

use faults::{AtCall, AtCommit, Faults};
use world::{Scenario, World};

/// Seeds of `cargo test`; `SEEDS=n` runs more.
const SEEDS: u64 = 500;

/// One run with all checks: the journal's hash, and whether a planned fault was met.
fn run(scenario: &Scenario, faults: Faults) -> (String, bool) {
    let mut world = World::new(scenario, faults);
    world.run();
    let (hash, met) = (world.hash(), world.faults.met());
    checks::all(&mut world);
    (hash, met)
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_and_everything_ends() {
    let seeds: u64 = std::env::var("SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(SEEDS);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let one = |seed| {
        let outcome = std::panic::catch_unwind(|| run(&Scenario::random(seed), Faults::random(seed)).0);
        assert!(outcome.is_ok(), "replay it: SEED={seed} cargo test --test it simulation::replay -- --nocapture");
    };
    std::thread::scope(|scope| {
        for first in 0..threads {
            scope.spawn(move || (first..seeds).step_by(usize::try_from(threads).unwrap()).for_each(one));
        }
    });
}

#[test]
fn the_same_seed_gives_the_same_journal() {
    for seed in 0..20 {
        let once = || run(&Scenario::random(seed), Faults::random(seed)).0;
        assert_eq!(once(), once(), "seed {seed}");
    }
}

#[test]
fn it_survives_a_stop_at_every_commit() {
    for how in [AtCommit::CrashBefore, AtCommit::Fails, AtCommit::CrashAfter] {
        let mut n = 1;
        while run(&Scenario::small(), Faults::one_commit(n, how)).1 {
            n += 1;
        }
        assert!(n > 10, "a run has more than ten commits, and each was tried");
    }
}

#[test]
fn it_survives_every_call_going_wrong() {
    for how in [AtCall::NeverLeaves, AtCall::AnswerLost, AtCall::TooLate] {
        let mut n = 1;
        while run(&Scenario::small(), Faults::one_call(n, how)).1 {
            n += 1;
        }
        assert!(n > 5, "a run has more than five calls, and each was tried");
    }
}

#[test]
fn one_list_serves_all_scans_that_run() {
    let mut world = World::new(&Scenario::fleet(), Faults::one_commit(u64::MAX, AtCommit::Fails));
    world.run();
    checks::all(&mut world);
    let lists = world.far.calls().iter().filter(|call| call.route == "list").count();
    assert!(lists <= 150, "{lists} lists for 50 scans of 45 minutes");
}

#[test]
fn replay() {
    let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) else { return };
    let mut world = World::new(&Scenario::random(seed), Faults::random(seed));
    world.traced = true;
    world.run();
    checks::all(&mut world);
}
