//! The schema's versions, and how a journal of an older one becomes one of the newest.

use rusqlite::{Connection, OptionalExtension as _};

use super::error::OpenError;
use super::reader::STATEMENTS;

/// The schema this version writes; a newer one is refused, an older one is migrated step by step.
pub const SCHEMA: i64 = MIGRATIONS.len() as i64;

const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
];

/// The step after which names are read from what was stored: SQL alone does not know the letters of all scripts.
const NAMES: usize = 2;

/// "scnh": tells our database from any other SQLite file.
const APPLICATION: i64 = 0x7363_6e68;

/// The schema's version in the file, 0 for one that is empty, if the file is ours and not too new.
pub(super) fn recognize(db: &Connection) -> Result<i64, OpenError> {
    let pragma = |db: &Connection, name: &str| -> Result<i64, OpenError> {
        db.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .map_err(OpenError::sqlite)
    };
    let tables: Option<i64> = db
        .query_row("SELECT 1 FROM sqlite_schema LIMIT 1", [], |r| r.get(0))
        .optional()
        .map_err(OpenError::sqlite)?;
    if tables.is_some() && pragma(db, "application_id")? != APPLICATION {
        return Err(OpenError::Foreign);
    }
    let found = pragma(db, "user_version")?;
    if found > SCHEMA {
        return Err(OpenError::Newer {
            found,
            known: SCHEMA,
        });
    }
    Ok(found)
}

pub(super) fn migrate(db: &mut Connection) -> Result<(), OpenError> {
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    let done = usize::try_from(recognize(db)?).unwrap_or(0);
    for (version, step) in MIGRATIONS.iter().enumerate().skip(done) {
        let tx = db.transaction().map_err(OpenError::sqlite)?;
        tx.execute_batch(step).map_err(OpenError::sqlite)?;
        if version == NAMES {
            super::names::read_earlier(&tx)
                .map_err(|error| OpenError::Sqlite(error.to_string()))?;
        }
        tx.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}",
            version + 1
        ))
        .map_err(OpenError::sqlite)?;
        tx.commit().map_err(OpenError::sqlite)?;
    }
    Ok(())
}
