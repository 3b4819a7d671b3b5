//! The far side: the simulator behind a socket of its own, which outlives the app and keeps its own record.

use std::net::SocketAddr;
use std::time::Duration;

use ::http::Request;
use bytes::Bytes;
use jiff::Timestamp;
use scanhook::server::limits::Limits;
use scanhook::server::listener::serve;
use scanhook_simulator::serve::{SharedSimulator, router};
use scanhook_simulator::{Action, CallRecord, Fault, How, Setup, Simulator, WireAnswer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::Front;

pub struct Far {
    pub at: SocketAddr,
    pub shared: SharedSimulator,
    front: Option<Front>,
    _stop: watch::Sender<bool>,
}

impl Far {
    pub async fn open(setup: Setup) -> Far {
        Far::with_clock(setup, Timestamp::now).await
    }

    /// The same with another clock than this computer's.
    pub async fn with_clock(setup: Setup, clock: fn() -> Timestamp) -> Far {
        let shared = SharedSimulator::new(Simulator::new(setup));
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let (stop, stopping) = watch::channel(false);
        // Connections are kept: one that is closed as a call leaves would make that call's fate unknown.
        let long = Duration::from_secs(3600);
        let limits = Limits {
            head: long,
            age: long,
            grace: Duration::ZERO,
            ..Limits::default()
        };
        tokio::spawn(serve(
            socket,
            router(shared.clone(), clock),
            limits,
            Default::default(),
            stopping,
        ));
        Far {
            at,
            shared,
            front: None,
            _stop: stop,
        }
    }

    /// From now on it is reached through a front.
    pub async fn hide_behind_a_front(&mut self) {
        let front = Front::open(self.shared.clone()).await;
        self.at = front.at;
        self.front = Some(front);
    }

    pub fn front(&self) -> &Front {
        self.front.as_ref().expect("it was wished for")
    }

    pub fn calls(&self) -> Vec<CallRecord> {
        self.shared.with(|far| far.calls().to_vec())
    }

    /// The calls of one route.
    pub fn calls_of(&self, route: &str) -> Vec<CallRecord> {
        self.calls()
            .into_iter()
            .filter(|call| call.route == route)
            .collect()
    }

    /// Every scan that was really started.
    pub fn scans(&self) -> Vec<Action> {
        self.shared.with(|far| far.scans().to_vec())
    }

    pub fn fault(&self, route: &str, nth: u32, times: u32, how: How) {
        self.shared.with(|far| {
            far.faults(vec![Fault {
                route: route.to_owned(),
                nth,
                times,
                how,
            }])
        });
    }

    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.shared.with(|far| far.faults(Vec::new()));
    }

    /// Somebody else's scan; its action id.
    pub fn foreign(&self, machine: &str, kind: &str) -> String {
        self.shared
            .with(|far| far.start_foreign(Timestamp::now(), machine, kind, "from the portal"))
    }

    /// Somebody in the portal calls an action off; when.
    pub fn call_off(&self, action: &str) -> Timestamp {
        let form = "grant_type=client_credentials&client_id=portal&client_secret=s&scope=https%3A%2F%2Fapi.securitycenter.microsoft.com%2F.default";
        let form_type = "application/x-www-form-urlencoded";
        let token = self.ask(
            &format!("/{}/oauth2/v2.0/token", super::TENANT),
            form_type,
            form,
            "",
        );
        let token = token["access_token"].as_str().unwrap();
        let path = format!("/api/machineactions/{action}/cancel");
        let at = Timestamp::now();
        let cancelled = self.ask(
            &path,
            "application/json",
            r#"{"Comment":"called off"}"#,
            token,
        );
        assert_eq!(cancelled["status"], "Cancelled", "{cancelled}");
        at
    }

    fn ask(&self, path: &str, content_type: &str, body: &str, token: &str) -> Value {
        let request = Request::post(path)
            .header("content-type", content_type)
            .header("authorization", format!("Bearer {token}"))
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap();
        match self.shared.answer(Timestamp::now(), &request).what {
            WireAnswer::Response(response) => serde_json::from_slice(response.body()).unwrap(),
            WireAnswer::Reset | WireAnswer::Silence => panic!("no answer"),
        }
    }
}

/// An answer with this status, not carried out.
pub fn fault(status: u16, code: &str, retry_after: Option<&str>) -> How {
    How::Status {
        status,
        code: code.to_owned(),
        message: None,
        retry_after: retry_after.map(str::to_owned),
    }
}
