//! The files that a pattern names at this moment.

use std::io;
use std::path::PathBuf;

use glob::{GlobError, MatchOptions};

/// A hidden file is named only by a pattern with the dot: editors and Kubernetes keep copies under such names.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The files that match, folders left out, in the order of their names.
pub(super) fn matching(pattern: &str) -> io::Result<Vec<PathBuf>> {
    let malformed = |error: glob::PatternError| {
        let message = format!(
            "cannot be read as a pattern: {} at character {}",
            error.msg, error.pos
        );
        io::Error::new(io::ErrorKind::InvalidInput, message)
    };
    let found = glob::glob_with(pattern, OPTIONS).map_err(malformed)?;
    let mut found = found
        .collect::<Result<Vec<_>, GlobError>>()
        .map_err(io::Error::from)?;
    found.retain(|path| !path.is_dir());
    found.sort();
    Ok(found)
}
