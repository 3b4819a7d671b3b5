//! A far side that makes it hard in ways that last: machines that stay busy or forbidden, slow reads, a silent directory,
//! clocks a month ahead, windows that close before anything could leave.

use core::time::Duration;

use scanhook_core::time::Timestamp;
use scanhook_simulator::How;

use super::checks;
use super::faults::Faults;
use super::world::{Scenario, World};

fn played(scenario: &Scenario) -> World {
    let mut world = World::new(scenario, Faults::default());
    world.run();
    checks::all(&mut world);
    world
}

#[test]
fn nobody_starves_beside_machines_that_stay_busy_or_forbidden_and_reads_that_are_slow() {
    for seed in 0..8 {
        let scenario = Scenario::hardship(seed);
        let world = played(&scenario);
        checks::not_starved(&world, |machine| scenario.is_free(machine));
        for scan in world.scans() {
            let calls = world.far.calls().iter().filter(|call| {
                call.route == "scan" && call.machine.as_deref() == Some(scan.machine.as_str())
            });
            let calls = calls.count();
            assert!(
                calls <= 8,
                "seed {seed}: {calls} calls for {}",
                scan.machine
            );
            let at = |text: &str| Timestamp::parse(text).unwrap();
            let lasted = at(scan.ended_at.as_deref().unwrap()).since(at(&scan.created_at));
            // Twenty-four hours are the oldest that may be sent, and the machine's being busy hides nothing of that.
            assert!(
                lasted <= Duration::from_secs(86_400 + 60),
                "seed {seed}: {} ended after {lasted:?}",
                scan.id
            );
        }
        let refused = world
            .scans()
            .into_iter()
            .filter(|scan| scan.outcome.as_deref() == Some("refused"))
            .count();
        assert_eq!(
            refused, 2,
            "seed {seed}: the two machines that the app may not scan"
        );
    }
}

/// Fifteen minutes in which this route does not work, for alerts that only name their machines and half a minute in which
/// the directory should answer.
fn silent(route: &str) -> World {
    let mut world = World::new(&Scenario::impatient(), Faults::default());
    let how = How::Status {
        status: 503,
        code: "ServiceUnavailable".to_owned(),
        message: None,
        retry_after: None,
    };
    world.outage(route, how, Duration::from_secs(900));
    world.run();
    checks::all(&mut world);
    assert_eq!(world.far.scans().len(), 2, "nobody had to approve them");
    world
}

#[test]
fn nobody_is_locked_out_by_obeying_where_others_spend_the_hour_and_refusals_count() {
    let world = played(&Scenario::crowded());
    assert!(
        world
            .scans()
            .iter()
            .all(|scan| scan.outcome.as_deref() == Some("succeeded"))
    );
}

#[test]
fn what_could_not_be_asked_is_not_late() {
    assert_eq!(silent("token").held, 0);
}

#[test]
fn what_was_held_for_a_silent_directory_goes_on_by_itself_when_it_answers() {
    assert_eq!(silent("machines").held, 2);
}

#[test]
fn a_clock_that_was_a_month_ahead_leaves_nothing_that_cools_for_a_month() {
    let world = played(&Scenario::a_month_ahead());
    assert_eq!(
        world.far.scans().len(),
        2,
        "a day later the cool-down of six hours is over"
    );
}

#[test]
fn a_window_that_has_closed_before_a_scan_could_leave_is_waited_for_again() {
    let world = played(&Scenario::windowed());
    assert_eq!(world.far.scans().len(), 5);
    assert!(world.scans().iter().all(|scan| {
        scan.sent_at
            .as_deref()
            .unwrap()
            .starts_with("2026-11-02T09:0")
    }));
}

#[test]
fn what_could_not_leave_in_any_window_of_eight_days_is_too_old_a_max_age_later() {
    let sent = played(&Scenario::windowed_and_refused(7));
    assert_eq!(
        sent.far.scans().len(),
        5,
        "each window made them young again"
    );
    let late = played(&Scenario::windowed_and_refused(12));
    assert_eq!(late.far.scans().len(), 0);
    for scan in late.scans() {
        assert_eq!(scan.outcome.as_deref(), Some("too_old"), "{scan:?}");
        let ended = scan.ended_at.as_deref().unwrap();
        // Asked for on 2 November at eight: the last opening of the eight days is on the tenth, and `max_age` is a day.
        let right = "2026-11-10T08:09".."2026-11-11T08:10";
        assert!(right.contains(&ended), "{ended}");
    }
}
