//! What bounds a listener, and how it is told to stop.

use core::time::Duration;

use tokio::sync::watch;

/// What a listener grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a TLS handshake; and for a whole head, from the connection's start, the handshake or the last answer: also how long an idle connection is kept.
    pub head: Duration,
    /// For a connection; then it is closed after the request in flight.
    pub age: Duration,
    /// For an answer without an end of its own, while its reader takes nothing of it; then it is cut.
    pub unread: Duration,
    /// Whether a client may shut its sending side before it is answered. Where it may not, one that has gone is noticed at once.
    pub half_close: bool,
    /// For requests in flight when the listener stops; then they are cut.
    pub grace: Duration,
    /// Connections of one address (of one /64 in IPv6); a trusted proxy stands for many and is not counted.
    pub per_address: usize,
    /// Connections in all. The last quarter is for addresses that hold few.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head: Duration::from_secs(5),
            age: Duration::from_secs(120),
            unread: Duration::from_secs(45),
            half_close: true,
            grace: Duration::from_secs(20),
            per_address: 512,
            total: 4096,
        }
    }
}

/// Resolves once the listener is to stop.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that whoever could say stop is gone; nothing would ever end us otherwise.
    let _ = stop.wait_for(|stop| *stop).await;
}
