//! Scans that limits count have their places among those of their rule and of their tenant. Whether a limit of N is spent is
//! one look at the scan N places back: was it begun within the window? A transaction counts on from the highest place, and
//! remembers what it has looked at.

use std::collections::BTreeMap;

use super::db::{AskedAbout, Connection, KnownQuestion, Value};
use super::error::JournalError;
use super::keys::TenantId;
use scanhook_core::plan::AHEAD;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Limit;

/// Scans that are counted together: those of a tenant, or those of one of its rules, apart from dry ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Series<'r> {
    pub(super) tenant: TenantId,
    pub(super) dry: bool,
    pub(super) of: Counting<'r>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting<'r> {
    Tenant,
    /// `None`: what no rule asked for.
    Rule(Option<&'r str>),
}

/// The highest place, and when the scans at some places were begun.
struct Known {
    highest: i64,
    begun: BTreeMap<i64, i64>,
}

type SeriesKey = (i64, bool, Option<Option<String>>);

/// What a transaction knows of places.
#[derive(Default)]
pub(super) struct Places(BTreeMap<SeriesKey, Known>);

/// The texts of a series: its highest place, and when those at some places were begun. A text of its own for each, for no
/// index is found by one that serves all.
macro_rules! texts {
    ($place:literal, $of:literal) => {
        (
            concat!(
                "SELECT max(",
                $place,
                ") FROM scan WHERE tenant = ? AND dry = ? ",
                $of,
                "AND ",
                $place,
                " IS NOT NULL"
            ),
            concat!(
                "SELECT ",
                $place,
                ", created_at FROM scan WHERE tenant = ? AND dry = ? ",
                $of,
                "AND ",
                $place,
                " >= ? AND ",
                $place,
                " < ?"
            ),
        )
    };
}

impl Series<'_> {
    const fn texts(&self) -> (&'static str, &'static str) {
        match self.of {
            Counting::Tenant => texts!("of_tenant", ""),
            Counting::Rule(Some(_)) => texts!("of_rule", "AND rule = ? "),
            Counting::Rule(None) => texts!("of_rule", "AND rule IS NULL "),
        }
    }

    fn question(&self, sql: &'static str, more: &[i64]) -> KnownQuestion {
        let mut values = vec![Value::Int(self.tenant.0), Value::Bool(self.dry)];
        if let Counting::Rule(Some(rule)) = self.of {
            values.push(Value::Text(rule.to_owned()));
        }
        values.extend(more.iter().map(|place| Value::Int(*place)));
        KnownQuestion {
            sql,
            values,
            about: AskedAbout::Standing,
        }
    }

    /// Its highest place.
    pub(super) fn highest(&self) -> KnownQuestion {
        self.question(self.texts().0, &[])
    }

    fn key(&self) -> SeriesKey {
        let rule = match self.of {
            Counting::Tenant => None,
            Counting::Rule(rule) => Some(rule.map(str::to_owned)),
        };
        (self.tenant.0, self.dry, rule)
    }
}

impl Places {
    fn known(&mut self, db: &Connection, series: &Series<'_>) -> Result<&mut Known, JournalError> {
        let known = match self.0.entry(series.key()) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let asked = series.highest();
                let highest: Option<i64> = db.query_row(asked.sql, &asked, |row| row.get(0))?;
                place.insert(Known {
                    highest: highest.unwrap_or(0),
                    begun: BTreeMap::new(),
                })
            }
        };
        Ok(known)
    }

    /// The limit if it is spent, otherwise nothing: all that were begun after the scan that is as many places back as the
    /// limit has scans count as well.
    pub(super) fn used(
        &mut self,
        db: &Connection,
        series: &Series<'_>,
        limit: Option<Limit>,
        now: Timestamp,
    ) -> Result<u32, JournalError> {
        let Some(limit) = limit.filter(|limit| limit.scans > 0) else {
            return Ok(0);
        };
        let known = self.known(db, series)?;
        let place = known.highest + 1 - i64::from(limit.scans);
        if place > 0 && !known.begun.contains_key(&place) {
            // As many as a transaction may come to, where each question is a trip.
            let step = i64::try_from(db.step().unwrap_or(1)).unwrap_or(1);
            let until = (place + step).min(known.highest + 1);
            let asked = series.question(series.texts().1, &[place, until]);
            let mut statement = db.prepare_cached(asked.sql)?;
            let rows = statement.query_map(&asked, |row| Ok((row.get(0)?, row.get(1)?)))?;
            for row in rows {
                let (place, begun) = row?;
                known.begun.entry(place).or_insert(begun);
            }
        }
        let counts = now.minus(limit.per).millis() + 1..=now.plus(AHEAD).millis();
        let begun = known.begun.get(&place);
        Ok(begun
            .filter(|begun| counts.contains(begun))
            .map_or(0, |_| limit.scans))
    }

    /// A scan is begun, and this is its place.
    pub(super) fn next(
        &mut self,
        db: &Connection,
        series: &Series<'_>,
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let known = self.known(db, series)?;
        known.highest += 1;
        known.begun.insert(known.highest, now.millis());
        Ok(known.highest)
    }

    /// What a job has counted is not kept.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
