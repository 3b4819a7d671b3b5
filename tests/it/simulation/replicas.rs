//! Two processes on one journal, in one thread and one virtual time. Beside what every run is held to: no call reaches the
//! far side under a fence after the next was taken, and whoever is left takes over within the lease and fifteen seconds.

use core::ops::Range;
use core::time::Duration;

use super::checks;
use super::failed_of;
use super::faults::{AtCommit, Disturbance, Faults};
use super::world::{Scenario, World};

/// Seeds of `cargo test`; `SEEDS=n` runs more.
const SEEDS: u64 = 20;
/// Longer than a lease, so that another takes over.
const LONG: Duration = Duration::from_secs(90);

/// A run with all checks, and whether a planned fault was met.
fn played(scenario: &Scenario, faults: Faults) -> (World, bool) {
    let mut world = World::new(scenario, faults);
    world.traced = std::env::var("SEED").is_ok();
    world.run();
    let met = world.faults.met();
    checks::all(&mut world);
    assert!(
        world.longest_gap <= Duration::from_secs(60 + 15),
        "nobody had the lease for {:?}",
        world.longest_gap
    );
    (world, met)
}

/// Those that are asked for.
fn seeds() -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(SEEDS),
    }
}

#[test]
fn two_processes_on_one_journal_double_nothing_and_lose_nothing_whatever_becomes_of_one() {
    let failed = failed_of(seeds(), |seed| {
        played(&Scenario::drawn(seed, 2), Faults::of_two(seed));
    });
    assert!(
        failed.is_empty(),
        "SEED={} cargo test --test it simulation::replicas -- --nocapture; all: {failed:?}",
        failed[0]
    );
}

#[test]
fn without_faults_the_first_keeps_the_lease_and_both_take_alerts() {
    let (world, _) = played(&Scenario::small().with_replicas(2), Faults::default());
    assert!(
        world.longest_gap <= Duration::from_secs(10),
        "{:?}",
        world.longest_gap
    );
    assert_eq!((world.too_late, world.promised.len()), (0, 3));
}

/// One fault at the first, the second, the third … place until a run does not reach it.
fn at_every_place(scenario: fn() -> Scenario, fault: impl Fn(u64) -> Faults) -> u32 {
    let (mut n, mut late) = (1, 0);
    loop {
        let (world, met) = played(&scenario().with_replicas(2), fault(n));
        late += world.too_late;
        if !met {
            assert!(n > 5, "a run has more than five places, and each was tried");
            return late;
        }
        n += 1;
    }
}

#[test]
fn a_process_that_stands_still_at_any_commit_is_followed_by_the_other() {
    at_every_place(Scenario::small, |n| {
        Faults::one_disturbance(n, Disturbance::Asleep(LONG))
    });
}

#[test]
fn a_process_that_stands_still_before_the_first_byte_of_any_call_sends_it_only_while_it_has_the_lease()
 {
    let late = at_every_place(Scenario::small, |n| Faults::one_nap(n, LONG));
    assert!(late > 5, "{late} calls would have come late");
    let late = at_every_place(Scenario::small, |n| {
        Faults::one_nap(n, Duration::from_secs(20))
    });
    assert_eq!(late, 0, "nobody can have taken the lease yet");
}

#[test]
fn a_process_that_is_cut_off_at_any_commit_is_followed_by_the_other() {
    for takes_effect in [false, true] {
        at_every_place(Scenario::small, |n| {
            Faults::one_disturbance(n, Disturbance::Cut(LONG, takes_effect))
        });
    }
}

#[test]
fn a_process_that_dies_at_any_commit_is_followed_by_the_other() {
    for how in [AtCommit::CrashBefore, AtCommit::CrashAfter] {
        at_every_place(Scenario::small, |n| Faults::one_commit(n, how));
    }
}

#[test]
fn a_clock_of_the_database_that_jumps_costs_a_lease_at_most() {
    for by in [-4_000, 4_000] {
        at_every_place(Scenario::small, |n| {
            Faults::one_disturbance(n, Disturbance::DbClock(by))
        });
    }
}

/// Beside the others: what the lost commits held is not known any more, and is all that may be doubled or missing.
#[test]
fn a_database_that_loses_its_last_commits_loses_and_doubles_nothing_else() {
    for lost in 1..=3 {
        for noticed in [false, true] {
            at_every_place(Scenario::small, |n| {
                Faults::one_disturbance(n, Disturbance::Failover(lost, noticed))
            });
        }
    }
}

#[test]
fn whatever_else_goes_wrong_a_database_that_loses_commits_loses_nothing_else() {
    let failed = failed_of(seeds(), |seed| {
        let faults = Faults::of_two(seed).with_lost_commits(seed);
        played(&Scenario::drawn(seed, 2), faults);
    });
    assert!(failed.is_empty(), "SEED={} of {failed:?}", failed[0]);
}
