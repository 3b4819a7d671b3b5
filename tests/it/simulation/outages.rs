//! Hours in which the far side does not work, and the hours after them: what a test on the wall clock has no time for.

use core::time::Duration;

use scanhook_core::quota::Share;
use scanhook_simulator::How;

use super::checks;
use super::faults::Faults;
use super::world::{Scenario, World};

const HOURS: Duration = Duration::from_secs(6 * 3600);
/// So little that forty scans take a while.
const SHARE: Share = Share {
    per_minute: 5,
    per_hour: 500,
};

fn answer(status: u16, code: &str) -> How {
    How::Status {
        status,
        code: code.to_owned(),
        message: None,
        retry_after: None,
    }
}

/// A storm of alerts that meets an outage of six hours, played to its end with all checks.
fn outage(route: &str, how: How) -> World {
    let mut world = World::new(&Scenario::forty(SHARE), Faults::default());
    world.outage(route, how, HOURS);
    world.run();
    checks::all(&mut world);
    assert_eq!(world.far.scans().len(), 40, "each machine once");
    world
}

/// Seconds between the calls of a route, in order; tokens for comments at incidents are others.
fn gaps(world: &World, route: &str) -> Vec<i64> {
    let calls: Vec<_> = world
        .far
        .calls()
        .iter()
        .filter(|call| call.route == route && !call.scope.contains("management"))
        .map(|call| call.at)
        .collect();
    calls
        .windows(2)
        .map(|pair| pair[1].as_second() - pair[0].as_second())
        .collect()
}

/// H100.
#[test]
fn tokens_that_are_always_refused_are_asked_for_once_a_minute_and_after_six_hours_all_goes_out() {
    let world = outage("scan", answer(401, "Unauthorized"));
    let tokens = gaps(&world, "token");
    assert!(
        tokens.len() > 300,
        "it has tried all the time: {}",
        tokens.len()
    );
    assert!(
        tokens[1..].iter().all(|gap| *gap >= 60),
        "beyond the one refresh: {tokens:?}"
    );
    let refused = world
        .far
        .calls()
        .iter()
        .filter(|call| call.status == Some(401))
        .count();
    // Four calls may be under way together.
    assert!(
        refused <= 4 * (tokens.len() + 1),
        "{refused} calls with {} tokens",
        tokens.len() + 1
    );
}

/// H101.
#[test]
fn after_six_hours_without_any_answer_but_503_the_queue_goes_out_by_priority() {
    let world = outage("*", answer(503, "ServiceUnavailable"));
    let order: Vec<_> = world
        .far
        .scans()
        .iter()
        .map(|action| action.kind.as_str())
        .collect();
    let grave = order.iter().filter(|kind| **kind == "Full").count();
    assert_eq!(grave, 10);
    assert!(
        order[..grave].iter().all(|kind| *kind == "Full"),
        "{order:?}"
    );
}

/// H101, where tokens are granted all the time: each call may have been carried out.
#[test]
fn after_six_hours_in_which_every_scan_call_was_answered_503_each_is_sent_once_more() {
    let world = outage("scan", answer(503, "ServiceUnavailable"));
    assert!(
        world
            .far
            .calls()
            .iter()
            .filter(|call| call.status == Some(503))
            .count()
            >= 40,
        "each was tried"
    );
}
