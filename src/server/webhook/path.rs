//! What stands in the path of a webhook: the source, and the secret of one that keeps it there.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use crate::in_force::door::SecretInUrl;
use crate::server::refusal::HttpError;

/// Source and secret of a path. Names are compared as written: an encoded one is no name of ours. One slash at the end
/// means nothing: some senders put it behind every URL.
pub(super) fn segments(path: &str) -> Option<(&str, Option<&str>)> {
    let rest = path.strip_prefix("/webhooks/")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    Some(
        rest.split_once('/')
            .map_or((rest, None), |(source, secret)| (source, Some(secret))),
    )
}

/// A secret may need encoding to fit into a URL.
pub(super) fn url_secret(segment: &str) -> Result<SecretString, HttpError> {
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map(Cow::into_owned);
    text.map(SecretString::from)
        .map_err(|_| HttpError::Unauthenticated)
}

impl SecretInUrl {
    pub(super) const fn allows(self, secret: Option<&str>) -> bool {
        match self {
            SecretInUrl::Never => secret.is_none(),
            SecretInUrl::Sometimes => true,
            SecretInUrl::Always => secret.is_some(),
        }
    }
}
