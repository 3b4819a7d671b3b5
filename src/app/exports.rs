//! What goes to a collector: the loop that sends it, what it is given, and the deliveries among it.

use std::net::SocketAddr;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Parts;
use crate::clock;
use crate::defender::client::Client;
use crate::in_force::Current;
use crate::metrics::Exposition;
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use crate::server::webhook::Answered;
use crate::telemetry::export::Exporter;
use crate::telemetry::{Origin, SpanQueue, TracedDelivery, TracedStorage, Tracer};

impl Parts<'_> {
    /// Starts the loop that sends: what waits in the queue, and metrics as the admin listener shows them.
    pub(super) fn export(
        &self,
        tasks: &mut JoinSet<&'static str>,
        (client, current, queue): (watch::Receiver<Client>, Current, SpanQueue),
        (public, asked): (SocketAddr, Admin),
    ) {
        let host = rustix::system::uname();
        let origin = Origin {
            host: host.nodename().to_string_lossy().into_owned(),
            port: public.port(),
            since: clock::now(),
        };
        let exporter = Exporter {
            current,
            client,
            queue,
            metrics: self.metrics.clone(),
            origin,
            scrape: move || {
                let asked = asked.clone();
                async move { asked.exposition(Exposition::Classic).await.ok() }
            },
            stop: self.stopping.clone(),
        };
        tasks.spawn(exporter.run());
    }
}

/// A span for an answer of the public listener, where the path belongs to a source.
pub(super) fn trace_delivery(tracer: &Tracer, answered: &Answered<'_>) {
    let (Some(source), Some(request)) = (answered.source, answered.request) else {
        return;
    };
    let now = clock::mono();
    let stored = answered.stored.map(|stored| TracedStorage {
        delivery: &stored.id,
        parent: request.parent,
        waited: stored.commit.done.saturating_sub(stored.commit.begun),
        ago: now.saturating_sub(stored.commit.done),
    });
    let delivery = TracedDelivery {
        source,
        method: request.method.as_str(),
        status: answered.status.as_u16(),
        refused: answered.refusal.map(HttpError::code),
        took: now.saturating_sub(request.begun),
        stored,
    };
    tracer.delivery(&delivery, clock::now());
}
