//! Sends one request and brings back the whole answer. It follows nothing, repeats nothing and knows nothing.

use core::time::Duration;
use std::error::Error as _;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};

use super::{Answer, is_loopback};

/// The longest answer read: a full page of 10,000 machine actions takes some 10 MB.
const LONGEST_BODY: usize = 32 << 20;

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect, TLS included.
    pub connect: Duration,
    /// For everything, up to the last byte of the answer.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { connect: Duration::from_secs(5), total: Duration::from_secs(30) }
    }
}

/// No client could be built: in practice, no certificate authorities were found.
#[derive(Debug, thiserror::Error)]
#[error("the HTTPS client cannot start; are CA certificates installed?")]
pub struct ClientError(#[source] reqwest::Error);

/// The connections to the far side; clones share them.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
}

impl Client {
    /// A client that follows no redirect, repeats no request and takes no proxy from the environment: each would
    /// send a scan or a token where, or when, the journal did not say.
    ///
    /// # Errors
    /// TLS could not be set up.
    pub fn build(timeouts: Timeouts) -> Result<Client, ClientError> {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .user_agent(concat!("scanhook/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(|http| Client { http })
            .map_err(ClientError)
    }

    /// Sends a request once.
    pub async fn send(&self, request: Request<Bytes>) -> Answer {
        let request = match checked(request) {
            Ok(request) => request,
            Err(code) => return Answer::NotSent(code.to_owned()),
        };
        match self.http.execute(request).await {
            Ok(response) => whole(response).await,
            Err(error) => failed(&error),
        }
    }
}

/// The last door before the network: an address with a host, and no plain http but to this computer.
fn checked(request: Request<Bytes>) -> Result<reqwest::Request, &'static str> {
    let host = request.uri().host().ok_or("no-address")?;
    if request.uri().scheme_str() != Some("https") && !is_loopback(host) {
        return Err("not-https");
    }
    reqwest::Request::try_from(request).map_err(|_| "no-address")
}

/// Reads the body up to the limit. Whatever goes wrong here, the far side has had the request.
async fn whole(mut response: reqwest::Response) -> Answer {
    let too_long = || Answer::Unknown("answer-too-long".to_owned());
    if response.content_length().is_some_and(|n| n > LONGEST_BODY as u64) {
        return too_long();
    }
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST_BODY => return too_long(),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(error) if error.is_timeout() => return Answer::Unknown("timeout".to_owned()),
            Err(_) => return Answer::Unknown("answer-cut-off".to_owned()),
        }
    }
    let mut answer = Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = core::mem::take(response.headers_mut());
    Answer::Http(answer)
}

/// A connection that never came about has carried no byte; everything later may have carried all of them.
fn failed(error: &reqwest::Error) -> Answer {
    let not_sent = |code: &str| Answer::NotSent(code.to_owned());
    if error.is_builder() {
        not_sent("no-address")
    } else if !error.is_connect() {
        Answer::Unknown(if error.is_timeout() { "timeout" } else { "connection-lost" }.to_owned())
    } else if error.is_timeout() {
        not_sent("connect-timeout")
    } else if error.is_dns() {
        not_sent("dns")
    } else if is_tls(error) {
        not_sent("tls")
    } else {
        not_sent("connect")
    }
}

/// rustls reports its refusals, such as a certificate of another name, as invalid data.
fn is_tls(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        cause = inner.source();
    }
    false
}
