//! What came of one call, before anybody has read it: the word between the network and those who know what was asked.

use bytes::Bytes;

use scanhook_core::obstacles::TlsFault;

/// What came of one call. The texts are stable short codes and hold nothing of the request.
///
/// Without `Debug`: the token endpoint's answer holds the token.
pub enum Answer {
    /// An answer with its whole body.
    Http(http::Response<Bytes>),
    /// No byte of the request left: it was not executed and may be repeated.
    NotSent(Unsent),
    /// The request left, or may have: nobody knows whether it was executed.
    Unknown(String),
}

/// Why no byte of a request left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// A stable code: `dns`, `refused`, `timeout`, `tls`, `proxy-auth`, …
    pub code: &'static str,
    /// What is known of a handshake that failed.
    pub tls: Option<TlsFault>,
    /// The proxy that the call was to go through.
    pub proxy: Option<String>,
}

impl From<&'static str> for Unsent {
    fn from(code: &'static str) -> Unsent {
        Unsent {
            code,
            tls: None,
            proxy: None,
        }
    }
}
