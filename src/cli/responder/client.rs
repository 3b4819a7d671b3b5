//! The client that verbs ask with, and whom it believes.

use core::time::Duration;
use std::error::Error as _;
use std::path::{Path, PathBuf};

use crate::certificate::read_authorities;
use crate::cli::surroundings::surroundings;
use crate::cli::trouble::{CliError, Exit};

/// The file of an authority beside those of this computer: the one of the command line, else `SCANHOOK_CA`.
pub(crate) fn authority(named: Option<&Path>) -> Option<PathBuf> {
    named
        .map(Path::to_owned)
        .or_else(|| surroundings().authority())
}

/// The authorities in a file.
fn authorities(path: &Path) -> Result<Vec<reqwest::Certificate>, CliError> {
    let pem = std::fs::read(path).map_err(|error| CliError::reading(path, &error))?;
    let faulty = |why: String| CliError::new(Exit::Configuration, format!("--ca: {why}"));
    let all = read_authorities(&pem).map_err(|why| faulty(why.message(path, path)))?;
    let one = |der: &[u8]| reqwest::Certificate::from_der(der);
    all.iter()
        .map(|der| one(der).map_err(|why| faulty(why.to_string())))
        .collect()
}

/// Whether somebody answers, whose certificate is not accepted.
pub(crate) fn is_of_certificate(error: &reqwest::Error) -> bool {
    root(error).contains("invalid peer certificate")
}

/// A client that follows no redirect and takes no proxy from the environment: it talks to whom it is told to.
pub(crate) fn client(
    patience: Duration,
    authority: Option<&Path>,
) -> Result<reqwest::Client, CliError> {
    let mut builder = reqwest::Client::builder();
    for certificate in authority
        .map(authorities)
        .transpose()?
        .into_iter()
        .flatten()
    {
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .timeout(patience)
        .user_agent(concat!("scanhook/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| {
            let sentence = format!(
                "no HTTPS client ({}); are CA certificates installed?",
                root(&error)
            );
            CliError::new(Exit::Configuration, sentence)
        })
}

/// What lies at the bottom of an error: "Connection refused" rather than "error sending request".
pub(crate) fn root(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    text
}
