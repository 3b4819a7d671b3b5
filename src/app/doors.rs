//! What stands behind the two listeners: the one way in for deliveries, the routers, and what each listener grants.

use core::time::Duration;
use std::sync::Arc;

use axum::Router;
use tokio::sync::watch;

use super::Parts;
use super::exports::trace_delivery;
use crate::activation::Renewed;
use crate::clock;
use crate::in_force::Current;
use crate::in_force::door::Sources;
use crate::intake::{Intake, Readers};
use crate::keyrings::IssuerKeys;
use crate::server::access::RefusedCredentials;
use crate::server::admin;
use crate::server::descriptors;
use crate::server::handshake::{DoorTls, TellHandshake};
use crate::server::limits::Limits;
use crate::server::listener::Entrance;
use crate::server::reception::{Reception, Refusals};
use crate::server::refusal::HttpError;
use crate::server::state::Admin;
use crate::server::subscribers::Subscribers;
use crate::server::traces::Traces;
use crate::server::webhook::{self, Answered, Door};
use crate::settings::TrustedProxies;

/// Connections of the admin listener.
const ADMIN_CONNECTIONS: usize = 256;

impl Parts<'_> {
    /// The one way in for deliveries.
    pub(super) fn intake(&self, current: Current, keys: IssuerKeys) -> Arc<Intake> {
        Arc::new(Intake {
            current,
            journal: self.journal.clone(),
            keys,
            readers: Readers::default(),
        })
    }

    /// The public listener and the admin listener, each with the TLS that it has, and what is asked at the latter.
    pub(super) fn entrances(
        &self,
        sources: watch::Receiver<Sources>,
        intake: Arc<Intake>,
        [tls, admin_tls]: [Option<Renewed>; 2],
    ) -> (Admin, [Entrance; 2]) {
        let traces = Arc::new(Traces::default());
        let (asked, [(public, limits), (admin, admin_limits)]) =
            self.doors(sources, intake, &traces);
        let refused: Arc<TellHandshake> =
            Arc::new(move |address, fault| traces.handshake(address, fault, clock::now()));
        let secured = |config: Option<Renewed>| {
            let refused = refused.clone();
            config.map(|config| DoorTls { config, refused })
        };
        let public = Entrance {
            router: public,
            limits,
            proxies: self.settings.server.trusted_proxies.clone(),
            tls: secured(tls),
        };
        let admin = Entrance {
            router: admin,
            limits: admin_limits,
            proxies: match self.settings.admin.behind_proxy {
                true => self.settings.server.trusted_proxies.clone(),
                false => TrustedProxies::default(),
            },
            tls: secured(admin_tls),
        };
        (asked, [public, admin])
    }

    /// For the public listener and the admin listener: what they lead to, and what they grant.
    fn doors(
        &self,
        sources: watch::Receiver<Sources>,
        intake: Arc<Intake>,
        traces: &Arc<Traces>,
    ) -> (Admin, [(Router, Limits); 2]) {
        let refusals = Arc::new(Refusals::default());
        let reception = Reception {
            intake: intake.clone(),
            metrics: self.metrics.clone(),
            refusals: refusals.clone(),
            heard: self.heard.clone(),
        };
        let before = reception.clone();
        let public = webhook::router(
            self.door(sources, traces.clone()),
            move |head| before.before_body(head),
            move |arrived| reception.clone().accept(arrived),
        );
        let asked = Admin {
            journal: self.journal.clone(),
            intake,
            metrics: self.metrics.clone(),
            refusals,
            traces: traces.clone(),
            heard: self.heard.clone(),
            ready: self.ready.clone(),
            started: clock::now(),
            reloads: self.reloads.clone(),
            summaries: Arc::default(),
            openid: self.openid.clone(),
            credentials: Arc::new(RefusedCredentials::new(self.settings.server.auth_failures)),
            subscribers: Subscribers::default(),
            stopping: self.stopping.clone(),
            membership: self.membership,
        };
        let admin = admin::router(asked.clone());
        let limits = self.limits(traces);
        // Loopback is one address.
        let admin_limits = Limits {
            per_address: ADMIN_CONNECTIONS,
            total: ADMIN_CONNECTIONS,
            half_close: false,
            ..limits
        };
        (asked, [(public, limits), (admin, admin_limits)])
    }

    /// What the public listener grants; no more connections than files may be open.
    fn limits(&self, traces: &Traces) -> Limits {
        let wanted = self.settings.server.connections;
        let total = descriptors::connections(wanted.total + ADMIN_CONNECTIONS)
            .saturating_sub(ADMIN_CONNECTIONS);
        let total = total.clamp(1, wanted.total);
        if total < wanted.total {
            traces.warn(format!(
                "{total} connections at once instead of the {} of `[server] connections.total`: this process may not open \
                 more files; raise the limit (LimitNOFILE, ulimit -n)",
                wanted.total
            ));
        }
        let per_address = wanted.per_address.min(total);
        Limits {
            grace: self.settings.server.grace,
            per_address,
            total,
            ..Limits::default()
        }
    }

    fn door(&self, sources: watch::Receiver<Sources>, traces: Arc<Traces>) -> Door {
        let (metrics, tracer) = (self.metrics.clone(), self.tracer.clone());
        Door {
            sources,
            body_deadline: Duration::from_secs(10),
            failures: self.settings.server.auth_failures,
            body_memory: self.settings.server.body_memory,
            ready: self.ready.clone(),
            mono: Arc::new(clock::mono),
            told: Arc::new(move |answered: Answered<'_>| {
                let refused = answered.refusal.map(HttpError::code);
                metrics.answered(answered.source, answered.status.as_u16(), refused);
                traces.answered(&answered, clock::now());
                trace_delivery(&tracer, &answered);
            }),
        }
    }
}
