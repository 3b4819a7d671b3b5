//! One replica's own door to the far side: through it one sees whose call it was.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use jiff::Timestamp;
use scanhook::server::limits::Limits;
use scanhook::server::listener::serve;
use scanhook_simulator::serve::{SharedSimulator, router};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A call as it came in.
#[derive(Clone, Debug)]
#[allow(dead_code, reason = "for whoever reads what is wrong")]
pub struct DoorCall {
    pub at: Timestamp,
    pub what: String,
}

pub struct FarDoor {
    pub at: SocketAddr,
    calls: Arc<Mutex<Vec<DoorCall>>>,
    _stop: watch::Sender<bool>,
}

impl FarDoor {
    pub async fn of(shared: SharedSimulator) -> FarDoor {
        let calls = Arc::<Mutex<Vec<DoorCall>>>::default();
        let kept = calls.clone();
        let routes = router(shared, Timestamp::now);
        let routes = routes.layer(from_fn(move |request: Request, next: Next| {
            kept.lock().unwrap().push(DoorCall {
                at: Timestamp::now(),
                what: format!("{} {}", request.method(), request.uri().path()),
            });
            next.run(request)
        }));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        let long = Duration::from_secs(7200);
        let limits = Limits {
            head: long,
            age: long,
            grace: Duration::ZERO,
            ..Limits::default()
        };
        tokio::spawn(serve(socket, routes, limits, Default::default(), stopping));
        FarDoor {
            at,
            calls,
            _stop: stop,
        }
    }

    pub fn calls(&self) -> Vec<DoorCall> {
        self.calls.lock().unwrap().clone()
    }
}
