//! What headers and short texts of an answer say, read with care.

use core::time::Duration;

use http::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};

use scanhook_core::time::Timestamp;

/// A foreign text fit for a terminal and a log: no control or direction characters, at most so many characters.
pub(super) fn shown(text: &str, most: usize) -> String {
    let plain = |c: char| match c {
        '\u{2028}'
        | '\u{2029}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    let mut chars = text.trim().chars().map(plain);
    let mut short: String = chars.by_ref().take(most).collect();
    if chars.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// How long to stay away, from 1 to 3600 s; `missing` where the answer does not say it in words we know. A date counts from the answer's own `Date`, so that no clock is needed
/// and no difference of clocks hurts.
#[must_use]
pub fn pause(headers: &HeaderMap, missing: Duration) -> Duration {
    let Some(text) = headers
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .map(str::trim)
    else {
        return missing;
    };
    let seconds = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        Some(text.parse::<u64>().unwrap_or(u64::MAX))
    } else {
        let date = headers
            .get(DATE)
            .and_then(|v| v.to_str().ok())
            .and_then(http_date);
        http_date(text)
            .zip(date)
            .map(|(until, date)| u64::try_from(until.saturating_sub(date)).unwrap_or(0))
    };
    seconds.map_or(missing, |seconds| {
        Duration::from_secs(seconds.clamp(1, 3600))
    })
}

/// What the far side's clock said when it answered.
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    let seconds = http_date(headers.get(DATE)?.to_str().ok()?)?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

/// Unix seconds of an HTTP date in the one form still sent, which is a mail date as well.
fn http_date(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text.trim())
        .ok()
        .map(|t| t.as_second())
}

/// Whether an answer says that it is JSON, as all of Defender's and Entra's are.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let said = headers
        .get(CONTENT_TYPE)
        .and_then(|said| said.to_str().ok())
        .unwrap_or_default();
    said.trim_start()
        .to_ascii_lowercase()
        .starts_with("application/json")
}
