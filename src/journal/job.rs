//! A job: work for one transaction with the reply it owes. A reply is a closure that `Store::commit` calls after
//! COMMIT, so nothing is told that is not on disk.

use std::sync::Arc;

use super::acceptance::Acceptance;
use super::db::KnownQuestion;
use super::error::JournalError;
use super::sender_wait::SenderWait;
use super::tx::Tx;
use scanhook_core::time::Timestamp;

/// One transaction's worth of work with the reply it owes.
pub struct Job {
    pub(super) bytes: usize,
    /// The source that brought it; `None`: a worker, a person or the housekeeping.
    pub(super) from: Option<String>,
    asks: Option<Box<EarlyQuestions>>,
    /// What it is known to ask.
    questions: Vec<KnownQuestion>,
    /// The sender that waits for it to be begun.
    wait: Option<SenderWait>,
    pub(super) run: Box<Work>,
}

type EarlyQuestions = dyn FnOnce() -> Vec<KnownQuestion> + Send;

/// Runs in its savepoint, or is told why it cannot.
pub(super) type Work = dyn FnOnce(Result<&mut Tx<'_>, JournalError>) -> RanJob + Send;

pub(super) struct RanJob {
    pub(super) kept: bool,
    pub(super) full: bool,
    pub(super) reply: Box<dyn FnOnce(Result<(), JournalError>) + Send>,
}

impl Job {
    /// A job of about `bytes` memory; `deliver` is called after COMMIT, or with the error that prevented it.
    pub fn new<T: Send + 'static>(
        bytes: usize,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, JournalError> + Send + 'static,
        deliver: impl FnOnce(Result<T, JournalError>) + Send + 'static,
    ) -> Job {
        let run = move |tx: Result<&mut Tx<'_>, JournalError>| {
            let result = tx.and_then(work);
            RanJob {
                kept: result.is_ok(),
                full: matches!(result, Err(JournalError::Full)),
                reply: Box::new(move |commit: Result<(), JournalError>| {
                    deliver(commit.and(result))
                }),
            }
        };
        Job {
            bytes,
            from: None,
            asks: None,
            questions: Vec::new(),
            wait: None,
            run: Box::new(run),
        }
    }

    /// The same, which takes in this delivery: what that is known to ask is asked with the questions of other jobs.
    #[must_use]
    pub fn taking_in(mut self, acceptance: &Arc<Acceptance>, now: Timestamp) -> Job {
        let acceptance = acceptance.clone();
        self.asks = Some(Box::new(move || acceptance.questions(now)));
        self
    }

    /// What it is known to ask.
    pub(super) fn questions(&mut self) -> &[KnownQuestion] {
        self.questions
            .extend(self.asks.take().into_iter().flat_map(|asks| asks()));
        &self.questions
    }

    /// The same, for as long as this sender waits.
    pub(super) fn while_it(mut self, waits: &SenderWait) -> Job {
        self.wait = Some(waits.clone());
        self
    }

    /// Whoever brought it waits no longer.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.wait.as_ref().is_some_and(SenderWait::is_given_up)
    }

    /// The same, brought by a source.
    pub(super) fn of(mut self, source: &str) -> Job {
        self.from = Some(source.to_owned());
        self
    }
}

pub(super) fn refuse(jobs: Vec<Job>, error: &JournalError) {
    for job in jobs {
        ((job.run)(Err(error.clone())).reply)(Err(error.clone()));
    }
}
