//! The beginning of the journal: the handle and the writer are made together, with the queue between them.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::db::Connection;
use super::error::OpenError;
use super::store::Store;
use super::turns::WaitingBytes;
use super::viewing::Reads;
use super::wake::Wake;
use super::writer::Writer;
use super::{Inner, Journal};

/// Jobs that may wait; beyond, a writer is told at once.
const QUEUE: usize = 4096;

impl Journal {
    /// The handle and the writer of an open store at `path`.
    ///
    /// # Errors
    /// When the readers' connection cannot be opened.
    pub fn new(store: Store, path: &Path) -> Result<(Journal, Writer), OpenError> {
        Journal::with(store, || super::reader::open(path))
    }

    /// The same with readers that are opened so.
    pub(super) fn with(
        store: Store,
        open: impl Fn() -> Result<Connection, OpenError>,
    ) -> Result<(Journal, Writer), OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let held = Arc::new(WaitingBytes::default());
        let wakes = Wake::default();
        let connection = || open().map(|db| Arc::new(Mutex::new(db)));
        let (reads, views) = (Reads::without_end(connection()?), connection()?);
        let (space, pulse) = (store.space(), store.pulse());
        let inner = Inner {
            queue,
            held: held.clone(),
            space,
            pulse,
            views,
            wakes: wakes.clone(),
        };
        Ok((
            Journal {
                inner: Arc::new(inner),
                reads,
            },
            Writer {
                store,
                jobs,
                held,
                wakes,
            },
        ))
    }
}
