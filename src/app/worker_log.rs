//! One log line, the counters and the spans for what happens in a worker. The lines go by the name of the app, on whatever page they are
//! written.

use std::sync::Arc;

use crate::clock;
use crate::logs::about;
use crate::metrics::Metrics;
use crate::telemetry::Tracer;
use crate::worker::WorkerEvent;
use crate::worker::run::Tell;
use scanhook_core::about::About;
use scanhook_core::obstacles::TlsFault;

/// The target of these lines.
const APP: &str = "scanhook::app";

/// One log line and the counters for what happens in a worker, and a span for each call.
pub(super) fn tell(metrics: Arc<Metrics>, tracer: Tracer) -> Arc<Tell> {
    Arc::new(move |tenant, happened| {
        for what in happened {
            metrics.happened(tenant, what);
            if let WorkerEvent::Called { api, answer, took } = what {
                tracer.call((tenant, api.code()), answer, *took, clock::now());
            }
            log_scans(tenant, what);
        }
    })
}

/// The log line for what happens to scans and decisions.
fn log_scans(tenant: &str, what: &WorkerEvent) {
    match what {
        WorkerEvent::Sent { about, kind, .. } => {
            about!(target: APP, info, about, %kind, "scan sent")
        }
        WorkerEvent::Answered { about, kind, what } => {
            about!(target: APP, info, about, %kind, what, "scan call answered")
        }
        WorkerEvent::Ended {
            about,
            kind,
            outcome,
            ..
        } => about!(target: APP, info, about, %kind, %outcome, "scan over"),
        WorkerEvent::Expired { count, decisions } => {
            for one in decisions {
                about!(
                    target: APP,
                    warn,
                    one,
                    state = "dropped",
                    reason = "expired",
                    "a held decision expired"
                );
            }
            tracing::warn!(
                target: APP,
                tenant,
                count,
                "held decisions expired: nobody answered in time"
            )
        }
        WorkerEvent::CalledOff { about, what } => {
            about!(target: APP, info, about, what, "calling a scan off")
        }
        WorkerEvent::Decided {
            about,
            state,
            reason,
            why,
            answered: true,
        } => {
            about!(target: APP, info, about, %state, %reason, why, "decided by the directory's answer");
        }
        WorkerEvent::Decided {
            about,
            state,
            reason,
            why,
            answered: false,
        } => {
            about!(target: APP, info, about, %state, %reason, why, "decided without an answer of the directory");
        }
        what => log_worker(tenant, what),
    }
}

/// The log line for what happens to a worker itself: its calls, its token, its clock.
fn log_worker(tenant: &str, what: &WorkerEvent) {
    match what {
        WorkerEvent::Called { api, answer, took } => {
            tracing::debug!(target: APP, tenant, %api, answer, ms = took.as_millis(), "call ended");
        }
        WorkerEvent::Unreachable {
            side,
            address,
            code,
            proxy,
            tls,
        } => {
            let (proxy, tls) = (proxy.as_deref(), tls.map(TlsFault::code));
            tracing::warn!(target: APP, tenant, %side, address, code, proxy, tls, "the far side cannot be reached: what needs it waits");
        }
        WorkerEvent::Reached {
            side,
            address,
            after,
        } => {
            tracing::info!(target: APP, tenant, %side, address, seconds = after.as_secs(), "the far side is reachable again");
        }
        WorkerEvent::Token {
            audience,
            tenant_id,
            roles,
            expires,
        } => {
            tracing::info!(target: APP, tenant, audience, tenant_id, ?roles, %expires, "token granted");
        }
        WorkerEvent::Awaited { code, why } => {
            tracing::warn!(target: APP, tenant, code, why, "no token can be asked for yet: what needs one waits");
        }
        WorkerEvent::Paused { until } => {
            tracing::warn!(target: APP, tenant, %until, "Defender asks to wait")
        }
        WorkerEvent::Lowered {
            api,
            per_minute,
            per_hour,
        } => {
            tracing::warn!(target: APP, tenant, %api, per_minute, per_hour, "others use this app's quota: the share is lowered for a while");
        }
        WorkerEvent::ClockSet { by, restarted } => {
            tracing::warn!(
                target: APP,
                tenant,
                ms = by,
                restarted,
                "the computer's clock was set: waits and quota windows go on as they were"
            );
        }
        WorkerEvent::ClocksDiffer { ahead } => {
            tracing::warn!(
                target: APP,
                tenant,
                ms_ahead = ahead,
                "Defender's clock and this machine's differ by more than 5 minutes"
            );
        }
        WorkerEvent::Stopped { code, why } => {
            tracing::error!(target: APP, tenant, code, why, "nothing is sent for this tenant")
        }
        WorkerEvent::Alarm { code, about } => log_alarm(tenant, code, about.as_deref()),
        // Told of scans and decisions.
        WorkerEvent::Sent { .. }
        | WorkerEvent::Answered { .. }
        | WorkerEvent::Ended { .. }
        | WorkerEvent::Expired { .. }
        | WorkerEvent::CalledOff { .. }
        | WorkerEvent::Decided { .. } => {}
    }
}

/// The log line for an answer that should not be, with what it is about, where that is known.
fn log_alarm(tenant: &str, code: &str, about: Option<&About>) {
    match about {
        Some(about) => {
            about!(target: APP, error, about, code, "Defender answered what it should not")
        }
        None => tracing::error!(target: APP, tenant, code, "Defender answered what it should not"),
    }
}
