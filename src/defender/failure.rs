//! What a connection that never came about is called, from the errors that lie inside one another.

use core::error::Error;
use std::io;

use rustls::CertificateError;

use super::answer::Unsent;
use scanhook_core::obstacles::TlsFault;

/// An error of a connection, with what the client itself knows of it.
pub(super) struct ConnectFailure<'e> {
    pub(super) error: &'e (dyn Error + 'static),
    pub(super) timed_out: bool,
    pub(super) unresolved: bool,
    /// The URL of the proxy that it was to go through.
    pub(super) proxy: Option<&'e str>,
}

/// What the library that opens a tunnel says before its own words; the type is not public.
const TUNNEL: &str = "tunnel error: ";

impl<'e> ConnectFailure<'e> {
    /// The code, and what is known beside it.
    pub(super) fn unsent(&self) -> Unsent {
        let tls = self.tls();
        Unsent {
            code: match self.proxy {
                Some(_) => self.through_proxy(tls.is_some()),
                None => self.directly(tls.is_some()),
            },
            tls: tls.flatten(),
            proxy: self.proxy.map(str::to_owned),
        }
    }

    fn directly(&self, tls: bool) -> &'static str {
        if self.timed_out {
            "timeout"
        } else if self.unresolved {
            "dns"
        } else if tls {
            "tls"
        } else {
            "refused"
        }
    }

    fn through_proxy(&self, tls: bool) -> &'static str {
        let tunnel = self
            .chain()
            .map(ToString::to_string)
            .find_map(|text| text.strip_prefix(TUNNEL).map(str::to_owned));
        match tunnel.as_deref() {
            _ if self.timed_out => "proxy-silent",
            _ if self.unresolved => "proxy-dns",
            Some("proxy authorization required") => "proxy-auth",
            Some(_) if tls => "proxy-tls",
            None if tls => "tls",
            _ => "proxy-refused",
        }
    }

    /// Whether a handshake failed, and how. rustls reports its refusals as invalid data, and an end that hangs up in
    /// the middle as an early end.
    fn tls(&self) -> Option<Option<TlsFault>> {
        let fault = self
            .errors()
            .find_map(|error| error.downcast_ref::<rustls::Error>());
        let broken = self
            .errors()
            .filter_map(|error| error.downcast_ref::<io::Error>())
            .any(|error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                )
            });
        match fault {
            Some(fault) => Some(of_rustls(fault)),
            None => broken.then_some(None),
        }
    }

    fn chain(&self) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
        let mut next = Some(self.error);
        core::iter::from_fn(move || {
            let error = next?;
            next = error.source();
            Some(error)
        })
    }

    /// The chain with what lies inside errors of input and output, which skip it when they are asked for their source.
    fn errors(&self) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
        self.chain().flat_map(|error| {
            let mut next = Some(error);
            core::iter::from_fn(move || {
                let error = next?;
                let inner = error
                    .downcast_ref::<io::Error>()
                    .and_then(io::Error::get_ref);
                next = inner.map(|inner| inner as &(dyn Error + 'static));
                Some(error)
            })
        })
    }
}

fn of_rustls(error: &rustls::Error) -> Option<TlsFault> {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => Some(TlsFault::UnknownIssuer),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Some(TlsFault::Expired)
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Some(TlsFault::NotYetValid)
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Some(TlsFault::WrongName)
            }
            _ => None,
        },
        rustls::Error::InvalidMessage(_) => Some(TlsFault::NotTls),
        _ => None,
    }
}
