//! The watch for senders that fall silent. Where other processes have the same journal, a sender speaks to any of them.

use core::time::Duration;

use tokio::sync::watch;

use super::log_target::APP;
use crate::clock;
use crate::in_force::Current;
use crate::intake::LastSeen;
use crate::journal::{Journal, JournalError, Occasion};
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

/// What silence is told by.
pub(super) struct Silences {
    pub(super) heard: LastSeen,
    pub(super) journal: Journal,
    /// Other processes may have the journal.
    pub(super) shared: bool,
}

impl Silences {
    /// One log line for each sender that falls silent, and a message for its silence and for its end. A reload may expect
    /// others, and more often.
    pub(super) async fn listen(
        self,
        mut current: Current,
        mut stop: watch::Receiver<bool>,
    ) -> &'static str {
        let heard = &self.heard;
        while !*stop.borrow() {
            let beat = heard
                .with(|silence| silence.beat())
                .unwrap_or(Duration::MAX);
            tokio::select! {
                _ = stop.changed() => {}
                Ok(()) = current.changed() => {}
                () = tokio::time::sleep(beat) => {}
            }
            if self.shared
                && let Err(error) = self.hear_from_others(&current).await
            {
                tracing::error!(target: APP, code = error.code(), %error, "what other replicas have heard could not be read");
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
            if let Err(error) = self.tell(fallen).await {
                tracing::error!(target: APP, code = error.code(), %error, "a silent sender could not be noted for receivers");
            }
        }
        "the watch for silent senders"
    }

    /// Takes what any process has heard last.
    async fn hear_from_others(&self, current: &Current) -> Result<(), JournalError> {
        let names: Vec<String> = current.borrow().bindings.keys().cloned().collect();
        let look = self.journal.read(move |reader| {
            let last = |name: String| Ok((reader.last_heard(&name)?, name));
            names
                .into_iter()
                .map(last)
                .collect::<Result<Vec<_>, JournalError>>()
        });
        for (last, name) in look.await? {
            if let Some(at) = last {
                self.heard.with(|silence| silence.hear_of(&name, at));
            }
        }
        Ok(())
    }

    /// Writes down who fell silent, and who was heard since. What was told is in the journal, so a restart repeats nothing.
    async fn tell(&self, fallen: Vec<(String, Option<Timestamp>)>) -> Result<(), JournalError> {
        let Silences { heard, journal, .. } = self;
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
}
