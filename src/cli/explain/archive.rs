//! Finding the delivery that is meant, by an id or by a device, in a journal that may be in use.

use uuid::Uuid;

use crate::cli::load;
use crate::cli::output::plain;
use crate::cli::trouble::{CliError, Exit};
use crate::journal::{Archive, IdPrefix, JournalError, Remembered};
use crate::settings::JournalLocation;
use scanhook_core::device_glob::DeviceGlob;

/// Earlier decisions about a device that are named.
const EARLIER: usize = 5;

pub(super) fn remember(place: &JournalLocation, id: &str) -> Result<Remembered, CliError> {
    let nothing = || {
        let sentence = format!(
            "the journal {place} knows no delivery and no decision with the id {}; `scanhook alerts` and `scanhook decisions` \
             show them",
            plain(id)
        );
        CliError::new(Exit::NoInput, sentence)
    };
    let archive = archive(place)?;
    let named = IdPrefix::parse(id).ok_or_else(nothing)?;
    match archive
        .named(&named)
        .map_err(|error| unreadable(place, &error))?
        .as_slice()
    {
        [] => Err(nothing()),
        [one] => archive
            .delivery(*one)
            .map_err(|error| unreadable(place, &error))?
            .ok_or_else(nothing),
        several => {
            let ids = several
                .iter()
                .map(Uuid::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            let sentence = format!("several ids begin with {}: {ids}", plain(id));
            Err(CliError::new(Exit::BadData, sentence))
        }
    }
}

/// The latest about a device, and which others there are.
pub(super) fn latest(
    place: &JournalLocation,
    device: &DeviceGlob,
) -> Result<(Remembered, Vec<String>), CliError> {
    let archive = archive(place)?;
    let found = archive
        .of_device(device, EARLIER + 1)
        .map_err(|error| unreadable(place, &error))?;
    let nothing = || {
        let sentence = format!(
            "the journal {place} knows no alert about {}",
            plain(device.as_str())
        );
        CliError::new(Exit::NoInput, sentence)
    };
    let (newest, earlier) = found.split_first().ok_or_else(nothing)?;
    let mut notes = vec![format!("the latest about {device}: {newest}")];
    if !earlier.is_empty() {
        let ids = earlier
            .iter()
            .map(Uuid::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        notes.push(format!("earlier ones, for --delivery: {ids}"));
    }
    let kept = archive
        .delivery(*newest)
        .map_err(|error| unreadable(place, &error))?;
    Ok((kept.ok_or_else(nothing)?, notes))
}

fn archive(place: &JournalLocation) -> Result<Archive, CliError> {
    if let JournalLocation::File(path) = place {
        if !path.exists() {
            let sentence = format!(
                "no journal is at {place}; name its scanhook.toml with --config, or --data-dir"
            );
            return Err(CliError::new(Exit::NoInput, sentence));
        }
        load::readable(path)?;
    }
    Archive::at(place, None, true).map_err(|error| CliError::opening(place, &error))
}

fn unreadable(place: &JournalLocation, error: &JournalError) -> CliError {
    let exit = if matches!(error, JournalError::Busy) {
        Exit::Unavailable
    } else {
        Exit::Io
    };
    CliError::new(exit, format!("{place}: {error}"))
}
