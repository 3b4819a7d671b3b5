//! The two limits of every API, counted per tenant and app from the record of calls.

use super::calls::CallRecord;
use super::setup::{QuotaWindow, Setup};
use jiff::SignedDuration;

const SECOND: i128 = 1_000_000_000;

/// Whole seconds until this call would be let through; none: it is now.
pub(super) fn wait(calls: &[CallRecord], call: &CallRecord, setup: &Setup) -> Option<i128> {
    let hour_ago = call.at - SignedDuration::from_hours(1);
    let last_hour = calls.iter().rev().take_while(|other| other.at > hour_ago);
    let same = last_hour.filter(|other| {
        (other.route, &other.tenant, &other.app) == (call.route, &call.tenant, &call.app)
    });
    let counts =
        |other: &&CallRecord| other.arrived() && (setup.refused_count || other.status != Some(429));
    let mut newest_first: Vec<i128> = same
        .filter(counts)
        .map(|other| other.at.as_nanosecond())
        .collect();
    let now = call.at.as_nanosecond();
    newest_first.extend(foreign(now, setup));
    newest_first.sort_unstable_by(|one, other| other.cmp(one));
    if longest(&newest_first, now, setup) <= 0 {
        return None;
    }
    // Where refused calls count, this one prolongs its own wait.
    if setup.refused_count {
        newest_first.insert(0, now);
    }
    Some((longest(&newest_first, now, setup) + SECOND - 1).max(SECOND) / SECOND)
}

/// The calls of the last hour by another tool on the same app, which never waits.
fn foreign(now: i128, setup: &Setup) -> impl Iterator<Item = i128> {
    let calls = i128::from(setup.per_hour) * i128::from(setup.foreign_percent.min(100)) / 100;
    let step = 3600 * SECOND / calls.max(1);
    (0..calls).map(move |n| now - now.rem_euclid(step) - n * step)
}

/// The longer of both waits in nanoseconds; 0 or less: none.
fn longest(newest_first: &[i128], now: i128, setup: &Setup) -> i128 {
    let wait = |(length, limit): (i128, u32)| {
        let step = length / i128::from(limit.max(1));
        // While the call that stands at the limit lies inside a window, the window is full.
        let at_limit = usize::try_from(limit)
            .ok()
            .and_then(|limit| newest_first.get(limit.checked_sub(1)?));
        let end = now - now.rem_euclid(length) + length;
        match setup.window {
            _ if limit == 0 => length,
            QuotaWindow::Sliding => at_limit.map_or(0, |at| at + length - now),
            QuotaWindow::Aligned => at_limit
                .filter(|at| **at >= end - length)
                .map_or(0, |_| end - now),
            // When the bucket will be full again; a refused call can empty it, but makes no debt.
            QuotaWindow::Bucket => {
                newest_first
                    .iter()
                    .rev()
                    .fold(0, |full, at| (*at).max(full).min(at + length - step) + step)
                    - now
                    - length
                    + step
            }
        }
    };
    [
        (60 * SECOND, setup.per_minute),
        (3600 * SECOND, setup.per_hour),
    ]
    .map(wait)
    .into_iter()
    .max()
    .unwrap_or(0)
}

/// Most calls of one route by one app in one tenant within any span of so many seconds.
pub(super) fn peak(calls: &[CallRecord], route: &str, seconds: i128) -> u32 {
    let ours = calls.iter().filter(|call| call.route == route);
    let mut times: Vec<_> = ours
        .map(|call| (&call.tenant, &call.app, call.at.as_nanosecond()))
        .collect();
    times.sort_unstable();
    let (mut first, mut most) = (0, 0);
    for (index, (tenant, app, at)) in times.iter().enumerate() {
        while (times[first].0, times[first].1) != (*tenant, *app)
            || times[first].2 + seconds * SECOND <= *at
        {
            first += 1;
        }
        most = most.max(index + 1 - first);
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}
