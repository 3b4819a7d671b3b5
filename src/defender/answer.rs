//! What came of one call, before anybody has read it: the word between the network and those who know what was asked.

use bytes::Bytes;

/// What came of one call. The texts are stable short codes and hold nothing of the request.
///
/// Without `Debug`: the token endpoint's answer holds the token.
pub enum Answer {
    /// An answer with its whole body.
    Http(http::Response<Bytes>),
    /// No byte of the request left: it was not executed and may be repeated.
    NotSent(String),
    /// The request left, or may have: nobody knows whether it was executed.
    Unknown(String),
}
