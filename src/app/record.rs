//! The journal, opened, and the thread that writes it: the only one that this program starts for itself.

use super::begin::StartError;
use crate::journal::{Ids, Journal, Store};
use crate::settings::Settings;

/// Opens the journal, and starts the thread that writes it.
pub(super) fn open_journal(
    settings: &Settings,
) -> Result<(Journal, std::thread::JoinHandle<()>), StartError> {
    let store = Store::open(&settings.journal.path, Ids::random()?)?.only_for(settings.simulate)?;
    store.space().at_most(settings.journal.max_size);
    let (journal, writer) = Journal::new(store, &settings.journal.path)?;
    let writer = std::thread::Builder::new()
        .name("journal".to_owned())
        .spawn(move || writer.run())?;
    Ok((journal, writer))
}
