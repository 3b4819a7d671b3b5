//! Times as programs write them for people: Go's and Java's own texts, RFC 2822, web servers' logs. A text is an instant
//! if it says year, month, day, time and offset, each in a way that has one meaning.

use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::time::Timestamp;

/// No text that says a time is longer, in bytes.
const LONGEST: usize = 120;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

const LONG_MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What the words of a text have said so far.
#[derive(Default)]
struct TimeWords {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    /// Hours, minutes, seconds, nanoseconds.
    time: Option<(i8, i8, i8, i32)>,
    /// Afternoon: twelve hours are added; morning: twelve is zero.
    afternoon: Option<bool>,
    /// Seconds east of Greenwich.
    offset: Option<i32>,
    /// An offset in digits, beside which the name of a zone tells nothing new.
    in_digits: bool,
    /// A word that may be the name of a zone.
    zone: bool,
}

/// Reads such a text; `None` where anything is missing, said twice, or could mean something else.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let mut said = TimeWords::default();
    // What stands in brackets repeats the zone in words.
    let text = text.split_once('(').map_or(text, |(before, _)| before);
    for word in text
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '@'))
        .filter(|word| !word.is_empty())
    {
        // Go's reading of a monotonic clock, which is the last thing it writes.
        if word.starts_with("m=") {
            break;
        }
        said.word(word)?;
    }
    said.instant()
}

impl TimeWords {
    fn word(&mut self, word: &str) -> Option<()> {
        let lower = word.to_ascii_lowercase();
        let name = lower.trim_end_matches('.');
        if let Some(month) = month(name) {
            return once(&mut self.month, month);
        }
        match name {
            "am" | "pm" => return once(&mut self.afternoon, name == "pm"),
            "z" | "utc" | "gmt" | "ut" => return self.zoned(0, false),
            _ => {}
        }
        let is_letters = name.bytes().all(|b| b.is_ascii_alphabetic());
        if is_letters {
            let is_day = DAYS
                .iter()
                .any(|day| name.starts_with(day) && name.len() <= 9);
            let is_zone = word.len() <= 5 && word.bytes().all(|b| b.is_ascii_uppercase());
            self.zone |= is_zone && !is_day;
            return (is_day || is_zone).then_some(());
        }
        if let Some(digits) = name
            .strip_prefix("gmt")
            .or_else(|| name.strip_prefix("utc"))
        {
            return self.zoned(offset(digits)?, true);
        }
        if name.starts_with(['+', '-']) {
            return self.zoned(offset(name)?, true);
        }
        if name.contains(':') {
            return self.dated_time(name);
        }
        if name.contains(['/', '-']) {
            return self.date(name);
        }
        let number: i16 = name.parse().ok()?;
        match name.len() {
            4 => once(&mut self.year, number),
            1 | 2 => once(&mut self.day, i8::try_from(number).ok()?),
            _ => None,
        }
    }

    /// A time, perhaps with its date in front and its offset behind: `2026/11/02T08:15:42Z`, `02/Nov/2026:08:15:42`.
    fn dated_time(&mut self, word: &str) -> Option<()> {
        let apart = word
            .find('t')
            .filter(|at| word[..*at].ends_with(|c: char| c.is_ascii_digit()));
        let (date, time) = match apart {
            Some(at) => (Some(word.get(..at)?), word.get(at + 1..)?),
            None if word.contains('/') => word
                .split_once(':')
                .map(|(date, time)| (Some(date), time))?,
            None => (None, word),
        };
        if let Some(date) = date {
            self.date(date)?;
        }
        let (time, offset_text) = match time.find(['z', '+', '-']) {
            Some(at) => (time.get(..at)?, time.get(at..)?),
            None => (time, ""),
        };
        match offset_text {
            "" => {}
            "z" => self.zoned(0, false)?,
            digits => self.zoned(offset(digits)?, true)?,
        }
        let (time, afternoon) = match (time.strip_suffix("am"), time.strip_suffix("pm")) {
            (Some(time), _) => (time, Some(false)),
            (_, Some(time)) => (time, Some(true)),
            _ => (time, None),
        };
        if let Some(afternoon) = afternoon {
            once(&mut self.afternoon, afternoon)?;
        }
        once(&mut self.time, clock(time)?)
    }

    /// `2026/11/02`, `2026-11-02`, `02/Nov/2026`. Where month and day are both numbers behind each other, only a year in
    /// front tells which is which.
    fn date(&mut self, word: &str) -> Option<()> {
        let parts: Vec<&str> = word.split(['/', '-']).collect();
        let [first, second, third] = parts.as_slice() else {
            return None;
        };
        let (year, month_number, day) = match (first.len(), month(second)) {
            (4, named) => (first, named.or_else(|| second.parse().ok())?, third),
            (_, Some(named)) => (third, named, first),
            _ => return None,
        };
        if year.len() != 4 {
            return None;
        }
        once(&mut self.year, year.parse().ok()?)?;
        once(&mut self.month, month_number)?;
        once(&mut self.day, day.parse().ok()?)
    }

    /// An offset. `+0100 CET` and `GMT+0100` say it once, in two ways.
    fn zoned(&mut self, seconds: i32, in_digits: bool) -> Option<()> {
        if self.in_digits && in_digits {
            return None;
        }
        if in_digits || self.offset.is_none() {
            self.offset = Some(seconds);
        }
        self.in_digits |= in_digits;
        Some(())
    }

    fn instant(self) -> Option<Timestamp> {
        // The name of a zone alone may be that of several.
        if self.zone && !self.in_digits {
            return None;
        }
        let (hour, minute, second, nano) = self.time?;
        let hour = match self.afternoon {
            None => hour,
            Some(_) if !(1..=12).contains(&hour) => return None,
            Some(afternoon) => hour % 12 + if afternoon { 12 } else { 0 },
        };
        // A leap second is the one before it.
        let at = DateTime::new(
            self.year?,
            self.month?,
            self.day?,
            hour,
            minute,
            second.min(59),
            nano,
        )
        .ok()?;
        let instant = Offset::from_seconds(self.offset?)
            .ok()?
            .to_timestamp(at)
            .ok()?;
        Some(Timestamp::from_millis(instant.as_millisecond()))
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn month(name: &str) -> Option<i8> {
    let found = MONTHS.iter().position(|known| *known == name);
    let found = found.or_else(|| LONG_MONTHS.iter().position(|known| *known == name));
    found.and_then(|n| i8::try_from(n + 1).ok())
}

/// `+0100`, `+01:00` or `+01`, in seconds.
fn offset(text: &str) -> Option<i32> {
    let (sign, digits) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(digits), _) => (1, digits),
        (_, Some(digits)) => (-1, digits),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    let number: i32 = digits
        .parse()
        .ok()
        .filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let (hours, minutes) = match digits.len() {
        1 | 2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return None,
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// `08:15:42.613`, or `08:15`.
fn clock(text: &str) -> Option<(i8, i8, i8, i32)> {
    let mut parts = text.split(':');
    let (hour, minute, rest) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    if parts.next().is_some() {
        return None;
    }
    let (second, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let two = |text: &str| -> Option<i8> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok()).flatten()
    };
    let nanos = format!("{fraction:0<9}");
    let nanos = nanos
        .get(..9)
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let (hour, minute, second) = (two(hour)?, two(minute)?, two(second)?);
    (hour < 24 && minute < 60 && second <= 60).then_some((
        hour,
        minute,
        second,
        nanos.parse().ok()?,
    ))
}
