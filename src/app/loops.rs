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
use super::storms::watch_storms;
use crate::clock;
use crate::in_force::Current;
use crate::intake::LastSeen;
use crate::journal::{Journal, JournalError, Occasion};
use crate::notify::run::MessageRunner;
use crate::reload::Reloads;
use crate::worker::Loans;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

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
        tasks.spawn(tell_audit_head(journal.clone(), stopping.clone()));
        tasks.spawn(listen_for_silence(
            self.heard.clone(),
            journal.clone(),
            current.clone(),
            stopping.clone(),
        ));
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

/// One log line for each sender that falls silent, and a message for its silence and for its end. A reload may expect
/// others, and more often.
async fn listen_for_silence(
    heard: LastSeen,
    journal: Journal,
    mut current: Current,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    while !*stop.borrow() {
        let beat = heard
            .with(|silence| silence.beat())
            .unwrap_or(Duration::MAX);
        tokio::select! {
            _ = stop.changed() => {}
            Ok(()) = current.changed() => {}
            () = tokio::time::sleep(beat) => {}
        }
        let fallen = heard.with(|silence| silence.fallen_silent(clock::now()));
        for (source, last) in &fallen {
            let last = last.map_or_else(|| "never".to_owned(), |last| last.to_string());
            tracing::warn!(
                target: APP,
                source,
                last,
                "the sender is silent for longer than `expect_every`"
            );
        }
        if let Err(error) = tell_of_silence(&heard, &journal, fallen).await {
            tracing::error!(target: APP, code = error.code(), %error, "a silent sender could not be noted for receivers");
        }
    }
    "the watch for silent senders"
}

/// Tells the newest hash of the audit, so that it is known outside of the journal: whoever cuts rows off its end is found.
async fn tell_audit_head(journal: Journal, mut stop: watch::Receiver<bool>) -> &'static str {
    let mut told = None;
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => {}
            () = tokio::time::sleep(AUDIT_HEAD) => {
                match journal.read(|reader| reader.audit_head()).await {
                    Ok(Some(head)) if told.as_ref() != Some(&head) => {
                        tracing::info!(target: APP, head, "audit head");
                        told = Some(head.clone());
                        note_audit_head(&journal, head).await;
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
async fn note_audit_head(journal: &Journal, head: String) {
    let noted = journal.write(move |tx| {
        let newest = Occasion::new(MessageType::AuditHead, None, "").because(head);
        tx.tell(&newest, clock::now())
    });
    if let Err(error) = noted.await {
        tracing::error!(target: APP, code = error.code(), %error, "the head of the audit could not be noted");
    }
}

/// Writes down who fell silent, and who was heard since. What was told is in the journal, so a restart repeats nothing.
async fn tell_of_silence(
    heard: &LastSeen,
    journal: &Journal,
    fallen: Vec<(String, Option<Timestamp>)>,
) -> Result<(), JournalError> {
    let told = journal
        .read(|reader| reader.going_on(MessageType::SourceSilent, None))
        .await?;
    let spoke: Vec<String> = told
        .into_iter()
        .filter(|silent| heard.with(|silence| silence.has_spoken(&silent.key, silent.at)))
        .map(|silent| silent.key)
        .collect();
    if fallen.is_empty() && spoke.is_empty() {
        return Ok(());
    }
    journal
        .write(move |tx| {
            let now = clock::now();
            for source in &spoke {
                let again = Occasion::new(MessageType::SourceHeard, None, source);
                tx.ends(MessageType::SourceSilent, &again, now)?;
            }
            for (source, last) in &fallen {
                let silent = Occasion::new(MessageType::SourceSilent, None, source);
                tx.begins(&silent.since(*last), Duration::ZERO, now)?;
            }
            Ok(())
        })
        .await
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
                more = match journal.write(move |tx| tx.forget(&retention, clock::now())).await {
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
