//! What the scans of a tenant would ask of Defender: peaks, and how long scans wait for the quota.

use core::time::Duration;
use std::collections::VecDeque;

use serde::Serialize;

use scanhook_core::scan::Kind;
use scanhook_core::time::Timestamp;

/// The most at once, and when that was first so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peak {
    pub count: usize,
    #[serde(serialize_with = "when")]
    pub at: Option<Timestamp>,
}

impl Peak {
    fn see(&mut self, count: usize, at: Timestamp) {
        if count > self.count {
            *self = Peak {
                count,
                at: Some(at),
            };
        }
    }
}

/// The longest wait for the quota, and when it was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QuotaWait {
    /// Milliseconds.
    pub ms: u64,
    /// When its scan was sent.
    #[serde(serialize_with = "when")]
    pub at: Option<Timestamp>,
}

/// How many scans waited for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Waits {
    /// No longer than a second.
    pub a_second: u64,
    /// No longer than a minute.
    pub a_minute: u64,
    /// No longer than ten minutes.
    pub ten_minutes: u64,
    /// No longer than an hour.
    pub an_hour: u64,
    pub longer: u64,
    pub longest: QuotaWait,
}

impl Waits {
    fn see(&mut self, waited: Duration, now: Timestamp) {
        let ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        let place = match ms {
            0..=1_000 => &mut self.a_second,
            1_001..=60_000 => &mut self.a_minute,
            60_001..=600_000 => &mut self.ten_minutes,
            600_001..=3_600_000 => &mut self.an_hour,
            _ => &mut self.longer,
        };
        *place += 1;
        if ms > self.longest.ms || self.longest.at.is_none() {
            self.longest = QuotaWait { ms, at: Some(now) };
        }
    }
}

/// What a tenant's scans come to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Load {
    /// Quick scans that are sent.
    pub quick: u64,
    /// Full scans that are sent.
    pub full: u64,
    /// Scans that were too old before their turn came.
    pub too_old: u64,
    /// The most scans sent within any 60 seconds.
    pub per_minute: Peak,
    /// The most scans sent within any hour.
    pub per_hour: Peak,
    /// The most scans that waited for the quota.
    pub queue: Peak,
    /// How long scans of priority 90 and above waited for it.
    pub urgent: Waits,
    /// How long the others did.
    pub others: Waits,
    #[serde(skip)]
    minute: VecDeque<Timestamp>,
    #[serde(skip)]
    hour: VecDeque<Timestamp>,
}

impl Load {
    pub(super) fn queue(&mut self, length: usize, now: Timestamp) {
        self.queue.see(length, now);
    }

    pub(super) fn sent(&mut self, kind: Kind, urgent: bool, waited: Duration, now: Timestamp) {
        match kind {
            Kind::Quick => self.quick += 1,
            Kind::Full => self.full += 1,
        }
        self.per_minute.see(within(&mut self.minute, 60, now), now);
        self.per_hour.see(within(&mut self.hour, 3_600, now), now);
        let waits = if urgent {
            &mut self.urgent
        } else {
            &mut self.others
        };
        waits.see(waited, now);
    }
}

/// Counts one more, among those that are younger than so many seconds.
fn within(row: &mut VecDeque<Timestamp>, seconds: u64, now: Timestamp) -> usize {
    let since = now.minus(Duration::from_secs(seconds));
    row.push_back(now);
    while row.front().is_some_and(|at| *at <= since) {
        row.pop_front();
    }
    row.len()
}

#[allow(clippy::ref_option, reason = "the shape serde wants")]
fn when<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}
