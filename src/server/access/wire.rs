//! How a request came: from where, and whether anybody could read along.

use core::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use axum::http::Extensions;

use crate::server::address::Peer;
use crate::server::handshake::OverTls;
use crate::server::refusal::AccessError;
use crate::settings::Settings;

/// How a request came.
#[derive(Clone, Copy)]
pub(in crate::server) struct Wire {
    /// The far end of the connection.
    socket: IpAddr,
    /// The sender, as far as a trusted proxy says.
    pub(in crate::server) address: IpAddr,
    pub(in crate::server) over_tls: bool,
}

impl Wire {
    pub(in crate::server) fn of(request: &Request) -> Wire {
        Wire::of_extensions(request.extensions())
    }

    /// The same, of a request whose body is elsewhere.
    pub(super) fn of_extensions(extensions: &Extensions) -> Wire {
        let nowhere = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let peer = extensions.get::<Peer>();
        Wire {
            socket: peer.map_or(nowhere, |peer| peer.socket.ip().to_canonical()),
            address: peer.map_or(nowhere, |peer| peer.address),
            over_tls: extensions.get::<OverTls>().is_some(),
        }
    }

    /// Whether it came from this computer.
    pub(super) fn is_local(self) -> bool {
        self.socket.is_loopback()
    }

    /// Nothing that proves who somebody is may come where others can read it.
    pub(in crate::server) fn keeps_secrets(self, settings: &Settings) -> Result<(), AccessError> {
        match self.is_private(settings) {
            true => Ok(()),
            false => Err(AccessError::PlainHttp),
        }
    }

    /// Whether nobody on the way could read a credential: TLS, this computer, or a proxy that ends TLS before us.
    fn is_private(self, settings: &Settings) -> bool {
        let by_proxy =
            settings.admin.behind_proxy && settings.server.trusted_proxies.trust(self.socket);
        self.over_tls || self.is_local() || by_proxy
    }
}
