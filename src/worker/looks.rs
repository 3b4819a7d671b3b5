//! What a worker remembers of its look-ups, and a look-up on its way.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::defender::request::NextPage;
use crate::journal::{Api, LONGEST_WAIT, OpenQuestion};
use scanhook_core::directory::{Question, Record};
use scanhook_core::time::Timestamp;

/// What a worker remembers of its look-ups.
#[derive(Default)]
pub(super) struct Lookups {
    /// For how long the directory could be asked.
    pub(super) time: AskingTime,
    /// Questions that are being asked, with what their earlier pages held.
    pub(super) open: BTreeMap<Question, Pages>,
    /// APIs that failed, and are left alone for a while.
    pub(super) rests: BTreeMap<Api, Rest>,
    /// The token with which reading machines was forbidden: only another one is worth a try.
    pub(super) forbidden: Option<u64>,
}

impl Lookups {
    /// Nothing is asked yet; the directory could be asked for so long before.
    pub(super) fn recalled(asked_for: Duration) -> Lookups {
        Lookups {
            time: AskingTime {
                passed: asked_for,
                since: None,
            },
            ..Lookups::default()
        }
    }
}

/// For how long the directory could be asked so far: this time stands while a pause, an outage or a stop keeps every call
/// from leaving, and while nobody is there to call. How long a decision may wait is counted by it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AskingTime {
    pub(super) passed: Duration,
    /// It goes on since then.
    pub(super) since: Option<Timestamp>,
}

impl AskingTime {
    /// What it says now.
    pub(super) fn at(&self, now: Timestamp) -> Duration {
        self.passed + self.since.map_or(Duration::ZERO, |since| now.since(since))
    }

    /// From now on it goes on, or stands.
    pub(super) fn goes_on(&mut self, goes_on: bool, now: Timestamp) {
        *self = AskingTime {
            passed: self.at(now),
            since: goes_on.then_some(now),
        };
    }

    /// When it will say this; never while it stands.
    pub(super) fn when(&self, says: Duration, now: Timestamp) -> Timestamp {
        self.since.map_or(Timestamp::NEVER, |_| {
            now.plus(says.saturating_sub(self.at(now)))
        })
    }

    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        self.since = self.since.map(|since| since.moved(by));
    }
}

pub(super) struct Pages {
    pub(super) asked: OpenQuestion,
    pub(super) rows: Vec<Record>,
    pub(super) next: Option<NextPage>,
    pub(super) read: u32,
    pub(super) leaving: bool,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Rest {
    pub(super) failures: u32,
    pub(super) until: Timestamp,
}

/// A look-up on its way.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub(super) question: Question,
    pub(super) generation: u64,
    /// When the question had last left before.
    pub(super) asked_before: Option<Timestamp>,
    pub(super) urgent: bool,
}

impl Lookup {
    pub(super) fn api(&self) -> Api {
        Api::of(&self.question)
    }
}

/// Seconds that double with every failure.
pub(super) fn wait(failures: u32) -> Duration {
    1_u64
        .checked_shl(failures)
        .map_or(LONGEST_WAIT, Duration::from_secs)
        .min(LONGEST_WAIT)
}
