//! What must hold after every run, by the far side's own log and clock.

use std::collections::BTreeMap;

use super::world::World;

pub fn all(world: &mut World) {
    ended(world);
    not_doubled(world);
    truthful(world);
    not_guessed(world);
    within_quota(world);
    kept(world);
}

/// Nothing of ours was begun on a machine that could be another one, that is unknown, or that cannot be scanned.
fn not_guessed(world: &World) {
    for action in world.far.scans().iter().filter(|action| !action.foreign) {
        assert!(!world.forbidden.contains(&action.machine), "{} was guessed", action.machine);
    }
}

/// Every decision and every scan is final.
fn ended(world: &World) {
    assert_eq!(world.store.read(|reader| reader.unsettled().unwrap()), 0);
}

/// No scan of ours was executed twice, whatever was lost on the way. Without an echoed `ExternalId` the token at the
/// end of the comment tells them apart.
fn not_doubled(world: &World) {
    let mut executed: BTreeMap<&str, u32> = BTreeMap::new();
    for action in world.far.scans().iter().filter(|action| !action.foreign) {
        let token = action.comment.rfind("[sh-").map(|at| &action.comment[at..]).expect("every comment has our token");
        *executed.entry(token).or_default() += 1;
    }
    for (token, times) in executed {
        assert_eq!(times, 1, "{token} was executed {times} times");
    }
}

/// What the journal says of an outcome is what the far side did; what it says was never sent was never executed.
fn truthful(world: &World) {
    let now = world.now.to_jiff();
    for scan in world.scans() {
        let tail = &scan.id[scan.id.len() - 12..];
        let ours: Vec<_> = world.far.scans().iter().filter(|action| action.comment.contains(tail)).collect();
        match scan.outcome.as_deref() {
            Some("succeeded" | "failed" | "timeout" | "cancelled") => {
                let id = scan.action.as_deref().expect("an ended scan has an action");
                let action = world.far.scans().iter().find(|action| action.id == id).expect("it exists at Defender");
                assert!(!action.is_open(now), "{} is called over and is not", scan.id);
                assert_eq!(action.machine, scan.machine);
                assert_eq!(action.foreign, !scan.ours);
            }
            Some("lost") => {}
            Some("merged" | "too_old" | "no_such_machine" | "unsupported" | "refused" | "dry_run") => {
                assert!(ours.is_empty(), "{} was executed and is not told", scan.id);
            }
            other => panic!("scan {} ended as {other:?}", scan.id),
        }
    }
    for action in world.far.scans().iter().filter(|action| !action.foreign) {
        assert!(action.comment.contains("a-"), "the comment cites the alert: {}", action.comment);
    }
}

/// By the far side's own count over sliding windows.
fn within_quota(world: &World) {
    for route in ["scan", "list", "machine", "machines", "findbyip"] {
        let (minute, hour) = world.far.quota_peak(route);
        assert!(minute <= world.share.per_minute, "{route}: {minute} calls in a minute");
        assert!(hour <= world.share.per_hour, "{route}: {hour} calls in an hour");
    }
    assert!(world.far.calls().iter().all(|call| !call.refused_by_quota), "no call was refused by the quota");
}

/// Every acknowledged delivery is still there, with the same alerts.
fn kept(world: &mut World) {
    for (n, receipt) in &world.promised.clone() {
        let found = world.redeliver(*n);
        assert!(found.duplicate, "delivery {n} was acknowledged and is gone");
        assert_eq!(found.delivery, receipt.delivery);
        let ids = |receipt: &scanhook::api::Receipt| receipt.alerts.iter().map(|a| a.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&found), ids(receipt), "delivery {n}");
        for (before, after) in receipt.alerts.iter().zip(&found.alerts) {
            assert_eq!(before.decisions.len(), after.decisions.len());
        }
    }
}
