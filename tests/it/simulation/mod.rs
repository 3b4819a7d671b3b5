//! The whole protocol in virtual time: journal, worker and far side in one thread, without sockets or sleeping. Bytes go
//! the whole way; only the HTTP client is left out. `SEED=n cargo test --test it simulation::replay -- --nocapture`
//! prints the agenda of one seed.
//!
//! Faults are counted, not drawn by chance alone: the N-th commit (crash before, disk full, crash after) and the N-th
//! call (never leaves, answer lost, answer too late), for N = 1, 2, … until a run does not reach N; then seeds with
//! several faults each, on far sides that differ in everything Microsoft does not document. Our clock is set by an
//! hour, the computer restarted, another tool spends up to 90 % of the quota, the far side says nothing but 429 for
//! half an hour. Alerts name machines by id, name or address; names are shared, stale or unknown, and the directory is
//! slow, refuses or fails. In every other run people pause, resume, approve, deny, call off and try again. Lasting
//! hardships are runs of their own (`hardship`).
//!
//! After each run, by the far side's own log: every decision and scan is final; no scan of ours was executed twice; no
//! machine was scanned that could have been another one; what the journal says of an outcome is what happened; no
//! window was over the quota; every acknowledged delivery is still there; each event reached the receivers that want it,
//! by one id and in order for each subject; nothing left that was paused or outside its
//! window; no foreign action was called off; nobody was held for the silence of a directory that was not asked; where
//! nothing keeps a machine from being scanned, its scan left within what the quota allows. `throttle` watches each
//! call: none inside a pause, one alone after it. A seed run twice gives the same journal, byte by byte.
//!
//! Power cuts inside a write are a test of their own (`power_cut`). That a success is written after a sync only the
//! kernel can say: `tests/witness` asks strace.

use core::ops::Range;
use core::time::Duration;
use std::sync::atomic::{AtomicUsize, Ordering};

mod checks;
mod faults;
mod hardship;
mod outages;
mod replicas;
mod throttle;
mod world;

use faults::{AtCall, AtCommit, Faults};
use world::{Scenario, World};

/// Seeds of `cargo test`; `SEEDS=n` runs more.
const SEEDS: u64 = 500;

/// One run with all checks: the journal's hash, and whether a planned fault was met.
fn run(scenario: &Scenario, faults: Faults) -> (String, bool) {
    let played = played(scenario, faults);
    (played.hash, played.met)
}

/// What a run came to.
struct Played {
    hash: String,
    met: bool,
    /// Scans that took two people.
    by_two: usize,
}

fn played(scenario: &Scenario, faults: Faults) -> Played {
    let mut world = World::new(scenario, faults);
    world.run();
    let (hash, met) = (world.hash(), world.faults.met());
    checks::everything(&mut world);
    let by_two = checks::begun_by_two(&world).len();
    Played { hash, met, by_two }
}

/// The seeds that fail. Every seed is played, whatever the others come to, on all processors.
fn failed_of(seeds: Range<u64>, play: impl Fn(u64) + Sync + std::panic::RefUnwindSafe) -> Vec<u64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let fails = |seed: &u64| std::panic::catch_unwind(|| play(*seed)).is_err();
    let share = |first| seeds.clone().skip(first).step_by(threads);
    let mut failed: Vec<u64> = std::thread::scope(|scope| {
        let players: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || share(first).filter(fails).collect::<Vec<_>>()))
            .collect();
        players
            .into_iter()
            .flat_map(|player| player.join().unwrap())
            .collect()
    });
    failed.sort_unstable();
    failed
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_and_everything_ends() {
    let seeds: u64 = std::env::var("SEEDS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(SEEDS);
    let by_two = AtomicUsize::new(0);
    let failed = failed_of(0..seeds, |seed| {
        let played = played(&Scenario::random(seed), Faults::random(seed));
        by_two.fetch_add(played.by_two, Ordering::Relaxed);
    });
    assert!(
        failed.is_empty(),
        "replay each of {failed:?}: SEED=n cargo test --test it simulation::replay -- --nocapture"
    );
    let by_two = by_two.into_inner();
    assert!(
        by_two > 0 || seeds < SEEDS,
        "no run began a scan that takes two people"
    );
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
    for how in [
        AtCommit::CrashBefore,
        AtCommit::Fails,
        AtCommit::DiskFull,
        AtCommit::CrashAfter,
    ] {
        for scenario in [Scenario::small(), Scenario::steered()] {
            let mut n = 1;
            while run(&scenario, Faults::one_commit(n, how)).1 {
                n += 1;
            }
            assert!(
                n > 10,
                "a run has more than ten commits, and each was tried"
            );
        }
    }
}

#[test]
fn it_survives_every_call_going_wrong() {
    for how in [AtCall::NeverLeaves, AtCall::AnswerLost, AtCall::TooLate] {
        for scenario in [Scenario::small(), Scenario::steered()] {
            let mut n = 1;
            while run(&scenario, Faults::one_call(n, how)).1 {
                n += 1;
            }
            assert!(n > 5, "a run has more than five calls, and each was tried");
        }
    }
}

#[test]
fn one_list_serves_all_scans_that_run() {
    let mut world = World::new(
        &Scenario::fleet(),
        Faults::one_commit(u64::MAX, AtCommit::Fails),
    );
    world.run();
    checks::all(&mut world);
    let lists = world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == "list")
        .count();
    assert!(lists <= 150, "{lists} lists for 50 scans of 45 minutes");
}

#[test]
fn one_machine_that_is_offline_for_days_stretches_nobodys_list_and_is_read_every_ten_minutes() {
    let mut world = World::new(
        &Scenario::offline(),
        Faults::one_commit(u64::MAX, AtCommit::Fails),
    );
    let begun = world.now;
    world.run();
    checks::all(&mut world);
    let calls = |route: &str, from: Duration, hours: u64| {
        let (from, to) = (
            begun.plus(from).to_jiff(),
            begun
                .plus(from + Duration::from_secs(hours * 3600))
                .to_jiff(),
        );
        let within = world
            .far
            .calls()
            .iter()
            .filter(move |call| call.route == route && call.at >= from && call.at < to);
        within.cloned().collect::<Vec<_>>()
    };
    let two_days = 2 * world::DAY;
    let (gets, lists) = (calls("get", two_days, 2), calls("list", two_days, 2));
    assert!(
        (10..=13).contains(&gets.len()),
        "{} reads in two hours",
        gets.len()
    );
    assert!(lists.len() > 10, "the others are looked for");
    let offline = begun.to_jiff().strftime("ge%%20%Y-%m-%d").to_string();
    assert!(
        lists.iter().all(|list| !list.path.contains(&offline)),
        "no list reaches back to it"
    );
    assert!(
        calls("list", world::DAY + Duration::from_secs(3600), 22).is_empty(),
        "nor is there one for it alone"
    );
    let lost: Vec<_> = world
        .scans()
        .into_iter()
        .filter(|scan| scan.outcome.as_deref() == Some("lost"))
        .collect();
    assert_eq!(lost.len(), 1, "the one that is offline, in the end");
    let last = calls("get", 4 * world::DAY, 1);
    assert_eq!(last.len(), 1, "after a last look");
}

#[test]
fn what_people_order_is_obeyed_in_a_run_without_faults() {
    let mut world = World::new(
        &Scenario::steered(),
        Faults::one_commit(u64::MAX, AtCommit::Fails),
    );
    world.run();
    let told: Vec<_> = world
        .steered
        .iter()
        .filter_map(|item| item.result.clone())
        .collect();
    assert_eq!(told, ["approved", "denied", "cancelling", "retried"]);
    assert!(
        world
            .far
            .calls()
            .iter()
            .any(|call| call.route == "cancel" && call.executed)
    );
    checks::all(&mut world);
}

#[test]
fn a_scan_that_takes_two_people_begins_once_both_have_said_yes() {
    let none = || Faults::one_commit(u64::MAX, AtCommit::Fails);
    let mut world = World::new(&Scenario::of_two(), none());
    world.run();
    let results = world.steered.iter().filter_map(|item| item.result.clone());
    let told: Vec<_> = results.collect();
    assert_eq!(told, ["approved_once", "second-person-needed", "approved"]);
    checks::everything(&mut world);
    assert_eq!(checks::begun_by_two(&world), [["anna", "bob"]]);
    assert!(checks::are_two(&["anna".to_owned(), "bob".to_owned()]));
    for broken in [vec![], vec!["anna"], vec!["anna", "anna"]] {
        let given: Vec<String> = broken.into_iter().map(str::to_owned).collect();
        assert!(!checks::are_two(&given), "{given:?}");
    }
}

#[test]
fn a_lane_with_nothing_but_paused_scans_rests() {
    for everything in [true, false] {
        let mut world = World::new(
            &Scenario::crowd(everything),
            Faults::one_commit(u64::MAX, AtCommit::Fails),
        );
        let begun = world.now;
        world.run();
        checks::all(&mut world);
        let (from, to) = (
            begun.plus(Duration::from_secs(10)),
            begun.plus(Duration::from_secs(3_600)),
        );
        let polls = world
            .polls
            .iter()
            .filter(|at| **at > from && **at < to)
            .count();
        assert!(
            polls < 20,
            "{polls} polls in an hour in which nothing could be done"
        );
        assert_eq!(
            world.far.scans().len(),
            300,
            "and then all of them are sent"
        );
    }
}

#[test]
fn an_hour_of_nothing_but_429_sees_one_probe_after_each_pause_and_then_the_work_goes_on() {
    let mut world = World::new(&Scenario::refused_for_an_hour(), Faults::default());
    world.run();
    checks::all(&mut world);
    let refused = world
        .far
        .calls()
        .iter()
        .filter(|call| call.status == Some(429))
        .count();
    assert!(refused > 10, "{refused} refusals");
    assert!(
        world.watch.probes as usize >= refused,
        "each pause was followed by one call"
    );
}

#[test]
fn what_another_tool_leaves_of_the_quota_is_used_at_the_price_of_a_429_a_minute() {
    let mut world = World::new(&Scenario::shared(), Faults::default());
    world.run();
    checks::all(&mut world);
    let calls: Vec<_> = world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == "scan")
        .collect();
    let hour: Vec<_> = calls
        .iter()
        .filter(|call| call.at.duration_since(calls[0].at).as_secs() < 3600)
        .collect();
    let refused = hour.iter().filter(|call| call.status == Some(429)).count();
    let scanned = hour.iter().filter(|call| call.executed).count();
    assert!(
        world.lowered > 0 && refused <= 60,
        "{refused} refusals, lowered {} times",
        world.lowered
    );
    assert!(
        scanned + refused >= 285,
        "{scanned} scans and {refused} refusals of the 300 calls that were left"
    );
}

#[test]
fn the_share_is_used_while_work_waits() {
    for (seed, urgent) in (0..6).zip([false, true].into_iter().cycle()) {
        let hours = 2;
        let mut world = World::new(
            &Scenario::busy(seed, hours, urgent),
            Faults::random(seed).without_lost_calls(),
        );
        world.run();
        checks::all(&mut world);
        checks::used(&world, hours, urgent);
    }
}

#[test]
fn in_a_storm_urgent_scans_leave_as_if_there_were_no_others_and_the_hour_is_used() {
    let mut world = World::new(&Scenario::storm(), Faults::default());
    world.run();
    checks::all(&mut world);
    let calls = world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == "scan")
        .map(|call| call.at);
    let calls: Vec<_> = calls.collect();
    let first_hour = calls
        .iter()
        .filter(|at| at.duration_since(calls[0]).as_secs() < 3600)
        .count();
    assert!(first_hour >= 297, "{first_hour} of 300");
    let longest = world.waits(90).into_iter().max().expect("urgent scans");
    // 95 urgent ones in a minute, which 100 calls a minute carry, and a first call that nobody could know better.
    assert!(
        longest <= Duration::from_secs(1),
        "an urgent scan waited {longest:?}"
    );
}

#[test]
fn two_hundred_devices_known_by_name_are_each_looked_up_once_and_scanned() {
    let mut world = World::new(
        &Scenario::named(200, 1),
        Faults::one_commit(u64::MAX, AtCommit::Fails),
    );
    world.run();
    checks::all(&mut world);
    let looks = world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == "machines")
        .count();
    assert_eq!((looks, world.far.scans().len()), (200, 200));
}

#[test]
fn one_look_up_serves_a_storm_about_one_device() {
    let mut world = World::new(
        &Scenario::named(1, 300),
        Faults::one_commit(u64::MAX, AtCommit::Fails),
    );
    world.run();
    checks::all(&mut world);
    let looks = world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == "machines")
        .count();
    assert_eq!((looks, world.far.scans().len()), (1, 1));
}

#[test]
fn replay() {
    let Some(seed) = std::env::var("SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
    else {
        return;
    };
    let mut world = World::new(&Scenario::random(seed), Faults::random(seed));
    world.traced = true;
    world.run();
    checks::everything(&mut world);
}
