//! Where a request goes, and why it cannot be made.

use super::super::trouble::{CliError, Exit};
use scanhook_core::signature::Unsendable;

/// Why a request cannot be made, with the status that says whose move it is.
pub(super) fn unsendable(why: &Unsendable) -> CliError {
    let exit = match why {
        Unsendable::TokenNeeded { .. } | Unsendable::CertificateNeeded => Exit::Usage,
        Unsendable::NoPlace => Exit::BadData,
        Unsendable::NoKey | Unsendable::NotInHeader | Unsendable::NotText => Exit::Configuration,
    };
    CliError::new(exit, why.to_string())
}

/// The URL with one more segment at the end of its path.
pub(super) fn with_segment(url: &str, segment: &str) -> String {
    let (path, query) = url
        .split_once('?')
        .map_or((url, None), |(path, query)| (path, Some(query)));
    let path = path.trim_end_matches('/');
    query.map_or_else(
        || format!("{path}/{segment}"),
        |query| format!("{path}/{segment}?{query}"),
    )
}
