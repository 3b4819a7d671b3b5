//! One API's budget: the ledger, the reserve for urgent calls, and what is learnt of others.
//!
//! A call that is not urgent leaves room in two ways. It lets a minute fill to four fifths only. And it waits while the
//! calls that are free after it, with those that come back, would not last for the urgent ones that are to be
//! expected, at any later moment of the minute or the hour.
//!
//! What is to be expected is told by when urgent calls were wanted, not by when they could leave. In the hour: what the
//! last ten minutes show at most, or the last thirty, of which each minute counts with a few only, so that a storm is
//! feared while it lasts and forgotten when it has passed. In the minute: the lower of what the last twenty and the last
//! sixty seconds show at most. At the start of a rush the past shows nothing of what is coming. Then only what the rush
//! itself has shown counts, so that its first call leaves at once, and the others follow when its first seconds have
//! told how many urgent ones are among them.

use core::time::Duration;

use super::reserve::{UrgentReserve, at_most};
use super::{HOUR, Learnt, Ledger, MINUTE, PastCall, Share};
use crate::time::Timestamp;

/// How far back the minute's forecast looks; the lower of both counts.
const SECONDS: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(60)];
/// How far back the hour's forecast looks; the higher of both counts.
const MINUTES: [Duration; 2] = [Duration::from_secs(600), Duration::from_secs(1800)];
/// The part of a minute's share, one in so many, that its urgent calls count with in the longer of the two.
const EVENLY: u32 = 20;
/// Calls of the hour that no ordinary call takes, of the whole budget.
const FLOOR: f64 = 3.0;
/// How soon a forecast is looked at again: that of the minute, that of the hour.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];

/// What one API may be asked, and when.
#[derive(Clone, Debug, Default)]
pub struct Budget {
    ledger: Ledger,
    learnt: Learnt,
    /// Since when ordinary calls wait for one another.
    rush: Option<Timestamp>,
}

impl Budget {
    /// A budget with its past.
    pub fn load(entries: impl IntoIterator<Item = PastCall>, learnt: Learnt) -> Budget {
        let mut ledger = Ledger::default();
        entries.into_iter().for_each(|entry| ledger.recall(entry));
        Budget {
            ledger,
            learnt,
            rush: None,
        }
    }

    /// After a restart: calls of the last minute may be part of a rush, and what came meanwhile was not seen.
    pub fn watch(&mut self, now: Timestamp) {
        self.rush = self
            .ledger
            .ordinary()
            .filter(|last| now.since(*last) < MINUTE)
            .map(|_| now);
    }

    /// What is left of the configured share while others use the same budget.
    #[must_use]
    pub fn left(&self, configured: Share, now: Timestamp) -> Share {
        self.learnt.left(configured, now)
    }

    /// Calls that count against the minute and the hour.
    #[must_use]
    pub fn used(&self, now: Timestamp) -> (u32, u32) {
        self.ledger.used(now)
    }

    /// What a restart must not forget and the journal's calls do not tell.
    #[must_use]
    pub fn learnt(&self) -> Learnt {
        self.learnt
    }

    /// When a call may leave that may use the whole share: `now`, later, or [`Timestamp::NEVER`] until an answer comes.
    #[must_use]
    pub fn free_at(&self, configured: Share, now: Timestamp) -> Timestamp {
        self.ledger.free_at(self.left(configured, now), now)
    }

    /// When a call may leave that leaves room for urgent ones; sooner than never it should be asked again. One that
    /// comes within `lull` after another is part of a rush.
    pub fn ordinary_at(&mut self, configured: Share, lull: Duration, now: Timestamp) -> Timestamp {
        if self.rush.is_none()
            && self
                .ledger
                .ordinary()
                .is_some_and(|last| now.since(last) < lull)
        {
            self.rush = Some(now);
        }
        let share = self.left(configured, now);
        let paced = (share.per_minute * 4).div_ceil(5);
        let free = self
            .ledger
            .free_at(share, now)
            .max(self.ledger.within(paced, MINUTE, now));
        let kept = self.reserved(share, now);
        if kept <= free {
            free
        } else {
            free.max(kept.min(self.forecast_again(now)))
        }
    }

    /// No ordinary call waits: the rush is over.
    pub fn calm(&mut self) {
        self.rush = None;
    }

    /// A call that may leave from now on, and if it is urgent, when it was wanted.
    pub fn sent(&mut self, id: i64, urgent: Option<Timestamp>, now: Timestamp) {
        self.ledger.sent(id, urgent, now);
    }

    /// The answer of a call, or the end of waiting for one.
    pub fn ended(&mut self, id: i64, now: Timestamp) {
        self.ledger.ended(id, false, now);
    }

    /// A call that left at `sent` was answered 429. Returns whether the share was lowered for it.
    pub fn refused(&mut self, id: i64, configured: Share, sent: Timestamp, now: Timestamp) -> bool {
        let (minute, hour) = self.ledger.used(now);
        self.ledger.ended(id, true, now);
        // At the edge of our own share a refusal may be ours.
        let below = minute < configured.per_minute && hour < configured.per_hour;
        below
            && self
                .learnt
                .refused(configured, self.ledger.let_through(now), sent, now)
    }

    /// The wall clock was set by so many milliseconds, to `now`.
    pub fn moved(&mut self, by: i64, now: Timestamp) {
        self.ledger.moved(by, now);
        self.learnt.moved(by);
        self.rush = self.rush.map(|since| since.moved(by).min(now));
    }

    fn reserved(&self, share: Share, now: Timestamp) -> Timestamp {
        let whole = Share::WHOLE;
        let (minute, hour) = (
            part(share.per_minute, whole.per_minute),
            part(share.per_hour, whole.per_hour),
        );
        let seen = |span: Duration, part| at_most(self.ledger.urgent(span, now), span, part);
        let watched = self.rush.map_or(Duration::MAX, |since| now.since(since));
        let [soon, later] = SECONDS.map(|span| seen(span.min(watched), minute));
        let in_minute = UrgentReserve::new(minute, 0.0, soon.min(later));
        let [recent, usual] = MINUTES;
        let usual = usual.min(self.ledger.reaches_back(now)).max(recent);
        let evenly = self
            .ledger
            .urgent_evenly(usual, share.per_minute.div_ceil(EVENLY), now);
        let in_hour = UrgentReserve::new(
            hour,
            FLOOR,
            seen(recent, hour).max(at_most(evenly, usual, hour)),
        );
        let minute = self
            .ledger
            .reserved(share.per_minute, MINUTE, &in_minute, now);
        minute.max(self.ledger.reserved(share.per_hour, HOUR, &in_hour, now))
    }

    /// When the forecast may be another: that of the minute soon, while it has something to go by.
    fn forecast_again(&self, now: Timestamp) -> Timestamp {
        let [_, minute] = SECONDS;
        let moves = self.ledger.urgent(minute, now) > 0
            || self.rush.is_some_and(|since| now.since(since) < minute);
        let [soon, later] = AGAIN;
        now.plus(if moves { soon } else { later })
    }
}

fn part(share: u32, whole: u32) -> f64 {
    f64::from(share) / f64::from(whole)
}
