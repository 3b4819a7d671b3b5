//! How a renewed certificate comes to the listener that shows it.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;

use crate::settings::{ListenerTls, Settings};

/// What the next handshakes of a listener go by.
pub type Renewed = watch::Receiver<Arc<ServerConfig>>;

/// Where renewed certificates of the public and of the admin listener are published, if they have TLS.
pub(super) struct ListenerCertificates([Option<watch::Sender<Arc<ServerConfig>>>; 2]);

impl ListenerCertificates {
    pub(super) fn of(settings: &Settings) -> ListenerCertificates {
        let sender = |tls: &Option<ListenerTls>| {
            let config = tls.as_ref()?.config.clone();
            Some(watch::Sender::new(config))
        };
        ListenerCertificates([sender(&settings.tls), sender(&settings.admin_tls)])
    }

    pub(super) fn seen(&self) -> [Option<Renewed>; 2] {
        self.0
            .each_ref()
            .map(|sender| Some(sender.as_ref()?.subscribe()))
    }

    /// Connections that are open go on as they are; a certificate that is the same keeps the sessions that can be resumed.
    pub(super) fn renew(&self, old: &Settings, new: &Settings) {
        let pairs = [(&old.tls, &new.tls), (&old.admin_tls, &new.admin_tls)];
        for (sender, (old, new)) in self.0.iter().zip(pairs) {
            if let (Some(sender), Some(old), Some(new)) = (sender, old, new)
                && !old.is_same(new)
            {
                sender.send_replace(new.config.clone());
            }
        }
    }
}
