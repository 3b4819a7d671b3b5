//! Raw request to receipt: authenticate, read, decide, and one transaction that is cancel-safe. One screen.

mod acceptance;
mod heard;
mod outcome;

pub use acceptance::{accept, accept_with_headers};
pub use outcome::{Accepted, CommitTimes, NotAccepted, NotRead, Subject};

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock;
use crate::in_force::{ActiveConfig, Current, SourceBinding};
use crate::journal::{Acceptance, HEAD, Journal, RefusedBody};
use crate::keyrings::IssuerKeys;
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::mapping::Headers;
use scanhook_core::signature::{self, Presented, Refused, Standing};
use scanhook_core::time::Timestamp;

pub use heard::LastSeen;

/// What the writer pays for a decision, in bytes of a body: a small body may name many devices.
const BYTES_OF_A_DECISION: usize = 2048;

/// Everything intake needs.
pub struct Intake {
    /// The sources and the policy in force.
    pub current: Current,
    pub journal: Journal,
    /// The keys of token issuers.
    pub keys: IssuerKeys,
    /// Who may have a large body read.
    pub readers: Readers,
}

impl Intake {
    /// What is in force now: one policy, and the sources it is applied to.
    #[must_use]
    pub fn in_force(&self) -> Arc<ActiveConfig> {
        self.current.borrow().clone()
    }

    /// Judges a request as far as that can be done without its body.
    ///
    /// # Errors
    /// [`NotAccepted`] if no body can prove it.
    pub fn before_body(
        &self,
        source: &str,
        presented: Presented<'_>,
        now: Timestamp,
    ) -> Result<Standing, NotAccepted> {
        let in_force = self.in_force();
        let binding = in_force
            .bindings
            .get(source)
            .ok_or(NotAccepted::UnknownSource)?;
        let keys = self.keys.known();
        let presented = Presented {
            keyrings: Some(&keys),
            ..presented
        };
        signature::before_body(&binding.source.auth, presented, now)
            .map_err(|refused| self.not_proved(refused))
    }

    fn not_proved(&self, refused: Refused) -> NotAccepted {
        if refused == Refused::KeyUnknown(None) {
            self.keys.want();
        }
        NotAccepted::Credential(refused)
    }

    /// Accepts one request, or says why not. A 2xx may be answered exactly when this is `Ok`.
    ///
    /// # Errors
    /// [`NotAccepted`]; then nothing is stored.
    pub async fn receive(
        &self,
        source: &str,
        presented: Presented<'_>,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Accepted, NotAccepted> {
        let in_force = self.in_force();
        let binding = in_force
            .bindings
            .get(source)
            .ok_or(NotAccepted::UnknownSource)?;
        let keys = self.keys.known();
        let presented = Presented {
            keyrings: Some(&keys),
            ..presented
        };
        let delivery = signature::authenticate(&binding.source.auth, source, presented, body, now)
            .map_err(|refused| self.not_proved(refused))?;
        let (credential, by_old_secret) = (
            delivery.credential().to_owned(),
            delivery.is_by_old_secret(),
        );
        let bytes = delivery.body().len();
        let headers = read_headers(binding, presented.headers);
        let acceptance = match self.read(in_force.clone(), delivery, headers).await {
            Err(NotAccepted::NotStrict(unread)) => {
                self.keep(&unread).await;
                return Err(NotAccepted::NotStrict(unread));
            }
            read => read?,
        };
        let subjects = acceptance
            .alerts
            .iter()
            .map(|one| Subject::of(one.item.alert(), &binding.source))
            .collect();
        if let Some(count) = acceptance.left_out {
            tracing::warn!(
                source,
                count,
                "the sender left alerts out of a delivery: it sends at most so many at once"
            );
        }
        let decisions: usize = acceptance
            .alerts
            .iter()
            .map(|alert| alert.item.alert().devices.len())
            .sum();
        let weight = bytes + decisions * BYTES_OF_A_DECISION;
        let begun = clock::mono();
        let receipt = self.journal.accept(weight, acceptance, now).await?;
        let done = clock::mono();
        let subjects = if receipt.duplicate {
            Vec::new()
        } else {
            subjects
        };
        Ok(Accepted {
            receipt,
            subjects,
            credential,
            by_old_secret,
            commit: CommitTimes { begun, done },
        })
    }
}

impl Intake {
    /// Reads and decides a delivery. A large one takes long enough to hold up whatever else the thread has to do, so it
    /// is read on a thread of its own.
    ///
    /// # Errors
    /// [`NotAccepted::NotStrict`], [`NotAccepted::UnknownSource`], and [`NotAccepted::Overloaded`] where too many others
    /// wait to be read.
    pub async fn read(
        &self,
        in_force: Arc<ActiveConfig>,
        delivery: VerifiedDelivery,
        headers: Headers,
    ) -> Result<Acceptance, NotAccepted> {
        let small = delivery.body().len() < LARGE;
        let source = delivery.source().to_owned();
        let read = move || {
            let binding = in_force
                .bindings
                .get(delivery.source())
                .ok_or(NotAccepted::UnknownSource)?;
            accept_with_headers(binding, &in_force.policy, in_force.id, delivery, &headers)
        };
        if small {
            return read();
        }
        let turn = tokio::time::timeout(PATIENCE, self.readers.turn(&source)).await;
        let turn = turn.ok().flatten().ok_or(NotAccepted::Overloaded)?;
        let task = tokio::task::spawn_blocking(move || {
            // Also where the sender does not wait any more: until it is read, no other has this turn.
            let _turn = turn;
            read()
        });
        task.await.unwrap_or(Err(NotAccepted::Overloaded))
    }

    /// Keeps what could not be read where the operator sees it. The answer is the same where that fails.
    async fn keep(&self, unread: &NotRead) {
        let refused = RefusedBody::of(&unread.delivery, unread.fault);
        let source = unread.delivery.source();
        if let Err(error) = self
            .journal
            .write_soon(source, HEAD, move |tx| tx.keep_refused(&refused))
            .await
        {
            tracing::warn!(source, code = error.code(), %error, "a body that could not be read is not kept");
        }
    }
}

/// A body of so many bytes is read on a thread of its own.
const LARGE: usize = 16 << 10;
/// How long a large body may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// Large bodies that are read at once. One of a source, so that none keeps the others waiting.
const AT_ONCE: usize = 4;

/// Whose turn it is to have a large body read.
pub struct Readers {
    all: Arc<Semaphore>,
    of_source: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Default for Readers {
    fn default() -> Readers {
        Readers {
            all: Arc::new(Semaphore::new(AT_ONCE)),
            of_source: Mutex::default(),
        }
    }
}

impl Readers {
    /// Waits for a turn of this source, which is one that is configured. It lasts until it is dropped.
    async fn turn(&self, source: &str) -> Option<[OwnedSemaphorePermit; 2]> {
        let of_source = {
            let mut all = self
                .of_source
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.entry(source.to_owned())
                .or_insert_with(|| Arc::new(Semaphore::new(1)))
                .clone()
        };
        let own = of_source.acquire_owned().await.ok()?;
        Some([own, self.all.clone().acquire_owned().await.ok()?])
    }
}

/// The headers that the source's map reads.
fn read_headers(binding: &SourceBinding, headers: &http::HeaderMap) -> Headers {
    let read = |name: &String| Some((name.clone(), headers.get(name)?.to_str().ok()?.to_owned()));
    binding
        .source
        .mapping
        .headers()
        .iter()
        .filter_map(read)
        .collect()
}
