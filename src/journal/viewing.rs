//! Where a handle reads: on the connection of the API, or on that of the page, which is given up when it takes too long. So
//! nobody who looks at a page keeps a program from its answer.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use super::db::Connection;
use super::error::JournalError;
use super::reader::Reader;
use crate::clock;

/// Steps of SQLite between two looks at the clock.
const STEPS: i32 = 1_000;

/// A connection, and until when it may be read.
#[derive(Clone)]
pub(super) struct Reads {
    connection: Arc<Mutex<Connection>>,
    /// By the clock that never goes back.
    until: Option<Duration>,
}

impl Reads {
    pub(super) const fn without_end(connection: Arc<Mutex<Connection>>) -> Reads {
        Reads {
            connection,
            until: None,
        }
    }

    /// The same until then at most.
    pub(super) const fn with_end(connection: Arc<Mutex<Connection>>, until: Duration) -> Reads {
        Reads {
            connection,
            until: Some(until),
        }
    }

    /// Reads, or is interrupted. Whoever waits for the connection until it is too late does not begin.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Reader<'_>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut db = self
            .connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Connection::Postgres(db) = &mut *db {
            db.ready()?;
        }
        let Some(until) = self.until else {
            return look(&Reader { db: &db });
        };
        if clock::mono() > until {
            return Err(JournalError::TooSlow);
        }
        db.progress_handler(STEPS, Some(move || clock::mono() > until))?;
        let found = look(&Reader { db: &db });
        db.progress_handler(STEPS, None::<fn() -> bool>)?;
        found
    }
}
