//! Which Defender a journal belongs to: the built-in simulator or the real one, from its first use on.

use super::db::OptionalExtension;
use super::error::OpenError;
use super::store::Store;

impl Store {
    /// Lets only the one mode use it, from its first use on: with the built-in simulator as Defender, or with the real one.
    /// What a version wrote that did not know this is real work.
    ///
    /// # Errors
    /// [`OpenError::Simulated`] or [`OpenError::Real`] where it belongs to the other mode.
    pub fn only_for(self, simulated: bool) -> Result<Store, OpenError> {
        let path = self
            .file
            .as_ref()
            .map(|file| file.path.clone())
            .unwrap_or_default();
        let known: Option<bool> = self
            .db
            .query_row("SELECT simulated FROM about", [], |row| row.get(0))
            .optional()
            .map_err(OpenError::db)?;
        let used = || {
            self.db
                .query_row("SELECT EXISTS (SELECT 1 FROM tenant)", [], |row| {
                    row.get::<_, bool>(0)
                })
        };
        let belongs = match known {
            Some(known) => Some(known),
            None => used().map_err(OpenError::db)?.then_some(false),
        };
        match belongs {
            Some(true) if !simulated => return Err(OpenError::Simulated(path)),
            Some(false) if simulated => return Err(OpenError::Real(path)),
            _ => {}
        }
        if known.is_none() {
            self.db
                .execute("INSERT INTO about(simulated) VALUES (?)", [simulated])
                .map_err(OpenError::db)?;
        }
        Ok(self)
    }
}
