//! A transaction that is rolled back unless it is committed.

use std::ops::Deref;

use super::connection::Connection;
use super::fault::DbResult;

/// A transaction.
pub(crate) struct Transaction<'c> {
    db: &'c Connection,
    over: bool,
}

impl Connection {
    /// Begins one. With SQLite, where whoever walks over a journal uses it, all that is read in it is of one moment.
    pub(crate) fn transaction(&self) -> DbResult<Transaction<'_>> {
        self.execute_batch("BEGIN")?;
        Ok(Transaction {
            db: self,
            over: false,
        })
    }
}

impl Transaction<'_> {
    pub(crate) fn commit(mut self) -> DbResult<()> {
        self.db.execute_batch("COMMIT")?;
        self.over = true;
        Ok(())
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.db
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if !self.over {
            // Whoever drops it has a fault to tell, or has only read.
            let _ = self.db.execute_batch("ROLLBACK");
        }
    }
}
