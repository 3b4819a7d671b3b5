//! Captured bodies as deliveries: a file of one, a file with one a line, or a folder of such files. A body does not tell
//! when it was received, so it is taken to have come when the latest of its alerts happened, and they are played in that
//! order: of each only its time and place is kept, and it is read again when its turn comes.

mod sorting;

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::repeats::Repeats;
use crate::journal::{StoredAlert, StoredDelivery};
use crate::settings::Source;
use scanhook_core::alert::{AlertReason, AlertState};
use scanhook_core::mapping::{self, Item};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

/// Unusable bodies that are named.
const NAMED: usize = 10;

/// A body that cannot be used.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Unusable {
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

/// Where a body lies.
#[derive(Clone, Copy)]
struct BodyPlace {
    at: Timestamp,
    file: u32,
    /// From 1.
    line: u32,
    offset: u64,
    length: u32,
}

/// Bodies of one source.
pub struct Bodies {
    source: Source,
    files: Vec<PathBuf>,
    bytes: u64,
    order: std::vec::IntoIter<BodyPlace>,
    open: Option<(u32, File)>,
    repeats: Repeats,
    /// Bodies that cannot be used, and the first of them.
    pub unusable: (u64, Vec<Unusable>),
    /// Bodies whose alerts say no time: they go by the one before, or by their file.
    pub timeless: u64,
    /// Files that were passed over: a folder's bodies are `.json`, `.ndjson` and `.jsonl`.
    pub passed_over: u64,
}

impl Bodies {
    /// Finds the files of a path.
    ///
    /// # Errors
    /// The path that cannot be read, and why.
    pub fn find(path: &Path, source: Source) -> Result<Bodies, (PathBuf, io::Error)> {
        let mut bodies = Bodies {
            source,
            files: Vec::new(),
            bytes: 0,
            order: Vec::new().into_iter(),
            open: None,
            repeats: Repeats::default(),
            unusable: (0, Vec::new()),
            timeless: 0,
            passed_over: 0,
        };
        let about = std::fs::metadata(path).map_err(|error| (path.to_owned(), error))?;
        if about.is_dir() {
            bodies.walk(path)?;
            bodies.files.sort();
        } else {
            bodies.files.push(path.to_owned());
        }
        for file in &bodies.files {
            bodies.bytes += std::fs::metadata(file)
                .map_err(|error| (file.clone(), error))?
                .len();
        }
        Ok(bodies)
    }

    fn walk(&mut self, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
        let failed = |error| (folder.to_owned(), error);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let is_body = ["json", "ndjson", "jsonl"]
                .iter()
                .any(|end| path.extension().is_some_and(|e| e == *end));
            // A link to a folder may lead around in circles.
            if kind.is_dir() {
                self.walk(&path)?;
            } else if is_body && path.is_file() {
                self.files.push(path);
            } else {
                self.passed_over += 1;
            }
        }
        Ok(())
    }

    /// How many bytes all files have.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn complain(&mut self, place: BodyPlace, why: String) {
        self.unusable.0 += 1;
        if self.unusable.1.len() < NAMED {
            let place = self.named(place);
            self.unusable.1.push(Unusable { place, why });
        }
    }

    fn named(&self, place: BodyPlace) -> String {
        let file = self
            .files
            .get(place.file as usize)
            .map_or_else(String::new, |file| file.display().to_string());
        format!("{file}:{}", place.line)
    }

    fn items(&self, body: &[u8]) -> Result<Vec<Item>, String> {
        let json = strict_json::read(body).map_err(|fault| fault.to_string())?;
        Ok(mapping::read(
            &self.source.mapping,
            self.source.caps,
            &json,
            &Sha256::digest(body),
        ))
    }

    /// The next delivery, and how many bytes it has; `None`: that was the last.
    ///
    /// # Errors
    /// The file that cannot be read any more, and why.
    #[allow(
        clippy::should_implement_trait,
        reason = "it can fail, and whoever asks must look"
    )]
    pub fn next(&mut self) -> Result<Option<(StoredDelivery, u64)>, (PathBuf, io::Error)> {
        let Some(place) = self.order.next() else {
            return Ok(None);
        };
        let body = self.read(place).map_err(|error| {
            (
                self.files
                    .get(place.file as usize)
                    .cloned()
                    .unwrap_or_default(),
                error,
            )
        })?;
        let mut delivery = StoredDelivery {
            at: place.at,
            source: self.source.name.clone(),
            place: self.named(place),
            ..StoredDelivery::default()
        };
        match self.items(&body) {
            Ok(items) => {
                delivery.alerts = items
                    .into_iter()
                    .map(|item| self.stored(item, place.at))
                    .collect()
            }
            // The file was changed since it was first read.
            Err(why) => self.complain(place, why),
        }
        delivery.body = Some(body);
        Ok(Some((delivery, u64::from(place.length))))
    }

    fn read(&mut self, place: BodyPlace) -> io::Result<Vec<u8>> {
        let Bodies { open, files, .. } = self;
        let mut file = match open.take() {
            Some((n, file)) if n == place.file => file,
            _ => File::open(
                files
                    .get(place.file as usize)
                    .map_or(Path::new(""), PathBuf::as_path),
            )?,
        };
        file.seek(SeekFrom::Start(place.offset))?;
        let mut body = vec![0; place.length as usize];
        file.read_exact(&mut body)?;
        *open = Some((place.file, file));
        Ok(body)
    }

    fn stored(&mut self, item: Item, at: Timestamp) -> StoredAlert {
        let (state, reason, alert) = match item {
            Item::Parked { reason, alert, .. } => (AlertState::Parked, Some(reason), alert),
            Item::Ignored { reason, alert, .. } => (AlertState::Ignored, Some(reason), alert),
            Item::Alert(alert) if self.repeats.is_repeat(&alert, self.source.remember, at) => {
                (AlertState::Duplicate, Some(AlertReason::Repeated), alert)
            }
            Item::Alert(alert) => (AlertState::Decided, None, alert),
        };
        StoredAlert {
            state,
            reason,
            alert,
            decisions: Vec::new(),
        }
    }
}
