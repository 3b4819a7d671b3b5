//! A journal that moves from a file into a database: all rows with their ids, in one transaction, which ends only when the
//! database has shown the same rows. Then the file is marked as moved, and only read from then on. Whoever is cut off on
//! the way leaves an empty database and a file that can be served; between the two COMMITs, a database that is full and a
//! file without its mark, which the same order then finds to be equal and marks.

mod refusal;
mod table;
mod target;

use std::path::Path;
use std::sync::Arc;

pub use refusal::CopyRefusal;

use super::archive::Archive;
use super::db::{Connection, DbError, DbResult, Lost, Postgres, Refusal, TABLES, Use};
use super::ids::Ids;
use super::moved::mark_moved;
use super::rows::all;
use super::schema::SCHEMA;
use super::store::Store;
use crate::settings::PostgresSettings;
use scanhook_core::time::Timestamp;
use table::{CopiedTable, TableDigest};
use target::NUMBERED;

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    pub rows: u64,
    /// Tables that have rows.
    pub tables: usize,
    /// All of it was there already, from an earlier order that was cut off before it could mark the file.
    pub before: bool,
}

/// Copies the journal of a file into an empty one, and marks the file as moved. Not from async code: it waits.
///
/// # Errors
/// What stands in the way.
pub fn copy_journal(
    path: &Path,
    at: &Arc<PostgresSettings>,
    ids: Ids,
    now: Timestamp,
) -> Result<Copied, CopyRefusal> {
    // Looked at first without a trace: a file that is no journal stays as it is, and none is made.
    drop(Archive::open(path, None, false)?);
    let store = Store::open(path, ids)?.only_for(false)?;
    let into: Connection = Postgres::open(at, Use::Writer, SCHEMA)?.into();
    let file = store.db.transaction()?;
    // Nobody serves it: whoever did is gone, and holds nothing.
    file.execute_batch("UPDATE lane SET until = 0; UPDATE replica SET seen_at = 0")?;
    let tables = tables(&file, &into)?;
    target::begin(&into)?;
    let filled = target::filled(&into)?;
    let before = filled.is_some();
    let read = match filled {
        Some(_) => digests(&file, &tables)?,
        None => fill(&file, &into, &tables)?,
    };
    for (table, read) in tables.iter().zip(&read) {
        if table.digest(&into)? != *read {
            return Err(match filled {
                Some(filled) => CopyRefusal::Filled(filled),
                None => CopyRefusal::Differs(table.name),
            });
        }
    }
    if !before {
        target::finish(&into)?;
        into.commit([]).map_err(|error| match error {
            DbError::Postgres(Lost::Unanswered(why)) => CopyRefusal::Unanswered(why),
            error => error.into(),
        })?;
    }
    mark_moved(&file, &at.to_string(), now)
        .and_then(|()| file.commit())
        .map_err(|error| CopyRefusal::Unmarked(error.to_string()))?;
    Ok(Copied {
        rows: read.iter().map(|table| table.rows).sum(),
        tables: read.iter().filter(|table| table.rows > 0).count(),
        before,
    })
}

/// All tables, each with what both have of it.
fn tables(file: &Connection, into: &Connection) -> Result<Vec<CopiedTable>, CopyRefusal> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let kept: Vec<String> = all(file, sql, [], |row| row.get(0))
        .map_err(|error| CopyRefusal::Unreadable(error.to_string()))?;
    if let Some(other) = kept.iter().find(|name| !TABLES.contains(&name.as_str())) {
        let why = format!("its table `{other}` has no place in the database");
        return Err(CopyRefusal::Unreadable(why));
    }
    let all = TABLES.iter().filter(|table| **table != NUMBERED);
    all.map(|table| CopiedTable::of(table, file, into))
        .collect()
}

fn digests(db: &Connection, tables: &[CopiedTable]) -> DbResult<Vec<TableDigest>> {
    tables.iter().map(|table| table.digest(db)).collect()
}

/// Copies all of it; what was read.
fn fill(
    file: &Connection,
    into: &Connection,
    tables: &[CopiedTable],
) -> Result<Vec<TableDigest>, CopyRefusal> {
    let Connection::Postgres(postgres) = into else {
        return Err(Refusal::Other("it is not PostgreSQL".to_owned()).into());
    };
    let read: DbResult<Vec<TableDigest>> = tables
        .iter()
        .map(|table| table.copy(file, postgres))
        .collect();
    let read = read?;
    let mut numbers = file.prepare_cached("SELECT name, seq FROM numbered")?;
    let mut numbers = numbers.query([])?;
    while let Some(row) = numbers.next()? {
        let (name, seq): (String, i64) = (row.get(0)?, row.get(1)?);
        let sql = "UPDATE numbered SET seq = ?2 WHERE name = ?1";
        into.execute(sql, super::db::params![name, seq])?;
    }
    Ok(read)
}
