//! An answer without an end of its own: a stream of events, or a long list. The age of its connection does not cut it. A
//! reader who takes nothing of it for too long does: hyper then asks for no more of the body, and nobody else would notice.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use tokio::time::sleep;

use crate::clock;

/// How often such an answer is looked at once its connection is old.
const LOOK: Duration = Duration::from_secs(1);

/// What a connection and the answer that it writes know of each other.
#[derive(Clone, Default)]
pub(super) struct LastingAnswer {
    /// When more of it was asked for last, in milliseconds; 0: the answer is an ordinary one.
    asked_at: Arc<AtomicU64>,
}

impl LastingAnswer {
    /// The connection takes another request.
    pub(super) fn reset(&self) {
        self.asked_at.store(0, Ordering::Relaxed);
    }

    /// More of the answer is asked for.
    pub(super) fn touch(&self) {
        let millis = u64::try_from(clock::mono().as_millis()).unwrap_or(u64::MAX);
        self.asked_at.store(millis.max(1), Ordering::Relaxed);
    }

    /// For how long nobody has asked for more; `None`: the answer is an ordinary one.
    fn left_alone(&self) -> Option<Duration> {
        match self.asked_at.load(Ordering::Relaxed) {
            0 => None,
            at => Some(clock::mono().saturating_sub(Duration::from_millis(at))),
        }
    }

    /// Resolves once a reader has left the answer alone for so long.
    pub(super) async fn abandoned(&self, patience: Duration) {
        // There are many connections and few such answers: it is looked at seldom.
        while self.left_alone().is_none_or(|left| left < patience) {
            sleep(patience).await;
        }
    }

    /// Resolves once the answer is an ordinary one, or abandoned.
    pub(super) async fn over(&self, patience: Duration) {
        while self.left_alone().is_some_and(|left| left < patience) {
            sleep(LOOK.min(patience)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use std::convert::Infallible;
    use std::net::SocketAddr;
    use std::sync::atomic::AtomicUsize;

    use axum::Extension;
    use axum::Router;
    use axum::body::Body;
    use bytes::Bytes;
    use futures_util::stream::unfold;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::watch;

    use super::*;
    use crate::server::limits::Limits;
    use crate::server::listener::serve;
    use crate::settings::TrustedProxies;

    const PIECE: usize = 64 * 1024;

    /// A listener with one answer that never ends; how many pieces of it were made.
    async fn endless(limits: Limits) -> (SocketAddr, watch::Sender<bool>, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let answer = async move |Extension(lasting): Extension<LastingAnswer>| {
            let pieces = unfold((lasting, count.clone()), async |(lasting, count)| {
                lasting.touch();
                count.fetch_add(1, Ordering::Relaxed);
                let piece = Ok::<_, Infallible>(Bytes::from_static(&[b'x'; PIECE]));
                Some((piece, (lasting, count)))
            });
            Body::from_stream(pieces)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let router = Router::new().fallback(answer);
        tokio::spawn(serve(
            listener,
            router,
            limits,
            TrustedProxies::default(),
            stopping,
        ));
        (at, stop, made)
    }

    async fn asked(at: SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(at).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn a_reader_who_takes_nothing_is_cut_off_and_nothing_is_made_for_them_meanwhile() {
        let limits = Limits {
            unread: Duration::from_millis(300),
            grace: Duration::from_millis(100),
            ..Limits::default()
        };
        let (at, _stop, made) = endless(limits).await;
        let mut stream = asked(at).await;
        let mut before = usize::MAX;
        while made.load(Ordering::Relaxed) != before {
            before = made.load(Ordering::Relaxed);
            sleep(Duration::from_millis(100)).await;
        }
        // What the sockets hold, and no more than that.
        assert!(before * PIECE < 64 << 20, "{before} pieces");
        sleep(Duration::from_secs(1)).await;
        let mut rest = Vec::new();
        // The connection is gone: what was on the way comes, and then its end or a reset.
        let read = stream.read_to_end(&mut rest);
        let ended = tokio::time::timeout(Duration::from_secs(20), read).await;
        assert!(ended.is_ok(), "it is cut off");
        let after = made.load(Ordering::Relaxed);
        assert!(after <= before + 4, "{before} pieces, and then {after}");
    }

    #[tokio::test]
    async fn a_reader_who_reads_on_is_not_cut_off_by_the_age_of_the_connection() {
        let limits = Limits {
            age: Duration::from_millis(50),
            grace: Duration::from_millis(50),
            unread: Duration::from_secs(20),
            ..Limits::default()
        };
        let (at, _stop, made) = endless(limits).await;
        let mut stream = asked(at).await;
        let mut piece = vec![0; PIECE];
        for _ in 0..40 {
            stream.read_exact(&mut piece).await.unwrap();
            sleep(Duration::from_millis(10)).await;
        }
        assert!(made.load(Ordering::Relaxed) >= 40);
    }
}
