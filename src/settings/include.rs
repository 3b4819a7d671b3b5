//! `include`: the files beside scanhook.toml that tenants and sources may stand in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::fault::SettingsFault;
use super::locate::LARGEST;
use crate::file::FileDigests;

/// An included file.
pub(super) struct IncludedText {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// All included files, and what is wrong with how they are named.
#[derive(Default)]
pub(super) struct IncludedFiles {
    pub(super) texts: Vec<IncludedText>,
    pub(super) faults: Vec<SettingsFault>,
    pub(super) warnings: Vec<String>,
}

/// Reads the files that the patterns of `include` name, each once, sorted. A text that is not TOML, and a value of another
/// type, are told when the whole of it is read.
pub(super) fn read(main: &Path, text: &str, files: &mut FileDigests) -> IncludedFiles {
    let folder = main.parent().unwrap_or(Path::new(""));
    let mut included = IncludedFiles::default();
    let mut paths = BTreeSet::new();
    for pattern in patterns(text) {
        let whole = if Path::new(&pattern).is_absolute() {
            PathBuf::from(&pattern)
        } else {
            Path::new(&glob::Pattern::escape(&folder.display().to_string())).join(&pattern)
        };
        match files.matching(&whole.display().to_string()) {
            Ok(found) if found.is_empty() => included.warnings.push(format!(
                "include: `{}` names no file",
                pattern.escape_debug()
            )),
            Ok(found) => paths.extend(found),
            Err(error) => {
                let message = format!("`{}`: {error}", pattern.escape_debug());
                included.faults.push(fault("bad-value", None, message));
            }
        }
    }
    // A pattern may name the file that it stands in.
    let own = main.canonicalize().ok();
    paths.retain(|path| path.canonicalize().ok() != own || own.is_none());
    for path in paths {
        match content(&path, files) {
            Ok(text) => included.texts.push(IncludedText { path, text }),
            Err(message) => {
                let message = format!("{}: {message}", path.display());
                let fault = fault("unreadable", Some(path), message);
                included.faults.push(fault);
            }
        }
    }
    included
}

fn patterns(text: &str) -> Vec<String> {
    let table: toml::Table = text.parse().unwrap_or_default();
    match table.get("include") {
        Some(toml::Value::String(pattern)) => vec![pattern.clone()],
        Some(toml::Value::Array(patterns)) => patterns
            .iter()
            .filter_map(|pattern| pattern.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn content(path: &Path, files: &mut FileDigests) -> Result<String, String> {
    let content = files.read(path, LARGEST).map_err(|e| e.to_string())?;
    if content.bytes.len() as u64 > LARGEST {
        return Err("larger than 4 MiB".to_owned());
    }
    content.text().map_err(|e| e.to_string())
}

fn fault(code: &'static str, file: Option<PathBuf>, message: String) -> SettingsFault {
    SettingsFault {
        code,
        key: "include".to_owned(),
        file,
        line: None,
        column: None,
        message,
    }
}
