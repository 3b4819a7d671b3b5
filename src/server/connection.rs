//! One connection from its first byte to its last: deadlines, the checks that concern every head, and a leave-taking
//! that lets the sender read its answer.

use core::convert::Infallible;
use core::future::{pending, poll_fn};
use core::net::SocketAddr;
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::Poll;
use std::panic::catch_unwind;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Version, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::handshake::{DoorTls, OverTls};
use super::lasting::LastingAnswer;
use super::leave::leave;
use super::limits::{Limits, stopped};
use super::refusal::HttpError;
use super::seats::FirstHead;
use super::sender_certificate::SenderCertificate;
use crate::settings::TrustedProxies;
use scanhook_core::signature::ClientCertificate;

/// Bytes of one head; a longer one is answered 431.
const HEAD_BYTES: usize = 32 * 1024;
/// Header lines of one head; one more is answered 431.
const HEAD_LINES: usize = 64;
/// What all connections of one listener share.
pub struct Entrance {
    pub router: Router,
    pub limits: Limits,
    pub proxies: TrustedProxies,
    /// Without it the listener speaks plain HTTP.
    pub tls: Option<DoorTls>,
}

/// Who is at the other end of a connection.
#[derive(Clone)]
struct FarEnd {
    socket: SocketAddr,
    /// The certificate it showed in the handshake.
    certificate: Option<Arc<ClientCertificate>>,
}

type Answering = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Serves one connection until it ends, is too old, or the listener stops. A handshake has as long as a head has.
pub(super) async fn receive(
    stream: TcpStream,
    socket: SocketAddr,
    entrance: Arc<Entrance>,
    first: FirstHead,
    mut stop: watch::Receiver<bool>,
) {
    let Some(tls) = &entrance.tls else {
        let certificate = None;
        let far_end = FarEnd {
            socket,
            certificate,
        };
        return converse(stream, far_end, entrance, first, stop).await;
    };
    let shaken = tokio::select! {
        biased;
        () = stopped(&mut stop) => return,
        shaken = timeout(entrance.limits.head, tls.shake(stream, socket.ip())) => shaken,
    };
    if let Ok(Some((stream, certificate))) = shaken {
        let far_end = FarEnd {
            socket,
            certificate,
        };
        converse(stream, far_end, entrance, first, stop).await;
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    far_end: FarEnd,
    entrance: Arc<Entrance>,
    first: FirstHead,
    mut stop: watch::Receiver<bool>,
) {
    let limits = entrance.limits;
    let lasting = LastingAnswer::default();
    let service = {
        let (first, lasting) = (first.clone(), lasting.clone());
        service_fn(move |request: Request<Incoming>| -> Answering {
            // This task is about to be ended: nothing is begun that would be cut.
            if !first.arrive() {
                return Box::pin(pending());
            }
            let (entrance, far_end) = (Arc::clone(&entrance), far_end.clone());
            lasting.reset();
            let lasting = lasting.clone();
            Box::pin(async move { Ok(answer(&entrance, &far_end, lasting, request).await) })
        })
    };
    // HTTP/1 only, without the sniff for other protocols: the sniff has no deadline, this has one from the first
    // moment. A sender may well shut its sending side once the request is out.
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .half_close(limits.half_close)
        .serve_connection(TokioIo::new(stream), service);

    let ended = tokio::select! {
        biased;
        ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => Some(ended),
        () = stopped(&mut stop) => None,
        () = sleep(limits.age) => None,
        () = lasting.abandoned(limits.unread) => return,
    };
    let ended = match ended {
        Some(ended) => ended,
        // Half a head was promised nothing.
        None if !first.has_arrived() => return,
        None => {
            Pin::new(&mut connection).graceful_shutdown();
            // Of a stopping listener the loop keeps the time, and counts whom it cuts.
            let stopping = *stop.borrow();
            let patience = async {
                if stopping {
                    pending::<()>().await;
                }
                lasting.over(limits.unread).await;
                sleep(limits.grace).await;
            };
            tokio::select! {
                biased;
                ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => ended,
                () = patience => return,
            }
        }
    };
    // An answer was sent: to a request, or by hyper to bytes that are none.
    if ended
        .as_ref()
        .map_or_else(hyper::Error::is_parse, |()| true)
    {
        let stream = connection.into_parts().io.into_inner();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => {}
            () = leave(stream) => {}
        }
    }
}

/// The checks that concern every head, then the router.
async fn answer(
    entrance: &Entrance,
    far_end: &FarEnd,
    lasting: LastingAnswer,
    mut request: Request<Incoming>,
) -> Response {
    if let Err(refusal) = head(&request) {
        return refusal.into_response();
    }
    let (socket, headers) = (far_end.socket, request.headers());
    let peer = entrance.proxies.peer(socket, headers);
    let trusted = entrance.proxies.trust(socket.ip());
    let shown = SenderCertificate::of(far_end.certificate.as_ref(), trusted, headers);
    request.extensions_mut().insert(peer);
    if entrance.tls.is_some() {
        request.extensions_mut().insert(OverTls);
    }
    request.extensions_mut().insert(shown);
    request.extensions_mut().insert(lasting);
    contain(entrance.router.clone().oneshot(request.map(Body::new))).await
}

/// hyper takes a request without `Host`, and one with several; proxies in front may disagree about which counts.
fn head<B>(request: &Request<B>) -> Result<(), HttpError> {
    match request.headers().get_all(header::HOST).iter().count() {
        0 if request.version() == Version::HTTP_11 => return Err(HttpError::MissingHost),
        0 | 1 => {}
        _ => return Err(HttpError::RepeatedHost),
    }
    // `CONNECT host:443` asks for a tunnel. `POST http://host/path` is a request like any other (RFC 9112, 3.2.2): whatever
    // the host, it is answered from here.
    if request.method() == Method::CONNECT {
        Err(HttpError::NotFound)
    } else {
        Ok(())
    }
}

/// A panic ends the request it happened in, and nothing else. Its text stays out of the answer.
async fn contain(handler: impl Future<Output = Result<Response, Infallible>>) -> Response {
    let mut handler = pin!(handler);
    let outcome = poll_fn(|cx| {
        let step = catch_unwind(AssertUnwindSafe(|| handler.as_mut().poll(cx)));
        // After a panic the handler is not polled again, only dropped.
        step.map_or_else(|_| Poll::Ready(None), |step| step.map(Some))
    });
    match outcome.await {
        Some(Ok(response)) => response,
        None => {
            tracing::error!("a request handler panicked; the request was answered 500");
            HttpError::Internal.into_response()
        }
    }
}
