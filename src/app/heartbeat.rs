//! Tells whoever supervises this process that it works, for as long as the journal's writer answers: without it nothing can be
//! acknowledged, and a disk that hangs is not seen by anything else.

use core::time::Duration;
use std::sync::Arc;

use tokio::sync::watch;

use crate::journal::{Journal, JournalError};

/// Whom to tell, and how often.
#[derive(Clone)]
pub struct Heartbeat {
    pub every: Duration,
    pub tell: Arc<dyn Fn() + Send + Sync>,
}

/// Tells it until the process stops. A writer that refuses still answers, for example while the disk is full; one that hangs
/// leaves this waiting, and nobody is told anything.
pub(super) async fn beat(
    heart: Heartbeat,
    journal: Journal,
    mut stop: watch::Receiver<bool>,
) -> &'static str {
    while !*stop.borrow() {
        tokio::select! {
            _ = stop.changed() => {}
            answer = journal.write(|_| Ok(())) => {
                if !matches!(answer, Err(JournalError::Gone)) {
                    (heart.tell)();
                }
                tokio::select! {
                    _ = stop.changed() => {}
                    () = tokio::time::sleep(heart.every) => {}
                }
            }
        }
    }
    "the heartbeat"
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};

    use super::*;
    use crate::journal::{Ids, Store};

    /// Reaching it is a failure.
    const DEADLINE: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_is_told_anything_while_the_writer_hangs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scanhook.db");
        let store = Store::open(&path, Ids::random().unwrap()).unwrap();
        let (journal, writer) = Journal::new(store, &path).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn_blocking(move || writer.run());
        let (tell, told) = channel();
        let (stop, stopping) = watch::channel(false);
        let heart = Heartbeat {
            every: Duration::from_millis(1),
            tell: Arc::new(move || {
                let _ = tell.send(());
            }),
        };
        tasks.spawn({
            let (heart, journal) = (heart.clone(), journal.clone());
            async move {
                assert_eq!(beat(heart, journal, stopping).await, "the heartbeat");
            }
        });
        told.recv_timeout(DEADLINE).unwrap();
        told.recv_timeout(DEADLINE).unwrap();
        let (entered, inside) = channel();
        let (release, released) = channel::<()>();
        let mut hanging = tokio::task::JoinSet::new();
        hanging.spawn({
            let journal = journal.clone();
            async move {
                let hang = move |_: &mut crate::journal::Tx<'_>| {
                    let _ = entered.send(());
                    let _ = released.recv();
                    Ok(())
                };
                journal.write(hang).await
            }
        });
        inside.recv_timeout(DEADLINE).unwrap();
        // What was answered before may still be told.
        while told.recv_timeout(Duration::from_millis(100)).is_ok() {}
        let silence = told.recv_timeout(Duration::from_millis(200));
        assert_eq!(silence, Err(RecvTimeoutError::Timeout));
        release.send(()).unwrap();
        hanging.join_next().await.unwrap().unwrap().unwrap();
        told.recv_timeout(DEADLINE).unwrap();
        stop.send_replace(true);
        drop((journal, heart));
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
    }
}
