//! Ids as people write them: whole, or how they begin, if only one of the things that are meant begins so.

use uuid::Uuid;

use super::db::{Connection, params};
use super::error::JournalError;
use super::ids::decision_uuid;
use super::outcome::Done;
use super::reader::Reader;
use super::rows::all;
use super::selector::Wants;
use crate::api::ItemView;
use scanhook_core::time::Timestamp;

/// Hex digits that the beginning of an id has at least.
const SHORTEST: usize = 6;
/// Things that begin alike, of which an answer tells.
const TOLD: usize = 5;

/// An id, or the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPrefix {
    written: String,
    low: Uuid,
    high: Uuid,
}

impl IdPrefix {
    /// Reads an id, or at least six hex digits of its beginning; dashes may stand between them.
    #[must_use]
    pub fn parse(text: &str) -> Option<IdPrefix> {
        let written = text.to_owned();
        if let Ok(id) = Uuid::try_parse(text) {
            return Some(IdPrefix {
                written,
                low: id,
                high: id,
            });
        }
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if !(SHORTEST..32).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return None;
        }
        let filled = |with: &str| {
            Uuid::try_parse(&format!("{digits}{}", with.repeat(32 - digits.len()))).ok()
        };
        Some(IdPrefix {
            written,
            low: filled("0")?,
            high: filled("f")?,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// The id, where it is written as a whole.
    #[must_use]
    pub fn whole(&self) -> Option<Uuid> {
        (self.low == self.high).then_some(self.low)
    }

    fn means(&self, id: Uuid) -> bool {
        (self.low..=self.high).contains(&id)
    }

    /// The times that ids which begin so hold, in milliseconds.
    fn times(&self) -> (i64, i64) {
        let millis = |id: Uuid| i64::try_from(id.as_u64_pair().0 >> 16).unwrap_or(i64::MAX);
        (millis(self.low), millis(self.high))
    }
}

/// The decisions that are meant, as many as are told at most. The index of their times leads to them.
fn decisions(db: &Connection, named: &IdPrefix) -> Result<Vec<Uuid>, JournalError> {
    let (from, to) = named.times();
    let mut statement =
        db.prepare_cached("SELECT at, id FROM decision WHERE at BETWEEN ? AND ? ORDER BY at")?;
    let mut rows = statement.query(params![from, to])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id = decision_uuid(Timestamp::from_millis(row.get(0)?), row.get(1)?);
        if named.means(id) {
            found.push(id);
        }
        if found.len() == TOLD {
            break;
        }
    }
    Ok(found)
}

fn scans(db: &Connection, named: &IdPrefix) -> Result<Vec<Uuid>, JournalError> {
    let sql = format!("SELECT uuid FROM scan WHERE uuid BETWEEN ? AND ? LIMIT {TOLD}");
    all(db, &sql, params![named.low, named.high], |row| row.get(0))
}

/// A delivery's id holds the time it was accepted, which has an index where the id has none.
fn deliveries(db: &Connection, named: &IdPrefix) -> Result<Vec<Uuid>, JournalError> {
    let (from, to) = named.times();
    let sql = format!(
        "SELECT uuid FROM delivery WHERE received_at BETWEEN ? AND ? AND uuid BETWEEN ? AND ? LIMIT {TOLD}"
    );
    let about = (from.saturating_sub(60_000), to.saturating_add(60_000));
    all(
        db,
        &sql,
        params![about.0, about.1, named.low, named.high],
        |row| row.get(0),
    )
}

/// What an explanation may be of: a delivery or a decision.
pub(super) fn explained(db: &Connection, named: &IdPrefix) -> Result<Vec<Uuid>, JournalError> {
    let mut found = deliveries(db, named)?;
    found.extend(decisions(db, named)?);
    found.truncate(TOLD);
    Ok(found)
}

impl Reader<'_> {
    /// The one thing that an order of this kind may mean by it. An id that is written as a whole is not looked for.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn identify(
        &self,
        wants: Wants,
        named: &IdPrefix,
    ) -> Result<Result<Uuid, ItemView>, JournalError> {
        if let Some(id) = named.whole() {
            return Ok(Ok(id));
        }
        let mut found = if wants == Wants::Open {
            Vec::new()
        } else {
            decisions(self.db, named)?
        };
        if wants != Wants::Held {
            found.extend(scans(self.db, named)?);
        }
        if wants == Wants::Failed {
            found.extend(deliveries(self.db, named)?);
        }
        let not = |done: Done, candidates: Vec<String>| ItemView {
            id: named.written.clone(),
            result: Some(done.code().to_owned()),
            candidates,
            ..ItemView::default()
        };
        Ok(match found.as_slice() {
            [] => Err(not(Done::UnknownId, Vec::new())),
            [one] => Ok(*one),
            several => Err(not(
                Done::AmbiguousId,
                several.iter().take(TOLD).map(Uuid::to_string).collect(),
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_enough_and_dashes_do_not_count() {
        let id: Uuid = "01a19b54-1b98-7000-8000-000000000002"
            .parse()
            .unwrap_or_default();
        for text in [
            "01a19b",
            "01A19B54",
            "01a19b54-1b98",
            "01a19b541b987000",
            "01a19b54-1b98-7000-8000-00000000000",
        ] {
            assert!(
                IdPrefix::parse(text)
                    .is_some_and(|named| named.means(id) && named.whole().is_none()),
                "{text}"
            );
        }
        assert_eq!(
            IdPrefix::parse(&id.to_string()).and_then(|named| named.whole()),
            Some(id)
        );
        assert!(IdPrefix::parse("01a19c").is_some_and(|named| !named.means(id)));
        for text in [
            "",
            "x",
            "01a19",
            "01-a1-9",
            "01a19g",
            "01a19b54-1b98-7000-8000-0000000000022",
        ] {
            assert_eq!(IdPrefix::parse(text), None, "{text}");
        }
    }
}
