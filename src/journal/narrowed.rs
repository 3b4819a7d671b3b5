//! The conditions that a filter comes to: those that were asked for and no others, so that SQLite chooses the index
//! that fits.

use super::candidates::{candidates, machines};
use super::db::{Connection, Value};
use super::error::JournalError;
use super::filter::Filter;
use super::retryable::AGAIN;
use super::rows;
use super::views::{LISTED_ALERTS, LISTED_DECISIONS};
use scanhook_core::alert::{AlertReason, AlertState};
use scanhook_core::time::Timestamp;

/// The states that `scan_listed` is of.
const LISTED_SCANS: &str = "'waiting', 'sending', 'unknown', 'running', 'dropped'";

/// Rows that are looked at for a page where no index tells which fit: it then goes on behind them.
pub(super) const WINDOW: i64 = 20_000;

/// The conditions of a statement, with their values.
#[derive(Default)]
pub(super) struct Narrowed {
    conditions: Vec<String>,
    pub(super) values: Vec<Value>,
    /// An index finds the rows; otherwise a window of them is looked at.
    pub(super) indexed: bool,
    pub(super) nothing: bool,
    /// There are rows below those that are looked at.
    pub(super) cut: bool,
    /// What is equal to the column by which the window is cut, which PostgreSQL does not conclude.
    joined: Option<&'static str>,
}

impl Narrowed {
    /// A condition whose question marks all stand for this value, if there is one.
    fn by(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.conditions
                .push(condition.replace('?', &format!("?{}", self.values.len())));
        }
    }

    /// One of these texts. `column` takes the list in place of its question mark.
    fn among(&mut self, condition: &str, texts: Vec<String>) {
        self.nothing |= texts.is_empty();
        self.one_of(condition, texts);
        self.indexed = true;
    }

    fn one_of(&mut self, condition: &str, texts: Vec<String>) {
        let from = self.values.len();
        self.values.extend(rows::texts(texts));
        let mut marks: Vec<_> = (from + 1..=self.values.len())
            .map(|n| format!("?{n}"))
            .collect();
        if marks.is_empty() {
            // Nothing is among these, and not every database takes an empty list.
            marks.push("NULL".to_owned());
        }
        self.conditions
            .push(condition.replace('?', &marks.join(", ")));
    }

    /// Narrows to a state. Those that are `listed` have an index of such rows in the order of the list, which is found by
    /// the very text of its condition.
    fn state(&mut self, table: &str, state: Option<String>, listed: &str) {
        if state
            .as_ref()
            .is_some_and(|state| listed.contains(&format!("'{state}'")))
        {
            self.conditions.push(format!("{table}.state IN ({listed})"));
            self.indexed = true;
        }
        self.by(&format!("{table}.state = ?"), state);
    }

    /// The rows of a table from one to another, where it is known that no others can fit.
    pub(super) fn rows(&mut self, column: &str, (low, high): (Option<i64>, Option<i64>)) {
        for column in [Some(column), self.joined].into_iter().flatten() {
            self.by(&format!("{column} >= ?"), low);
            self.by(&format!("{column} <= ?"), high);
        }
    }

    /// `+`: by the order of the list, and not by the index of times, whose rows would have to be sorted.
    fn times(&mut self, column: &str, filter: &Filter) {
        self.by(
            &format!("+{column} >= ?"),
            filter.since.map(Timestamp::millis),
        );
        self.by(
            &format!("+{column} <= ?"),
            filter.until.map(Timestamp::millis),
        );
    }

    /// Narrows alerts, `a` of deliveries `d`.
    pub(super) fn alerts(db: &Connection, filter: &Filter) -> Result<Narrowed, JournalError> {
        let mut narrow = Narrowed::default();
        narrow.by("a.alert_id = ?", filter.alert.clone());
        narrow.indexed = filter.alert.is_some();
        if let Some(devices) = devices(db, filter)? {
            let mentioned =
                "(a.delivery, a.n) IN (SELECT delivery, n FROM mention WHERE device IN (?))";
            narrow.among(mentioned, devices);
        }
        narrow.state(
            "a",
            filter
                .state
                .clone()
                .or_else(|| state_of(filter.reason.as_deref()?)),
            LISTED_ALERTS,
        );
        let decided =
            "EXISTS (SELECT 1 FROM decision d WHERE d.delivery = a.delivery AND d.n = a.n";
        match &filter.reason {
            Some(reason) if AlertReason::of_code(reason).is_none() => {
                narrow.by(
                    &format!("{decided} AND d.reason = ?)"),
                    Some(reason.clone()),
                );
            }
            reason => narrow.by("a.reason = ?", reason.clone()),
        }
        narrow.by(
            &format!("{decided} AND d.state = ?)"),
            filter.decision_state.clone(),
        );
        if let Some(of_tenants) = filter.of_tenants("d.tenant") {
            let seen = format!("{decided} AND {of_tenants})");
            let own = format!("({seen} OR a.source IN (?) AND NOT {decided}))");
            narrow.one_of(&own, filter.sources.clone());
        }
        narrow.by("a.source = ?", filter.source.clone());
        narrow.by("a.fields ->> '$.severity' = ?", filter.severity());
        narrow.by(&format!("{decided} AND d.rule = ?)"), filter.rule.clone());
        let tenant = "d.tenant = (SELECT id FROM tenant WHERE name = ?)";
        narrow.by(&format!("{decided} AND {tenant})"), filter.tenant.clone());
        narrow.times("d.received_at", filter);
        // SQLite goes from alerts to their deliveries by itself.
        if db.sqlite().is_none() && (filter.since.is_some() || filter.until.is_some()) {
            narrow.joined = Some("d.id");
        }
        Ok(narrow)
    }

    /// Narrows decisions, `d` about alerts `a`.
    pub(super) fn decisions(db: &Connection, filter: &Filter) -> Result<Narrowed, JournalError> {
        let mut narrow = Narrowed::default();
        narrow.by("a.alert_id = ?", filter.alert.clone());
        narrow.indexed = filter.alert.is_some();
        if let Some(devices) = devices(db, filter)? {
            narrow.among("d.device IN (?)", devices);
        }
        narrow.state("d", filter.state.clone(), LISTED_DECISIONS);
        narrow.by("d.reason = ?", filter.reason.clone());
        narrow.by("d.rule = ?", filter.rule.clone());
        narrow.by(
            "d.tenant = (SELECT id FROM tenant WHERE name = ?)",
            filter.tenant.clone(),
        );
        narrow.by("a.source = ?", filter.source.clone());
        narrow.by("d.severity = ?", filter.severity());
        if let Some(machine) = &filter.machine {
            let devices = "d.device IN (SELECT device FROM known_as WHERE name = ?)";
            narrow.by(
                &format!("{devices} AND d.machine = ?"),
                Some(machine.clone()),
            );
            narrow.indexed = true;
        }
        if let Some(scan) = filter.scan {
            narrow.by("d.scan = (SELECT id FROM scan WHERE uuid = ?)", Some(scan));
            narrow.indexed = true;
        }
        narrow.conditions.extend(filter.of_tenants("d.tenant"));
        narrow.by("d.id < ?", filter.after);
        narrow.times("d.at", filter);
        Ok(narrow)
    }

    /// Narrows scans `s`.
    pub(super) fn scans(db: &Connection, filter: &Filter) -> Result<Narrowed, JournalError> {
        let mut narrow = Narrowed::default();
        let of_alert = "s.id IN (SELECT d.scan FROM alert a JOIN decision d ON d.delivery = a.delivery AND d.n = a.n
                                 WHERE a.alert_id = ?)";
        narrow.by(of_alert, filter.alert.clone());
        narrow.indexed = filter.alert.is_some();
        if let Some(devices) = devices(db, filter)? {
            narrow.among("s.machine IN (?)", machines(db, &devices)?);
        }
        narrow.state("s", filter.state.clone(), LISTED_SCANS);
        // PostgreSQL finds `scan_listed` by it.
        narrow.conditions.push("+s.id > 0".to_owned());
        let listed = AGAIN
            .iter()
            .map(|outcome| format!("'{}'", outcome.code()))
            .collect::<Vec<_>>()
            .join(", ");
        if filter
            .reason
            .as_ref()
            .is_some_and(|reason| listed.contains(&format!("'{reason}'")))
        {
            narrow.conditions.push(format!("s.outcome IN ({listed})"));
            narrow.indexed = true;
        }
        narrow.by("s.outcome = ?", filter.reason.clone());
        narrow.by(
            "s.tenant = (SELECT id FROM tenant WHERE name = ?)",
            filter.tenant.clone(),
        );
        // With an offset PostgreSQL asks it of each scan, as SQLite does anyway, and not of all decisions at once.
        let each = if db.sqlite().is_none() {
            "LIMIT 1 OFFSET 0"
        } else {
            ""
        };
        let decided = |how: &str| {
            format!(
                "EXISTS (SELECT 1 FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                          WHERE d.scan = s.id AND {how} {each})"
            )
        };
        let by_rule = format!("(s.rule = ? OR {})", decided("d.rule = ?"));
        narrow.by(&by_rule, filter.rule.clone());
        narrow.by(&decided("a.source = ?"), filter.source.clone());
        narrow.by(&decided("a.fields ->> '$.severity' = ?"), filter.severity());
        narrow.by("s.machine = ?", filter.machine.clone());
        narrow.indexed |= filter.machine.is_some();
        narrow.by("s.kind = ?", filter.kind.clone());
        if let Some(paused) = filter.paused {
            let is = if paused { "IS NOT NULL" } else { "IS NULL" };
            narrow.conditions.push(format!("s.pause {is}"));
            narrow.indexed |= paused;
        }
        narrow.conditions.extend(filter.of_tenants("s.tenant"));
        narrow.by("s.id < ?", filter.after);
        narrow.times("s.created_at", filter);
        Ok(narrow)
    }

    /// Where a page of alerts goes on: behind an alert inside a delivery.
    pub(super) fn behind(&mut self, places: u32, after: Option<i64>) {
        self.by("a.delivery <= ?", after.map(|after| after >> places));
        self.by(&format!("(a.delivery << {places}) + a.n < ?"), after);
    }
}

/// Every condition, as the statement has it.
impl core::fmt::Display for Narrowed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (n, condition) in self.conditions.iter().enumerate() {
            write!(f, "{} {condition} ", if n == 0 { "WHERE" } else { "AND" })?;
        }
        Ok(())
    }
}

fn devices(db: &Connection, filter: &Filter) -> Result<Option<Vec<String>>, JournalError> {
    filter
        .device
        .as_ref()
        .map_or(Ok(None), |glob| candidates(db, glob))
}

/// The state of the alerts that have this reason.
fn state_of(reason: &str) -> Option<String> {
    let state = match AlertReason::of_code(reason)? {
        AlertReason::Guard | AlertReason::NoAlerts => AlertState::Ignored,
        AlertReason::Repeated => AlertState::Duplicate,
        _ => AlertState::Parked,
    };
    Some(state.code().to_owned())
}
