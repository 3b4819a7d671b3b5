//! Reload: files that change, a signal or an order lead to one reading of everything, and what is good of it is put in
//! force at once, as a whole. What is bad leaves the old in force, and shows in the log, in the metrics and in status.
//!
//! 1. `files` looks at whatever a path leads to, and sees what has changed.
//! 2. Two looks that show the same, SIGHUP or `POST /-/reload` lead to one reading (`read`, in a blocking task that
//!    `patience` gives 20 seconds): the settings with all their secrets, the policy, and its tests with the sources
//!    just read. If the policy is faulty, the one in force is compiled again with its lists read anew. What was seen of
//!    a file before the reading is what later looks compare with, so a change during it is found by the next look.
//! 3. What is good is put in force by [`Activation`], as the first settings and policy were at the start. If the journal
//!    fails on the way, nothing was published, and the next look reads again.
//! 4. A worker whose account changed polls no more, waits for its calls, and is loaded again.

pub(crate) mod faults;
mod files;
mod keeping;
mod patience;
mod read;
mod shown;
mod start;
mod told;
mod watched;

pub use watched::WatchedFiles;

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use crate::activation::{Activation, ActivationError};
use crate::api::{FaultView, ReloadView};
use crate::file::FileDigests;
use crate::in_force::ActiveConfig;
use crate::journal::JournalError;
use files::{FileChange, Watch};
use patience::{Patience, Undone};

/// Orders a reload, and sees how the last one went.
#[derive(Clone)]
pub struct Reloads {
    orders: mpsc::Sender<ReloadRequest>,
    state: watch::Receiver<ReloadView>,
}

impl Reloads {
    /// How the last one went.
    #[must_use]
    pub fn last(&self) -> ReloadView {
        self.state.borrow().clone()
    }

    /// How each reading goes from now on.
    #[must_use]
    pub fn views(&self) -> watch::Receiver<ReloadView> {
        self.state.clone()
    }

    /// Reads everything now; how it went. `None`: nothing was read from files, or the process is stopping.
    pub async fn order(&self, why: &'static str) -> Option<ReloadView> {
        let (answer, answered) = oneshot::channel();
        self.orders.send(ReloadRequest { why, answer }).await.ok()?;
        answered.await.ok()
    }
}

struct ReloadRequest {
    why: &'static str,
    answer: oneshot::Sender<ReloadView>,
}

/// The loop that reloads. It owns what is in force with the workers, because it begins those of new tenants.
pub struct Reloader {
    origin: Option<WatchedFiles>,
    orders: mpsc::Receiver<ReloadRequest>,
    state: watch::Sender<ReloadView>,
    active: Activation,
    watch: Watch,
    patience: Patience,
    /// The faults that were told, and of which contents.
    told: (FileDigests, Vec<FaultView>),
    stop: watch::Receiver<bool>,
    /// Is told when a worker ends that should not.
    fallen: Option<oneshot::Sender<()>>,
}

impl Reloader {
    /// Runs until the process stops and its workers have come to their end.
    pub async fn run(mut self) -> &'static str {
        let every = self
            .origin
            .as_ref()
            .map_or(Duration::MAX, |origin| origin.every);
        while !*self.stop.borrow() {
            tokio::select! {
                _ = self.stop.changed() => {}
                Some(order) = self.orders.recv() => self.carry_out(order).await,
                true = self.active.one_worker_ended() => fell(&self.stop, &mut self.fallen),
                () = tokio::time::sleep(every) => self.look().await,
            }
        }
        // Orders from now on are not answered: the last reload is over.
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
        while self.active.one_worker_ended().await {}
        "the reload"
    }

    async fn carry_out(&mut self, order: ReloadRequest) {
        if let Some(view) = self.attempt(order.why).await {
            // Whoever gave the order may not wait any more.
            let _ = order.answer.send(view);
        }
    }

    /// What this reads, while workers that end and the end of the process are still noticed.
    async fn wait<T: Send + 'static>(
        &mut self,
        reading: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Undone> {
        let mut stop = self.stop.clone();
        let reading = self.patience.wait(reading);
        tokio::pin!(reading);
        loop {
            tokio::select! {
                done = &mut reading => return done,
                _ = stop.wait_for(|stop| *stop) => return Err(Undone::Stopping),
                true = self.active.one_worker_ended() => fell(&self.stop, &mut self.fallen),
            }
        }
    }

    /// Looks at the files, and reads them if that is due.
    async fn look(&mut self) {
        const WHY: &str = "a file has changed";
        if self.origin.is_none() {
            return;
        }
        let (known, compares) = (self.watch.prints().clone(), self.watch.compares());
        if known == FileDigests::default() {
            self.attempt(WHY).await;
            return;
        }
        let seen = self
            .wait(move || (files::stamps(&known), compares.then(|| known.again())))
            .await;
        let look = match seen {
            Ok((seen, prints)) => self.watch.judge(seen, prints),
            Err(undone) => {
                self.gave_up("a look at the files", undone);
                return;
            }
        };
        match look {
            FileChange::Quiet => {}
            FileChange::Due => drop(self.attempt(WHY).await),
            FileChange::Restless(files) => self.restless(WHY, &files),
        }
    }

    /// Reads everything once, and puts in force what is good.
    async fn attempt(&mut self, why: &'static str) -> Option<ReloadView> {
        let inputs = self.origin.as_ref()?.inputs.clone();
        let (in_force, known) = (self.active.in_force(), self.watch.prints().clone());
        let client = self.active.client();
        let mut read = match self
            .wait(move || read::read(&inputs, &in_force, &known, &client))
            .await
        {
            Ok(read) => read,
            Err(undone) => return self.gave_up(why, undone),
        };
        let changed = self.changes(&read);
        let (settings, policy) = (read.settings.take(), read.policy.take().map(Arc::new));
        let client = read.client.take();
        let warnings = settings
            .as_ref()
            .map(|settings| settings.warnings.clone())
            .unwrap_or_default();
        self.watch
            .has_read(read.files.clone(), core::mem::take(&mut read.before));
        let activated = self.active.activate(settings, policy, client);
        let changed = match activated.await {
            Ok(old) => {
                self.tell_of_pauses(&old).await;
                changed
            }
            Err(error) => {
                let error = match error {
                    ActivationError::Journal(error) => error,
                    // Only the simulator's address could be refused, and it was not at the start.
                    ActivationError::Endpoint(why) => JournalError::Broken(why.to_string()),
                };
                self.watch.forget();
                let message =
                    format!("the journal could not take it, and it is tried again: {error}");
                let code = error.code().to_owned();
                read.rules_faults.push(FaultView {
                    code,
                    message,
                    ..FaultView::default()
                });
                Vec::new()
            }
        };
        let was_faulty = !self.state.borrow().successful;
        let view = self.show(&read, changed);
        if was_faulty && view.successful {
            tracing::info!(why, "the files are without fault again");
        }
        self.tell(why, &read, &view, &warnings);
        Some(view)
    }

    /// A pause goes by the name of its rule: where the new policy has it no more, the operator hears of it.
    async fn tell_of_pauses(&self, old: &ActiveConfig) {
        let new = self.active.in_force();
        let Ok(pauses) = self.active.journal().read(|reader| reader.pauses()).await else {
            return;
        };
        for mut pause in pauses {
            pause.compare(old.policy.rules().names());
            let known = pause.note.is_some();
            pause.compare(new.policy.rules().names());
            if let Some(note) = pause.note.filter(|_| !known) {
                tracing::warn!(rule = pause.rule, note, "a pause names a rule that is gone");
            }
        }
    }
}

/// A worker that ends before the process does takes it along.
fn fell(stop: &watch::Receiver<bool>, fallen: &mut Option<oneshot::Sender<()>>) {
    if !*stop.borrow()
        && let Some(fallen) = fallen.take()
    {
        // Whoever should hear of it may be gone, too.
        let _ = fallen.send(());
    }
}
