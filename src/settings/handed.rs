//! Listeners that whoever started this process has opened for it: systemd's socket activation. They stay open while scanhook
//! restarts, so connections wait instead of being refused.

use std::io;
use std::net::TcpListener;

use listenfd::ListenFd;

/// The name of the admin listener in `LISTEN_FDNAMES`. Whatever has another name takes webhooks.
const ADMIN: &str = "admin";

/// The listeners that were handed over.
#[derive(Debug, Default)]
pub struct HandedSockets {
    pub listen: Option<TcpListener>,
    pub admin: Option<TcpListener>,
}

/// Why what was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HandedError {
    /// Something other than a TCP socket.
    #[error("the socket `{0}` that was handed over cannot be used: {1}")]
    NoListener(String, io::Error),
    /// More than scanhook listens on.
    #[error(
        "two sockets were handed over for the {0} listener, and it has one: name one of them `admin` (FileDescriptorName=), \
         or hand over fewer"
    )]
    TooMany(&'static str),
}

impl HandedSockets {
    /// Takes what `LISTEN_FDS` counts and `LISTEN_FDNAMES` names. Only once, and before there are other threads, because the
    /// variables are taken out of the environment.
    ///
    /// # Errors
    /// [`HandedError`]: none of them is used then.
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the door the ban points to"
    )]
    pub fn take() -> Result<HandedSockets, HandedError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut handed = ListenFd::from_env();
        let mut sockets = HandedSockets::default();
        for place in 0..handed.len() {
            let name = names.next().unwrap_or_default();
            let socket = handed
                .take_tcp_listener(place)
                .map_err(|error| HandedError::NoListener(name.to_owned(), error))?;
            let (place, which) = match name {
                ADMIN => (&mut sockets.admin, "admin"),
                _ => (&mut sockets.listen, "public"),
            };
            if place.is_some() {
                return Err(HandedError::TooMany(which));
            }
            *place = socket;
        }
        Ok(sockets)
    }
}
