//! The journal, opened, with the thread that writes it and, where it is in a database, the one that hears what other
//! processes write: the only ones that this program starts for itself.

use std::sync::Arc;

use super::begin::StartError;
use crate::journal::{Ids, Journal, OpenError, Store, Writer, listen};
use crate::settings::{PostgresSettings, Settings};

/// Opens the journal, and starts the thread that writes it.
pub(super) fn open_journal(
    settings: &Settings,
) -> Result<(Journal, std::thread::JoinHandle<()>), StartError> {
    let (journal, writer) = match settings.journal.postgres.clone() {
        Some(postgres) => {
            let at = Arc::new(postgres);
            let opened = in_database(at.clone(), settings.simulate)?;
            let (wakes, pulse) = (opened.0.wakes(), opened.0.pulse().clone());
            std::thread::Builder::new()
                .name("listener".to_owned())
                .spawn(move || listen(at, &wakes, &pulse))?;
            opened
        }
        None => in_file(settings)?,
    };
    let writer = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())?;
    Ok((journal, writer))
}

fn in_file(settings: &Settings) -> Result<(Journal, Writer), StartError> {
    let path = &settings.journal.path;
    let store = Store::open(path, Ids::random()?)?.only_for(settings.simulate)?;
    store.space().at_most(settings.journal.max_size);
    Ok(Journal::new(store, path)?)
}

/// A connection waits by itself, which the threads of a runtime may not: one of its own does it.
fn in_database(at: Arc<PostgresSettings>, simulate: bool) -> Result<(Journal, Writer), StartError> {
    let ids = Ids::random()?;
    let open = move || -> Result<(Journal, Writer), OpenError> {
        let store = Store::connect(&at, ids)?.only_for(simulate)?;
        Journal::connect(store, &at)
    };
    let opened = std::thread::scope(|threads| threads.spawn(open).join());
    let gone = |_| std::io::Error::other("the journal could not be opened");
    Ok(opened.map_err(gone)??)
}
