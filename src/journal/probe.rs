//! What the simulation and tests do to a store, and see of it: disks that fail, work that is counted, and everything as
//! text.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::hooks::{AuthContext, Authorization};

use super::db::Connection;
use super::dump::dump;
use super::error::JournalError;
use super::reader::Reader;
use super::store::Store;

/// All that was in a journal in memory at a moment.
pub struct JournalCopy(rusqlite::Connection);

/// Makes one database what the other is.
fn become_like(
    one: &mut rusqlite::Connection,
    other: &rusqlite::Connection,
) -> Result<(), JournalError> {
    match Backup::new(other, one)?.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(JournalError::Busy),
    }
}

impl Store {
    /// What is in it now, where it is in memory. For the simulation.
    ///
    /// # Errors
    /// When SQLite cannot copy it.
    pub fn copied(&self) -> Result<JournalCopy, JournalError> {
        let mut copy = rusqlite::Connection::open_in_memory()?;
        if let Some(db) = self.db.sqlite() {
            become_like(&mut copy, db)?;
        }
        Ok(JournalCopy(copy))
    }

    /// It is again as it was then, as a database that has lost its last commits; ids are not made again. For the simulation.
    ///
    /// # Errors
    /// When SQLite cannot copy it.
    pub fn go_back_to(&mut self, then: &JournalCopy) -> Result<(), JournalError> {
        // Whoever was connected to the other one is not to this one.
        self.sessions += 1;
        match &mut self.db {
            Connection::Sqlite(db) => become_like(db, &then.0),
            Connection::Postgres(_) => {
                Err(JournalError::Conflict("only what is in memory goes back"))
            }
        }
    }

    /// Makes every following COMMIT fail as a full disk would, or stops doing so. For the simulation.
    ///
    /// # Errors
    /// When SQLite refuses the hook.
    pub fn refuse_commits(&mut self, refuse: bool) -> Result<(), JournalError> {
        match &mut self.db {
            Connection::Sqlite(db) => db.commit_hook(refuse.then_some(|| true))?,
            Connection::Postgres(db) => db.refuses = refuse,
        }
        Ok(())
    }

    /// Lets the file grow no further than it is, as on a disk that is full, or lets it grow again. For the simulation.
    ///
    /// # Errors
    /// When SQLite refuses the setting.
    pub fn fill_disk(&mut self, full: bool) -> Result<(), JournalError> {
        const ANY: i64 = 0xffff_fffe;
        if let Connection::Postgres(db) = &mut self.db {
            db.refuses = full;
            return Ok(());
        }
        let pages = if full {
            self.db
                .query_row("PRAGMA page_count", [], |row| row.get(0))?
        } else {
            ANY
        };
        let _: i64 = self
            .db
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| {
                row.get(0)
            })?;
        Ok(())
    }

    /// Counts the steps of SQLite's machine from now on: they tell what a transaction reads, however fast the computer
    /// is. For tests.
    ///
    /// # Errors
    /// When SQLite refuses the hook.
    pub fn count_steps(&mut self, steps: Arc<AtomicU64>) -> Result<(), JournalError> {
        let count = move || {
            steps.fetch_add(1, Ordering::Relaxed);
            false
        };
        Ok(self.db.progress_handler(1, Some(count))?)
    }

    /// Counts the statements that are compiled from now on, for each of which SQLite asks whether it may. For tests.
    ///
    /// # Errors
    /// When SQLite refuses the hook.
    pub fn count_compiled(&mut self, count: Arc<AtomicU64>) -> Result<(), JournalError> {
        let asked = move |_: AuthContext<'_>| {
            count.fetch_add(1, Ordering::Relaxed);
            Authorization::Allow
        };
        if let Some(db) = self.db.sqlite() {
            db.authorizer(Some(asked))?;
        }
        Ok(())
    }

    /// Everything in every table as text, in a fixed order: what the simulation hashes.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn dump(&self) -> Result<String, JournalError> {
        dump(&self.db)
    }

    /// Reads within the writer's own connection; for the simulation and tests.
    pub fn read<T>(&self, f: impl FnOnce(&Reader<'_>) -> T) -> T {
        f(&Reader { db: &self.db })
    }
}
