//! A journal in PostgreSQL: opened like a file, and made by a person's order alone.

use std::sync::Arc;

use uuid::Uuid;

use super::Journal;
use super::db::{Connection, Postgres, Refusal, Use, initialise};
use super::error::OpenError;
use super::ids::Ids;
use super::schema::SCHEMA;
use super::store::Store;
use super::writer::Writer;
use crate::clock;
use crate::settings::PostgresSettings;

fn connect(at: &Arc<PostgresSettings>, of: Use) -> Result<Connection, Refusal> {
    Ok(Postgres::open(at, of, SCHEMA)?.into())
}

impl Store {
    /// Opens the journal in a database. Not from async code: it waits.
    ///
    /// # Errors
    /// [`OpenError::Database`] says what stands in the way and what to do.
    pub fn connect(at: &Arc<PostgresSettings>, ids: Ids) -> Result<Store, OpenError> {
        let store = Store::over(connect(at, Use::Writer)?, ids);
        store.pulse().begin(clock::now());
        Ok(store)
    }
}

impl Journal {
    /// The handle and the writer of an open store in this database. Not from async code: it waits.
    ///
    /// # Errors
    /// When the readers cannot connect.
    pub fn connect(
        store: Store,
        at: &Arc<PostgresSettings>,
    ) -> Result<(Journal, Writer), OpenError> {
        Journal::with(store, || Ok(connect(at, Use::Reader)?))
    }
}

/// Makes the tables of a journal where there are none; whether they were there. Not from async code: it waits.
///
/// # Errors
/// When the database cannot be used, or holds a journal of another version.
pub fn initialise_database(at: &Arc<PostgresSettings>, id: Uuid) -> Result<bool, Refusal> {
    initialise(at, id, SCHEMA)
}

/// Whether the journal in this database can be served. Not from async code: it waits.
///
/// # Errors
/// What stands in the way.
pub fn check_database(at: &Arc<PostgresSettings>) -> Result<(), Refusal> {
    connect(at, Use::Visitor).map(drop)
}
