//! The query of a list: its keys are the long flags of the verb. A key or a value that the list does not know is refused,
//! so that a misspelt one never answers with everything, or with nothing.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use super::order::{ago, words};
use super::refusal::CommandError;
use crate::journal::{Filter, LONGEST_PAGE, ListKind};
use scanhook_core::alert::Severity;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::time::Timestamp;

/// The keys of every list.
const KEYS: &[&str] = &[
    "device", "alert", "source", "tenant", "rule", "state", "reason", "severity", "since", "until",
    "limit", "after",
];
/// The keys of a summary.
const SUMMARY: &[&str] = &["since", "until", "tenant"];
/// How far back a summary goes where nothing is said.
const A_DAY: core::time::Duration = core::time::Duration::from_secs(86_400);

/// The pairs of a query, as they came.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// What a list is narrowed to.
pub(super) fn filter(list: ListKind, pairs: Pairs, now: Timestamp) -> Result<Filter, CommandError> {
    let mut filter = Filter::default();
    for (key, value) in known(KEYS, list, pairs)? {
        let bad = |takes: String| CommandError::BadParameter { key, takes };
        let one_of = |known: Vec<&'static str>| {
            if known.contains(&value.as_str()) {
                Ok(Some(value.clone()))
            } else {
                Err(bad(words(&known)))
            }
        };
        match key {
            "device" => {
                let glob = DeviceGlob::parse(&value).map_err(|error| bad(error.to_string()))?;
                filter.device = Some(glob);
            }
            "alert" => filter.alert = Some(value),
            "source" => filter.source = Some(value),
            "tenant" => filter.tenant = Some(value),
            "rule" => filter.rule = Some(value),
            "state" => filter.state = one_of(list.states())?,
            "reason" => filter.reason = one_of(list.reasons())?,
            "severity" => {
                let codes: Vec<_> = Severity::ALL
                    .iter()
                    .map(|severity| severity.code())
                    .collect();
                filter.severity =
                    Some(Severity::of_code(&value).ok_or_else(|| bad(words(&codes)))?);
            }
            "since" => filter.since = Some(instant(key, &value, now)?),
            "until" => filter.until = Some(instant(key, &value, now)?),
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=LONGEST_PAGE).contains(limit));
                filter.limit =
                    Some(limit.ok_or_else(|| bad(format!("a number from 1 to {LONGEST_PAGE}")))?);
            }
            _ => {
                let after = value.parse().ok();
                filter.after =
                    Some(after.ok_or_else(|| bad("the `next` of another page".to_owned()))?);
            }
        }
    }
    Ok(filter)
}

/// The span of a summary, and whose it is.
pub(super) fn span(
    pairs: Pairs,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp, Option<String>), CommandError> {
    let (mut since, mut until, mut tenant) = (None, None, None);
    for (key, value) in known(SUMMARY, ListKind::Decisions, pairs)? {
        match key {
            "since" => since = Some(instant(key, &value, now)?),
            "until" => until = Some(instant(key, &value, now)?),
            _ => tenant = Some(value),
        }
    }
    let until = until.unwrap_or(now);
    Ok((since.unwrap_or_else(|| until.minus(A_DAY)), until, tenant))
}

/// The source that a status is asked of, if it is one.
pub(super) fn source(pairs: Pairs) -> Result<Option<String>, CommandError> {
    Ok(known(&["source"], ListKind::Decisions, pairs)?
        .pop()
        .map(|(_, value)| value))
}

/// Each pair with a key that is known and stands there once. Alerts were once asked for by `id`.
fn known(
    keys: &'static [&'static str],
    list: ListKind,
    pairs: Pairs,
) -> Result<Vec<(&'static str, String)>, CommandError> {
    let unknown = |key: &str| CommandError::UnknownParameter {
        key: scanhook_core::plain::one_line(key, 80),
        takes: words(keys),
    };
    let mut read: Vec<(&'static str, String)> = Vec::new();
    for (key, value) in pairs.map_err(|_| unknown(""))?.0 {
        let asked = if list == ListKind::Alerts && key == "id" {
            "alert"
        } else {
            key.as_str()
        };
        let key = *keys
            .iter()
            .find(|known| **known == asked)
            .ok_or_else(|| unknown(&key))?;
        if read.iter().any(|(other, _)| *other == key) {
            return Err(CommandError::BadParameter {
                key,
                takes: "one value".to_owned(),
            });
        }
        read.push((key, value));
    }
    Ok(read)
}

fn instant(key: &'static str, text: &str, now: Timestamp) -> Result<Timestamp, CommandError> {
    let takes = || "a span such as 1h, or an instant such as 2026-11-02T08:00:00Z".to_owned();
    ago(text, now).ok_or_else(|| CommandError::BadParameter {
        key,
        takes: takes(),
    })
}
