//! What systemd hears of `serve`, where it has asked for that: that alerts are taken, that files are being read again, that it
//! stops, and, as often as its watchdog wants, that the journal's writer answers.

use std::sync::Arc;

use sd_notify::{NotifyState, notify, watchdog_enabled};

use crate::app::Heartbeat;

/// Alerts are taken.
pub(super) fn ready() {
    hears(&[NotifyState::Ready]);
}

/// The files are being read again, until [`ready`] is said. systemd compares the time with that of its order.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => hears(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "systemd could not be told"),
    }
}

/// Requests in flight finish, and no others begin.
pub(super) fn stopping() {
    hears(&[NotifyState::Stopping]);
}

/// What the watchdog wants to hear: three times within its patience, because one may be late.
pub(super) fn heartbeat() -> Option<Heartbeat> {
    Some(Heartbeat {
        every: watchdog_enabled()? / 3,
        tell: Arc::new(|| hears(&[NotifyState::Watchdog])),
    })
}

fn hears(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
