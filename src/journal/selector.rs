//! What a person narrows an order to, and the conditions of SQL that say so.

use super::db::{ToSql, Value};
use super::group_key::GroupKey;
use super::keys::TenantId;
use super::retryable::AGAIN;
use scanhook_core::alert::AlertState;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::scan::Reason;
use scanhook_core::time::Timestamp;

/// What an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Held,
    /// Scans of ours that are not over.
    Open,
    /// What came to nothing: scans, dropped decisions, parked deliveries.
    Failed,
}

/// What a selection is narrowed to; what is `None` narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    pub tenant: Option<TenantId>,
    /// One rule: of the decision, or the one that began the scan.
    pub rule: Option<String>,
    /// Devices, by any of their names.
    pub device: Option<DeviceGlob>,
    /// Decided, or received, since.
    pub since: Option<Timestamp>,
    /// Of these tenants alone, whatever else is asked for.
    pub tenants: Option<Vec<TenantId>>,
    /// What is held in one group.
    pub group: Option<GroupKey>,
    /// Held for this reason; in this state; come to nothing in this way.
    pub word: Option<String>,
}

impl Selector {
    /// The words that [`Selector::word`] may be for this order.
    #[must_use]
    pub fn words(wants: Wants) -> Vec<&'static str> {
        match wants {
            Wants::Held => Reason::ALL.iter().map(|reason| reason.code()).collect(),
            Wants::Open => vec!["waiting", "sending", "unknown", "running"],
            Wants::Failed => {
                let scans = AGAIN.iter().map(|outcome| outcome.code());
                scans
                    .chain(["expired", "denied", AlertState::Parked.code()])
                    .collect()
            }
        }
    }

    /// What was asked for and nothing else, so that SQLite chooses the index that fits.
    pub(super) fn conditions(
        &self,
        table: &str,
        time: &str,
    ) -> (String, Vec<(&'static str, Value)>) {
        let (mut conditions, mut values) = (String::new(), Vec::new());
        let mut by = |condition: String, name: &'static str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push_str(&format!(" AND {condition}"));
                values.push((name, value));
            }
        };
        by(
            format!("{table}.tenant = :tenant"),
            ":tenant",
            self.tenant.map(|tenant| tenant.0.into()),
        );
        by(
            format!("{table}.rule = :rule"),
            ":rule",
            self.rule.clone().map(Value::from),
        );
        by(
            format!("+{time} >= :since"),
            ":since",
            self.since.map(|since| since.millis().into()),
        );
        if let Some(tenants) = &self.tenants {
            conditions.push_str(&format!(" AND +{table}.tenant IN ({})", listed(tenants)));
        }
        if let Some(word) = &self.word {
            values.push((":word", word.clone().into()));
        }
        (conditions, values)
    }
}

/// Tenants as SQL lists them.
pub(super) fn listed(tenants: &[TenantId]) -> String {
    // No row has this one: a list of none means nothing.
    let none = core::iter::once(-1).filter(|_| tenants.is_empty());
    let ids = tenants.iter().map(|tenant| tenant.0).chain(none);
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(", ")
}

/// Values as a statement takes them.
pub(super) fn named<'v>(values: &'v [(&'static str, Value)]) -> Vec<(&'v str, &'v dyn ToSql)> {
    values
        .iter()
        .map(|(name, value)| (*name, value as &dyn ToSql))
        .collect()
}
