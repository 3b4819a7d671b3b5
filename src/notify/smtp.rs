//! Sends one mail over a connection of its own. TLS believes what every other call believes: the system's authorities
//! and those of `[network]`.

use core::error::Error;
use std::io;

use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use secrecy::ExposeSecret as _;

use super::state::{OutgoingMail, ReceiverAnswer};
use crate::settings::{MailProtection, MailRelay};

/// Sends it once. Every recipient gets it, or none: a relay that refuses one of them is not given the mail.
pub(super) async fn send(mail: OutgoingMail, roots: &[Vec<u8>]) -> ReceiverAnswer {
    let tls = match tls(&mail.relay, roots) {
        Ok(tls) => tls,
        Err(error) => return failed(&error),
    };
    let relay = &mail.relay;
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&relay.host)
        .port(relay.port)
        .tls(tls);
    // Some relays turn away who calls itself by an address.
    if let Some(from) = mail.envelope.from() {
        transport = transport.hello_name(ClientId::Domain(from.domain().to_owned()));
    }
    if let Some(login) = &relay.login {
        let secret = login.secret.expose_secret().to_owned();
        transport = transport
            .credentials(Credentials::new(login.user.clone(), secret))
            .authentication(vec![Mechanism::Plain, Mechanism::Login]);
    }
    match transport.build().send_raw(&mail.envelope, &mail.text).await {
        Ok(reply) => ReceiverAnswer::Mail {
            code: Some(reply.code().into()),
            text: reply.message().collect::<Vec<_>>().join(" "),
        },
        Err(error) => failed(&error),
    }
}

fn tls(relay: &MailRelay, roots: &[Vec<u8>]) -> Result<Tls, smtp::Error> {
    let parameters = || {
        let mut builder = TlsParameters::builder(relay.host.clone());
        for der in roots {
            builder = builder.add_root_certificate(Certificate::from_der(der.clone())?);
        }
        builder.build()
    };
    Ok(match relay.protection {
        MailProtection::Tls => Tls::Wrapper(parameters()?),
        MailProtection::StartTls => Tls::Required(parameters()?),
        MailProtection::Plain => Tls::None,
    })
}

/// The reply that refused it, or a word for what came instead of one.
fn failed(error: &smtp::Error) -> ReceiverAnswer {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    let code = error.status().map(u16::from);
    if code.is_some() {
        return ReceiverAnswer::Mail { code, text };
    }
    let text = if error.is_timeout() {
        "timeout".to_owned()
    } else if error.is_tls() || broke_a_handshake(error) {
        "tls".to_owned()
    } else if error.is_client() {
        // The library's own words: the relay offers no STARTTLS, or no login that we know.
        format!("smtp: {text}")
    } else if error.is_response() {
        "smtp".to_owned()
    } else {
        "connection-lost".to_owned()
    };
    ReceiverAnswer::Mail { code, text }
}

/// rustls reports its refusals as invalid data.
fn broke_a_handshake(error: &smtp::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        next = error.source();
    }
    false
}
