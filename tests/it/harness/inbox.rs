//! A receiver of messages that is played: it keeps each request as it came, and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use super::{DEADLINE, until_or};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Told {
    pub headers: HeaderMap,
    pub text: String,
}

impl Told {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .unwrap_or_else(|| panic!("no {name}"))
            .to_str()
            .unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// An answer that is to be given: status, a header, and the body.
type Planned = (u16, Option<(&'static str, String)>, String);

#[derive(Default)]
struct Kept {
    told: Vec<Told>,
    plan: VecDeque<Planned>,
    /// What is answered when nothing is planned.
    usual: u16,
    slow: Duration,
}

/// A receiver at a port of its own, until it is dropped.
pub struct Inbox {
    pub at: SocketAddr,
    kept: Arc<Mutex<Kept>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inbox {
    pub async fn open() -> Inbox {
        let kept = Arc::new(Mutex::new(Kept {
            usual: 200,
            ..Kept::default()
        }));
        let router = Router::new().fallback(take).with_state(kept.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Inbox { at, kept, task }
    }

    pub fn url(&self) -> String {
        format!("http://{}/in", self.at)
    }

    /// From now on, unless something is planned.
    pub fn answers(&self, status: u16) {
        self.kept.lock().unwrap().usual = status;
    }

    /// Each answer comes only after this.
    pub fn is_slow(&self, by: Duration) {
        self.kept.lock().unwrap().slow = by;
    }

    /// The next answer that is not planned yet.
    pub fn plan(&self, status: u16, header: Option<(&'static str, &str)>, body: &str) {
        let header = header.map(|(name, value)| (name, value.to_owned()));
        let mut kept = self.kept.lock().unwrap();
        kept.plan.push_back((status, header, body.to_owned()));
    }

    pub fn all(&self) -> Vec<Told> {
        self.kept.lock().unwrap().told.clone()
    }

    /// What came of this type.
    pub fn of(&self, kind: &str) -> Vec<Told> {
        let mut all = self.all();
        all.retain(|told| told.kind() == kind);
        all
    }

    /// Waits until so many requests came.
    pub async fn heard(&self, count: usize) -> Vec<Told> {
        until_or(
            DEADLINE,
            async || Some(self.all()).filter(|all| all.len() >= count),
            || format!("{count} messages: {:#?}", self.all()),
        )
        .await
    }

    /// Waits until so many of this type came.
    pub async fn heard_of(&self, kind: &str, count: usize) -> Vec<Told> {
        until_or(
            DEADLINE,
            async || Some(self.of(kind)).filter(|all| all.len() >= count),
            || format!("{count} of {kind}: {:#?}", self.all()),
        )
        .await
    }
}

async fn take(
    State(kept): State<Arc<Mutex<Kept>>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, String) {
    let ((status, header, text), slow) = {
        let mut kept = kept.lock().unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        kept.told.push(Told { headers, text });
        let usual = (kept.usual, None, String::new());
        (kept.plan.pop_front().unwrap_or(usual), kept.slow)
    };
    tokio::time::sleep(slow).await;
    let mut headers = HeaderMap::new();
    if let Some((name, value)) = header {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(&value).unwrap(),
        );
    }
    (StatusCode::from_u16(status).unwrap(), headers, text)
}
