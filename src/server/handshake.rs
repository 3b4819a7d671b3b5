//! The handshake of a listener with TLS, and what becomes of a connection that has none: plain HTTP is told so in a plain
//! answer, and whoever fails a handshake can read the alert that says why.

use core::net::IpAddr;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, AlertDescription, CertificateError, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::leave::leave;
use crate::certificate::CertificateFacts;
use scanhook_core::signature::ClientCertificate;

/// Takes why a connection came to no handshake.
pub type TellHandshake = dyn Fn(IpAddr, HandshakeFault) + Send + Sync;

/// The TLS of a listener.
#[derive(Clone)]
pub struct DoorTls {
    /// What the next handshake goes by; a renewed certificate comes here.
    pub config: watch::Receiver<Arc<ServerConfig>>,
    pub refused: Arc<TellHandshake>,
}

/// In the extensions of every request that came by TLS.
#[derive(Clone, Copy, Debug)]
pub(super) struct OverTls;

/// Why a connection came to no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// Plain HTTP.
    Plain,
    /// The sender does not accept our certificate.
    OursRefused,
    /// The sender's certificate is not signed by an authority of ours.
    TheirsUnknown,
    /// The sender's certificate is expired or not valid yet.
    TheirsExpired,
    /// The sender's certificate is not one for clients, or wrong in another way.
    TheirsWrong,
    /// No version or cipher in common.
    NothingInCommon,
    Other,
}

/// What the sender of a plain request reads.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 45\r\n\
Connection: close\r\n\r\nThis port speaks https: use https in the URL.";

impl HandshakeFault {
    /// The status of the answer, where there was one, and a stable code.
    #[must_use]
    pub const fn code(self) -> (u16, &'static str) {
        match self {
            HandshakeFault::Plain => (400, "plain-http"),
            _ => (0, "tls-handshake"),
        }
    }

    /// What happened, in a sentence.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            HandshakeFault::Plain => {
                "Plain http came to the port of https; use https in the sender's URL."
            }
            HandshakeFault::OursRefused => {
                "The sender does not accept our certificate: is its issuer known there, and does it name the host of the URL?"
            }
            HandshakeFault::TheirsUnknown => {
                "The sender's certificate is not signed by an authority of `client_ca_file`."
            }
            HandshakeFault::TheirsExpired => {
                "The sender's certificate is expired or not valid yet."
            }
            HandshakeFault::TheirsWrong => {
                "The sender's certificate is not one that a client may show."
            }
            HandshakeFault::NothingInCommon => {
                "No version or cipher of TLS in common: 1.2 and 1.3 are spoken."
            }
            HandshakeFault::Other => "The TLS handshake failed.",
        }
    }

    fn of(error: &std::io::Error) -> Option<HandshakeFault> {
        use CertificateError::{
            BadSignature, Expired, ExpiredContext, NotValidYet, NotValidYetContext, UnknownIssuer,
        };
        // A connection that merely ended says nothing: probes of load balancers do that all day.
        let error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match error {
            rustls::Error::InvalidCertificate(
                Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
            ) => HandshakeFault::TheirsExpired,
            // An authority of the same name with another key leaves a signature that does not verify.
            rustls::Error::InvalidCertificate(UnknownIssuer | BadSignature) => {
                HandshakeFault::TheirsUnknown
            }
            rustls::Error::InvalidCertificate(_) => HandshakeFault::TheirsWrong,
            rustls::Error::AlertReceived(
                AlertDescription::UnknownCA
                | AlertDescription::BadCertificate
                | AlertDescription::UnsupportedCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateUnknown,
            ) => HandshakeFault::OursRefused,
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure,
            ) => HandshakeFault::NothingInCommon,
            _ => HandshakeFault::Other,
        })
    }
}

/// A connection after its handshake, with what the sender's certificate says, if it showed one.
pub(super) type SecuredStream = (TlsStream<TcpStream>, Option<Arc<ClientCertificate>>);

impl DoorTls {
    /// Shakes hands; nothing where none came of it, and then the other end was told. It has no deadline of its own.
    pub(super) async fn shake(&self, stream: TcpStream, from: IpAddr) -> Option<SecuredStream> {
        let mut first = [0];
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        // The first byte of TLS says that a handshake follows; no method of HTTP begins with it.
        if first[0].is_ascii_alphabetic() {
            (self.refused)(from, HandshakeFault::Plain);
            answer_plain(stream).await;
            return None;
        }
        let config = self.config.borrow().clone();
        match TlsAcceptor::from(config)
            .accept(stream)
            .into_fallible()
            .await
        {
            Ok(stream) => {
                let shown = stream.get_ref().1.peer_certificates();
                let certificate = shown
                    .and_then(|chain| CertificateFacts::read(chain.first()?))
                    .map(|facts| Arc::new(facts.of_client()));
                Some((stream, certificate))
            }
            Err((error, stream)) => {
                if let Some(fault) = HandshakeFault::of(&error) {
                    (self.refused)(from, fault);
                    leave(stream).await;
                }
                None
            }
        }
    }
}

async fn answer_plain(mut stream: TcpStream) {
    if stream.write_all(PLAIN_ANSWER).await.is_ok() {
        leave(stream).await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_plain_answer_is_as_long_as_it_says() {
        let text = core::str::from_utf8(PLAIN_ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
    }

    #[test]
    fn a_connection_that_merely_ended_is_no_fault() {
        let ended = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert_eq!(HandshakeFault::of(&ended), None);
        let wrong = std::io::Error::other(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer,
        ));
        assert_eq!(
            HandshakeFault::of(&wrong),
            Some(HandshakeFault::TheirsUnknown)
        );
    }
}
