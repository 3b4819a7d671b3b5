//! The last look before bytes leave. Who may call is decided in a transaction, and between its COMMIT and the first byte
//! of the call a process may stand still for as long as it likes. So the look stands after everything that can take time:
//! the name, the connection, the handshake, a place among the connections that are kept.
//!
//! The body of a request is that place. The connection asks whether there is one when it has put the head of the request
//! into its memory, and for its content before it writes the first byte of either; an error instead of content ends the
//! connection, and nothing was written. A request without content pretends to have some once it is late, so that it is
//! asked as well.

use core::error::Error;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use scanhook_core::lease::Trust;

/// The code of a call that did not leave because it would have come too late.
pub const LATE: &str = "lease";

/// The time after which this must not leave is over.
#[derive(Debug, thiserror::Error)]
#[error("the lease under which it was to leave may be somebody else's by now")]
pub(super) struct TooLate;

/// Whether this is what an error comes from.
pub(super) fn is_too_late(error: &(dyn Error + 'static)) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<TooLate>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Content that leaves while it may.
pub(super) struct TrustedBody {
    content: Bytes,
    trust: Trust,
    now: fn() -> Duration,
}

impl TrustedBody {
    pub(super) const fn new(content: Bytes, trust: Trust, now: fn() -> Duration) -> TrustedBody {
        TrustedBody {
            content,
            trust,
            now,
        }
    }

    fn is_late(&self) -> bool {
        !self.trust.holds((self.now)())
    }
}

impl Body for TrustedBody {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        if self.is_late() {
            return Poll::Ready(Some(Err(TooLate)));
        }
        let content = core::mem::take(&mut self.content);
        Poll::Ready((!content.is_empty()).then_some(Ok(Frame::data(content))))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_empty() && !self.is_late()
    }

    fn size_hint(&self) -> SizeHint {
        let length = self.content.len() as u64;
        SizeHint::with_exact(if self.is_late() {
            length.max(1)
        } else {
            length
        })
    }
}
