//! Files are read beside the loop, and not waited for for ever: a file system that does not answer must not stop it.

use core::time::Duration;

use tokio::task::AbortHandle;

/// Why something was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undone {
    Broken,
    /// The file system did not answer in time, or still has not.
    Slow,
    Stopping,
}

/// One reading at a time.
pub(super) struct Patience {
    limit: Duration,
    under_way: Option<AbortHandle>,
}

impl Patience {
    pub(super) fn of(limit: Duration) -> Patience {
        Patience {
            limit,
            under_way: None,
        }
    }

    /// What this says, if it does in time. While one that was given up still hangs, no other is begun: each would take
    /// a thread.
    pub(super) async fn wait<T: Send + 'static>(
        &mut self,
        reading: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Undone> {
        if self
            .under_way
            .as_ref()
            .is_some_and(|under_way| !under_way.is_finished())
        {
            return Err(Undone::Slow);
        }
        let task = tokio::task::spawn_blocking(reading);
        self.under_way = Some(task.abort_handle());
        match tokio::time::timeout(self.limit, task).await {
            Ok(done) => done.map_err(|_| Undone::Broken),
            Err(_) => Err(Undone::Slow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reading_that_hangs_is_given_up_and_none_is_begun_until_it_has_ended() {
        let mut patience = Patience::of(Duration::from_millis(20));
        let (release, held) = std::sync::mpsc::channel::<()>();
        assert_eq!(
            patience.wait(move || held.recv().is_ok()).await,
            Err(Undone::Slow)
        );
        assert_eq!(
            patience.wait(|| 1).await,
            Err(Undone::Slow),
            "it still hangs"
        );
        drop(release);
        patience.limit = Duration::from_secs(60);
        let read = loop {
            match patience.wait(|| 2).await {
                Err(Undone::Slow) => tokio::task::yield_now().await,
                read => break read,
            }
        };
        assert_eq!(read, Ok(2));
    }
}
