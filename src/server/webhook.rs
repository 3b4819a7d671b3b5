//! The public door: webhooks and two probes, nothing else. Cheap checks first, nothing remembered before the
//! credential holds; what the alert means is somebody else's business.

use core::net::IpAddr;
use core::time::Duration;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use tokio::sync::watch;
use tokio::time::timeout;

use super::address::Peer;
pub use super::failures::FailureBudget;
use super::failures::Failures;
use super::refusal::Refusal;
use crate::domain::signature::Check;
use crate::settings::Source;

/// The sources' names and what each takes.
pub type Sources = Arc<BTreeMap<String, SourceDoor>>;

/// Takes a source's name and the status of an answer.
pub type Told = dyn Fn(&str, StatusCode) + Send + Sync;

/// What the public listener needs to know.
pub struct Door {
    /// The configured sources; a reload sends new ones.
    pub sources: watch::Receiver<Sources>,
    /// For a whole body, from the end of its head.
    pub body_deadline: Duration,
    /// Failed authentications granted to one address.
    pub failures: FailureBudget,
    /// The answer of `/readyz`.
    pub ready: watch::Receiver<bool>,
    /// The monotonic clock: time since any fixed moment.
    pub mono: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// Is told of each request to a configured source with the status of its answer.
    pub told: Arc<Told>,
}

/// What one source takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDoor {
    /// Media types, without parameters.
    pub content_types: Vec<String>,
    /// Methods, upper case.
    pub methods: Vec<String>,
    /// Cap of a body, in bytes.
    pub max_body: usize,
    /// Whether the URL ends in the secret: `/webhooks/{source}/{secret}`.
    pub secret_in_url: SecretInUrl,
}

/// Whether a source's URL ends in its secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretInUrl {
    /// It never does.
    #[default]
    Never,
    /// One of the ways to prove it does, another does not.
    Sometimes,
    /// It always does.
    Always,
}

impl SecretInUrl {
    const fn allows(self, secret: Option<&str>) -> bool {
        match self {
            SecretInUrl::Never => secret.is_none(),
            SecretInUrl::Sometimes => true,
            SecretInUrl::Always => secret.is_some(),
        }
    }
}

impl SourceDoor {
    /// What a configured source takes.
    #[must_use]
    pub fn of(source: &Source) -> SourceDoor {
        let ways = &source.auth.alternatives;
        let in_url = |all: &&Vec<Check>| all.iter().any(|check| matches!(check, Check::UrlSecret { .. }));
        let secret_in_url = match ways.iter().filter(in_url).count() {
            0 => SecretInUrl::Never,
            all if all == ways.len() => SecretInUrl::Always,
            _ => SecretInUrl::Sometimes,
        };
        SourceDoor {
            content_types: source.content_types.clone(),
            methods: source.methods.clone(),
            max_body: source.max_body,
            secret_in_url,
        }
    }
}

impl Default for SourceDoor {
    fn default() -> Self {
        SourceDoor {
            content_types: vec!["application/json".to_owned()],
            methods: vec!["POST".to_owned()],
            max_body: 1024 * 1024,
            secret_in_url: SecretInUrl::Never,
        }
    }
}

/// A request that passed every check that needs no secret.
pub struct Arrived {
    /// The configured name of the source.
    pub source: String,
    /// Its headers, as sent.
    pub headers: HeaderMap,
    /// The last segment of the URL, for a source that keeps its secret there.
    pub url_secret: Option<SecretString>,
    /// The body, as sent.
    pub body: Bytes,
    /// The sender's address.
    pub peer: IpAddr,
}

/// Everything a handler shares.
struct Entry<S, A> {
    door: Door,
    failures: Failures,
    shape: S,
    accept: A,
}

/// The public router. `shape` judges the credential headers before the body is read, `accept` everything after it;
/// an [`Refusal::Unauthenticated`] of either is counted against the sender's address.
pub fn router<S, A, F>(door: Door, shape: S, accept: A) -> Router
where
    S: Fn(&str, &HeaderMap, IpAddr) -> Result<(), Refusal> + Send + Sync + 'static,
    A: Fn(Arrived) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response, Refusal>> + Send + 'static,
{
    let ready = door.ready.clone();
    let failures = Failures::new(door.failures);
    let entry = Arc::new(Entry { door, failures, shape, accept });
    let readyz = move || async move { if *ready.borrow() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } };
    Router::new()
        .route("/webhooks/{source}", any(webhook::<S, A, F>))
        .route("/webhooks/{source}/{secret}", any(webhook::<S, A, F>))
        .route("/livez", get(async || StatusCode::OK).fallback(probe_method))
        .route("/readyz", get(readyz).fallback(probe_method))
        .fallback(async || Refusal::NotFound)
        .with_state(entry)
}

async fn probe_method() -> Refusal {
    Refusal::Method("GET, HEAD".to_owned())
}

async fn webhook<S, A, F>(State(entry): State<Arc<Entry<S, A>>>, request: Request<Body>) -> Response
where
    S: Fn(&str, &HeaderMap, IpAddr) -> Result<(), Refusal> + Send + Sync + 'static,
    A: Fn(Arrived) -> F + Send + Sync + 'static,
    F: Future<Output = Result<Response, Refusal>> + Send + 'static,
{
    let source = segments(request.uri().path()).map(|(source, _)| source.to_owned());
    let response = receive(&entry, request).await.unwrap_or_else(IntoResponse::into_response);
    if let Some(source) = source.filter(|source| entry.door.sources.borrow().contains_key(source)) {
        (entry.door.told)(&source, response.status());
    }
    response
}

/// The order of the checks is the point: what costs least and tells least comes first, and up to the body nothing is
/// read, so that `Expect: 100-continue` is never encouraged for a request that will be refused.
async fn receive<S, A, F>(entry: &Entry<S, A>, request: Request<Body>) -> Result<Response, Refusal>
where
    S: Fn(&str, &HeaderMap, IpAddr) -> Result<(), Refusal>,
    A: Fn(Arrived) -> F,
    F: Future<Output = Result<Response, Refusal>>,
{
    let (head, body) = request.into_parts();
    let peer = head.extensions.get::<Peer>().ok_or(Refusal::Internal)?.address;
    let (source, secret) = segments(head.uri.path()).ok_or(Refusal::NotFound)?;
    let sources = entry.door.sources.borrow().clone();
    let door = sources.get(source).filter(|door| door.secret_in_url.allows(secret));
    let door = door.ok_or(Refusal::UnknownSource)?;
    method(door, &head.method)?;
    content_type(door, &head.headers)?;
    content_encoding(&head.headers)?;
    // Chunked bodies declare nothing: their lower bound is zero.
    if body.size_hint().lower() > u64::try_from(door.max_body).unwrap_or(u64::MAX) {
        return Err(Refusal::BodyTooLarge);
    }
    let now = (entry.door.mono)();
    if let Some(left) = entry.failures.spent(peer, now) {
        return Err(Refusal::FailureBudget(left));
    }
    let url_secret = secret.map(url_secret).transpose();
    let shape = url_secret.and_then(|secret| (entry.shape)(source, &head.headers, peer).map(|()| secret));
    let outcome = match shape {
        Err(refusal) => Err(refusal),
        Ok(url_secret) => {
            let body = timeout(entry.door.body_deadline, whole(body, door.max_body));
            let body = body.await.map_err(|_| Refusal::BodyTimeout)??;
            (entry.accept)(Arrived { source: source.to_owned(), headers: head.headers, url_secret, body, peer }).await
        }
    };
    if outcome.as_ref().is_err_and(|refusal| *refusal == Refusal::Unauthenticated) {
        entry.failures.spend(peer, (entry.door.mono)());
    }
    outcome
}

/// Source and secret of a path. Names are compared as written: an encoded one is no name of ours.
fn segments(path: &str) -> Option<(&str, Option<&str>)> {
    let rest = path.strip_prefix("/webhooks/")?;
    Some(rest.split_once('/').map_or((rest, None), |(source, secret)| (source, Some(secret))))
}

/// A secret may need encoding to fit into a URL.
fn url_secret(segment: &str) -> Result<SecretString, Refusal> {
    let text = percent_decode_str(segment).decode_utf8().map(Cow::into_owned);
    text.map(SecretString::from).map_err(|_| Refusal::Unauthenticated)
}

fn method(door: &SourceDoor, method: &Method) -> Result<(), Refusal> {
    let taken = door.methods.iter().any(|taken| taken == method.as_str());
    if taken { Ok(()) } else { Err(Refusal::Method(door.methods.join(", "))) }
}

/// One content type of the source's, with no parameter or `charset=utf-8`.
pub(super) fn content_type(door: &SourceDoor, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = only(headers, header::CONTENT_TYPE).ok_or(Refusal::MediaType)?;
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default();
    let taken = door.content_types.iter().any(|taken| taken.eq_ignore_ascii_case(media));
    let utf8 = parts.filter(|parameter| !parameter.is_empty()).all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if taken && utf8 { Ok(()) } else { Err(Refusal::MediaType) }
}

/// Nothing is unpacked here, so that a small body cannot become a large one.
fn content_encoding(headers: &HeaderMap) -> Result<(), Refusal> {
    let encoded = headers.contains_key(header::CONTENT_ENCODING);
    let identity = only(headers, header::CONTENT_ENCODING).is_some_and(|text| text.eq_ignore_ascii_case("identity"));
    if encoded && !identity { Err(Refusal::ContentEncoding) } else { Ok(()) }
}

/// The text of a header that occurs once.
pub(super) fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// The whole body, in memory that grows with what has arrived and not with what was announced.
pub(super) async fn whole(mut body: Body, cap: usize) -> Result<Bytes, Refusal> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyUnreadable)?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > cap {
                return Err(Refusal::BodyTooLarge);
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}
