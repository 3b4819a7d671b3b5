//! The writer's half of the journal: it takes whatever waits, as much as one transaction may hold, commits, replies and
//! wakes. It runs on a thread of its own; the handle is async and knows it only by its queue.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::job::Job;
use super::store::Store;
use super::turns::{Turns, WaitingBytes};
use super::wake::Wake;

/// The writer's half; [`Writer::run`] belongs on a thread of its own and returns when every handle is gone.
pub struct Writer {
    pub(super) store: Store,
    pub(super) jobs: mpsc::Receiver<Job>,
    pub(super) held: Arc<WaitingBytes>,
    pub(super) wakes: Wake,
}

impl Writer {
    /// Takes whatever waits, as much as one transaction may hold, commits, replies, wakes; until every handle is dropped.
    pub fn run(mut self) {
        let (mut turns, pulse) = (Turns::default(), self.store.pulse());
        loop {
            if turns.is_empty() {
                let Some(job) = self.jobs.blocking_recv() else {
                    break;
                };
                turns.push(job);
            }
            while !turns.is_full() {
                let Ok(job) = self.jobs.try_recv() else { break };
                turns.push(job);
            }
            let batch = turns.batch(self.store.most_jobs(), |job| {
                if let Some(source) = &job.from {
                    self.held.give_back(source, job.bytes);
                }
            });
            pulse.wait(turns.len());
            self.wakes.tell(self.store.commit(batch).0);
            if self.store.is_over {
                break;
            }
        }
    }
}
