//! Windows: times of the week by the clock on the wall of one zone. A window is open whenever that clock shows a time
//! inside it, so a jump of the clock opens or closes it just as it moves the hands. A range of hours that the clock jumps
//! over as a whole begins at the jump instead, and lasts as long as on other days.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant, ToSpan};

use crate::time::Timestamp;

pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Days searched for the next opening: a week, and one more should the clock skip the one day.
const AHEAD: i32 = 15;
/// The longest jump whose hours are made up for. A longer one is a zone that skipped a day.
const LONGEST_JUMP: i64 = 3;

/// One `[windows.x]`.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) name: String,
    pub(super) zone: TimeZone,
    /// By `Weekday::to_monday_zero_offset`: the days on which it opens.
    pub(super) days: [bool; 7],
    pub(super) hours: Vec<Hours>,
}

/// From the one time of day up to the other, which is the next day's where it is not the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) opens: Time,
    /// `None`: the end of the day.
    pub(super) closes: Option<Time>,
}

impl Hours {
    fn crosses_midnight(self) -> bool {
        self.closes.is_some_and(|closes| closes < self.opens)
    }

    pub(super) fn never_opens(self) -> bool {
        self.closes == Some(self.opens)
    }

    /// When it opens and closes on this day, by the clock on the wall.
    fn on(self, day: Date) -> Option<(DateTime, DateTime)> {
        let closes = match self.closes {
            Some(closes) if !self.crosses_midnight() => day.to_datetime(closes),
            Some(closes) => day.tomorrow().ok()?.to_datetime(closes),
            None => day.tomorrow().ok()?.to_datetime(Time::midnight()),
        };
        Some((day.to_datetime(self.opens), closes))
    }
}

impl Window {
    /// Whether it is open at this instant.
    pub(super) fn is_open(&self, at: Timestamp) -> bool {
        self.shows(at.to_jiff())
    }

    fn shows(&self, at: Instant) -> bool {
        self.shows_hours(at) || self.makes_up(at)
    }

    /// Whether a range of hours that the last jump passed over as a whole is still being made up for.
    fn makes_up(&self, at: Instant) -> bool {
        let just_after = at.checked_add(1.nanosecond()).unwrap_or(at);
        let Some(jump) = self
            .zone
            .preceding(just_after)
            .next()
            .map(|jump| jump.timestamp())
        else {
            return false;
        };
        let since = at.duration_since(jump);
        if since >= SignedDuration::from_hours(LONGEST_JUMP) {
            return false;
        }
        let Ok(before) = jump.checked_sub(1.nanosecond()) else {
            return false;
        };
        let Ok(from) = self.zone.to_datetime(before).checked_add(1.nanosecond()) else {
            return false;
        };
        let to = self.zone.to_datetime(jump);
        if to <= from || to.duration_since(from) > SignedDuration::from_hours(LONGEST_JUMP) {
            return false;
        }
        self.hours.iter().any(|hours| {
            [from.date(), to.date()]
                .into_iter()
                .filter_map(|day| hours.on(day).zip(Some(day)))
                .any(|((opens, closes), day)| {
                    self.opens_on(day)
                        && from <= opens
                        && closes <= to
                        && since < closes.duration_since(opens)
                })
        })
    }

    fn shows_hours(&self, at: Instant) -> bool {
        let wall = self.zone.to_datetime(at);
        let (day, time) = (wall.date(), wall.time());
        let opens_on = |day: Option<Date>| day.is_some_and(|day| self.opens_on(day));
        self.hours.iter().any(|hours| match hours.closes {
            _ if hours.never_opens() => false,
            None => time >= hours.opens && opens_on(Some(day)),
            Some(closes) if hours.crosses_midnight() => {
                (time >= hours.opens && opens_on(Some(day)))
                    || (time < closes && opens_on(day.yesterday().ok()))
            }
            Some(closes) => time >= hours.opens && time < closes && opens_on(Some(day)),
        })
    }

    fn opens_on(&self, day: Date) -> bool {
        let number = usize::from(day.weekday().to_monday_zero_offset().unsigned_abs());
        self.days.get(number).copied().unwrap_or(false)
    }

    /// When it opens next; this very instant if it is open, [`Timestamp::NEVER`] if it never is.
    pub(super) fn next_opening(&self, at: Timestamp) -> Timestamp {
        let now = at.to_jiff();
        if self.shows(now) {
            return at;
        }
        let today = self.zone.to_datetime(now).date();
        // Where the clock jumps it may land inside.
        let end = now
            .checked_add((AHEAD * 24).hours())
            .unwrap_or(Instant::MAX);
        let jumps = self
            .zone
            .following(now)
            .map(|jump| jump.timestamp())
            .take_while(|jump| *jump <= end);
        let mut best: Option<Instant> = jumps.filter(|jump| self.shows(*jump)).min();
        for day in (-1..=AHEAD).filter_map(|n| today.checked_add(n.days()).ok()) {
            for hours in &self.hours {
                for instant in self.instants(day.to_datetime(hours.opens)) {
                    if instant >= now
                        && best.is_none_or(|best| instant < best)
                        && self.shows(instant)
                    {
                        best = Some(instant);
                    }
                }
            }
            if best.is_some_and(|best| self.zone.to_datetime(best).date() <= day) {
                break;
            }
        }
        best.map_or(Timestamp::NEVER, |best| {
            Timestamp::from_millis(best.as_millisecond())
        })
    }

    /// When the clock on the wall shows this: once, twice where it was put back, never where it jumped over it.
    fn instants(&self, wall: DateTime) -> impl Iterator<Item = Instant> {
        let (one, two) = match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => (Some(offset), None),
            AmbiguousOffset::Fold { before, after } => (Some(before), Some(after)),
            AmbiguousOffset::Gap { .. } => (None, None),
        };
        [one, two]
            .into_iter()
            .flatten()
            .filter_map(move |offset| offset.to_timestamp(wall).ok())
    }
}
