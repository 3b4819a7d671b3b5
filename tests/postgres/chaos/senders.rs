//! Senders that never stop: an alert every 100 ms, in turn to both replicas, each sent again at the other one until it is
//! acknowledged, as a load balancer and a patient sender do it together.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::task::JoinSet;

use super::slot::Slot;
use crate::harness::{Answer, alert, credential, machine};

const EVERY: Duration = Duration::from_millis(100);
/// Before it is sent again where nobody answers; otherwise the answer says it.
const AGAIN: Duration = Duration::from_millis(300);
/// More than any wait inside the program, and than a process stands still.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program closes idle connections after five seconds: no request may meet that.
const IDLE: Duration = Duration::from_secs(2);

/// A connection that was refused or reset.
#[derive(Clone, Debug)]
pub struct Broken {
    pub slot: &'static str,
    pub from: Instant,
    pub until: Instant,
    pub says: String,
}

/// What senders saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Each alert that was answered with a 2xx, and when.
    pub acknowledged: Vec<(u32, Instant)>,
    pub sent_again: u32,
    pub asked_to_wait: u32,
    pub broken: Vec<Broken>,
    /// What no sender should see.
    pub wrong: Vec<String>,
}

pub struct Load {
    slots: [Arc<Slot>; 2],
    /// Each so manieth alert is about a machine that has to be scanned.
    one_in: u32,
    http: Client,
    seen: Mutex<Seen>,
    sent: AtomicU32,
    over: AtomicBool,
}

impl Load {
    pub fn new(slots: [Arc<Slot>; 2], one_in: u32) -> Load {
        let http = Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .pool_idle_timeout(IDLE);
        Load {
            slots,
            one_in,
            http: http.build().unwrap(),
            seen: Mutex::default(),
            sent: AtomicU32::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// Whether the machine of this alert is to be scanned.
    pub fn wants_scan(&self, n: u32) -> bool {
        n.is_multiple_of(self.one_in)
    }

    /// No new alerts from now on.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// How many alerts there are so far.
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::SeqCst)
    }

    /// Sends until it is to end, and then until all is acknowledged.
    pub async fn run(self: Arc<Load>) {
        let mut sending = JoinSet::new();
        let mut pace = tokio::time::interval(EVERY);
        while !self.over.load(Ordering::SeqCst) {
            pace.tick().await;
            let n = self.sent.fetch_add(1, Ordering::SeqCst);
            sending.spawn(self.clone().deliver(n));
            while let Some(done) = sending.try_join_next() {
                done.unwrap();
            }
        }
        while let Some(done) = sending.join_next().await {
            done.unwrap();
        }
    }

    async fn deliver(self: Arc<Load>, n: u32) {
        let severity = if self.wants_scan(n) { "high" } else { "low" };
        let body = alert(&n.to_string(), severity, &machine(n));
        let mut turn = usize::try_from(n).unwrap();
        while let Some(wait) = self.sent_to(&self.slots[turn % 2], n, &body).await {
            turn += 1;
            tokio::time::sleep(wait).await;
            self.seen.lock().unwrap().sent_again += 1;
        }
    }

    /// Sends it once; where it is not acknowledged, how long to wait.
    async fn sent_to(&self, slot: &Slot, n: u32, body: &str) -> Option<Duration> {
        let Some(at) = slot.at() else {
            return Some(AGAIN);
        };
        let begun = Instant::now();
        let answer = self.answer(at, body).await;
        let ended = Instant::now();
        let mut seen = self.seen.lock().unwrap();
        let wrong = match answer {
            Ok(answer) if matches!(answer.status, 200 | 202) => {
                seen.acknowledged.push((n, ended));
                return None;
            }
            Ok(answer) if answer.status == 503 && asked(&answer).is_some() => {
                seen.asked_to_wait += 1;
                return asked(&answer);
            }
            Ok(answer) => format!("{} {}", answer.status, answer.text),
            // Not before it goes on is it known to have stood still.
            Err(error) if !error.is_timeout() => {
                seen.broken.push(Broken {
                    slot: slot.name,
                    from: begun,
                    until: ended,
                    says: format!("alert {n}: {error:?}"),
                });
                return Some(AGAIN);
            }
            Err(error) => format!("{error:?}"),
        };
        let (to, took) = (slot.name, ended - begun);
        seen.wrong
            .push(format!("alert {n} to {to}, after {took:?}: {wrong}"));
        Some(AGAIN)
    }

    async fn answer(&self, at: SocketAddr, body: &str) -> Result<Answer, reqwest::Error> {
        let (name, value) = credential("siem", body.as_bytes());
        let request = self
            .http
            .post(format!("http://{at}/webhooks/siem"))
            .header("content-type", "application/json")
            .header(name, value);
        let response = request.body(body.to_owned()).send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let text = response.text().await?;
        Ok(Answer {
            status,
            headers,
            text,
        })
    }
}

/// How long `Retry-After` asks to wait.
fn asked(answer: &Answer) -> Option<Duration> {
    let seconds = answer.header("retry-after")?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
