//! The query of a list: its keys are the long flags of the verb. A key or a value that the list does not know is refused,
//! so that a misspelt one never answers with everything, or with nothing.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;

use super::order::{ago, words};
use super::refusal::CommandError;
use crate::journal::{
    AuditFilter, Filter, GroupBy, LONGEST_PAGE, ListKind, Selected, Selector, TenantId, Wants,
};
use scanhook_core::alert::{MachineId, Severity};
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::scan::Kind;
use scanhook_core::time::Timestamp;

/// The keys of each list.
pub(super) const ALERTS: &[&str] = &[
    "device",
    "alert",
    "source",
    "tenant",
    "rule",
    "state",
    "reason",
    "severity",
    "since",
    "until",
    "limit",
    "after",
    "decision_state",
    "title",
    "q",
    "format",
];
pub(super) const DECISIONS: &[&str] = &[
    "device", "alert", "source", "tenant", "rule", "state", "reason", "severity", "since", "until",
    "limit", "after", "machine", "title", "q", "format",
];
pub(super) const SCANS: &[&str] = &[
    "device", "alert", "source", "tenant", "rule", "state", "reason", "severity", "since", "until",
    "limit", "after", "machine", "outcome", "kind", "paused", "format",
];
/// The keys of a summary.
pub(super) const SUMMARY: &[&str] = &["since", "until", "tenant"];
/// The keys of what rules came to.
pub(super) const WINDOW: &[&str] = &["window", "policy"];
/// The keys of the audit.
pub(super) const AUDIT: &[&str] = &[
    "subject", "what", "since", "until", "limit", "after", "format",
];
/// How far back a summary goes where nothing is said.
const A_DAY: core::time::Duration = core::time::Duration::from_secs(86_400);

/// The keys of what is held in groups.
pub(super) const HELD: &[&str] = &[
    "group", "tenant", "rule", "reason", "device", "since", "limit", "after", "format",
];
/// Rows of a page of groups, where nothing else is said, and at most.
const GROUPS: usize = 100;

/// What is held, as it is asked for: in which groups, of what, and which of them.
pub(super) struct HeldQuery {
    pub(super) by: GroupBy,
    pub(super) selector: Selector,
    /// Groups that are passed over, and how many are shown then.
    pub(super) page: (usize, usize),
}

/// What is held, in groups.
pub(super) fn held(
    pairs: Pairs,
    tenant: impl Fn(&str) -> Option<TenantId>,
    now: Timestamp,
) -> Result<HeldQuery, CommandError> {
    let mut query = HeldQuery {
        by: GroupBy::Alert,
        selector: Selector::default(),
        page: (0, GROUPS),
    };
    let selector = &mut query.selector;
    for (key, value) in known(HELD, pairs)? {
        let bad = |takes: String| CommandError::BadParameter { key, takes };
        let codes = |codes: Vec<&'static str>| bad(words(&codes));
        match key {
            "group" => {
                let all = || GroupBy::ALL.iter().map(|by| by.code()).collect();
                query.by = GroupBy::of_code(&value).ok_or_else(|| codes(all()))?;
            }
            "tenant" => {
                let named = tenant(&value);
                selector.tenant =
                    Some(named.ok_or_else(|| bad("the name of a configured tenant".to_owned()))?);
            }
            "rule" => selector.rule = Some(value),
            "reason" => {
                let all = Selector::words(Wants::Held);
                if !all.contains(&value.as_str()) {
                    return Err(codes(all));
                }
                selector.word = Some(value);
            }
            "device" => {
                let glob = DeviceGlob::parse(&value).map_err(|error| bad(error.to_string()))?;
                selector.device = Some(glob);
            }
            "since" => selector.since = Some(instant(key, &value, now)?),
            "limit" => {
                let limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=GROUPS).contains(limit));
                query.page.1 = limit.ok_or_else(|| bad(format!("a number from 1 to {GROUPS}")))?;
            }
            "after" => {
                let after = value.parse().ok();
                query.page.0 = after.ok_or_else(|| bad("the `next` of another page".to_owned()))?;
            }
            // Whoever writes the rows has read it.
            _ => {}
        }
    }
    Ok(query)
}

/// The place in a group, and how many are shown from there.
pub(super) fn members(pairs: Pairs) -> Result<(Option<String>, usize), CommandError> {
    let (mut after, mut most) = (None, GROUPS);
    for (key, value) in known(&["limit", "after"], pairs)? {
        if key == "limit" {
            most = usize::from(limit(key, &value)?);
        } else if Selected::is_place(&value) {
            after = Some(value);
        } else {
            let takes = "the `next` of another page".to_owned();
            return Err(CommandError::BadParameter { key, takes });
        }
    }
    Ok((after, most))
}

/// The pairs of a query, as they came.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

/// What a list is narrowed to.
pub(super) fn filter(list: ListKind, pairs: Pairs, now: Timestamp) -> Result<Filter, CommandError> {
    let mut filter = Filter::default();
    let keys = match list {
        ListKind::Alerts => ALERTS,
        ListKind::Decisions => DECISIONS,
        ListKind::Scans => SCANS,
    };
    for (key, value) in known(keys, renamed(list, pairs))? {
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
            "reason" | "outcome" => filter.reason = one_of(list.reasons())?,
            "decision_state" => filter.decision_state = one_of(ListKind::Decisions.states())?,
            "title" | "q" => filter.title = Some(value),
            "machine" => {
                let machine = MachineId::parse(&value).map(|id| id.to_string());
                let takes = || bad("a machine id of 40 hex digits".to_owned());
                filter.machine = Some(machine.ok_or_else(takes)?);
            }
            "kind" => filter.kind = one_of(Kind::ALL.iter().map(|kind| kind.code()).collect())?,
            "paused" => filter.paused = one_of(vec!["true", "false"])?.map(|is| is == "true"),
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
            "limit" => filter.limit = Some(limit(key, &value)?),
            "after" => filter.after = Some(place(key, &value)?),
            // Whoever writes the rows has read it.
            _ => {}
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
    for (key, value) in known(SUMMARY, pairs)? {
        match key {
            "since" => since = Some(instant(key, &value, now)?),
            "until" => until = Some(instant(key, &value, now)?),
            _ => tenant = Some(value),
        }
    }
    let until = until.unwrap_or(now);
    Ok((since.unwrap_or_else(|| until.minus(A_DAY)), until, tenant))
}

/// A query that takes no parameter.
pub(super) fn nothing(pairs: Pairs) -> Result<(), CommandError> {
    known(&[], pairs).map(|_| ())
}

/// The device that a list of machines is asked for.
pub(super) fn device(pairs: Pairs) -> Result<DeviceGlob, CommandError> {
    let bad = |takes: String| CommandError::BadParameter {
        key: "device",
        takes,
    };
    let asked = known(&["device"], pairs)?.pop();
    let (_, device) =
        asked.ok_or_else(|| bad("a name, an address, an id or a pattern".to_owned()))?;
    DeviceGlob::parse(&device).map_err(|error| bad(error.to_string()))
}

/// Since when rules are looked at, and by which policy; seven days where nothing is said.
pub(super) fn window(
    pairs: Pairs,
    now: Timestamp,
) -> Result<(Timestamp, Option<String>), CommandError> {
    let (mut since, mut policy) = (now.minus(A_DAY * 7), None);
    for (key, value) in known(WINDOW, pairs)? {
        if key == "window" {
            since = instant(key, &value, now)?;
        } else {
            policy = Some(value);
        }
    }
    Ok((since, policy))
}

/// What the audit is narrowed to.
pub(super) fn audit(pairs: Pairs, now: Timestamp) -> Result<AuditFilter, CommandError> {
    let mut filter = AuditFilter {
        limit: LONGEST_PAGE,
        ..AuditFilter::default()
    };
    for (key, value) in known(AUDIT, pairs)? {
        match key {
            "subject" => filter.subject = Some(value),
            "what" => filter.what = Some(value),
            "since" => filter.since = Some(instant(key, &value, now)?),
            "until" => filter.until = Some(instant(key, &value, now)?),
            "limit" => filter.limit = limit(key, &value)?,
            "after" => filter.after = Some(place(key, &value)?),
            _ => {}
        }
    }
    Ok(filter)
}

pub(super) fn limit(key: &'static str, value: &str) -> Result<u16, CommandError> {
    let limit = value.parse().ok();
    limit
        .filter(|limit| (1..=LONGEST_PAGE).contains(limit))
        .ok_or_else(|| CommandError::BadParameter {
            key,
            takes: format!("a number from 1 to {LONGEST_PAGE}"),
        })
}

fn place(key: &'static str, value: &str) -> Result<i64, CommandError> {
    value.parse().map_err(|_| CommandError::BadParameter {
        key,
        takes: "the `next` of another page".to_owned(),
    })
}

/// The source that a status is asked of, if it is one.
pub(super) fn source(pairs: Pairs) -> Result<Option<String>, CommandError> {
    Ok(known(&["source"], pairs)?.pop().map(|(_, value)| value))
}

/// Alerts were once asked for by `id`.
fn renamed(list: ListKind, mut pairs: Pairs) -> Pairs {
    if list == ListKind::Alerts
        && let Ok(Query(pairs)) = &mut pairs
    {
        let ids = pairs.iter_mut().filter(|(key, _)| key == "id");
        ids.for_each(|(key, _)| "alert".clone_into(key));
    }
    pairs
}

/// Each pair with a key that is known and stands there once.
pub(super) fn known(
    keys: &'static [&'static str],
    pairs: Pairs,
) -> Result<Vec<(&'static str, String)>, CommandError> {
    let unknown = |key: &str| CommandError::UnknownParameter {
        key: scanhook_core::plain::one_line(key, 80),
        takes: words(keys),
    };
    let mut read: Vec<(&'static str, String)> = Vec::new();
    for (key, value) in pairs.map_err(|_| unknown(""))?.0 {
        let key = *keys
            .iter()
            .find(|known| **known == key)
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
