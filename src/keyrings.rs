//! The keys that sign the tokens of Entra ID: fetched from the configured authorities by one loop, kept while an
//! authority does not answer, and asked for again when a token names one that is not there.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use tokio::sync::{Notify, watch};

use crate::defender::Answer;
use crate::defender::client::Client;
use crate::settings::Source;
use scanhook_core::signature::{Check, Keyring, Keyrings};

/// A key set is some 20 kB.
const LONGEST: usize = 1 << 20;

/// How often the keys are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// While nothing asks for more. Entra publishes a new key long before it signs with it.
    pub fresh: Duration,
    /// After a failure the first time; then twice as long each time, up to `most`.
    pub again: Duration,
    /// The longest wait after failures, and the shortest between two questions: strangers' tokens must not set the pace.
    pub most: Duration,
}

impl Default for Beat {
    fn default() -> Beat {
        let seconds = Duration::from_secs;
        Beat {
            fresh: seconds(12 * 3600),
            again: seconds(5),
            most: seconds(60),
        }
    }
}

/// What intake holds of it.
#[derive(Clone)]
pub struct IssuerKeys {
    known: watch::Receiver<Arc<Keyrings>>,
    wanted: Arc<Notify>,
}

impl IssuerKeys {
    /// The keys known by now.
    #[must_use]
    pub fn known(&self) -> Arc<Keyrings> {
        self.known.borrow().clone()
    }

    /// A token named a key that is not there.
    pub fn want(&self) {
        self.wanted.notify_one();
    }
}

/// The loop that fetches.
pub struct Fetcher {
    urls: watch::Receiver<BTreeSet<String>>,
    client: watch::Receiver<Client>,
    beat: Beat,
    publish: watch::Sender<Arc<Keyrings>>,
    wanted: Arc<Notify>,
    /// Addresses whose keys could not be fetched the last time.
    failing: BTreeSet<String>,
    stop: watch::Receiver<bool>,
}

/// Where the keys are published that the tokens of these sources may be signed with.
#[must_use]
pub fn urls(sources: &[Source]) -> BTreeSet<String> {
    let checks = sources
        .iter()
        .flat_map(|source| &source.auth.alternatives)
        .flatten();
    let urls = checks.filter_map(|check| match check {
        Check::Entra(entra) => Some(entra.keys.clone()),
        _ => None,
    });
    urls.collect()
}

/// The loop for these addresses, and what intake holds of it.
#[must_use]
pub fn ring(
    urls: watch::Receiver<BTreeSet<String>>,
    client: watch::Receiver<Client>,
    beat: Beat,
    stop: watch::Receiver<bool>,
) -> (Fetcher, IssuerKeys) {
    let (publish, known) = watch::channel(Arc::default());
    let wanted = Arc::new(Notify::new());
    let fetcher = Fetcher {
        urls,
        client,
        beat,
        publish,
        wanted: wanted.clone(),
        failing: BTreeSet::new(),
        stop,
    };
    (fetcher, IssuerKeys { known, wanted })
}

impl Fetcher {
    /// Fetches until the stop.
    pub async fn run(mut self) {
        let mut failures = 0_u32;
        while !*self.stop.borrow() {
            let complete = self.fetch().await;
            failures = if complete {
                0
            } else {
                failures.saturating_add(1)
            };
            let pause = if complete {
                self.beat.fresh
            } else {
                self.after(failures)
            };
            if self.rest(pause).await {
                return;
            }
        }
    }

    fn after(&self, failures: u32) -> Duration {
        let doubled = 1_u32
            .checked_shl(failures.saturating_sub(1))
            .unwrap_or(u32::MAX);
        self.beat.again.saturating_mul(doubled).min(self.beat.most)
    }

    /// Waits, or until there are other addresses or another network, or until somebody wants a key, but then no shorter than the beat allows;
    /// true at the stop.
    async fn rest(&mut self, pause: Duration) -> bool {
        let least = pause.min(self.beat.most);
        tokio::select! {
            _ = self.stop.changed() => return true,
            Ok(()) = self.urls.changed() => return false,
            Ok(()) = self.client.changed() => return false,
            () = tokio::time::sleep(least) => {}
        }
        let any = !self.urls.borrow().is_empty();
        tokio::select! {
            _ = self.stop.changed() => true,
            Ok(()) = self.urls.changed() => false,
            Ok(()) = self.client.changed() => false,
            () = tokio::time::sleep(pause - least) => false,
            () = self.wanted.notified(), if any => false,
        }
    }

    /// Asks every authority once; whether all have answered. What does not answer keeps its keys. That is told once at
    /// its beginning and once at its end.
    async fn fetch(&mut self) -> bool {
        let mut complete = true;
        let urls = self.urls.borrow().clone();
        let mut rings = Keyrings::clone(&self.publish.borrow());
        rings.retain(|url, _| urls.contains(url));
        self.failing.retain(|url| urls.contains(url));
        for url in &urls {
            match self.keyring(url).await {
                Ok(ring) => {
                    rings.insert(url.clone(), ring);
                    if self.failing.remove(url) {
                        tracing::info!(url, "the keys of a token's issuer are fetched again");
                    }
                }
                Err(why) => {
                    complete = false;
                    if self.failing.insert(url.clone()) {
                        tracing::warn!(
                            url,
                            why,
                            "the keys of a token's issuer could not be fetched; they are tried again"
                        );
                    }
                }
            }
        }
        self.publish.send_replace(Arc::new(rings));
        complete
    }

    async fn keyring(&mut self, url: &str) -> Result<Keyring, String> {
        let request = Request::get(url)
            .body(Bytes::new())
            .map_err(|_| "no-address".to_owned())?;
        let client = self.client.borrow_and_update().clone();
        match client.send(request).await {
            Answer::Http(answer) if answer.status() != http::StatusCode::OK => {
                Err(format!("http-{}", answer.status()))
            }
            Answer::Http(answer) if answer.body().len() > LONGEST => {
                Err("answer-too-long".to_owned())
            }
            Answer::Http(answer) => Keyring::read(answer.body()).map_err(|why| why.to_string()),
            Answer::NotSent(unsent) => Err(unsent.code.to_owned()),
            Answer::Unknown(code) => Err(code),
        }
    }
}
