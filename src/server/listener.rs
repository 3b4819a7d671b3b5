//! The accept loop. Our own, because the stock one cannot close a connection that sends nothing, and because a cap
//! on all connections alone lets one address shut the others out.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use axum::Router;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::address::share;
pub use super::connection::Entrance;
use super::connection::receive;
use super::limits::{Limits, stopped};
use super::seats::{FirstHead, Seats};
use crate::settings::TrustedProxies;

/// Out of file descriptors: connections end and free some, so a short rest is the whole cure.
const REST: Duration = Duration::from_millis(50);

/// Connections that may wait to be accepted. Where a burst of others fills the queue, the system drops an honest sender's
/// first packet, and that costs it a second. The system has a limit of its own (`net.core.somaxconn`).
const QUEUE: u32 = 4096;

/// How a listener stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Connections cut because their request outlasted the grace.
    pub cut: usize,
}

/// A socket that listens on this address.
///
/// # Errors
/// As the system says it.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // As tokio does it: a restart must not wait for connections of the process before it. Elsewhere it means something else.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// A socket that somebody else has bound, and that listens already.
///
/// # Errors
/// As the system says it.
pub fn adopt(socket: std::net::TcpListener) -> io::Result<TcpListener> {
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket)
}

/// Serves `router` until `stop` holds true (or its sender is gone), then drains: no new connections, requests in
/// flight finish within the grace, half-open connections are not waited for. Requests carry a
/// [`Peer`](super::address::Peer) in their extensions; one without exactly one `Host`, one meant for a proxy and one
/// whose handler panics are answered here.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    proxies: TrustedProxies,
    stop: watch::Receiver<bool>,
) -> Drained {
    let tls = None;
    let entrance = Entrance {
        router,
        limits,
        proxies,
        tls,
    };
    serve_entrance(listener, entrance, stop).await
}

/// The same, for a listener that may have TLS.
pub async fn serve_entrance(
    listener: TcpListener,
    entrance: Entrance,
    mut stop: watch::Receiver<bool>,
) -> Drained {
    let entrance = Arc::new(entrance);
    let limits = entrance.limits;
    let mut seats = Seats::default();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(ended) = connections.join_next_with_id() => {
                seats.leave(ended.map_or_else(|error: JoinError| error.id(), |(task, ())| task));
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    // Over a cap, the connection is closed by dropping it.
                    let address = (!entrance.proxies.trust(peer.ip())).then(|| share(peer.ip()));
                    if seats.admit(address, &limits) {
                        set_up(&stream);
                        let first = FirstHead::default();
                        let talk = receive(stream, peer, Arc::clone(&entrance), first.clone(), stop.clone());
                        seats.take(connections.spawn(talk), address, first);
                    }
                }
                Err(error) => rest_after(&error).await,
            },
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.grace, all).await.is_ok() {
        return Drained { cut: 0 };
    }
    let cut = connections.len();
    connections.shutdown().await;
    Drained { cut }
}

fn set_up(stream: &TcpStream) {
    // Answers are one small write; waiting to fill a packet only delays them. A socket that refuses still works.
    let _ = stream.set_nodelay(true);
}

/// No error of `accept` ends the loop: those of one connection concern that one, those of the machine pass.
async fn rest_after(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    ) {
        tracing::warn!(error = %error, "a connection could not be accepted");
        sleep(REST).await;
    }
}
