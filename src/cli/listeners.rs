//! The sockets that a verb listens on: bound here, or handed over by systemd.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::trouble::{CliError, Exit};
use crate::server::listener;
use crate::settings::{Flags, HandedSockets};

/// What is asked of an address is asked of that of a socket which was handed over as well, so it counts as if a flag said it.
pub(super) fn addressed(handed: &HandedSockets, flags: &mut Flags) -> io::Result<()> {
    for (socket, flag) in [
        (&handed.listen, &mut flags.listen),
        (&handed.admin, &mut flags.admin_listen),
    ] {
        if let Some(socket) = socket {
            *flag = Some(socket.local_addr()?);
        }
    }
    Ok(())
}

/// The socket that was handed over, else one of our own at this address.
pub(super) fn opened(
    handed: Option<std::net::TcpListener>,
    address: SocketAddr,
    key: &str,
) -> Result<TcpListener, CliError> {
    let Some(socket) = handed else {
        return bind(address, key);
    };
    listener::adopt(socket).map_err(|error| {
        let sentence =
            format!("the socket for {address} that was handed over cannot be used: {error}");
        CliError::new(Exit::Unavailable, sentence)
    })
}

pub(super) fn bind(address: SocketAddr, key: &str) -> Result<TcpListener, CliError> {
    listener::bind(address).map_err(|error| {
        let (exit, remedy) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                Exit::Unavailable,
                format!("is it running already? Choose another with `{key}`"),
            ),
            io::ErrorKind::PermissionDenied => (
                Exit::Permission,
                "ports below 1024 need a privilege".to_owned(),
            ),
            _ => (
                Exit::Unavailable,
                format!("is it an address of this machine? It is set by `{key}`"),
            ),
        };
        CliError::new(
            exit,
            format!("cannot listen on {address}: {error}; {remedy}"),
        )
    })
}
