//! The public door: webhooks and two probes, nothing else. Cheap checks first, nothing remembered before the
//! credential holds; what the alert means is somebody else's business.

mod arrival;
mod path;

pub use arrival::{Answered, Arrived, AskedRequest, DeliveryMark, Head, TellAnswer};

use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use tokio::sync::watch;
use tokio::time::timeout;

use super::address::Peer;
use super::bodies::{BodyBudget, whole};
use super::content;
use super::failures::{Attempt, Failures};
use super::refusal::{HttpError, Mismatch, quoted};
use super::sender_certificate::SenderCertificate;
use crate::in_force::door::{SourceDoor, Sources};
use crate::settings::FailureBudget;
use crate::telemetry::TraceParent;
use path::{segments, url_secret};
use scanhook_core::signature::Standing;
use scanhook_core::wrapping::unpacked_size;

/// Where senders post.
pub const RECEIVING: &[&str] = &[
    "/webhooks/{source}",
    "/webhooks/{source}/",
    "/webhooks/{source}/{secret}",
    "/webhooks/{source}/{secret}/",
];

/// What the public listener needs to know.
pub struct Door {
    /// The configured sources; a reload sends new ones.
    pub sources: watch::Receiver<Sources>,
    /// For a whole body, from the end of its head.
    pub body_deadline: Duration,
    /// Failed authentications granted to one address.
    pub failures: FailureBudget,
    /// Most bytes of bodies in memory at once, for all senders together.
    pub body_memory: usize,
    /// The answer of `/readyz`.
    pub ready: watch::Receiver<bool>,
    /// The monotonic clock: time since any fixed moment.
    pub mono: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Is told of each answer but those of the probes.
    pub told: Arc<TellAnswer>,
}

/// Everything a handler shares.
struct DoorState<B, A> {
    door: Door,
    failures: Failures,
    bodies: Arc<BodyBudget>,
    before: B,
    accept: A,
}

/// The public router. `before` judges all of the credential that needs no body, `accept` everything after it; what a
/// sender that proves nothing is refused for is counted against its address.
pub fn router<B, A, F>(door: Door, before: B, accept: A) -> Router
where
    B: Fn(Head<'_>) -> Result<Standing, HttpError> + Send + Sync + 'static,
    A: Fn(Arrived) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response, HttpError>> + Send + 'static,
{
    let ready = door.ready.clone();
    let (failures, bodies) = (
        Failures::new(door.failures),
        BodyBudget::new(door.body_memory),
    );
    let entry = Arc::new(DoorState {
        door,
        failures,
        bodies,
        before,
        accept,
    });
    let readyz = move || async move {
        if *ready.borrow() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    let mut router = Router::new();
    for path in RECEIVING {
        router = router.route(path, any(webhook::<B, A, F>));
    }
    router
        .route(
            "/livez",
            get(async || StatusCode::OK).fallback(probe_method),
        )
        .route("/readyz", get(readyz).fallback(probe_method))
        .fallback(nowhere::<B, A>)
        .with_state(entry)
}

async fn probe_method(method: Method) -> HttpError {
    HttpError::Method(Mismatch {
        came: quoted(method.as_str().as_bytes()),
        taken: "GET, HEAD".to_owned(),
    })
}

/// A path that leads nowhere. It is told only where a webhook may have been meant.
async fn nowhere<B, A>(
    State(entry): State<Arc<DoorState<B, A>>>,
    request: Request<Body>,
) -> HttpError {
    let peer = request.extensions().get::<Peer>().copied();
    let path = request.uri().path();
    let meant = path
        .get(.."/webhooks".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("/webhooks"));
    let asked = meant.then(|| segments(path).map_or("", |(source, _)| source));
    let refusal = HttpError::NotFound;
    (entry.door.told)(Answered {
        source: None,
        asked,
        peer,
        status: refusal.status(),
        refusal: Some(&refusal),
        request: None,
        stored: None,
    });
    refusal
}

async fn webhook<B, A, F>(
    State(entry): State<Arc<DoorState<B, A>>>,
    request: Request<Body>,
) -> Response
where
    B: Fn(Head<'_>) -> Result<Standing, HttpError> + Send + Sync + 'static,
    A: Fn(Arrived) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response, HttpError>> + Send + 'static,
{
    let peer = request.extensions().get::<Peer>().copied();
    let name = segments(request.uri().path())
        .map(|(source, _)| source.to_owned())
        .unwrap_or_default();
    let asked_request = AskedRequest {
        method: request.method().clone(),
        parent: TraceParent::of(request.headers()),
        begun: (entry.door.mono)(),
    };
    let outcome = receive(&entry, request).await;
    let status = outcome
        .as_ref()
        .map_or_else(HttpError::status, Response::status);
    // A name that no source has becomes no label of a metric: strangers could make any number of series.
    let known = entry.door.sources.borrow().contains_key(&name);
    let (source, asked) = if known {
        (Some(name.as_str()), None)
    } else {
        (None, Some(name.as_str()))
    };
    (entry.door.told)(Answered {
        source,
        asked,
        peer,
        status,
        refusal: outcome.as_ref().err(),
        request: Some(&asked_request),
        stored: outcome
            .as_ref()
            .ok()
            .and_then(|answer| answer.extensions().get()),
    });
    outcome.unwrap_or_else(IntoResponse::into_response)
}

/// The order of the checks is the point: what costs least and tells least comes first, and up to the body nothing is
/// read, so that `Expect: 100-continue` is never encouraged for a request that will be refused.
async fn receive<B, A, F>(
    entry: &DoorState<B, A>,
    request: Request<Body>,
) -> Result<Response, HttpError>
where
    B: Fn(Head<'_>) -> Result<Standing, HttpError>,
    A: Fn(Arrived) -> F,
    F: Future<Output = Result<Response, HttpError>>,
{
    let (
        Parts {
            method,
            uri,
            headers,
            extensions,
            ..
        },
        body,
    ) = request.into_parts();
    let peer = extensions.get::<Peer>().ok_or(HttpError::Internal)?.address;
    let certificate = extensions.get::<SenderCertificate>().cloned();
    let certificate = certificate.unwrap_or_default();
    let (source, secret) = segments(uri.path()).ok_or(HttpError::NotFound)?;
    // Taken once: a reload changes nothing of a request that has begun.
    let sources = entry.door.sources.borrow().clone();
    let door = sources
        .get(source)
        .filter(|door| door.secret_in_url.allows(secret));
    let door = door.ok_or(HttpError::UnknownSource)?;
    takes(door, &method)?;
    let wrapping = content::wrapping(door, &headers)?;
    if let Some(left) = entry.failures.spent(peer, (entry.door.mono)()) {
        return Err(HttpError::FailureBudget(left));
    }
    let mut attempt = Attempt::new(&entry.failures, &*entry.door.mono, peer);
    let outcome = async {
        let url_secret = secret.map(url_secret).transpose()?;
        let standing = (entry.before)(Head {
            source,
            headers: &headers,
            url_secret: url_secret.as_ref(),
            certificate: &certificate,
            peer,
        })?;
        let unproven = standing == Standing::Unproven;
        attempt.reads_body(unproven);
        // Held until the delivery is stored, or refused.
        let mut room = entry.bodies.room(unproven.then_some(peer));
        let read = timeout(
            entry.door.body_deadline,
            whole(body, door.max_body, |bytes| room.grow(bytes)),
        );
        let body = read.await.unwrap_or(Err(HttpError::BodyTimeout))?;
        // What it unpacks to takes memory, too: that is granted before it is unpacked.
        if wrapping.gzip {
            room.grow(unpacked_size(&body).min(door.max_body))?;
        }
        attempt.has_body();
        let source = source.to_owned();
        (entry.accept)(Arrived {
            source,
            headers,
            url_secret,
            certificate,
            body,
            wrapping,
            peer,
        })
        .await
    }
    .await;
    attempt.ends(outcome.as_ref().err());
    outcome
}

fn takes(door: &SourceDoor, method: &Method) -> Result<(), HttpError> {
    if door.methods.iter().any(|taken| taken == method.as_str()) {
        return Ok(());
    }
    Err(HttpError::Method(Mismatch {
        came: quoted(method.as_str().as_bytes()),
        taken: door.methods.join(", "),
    }))
}
