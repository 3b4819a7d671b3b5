//! The simulator over real sockets: every request goes through [`Simulator::handle`]; `/_simulator/` controls it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use axum::extract::{Json, State};
use axum::routing::{get, post};
use http_body_util::{Full, Limited};

use super::answers;
use super::far_side::{Played, Simulator, WireAnswer};
use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Bytes of a request body that are read; a larger one is refused.
const BODY_LIMIT: usize = 1 << 20;
/// The longest silence; it ends sooner when the client goes away.
const SILENCE: Duration = Duration::from_secs(600);

/// One far side, shared by all connections.
#[derive(Clone)]
pub struct SharedSimulator(Arc<Mutex<Simulator>>);

impl SharedSimulator {
    /// Takes a simulator to share.
    pub fn new(simulator: Simulator) -> SharedSimulator {
        SharedSimulator(Arc::new(Mutex::new(simulator)))
    }

    /// Reads or changes the far side; no request is played meanwhile.
    pub fn with<T>(&self, act: impl FnOnce(&mut Simulator) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn answer(&self, now: Timestamp, request: &Request<Bytes>) -> Played {
        self.with(|far| far.handle(now, request))
    }
}

type Far = State<(SharedSimulator, fn() -> Timestamp)>;

/// The body of `POST /_simulator/foreign`.
#[derive(Deserialize)]
struct Foreign {
    machine: String,
    kind: String,
    comment: String,
}

/// The far side's own paths, and beside them those that control it.
pub fn router(shared: SharedSimulator, clock: fn() -> Timestamp) -> axum::Router {
    let setup = get(async |State((far, _)): Far| far.with(|far| Json(json!(far.setup()))));
    let setup =
        setup.put(async |State((far, _)): Far, Json(new)| far.with(|far| *far.setup() = new));
    axum::Router::new()
        .route("/_simulator/setup", setup)
        .route(
            "/_simulator/calls",
            get(async |State((far, _)): Far| far.with(|far| Json(json!(far.calls())))),
        )
        .route(
            "/_simulator/scans",
            get(async |State((far, _)): Far| far.with(|far| Json(json!(far.scans())))),
        )
        .route(
            "/_simulator/faults",
            post(async |State((far, _)): Far, Json(new)| far.with(|far| far.faults(new))),
        )
        .route(
            "/_simulator/comments",
            get(async |State((far, _)): Far| far.with(|far| Json(json!(far.incident_comments())))),
        )
        .route("/_simulator/foreign", post(foreign))
        .fallback(play)
        .with_state((shared, clock))
}

async fn foreign(State((far, clock)): Far, Json(scan): Json<Foreign>) -> Json<Value> {
    let id = far.with(|far| far.start_foreign(clock(), &scan.machine, &scan.kind, &scan.comment));
    Json(json!({ "id": id }))
}

async fn play(State((far, clock)): Far, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return answers::raw(clock(), 413, None, String::new()).map(Body::from);
    };
    let played = far.answer(clock(), &Request::from_parts(head, body));
    tokio::time::sleep(played.after).await;
    match played.what {
        WireAnswer::Response(response) => return response.map(Body::from),
        WireAnswer::Reset => {}
        WireAnswer::Silence => tokio::time::sleep(SILENCE).await,
    }
    // A body that fails before its first byte makes the server drop the connection, its answer unsent.
    Response::new(Body::new(Limited::new(
        Full::new(Bytes::from_static(b"..")),
        1,
    )))
}
