//! Reads `[windows]`, and the names of windows.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use toml::de::DeValue;

use super::walk::{KeyValue, Keys, Node, Walk, entries_of};
use crate::rules::finding::{code, quoted, suggest};
use crate::rules::window::{DAYS, Hours, Window};
use crate::suggestion::nearest;

impl Walk<'_> {
    pub(super) fn windows(&mut self, value: &Node<'_>) {
        let Some(table) = self.table(value, "`windows`") else {
            return;
        };
        for KeyValue { key, value, .. } in entries_of(table) {
            let window = self.window(key, value);
            self.windows.push(window);
        }
    }

    fn window(&mut self, name: &str, value: &Node<'_>) -> Window {
        let mut window = Window {
            name: name.to_owned(),
            zone: TimeZone::UTC,
            days: [true; 7],
            hours: Vec::new(),
        };
        let place = "a window";
        let Some(table) = self.table(value, &format!("the window {}", quoted(name))) else {
            return window;
        };
        let mut keys = Keys::within(table);
        match keys.take("timezone") {
            Some(zone) => window.zone = self.zone(zone).unwrap_or(TimeZone::UTC),
            None => self.missing_key(value.span(), place, "timezone"),
        }
        if let Some(days) = keys.take("days") {
            window.days = self.days(days);
        }
        match keys.take("hours") {
            Some(hours) => window.hours = self.hours(hours),
            None => window.hours.push(Hours {
                opens: Time::midnight(),
                closes: None,
            }),
        }
        self.no_other_key(&keys, place);
        window
    }

    fn zone(&mut self, value: &Node<'_>) -> Option<TimeZone> {
        let name = self.text(value, "`timezone`")?;
        let zones = jiff::tz::db();
        match zones.get(name) {
            Ok(zone) => Some(zone),
            Err(_) => {
                let message = format!("{} is not a time zone", quoted(name));
                let known: Vec<String> = zones
                    .available()
                    .map(|zone| zone.as_str().to_lowercase())
                    .collect();
                let near = nearest(name, known.iter().map(String::as_str));
                let near = near.and_then(|near| {
                    zones
                        .available()
                        .find(|zone| zone.as_str().eq_ignore_ascii_case(near))
                });
                let remedy =
                    fixed(name).or(near.map(|near| format!("did you mean `{}`?", near.as_str())));
                let remedy = remedy.unwrap_or_else(|| {
                    "write an IANA name, such as `Europe/Berlin` or `UTC`".to_owned()
                });
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
                    let message = format!("{} is neither a day nor a range of days", quoted(&text));
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
                let closes = if closes == "24:00" {
                    None
                } else {
                    Some(time_of_day(closes)?)
                };
                Some(Hours {
                    opens: time_of_day(opens.trim())?,
                    closes,
                })
            });
            match hours {
                Some(hours) => {
                    if hours.never_opens() {
                        let message = "it closes at the time at which it opens, so it never opens";
                        self.lint(
                            code::NEVER_OPENS,
                            span,
                            message,
                            "the whole day is `00:00-24:00`",
                        );
                    }
                    all.push(hours);
                }
                None => {
                    let message = format!("{} is not a range of hours", quoted(&text));
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
                    let known: Vec<&str> = self
                        .windows
                        .iter()
                        .map(|window| window.name.as_str())
                        .collect();
                    let remedy = match known.is_empty() {
                        true => "the file has no `[windows.…]`".to_owned(),
                        false => suggest(&name, &known),
                    };
                    self.error_with(
                        code::UNKNOWN_WINDOW,
                        span,
                        format!("no window {}", quoted(&name)),
                        remedy,
                    );
                }
            }
        }
        found
    }

    /// One text, or a list of at least one.
    pub(super) fn some_texts(
        &mut self,
        value: &Node<'_>,
        what: &str,
    ) -> Vec<(String, core::ops::Range<usize>)> {
        let DeValue::Array(array) = value.get_ref() else {
            return self
                .text(value, what)
                .map(|text| (text.to_owned(), value.span()))
                .into_iter()
                .collect();
        };
        if array.is_empty() {
            self.error(code::EMPTY, value.span(), format!("{what} is empty"));
        }
        array
            .iter()
            .filter_map(|one| Some((self.text(one, what)?.to_owned(), one.span())))
            .collect()
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
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| digits.parse::<i8>().ok())
            .flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

/// What to write for `GMT+1` and `UTC+1`, which people say of clocks that are ahead; IANA turns the sign round.
fn fixed(name: &str) -> Option<String> {
    let rest = name
        .get(..3)
        .filter(|zone| zone.eq_ignore_ascii_case("gmt") || zone.eq_ignore_ascii_case("utc"))?;
    let hours: i32 = name
        .get(rest.len()..)?
        .strip_suffix(":00")
        .unwrap_or(name.get(rest.len()..)?)
        .parse()
        .ok()?;
    let place = "name a place, such as `Europe/Berlin`, whose summer time is then known";
    let sign = if hours > 0 { '-' } else { '+' };
    let (way, many) = (
        if hours > 0 { "ahead of" } else { "behind" },
        hours.unsigned_abs(),
    );
    let unit = if many == 1 { "hour" } else { "hours" };
    (1..=12)
        .contains(&many)
        .then(|| format!("{place}; `Etc/GMT{sign}{many}` is always {many} {unit} {way} UTC"))
}

#[cfg(test)]
mod tests;
