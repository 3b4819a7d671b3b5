//! What the operating system says of this program.

use std::path::PathBuf;

/// How this program is called from any folder: by its name if it is found by that, else by its path.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "this is the door the ban points to"
)]
pub fn program() -> String {
    let name = env!("CARGO_PKG_NAME");
    let Some(own) = std::env::current_exe()
        .ok()
        .and_then(|path| path.canonicalize().ok())
    else {
        return name.to_owned();
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    match first.and_then(|first| first.canonicalize().ok()) {
        Some(first) if first == own => name.to_owned(),
        _ => own.display().to_string(),
    }
}

/// Where the system keeps temporary files.
#[must_use]
pub fn scratch_directory() -> PathBuf {
    std::env::temp_dir()
}
