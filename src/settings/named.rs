//! The two places of a journal as they are named on a command line, without a configuration: a file, and a database with the
//! files by which it is reached.

use std::path::Path;

use super::postgres::PostgresSettings;
use super::{authorities, secret};
use crate::file::FileDigests;

/// The path of `sqlite:PATH`.
#[must_use]
pub fn sqlite_path(url: &str) -> Option<&str> {
    let path = url
        .strip_prefix("sqlite:")
        .filter(|path| !path.is_empty())?;
    let absolute = path.strip_prefix("//").filter(|path| path.starts_with('/'));
    Some(absolute.unwrap_or(path))
}

/// The database that a url names. What is refused is not repeated: it may hold a password.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn named_database(
    url: &str,
    password_file: Option<&Path>,
    ca_file: Option<&Path>,
) -> Result<PostgresSettings, String> {
    let database = PostgresSettings::parse(url).map_err(|why| format!("the url {why}"))?;
    let password = password_file.map(secret::line_in).transpose()?;
    let authorities = ca_file.map(|path| authorities::read(path, &mut FileDigests::default()));
    Ok(PostgresSettings {
        password,
        authorities: authorities.transpose()?.unwrap_or_default(),
        ..database
    })
}
