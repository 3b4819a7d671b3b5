//! Our side of goodbye, so that a sender can read why it was refused.

use core::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

/// Closing a socket with unread bytes resets it, and the sender may never see why it was refused. So we stop
/// sending, and read what is still under way: for so long,
const LINGER: Duration = Duration::from_secs(1);
/// and so much.
const LINGER_BYTES: u64 = 4 * 1024 * 1024;

/// Nothing more is sent; what the sender still sends is read and dropped, within bounds.
pub(super) async fn leave(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let farewell = async {
        stream.shutdown().await?;
        let mut rest = stream.take(LINGER_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // Whatever comes of it, the socket is closed next.
    let _ = timeout(LINGER, farewell).await;
}
