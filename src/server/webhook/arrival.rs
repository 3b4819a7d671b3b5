//! What the door hands on: a request before its body is read, one that passed every check that needs none, and an answer.

use core::net::IpAddr;
use core::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use secrecy::SecretString;

use crate::intake::CommitTimes;
use crate::server::address::Peer;
use crate::server::refusal::HttpError;
use crate::server::sender_certificate::SenderCertificate;
use crate::telemetry::TraceParent;
use scanhook_core::wrapping::Wrapping;

/// Takes what was answered.
pub type TellAnswer = dyn Fn(Answered<'_>) + Send + Sync;

/// An answer, for those who count and keep traces.
pub struct Answered<'a> {
    /// The configured source the path belongs to, if any.
    pub source: Option<&'a str>,
    /// What stands in the path in the place of a source's name, where no source has it.
    pub asked: Option<&'a str>,
    pub peer: Option<Peer>,
    /// The status of the answer.
    pub status: StatusCode,
    pub refusal: Option<&'a HttpError>,
    /// The request, where its path may belong to a source.
    pub request: Option<&'a AskedRequest>,
    /// What it became, if it is on disk.
    pub stored: Option<&'a DeliveryMark>,
}

/// What is known of a request when its head is there.
pub struct AskedRequest {
    pub method: Method,
    /// The sender's span, if it names one; anybody may.
    pub parent: Option<TraceParent>,
    /// When it was, by the monotonic clock.
    pub begun: Duration,
}

/// A delivery that is on disk: stands among the extensions of its answer.
#[derive(Clone)]
pub struct DeliveryMark {
    pub id: String,
    pub commit: CommitTimes,
}

/// A request whose body is not read yet.
pub struct Head<'r> {
    /// The configured name of the source.
    pub source: &'r str,
    pub headers: &'r HeaderMap,
    /// The last segment of the URL, for a source that keeps its secret there.
    pub url_secret: Option<&'r SecretString>,
    pub certificate: &'r SenderCertificate,
    pub peer: IpAddr,
}

/// A request that passed every check that needs no body.
pub struct Arrived {
    /// The configured name of the source.
    pub source: String,
    pub headers: HeaderMap,
    /// The last segment of the URL, for a source that keeps its secret there.
    pub url_secret: Option<SecretString>,
    pub certificate: SenderCertificate,
    pub body: Bytes,
    /// How the JSON stands in it.
    pub wrapping: Wrapping,
    pub peer: IpAddr,
}
