//! A request as it arrived, as far as it can prove anything.

use core::net::IpAddr;

use http::header::HeaderMap;
use secrecy::SecretString;

use super::client_certificate::ShownCertificate;
use super::keyring::Keyrings;
use crate::wrapping::Wrapping;

/// A request as far as it can prove anything, apart from its body.
#[derive(Clone, Copy)]
pub struct Presented<'r> {
    /// The headers, as sent.
    pub headers: &'r HeaderMap,
    /// The last segment of the URL, where the source keeps a secret there.
    pub url_secret: Option<&'r SecretString>,
    /// The sender's address.
    pub address: Option<IpAddr>,
    /// The certificate of the sender, if it shows one.
    pub certificate: ShownCertificate<'r>,
    /// The keys of token issuers, as far as they are known by now.
    pub keyrings: Option<&'r Keyrings>,
    /// How its JSON stands in the body.
    pub wrapping: Wrapping,
}

impl<'r> From<&'r HeaderMap> for Presented<'r> {
    fn from(headers: &'r HeaderMap) -> Presented<'r> {
        Presented {
            headers,
            url_secret: None,
            address: None,
            certificate: ShownCertificate::Nothing,
            keyrings: None,
            wrapping: Wrapping::default(),
        }
    }
}
