//! Which rows a page of a list is made of: those of the time that was asked for, and where no index tells which of them
//! fit, a window of them. Lists of alerts, decisions and scans share it.

use super::db::{Row, params, params_from_iter};
use super::error::JournalError;
use super::filter::Filter;
use super::narrowed::{Narrowed, WINDOW};
use super::reader::Reader;
use crate::api::{Page, Total};
use scanhook_core::time::Timestamp;

/// Rows of the longest page, and of one where nothing else is asked for.
pub const LONGEST_PAGE: u16 = 100;

/// Rows that a total is counted to.
const COUNTED: u64 = 10_000;

/// What alerts are counted in: their deliveries only where a time is asked for.
pub(super) const fn counted_alerts(filter: &Filter) -> &'static str {
    if filter.since.is_some() || filter.until.is_some() {
        "alert a JOIN delivery d ON d.id = a.delivery"
    } else {
        "alert a"
    }
}

/// What decisions are counted in: their alerts only where a source or an alert is asked for.
pub(super) const fn counted_decisions(filter: &Filter) -> &'static str {
    if filter.source.is_some() || filter.alert.is_some() {
        "decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n"
    } else {
        "decision d"
    }
}

impl<T> Page<T> {
    /// The same with how many there are in all, as far as that is known; a page that is the whole list says it by itself.
    pub(super) fn counted(mut self, total: Option<Total>) -> Page<T> {
        let shown = self.items.len() as u64;
        self.total = match total {
            Some(_) if self.next.is_none() => Some(Total::Exact(shown)),
            Some(Total::Exact(0)) => Some(Total::at_least(shown)),
            total => total,
        };
        self
    }
}

/// Splits off the page's continuation: one row more than a page was asked for. A page that is not full goes on below
/// the rows that were looked at (`low`), if there are any.
pub(super) fn page<T>(mut rows: Vec<(i64, T)>, most: usize, low: Option<i64>) -> Page<T> {
    let more = rows.len() > most;
    rows.truncate(most);
    let next = if more {
        rows.last().map(|(id, _)| *id)
    } else {
        low
    };
    let next = next.map(|id| id.to_string());
    Page {
        items: rows.into_iter().map(|(_, item)| item).collect(),
        next,
        total: None,
    }
}

pub(super) fn most(filter: &Filter) -> usize {
    usize::from(filter.limit.unwrap_or(LONGEST_PAGE).clamp(1, LONGEST_PAGE))
}

impl Reader<'_> {
    /// The rows of a statement that fit, one more than a page has at most.
    pub(super) fn gather<T>(
        &self,
        sql: &str,
        narrow: &Narrowed,
        most: usize,
        mut each: impl FnMut(&Row<'_>) -> Result<Option<T>, JournalError>,
    ) -> Result<Vec<T>, JournalError> {
        let mut found = Vec::new();
        if narrow.nothing {
            return Ok(found);
        }
        let step = self.db.step();
        for place in 0.. {
            let part = step.map(|step| format!("{sql} LIMIT {step} OFFSET {}", place * step));
            let mut statement = self.db.prepare_cached(part.as_deref().unwrap_or(sql))?;
            let mut rows = statement.query(params_from_iter(&narrow.values))?;
            let mut looked_at = 0;
            while let Some(row) = rows.next()? {
                looked_at += 1;
                found.extend(each(&row)?);
                if found.len() > most {
                    return Ok(found);
                }
            }
            if step.is_none_or(|step| looked_at < step) {
                break;
            }
        }
        Ok(found)
    }

    /// How many rows fit, as far as they are counted: of the rows that an index finds or that the window holds, 10,000 at
    /// most. Nothing on a page that is not the first; zero where only a look at each row would tell.
    pub(super) fn total(
        &self,
        narrow: &Narrowed,
        counted: &str,
        filter: &Filter,
    ) -> Result<Option<Total>, JournalError> {
        if filter.after.is_some() {
            return Ok(None);
        }
        if narrow.nothing || filter.device.is_some() || filter.title.is_some() {
            return Ok(Some(Total::Exact(0)));
        }
        let most = COUNTED + 1;
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {counted} {narrow} LIMIT {most}) AS found"
        );
        let found: i64 = self
            .db
            .prepare_cached(&sql)?
            .query_row(params_from_iter(&narrow.values), |row| row.get(0))?;
        let found = found.unsigned_abs();
        Ok(Some(if found > COUNTED {
            Total::at_least(COUNTED)
        } else if narrow.cut {
            Total::at_least(found)
        } else {
            Total::Exact(found)
        }))
    }

    /// Narrows to the rows that are looked at: those of the time that was asked for and, where no index tells which of
    /// them fit, a window that goes down from `after`. Returns where the next window begins.
    pub(super) fn bound(
        &self,
        narrow: &mut Narrowed,
        (table, time, column): (&str, &str, &str),
        filter: &Filter,
        after: Option<i64>,
    ) -> Result<Option<i64>, JournalError> {
        let (first, last) = self.rows_of(table, time, filter)?;
        if narrow.indexed || narrow.nothing {
            narrow.rows(column, (first, last));
            return Ok(None);
        }
        let ends = format!(
            "SELECT coalesce((SELECT min(id) FROM {table}), 0), coalesce((SELECT max(id) FROM {table}), 0)"
        );
        let (oldest, newest): (i64, i64) = self
            .db
            .prepare_cached(&ends)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let from = [after, last].into_iter().flatten().min().unwrap_or(newest);
        // Of a device each row is looked at from all sides, and a title is looked for in what an alert said.
        let window = if filter.device.is_some() || filter.title.is_some() {
            WINDOW / 4
        } else {
            WINDOW
        };
        let low = Some(from - window).filter(|low| *low > first.unwrap_or(oldest).max(oldest));
        // The window begins above the first row. One bound below: of two, SQLite might walk down to the lower.
        narrow.rows(column, (low.or(first), last));
        narrow.cut = low.is_some();
        Ok(low)
    }

    /// The first and the last row that lie in the time that was asked for. Rows follow each other as time does but where
    /// the clock was set back; so a window's worth of them is looked at, and where there are more from a time on, none is
    /// taken for the first.
    fn rows_of(
        &self,
        table: &str,
        time: &str,
        filter: &Filter,
    ) -> Result<(Option<i64>, Option<i64>), JournalError> {
        let (from, to) = (
            filter.since.map(Timestamp::millis),
            filter.until.map(Timestamp::millis),
        );
        let ask = |what: &str, order: &str| -> Result<(i64, Option<i64>), JournalError> {
            let sql = format!(
                "SELECT count(*), {what}(id) FROM (SELECT id FROM {table} WHERE {time} >= ? AND {time} <= ?
                   ORDER BY {time} {order} LIMIT {WINDOW}) AS found"
            );
            let span = params![from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX)];
            Ok(self
                .db
                .prepare_cached(&sql)?
                .query_row(span, |row| Ok((row.get(0)?, row.get(1)?)))?)
        };
        let first = match from {
            None => None,
            Some(_) => match ask("min", "ASC")? {
                (_, None) => Some(i64::MAX),
                (count, first) => first.filter(|_| count < WINDOW),
            },
        };
        let last = match to {
            None => None,
            Some(_) => ask("max", "DESC")?.1.or(Some(-1)),
        };
        Ok((first, last))
    }
}
