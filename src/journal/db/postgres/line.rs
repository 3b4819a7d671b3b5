//! The wire itself: a runtime of its own on the thread that asks, and a limit to every wait. Whatever is asked and the
//! connection that carries it are moved on together, so no task has to be spawned.

use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::{Context, Poll};
use core::time::Duration;
use tokio::runtime::Runtime;
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, Socket};

use super::lost::Lost;

/// How long anything may be waited for.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// The half of the connection that carries; it tells what came without being asked for.
trait Carrier: Send {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>>;
}

impl<T: TlsStream + Unpin + Send> Carrier for Connection<Socket, T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Error>>> {
        self.poll_message(cx)
    }
}

/// A line to the database.
pub(super) struct Line {
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    carrier: Option<Box<dyn Carrier>>,
    /// The server has warned since this was taken last.
    warned: bool,
}

impl Line {
    /// Connects.
    pub(super) fn open<T>(config: &Config, tls: T) -> Result<(Line, Client), Lost>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: TlsStream + Unpin + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Lost::Broken(error.to_string()))?;
        let connected =
            runtime.block_on(async { tokio::time::timeout(LIMIT, config.connect(tls)).await });
        let (client, connection) = connected.map_err(|_| Lost::Silent)?.map_err(Lost::of)?;
        let line = Line {
            runtime: Some(runtime),
            carrier: Some(Box::new(connection)),
            warned: false,
        };
        Ok((line, client))
    }

    /// Waits for an answer while the connection carries it.
    pub(super) fn wait<T>(
        &mut self,
        asked: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Lost> {
        let Line {
            runtime,
            carrier,
            warned,
        } = self;
        let (Some(runtime), Some(carrier)) = (runtime, carrier) else {
            return Err(Lost::Broken("the connection is closed".to_owned()));
        };
        runtime.block_on(async {
            let mut asked = pin!(asked);
            let answered = poll_fn(|cx| {
                if let Poll::Ready(answer) = asked.as_mut().poll(cx) {
                    return Poll::Ready(answer.map_err(Lost::of));
                }
                loop {
                    match carrier.poll(cx) {
                        Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                            *warned |= notice.severity() == "WARNING";
                        }
                        Poll::Ready(Some(Ok(_))) => {}
                        Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Lost::of(error))),
                        Poll::Ready(None) => return Poll::Ready(Err(Lost::closed())),
                        Poll::Pending => break,
                    }
                }
                asked.as_mut().poll(cx).map_err(Lost::of)
            });
            tokio::time::timeout(LIMIT, answered)
                .await
                .unwrap_or(Err(Lost::Silent))
        })
    }

    /// What other sessions tell this one, within this time. What is told while something is asked is not kept: a session that
    /// listens asks nothing.
    pub(super) fn hear(&mut self, within: Duration) -> Result<Option<String>, Lost> {
        let (Some(runtime), Some(carrier)) = (&self.runtime, &mut self.carrier) else {
            return Err(Lost::closed());
        };
        runtime.block_on(async {
            let told = poll_fn(|cx| {
                loop {
                    match carrier.poll(cx) {
                        Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) => {
                            return Poll::Ready(Ok(told.payload().to_owned()));
                        }
                        Poll::Ready(Some(Ok(_))) => {}
                        Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Lost::of(error))),
                        Poll::Ready(None) => return Poll::Ready(Err(Lost::closed())),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            });
            match tokio::time::timeout(within, told).await {
                Ok(told) => told.map(Some),
                Err(_) => Ok(None),
            }
        })
    }

    /// Ends it, so that the server lets go of what the session had.
    pub(super) fn hang_up(&mut self) {
        self.carrier = None;
    }

    /// Whether the server has warned since this was asked last.
    pub(super) fn take_warning(&mut self) -> bool {
        core::mem::take(&mut self.warned)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Not by waiting for it: the last handle may be dropped by async code, where that would be a panic.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
