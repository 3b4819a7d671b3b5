//! The order in which bodies are played: of each only its time and its place is kept. A body that cannot be used is counted,
//! and the first of them are named.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::{Bodies, BodyPlace};
use scanhook_core::time::Timestamp;

impl Bodies {
    /// Puts the bodies in order; `progress` is told of bytes that were read.
    ///
    /// # Errors
    /// The file that cannot be read, and why.
    pub fn sort(&mut self, progress: &mut dyn FnMut(u64)) -> Result<(), (PathBuf, io::Error)> {
        let mut places = Vec::new();
        for (n, path) in self.files.clone().iter().enumerate() {
            let n = u32::try_from(n).unwrap_or(u32::MAX);
            self.sort_file(n, path, &mut places, progress)
                .map_err(|error| (path.clone(), error))?;
        }
        places.sort_by_key(|place| (place.at, place.file, place.line));
        self.order = places.into_iter();
        Ok(())
    }

    fn sort_file(
        &mut self,
        n: u32,
        path: &Path,
        places: &mut Vec<BodyPlace>,
        progress: &mut dyn FnMut(u64),
    ) -> io::Result<()> {
        let file = File::open(path)?;
        let mut before = file.metadata()?.modified().ok().and_then(written);
        let whole = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let mut reader = BufReader::new(file);
        let (mut offset, mut line) = (0, 0);
        loop {
            let mut body = Vec::new();
            let read = self.piece(&mut reader, whole, &mut body)?;
            if read == 0 {
                return Ok(());
            }
            progress(read);
            line += 1;
            let mut place = BodyPlace {
                at: Timestamp::default(),
                file: n,
                line,
                offset,
                length: 0,
            };
            offset += read;
            if body.len() > self.source.max_body {
                let why = format!(
                    "longer than {} bytes, the most that the source may send",
                    self.source.max_body
                );
                self.complain(place, why);
            } else if !body.trim_ascii().is_empty() {
                match self.happened(&body) {
                    Ok(at) => {
                        self.timeless += u64::from(at.is_none());
                        place.at = at.or(before).unwrap_or_default();
                        place.length = u32::try_from(body.len()).unwrap_or(u32::MAX);
                        before = Some(place.at);
                        places.push(place);
                    }
                    Err(why) => self.complain(place, why),
                }
            }
        }
    }

    /// The next line, or all of a file, with no more of it than may be used and one byte; how many bytes it has.
    fn piece(
        &self,
        reader: &mut BufReader<File>,
        whole: bool,
        body: &mut Vec<u8>,
    ) -> io::Result<u64> {
        let most = self.source.max_body as u64 + 1;
        if whole {
            let read = reader.by_ref().take(most).read_to_end(body)? as u64;
            return Ok(read + io::copy(reader, &mut io::sink())?);
        }
        let mut read = reader.by_ref().take(most).read_until(b'\n', body)? as u64;
        if read == most && body.last() != Some(&b'\n') {
            read += passed(reader)?;
        }
        Ok(read)
    }

    /// When the latest alert of a body happened.
    fn happened(&self, body: &[u8]) -> Result<Option<Timestamp>, String> {
        let items = self.items(body)?;
        Ok(items.iter().filter_map(|item| item.alert().time).max())
    }
}

/// Passes over the rest of a line.
fn passed(reader: &mut BufReader<File>) -> io::Result<u64> {
    let mut passed = 0;
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(passed);
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(length);
        passed += length as u64;
        if end.is_some() {
            return Ok(passed);
        }
    }
}

/// When a file was written, by the computer that wrote it.
fn written(at: std::time::SystemTime) -> Option<Timestamp> {
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(0).plus(since))
}
