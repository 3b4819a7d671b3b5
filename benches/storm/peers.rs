//! How others spend a quota, as models: what they send when, and nothing of what else they do.

use std::collections::{BTreeSet, VecDeque};

use scanhook_simulator::QuotaWindow;

use crate::far::Far;
use crate::scenario::{Result, Scenario};

/// A policy by name.
type Policy = (&'static str, fn(&Scenario, QuotaWindow) -> Result);

pub const ALL: [Policy; 6] = [
    ("no limiter, exponential back-off", back_off),
    ("honour Retry-After, first in, first out", |s, w| {
        queue(s, w, false, &mut |_| 0)
    }),
    ("token bucket, priority", |s, w| {
        // 100 at once, 25 a minute.
        let (mut tokens, mut last) = (100.0_f64, 0);
        queue(s, w, true, &mut |ask| {
            tokens = (tokens + (ask.now - last) as f64 * 25.0 / 60_000.0).min(100.0);
            last = ask.now;
            if tokens < 1.0 {
                return TICK;
            }
            tokens -= 1.0;
            0
        })
    }),
    ("even pace 25/min, priority", |s, w| {
        let mut next = 0;
        queue(s, w, true, &mut |ask| {
            if ask.now < next {
                return next - ask.now;
            }
            next = ask.now + 2_400;
            0
        })
    }),
    ("sliding log, priority", |s, w| {
        queue(s, w, true, &mut |ask| ask.log(100, 1_500))
    }),
    ("sliding log, priority, reserve 10/min + 100/h", |s, w| {
        queue(s, w, true, &mut |ask| {
            if ask.urgent {
                ask.log(100, 1_500)
            } else {
                ask.log(90, 1_400)
            }
        })
    }),
];

const TICK: i64 = 200;

/// What a policy is asked: may this leave now?
struct Ask<'a> {
    now: i64,
    urgent: bool,
    sent: &'a VecDeque<i64>,
}

impl Ask<'_> {
    /// How long until fewer calls than these were sent in the last minute and hour, and a second.
    fn log(&self, minute: usize, hour: usize) -> i64 {
        let wait = |limit: usize, length: i64| {
            self.sent
                .len()
                .checked_sub(limit)
                .map_or(0, |first| (self.sent[first] + length - self.now).max(0))
        };
        wait(minute, 61_000).max(wait(hour, 3_601_000))
    }
}

/// One queue, by priority or not; a 429 stops it for as long as it says. `may` tells how long to wait, or takes a turn.
fn queue(
    scenario: &Scenario,
    window: QuotaWindow,
    priority: bool,
    may: &mut dyn FnMut(&Ask<'_>) -> i64,
) -> Result {
    let mut far = Far::new(window);
    let mut sent = vec![None; scenario.arrivals.len()];
    let (mut log, mut waiting, mut next) = (VecDeque::new(), BTreeSet::new(), 0);
    let (mut now, mut paused) = (0, 0);
    while now < scenario.end {
        while next < scenario.arrivals.len() && scenario.arrivals[next].at <= now {
            waiting.insert((priority && !scenario.arrivals[next].urgent, next));
            next += 1;
        }
        while let Some(&(_, first)) = waiting.first().filter(|_| paused <= now) {
            if may(&Ask {
                now,
                urgent: scenario.arrivals[first].urgent,
                sent: &log,
            }) > 0
            {
                break;
            }
            log.push_back(now);
            match far.call(now) {
                Ok(()) => {
                    sent[first] = Some(now);
                    waiting.pop_first();
                }
                Err(after) => paused = now + after,
            }
        }
        now += TICK;
    }
    scenario.result(
        far.refused,
        &scenario
            .arrivals
            .iter()
            .map(|arrival| arrival.at)
            .collect::<Vec<_>>(),
        &sent,
    )
}

/// Each alert for itself: tries at once, then after 1, 2, 4 … 64 seconds.
fn back_off(scenario: &Scenario, window: QuotaWindow) -> Result {
    let mut far = Far::new(window);
    let mut sent = vec![None; scenario.arrivals.len()];
    let mut agenda: BTreeSet<(i64, usize, u32)> = scenario
        .arrivals
        .iter()
        .enumerate()
        .map(|(n, arrival)| (arrival.at, n, 0))
        .collect();
    while let Some((now, n, tries)) = agenda.pop_first().filter(|(now, ..)| *now < scenario.end) {
        match far.call(now) {
            Ok(()) => sent[n] = Some(now),
            Err(_) => drop(agenda.insert((now + (1_000 << tries), n, (tries + 1).min(6)))),
        }
    }
    scenario.result(
        far.refused,
        &scenario
            .arrivals
            .iter()
            .map(|arrival| arrival.at)
            .collect::<Vec<_>>(),
        &sent,
    )
}
