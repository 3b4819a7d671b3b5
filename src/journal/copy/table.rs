//! A table as both databases have it: its rows one after the other in the order of its key, and a digest of them.

use rusqlite::types::ValueRef;
use sha2::{Digest as _, Sha256};

use super::super::db::{
    Connection, DbResult, Kind, Postgres, Refusal, Row, SentValue, without_nul,
};
use super::super::error::JournalError;
use super::super::rows::all;
use super::refusal::CopyRefusal;

/// Rows and bytes that are sent at a time.
const MOST_ROWS: usize = 4_000;
const MOST_BYTES: usize = 2 << 20;

/// Rows that are fetched at a time: at first, and at most. Any of them may have the largest body that is taken.
const FEWEST: usize = 16;
const MOST: usize = 256;

/// A table.
pub(super) struct CopiedTable {
    pub(super) name: &'static str,
    columns: Vec<(String, Kind)>,
    /// The columns of its key, by which its rows have one order in both.
    key: Vec<String>,
}

/// What its rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableDigest {
    pub(super) rows: u64,
    hash: Vec<u8>,
}

impl CopiedTable {
    /// The table with the columns that both have of it.
    pub(super) fn of(
        name: &'static str,
        from: &Connection,
        into: &Connection,
    ) -> Result<CopiedTable, CopyRefusal> {
        let known = |error: JournalError| Refusal::Other(error.to_string());
        let sql = "SELECT name, pk FROM pragma_table_info(?) ORDER BY name";
        let here: Vec<(String, i64)> =
            all(from, sql, [name], |row| Ok((row.get(0)?, row.get(1)?))).map_err(known)?;
        let sql = "SELECT CAST(attname AS TEXT), CAST(CAST(atttypid AS regtype) AS TEXT) FROM pg_attribute
             WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY CAST(attname AS TEXT) COLLATE \"C\"";
        let there: Vec<(String, String)> =
            all(into, sql, [name], |row| Ok((row.get(0)?, row.get(1)?))).map_err(known)?;
        let columns: Option<Vec<(String, Kind)>> = there
            .into_iter()
            .map(|(column, of)| Some((column, kind(&of)?)))
            .collect();
        let columns = columns.unwrap_or_default();
        let same = columns.iter().map(|(column, _)| column);
        if columns.is_empty() || !same.eq(here.iter().map(|(column, _)| column)) {
            let why = format!("its table `{name}` has other columns than that of the database");
            return Err(CopyRefusal::Unreadable(why));
        }
        let mut key: Vec<(i64, String)> = here
            .into_iter()
            .filter(|(_, place)| *place > 0)
            .map(|(column, place)| (place, column))
            .collect();
        key.sort();
        Ok(CopiedTable {
            name,
            columns,
            key: key.into_iter().map(|(_, column)| column).collect(),
        })
    }

    fn select(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        let order = match self.key.as_slice() {
            [] => String::new(),
            key => format!(" ORDER BY {}", key.join(", ")),
        };
        format!("SELECT {} FROM {}{order}", names.join(", "), self.name)
    }

    /// Shows each row, and never holds more than a few of them.
    fn walk(
        &self,
        db: &Connection,
        each: &mut dyn FnMut(&Row<'_>) -> DbResult<usize>,
    ) -> DbResult<()> {
        if db.sqlite().is_some() {
            let select = self.select();
            let mut statement = db.prepare_cached(&select)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(&row)?;
            }
            return Ok(());
        }
        let (cursor, select) = (format!("walk_{}", self.name), self.select());
        db.execute_batch(&format!("DECLARE {cursor} NO SCROLL CURSOR FOR {select}"))?;
        let mut most = FEWEST;
        loop {
            let mut statement = db.prepare_cached(&format!("FETCH {most} FROM {cursor}"))?;
            let mut rows = statement.query([])?;
            let (mut fetched, mut bytes) = (0, 0);
            while let Some(row) = rows.next()? {
                (fetched, bytes) = (fetched + 1, bytes + each(&row)?);
            }
            if fetched < most {
                break;
            }
            // By what rows of this table were like so far: those with bodies are large.
            if bytes > MOST_BYTES {
                most = (most / 4).max(1);
            } else if bytes < MOST_BYTES / 16 {
                most = (most * 4).min(MOST);
            }
        }
        db.execute_batch(&format!("CLOSE {cursor}"))
    }

    /// What its rows are in one of the two.
    pub(super) fn digest(&self, db: &Connection) -> DbResult<TableDigest> {
        let mut digest = RowDigest::default();
        self.walk(db, &mut |row| digest.add(row, self.columns.len()))?;
        Ok(digest.whole())
    }

    /// Copies its rows; what they were.
    pub(super) fn copy(&self, from: &Connection, into: &Postgres) -> DbResult<TableDigest> {
        let mut digest = RowDigest::default();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        self.walk(from, &mut |row| {
            let size = digest.add(row, self.columns.len())?;
            let values = self.columns.iter().enumerate();
            let values = values.map(|(at, (_, kind))| SentValue::read(*kind, row.get_ref(at)?));
            batch.push(values.collect::<DbResult<Vec<_>>>()?);
            bytes += size;
            if batch.len() >= MOST_ROWS || bytes >= MOST_BYTES {
                into.fill(self.name, &self.columns, &batch)?;
                batch.clear();
                bytes = 0;
            }
            Ok(size)
        })?;
        if !batch.is_empty() {
            into.fill(self.name, &self.columns, &batch)?;
        }
        Ok(digest.whole())
    }
}

/// What is known of the rows so far.
#[derive(Default)]
struct RowDigest {
    rows: u64,
    hash: Sha256,
}

impl RowDigest {
    /// Adds a row; how large it is.
    fn add(&mut self, row: &Row<'_>, columns: usize) -> DbResult<usize> {
        let mut size = 0;
        let mut bytes = |kind: u8, bytes: &[u8]| {
            self.hash.update([kind]);
            self.hash.update((bytes.len() as u64).to_be_bytes());
            self.hash.update(bytes);
            size += bytes.len();
        };
        for column in 0..columns {
            match row.get_ref(column)? {
                ValueRef::Null => bytes(0, &[]),
                ValueRef::Integer(number) => bytes(1, &number.to_be_bytes()),
                ValueRef::Real(number) => bytes(2, &number.to_be_bytes()),
                ValueRef::Text(text) => bytes(3, &without_nul(text)),
                ValueRef::Blob(blob) => bytes(4, blob),
            }
        }
        self.rows += 1;
        Ok(size)
    }

    fn whole(self) -> TableDigest {
        TableDigest {
            rows: self.rows,
            hash: self.hash.finalize().to_vec(),
        }
    }
}

fn kind(of: &str) -> Option<Kind> {
    Some(match of {
        "bigint" => Kind::Int,
        "boolean" => Kind::Bool,
        "text" => Kind::Text,
        "bytea" => Kind::Blob,
        "uuid" => Kind::Uuid,
        _ => return None,
    })
}
