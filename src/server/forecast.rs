//! The forecast of the first screen: what the journal says waits, against what the lanes say they may ask and send.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::api::{ForecastView, LaneView, QuotaView};
use crate::journal::{Api, NowNumbers, TenantId};
use scanhook_core::forecast::{Prospect, Rate, prospect};
use scanhook_core::storm;
use scanhook_core::time::Timestamp;

/// What a lane says of itself.
pub type LaneBoard = (LaneView, BTreeMap<String, QuotaView>);

/// What will become of what waits for the directory, all tenants together. A lane that is stopped or paused does not
/// count the time meanwhile, so it is taken as one that goes on now.
#[must_use]
pub fn of_directory(
    numbers: &NowNumbers,
    boards: &BTreeMap<TenantId, LaneBoard>,
    now: Timestamp,
) -> ForecastView {
    let (mut view, mut first) = (ForecastView::default(), None::<Timestamp>);
    for (tenant, waits) in &numbers.tenants {
        for (api, awaiting) in &waits.awaiting {
            let rate = rate(boards.get(tenant), api);
            let Prospect {
                answered,
                held,
                first_ends,
                ..
            } = prospect(awaiting, &rate, now);
            view.resolving += awaiting.iter().map(|one| one.decisions).sum::<u64>();
            view.questions += awaiting.iter().map(|one| one.questions).sum::<u64>();
            view.per_minute += u64::from(rate.per_minute);
            view.will_be_answered += answered;
            view.will_be_held += held;
            first = [first, first_ends].into_iter().flatten().min();
        }
    }
    view.first_ends_at = first.map(|first| first.to_string());
    view
}

/// When the last of the waiting scans will have left; `None`: none waits, or a lane that has some is stopped.
#[must_use]
pub fn last_leaves(
    numbers: &NowNumbers,
    boards: &BTreeMap<TenantId, LaneBoard>,
    now: Timestamp,
) -> Option<Timestamp> {
    let waiting = numbers.tenants.iter().filter(|(_, of)| of.waiting > 0);
    let leaves = waiting.map(|(tenant, of)| {
        let (lane, _) = boards.get(tenant)?;
        if lane.stopped.is_some() {
            return None;
        }
        let closed_until = lane.paused_until.as_deref().and_then(Timestamp::parse);
        let rate = Rate {
            closed_until,
            ..rate(boards.get(tenant), Api::Scan.code())
        };
        rate.when(of.waiting, now)
    });
    leaves.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// How long so many scans in the queue of a tenant take to leave, were nothing in their way; `None`: nobody knows, because
/// nothing is sent.
#[must_use]
pub fn queue_takes(waiting: u64, board: Option<&LaneBoard>, now: Timestamp) -> Option<Duration> {
    let (lane, _) = board?;
    if lane.stopped.is_some() {
        return None;
    }
    if waiting <= storm::FEW {
        return Some(Duration::ZERO);
    }
    let leaves = rate(board, Api::Scan.code()).when(waiting, now)?;
    Some(leaves.since(now))
}

/// A storm in words: what will be held, and what waits.
#[must_use]
pub fn storm_text(directory: &ForecastView, waiting: u64, leaves: Option<&str>) -> String {
    let mut parts = Vec::new();
    if directory.resolving > 0 {
        let first = directory.first_ends_at.as_deref().unwrap_or_default();
        parts.push(format!(
            "{} decisions wait for {} questions to the directory at {} a minute: {} will be answered in time, \
             {} will be held; the first waits until {first}",
            directory.resolving,
            directory.questions,
            directory.per_minute,
            directory.will_be_answered,
            directory.will_be_held,
        ));
    }
    if let Some(leaves) = leaves.filter(|_| waiting > storm::FEW) {
        parts.push(format!("{waiting} scans wait, the last leaves at {leaves}"));
    }
    parts.join("; ")
}

/// What a lane may do with an API; as with scan calls, where it has not used that yet.
fn rate(board: Option<&LaneBoard>, api: &str) -> Rate {
    let Some((_, quota)) = board else {
        return Rate::default();
    };
    let unused = || {
        quota.values().next().map(|of| QuotaView {
            minute: 0,
            hour: 0,
            ..*of
        })
    };
    let of = quota.get(api).copied().or_else(unused).unwrap_or_default();
    Rate {
        per_minute: of.effective_per_minute,
        per_hour: of.effective_per_hour,
        used_minute: of.minute,
        used_hour: of.hour,
        closed_until: None,
    }
}
