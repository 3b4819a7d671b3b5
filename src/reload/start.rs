//! How the loop begins, and what others hold of it from then on.

use core::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::files::Watch;
use super::patience::Patience;
use super::watched::WatchedFiles;
use super::{Reloader, Reloads};
use crate::activation::Activation;
use crate::api::ReloadView;
use crate::clock;
use crate::file::FileDigests;

/// Orders that may wait for one another.
const ORDERS: usize = 32;

/// How long a reading may take; one of large policies with their tests takes a second or two.
const LIMIT: Duration = Duration::from_secs(20);

impl Reloader {
    /// The loop, and what others hold of it. Without an origin nothing is ever read again.
    #[must_use]
    pub fn new(
        origin: Option<WatchedFiles>,
        active: Activation,
        fallen: oneshot::Sender<()>,
        stop: watch::Receiver<bool>,
    ) -> (Reloader, Reloads) {
        let now = clock::now().to_string();
        let policy = active.in_force().policy.fingerprint().to_owned();
        let first = ReloadView {
            at: now.clone(),
            successful: true,
            policy,
            policy_since: now,
            ..ReloadView::default()
        };
        let state = watch::Sender::new(first);
        let (send, orders) = mpsc::channel(ORDERS);
        let reloads = Reloads {
            orders: send,
            state: state.subscribe(),
        };
        active.metrics().reloaded(true, true, clock::now());
        let (watch, told, fallen) = (
            Watch::default(),
            (FileDigests::default(), Vec::new()),
            Some(fallen),
        );
        let patience = Patience::of(LIMIT);
        let reloader = Reloader {
            origin,
            orders,
            state,
            active,
            watch,
            patience,
            told,
            stop,
            fallen,
        };
        (reloader, reloads)
    }
}
