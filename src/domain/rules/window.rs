//! Windows: times of the week by the clock on the wall of one zone. A window is open whenever that clock shows a time
//! inside it, so a jump of the clock opens or closes it just as it moves the hands. A range of hours that the clock jumps
//! over as a whole begins at the jump instead, and lasts as long as on other days.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp as Instant, ToSpan};
use toml::de::DeValue;

use super::finding::{code, meant, quoted};
use super::outline::WindowOutline;
use super::walk::{Entry, Node, Walk, entries_of};
use crate::domain::time::Timestamp;

const WINDOW: &[&str] = &["timezone", "days", "hours"];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// Days searched for the next opening: a week, and one more should the clock skip the one day.
const AHEAD: i32 = 15;
/// The longest jump whose hours are made up for. A longer one is a zone that skipped a day.
const LONGEST_JUMP: i64 = 3;

/// One `[windows.x]`.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) name: String,
    zone: TimeZone,
    /// By `Weekday::to_monday_zero_offset`: the days on which it opens.
    days: [bool; 7],
    hours: Vec<Hours>,
}

/// From the one time of day up to the other, which is the next day's where it is not the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hours {
    opens: Time,
    /// `None`: the end of the day.
    closes: Option<Time>,
}

impl Hours {
    fn crosses_midnight(self) -> bool {
        self.closes.is_some_and(|closes| closes < self.opens)
    }

    fn never_opens(self) -> bool {
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

    /// As those see it who ask what is in force.
    pub(super) fn outline(&self, at: Timestamp) -> WindowOutline {
        let (open, opens) = (self.is_open(at), self.next_opening(at));
        let days = DAYS.into_iter().zip(self.days).filter_map(|(day, opens)| opens.then_some(day));
        let time = |time: Time| format!("{:02}:{:02}", time.hour(), time.minute());
        let hours = |hours: &Hours| {
            let closes = hours.closes.map_or_else(|| "24:00".to_owned(), time);
            format!("{}-{closes}", time(hours.opens))
        };
        WindowOutline {
            name: self.name.clone(),
            timezone: self.zone.iana_name().unwrap_or("UTC").to_owned(),
            days: days.collect(),
            hours: self.hours.iter().map(hours).collect(),
            open,
            opens: (!open && opens != Timestamp::NEVER).then(|| opens.to_string()),
        }
    }

    fn shows(&self, at: Instant) -> bool {
        self.shows_hours(at) || self.makes_up(at)
    }

    /// Whether a range of hours that the last jump passed over as a whole is still being made up for.
    fn makes_up(&self, at: Instant) -> bool {
        let just_after = at.checked_add(1.nanosecond()).unwrap_or(at);
        let Some(jump) = self.zone.preceding(just_after).next().map(|jump| jump.timestamp()) else { return false };
        let since = at.duration_since(jump);
        if since >= SignedDuration::from_hours(LONGEST_JUMP) {
            return false;
        }
        let Ok(before) = jump.checked_sub(1.nanosecond()) else { return false };
        let Ok(from) = self.zone.to_datetime(before).checked_add(1.nanosecond()) else { return false };
        let to = self.zone.to_datetime(jump);
        if to <= from || to.duration_since(from) > SignedDuration::from_hours(LONGEST_JUMP) {
            return false;
        }
        self.hours.iter().any(|hours| {
            [from.date(), to.date()].into_iter().filter_map(|day| hours.on(day).zip(Some(day))).any(
                |((opens, closes), day)| {
                    self.opens_on(day) && from <= opens && closes <= to && since < closes.duration_since(opens)
                },
            )
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
                (time >= hours.opens && opens_on(Some(day))) || (time < closes && opens_on(day.yesterday().ok()))
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
        let end = now.checked_add((AHEAD * 24).hours()).unwrap_or(Instant::MAX);
        let jumps = self.zone.following(now).map(|jump| jump.timestamp()).take_while(|jump| *jump <= end);
        let mut best: Option<Instant> = jumps.filter(|jump| self.shows(*jump)).min();
        for day in (-1..=AHEAD).filter_map(|n| today.checked_add(n.days()).ok()) {
            for hours in &self.hours {
                for instant in self.instants(day.to_datetime(hours.opens)) {
                    if instant >= now && best.is_none_or(|best| instant < best) && self.shows(instant) {
                        best = Some(instant);
                    }
                }
            }
            if best.is_some_and(|best| self.zone.to_datetime(best).date() <= day) {
                break;
            }
        }
        best.map_or(Timestamp::NEVER, |best| Timestamp::from_millis(best.as_millisecond()))
    }

    /// When the clock on the wall shows this: once, twice where it was put back, never where it jumped over it.
    fn instants(&self, wall: DateTime) -> impl Iterator<Item = Instant> {
        let (one, two) = match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => (Some(offset), None),
            AmbiguousOffset::Fold { before, after } => (Some(before), Some(after)),
            AmbiguousOffset::Gap { .. } => (None, None),
        };
        [one, two].into_iter().flatten().filter_map(move |offset| offset.to_timestamp(wall).ok())
    }
}

impl Walk<'_> {
    pub(super) fn windows(&mut self, value: &Node<'_>) {
        let Some(table) = self.table(value, "`windows`") else { return };
        for Entry { key, value, .. } in entries_of(table) {
            let window = self.window(key, value);
            self.windows.push(window);
        }
    }

    fn window(&mut self, name: &str, value: &Node<'_>) -> Window {
        let mut window = Window { name: name.to_owned(), zone: TimeZone::UTC, days: [true; 7], hours: Vec::new() };
        let place = "a window";
        let Some(table) = self.table(value, &format!("the window {}", quoted(name))) else { return window };
        for Entry { key, span, value } in entries_of(table) {
            match key {
                "timezone" => window.zone = self.zone(value).unwrap_or(TimeZone::UTC),
                "days" => window.days = self.days(value),
                "hours" => window.hours = self.hours(value),
                key => self.unknown_key(key, span, place, WINDOW),
            }
        }
        if !table.contains_key("timezone") {
            self.missing_key(value.span(), place, "timezone");
        }
        if !table.contains_key("hours") {
            window.hours.push(Hours { opens: Time::midnight(), closes: None });
        }
        window
    }

    fn zone(&mut self, value: &Node<'_>) -> Option<TimeZone> {
        let name = self.text(value, "`timezone`")?;
        let zones = jiff::tz::db();
        match zones.get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let message = format!("{} is no time zone", quoted(name));
                let known: Vec<String> = zones.available().map(|zone| zone.as_str().to_lowercase()).collect();
                let near = meant(name, known.iter().map(String::as_str));
                let near =
                    near.and_then(|near| zones.available().find(|zone| zone.as_str().eq_ignore_ascii_case(near)));
                let remedy = fixed(name).or(near.map(|near| format!("did you mean `{}`?", near.as_str())));
                let remedy =
                    remedy.unwrap_or_else(|| "write an IANA name, such as `Europe/Berlin` or `UTC`".to_owned());
                self.error_with(code::BAD_ZONE, value.span(), message, remedy);
                None
            }
        }
    }

    /// `["mon-fri", "sun"]`; a range may run over the end of the week.
    fn days(&mut self, value: &Node<'_>) -> [bool; 7] {
        let mut days = [false; 7];
        for (text, span) in self.some_texts(value, "`days`") {
            let (first, last) = text.split_once('-').unwrap_or((&text, &text));
            match (day(first.trim()), day(last.trim())) {
                (Some(first), Some(last)) => {
                    for n in 0..=(last + 7 - first) % 7 {
                        if let Some(day) = days.get_mut((first + n) % 7) {
                            *day = true;
                        }
                    }
                }
                _ => {
                    let message = format!("{} is no day and no range of days", quoted(&text));
                    self.error_with(code::BAD_WINDOW, span, message, "write `mon`, or `mon-fri`");
                }
            }
        }
        days
    }

    /// `["22:00-05:00"]`; past midnight where the end is not later than the beginning.
    fn hours(&mut self, value: &Node<'_>) -> Vec<Hours> {
        let mut all = Vec::new();
        for (text, span) in self.some_texts(value, "`hours`") {
            let hours = text.split_once('-').and_then(|(opens, closes)| {
                let closes = closes.trim();
                let closes = if closes == "24:00" { None } else { Some(time_of_day(closes)?) };
                Some(Hours { opens: time_of_day(opens.trim())?, closes })
            });
            match hours {
                Some(hours) => {
                    if hours.never_opens() {
                        let message = "it closes at the time at which it opens, so it never opens";
                        self.lint(code::NEVER_OPENS, span, message, "the whole day is `00:00-24:00`");
                    }
                    all.push(hours);
                }
                None => {
                    let message = format!("{} is no range of hours", quoted(&text));
                    self.error_with(code::BAD_WINDOW, span, message, "write `22:00-05:00`");
                }
            }
        }
        all
    }

    /// Names of windows: one, or a list of which any may be open. As places in the list of windows.
    pub(super) fn window_names(&mut self, value: &Node<'_>, what: &str) -> Vec<usize> {
        let mut found = Vec::new();
        for (name, span) in self.some_texts(value, what) {
            match self.windows.iter().position(|window| window.name == name) {
                Some(place) => found.push(place),
                None => {
                    let known: Vec<&str> = self.windows.iter().map(|window| window.name.as_str()).collect();
                    let remedy = match known.is_empty() {
                        true => "the file has no `[windows.…]`".to_owned(),
                        false => super::finding::suggest(&name, &known),
                    };
                    self.error_with(code::UNKNOWN_WINDOW, span, format!("no window {}", quoted(&name)), remedy);
                }
            }
        }
        found
    }

    /// One text, or a list of at least one.
    pub(super) fn some_texts(&mut self, value: &Node<'_>, what: &str) -> Vec<(String, core::ops::Range<usize>)> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.text(value, what).map(|text| (text.to_owned(), value.span())).into_iter().collect();
        };
        if array.is_empty() {
            self.error(code::EMPTY, value.span(), format!("{what} is empty"));
        }
        array.iter().filter_map(|one| Some((self.text(one, what)?.to_owned(), one.span()))).collect()
    }
}

/// The number of a day, from Monday.
fn day(name: &str) -> Option<usize> {
    DAYS.iter().position(|short| *short == name)
}

/// `HH:MM`.
fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse::<i8>().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// What to write for `GMT+1` and `UTC+1`, which people say of clocks that are ahead; IANA turns the sign round.
fn fixed(name: &str) -> Option<String> {
    let rest = name.get(..3).filter(|zone| zone.eq_ignore_ascii_case("gmt") || zone.eq_ignore_ascii_case("utc"))?;
    let hours: i32 = name.get(rest.len()..)?.strip_suffix(":00").unwrap_or(name.get(rest.len()..)?).parse().ok()?;
    let place = "name a place, such as `Europe/Berlin`, whose summer time is then known";
    let sign = if hours > 0 { '-' } else { '+' };
    let (way, many) = (if hours > 0 { "ahead of" } else { "behind" }, hours.unsigned_abs());
    let unit = if many == 1 { "hour" } else { "hours" };
    (1..=12).contains(&many).then(|| format!("{place}; `Etc/GMT{sign}{many}` is always {many} {unit} {way} UTC"))
}

#[cfg(test)]
mod tests;
