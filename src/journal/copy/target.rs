//! The database that a journal is copied into: empty, and nobody else's while that lasts.

use super::super::db::{Connection, DbResult, OptionalExtension as _, TABLES};
use super::refusal::CopyRefusal;

/// The table of the numbers that were given last, which SQLite keeps by itself.
pub(super) const NUMBERED: &str = "numbered";

/// Begins the transaction. What counts rows as they come is off in it: counts are copied like everything else.
pub(super) fn begin(into: &Connection) -> Result<(), CopyRefusal> {
    owned(into)?;
    into.begin()?;
    // The server ends neither a table that takes long nor the pauses between, in which the file is read. Whoever was cut off
    // in the middle does not hold the tables for ever.
    into.execute_batch(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = '60s'",
    )?;
    let tables = TABLES.join(", ");
    into.execute_batch(&format!("LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))?;
    triggers(into, "DISABLE")?;
    Ok(())
}

/// Ids go on behind those that were copied, what is counted is counted again, and plans are made by what is there.
pub(super) fn finish(into: &Connection) -> Result<(), CopyRefusal> {
    for table in TABLES {
        into.execute_batch(&format!("ANALYZE {table}"))?;
    }
    triggers(into, "ENABLE")?;
    for table in identities(into)? {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(greatest(id, 1)), max(id) > 0) FROM
               (SELECT max(id) AS id FROM {table} UNION ALL SELECT seq FROM {NUMBERED} WHERE name = '{table}' UNION ALL SELECT 0) AS last"
        );
        into.execute_batch(&sql)?;
    }
    Ok(())
}

/// The first table that has rows.
pub(super) fn filled(into: &Connection) -> DbResult<Option<&'static str>> {
    for table in TABLES.iter().filter(|table| **table != NUMBERED) {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {table})");
        if into.query_row(&sql, [], |row| row.get(0))? {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// To turn a trigger off takes whoever owns its table.
fn owned(into: &Connection) -> Result<(), CopyRefusal> {
    let sql = format!(
        "SELECT CAST(current_user AS TEXT), CAST(relname AS TEXT) FROM pg_class
         WHERE oid IN ({}) AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname LIMIT 1",
        oids()
    );
    let not = into.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
    match not.optional()? {
        Some((role, table)) => Err(CopyRefusal::NotOwner { role, table }),
        None => Ok(()),
    }
}

fn triggers(into: &Connection, order: &str) -> DbResult<()> {
    let orders: Vec<String> = TABLES
        .iter()
        .map(|table| format!("ALTER TABLE {table} {order} TRIGGER USER"))
        .collect();
    into.execute_batch(&orders.join("; "))
}

/// The tables that number their rows.
fn identities(into: &Connection) -> DbResult<Vec<String>> {
    let sql = format!(
        "SELECT CAST(relname AS TEXT) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
         WHERE pg_class.oid IN ({}) AND attname = 'id' AND attidentity <> '' ORDER BY relname",
        oids()
    );
    let mut statement = into.prepare_cached(&sql)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn oids() -> String {
    let oids: Vec<String> = TABLES
        .iter()
        .map(|table| format!("to_regclass('{table}')"))
        .collect();
    oids.join(", ")
}
