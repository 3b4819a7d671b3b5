//! The loops that nobody calls: housekeeping, the watch for senders that fall silent, and
//! two that end when a worker or the journal's writer does. The lines of their log go by the name of the app.

use core::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::Parts;
use super::endings::watch_credentials;
use super::heartbeat::{Heartbeat, beat};
use super::log_target::APP;
use super::messages::tell_of_messages;
use super::replicas::live;
use super::silences::Silences;
use super::storms::watch_storms;
use crate::clock;
use crate::in_force::Current;
use crate::journal::{Journal, Occasion, Seat};
use crate::notify::run::MessageRunner;
use crate::reload::Reloads;
use crate::worker::Loans;
use scanhook_core::message::MessageType;

/// How often the journal forgets what is past its time.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How often the newest hash of the audit is told.
const AUDIT_HEAD: Duration = Duration::from_secs(3_600);

impl Parts<'_> {
    /// Starts what nobody calls: two that end when a worker or the writer does, the housekeeping, and the watch for
    /// senders that fall silent.
    pub(super) fn keep_watch(
        &self,
        tasks: &mut JoinSet<&'static str>,
        current: &Current,
        fell: oneshot::Receiver<()>,
        heart: Option<Heartbeat>,
    ) {
        let (journal, stopping) = (&self.journal, &self.stopping);
        if let Some(heart) = heart {
            tasks.spawn(beat(heart, journal.clone(), stopping.clone()));
        }
        tasks.spawn(watch_workers(fell, stopping.clone()));
        tasks.spawn(watch_writer(journal.clone(), stopping.clone()));
        tasks.spawn(housekeep(
            journal.clone(),
            current.clone(),
            self.membership.seat(),
            stopping.clone(),
        ));
        tasks.spawn(watch_credentials(
            journal.clone(),
            current.clone(),
            stopping.clone(),
        ));
        tasks.spawn(watch_storms(
            journal.clone(),
            current.clone(),
            self.storms,
            stopping.clone(),
        ));
        tasks.spawn(live(
            self.membership,
            journal.clone(),
            current.clone(),
            stopping.clone(),
        ));
        tasks.spawn(tell_audit_head(
            journal.clone(),
            self.membership.seat(),
            stopping.clone(),
        ));
        let silences = Silences {
            heard: self.heard.clone(),
            journal: journal.clone(),
            shared: self.membership.lease.is_some(),
        };
        tasks.spawn(silences.listen(current.clone(), stopping.clone()));
        tasks.spawn(tell_of_reloads(
            self.reloads.clone(),
            journal.clone(),
            stopping.clone(),
        ));
    }

    /// Starts the loop that sends messages.
    pub(super) fn send_messages(
        &self,
        tasks: &mut JoinSet<&'static str>,
        current: &Current,
        loans: watch::Receiver<Loans>,
    ) {
        let runner = MessageRunner {
            journal: self.journal.clone(),
            current: current.clone(),
            stop: self.stopping.clone(),
            loans,
            seat: self.membership.seat(),
            tell: tell_of_messages(self.metrics.clone()),
        };
        tasks.spawn(runner.run());
    }
}

/// Whether the files are without fault, for whoever is told of it. The journal keeps what was told.
async fn tell_of_reloads(
    reloads: Reloads,
    journal: Journal,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let mut views = reloads.views();
    while !*stop.borrow() {
        let view = views.borrow_and_update().clone();
        let fault = (!view.successful).then(|| {
            let first = view.faults.first();
            first.map_or_else(String::new, |fault| {
                let at = fault
                    .line
                    .map_or_else(String::new, |line| format!(":{line}"));
                format!("{}{at}: {}", fault.file, fault.message)
            })
        });
        let told = journal.write(move |tx| {
            let now = clock::now();
            match fault {
                Some(fault) => {
                    let refused = Occasion::new(MessageType::ReloadRefused, None, "");
                    tx.begins(&refused.because(fault), Duration::ZERO, now)
                }
                None => {
                    let accepted = Occasion::new(MessageType::ReloadAccepted, None, "");
                    tx.ends(MessageType::ReloadRefused, &accepted, now)
                }
            }
        });
        if let Err(error) = told.await {
            tracing::error!(target: APP, code = error.code(), %error, "a reload could not be noted for receivers");
        }
        tokio::select! {
            _ = stop.changed() => {}
            changed = views.changed() => if changed.is_err() { let _ = stop.wait_for(|stop| *stop).await; },
        }
    }
    "the watch for reloads"
}

/// Tells the newest hash of the audit, so that it is known outside of the journal: whoever cuts rows off its end is found.
async fn tell_audit_head(
    journal: Journal,
    seat: Option<Seat>,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let mut told = None;
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(AUDIT_HEAD) => {
                match journal.read(|reader| reader.audit_head()).await {
                    Ok(Some(head)) if told.as_ref() != Some(&head) => {
                        tracing::info!(target: APP, head, "audit head");
                        told = Some(head.clone());
                        note_audit_head(&journal, seat, head).await;
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::error!(target: APP, code = error.code(), %error, "the audit could not be read");
                    }
                }
            }
        }
    }
    "the teller of the audit's head"
}

/// The same as an event, for whoever follows those.
async fn note_audit_head(journal: &Journal, seat: Option<Seat>, head: String) {
    let noted = journal.write(move |tx| {
        let newest = Occasion::new(MessageType::AuditHead, None, "").because(head);
        match tx.keeps_house(seat)? {
            true => tx.tell(&newest, clock::now()),
            false => Ok(()),
        }
    });
    if let Err(error) = noted.await {
        tracing::error!(target: APP, code = error.code(), %error, "the head of the audit could not be noted");
    }
}

/// Ends when the writer has: without it nothing can be acknowledged any more.
async fn watch_writer(journal: Journal, mut stop: watch::Receiver<bool>) -> &'static str {
    tokio::select! {
        () = journal.closed() => {}
        _ = stop.changed() => {}
    }
    "the journal's writer"
}

/// Ends when a worker has that should run for ever.
async fn watch_workers(
    fell: oneshot::Receiver<()>,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    tokio::select! {
        _ = fell => {}
        _ = stop.changed() => {}
    }
    "a lane"
}

/// Forgets in small steps, so that senders never wait for it.
async fn housekeep(
    journal: Journal,
    current: Current,
    seat: Option<Seat>,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    let (mut more, mut warned) = (false, None);
    while !*stop.borrow() {
        let pause = if more {
            Duration::from_millis(20)
        } else {
            HOUSEKEEPING
        };
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(pause) => {
                let retention = current.borrow().retention();
                more = match journal.write(move |tx| Ok(tx.keeps_house(seat)? && tx.forget(&retention, clock::now())?)).await {
                    Ok(more) => more,
                    Err(error) => {
                        tracing::error!(target: APP, code = error.code(), %error, "the journal could not forget");
                        false
                    }
                };
                journal.space().at_most(current.borrow().settings.journal.max_size);
                let warning = journal.space().room().warning();
                if let Some(warning) = warning.as_ref().filter(|_| warned.is_none()) {
                    tracing::warn!(target: APP, "{warning}");
                }
                warned = warning;
            }
        }
    }
    "housekeeping"
}
