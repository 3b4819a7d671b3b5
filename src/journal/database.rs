//! A journal in PostgreSQL: opened like a file, and made by a person's order alone.

use core::time::Duration;
use std::sync::Arc;

use uuid::Uuid;

use super::Journal;
use super::db::{Connection, HeardChange, Listener, Postgres, Refusal, Use, initialise};
use super::error::OpenError;
use super::ids::Ids;
use super::keys::TenantId;
use super::pulse::Pulse;
use super::schema::SCHEMA;
use super::store::Store;
use super::wake::Wake;
use super::writer::Writer;
use crate::clock;
use crate::settings::PostgresSettings;

/// How long is listened before it is looked whether anybody still waits.
const PATIENCE: Duration = Duration::from_secs(2);

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

/// Wakes whoever waits here for what other processes with this database have changed, and tells pages of it, until nobody
/// waits any more. Not from async code: it waits.
pub fn listen(at: Arc<PostgresSettings>, wakes: &Wake, pulse: &Pulse) {
    let mut listener = Listener::new(at, SCHEMA);
    while !wakes.is_last() {
        let Some(heard) = listener.hear(PATIENCE) else {
            continue;
        };
        pulse.changed();
        match heard {
            HeardChange::Tenants(ids) => wakes.tell(ids.into_iter().map(TenantId).collect()),
            HeardChange::All => wakes.tell_all(),
        }
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
