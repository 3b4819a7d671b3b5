//! The far side: the simulator behind a socket of its own, which outlives the app and keeps its own record.

use std::net::SocketAddr;
use std::time::Duration;

use scanhook::server::listener::{Limits, serve};
use scanhook::simulator::serve::{Shared, router};
use scanhook::simulator::{Action, Fault, How, Logged, Setup, Simulator};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub struct Far {
    pub at: SocketAddr,
    pub shared: Shared,
    _stop: watch::Sender<bool>,
}

impl Far {
    pub async fn open(setup: Setup) -> Far {
        let shared = Shared::new(Simulator::new(setup));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        // Connections are kept: one that is closed as a call leaves would make that call's fate unknown.
        let long = Duration::from_secs(3600);
        let limits = Limits { head: long, age: long, grace: Duration::ZERO, ..Limits::default() };
        tokio::spawn(serve(socket, router(shared.clone(), jiff::Timestamp::now), limits, Default::default(), stopping));
        Far { at, shared, _stop: stop }
    }

    pub fn calls(&self) -> Vec<Logged> {
        self.shared.with(|far| far.calls().to_vec())
    }

    /// The calls of one route.
    pub fn calls_of(&self, route: &str) -> Vec<Logged> {
        self.calls().into_iter().filter(|call| call.route == route).collect()
    }

    /// Every scan that was really started.
    pub fn scans(&self) -> Vec<Action> {
        self.shared.with(|far| far.scans().to_vec())
    }

    pub fn fault(&self, route: &str, nth: u32, times: u32, how: How) {
        self.shared.with(|far| far.faults(vec![Fault { route: route.to_owned(), nth, times, how }]));
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.shared.with(|far| far.faults(Vec::new()));
    }

    /// Somebody else's scan; its action id.
    pub fn foreign(&self, machine: &str, kind: &str) -> String {
        self.shared.with(|far| far.start_foreign(jiff::Timestamp::now(), machine, kind, "from the portal"))
    }
}

/// An answer with this status, not carried out.
pub fn fault(status: u16, code: &str, retry_after: Option<&str>) -> How {
    How::Status { status, code: code.to_owned(), message: None, retry_after: retry_after.map(str::to_owned) }
}
